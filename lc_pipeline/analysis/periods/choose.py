"""Which of the peaks is the period: how well each explains the light curves.

A sinusoid cannot tell. Every peak, its multiples and its parts are fitted again with as many
harmonics as the data bear (as multi-harmonic analysis of variance does: Schwarzenberg-Czerny
1996, ApJ 460, L107, doi:10.1086/309985), each band with a mean, amplitudes and phases of its own.
They are compared by the Bayesian information criterion (Schwarz 1978, Ann. Stat. 6, 461,
doi:10.1214/aos/1176344136), in the end with residuals of each value from the fit to all others
(Allen 1974, Technometrics 16, 125, doi:10.1080/00401706.1974.10489157), which a flexible model
between few values cannot flatter. Twice the period with twice the harmonics fits as well and costs
more. No wave shorter than the longest gap in phase is fitted.

A likelihood with the tails of Student's t decides, because stars that pulsate unevenly leave
long-tailed residuals; another criterion, which charges values more than five standard deviations
off as five, chooses among multiples afterwards (``multiples.py``). Either way one bad value cannot
decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.periods.band import Band
from lc_pipeline.analysis.periods.fits import Fits, LeftOut, corrections, price
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
_SCALINGS = 12


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
    series = [band.series() for band in bands]
    gains = -joint_criteria(series, tried.ravel(), n_terms)[-1]
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


def joint_criteria(series: Sequence[Series], frequencies: Floats, n_terms: int) -> Floats:
    """Bayesian information criterion of joint fits of 1, 2 ... harmonics, minus that of constants.

    ``sum over bands of n ln(1 - power) + 2 K ln(n)``: errors are right but for a factor a band.

    Parameters
    ----------
    series : one for each band
    frequencies : (m,) array of float
    n_terms : int
        Harmonics, at most.

    Returns
    -------
    (n_terms, m) array of float
    """
    criteria = np.zeros((n_terms, len(frequencies)))
    for one in series:
        usable = int(usable_terms(one.count, n_terms)[0])
        if not usable:
            continue
        power = np.clip(one.power_at(frequencies, usable)[:, 0], 0.0, 1 - 1e-9)
        seen = one.time[one.weight[0] > 0]
        bearable = bearable_terms(seen, frequencies, usable, one.nyquist)
        terms = np.minimum(np.arange(1, n_terms + 1)[:, np.newaxis], bearable)
        n = len(seen)
        likelihood = n * np.log1p(-np.take_along_axis(power, terms - 1, axis=0))
        criteria += likelihood + 2 * terms * np.log(n)
    return criteria


def judge(bands: Sequence[Band], frequencies: Floats, step: float) -> list[Verdict]:
    """Compare frequencies, the likeliest first.

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
        criteria = joint_criteria(series, frequencies, MOST_TERMS)
        # Many harmonics fit anything at low frequencies, as long as nothing is left out.
        ranked = [
            np.argsort(criteria[:n_terms].min(axis=0), kind="stable")
            for n_terms in (1, 3, MOST_TERMS)
        ]
        chosen = np.unique(np.concatenate([order[:_N_FINALISTS] for order in ranked]))
        kept = [np.tile(used, (len(chosen), 1)) for used in start]
        first = sorted(
            _last(_rounds(bands, kept, frequencies[chosen], step, 2)),
            key=lambda verdict: verdict.tailed,
        )[:_N_POLISHED]
        # What stars do beside their period is part of the noise: errors tell least of it.
        noisy = [
            replace(band, error=np.hypot(band.error, extra))
            for band, extra in zip(bands, first[0].jitter, strict=True)
        ]
        kept = [np.stack(used) for used in zip(*(one.is_used for one in first), strict=True)]
        near = np.array([verdict.frequency for verdict in first])
        rounds = list(_rounds(noisy, kept, near, step / 4, 3, set_aside=True))
        found += [
            min(same, key=lambda verdict: verdict.tailed) for same in zip(*rounds, strict=True)
        ]
    return sorted(found, key=lambda verdict: verdict.tailed)


