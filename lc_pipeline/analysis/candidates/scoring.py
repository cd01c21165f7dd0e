"""How improbable a constant object is to look as each object does.

Several voices are asked: does it scatter more than objects of its brightness do, do consecutive
points agree, does it make excursions, do two bands vary together? For noise these say nothing of
each other (Basu 1955, Sankhya 15, 377: what does not depend on the scale is independent of it), so
that where they agree, it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray
from scipy.special import bdtrc, log_ndtr, ndtri_exp

from lc_pipeline.analysis.candidates.columns import brightness as brightness_of
from lc_pipeline.analysis.candidates.columns import measurement_keys, numbers, quantity_of
from lc_pipeline.analysis.candidates.combining import of_dependent, of_independent
from lc_pipeline.analysis.candidates.tails import fit_null
from lc_pipeline.analysis.candidates.usual import half_window, usual_at_brightness
from lc_pipeline.analysis.statistics.brightness import judge_by_brightness
from lc_pipeline.analysis.statistics.registry import INDICES, PAIR_INDICES
from lc_pipeline.survey import CandidatesSection

Floats = NDArray[np.float64]
VoiceName = Literal["scatter", "order", "excursions", "together"]

#: Probabilities of discrete counts and of deviates are kept above this.
_LEAST_LOG_P = -1e5
_N_RATE_ROUNDS = 5
#: Where this part of the objects or more, up to half, stands out so much, the rest is the measure.
_FEW_VARIABLES = 0.125
_MOST_VARIABLES = 0.5
_STANDS_OUT = np.log(1e-3)
_MOST_JUDGINGS = 4
#: A scatter from the median absolute deviation of n values is as well known as a standard deviation
#: from this times n.
_MAD_EFFICIENCY = 0.37
#: Known means and errors of g and h for what has been made Gaussian before.
_PRIOR_COMBINED_G = (0.0, 0.06)
_PRIOR_COMBINED_H = (0.0, 0.02)


@dataclass(frozen=True, eq=False)
class Voice:
    """One test of all objects."""

    name: VoiceName
    measurements: tuple[str, ...]
    log_p: Floats
    """(n_objects,) ln of the probability that a constant object shows as much; NaN: silent."""

    @property
    def sigma(self) -> Floats:
        """The same as standard deviations of a Gaussian."""
        return sigma_of(self.log_p)


@dataclass(frozen=True, eq=False)
class Scores:
    """All voices, and what they say together."""

    voices: tuple[Voice, ...]
    log_p: Floats
    """(n_objects,) ln of the probability that a constant object looks as variable."""
    variable: float
    """Fraction of objects that vary, by the fit; NaN where nothing is known."""
    n_judged: int

    @property
    def has_comparison(self) -> bool:
        """Whether there are objects enough to know what constant ones look like."""
        return bool(np.isfinite(self.variable))

    @property
    def score(self) -> Floats:
        """-log10 of the probability."""
        return np.asarray(-self.log_p / np.log(10))


def sigma_of(log_p: Floats) -> Floats:
    """One-sided Gaussian standard deviations of a probability, given its logarithm."""
    return np.asarray(-ndtri_exp(np.minimum(log_p, 0.0)))


def variability_scores(
    statistics: Table, settings: CandidatesSection | None = None, counts: Table | None = None
) -> Scores:
    """Probability of each object under the hypothesis that it is constant.

    The distribution of each index over constant objects is read off the survey
    (:func:`~lc_pipeline.analysis.candidates.tails.fit_null`). Where more than one of eight
    stands out, it is read off the others, and all are judged by them: variables among the
    neighbours would widen what is usual. Indices of one voice and measurement depend on each other
    and are combined by the harmonic mean; voices and measurements by Fisher's method. What comes
    out is compared with the survey once more: what the objects' noise has in common between bands
    and voices is thereby allowed for.

    Parameters
    ----------
    statistics : Table
        From :func:`~lc_pipeline.analysis.statistics.variability_statistics`.
    settings : CandidatesSection, optional
    counts : Table, optional
        With ``n_faint_m`` and ``n_bright_m``, from
        :func:`~lc_pipeline.analysis.candidates.evidence.lightcurve_evidence`; without it the voice
        of excursions is silent.
    """
    settings = settings or CandidatesSection()
    scores = _scores(statistics, settings, counts, None)
    # Variables among the neighbours widen what is usual, here more and there less.
    stands_out = scores.log_p <= _STANDS_OUT
    for _ in range(_MOST_JUDGINGS - 1):
        share = np.count_nonzero(stands_out) / max(1, len(stands_out))
        if not _FEW_VARIABLES < share <= _MOST_VARIABLES:
            break
        before = stands_out
        scores = _scores(statistics, settings, counts, ~stands_out)
        stands_out = scores.log_p <= _STANDS_OUT
        if np.array_equal(before, stands_out):
            break
    return scores


def _scores(
    statistics: Table,
    settings: CandidatesSection,
    counts: Table | None,
    is_usual: NDArray[np.bool_] | None,
) -> Scores:
    """All voices, of objects that are judged by all others or by those that `is_usual` tells."""
    keys = measurement_keys(statistics)
    voices: list[Voice] = []
    for key in keys:
        n = numbers(statistics, f"n_{key}")
        brightness = brightness_of(statistics, key)
        weight = _coverage_weight(n, brightness, settings.min_points)
        of_key: tuple[tuple[VoiceName, Sequence[str]], ...] = (
            ("scatter", settings.scatter_indices),
            ("order", settings.order_indices),
        )
        for name, indices in of_key:
            z = [_judged(statistics, index, (key,), is_usual) for index in indices]
            voices += _voice(name, (key,), z, weight, is_usual)
        if counts is not None and f"n_faint_{key}" in counts.colnames:
            sides = [numbers(counts, f"{side}_{key}") for side in ("n_faint", "n_bright")]
            voices.append(Voice("excursions", (key,), excursions(n, sides, brightness, settings)))
    for pair in combinations(keys, 2):
        label = "_".join(pair)
        if f"n_{label}" in statistics.colnames:
            n = numbers(statistics, f"n_{label}")
            weight = _coverage_weight(n, brightness_of(statistics, pair[0]), settings.min_points)
            z = [_judged(statistics, index, pair, is_usual) for index in settings.pair_indices]
            voices += _voice("together", pair, z, weight, is_usual)
    return _together(voices, len(statistics), is_usual)


def _judged(
    statistics: Table, index: str, keys: tuple[str, ...], is_usual: NDArray[np.bool_] | None
) -> Floats | None:
    """An index judged against objects of similar brightness; None if there is none."""
    name = "_".join((index, *keys))
    if f"{name}_z" not in statistics.colnames:
        return None
    if is_usual is None or name not in statistics.colnames:
        return numbers(statistics, f"{name}_z")
    kind = next(one.judged for one in (*INDICES, *PAIR_INDICES) if one.name == index)
    quantity = quantity_of(statistics, keys[0])
    settings = statistics.meta.get("statistics", {})
    brightness = brightness_of(statistics, keys[0])
    return judge_by_brightness(
        numbers(statistics, name),
        brightness,
        kind or "linear",
        quantity=quantity,
        neighbours=settings.get("neighbours"),
        is_usual=is_usual,
    )


def _together(voices: list[Voice], n_objects: int, is_usual: NDArray[np.bool_] | None) -> Scores:
    if not voices:
        return Scores((), np.full(n_objects, np.nan), np.nan, 0)
    log_p = of_independent([voice.log_p for voice in voices])
    u = sigma_of(log_p)
    judges = u if is_usual is None else u[is_usual]
    null = fit_null(judges, prior_g=_PRIOR_COMBINED_G, prior_h=_PRIOR_COMBINED_H)
    n_judged = int(np.isfinite(u).sum())
    if null.n_values:
        u = known_from(null.deviate(u), _MAD_EFFICIENCY * null.n_values)
        log_p = np.maximum(log_ndtr(-u), _LEAST_LOG_P)
    return Scores(tuple(voices), np.asarray(log_p), null.variable, n_judged)


def known_from(u: Floats, freedom: float) -> Floats:
    """Gaussian deviates of deviates whose unit is known from few values only.

    Student's t made Gaussian (Wallace 1959, Ann. Math. Stat. 30, 1121,
    doi:10.1214/aoms/1177706100).

    Examples
    --------
    >>> known_from(np.array([3.0, 30.0]), 20.0).round(2).tolist()
    [2.69, 8.64]
    """
    factor = (8 * freedom + 1) / (8 * freedom + 3)
    return np.asarray(np.sign(u) * factor * np.sqrt(freedom * np.log1p(u**2 / freedom)))


def _voice(
    name: VoiceName,
    measurements: tuple[str, ...],
    indices: Sequence[Floats | None],
    weight: Floats,
    is_usual: NDArray[np.bool_] | None,
) -> list[Voice]:
    tests = []
    neighbours = 2 * half_window(len(weight)) + 1
    for index in indices:
        if index is not None:
            # The unit of z is the scatter of some neighbours only.
            z = known_from(index * weight, _MAD_EFFICIENCY * neighbours)
            null = fit_null(z if is_usual is None else z[is_usual])
            if null.n_values:
                tests.append(np.maximum(null.log_exceedance(z), _LEAST_LOG_P))
    return [Voice(name, measurements, of_dependent(tests))] if tests else []


def excursions(
    n: Floats, sides: Sequence[Floats], brightness: Floats, settings: CandidatesSection
) -> Floats:
    """Logarithm of the probability of so many outlying points of a constant object.

    The rate of such points is that of objects of similar brightness, those with too many left out;
    the number is then binomial.

    Parameters
    ----------
    n : (n_objects,) array
        Points.
    sides : two (n_objects,) arrays
        Numbers of points far off on either side.
    brightness : (n_objects,) array
    settings : CandidatesSection
    """
    is_judged = n >= settings.min_points
    log_p = [_log_binomial(n, k, _usual_rate(n, k, brightness, is_judged)) for k in sides]
    # Twice the smaller one: either side would have been noticed.
    both = np.minimum(np.minimum(log_p[0], log_p[1]) + np.log(2), 0.0)
    return np.asarray(np.where(is_judged, np.maximum(both, _LEAST_LOG_P), np.nan))


def _usual_rate(n: Floats, k: Floats, brightness: Floats, is_judged: NDArray[np.bool_]) -> Floats:
    order = np.argsort(np.where(is_judged, brightness, np.inf), kind="stable")
    order = order[: int(is_judged.sum())]
    usual = np.full(len(n), 1e-3)
    is_usual = np.ones(len(order), dtype=np.bool_)
    half = half_window(len(order)) * 2
    for _ in range(_N_RATE_ROUNDS if len(order) else 0):
        points = _running_sum(n[order] * is_usual, half)
        # Half a point more: what has not been seen yet is not impossible.
        rate = (_running_sum(k[order] * is_usual, half) + 0.5) / (points + 1)
        usual[order] = np.minimum(rate, 0.5)
        is_usual = _log_binomial(n[order], k[order], usual[order]) > np.log(1e-2)
    return usual


def _running_sum(values: Floats, half: int) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    return np.asarray(
        total[np.minimum(place + half + 1, len(values))] - total[np.maximum(place - half, 0)]
    )


def _log_binomial(n: Floats, k: Floats, rate: Floats) -> Floats:
    """Ln of the mid-probability of k or more of n: half of that of k itself."""
    whole = np.nan_to_num(n).astype(int)
    k = np.minimum(np.nan_to_num(k), whole)
    more = np.where(k < whole, bdtrc(k, whole, rate), 0.0)
    or_equal = np.where(k > 0, bdtrc(np.maximum(k - 1, 0), whole, rate), 1.0)
    chance = (more + or_equal) / 2
    with np.errstate(divide="ignore"):
        log_p = np.log(np.maximum(chance, 1e-300))
    return np.asarray(log_p)


def _coverage_weight(n: Floats, brightness: Floats, min_points: int) -> Floats:
    """What a deviation counts for where an object has fewer points than others: sqrt(n / usual)."""
    usual = usual_at_brightness(n, brightness)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.sqrt(np.minimum(n / usual, 1.0))
    return np.asarray(np.where(n >= min_points, weight, np.nan))
