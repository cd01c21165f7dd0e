"""Fourier series fitted to light curves by weighted least squares, for many frequencies at once.

The model of `n_terms` harmonics is ``m(t) = m_0 + sum_k a_k cos(2 pi k f t) + b_k sin(2 pi k f t)``
with a mean that is fitted too ("floating mean": Zechmeister & Kürster 2009, A&A 496, 577,
doi:10.1051/0004-6361:200811296; several terms: Schwarzenberg-Czerny 1996, ApJ 460, L107,
doi:10.1086/309985). Its gain over the constant is how much chi-squared it takes away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.periods.grid import FrequencyGrid
from lc_pipeline.analysis.periods.sums import Sums, sums_at, sums_on_grid

Floats = NDArray[np.float64]

#: Values that a band needs for each harmonic's two parameters and the mean.
POINTS_PER_PARAMETER = 2
#: A direction of the model that the sampling determines less well than this (1/2 is best) is not
#: fitted.
_WELL_DETERMINED = 1e-3


@dataclass(frozen=True)
class Series:
    """Light curves on one axis of times, ready for fitting.

    Attributes
    ----------
    time : (n,) array of float, d
    value : (n_series, n) array of float
        Minus its weighted mean; 0 where missing.
    weight : (n_series, n) array of float
        Sums to 1 in each series; 0 where missing.
    chi2 : (n_series,) array of float
        Of the constant, in units of the weights given.
    count : (n_series,) array of int
        Values.
    nyquist : float, 1/d
        No harmonic is fitted beyond.
    """

    time: Floats
    value: Floats
    weight: Floats
    chi2: Floats
    count: NDArray[np.intp]
    nyquist: float = np.inf

    @classmethod
    def prepared(cls, time: Floats, value: Floats, weight: Floats) -> Series:
        """Centre values and normalise weights; what is not finite is missing.

        Parameters
        ----------
        time : (n,) array of float, d
        value, weight : (n_series, n) arrays of float
            Weights are inverse variances.
        """
        is_there = np.isfinite(value) & np.isfinite(weight) & (weight > 0) & np.isfinite(time)
        weight = np.where(is_there, weight, 0.0)
        value = np.where(is_there, value, 0.0)
        total = weight.sum(axis=-1, keepdims=True)
        weight = weight / np.where(total > 0, total, 1.0)
        value = np.where(is_there, value - (weight * value).sum(axis=-1, keepdims=True), 0.0)
        chi2 = (weight * value**2).sum(axis=-1) * total[..., 0]
        seen = np.flatnonzero(is_there.any(axis=0))
        return cls(time[seen], value[:, seen], weight[:, seen], chi2, is_there.sum(axis=-1))

    @property
    def _strengths(self) -> Floats:
        return np.concatenate([self.weight, self.weight * self.value])

    @property
    def _variance(self) -> Floats:
        variance = (self.weight * self.value**2).sum(axis=-1)
        return np.where(variance > 0, variance, np.inf)

    def power_on_grid(
        self, grid: FrequencyGrid, n_terms: int, *, single: bool = False
    ) -> Iterator[tuple[int, NDArray[np.floating]]]:
        """Fraction of chi-squared that 1, 2 ... `n_terms` harmonics take away, piece by piece.

        Yields
        ------
        start : int
            Place of the piece in the grid.
        power : (n_terms, n_series, n_piece) array of float
        """
        n_series = len(self.value)
        n_rows = [2 * n_series] * n_terms + [n_series] * n_terms
        for start, sums in sums_on_grid(self.time, self._strengths, grid, n_rows, single=single):
            window = [both[:n_series] for both in sums]
            signal = [both[n_series:] for both in sums[:n_terms]]
            gain = nested_gains(window, signal)
            gain /= self._variance[:, np.newaxis].astype(gain.dtype)
            yield start, gain

    def power_at(self, frequencies: Floats, n_terms: int) -> Floats:
        """As :meth:`power_on_grid`, at any frequencies: (n_terms, n_series, n_frequencies)."""
        n_series = len(self.value)
        sums = sums_at(self.time, self._strengths, frequencies, 2 * n_terms)
        window = [both[:n_series] for both in sums]
        signal = [both[n_series:] for both in sums[:n_terms]]
        gain: Floats = nested_gains(window, signal) / self._variance[:, np.newaxis]
        return gain


def usable_terms(count: ArrayLike, n_terms: int) -> NDArray[np.intp]:
    """Harmonics that bands of so many values can bear: two values for each parameter.

    Examples
    --------
    >>> usable_terms(np.array([4, 6, 10, 100]), 3).tolist()
    [0, 1, 2, 3]
    """
    terms: NDArray[np.intp] = np.clip(
        (np.asarray(count) // POINTS_PER_PARAMETER - 1) // 2, 0, n_terms
    )
    return terms


def pooled_power(
    powers: Sequence[NDArray[np.floating]], bands: Sequence[Series]
) -> NDArray[np.floating]:
    """Join the bands of objects: the fraction of their common chi-squared that is taken away.

    Parameters
    ----------
    powers : sequence of (n_terms, n_objects, n_frequencies) arrays of float
        One for each band, with a mean, amplitudes and phases of its own.
    bands : sequence of Series
        Of all the objects. A band with few values takes part with fewer harmonics, or not at all.

    Returns
    -------
    (n_terms, n_objects, n_frequencies) array of float
    """
    n_terms = len(powers[0])
    chi2 = np.stack([band.chi2 for band in bands])
    terms = np.stack([usable_terms(band.count, n_terms) for band in bands])
    total = np.where(terms > 0, chi2, 0.0).sum(axis=0)
    share = np.where(terms > 0, chi2, 0.0) / np.where(total > 0, total, 1.0)
    rows = np.arange(chi2.shape[1])
    joined = np.zeros_like(powers[0])
    for power, part, usable in zip(powers, share.astype(joined.dtype), terms, strict=True):
        if (usable == n_terms).all():
            joined += power * part[:, np.newaxis]
            continue
        for place in range(n_terms):
            joined[place] += power[np.clip(usable - 1, 0, place), rows] * part[:, np.newaxis]
    return joined


def nested_gains(window: Sequence[Sums], signal: Sequence[Sums]) -> NDArray[np.floating]:
    """Solve the normal equations of 1, 2 ... harmonics.

    One Cholesky decomposition serves all numbers of terms, because the parameters of fewer terms
    come first. It is written out over the parameters, so that every step is one array operation
    over all frequencies: small systems by the hundred thousand are slow in LAPACK.

    Parameters
    ----------
    window : 2 n arrays of complex, of any one shape
        ``sum w exp(2 pi i k f t)`` for k = 1 ... 2 n, where the weights w sum to 1.
    signal : n arrays of complex
        ``sum w y exp(2 pi i k f t)`` for k = 1 ... n, where y has a weighted mean of 0.

    Returns
    -------
    (n, ...) array of float
        Decrease of ``sum w (y - m)**2``.
    """
    n_parameters = 2 * len(signal)
    cosine = [np.ones_like(window[0].real), *(one.real.copy() for one in window)]
    sine = [np.zeros_like(cosine[0]), *(one.imag.copy() for one in window)]
    right = [part.copy() for one in signal for part in (one.real, one.imag)]

    def covariance(row: int, column: int) -> NDArray[np.floating]:
        k, m = row // 2 + 1, column // 2 + 1
        if row % 2 == column % 2:
            product = cosine[k - m] - cosine[k + m] if row % 2 else cosine[k - m] + cosine[k + m]
        else:
            product = sine[k + m] + (sine[k - m] if row % 2 else -sine[k - m])
        means = [(sine if place % 2 else cosine)[place // 2 + 1] for place in (row, column)]
        return 0.5 * product - means[0] * means[1]

    factor: list[list[NDArray[np.floating]]] = []
    inverse: list[NDArray[np.floating]] = []
    solved: list[NDArray[np.floating]] = []
    gains = np.empty((len(signal), *cosine[0].shape), dtype=cosine[0].dtype)
    total = np.zeros_like(cosine[0])
    for row in range(n_parameters):
        line: list[NDArray[np.floating]] = []
        for column in range(row):
            entry = covariance(row, column)
            for left, right_factor in zip(line, factor[column], strict=False):
                entry -= left * right_factor
            line.append(entry * inverse[column])
        pivot = covariance(row, row)
        rest = right[row]
        for left, value in zip(line, solved, strict=True):
            pivot -= left * left
            rest -= left * value
        inverse.append(np.where(pivot > _WELL_DETERMINED, 1 / np.sqrt(np.maximum(pivot, 1e-6)), 0))
        factor.append(line)
        solved.append(rest * inverse[row])
        total += solved[row] ** 2
        if row % 2:
            gains[row // 2] = total
    return gains


def periodogram(
    time: Floats,
    value: Floats,
    error: Floats | None,
    grid: FrequencyGrid,
    n_terms: int = 1,
) -> NDArray[np.float64]:
    """Generalised Lomb-Scargle periodograms of light curves on one axis of times.

    Parameters
    ----------
    time : (n,) array of float, d
    value : (n,) or (n_series, n) array of float
        NaN where missing.
    error : array of float, optional
        As `value`; by default all weigh the same.
    grid : FrequencyGrid
    n_terms : int
        Harmonics.

    Returns
    -------
    (grid.size,) or (n_series, grid.size) array of float
        Fraction of chi-squared that the harmonics take away, 0 to 1 (the "standard"
        normalisation).

    Examples
    --------
    >>> time = np.sort(np.random.default_rng(1).uniform(0, 100, 60))
    >>> grid = FrequencyGrid(minimum=0.01, spacing=0.002, size=1000)
    >>> power = periodogram(time, np.sin(2 * np.pi * time / 1.25), None, grid)
    >>> round(float(1 / grid.frequencies[power.argmax()]), 2), round(float(power.max()), 3)
    (1.25, 1.0)
    """
    values = np.atleast_2d(np.asarray(value, dtype=float))
    weight = np.ones_like(values) if error is None else np.atleast_2d(error).astype(float) ** -2
    series = Series.prepared(np.asarray(time, dtype=float), values, weight)
    power = np.empty((len(values), grid.size))
    for start, piece in series.power_on_grid(grid, n_terms):
        power[:, start : start + piece.shape[-1]] = piece[n_terms - 1]
    return power[0] if np.ndim(value) == 1 else power
