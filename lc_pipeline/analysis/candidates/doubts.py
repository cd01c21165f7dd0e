"""Reasons to doubt a candidate: what else than the object may have made the signal.

Each function takes the candidates and gives, for each, a sentence, or an empty text. A doubted
candidate stays in the table, below those that nothing speaks against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray
from scipy.spatial import KDTree

from lc_pipeline.analysis.candidates.columns import brightness, numbers, texts, unit_of
from lc_pipeline.analysis.candidates.evidence import N_PEAKS, LightcurveEvidence
from lc_pipeline.analysis.candidates.scoring import Scores, variability_scores
from lc_pipeline.analysis.candidates.usual import usual_at_brightness
from lc_pipeline.sky.geometry import ARCSEC_PER_RADIAN, chord_length, unit_vectors
from lc_pipeline.survey import CandidatesSection, Veto

Floats = NDArray[np.float64]

#: A neighbour fainter by more than this adds less than a tenth to the light.
_FAINT_NEIGHBOUR_MAG = 2.5
#: How much more often than others an object may lie outside of what was observed.
_MOST_OFTEN_OUTSIDE = 0.2
#: Where more than this part of the objects lie outside as often, that is no edge.
_PART_OF_FIELD = 0.25
#: Seen in less of the survey's time than this.
_LEAST_SPAN = 0.5
_MOSTLY = 0.7
#: A correlation is believed from so many standard errors on.
_LEAST_T = 5.0
#: The bright end is doubted where the usual scatter is so many times that of fainter objects.
_SATURATED_RISE = 2.0
#: So begins what stands in ``alias`` where the data are too short for a period.
TOO_LONG = "fewer than"
_FEWEST_FOR_SATURATION = 200
_FEWEST_OF_A_FIELD = 20
_SCATTERS_MORE = 3.0


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates, and all that is known to judge them by."""

    rows: NDArray[np.intp]
    """(n_candidates,) their rows in `statistics`."""
    keys: list[str]
    """Measurements."""
    statistics: Table
    scores: Scores
    settings: CandidatesSection
    evidence: LightcurveEvidence | None
    periods: Table | None
    quantities: dict[str, str]
    """``mag`` or ``flux``, per measurement."""
    absolute: Floats
    """(n_candidates,) logarithm of the probability by tests that compare with no other object."""
    by_period: Floats
    """(n_candidates,) the same of a period that is enough by itself; NaN where there is none."""

    @cached_property
    def log_p(self) -> Floats:
        """(n_candidates,)."""
        return self.scores.log_p[self.rows]

    def of(self, name: str) -> Floats:
        """A column of the statistics, of the candidates."""
        return numbers(self.statistics, name)[self.rows]

    def fact(self, name: str) -> Floats:
        """A fact about the light curves, of the candidates; NaN where nothing is known."""
        if self.evidence is None:
            return np.full(len(self.rows), np.nan)
        return numbers(self.evidence.objects, name)[self.rows]

    @cached_property
    def is_periodic(self) -> NDArray[np.bool_]:
        """Whether a candidate has a significant period that is no alias, or changes slowly."""
        if self.periods is None:
            return np.zeros(len(self.rows), dtype=np.bool_)
        fap = numbers(self.periods, "fap")[self.rows]
        alias = [texts(self.periods, "alias")[row] for row in self.rows]
        is_clean = np.array([not one or one.startswith(TOO_LONG) for one in alias], dtype=np.bool_)
        return np.asarray(is_clean & (fap <= self.settings.false_positive_rate))

    @cached_property
    def comes_and_goes(self) -> NDArray[np.bool_]:
        """Whether a candidate was seen in one part of the time, and there always."""
        return np.asarray(
            (self.fact("span") < _LEAST_SPAN)
            & (self.fact("detected_within") > _MOSTLY)
            & (self.fact("n_undetected_outside") >= self.settings.min_points)
        )

    def loses_signal(self, without: Table) -> NDArray[np.bool_]:
        """Whether a candidate would be none by these statistics, with half of its score gone.

        Asked of those that are candidates by comparison with others only.
        """
        limit = np.log(self.settings.false_positive_rate)
        log_p = variability_scores(without, self.settings, without).log_p[self.rows]
        # Where too little is left to be judged, nothing stands without it.
        log_p = np.where(np.isfinite(log_p), log_p, 0.0)
        is_lost = (log_p > limit) & (log_p > self.log_p / 2)
        is_found_otherwise = (self.absolute <= limit) | (self.by_period <= limit)
        return np.asarray(is_lost & ~is_found_otherwise)


