"""Sections about the survey as a whole: what went in, its epochs, its objects."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from astropy.table import Table
from astropy.time import Time

from lc_pipeline.analysis.plots import (
    plot_coverage,
    plot_epoch_quality,
    plot_index,
    plot_sky,
    plot_zero_points,
)
from lc_pipeline.analysis.plots.brightness import brightness_column, threshold_line
from lc_pipeline.report.content import Content
from lc_pipeline.report.html import MANY_COLOURS, Cell, Html, join, picture, table, tag
from lc_pipeline.report.words import MISSING, counted, duration, written

#: With more measurements than this, columns for each of them would make a table unreadable.
MOST_COLUMNS = 4
#: Inches: half a page, so that the letters stay legible on a phone.
WIDTH = 6.4


def what_went_in(content: Content) -> Html:
    """Say how much there is, from when, and what was refused or looks odd."""
    dataset = content.dataset
    sources, matched = (int(dataset[name].sum()) for name in ("n_sources", "n_matched"))
    ranked = content.tables.get("variable_candidates")
    tiles = [
        (f"{dataset.sizes['epoch']:,}", "epochs"),
        (f"{dataset.sizes['object']:,}", "objects"),
        (f"{sources:,}", "detections"),
        (f"{100 * matched / sources:.1f} %" if sources else MISSING, "of them matched"),
        (MISSING if ranked is None else f"{len(ranked):,}", "candidates"),
    ]
    numbers = [tag("div", tag("b", number), tag("span", what)) for number, what in tiles]
    keys = [
        f"{key} ({', '.join(filter(None, (str(quantity), str(unit) if unit != quantity else '')))})"
        for key, quantity, unit in zip(
            content.measurement_keys,
            dataset["quantity"].values,
            dataset["unit"].values,
            strict=True,
        )
    ]
    return join(
        [
            tag("div", *numbers, class_="tiles"),
            tag("p", time_range(content)),
            tag("p", f"Measurements: {', '.join(keys)}."),
            _odd(content),
        ]
    )


def time_range(content: Content) -> str:
    """Say from when to when the survey was observed.

    Dates are those of the clock that the times are of, as the store has it.
    """
    time = content.dataset["time"]
    known = time.values[np.isfinite(time.values)]
    if not len(known):
        return "There is no epoch with a time."
    scale = str(time.attrs.get("scale", "utc"))
    first, last = Time([known.min(), known.max()], format="mjd", scale=scale).strftime("%Y-%m-%d")
    span = float(np.ptp(known))
    days = first if first == last else f"{first} to {last}"
    length = f", {duration(span)}" if span else ""
    return f"Observed {days} (MJD {known.min():.5f} to {known.max():.5f} {scale.upper()}{length})."


def _odd(content: Content) -> Html:
    """List refused epochs and findings, by epoch."""
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for epoch, reason in content.refused.items():
        lines[epoch].append(f"refused: {reason}")
    for finding in content.findings:
        lines[finding.epoch].append(finding.text)
    if not lines:
        return tag("p", "No epoch was refused, and none looks odd.")
    items = [
        tag("li", tag("b", epoch), f": {'; '.join(texts)}")
        for epoch, texts in list(lines.items())[:200]
    ]
    n_odd = len({finding.epoch for finding in content.findings})
    heading = f"{counted(len(content.refused), 'epoch')} refused, {n_odd:,} that look odd"
    few = len(lines) <= 10  # noqa: PLR2004
    return tag("details", tag("summary", heading), tag("ul", *items), open=few)


def epochs(content: Content) -> Html:
    """Quality of every epoch: plots and a table."""
    if not content.dataset.sizes["epoch"]:
        return tag("p", "There are no epochs yet.")
    n_odd = len({finding.epoch for finding in content.findings})
    parts: list[Html] = [
        picture(
            plot_epoch_quality(content.dataset, width=WIDTH),
            "How much of each epoch's catalogue was matched to an object"
            + (", and by how much the epoch was shifted." if _is_shifted(content) else "."),
        ),
        _zero_points(content),
        _coverage(content),
    ]
    words = f"{counted(n_odd, 'epoch')} of {content.dataset.sizes['epoch']:,} with remarks."
    return join(
        [
            tag("div", *parts, class_="pictures"),
            tag("h3", "All epochs"),
            tag("p", words),
            epoch_table(content),
        ]
    )


def _is_shifted(content: Content) -> bool:
    return bool((content.dataset["n_offset_pairs"] > 0).any())


def _zero_points(content: Content) -> Html:
    found = content.table("zero_points")
    if found is None:
        return tag("p", "There is no table of zero points: brightnesses are as in the catalogues, "
                        "and what the air did is still in them.", class_="absent")  # fmt: skip
    shown = content.drawn_keys
    return picture(
        plot_zero_points(
            found, [key for key in shown if key in set(found["measurement"])], width=WIDTH
        ),
        "Zero point of each epoch, in the sense raw minus calibrated: the lower, the less light "
        "came through. Below it, how far the stars it rests on scatter around it.",
    )


def _coverage(content: Content) -> Html:
    found = content.table("coverage")
    if found is None:
        return tag("p", "There is no table of the coverage.", class_="absent")
    return picture(
        plot_coverage(
            found, content.measurement_keys, content.dataset.sizes["object"], width=WIDTH
        ),
        "How many objects have a good value in each epoch and measurement.",
        colours=MANY_COLOURS,
    )


def epoch_table(content: Content) -> Html:
    """List the epochs; of very many those of which least was matched."""
    dataset, most = content.dataset, content.settings.epochs
    columns = {
        name: dataset[name].values
        for name in ("time", "n_sources", "n_matched", "offset_east", "offset_north")
    }
    n_sources = np.maximum(columns["n_sources"], 1)
    fraction = 100.0 * columns["n_matched"] / n_sources
    keys = [str(key) for key in dataset["epoch"].values]
    shown = np.arange(len(keys))
    if len(keys) > most:
        shown = np.sort(np.argsort(fraction, kind="stable")[:most])
    per_measurement = _per_measurement(content)
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for finding in content.findings:
        texts[finding.epoch].append(finding.text)
    heads = [("epoch", ""), ("MJD", "time of mid-exposure"), ("sources", "detections"),
             ("matched", "detections matched to an object"), ("matched (%)", "")]  # fmt: skip
    if _is_shifted(content):
        heads += [("offset (arcsec)", "shift removed before matching, east and north")]
    heads += [(name, words) for name, words, _, _ in per_measurement]
    heads += [("remarks", "what looks odd")] if texts else []
    rows = []
    for number in shown:
        row: list[str | Cell] = [keys[number], _number(columns["time"][number], "time")]
        row += [_number(columns[name][number]) for name in ("n_sources", "n_matched")]
        row += [Cell(f"{fraction[number]:.1f}", float(fraction[number]))]
        if _is_shifted(content):
            east, north = (float(columns[name][number]) for name in ("offset_east", "offset_north"))
            row += [Cell(f"{east:+.2f} {north:+.2f}", float(np.hypot(east, north)))]
        row += [
            _number(values.get(keys[number]), unit=unit) for _, _, values, unit in per_measurement
        ]
        row += ["; ".join(texts[keys[number]])] if texts else []
        rows.append(row)
    left = len(keys) - len(shown)
    note = tag("p", f"Shown are the {len(shown):,} epochs of which least was matched; {left:,} "
                    f"more are in the table coverage.") if left else None  # fmt: skip
    return join([note, table(heads, rows, "all epochs", class_="compact")])


def _per_measurement(content: Content) -> list[tuple[str, str, dict[str, object], str]]:
    """Columns for each measurement, if they are few: heads, values by epoch, and unit."""
    found: list[tuple[str, str, dict[str, object], str]] = []
    if len(content.measurement_keys) > MOST_COLUMNS:
        return found
    coverage, zero_points = content.table("coverage"), content.table("zero_points")
    for key in content.measurement_keys:
        if coverage is not None and f"n_{key}" in coverage.colnames:
            values = _by_epoch(coverage, f"n_{key}")
            found.append((f"n {key}", f"objects with a good value in {key}", values, ""))
        if zero_points is not None:
            of_key = zero_points[np.asarray(zero_points["measurement"]).astype(str) == key]
            values = _by_epoch(of_key, "zero_point")
            found.append(
                (f"zero point {key} (mag)", f"raw minus calibrated, in {key}", values, "mag")
            )
    return found


def _by_epoch(rows: Table, name: str) -> dict[str, object]:
    return dict(zip((str(key) for key in rows["epoch"]), rows[name], strict=True))


def _number(value: object, name: str = "", unit: str = "") -> Cell:
    said = written(value, name, unit)
    return Cell(said, float(value) if said != MISSING else None)  # type: ignore[arg-type]


def variability(content: Content) -> Html:
    """Indices against brightness, with the candidates marked."""
    statistics = content.table("variability_statistics")
    if statistics is None:
        return tag("p", "There is no table of variability statistics.", class_="absent")
    keys = [key for key in content.drawn_keys if brightness_column(statistics, key)]
    ranked = content.table("variable_candidates")
    pictures = []
    for index in content.settings.indices:
        shown = [key for key in keys if f"{index}_{key}" in statistics.colnames]
        if not shown:
            continue
        words = _described(statistics, f"{index}_{shown[0]}", index)
        lines = _thresholds(statistics, ranked, index, shown)
        for key in shown:
            figure = plot_index(
                statistics, index, [key], ranked, thresholds=lines, panel_size=(WIDTH, 3.6)
            )
            said = f"{words[:1].upper()}{words[1:]} of each object in {key}, over its brightness"
            said += ", with the candidates marked." if ranked is not None else "."
            pictures.append(picture(figure, said, colours=MANY_COLOURS))
    if not pictures:
        said = ", ".join(content.settings.indices)
        return tag("p", f"The statistics have none of the indices {said}.", class_="absent")
    return tag("div", *pictures, class_="pictures")


def _described(statistics: Table, column: str, index: str) -> str:
    """What an index is called, without the measurement that its description ends with."""
    words = str(statistics[column].description or index.replace("_", " "))
    return words.partition(",")[0].partition(";")[0]


def _thresholds(
    statistics: Table, ranked: Table | None, index: str, keys: list[str]
) -> dict[str, np.ndarray]:
    """Lines above which candidates were looked for, where their table says it."""
    said = {} if ranked is None else ranked.meta.get("thresholds", {})
    lines = {}
    for key in keys:
        name = f"{index}_{key}_z"
        if name in said and name in statistics.colnames:
            columns = (brightness_column(statistics, key), f"{index}_{key}", name)
            values = [np.asarray(statistics[column], dtype=float) for column in columns]
            lines[key] = threshold_line(values[0], values[1], values[2], float(said[name]))
    return lines


def sky(content: Content) -> Html:
    """Where the objects are."""
    ranked = content.candidates
    said = "All objects" + (", with the best candidates marked." if ranked is not None else ".")
    figure = plot_sky(content.dataset, ranked, size=(6.5, 5))
    return tag("div", picture(figure, said, colours=MANY_COLOURS), class_="pictures")
