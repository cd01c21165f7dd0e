"""Which of the peaks is the period: P, 2 P, P / 2 or an alias.

A sinusoid cannot tell. Every peak, its multiples and its parts are fitted again with as many
harmonics as the data bear (as multi-harmonic analysis of variance does: Schwarzenberg-Czerny
1996, ApJ 460, L107, doi:10.1086/309985), each band with a mean, amplitudes and phases of its own.
They are compared by the Bayesian information criterion (Schwarz 1978, Ann. Stat. 6, 461,
doi:10.1214/aos/1176344136), in the end with residuals of each value from the fit to all others
(Allen 1974, Technometrics 16, 125, doi:10.1080/00401706.1974.10489157), which a flexible model
between few values cannot flatter. Twice the period with twice the harmonics fits as well and costs
more: it wins only if odd harmonics are real, as in an eclipsing binary with two unlike minima. No
wave shorter than the longest gap in phase is fitted.

Between families of periods a likelihood with the tails of Student's t decides, because stars that
pulsate unevenly leave long-tailed residuals; within the family, values more than five standard
deviations off are charged as five. Either way one bad value cannot decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.periods.least_squares import Series, usable_terms
from lc_pipeline.analysis.periods.phase_order import (
    bearable_terms,
    string_lengths,
    unexplained,
)

Floats = NDArray[np.float64]

#: Harmonics of the models that are compared, at most.
MOST_TERMS = 12
#: Standard deviations beyond which a value counts as no worse.
CHARGED = 5.0
#: Of Student's t, whose tails stand for what pulsations do beside their period.
FREEDOM = 4.0
#: Of a peak at f, these multiples are considered too.
_MULTIPLES = (1.0, 1 / 2, 1 / 3, 1 / 4, 2.0)
_N_STRINGS = 6
_N_FINALISTS = 6
_N_POLISHED = 8
_POLISHING = 4.0 ** -np.arange(1, 4)
_LEAST_FREE = 0.05
_SCALINGS = 12
_FAMILY = (1 / 4, 1 / 3, 1 / 2, 1, 2, 3, 4)


@dataclass(frozen=True)
class Band:
    """One measurement of one object: what is there of it.

    Attributes
    ----------
    time, value, error : (n,) arrays of float
        Without missing values; the errors as they enter the weights.
    is_flux : bool
        Whether the largest value is the brightest; of magnitudes the smallest is.
    """

    time: Floats
    value: Floats
    error: Floats
    is_flux: bool = False

    def series(self, is_used: NDArray[np.bool_] | None = None) -> Series:
        """Ready for fitting, of all values or of some."""
        weights = self.error**-2 if is_used is None else self.error**-2 * is_used
        return Series.prepared(self.time, self.value[np.newaxis], weights[np.newaxis])

    def winsorised(self, n_sigma: float) -> Band:
        """Move values further off the median than so many 1.4826 median absolute deviations."""
        middle = np.median(self.value)
        reach = n_sigma * 1.4826 * np.median(np.abs(self.value - middle))
        return replace(self, value=np.clip(self.value, middle - reach, middle + reach))


@dataclass(frozen=True)
class Verdict:
    """How well one frequency explains all bands.

    Attributes
    ----------
    frequency : float, 1/d
    criterion : float
        Bayesian information criterion up to a constant, outliers charged: the lower the better.
    tailed : float
        The same with a likelihood that has tails.
    jitter : tuple of float
        For each band, the scatter that the errors do not explain.
    n_terms : int
    is_used : list of (n,) arrays of bool
        For each band, values that are not taken for outliers.
    """

    frequency: float
    criterion: float
    tailed: float
    jitter: tuple[float, ...]
    n_terms: int
    is_used: tuple[NDArray[np.bool_], ...]


def considered(frequencies: Floats, lowest: float, highest: float) -> Floats:
    """The peaks with their multiples and parts, within the grid's range.

    Examples
    --------
    >>> considered(np.array([1.2]), 0.35, 2.0).round(2).tolist()
    [0.4, 0.6, 1.2]
    """
    family = np.unique(np.multiply.outer(frequencies, _MULTIPLES).ravel())
    return family[(family >= lowest) & (family <= highest)]


def refined(bands: Sequence[Band], frequencies: Floats, step: float, n_terms: int) -> Floats:
    """Move each frequency to the local maximum of the joint power of `n_terms` harmonics."""
    offsets = step * np.linspace(-1, 1, 5)
    tried = frequencies[:, np.newaxis] + offsets
    gains = -joint_criterion([band.series() for band in bands], tried.ravel(), n_terms, free=False)
    return _vertices(tried, gains.reshape(tried.shape))


def _vertices(tried: Floats, height: Floats) -> Floats:
    """Vertex of the parabola through the highest of equally spaced points and its neighbours."""
    rows = np.arange(len(tried))
    best = np.clip(height.argmax(axis=1), 1, tried.shape[1] - 2)
    left, middle, right = (height[rows, best + shift] for shift in (-1, 0, 1))
    bend = left - 2 * middle + right
    move = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1.0), 0.0)
    spacing = tried[:, 1] - tried[:, 0]
    vertices: Floats = tried[rows, best] + np.clip(move, -1, 1) * spacing
    return vertices


def joint_criterion(
    series: Sequence[Series], frequencies: Floats, n_terms: int, *, free: bool = True
) -> Floats:
    """Bayesian information criterion of the joint fit, minus that of constants.

    ``sum over bands of n ln(1 - power) + 2 K ln(n)``: errors are right but for a factor a band.

    Parameters
    ----------
    series : one for each band
    frequencies : (m,) array of float
    n_terms : int
        Harmonics; `free`: the number up to this that gives the lowest criterion.
    """
    criteria = _criteria(series, frequencies, n_terms)
    lowest: Floats = criteria.min(axis=0) if free else criteria[-1]
    return lowest


def _criteria(series: Sequence[Series], frequencies: Floats, n_terms: int) -> Floats:
    """For 1 ... n_terms harmonics: (n_terms, n_frequencies)."""
    criteria = np.zeros((n_terms, len(frequencies)))
    for one in series:
        usable = int(usable_terms(one.count, n_terms)[0])
        if not usable:
            continue
        power = np.clip(one.power_at(frequencies, usable)[:, 0], 0.0, 1 - 1e-9)
        seen = one.time[one.weight[0] > 0]
        terms = _up_to(bearable_terms(seen, frequencies, usable), n_terms)
        n = len(seen)
        likelihood = n * np.log1p(-np.take_along_axis(power, terms - 1, axis=0))
        criteria += likelihood + 2 * terms * np.log(n)
    return criteria


def judge(bands: Sequence[Band], frequencies: Floats, step: float) -> list[Verdict]:
    """Compare frequencies, the best first.

    Parameters
    ----------
    bands : sequence of Band
    frequencies : (m,) array of float, 1/d
        See :func:`considered`.
    step : float
        By about how much they may be off.
    """
    everything = [np.ones(len(band.time), dtype=bool) for band in bands]
    strings = sum(
        len(band.time)
        * np.log(np.maximum(string_lengths(band.time, band.value, frequencies), 1e-9))
        for band in bands
    )
    likeliest = frequencies[np.argsort(strings, kind="stable")[:_N_STRINGS]]
    tidy = [~unexplained(band.time, band.value, band.error, likeliest) for band in bands]
    starts = [everything]
    if not all(kept.all() for kept in tidy):
        starts.append(tidy)
    found: list[Verdict] = []
    for start in starts:
        series = [band.series(kept) for band, kept in zip(bands, start, strict=True)]
        # Many harmonics fit anything at low frequencies, as long as nothing is left out.
        ranked = [
            np.argsort(joint_criterion(series, frequencies, n_terms), kind="stable")
            for n_terms in (1, 3, MOST_TERMS)
        ]
        chosen = np.unique(np.concatenate([order[:_N_FINALISTS] for order in ranked]))
        first = [
            _judge_one(bands, start, frequency, [step])
            for frequency in frequencies[chosen].tolist()
        ]
        first.sort(key=lambda verdict: verdict.tailed)
        # What stars do beside their period is part of the noise: errors tell least of it.
        noisy = [
            replace(band, error=np.hypot(band.error, extra))
            for band, extra in zip(bands, first[0].jitter, strict=True)
        ]
        found += [
            _judge_one(noisy, verdict.is_used, verdict.frequency, step * _POLISHING)
            for verdict in first[:_N_POLISHED]
        ]
    return ranked_verdicts(found, step)


def ranked_verdicts(verdicts: Sequence[Verdict], step: float) -> list[Verdict]:
    """Best first: the family of periods by the likelihood with tails, its member by charges.

    Pulsations that come and go leave residuals with long tails, which must not decide between
    aliases; but tails would also forgive the deeper of two eclipses that lie upon each other.
    """
    ranked = sorted(verdicts, key=lambda verdict: verdict.tailed)
    if not ranked:
        return []
    first = ranked[0].frequency
    family = [
        verdict
        for verdict in ranked
        if any(
            abs(verdict.frequency - ratio * first) < 2 * step * max(ratio, 1) for ratio in _FAMILY
        )
    ]
    best = min(family, key=lambda verdict: verdict.criterion)
    return [best, *(verdict for verdict in ranked if verdict is not best)]


def _judge_one(
    bands: Sequence[Band],
    start: Sequence[NDArray[np.bool_]],
    frequency: float,
    reaches: Iterable[float],
) -> Verdict:
    """Fit, move to the best frequency within reach, set aside what is far off, fit again."""
    is_used = list(start)
    best: Verdict | None = None
    n_values = sum(len(band.time) for band in bands)
    for reach in reaches:
        fits = [_Fits(band, kept, MOST_TERMS) for band, kept in zip(bands, is_used, strict=True)]
        tried = frequency + reach * np.linspace(-1, 1, 5)[np.newaxis]
        criteria = np.sum([fit.criteria(tried[0]) for fit in fits], axis=0)
        n_terms = int(criteria.min(axis=1).argmin()) + 1
        # Chi-squared, not its logarithm, is a parabola near its minimum.
        chi2 = np.exp(criteria[np.newaxis, n_terms - 1] / n_values)
        frequency = float(_vertices(tried, -chi2)[0])
        charged = [fit.charge(frequency, n_terms) for fit in fits]
        verdict = Verdict(
            frequency=frequency,
            criterion=sum(one.criterion for one in charged),
            tailed=sum(one.tailed for one in charged),
            jitter=tuple(one.jitter for one in charged),
            n_terms=n_terms,
            is_used=tuple(one.is_used for one in charged),
        )
        if best is None or verdict.tailed < best.tailed:
            best = verdict
        is_used = list(verdict.is_used)
    assert best is not None  # noqa: S101 (there is at least one reach)
    return best


@dataclass(frozen=True)
class _Charge:
    """One band's part of a :class:`Verdict`."""

    criterion: float
    tailed: float
    jitter: float
    is_used: NDArray[np.bool_]