def find_doubts(candidates: Candidates) -> list[str]:
    """What speaks against each candidate, in words; empty if nothing does."""
    found = [_DOUBTS[veto](candidates) for veto in _DOUBTS if veto in candidates.settings.vetoes]
    return ["; ".join(filter(None, each)) for each in zip(*found, strict=True)] or (
        [""] * len(candidates.rows)
    )


def blended(candidates: Candidates) -> list[str]:
    """A neighbour within the radius that is bright enough to matter."""
    radius = candidates.settings.blend_radius_arcsec
    words = [""] * len(candidates.rows)
    if not radius or len(candidates.statistics) < 2:  # noqa: PLR2004
        return words
    statistics = candidates.statistics
    vectors = unit_vectors(numbers(statistics, "ra"), numbers(statistics, "dec"))
    is_placed = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    place = {int(row): number for number, row in enumerate(candidates.rows)}
    here = [row for row in candidates.rows.tolist() if np.isfinite(vectors[row]).all()]
    if not here:
        return words
    near = KDTree(vectors[is_placed]).query_ball_point(vectors[here], chord_length(radius))
    names = texts(statistics, "object")
    light = [_magnitudes(candidates, key) for key in candidates.keys]
    for row, neighbours in zip(here, near, strict=True):
        others = is_placed[np.asarray(neighbours, dtype=int)]
        others = others[others != row]
        if not len(others):
            continue
        difference = np.array([magnitude[others] - magnitude[row] for magnitude in light])
        fainter = np.fmin.reduce(difference, axis=0, initial=np.inf)
        fainter = np.where(np.isfinite(fainter), fainter, 0.0)
        nearest = int(np.argmin(fainter))
        if fainter[nearest] < _FAINT_NEIGHBOUR_MAG:
            other = others[nearest]
            apart = np.linalg.norm(vectors[other] - vectors[row]) * ARCSEC_PER_RADIAN
            said = f'blend: {names[other]} is {apart:.1f}" away'
            if candidates.scores.log_p[other] < candidates.scores.log_p[row]:
                said += " and varies more: it may be its light"
            words[place[row]] = said
    return words


def _magnitudes(candidates: Candidates, key: str) -> Floats:
    values = brightness(candidates.statistics, key)
    if candidates.quantities.get(key, "mag") == "mag":
        return values
    return np.asarray(-2.5 * np.log10(np.where(values > 0, values, np.nan)))


def ambiguous(candidates: Candidates) -> list[str]:
    """Too many points whose match was ambiguous or that were duplicates."""
    shares = {key: candidates.fact(f"ambiguous_{key}") for key in candidates.keys}
    return _largest(
        shares, candidates.settings.max_ambiguous,
        "ambiguous: {:.0%} of its points in {} are ambiguous matches or duplicates",
    )  # fmt: skip


def at_the_edge(candidates: Candidates) -> list[str]:
    """Outside of what was observed much more often than others, and than most of the field.

    A part of the field that was left out for some time has no edge.
    """
    if candidates.evidence is None:
        return [""] * len(candidates.rows)
    words = [""] * len(candidates.rows)
    for key in candidates.keys:
        share = numbers(candidates.evidence.objects, f"not_observed_{key}")
        known = share[np.isfinite(share)]
        usual = float(np.median(known)) if len(known) else 0.0
        for number, own in enumerate(share[candidates.rows]):
            if own - usual > _MOST_OFTEN_OUTSIDE and np.mean(known >= own) < _PART_OF_FIELD:
                words[number] = words[number] or (
                    f"edge: not covered in {own:.0%} of the epochs in {key}, half of the objects "
                    f"in at most {usual:.0%}"
                )
    return words


def poorly_covered(candidates: Candidates) -> list[str]:
    """Few points for its brightness, or seen in a part of the survey's time only."""
    shares, counts = [], []
    for key in candidates.keys:
        n = numbers(candidates.statistics, f"n_{key}")
        usual = usual_at_brightness(n, brightness(candidates.statistics, key))
        with np.errstate(invalid="ignore", divide="ignore"):
            shares.append((n / usual)[candidates.rows])
        counts.append(n[candidates.rows])
    span, is_transient = candidates.fact("span"), candidates.comes_and_goes
    words = []
    for number in range(len(candidates.rows)):
        if is_transient[number]:
            words.append("")
            continue
        share = max((one[number] for one in shares if np.isfinite(one[number])), default=np.nan)
        said = []
        if share < candidates.settings.min_coverage:
            points = max(int(one[number]) for one in counts)
            said.append(f"{points} points, {share:.0%} of what similar objects have")
        if span[number] < _LEAST_SPAN:
            said.append(f"seen in {span[number]:.0%} of the survey's time only")
        words.append("coverage: " + ", ".join(said) if said else "")
    return words


