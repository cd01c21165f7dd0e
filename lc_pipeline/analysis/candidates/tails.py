"""How far out a value lies in what constant objects show: probabilities from the survey itself.

An index of constant objects is not Gaussian: it is skewed where there are few points, and has a
long tail where the noise has one. So the distribution of the constant objects is read off the
survey, variables and all: its middle is where most objects are, and outward it falls faster than
the variables become fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.special import log_ndtr, ndtr

Floats = NDArray[np.float64]

#: Fewer values than this say nothing of a distribution.
MIN_VALUES = 8
#: What g and h of robust indices of constant objects are, and how far they may be off. It decides
#: where the values are few.
PRIOR_G = (0.10, 0.08)
PRIOR_H = (0.01, 0.02)
#: Fraction of variables: weakly expected to be small.
_PRIOR_VARIABLE = 0.2

_MANY = 1000
# Ascending Gaussian deviates at which a distribution is tabulated; far out steps may be coarse.
_GRID = np.concatenate([np.linspace(-8, 8, 401), np.geomspace(8.1, 500, 200)])


@dataclass(frozen=True)
class NullDistribution:
    """Tukey's g-and-h distribution: a Gaussian u made skew (g) and long-tailed (h).

    z = location + scale (exp(g u) - 1) / g exp(h u^2 / 2), with g, h >= 0, so that z grows with u
    (Hoaglin 1985, in *Exploring Data Tables, Trends, and Shapes*, Wiley, ch. 11).

    Attributes
    ----------
    location, scale, g, h : float
    variable : float
        Fraction of the values that are of variables, by the fit.
    n_values : int
        How many it was fitted to; 0: too few, and nothing is known.
    """

    location: float
    scale: float
    g: float
    h: float
    variable: float
    n_values: int

    def quantile(self, u: ArrayLike) -> Floats:
        """The value at `u` standard deviations of the Gaussian."""
        shape = _g_and_h(np.asarray(u, dtype=float), self.g, self.h)
        return np.asarray(self.location + self.scale * shape)

    def deviate(self, value: ArrayLike) -> Floats:
        """The Gaussian standard deviations `u` of a value; NaN where it is NaN."""
        value = np.asarray(value, dtype=float)
        if not self.n_values:
            return np.full(value.shape, np.nan)
        deviates = _deviate((value - self.location) / self.scale, self.g, self.h)
        return np.where(np.isfinite(value), deviates, np.nan)

    def log_exceedance(self, value: ArrayLike) -> Floats:
        """Logarithm of the probability that a constant object has such a value or a greater one."""
        return np.asarray(log_ndtr(-self.deviate(value)))


def _g_and_h(u: Floats, g: float, h: float) -> Floats:
    with np.errstate(over="ignore"):
        skewed = np.expm1(g * u) / g if g > 1e-6 else u  # noqa: PLR2004 (the limit is u)
        return np.asarray(skewed * np.exp(h * u**2 / 2))


def _deviate(scaled: Floats, g: float, h: float) -> Floats:
    table = _g_and_h(_GRID, g, h)
    # With g > 0 the lower end is flat; floats may even turn back there.
    table = np.maximum.accumulate(np.where(np.isfinite(table), table, np.finfo(float).max))
    return np.asarray(np.interp(scaled, table, _GRID))


def fit_null(
    values: ArrayLike,
    *,
    prior_g: tuple[float, float] = PRIOR_G,
    prior_h: tuple[float, float] = PRIOR_H,
) -> NullDistribution:
    """Fit the distribution of the constant objects to the values of all objects.

    The numbers of values in bins, from the lower part to the last one, are fitted with those of a
    :class:`NullDistribution` and of variables, of which there are as many in each octave of
    distance from the middle. (Least squares of square roots of the numbers, whose errors are
    alike.) Like Efron's empirical null (2004, JASA 99, 96, doi:10.1198/016214504000000089), but
    with a tail.

    Parameters
    ----------
    values : array_like of float
        NaN is left out.
    prior_g, prior_h : (float, float)
        What is expected of g and h, and its error.

    Examples
    --------
    >>> stars = np.random.default_rng(1).normal(size=1000)
    >>> stars[:100] += np.geomspace(1.0, 100.0, 100)
    >>> null = fit_null(stars)
    >>> print(f"{null.scale:.1f}, {null.variable:.0%} variable")
    1.0, 10% variable
    """
    ordered = np.sort(np.asarray(values, dtype=float).ravel())
    ordered = ordered[np.isfinite(ordered)]
    n = len(ordered)
    nothing = NullDistribution(np.nan, np.nan, np.nan, np.nan, np.nan, 0)
    if n < MIN_VALUES:
        return nothing
    low, quarter, median = np.quantile(ordered, [0.16, 0.25, 0.5])
    spread = max((median - quarter) / 0.6745, 1e-3 * (median - low))
    if not spread > 0:
        return nothing
    scaled = (ordered - median) / spread
    edges, counts = _bins(scaled)
    most = max(float(scaled[-1]), 8.0)

    def misfit(parameters: Floats) -> Floats:
        location, log_scale, g, h, root = parameters
        scale, variable = np.exp(log_scale), root**2
        standard = (edges - location) / scale
        below = ndtr(_deviate(standard, g, h))
        octaves = np.log(np.maximum(standard, 1.0)) / np.log((most - location) / scale)
        cumulative = n * ((1 - variable) * below + variable * np.minimum(octaves, 1.0))
        cumulative = np.concatenate([[0.0], cumulative, [n]])
        expected = np.maximum(np.diff(cumulative), 0.0)
        residual = np.sqrt(counts) + np.sqrt(counts + 1) - np.sqrt(4 * expected + 1)
        prior = [
            (g - prior_g[0]) / prior_g[1],
            (h - prior_h[0]) / prior_h[1],
            root / np.sqrt(_PRIOR_VARIABLE),
        ]
        return np.concatenate([residual, prior])

    fit = least_squares(
        misfit,
        [0.0, 0.0, prior_g[0], prior_h[0], 0.15],
        bounds=([-3.0, -3.0, 0.0, 0.0, 0.0], [3.0, 3.0, 1.5, 0.5, 0.95]),
        x_scale=[0.1, 0.1, 0.1, 0.02, 0.1],
        diff_step=1e-4,
    )
    location, log_scale, g, h, root = (float(value) for value in fit.x)
    return NullDistribution(
        float(median + spread * location),
        float(spread * np.exp(log_scale)),
        g, h, root**2, n,
    )  # fmt: skip


def _bins(scaled: Floats) -> tuple[Floats, Floats]:
    """Bin edges: finer where there are many values; octaves far out."""
    n = len(scaled)
    inner = np.linspace(-1.5, 1.5, int(np.clip(n / 10, 6, 31)))
    outer = np.concatenate(
        [np.arange(1.75, 6.1, 0.5 if n < _MANY else 0.25), 2.0 ** np.arange(3, 8)]
    )
    edges = np.concatenate([inner, outer])
    counts = np.diff(np.searchsorted(scaled, edges), prepend=0, append=n)
    return edges, counts.astype(float)