def _rounds(
    bands: Sequence[Band],
    kept: Sequence[NDArray[np.bool_]],
    frequencies: Floats,
    reach: float,
    n_rounds: int,
    *,
    set_aside: bool = False,
) -> Iterator[list[Verdict]]:
    """Fit, judge, move each frequency within reach to where the fit is best, and again.

    `kept` says for each band and frequency which values are fitted; with `set_aside` those that
    turn out to be far off are not fitted in the next round.
    """
    for _ in range(n_rounds):
        fits = [
            Fits(band, used, frequencies, MOST_TERMS)
            for band, used in zip(bands, kept, strict=True)
        ]
        n_terms = np.sum([fit.criteria() for fit in fits], axis=0).argmin(axis=0) + 1
        left_out = [fit.left_out(n_terms) for fit in fits]
        charges = [_charged(band, one) for band, one in zip(bands, left_out, strict=True)]
        yield [
            Verdict(
                frequency=frequency,
                criterion=sum(float(one.criterion[place]) for one in charges),
                tailed=sum(float(one.tailed[place]) for one in charges),
                jitter=tuple(float(one.jitter[place]) for one in charges),
                n_terms=int(n_terms[place]),
                is_used=tuple(one.is_used[place] for one in charges),
            )
            for place, frequency in enumerate(frequencies.tolist())
        ]
        frequencies = frequencies + corrections(left_out, reach)
        if set_aside:
            kept = [one.is_used for one in charges]


def _last(rounds: Iterable[list[Verdict]]) -> list[Verdict]:
    *_, last = rounds
    return last


@dataclass(frozen=True)
class _Charges:
    """One band's part of some :class:`Verdict`."""

    criterion: Floats
    tailed: Floats
    jitter: Floats
    is_used: NDArray[np.bool_]


def _charged(band: Band, left_out: LeftOut) -> _Charges:
    """Judge models by how far off the values are that are left out, one by one."""
    off, n = left_out.off, len(band.time)
    is_there = left_out.n_terms > 0
    weighed = off / band.error
    # A median is not misled by the outliers that are looked for.
    scale = np.maximum(1.4826 * np.median(weighed, axis=1, keepdims=True), 1e-9)
    is_used = weighed <= CHARGED * scale
    squares = weighed**2
    variance = np.maximum((squares * is_used).sum(axis=1) / is_used.sum(axis=1), 1e-18)
    charged = np.minimum(squares / variance[:, np.newaxis], CHARGED**2).sum(axis=1)
    # Where too few would be left, none can be spared.
    can_spare = is_there & (usable_terms(is_used.sum(axis=1), 1) > 0)
    # All of it in units of the value: the errors are not the same in every comparison.
    unit = 2 * np.log(band.error).sum() + price(left_out.n_terms, n)
    extra = (1.4826 * np.median(off, axis=1)) ** 2 - np.median(band.error) ** 2
    return _Charges(
        criterion=np.where(is_there, n * np.log(variance) + charged + unit, 0.0),
        tailed=np.where(is_there, _student(weighed, scale) + unit, 0.0),
        jitter=np.where(is_there, np.sqrt(np.maximum(extra, 0.0)), 0.0),
        is_used=is_used | ~can_spare[:, np.newaxis],
    )


def _student(off: Floats, scale: Floats) -> Floats:
    """Minus twice the log likelihood of Student's t with 4 degrees of freedom, at its best scale.

    Lange, Little & Taylor (1989, J. Am. Stat. Assoc. 84, 881, doi:10.1080/01621459.1989.10478852).
    """
    for _ in range(_SCALINGS):
        weight = (FREEDOM + 1) / (FREEDOM + (off / scale) ** 2)
        scale = np.sqrt((weight * off**2).mean(axis=1, keepdims=True))
        scale = np.maximum(scale, 1e-9)
    tails = np.log1p((off / scale) ** 2 / FREEDOM).sum(axis=1)
    likelihood: Floats = 2 * off.shape[1] * np.log(scale[:, 0]) + (FREEDOM + 1) * tails
    return likelihood
