"""The shape of the distribution of the values."""

from __future__ import annotations

import numpy as np

from lc_pipeline.analysis.statistics.points import Points
from lc_pipeline.analysis.statistics.rows import Floats, row_sum, row_total


def skew(points: Points) -> Floats:
    """Skewness; positive where magnitudes (fluxes) have a tail of large values.

    ``N / ((N - 1) (N - 2)) sum((m_i - mean)^3) / s^3``

    Joanes & Gill 1998, The Statistician 47, 183, doi:10.1111/1467-9884.00122 (G1)
    """
    n = points.n.astype(float)
    cubes = row_sum(points.residual**2, points.residual)
    g1: Floats = n / ((n - 1) * (n - 2)) * cubes / points.variance**1.5
    return g1


def kurtosis(points: Points) -> Floats:
    """Excess kurtosis; 0 for a Gaussian.

    ``N (N + 1) / ((N - 1) (N - 2) (N - 3)) sum((m_i - mean)^4) / s^4
    - 3 (N - 1)^2 / ((N - 2) (N - 3))``

    Joanes & Gill 1998, The Statistician 47, 183, doi:10.1111/1467-9884.00122 (G2)
    """
    n = points.n.astype(float)
    square = points.residual**2
    ratio = row_sum(square, square) / points.variance**2
    factor = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3))
    g2: Floats = factor * ratio - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    return g2


def beyond_1_sigma(points: Points) -> Floats:
    """Fraction of points further than 1 standard deviation from the mean; 0.317 for a Gaussian.

    ``#(|m_i - mean| > s) / N``

    Richards et al. 2011, ApJ 733, 10, doi:10.1088/0004-637X/733/1/10
    """
    return _beyond(points, 1)


def beyond_2_sigma(points: Points) -> Floats:
    """Fraction of points further than 2 standard deviations from the mean; 0.046 for a Gaussian.

    ``#(|m_i - mean| > 2 s) / N``

    After Richards et al. 2011, ApJ 733, 10, doi:10.1088/0004-637X/733/1/10
    """
    return _beyond(points, 2)


def beyond_3_sigma(points: Points) -> Floats:
    """Fraction of points further than 3 standard deviations from the mean; 0.003 for a Gaussian.

    ``#(|m_i - mean| > 3 s) / N``

    After Richards et al. 2011, ApJ 733, 10, doi:10.1088/0004-637X/733/1/10
    """
    return _beyond(points, 3)


def _beyond(points: Points, n_sigma: float) -> Floats:
    limit = n_sigma * np.sqrt(points.variance)
    return row_total(np.abs(points.residual) > limit[:, np.newaxis]) / points.n