class _Fits:
    """Fits to one band, of any number of harmonics at once: their columns are orthogonalised."""

    def __init__(self, band: Band, kept: NDArray[np.bool_], n_terms: int) -> None:
        self._band, self._root = band, kept / band.error
        self._n_terms = int(usable_terms(kept.sum(), n_terms))
        self._all_terms = n_terms
        root, value = self._root, band.value
        self._mean = float((root**2 * value).sum() / max((root**2).sum(), 1e-300))
        self._right = root * (value - self._mean)

    def _orthogonal(self, frequencies: Floats) -> tuple[Floats, Floats, Floats]:
        design = design_matrix(frequencies, self._band.time, self._n_terms)
        base, triangle = np.linalg.qr(design * self._root[:, np.newaxis])
        return base, triangle, self._right @ base

    def criteria(self, frequencies: Floats) -> Floats:
        """Criterion of 1, 2 ... harmonics: (n_terms, n_frequencies)."""
        criteria = np.zeros((self._all_terms, len(frequencies)))
        if not self._n_terms:
            return criteria
        base, _, right = self._orthogonal(frequencies)
        rest = self._right[:, np.newaxis] - np.cumsum(base * right[:, np.newaxis], axis=2)
        free = 1 - np.cumsum(base**2, axis=2)
        left_out = (rest / np.maximum(free, _LEAST_FREE))[:, :, 2::2]
        n = int((self._root > 0).sum())
        total = max(float((self._right**2).sum()), 1e-300)
        likelihood = n * np.log(np.maximum((left_out**2).sum(axis=1) / total, 1e-9)).T
        terms = _up_to(self._bearable(frequencies), self._all_terms)
        criteria[:] = np.take_along_axis(likelihood, terms - 1, axis=0) + _price(terms, n)
        return criteria

    def _bearable(self, frequencies: Floats) -> NDArray[np.intp]:
        return bearable_terms(self._band.time[self._root > 0], frequencies, self._n_terms)

    def charge(self, frequency: float, n_terms: int) -> _Charge:
        """Judge one frequency and number of harmonics by the values left out, one by one."""
        n = len(self._band.time)
        if not self._n_terms:
            return _Charge(0.0, 0.0, 0.0, np.ones(n, dtype=bool))
        n_terms = min(n_terms, int(self._bearable(np.array([frequency]))[0]))
        off = self._left_out(frequency, n_terms)
        weighed = off / self._band.error
        # A median is not misled by the outliers that are looked for.
        scale = max(1.4826 * float(np.median(weighed)), 1e-9)
        is_used = weighed <= CHARGED * scale
        variance = max(float(np.mean(weighed[is_used] ** 2)), 1e-18)
        charged = n * np.log(variance) + np.minimum(weighed**2 / variance, CHARGED**2).sum()
        # All of it in units of the value: the errors are not the same in every comparison.
        unit = float(2 * np.log(self._band.error).sum() + _price(n_terms, n))
        jitter = (1.4826 * float(np.median(off))) ** 2 - float(np.median(self._band.error)) ** 2
        return _Charge(
            criterion=float(charged) + unit,
            tailed=_student(weighed, scale) + unit,
            jitter=float(np.sqrt(max(jitter, 0.0))),
            is_used=is_used,
        )

    def _left_out(self, frequency: float, n_terms: int) -> Floats:
        """How far off each value is from the fit to the others."""
        band, n = self._band, 2 * n_terms + 1
        base, triangle, right = (part[0] for part in self._orthogonal(np.array([frequency])))
        # A column that the sampling does not determine is left out.
        diagonal = np.abs(np.diagonal(triangle)[:n])
        is_fitted = np.flatnonzero(diagonal > 1e-3 * diagonal.max())
        model = np.zeros(n)
        model[is_fitted] = np.linalg.solve(triangle[np.ix_(is_fitted, is_fitted)], right[is_fitted])
        values = design_matrix(np.array([frequency]), band.time, n_terms)[0] @ model
        free = 1 - (base[:, :n] ** 2).sum(axis=1)
        off: Floats = np.abs(band.value - self._mean - values)
        left_out: Floats = off / np.maximum(free, _LEAST_FREE)
        return left_out


