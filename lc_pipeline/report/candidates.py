"""Sections about the candidates: their ranked list, and each one by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from astropy.table import Row, Table
from astropy.timeseries import TimeSeries

from lc_pipeline.analysis.plots import plot_folded, plot_lightcurve, plot_periodogram
from lc_pipeline.analysis.plots.points import points_of
from lc_pipeline.report.content import Content
from lc_pipeline.report.html import Cell, Html, anchor, join, picture, table, tag
from lc_pipeline.report.models import Model, fourier_models
from lc_pipeline.report.thumbnails import thumbnail
from lc_pipeline.report.words import cell, counted, head, is_known, sexagesimal, with_unit, written

#: Inches; as wide as half a page, so that the letters stay legible on a phone.
SIZE = (6.4, 3.8)
SEARCH_ARCSEC = 5
#: A period with a higher false-alarm probability is none.
MOST_FAP = 0.01
#: Columns that are told in words, or by the heading.
_TOLD = ("rank", "object", "ra", "dec", "reason", "vetoes")
_COEFFICIENT = r"[ab]\d+_"
_PERIOD_TOLD = ("object", "ra", "dec", "frequency", "alias", "fap_method")


@dataclass(frozen=True)
class Candidate:
    """One candidate, with all that is known of it."""

    row: Row
    rank: int
    rows: TimeSeries | None
    """Its light curve; None if the store does not have it."""
    period_row: Row | None

    @property
    def key(self) -> str:
        """Key of the object."""
        return str(self.row["object"])

    @property
    def period(self) -> float | None:
        """Days; None where noise alone would have one as good."""
        row = self.period_row
        if row is None or ("fap" in row.colnames and float(row["fap"]) > MOST_FAP):
            return None
        return float(row["period"])

    @property
    def epoch_of_maximum(self) -> float | None:
        """Time of phase 0, if it was found with the period."""
        row = self.period_row
        if row is None or "epoch_of_maximum" not in row.colnames:
            return None
        return float(row["epoch_of_maximum"]) if is_known(row["epoch_of_maximum"]) else None


def candidates_of(content: Content) -> list[Candidate]:
    """Read what the report shows of each candidate, best first."""
    found = []
    for number, row in enumerate(content.candidates if content.candidates is not None else ()):
        key = str(row["object"])
        rank = int(row["rank"]) if "rank" in row.colnames else number + 1
        period_row = content.period_row(key)
        if period_row is None and "period" in row.colnames and is_known(row["period"]):
            period_row = row
        found.append(Candidate(row, rank, content.lightcurve(key), period_row))
    return found


def ranked_list(content: Content, candidates: list[Candidate]) -> Html:
    """List the candidates with small light curves, each linked to its section."""
    ranked = content.tables.get("variable_candidates")
    if ranked is None:
        return tag("p", "There is no table of candidates: nobody has looked for variables yet.",
                   class_="absent")  # fmt: skip
    notes = [tag("p", str(note), class_="note") for note in ranked.meta.get("notes", ())]
    if not len(ranked):
        return join([tag("p", "No object stands out as variable.", class_="absent"), *notes])
    names = _listed_columns(ranked)
    heads = [("#", "rank"), ("object", "")]
    heads += [("light curve", "the measurement with most values"), ("folded", "with its period")]
    heads += [head(ranked[name]) for name in names]
    periods = content.table("periods")
    if periods is not None and "period" not in names:
        heads += [head(periods["period"])]
    heads += [("why", "reason"), ("doubts", "vetoes")]
    body = [
        _list_row(one, names, with_period=periods is not None and "period" not in names)
        for one in candidates
    ]
    left = len(ranked) - len(candidates)
    words = f"{counted(len(ranked), 'candidate')}, best first."
    if left:
        words += f" The first {len(candidates):,} are shown; all are in the table of candidates."
    listed = table(heads, body, "candidates", class_="candidates")
    return join([tag("p", words), *notes, listed])


def _listed_columns(ranked: Table) -> list[str]:
    """The score, the period, and the first brightness and amplitude."""
    names = [name for name in ("score", "period") if name in ranked.colnames]
    for kinds in ("median_", ("amplitude_", "robust_amplitude_")):
        names += [name for name in ranked.colnames if name.startswith(kinds)][:1]
    return names


def _list_row(one: Candidate, names: list[str], *, with_period: bool) -> list[str | Cell]:
    pictures: list[str | Cell] = ["", ""]
    if one.rows is not None:
        pictures[0] = Cell(thumbnail(one.rows) or "")
        if one.period:
            pictures[1] = Cell(thumbnail(one.rows, one.period, one.epoch_of_maximum or 0.0) or "")
    row: list[str | Cell] = [
        Cell(str(one.rank), float(one.rank)),
        Cell(tag("a", one.key, href=f"#{anchor(one.key)}")),
        *pictures,
        *(cell(one.row, name) for name in names),
    ]
    if with_period:
        is_told = one.period_row is not None and one.period is not None
        row.append(cell(one.period_row, "period") if is_told else "")
    return [*row, _text(one.row, "reason"), _text(one.row, "vetoes")]


def candidate_section(content: Content, one: Candidate) -> Html:
    """Tell all about one candidate."""
    reason, doubts = _text(one.row, "reason"), _text(one.row, "vetoes")
    return tag(
        "section",
        tag("h3", tag("span", f"{one.rank}", class_="rank"), " ", one.key),
        _place(one.row),
        tag("p", f"{reason[0].upper()}{reason[1:]}.") if reason else None,
        tag("p", tag("b", "Doubts: "), doubts, class_="doubts") if doubts else None,
        _period_words(one),
        _pictures(content, one),
        tag(
            "details",
            tag("summary", "All numbers"),
            _numbers(one),
        ),
        tag("p", tag("a", "↑ all candidates", href="#candidates"), class_="back"),
        id=anchor(one.key),
        class_="candidate",
    )


def _text(row: Row, name: str) -> str:
    return str(row[name]) if name in row.colnames and is_known(row[name]) else ""


def _place(row: Row) -> Html:
    """Say where it is, and link to what is known of the place."""
    ra, dec = float(row["ra"]), float(row["dec"])
    place = f"{ra:.6f} {dec:+.6f}"
    query = {"Coord": place, "Radius": SEARCH_ARCSEC, "Radius.unit": "arcsec"}
    simbad = f"https://simbad.cds.unistra.fr/simbad/sim-coo?{urlencode(query)}"
    cone = {"-c": place, "-c.rs": SEARCH_ARCSEC}
    vizier = "https://vizier.cds.unistra.fr/viz-bin/VizieR-4?"
    links = {
        "SIMBAD": simbad,
        "VizieR": vizier + urlencode(cone),
        "VSX": vizier + urlencode({"-source": "B/vsx/vsx"} | cone),
        "Gaia DR3": vizier + urlencode({"-source": "I/355/gaiadr3"} | cone),
    }
    linked = [
        tag("a", name, href=address, rel="noopener noreferrer") for name, address in links.items()
    ]
    return tag("p", f"{place} deg (ICRS), {sexagesimal(ra, dec)}. Look up: ",
               join(linked, ", "), class_="place")  # fmt: skip


def _period_words(one: Candidate) -> Html | None:
    """Say the period, how sure it is, and what it may be instead."""
    row = one.period_row
    if row is None:
        return None
    name = "Period" if one.period else "No significant period: the highest peak is at"
    said = [f"{name} {with_unit(row, 'period')}"]
    if "period_err" in row.colnames and is_known(row["period_err"]):
        said[0] += f" ± {written(row['period_err'], 'fap')}"
    if "fap" in row.colnames and is_known(row["fap"]):
        method = _text(row, "fap_method")
        said.append(
            f"false-alarm probability {_probability(row)}" + (f" ({method})" if method else "")
        )
    words = f"{', '.join(said)}. "
    others = [
        name
        for name in row.colnames
        if name.startswith("period_") and name[7:].isdigit() and is_known(row[name])
    ]
    if others:
        words += f"Other peaks: {', '.join(_other_peak(row, name) for name in others)}. "
    alias = _text(row, "alias")
    warning = tag("b", f"It may be an alias: {alias}.", class_="warning") if alias else None
    return tag("p", words, warning)


def _probability(row: Row) -> str:
    """Write the false-alarm probability, which may be too small for a float."""
    if row["fap"] == 0 and "log10_fap" in row.colnames and is_known(row["log10_fap"]):
        return f"1e{float(row['log10_fap']):.0f}"
    return written(row["fap"], "fap")


def _other_peak(row: Row, name: str) -> str:
    """Write a further period, and what it has to do with the first."""
    kinship = _text(row, f"alias_{name.removeprefix('period_')}")
    return with_unit(row, name) + (f" ({kinship})" if kinship else "")


def _pictures(content: Content, one: Candidate) -> Html:
    if one.rows is None:
        return tag("p", "The store has no object of this name.", class_="absent")
    keys = content.drawn_keys
    figures = [
        picture(
            plot_lightcurve(one.rows, measurement_keys=keys, size=SIZE, is_fitted=False),
            f"Light curve of {one.key}{_with_limits(one.rows, keys)}.",
        )
    ]
    if one.period:
        figure = plot_folded(
            one.rows,
            one.period,
            one.epoch_of_maximum,
            models=_models(one, keys),
            measurement_keys=keys,
            size=SIZE,
            is_fitted=False,
        )
        said = f"{one.key} folded with {written(one.period, 'period')} d, twice over."
        figures.append(picture(figure, said))
    found = content.periodogram(one.key) if content.periodogram else None
    if found is not None:
        figures.append(
            picture(
                plot_periodogram(found, size=SIZE, is_fitted=False), f"Periodogram of {one.key}."
            )
        )
    left = len(content.measurement_keys) - len(keys)
    note = f"{counted(left, 'measurement')} {'is' if left == 1 else 'are'} not drawn."
    return join(
        [tag("div", *figures, class_="pictures"), tag("p", note, class_="note") if left else None]
    )


def _with_limits(rows: TimeSeries, keys: list[str]) -> str:
    """Say how many arrows there are."""
    n = sum(int(points.is_limit.sum()) for points in points_of(rows, keys))
    return f", with {counted(n, 'upper limit')} where nothing was measured" if n else ""


def _models(one: Candidate, keys: list[str]) -> dict[str, Model]:
    if one.period_row is None or one.epoch_of_maximum is None:
        return {}
    return fourier_models(one.period_row, keys, one.epoch_of_maximum)


def _numbers(one: Candidate) -> Html:
    """Every column of the candidate's rows, by name, with unit and description."""
    pairs = [(one.row, name) for name in one.row.colnames if name not in _TOLD]
    if one.period_row is not None:
        pairs += [
            (one.period_row, name)
            for name in one.period_row.colnames
            if name not in _PERIOD_TOLD
            and name not in one.row.colnames
            and not re.match(_COEFFICIENT, name)
        ]
    entries = [
        tag(
            "div",
            tag("dt", name, title=row.table[name].description or None),
            tag("dd", with_unit(row, name)),
        )
        for row, name in pairs
    ]
    return tag("dl", *entries)
