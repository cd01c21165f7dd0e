"""Whether every second cycle of a light curve is deeper than the others: the period is the double.

A Fourier series of twice the period needs twice the harmonics to follow a narrow eclipse as well,
and may have to do without them. That the minima of even and odd cycles are unlike can be told
without it: one number for each cycle, how much deeper it is than the mean light curve.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from lc_pipeline.analysis.periods.band import Band
from lc_pipeline.analysis.periods.choose import Verdict
from lc_pipeline.analysis.periods.models import fourier_model

Floats = NDArray[np.float64]

#: Cycles of each kind that there must be, in effect.
_LEAST_CYCLES = 3.0
#: A value is taken for no further from the mean light curve than it is deep, and so many errors.
_MOST_ERRORS = 3.0
_PHASES = np.arange(512) / 512


def probability_of_like_minima(bands: Sequence[Band], verdict: Verdict) -> float:
    """How often even and odd cycles of like depth would differ as much as these.

    The relative excess in depth of each cycle is fitted to its values, and the excesses of even and
    odd cycles are compared by Student's t, with the scatter from cycle to cycle as it is:
    amplitudes that change without regard to even and odd make it large.

    Parameters
    ----------
    bands : sequence of Band
    verdict : Verdict
        On the shorter period.

    Returns
    -------
    float
        1 where too few cycles were seen.
    """
    frequency = verdict.frequency
    numerator: dict[int, float] = {}
    weight: dict[int, float] = {}
    for band, used in zip(bands, verdict.is_used, strict=True):
        if used.sum() < 2 * verdict.n_terms + 2:
            continue
        model = fourier_model(band, used, frequency, verdict.n_terms)
        curve = model(_PHASES / frequency) * (-1 if band.is_flux else 1)
        faintest = _PHASES[np.argmax(curve)]
        depth = model(band.time) * (-1 if band.is_flux else 1) - curve.min()
        value = band.value * (-1 if band.is_flux else 1) - curve.min()
        reach = depth + _MOST_ERRORS * band.error
        excess = np.clip(value - depth, -reach, reach)
        # A cycle ends halfway between two minima.
        cycle = np.floor(frequency * band.time - faintest + 0.5).astype(int)
        for number in np.unique(cycle).tolist():
            own = cycle == number
            strength = depth[own] / band.error[own] ** 2
            weight[number] = weight.get(number, 0.0) + float(strength @ depth[own])
            numerator[number] = numerator.get(number, 0.0) + float(strength @ excess[own])
    cycles = np.array(sorted(number for number, one in weight.items() if one > 0))
    if not len(cycles):
        return 1.0
    weights = np.array([weight[number] for number in cycles.tolist()])
    excesses = np.array([numerator[number] for number in cycles.tolist()]) / weights
    return _unlike(excesses, weights, cycles % 2 == 0)


def _unlike(excess: Floats, weight: Floats, is_even: NDArray[np.bool_]) -> float:
    """Two-sided probability of Student's t for the difference of two weighted means.

    Of each kind, what is further off the median than three standard deviations stands there: a
    wrong value in one cycle hides nothing.
    """
    if is_even.all() or not is_even.any():
        return 1.0
    groups = [_tamed(excess[chosen], weight[chosen]) for chosen in (is_even, ~is_even)]
    weights = [weight[chosen] for chosen in (is_even, ~is_even)]
    means = [float(w @ e / w.sum()) for e, w in zip(groups, weights, strict=True)]
    cycles = [float(w.sum() ** 2 / (w**2).sum()) for w in weights]
    if min(cycles) < _LEAST_CYCLES:
        return 1.0
    parts = zip(groups, weights, means, strict=True)
    squares = sum(float(w @ (e - mean) ** 2) for e, w, mean in parts)
    # The mean weight of a cycle that counts turns the sum into the variance of one.
    variance = squares / (float(weight.sum()) * (1 - 2 / sum(cycles)))
    error = np.sqrt(variance * (1 / cycles[0] + 1 / cycles[1]))
    if error <= 0:
        return 1.0
    return float(2 * stdtr(sum(cycles) - 2, -abs(means[0] - means[1]) / error))


def _tamed(excess: Floats, weight: Floats) -> Floats:
    """Winsorise what is weighted by its inverse variance, but for a factor."""
    middle = _weighted_median(excess, weight)
    off = np.abs(excess - middle) * np.sqrt(weight)
    reach = 3 * 1.4826 * _weighted_median(off, weight) / np.sqrt(weight)
    return np.clip(excess, middle - reach, middle + reach)


def _weighted_median(values: Floats, weight: Floats) -> float:
    order = np.argsort(values)
    share = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(share, share[-1] / 2)])