def of_suspect_epochs(candidates: Candidates) -> list[str]:
    """Variable by epochs in which many objects are."""
    evidence = candidates.evidence
    if evidence is None or evidence.without_suspects is None:
        return [""] * len(candidates.rows)
    n_suspect = len(set(texts(evidence.epochs[evidence.epochs["is_suspect"]], "epoch")))
    said = f"epochs: nothing remains without {n_suspect} in which many objects are off at once"
    return [said if lost else "" for lost in candidates.loses_signal(evidence.without_suspects)]


def of_few_points(candidates: Candidates) -> list[str]:
    """Variable by one or two outlying epochs."""
    evidence = candidates.evidence
    if evidence is None:
        return [""] * len(candidates.rows)
    lost = candidates.loses_signal(evidence.without_peaks)
    times = numbers(evidence.epochs, "time")
    most = np.max([candidates.of(f"n_{key}") for key in candidates.keys], axis=0)
    is_judged = most - N_PEAKS >= candidates.settings.min_points
    return [
        ""
        if not is_lost
        else _peak_in_words(candidates, number, times)
        if is_judged[number]
        else f"outlier: of {most[number]:.0f} points one or two may be it; too few are left to tell"
        for number, is_lost in enumerate(lost.tolist())
    ]


def _peak_in_words(candidates: Candidates, number: int, times: Floats) -> str:
    limit = candidates.settings.excursion_sigma
    seen: list[tuple[float, str, float, int]] = []
    for place in range(1, N_PEAKS + 1):
        epoch = candidates.fact(f"peak_epoch_{place}")[number]
        for key in candidates.keys:
            sigma = candidates.fact(f"peak_sigma_{place}_{key}")[number]
            if abs(sigma) > limit:
                height = candidates.fact(f"peak_{place}_{key}")[number]
                seen.append((float(sigma), key, float(height), int(epoch)))
    if not seen:
        return f"outlier: nothing remains without the {N_PEAKS} most outlying epochs"
    strongest = max(seen, key=lambda one: abs(one[0]))
    same_sign = [one for one in seen if one[0] * strongest[0] > 0]
    direction = "fainter" if strongest[0] > 0 else "brighter"
    unit = unit_of(candidates.statistics, strongest[1])
    height = f"{abs(strongest[2]):.3g} {unit}".strip()
    when = f"by {height} on MJD {times[strongest[3]]:.4f}"
    in_bands = {one[1] for one in same_sign if one[3] == strongest[3]}
    epochs = {one[3] for one in same_sign}
    if len(in_bands) > 1:
        seen_in = f"in {_listed(sorted(in_bands))} at once: a transient candidate"
    elif len(epochs) > 1 and max(epochs) - min(epochs) == 1:
        seen_in = f"in {strongest[1]}, in two consecutive epochs: a transient candidate"
    elif len(epochs) > 1:
        seen_in = f"in {strongest[1]}, in two epochs: eclipses, or artefacts"
    else:
        seen_in = f"in {strongest[1]}, in one epoch only: more likely an artefact than a transient"
    return f"outlier: the signal is that it is {direction} {when} {seen_in}"


def of_the_cadence(candidates: Candidates) -> list[str]:
    """Periodic with an alias of the cadence; a period that is longer than the data is none."""
    if candidates.periods is None:
        return [""] * len(candidates.rows)
    alias = texts(candidates.periods, "alias")
    period = numbers(candidates.periods, "period")
    return [
        f"alias: the period {period[row]:.6g} d is one of the cadence ({alias[row]})"
        if alias[row] and not alias[row].startswith(TOO_LONG)
        else ""
        for row in candidates.rows
    ]


def saturated(candidates: Candidates) -> list[str]:
    """Many values flagged, or at the bright end, where the usual scatter rises."""
    shares = {}
    for key in candidates.keys:
        n, bad = candidates.of(f"n_{key}"), candidates.of(f"n_excluded_{key}")
        with np.errstate(invalid="ignore", divide="ignore"):
            shares[key] = bad / (n + bad)
    flagged = _largest(
        shares, candidates.settings.max_excluded,
        "saturation: the catalogue flags {:.0%} of its values in {} as bad",
    )  # fmt: skip
    for key in candidates.keys:
        is_bright = _at_the_bright_end(candidates, key)[candidates.rows]
        for number in np.flatnonzero(is_bright):
            flagged[number] = flagged[number] or (
                f"saturation: at the bright end in {key}, where all objects scatter more"
            )
        brightest = _brightest_of_few(candidates, key)
        for place in brightest:
            flagged[place] = flagged[place] or (
                f"saturation: one of the {len(brightest)} brightest objects in {key}, all of "
                f"which scatter more than fainter ones, without a period"
            )
    return flagged