def _student(off: Floats, scale: float) -> float:
    """Minus twice the log likelihood of Student's t with 4 degrees of freedom, at its best scale.

    Lange, Little & Taylor (1989, J. Am. Stat. Assoc. 84, 881, doi:10.1080/01621459.1989.10478852).
    """
    for _ in range(_SCALINGS):
        weight = (FREEDOM + 1) / (FREEDOM + (off / scale) ** 2)
        scale = max(float(np.sqrt((weight * off**2).mean())), 1e-9)
    tails = np.log1p((off / scale) ** 2 / FREEDOM).sum()
    return float(2 * len(off) * np.log(scale) + (FREEDOM + 1) * tails)


def _up_to(bearable: NDArray[np.intp], n_terms: int) -> NDArray[np.intp]:
    """1, 2 ... n_terms, each no more than bearable: (n_terms, n_frequencies)."""
    return np.minimum(np.arange(1, n_terms + 1)[:, np.newaxis], bearable)


def _price(n_terms: ArrayLike, n: int) -> Floats:
    """What the parameters cost beyond what leaving values out has cost already."""
    price: Floats = 2 * np.asarray(n_terms) * max(np.log(n) - 2, 0)
    return price


def design_matrix(frequencies: Floats, time: Floats, n_terms: int) -> Floats:
    """(n_frequencies, n, 2 n_terms + 1): ones, and cosine and sine of each harmonic."""
    turn = np.exp(2j * np.pi * np.mod(frequencies[:, np.newaxis] * time, 1.0))
    design = np.empty((*turn.shape, 2 * n_terms + 1))
    design[..., 0] = 1.0
    power = np.ones_like(turn)
    for k in range(1, n_terms + 1):
        power = power * turn
        design[..., 2 * k - 1], design[..., 2 * k] = power.real, power.imag
    return design
