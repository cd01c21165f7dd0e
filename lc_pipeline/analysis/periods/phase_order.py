"""Light curves in the order of phase, without a model: string length, and what nothing explains.

At the right period neighbours in phase are alike, whatever the shape of the light curve (Lafler &
Kinman 1965, ApJS 11, 216, doi:10.1086/190116; absolute differences: Dworetsky 1983, MNRAS 203, 917,
doi:10.1093/mnras/203.4.917). A value that is off by much adds the same to the string at every
period, which makes absolute differences hard to mislead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.periods.least_squares import usable_terms

Floats = NDArray[np.float64]

_N_SHUFFLES = 200
_NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
#: Fewer values than this say nothing about outliers.
_LEAST_VALUES = 12


def string_lengths(time: Floats, value: Floats, frequencies: Floats) -> Floats:
    """Mean absolute difference of neighbours in phase, the last and the first included.

    Parameters
    ----------
    time : (n,) array of float, d
    value : (n,) array of float
    frequencies : (m,) array of float, 1/d

    Returns
    -------
    (m,) array of float

    Examples
    --------
    >>> string_lengths(np.arange(8.0), np.array([0.0, 1.0] * 4), np.array([0.5, 0.125])).tolist()
    [0.25, 1.0]
    """
    turns = frequencies[:, np.newaxis] * time
    ordered = value[np.argsort(turns - np.floor(turns), axis=1, kind="stable")]
    lengths: Floats = np.abs(np.diff(ordered, axis=1, append=ordered[:, :1])).mean(axis=1)
    return lengths


def phase_gaps(time: Floats, frequencies: Floats) -> Floats:
    """Longest stretch of phase without a value, 1 for a whole cycle.

    Examples
    --------
    >>> phase_gaps(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.25, 0.5])).tolist()
    [0.25, 0.5]
    """
    if not np.size(time):
        return np.ones(len(frequencies))
    turns = frequencies[:, np.newaxis] * time
    phases = np.sort(turns - np.floor(turns), axis=1)
    gaps: Floats = np.diff(phases, axis=1, append=phases[:, :1] + 1).max(axis=1)
    return gaps


def bearable_terms(
    time: Floats, frequencies: Floats, n_terms: int, nyquist: float = np.inf
) -> NDArray[np.intp]:
    """Harmonics that the values in a band can bear at some frequencies.

    Two values for each parameter, and no wave shorter than the longest gap in phase: in there it
    would be free. Near periods of whole days, where nights look at few phases, that leaves little.
    Of times on a raster, none beyond `nyquist`, half the raster's frequency: it would be a slower
    wave in disguise, and follow any drift.

    Examples
    --------
    >>> bearable_terms(np.arange(60.0) / 7, np.array([1.0, 0.99]), 12).tolist()
    [7, 12]
    """
    most = usable_terms(np.shape(time)[-1], n_terms)
    by_gaps = np.floor(1 / phase_gaps(time, frequencies) + 1e-6).astype(np.intp)
    return np.minimum(most, np.maximum(np.minimum(by_gaps, terms_below(nyquist, frequencies)), 1))


def terms_below(nyquist: float, frequencies: Floats) -> NDArray[np.intp]:
    """How many harmonics of some frequencies are not beyond `nyquist`.

    Examples
    --------
    >>> terms_below(24.0, np.array([5.0, 12.0, 23.9])).tolist()
    [4, 2, 1]
    """
    most = np.minimum(nyquist / np.maximum(frequencies, 1e-300), 1e6)
    return np.asarray(np.floor(most + 1e-6), dtype=np.intp)


def string_significance(
    light_curves: Sequence[tuple[Floats, Floats]], frequency: float
) -> tuple[float, float]:
    """How much shorter the strings of some bands are than those of the same values shuffled.

    Parameters
    ----------
    light_curves : sequence of (time, value)
        One for each band.
    frequency : float, 1/d

    Returns
    -------
    ratio : float
        Length over the mean length of shuffled values: 1 for noise, less for a period.
    significance : float
        How many standard deviations of the shuffled lengths it is shorter.
    """
    random = np.random.default_rng(1965)
    found, mean, variance = 0.0, 0.0, 0.0
    for time, value in light_curves:
        shuffled = random.permuted(np.tile(value, (_N_SHUFFLES, 1)), axis=1)
        lengths = np.abs(shuffled - np.roll(shuffled, 1, axis=1)).mean(axis=1)
        scale = lengths.mean() / len(value) if lengths.mean() > 0 else 1.0
        found += string_lengths(time, value, np.array([frequency]))[0] / scale
        mean += lengths.mean() / scale
        variance += lengths.var() / scale**2
    if not variance:
        return np.nan, np.nan
    return float(found / mean), float((mean - found) / np.sqrt(variance))


def unexplained(
    time: Floats, value: Floats, error: Floats, frequencies: Floats, n_sigma: float = 5.0
) -> NDArray[np.bool_]:
    """Find the values that stand off from their neighbours in phase at every one of some periods.

    A value in an eclipse is far from the median, but among its like at the right period: it stays
    if one of the periods explains it.

    Parameters
    ----------
    time, value, error : (n,) arrays of float
    frequencies : (m,) array of float, 1/d
        The periods that are considered, the likeliest first.
    n_sigma : float
        How far off the median of its six neighbours: in 1.4826 median absolute deviations of all
        values from theirs at the likeliest period, or in median errors where these are larger.

    Returns
    -------
    (n,) array of bool
    """
    if len(time) < _LEAST_VALUES or not len(frequencies):
        return np.zeros(len(time), dtype=bool)
    off = np.empty((len(frequencies), len(time)))
    for number, frequency in enumerate(frequencies):
        order = np.argsort(np.mod(frequency * time, 1.0), kind="stable")
        ordered = value[order]
        around = np.median([np.roll(ordered, shift) for shift in _NEIGHBOURS], axis=0)
        off[number, order] = np.abs(ordered - around)
    scale = max(1.4826 * float(np.median(off[0])), float(np.median(error)))
    return np.asarray(off.min(axis=0) > n_sigma * scale)