def _brightest_of_few(candidates: Candidates, key: str) -> list[int]:
    """Candidates that are the brightest objects of a small field, two or more without a period.

    So few objects tell nothing of the scatter that is usual at the bright end.
    """
    light = _magnitudes(candidates, key)
    index = numbers(candidates.statistics, f"iqr_{key}_z")
    place = {int(row): number for number, row in enumerate(candidates.rows)}
    order = np.argsort(light)
    order = order[np.isfinite(light[order]) & np.isfinite(index[order])]
    if not _FEWEST_OF_A_FIELD <= len(order) < _FEWEST_FOR_SATURATION:
        return []
    found = []
    for row in order.tolist():
        if row not in place or index[row] < _SCATTERS_MORE:
            break
        if not candidates.is_periodic[place[row]]:
            found.append(place[row])
    return found if len(found) > 1 else []


def _at_the_bright_end(candidates: Candidates, key: str) -> NDArray[np.bool_]:
    """Objects brighter than those that scatter least, where scatter is twice as large again."""
    is_magnitude = candidates.quantities.get(key, "mag") == "mag"
    index = numbers(candidates.statistics, f"iqr_{key}")
    light = _magnitudes(candidates, key)
    usual = usual_at_brightness(index, light)
    if not is_magnitude:
        usual = usual / brightness(candidates.statistics, key)
    known = np.flatnonzero(np.isfinite(usual))
    at_end = np.zeros(len(usual), dtype=np.bool_)
    if len(known) < _FEWEST_FOR_SATURATION:
        return at_end
    quietest = known[np.argmin(usual[known])]
    with np.errstate(invalid="ignore"):
        at_end = (light < light[quietest]) & (usual > _SATURATED_RISE * usual[quietest])
    return np.asarray(at_end)


def of_conditions(candidates: Candidates) -> list[str]:
    """Following all others, the seeing, the zero point or another condition of the epochs."""
    words = [""] * len(candidates.rows)
    if candidates.evidence is None:
        return words
    limit = candidates.settings.max_explained
    for key, share in candidates.evidence.common.items():
        if share > limit:
            said = f"conditions: all objects have {share:.0%} of their variance in {key} in common"
            words = [one or said for one in words]
    for name, label, key in conditions_of(candidates.evidence.objects, candidates.keys):
        explained = candidates.fact(name) ** 2
        freedom = np.maximum(candidates.of(f"n_{key}") - 2, 0)
        is_sure = freedom * explained > _LEAST_T**2 * (1 - explained)
        for number in np.flatnonzero(is_sure & (explained > limit)):
            words[number] = words[number] or (
                f"conditions: follows the {label} in {key} ({explained[number]:.0%} of its "
                f"variance)"
            )
    return words


def conditions_of(facts: Table, keys: list[str]) -> Iterator[tuple[str, str, str]]:
    """Columns that tell how objects follow a condition: their names, conditions, measurements."""
    for name in facts.colnames:
        # The longest key that fits: one may end with another.
        fitting = [key for key in keys if name.startswith("follows_") and name.endswith(f"_{key}")]
        if fitting:
            key = max(fitting, key=len)
            yield name, name[len("follows_") : -len(key) - 1], key


def _largest(shares: dict[str, Floats], limit: float, words: str) -> list[str]:
    """Say the largest share over all measurements, where it exceeds the limit."""
    said = []
    for number in range(len(next(iter(shares.values()), []))):
        share, key = max(
            (
                (float(values[number]), key)
                for key, values in shares.items()
                if np.isfinite(values[number])
            ),
            default=(0.0, ""),
        )
        said.append(words.format(share, key) if key and share > limit else "")
    return said


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


_DOUBTS: dict[Veto, Callable[[Candidates], list[str]]] = {
    "blend": blended,
    "ambiguous": ambiguous,
    "edge": at_the_edge,
    "coverage": poorly_covered,
    "epochs": of_suspect_epochs,
    "outlier": of_few_points,
    "alias": of_the_cadence,
    "saturation": saturated,
    "conditions": of_conditions,
}
