"""Where an object's brightness lies: means, median, their errors, and a straight line."""

from __future__ import annotations

import numpy as np

from lc_pipeline.analysis.statistics.points import MAD_TO_SIGMA, Points
from lc_pipeline.analysis.statistics.rows import Floats, row_sum, row_total


def mean(points: Points) -> Floats:
    """Mean.

    ``mean = sum(m_i) / N``
    """
    return points.median + points.mean_deviation


def mean_error(points: Points) -> Floats:
    """Standard error of the mean, from the scatter.

    ``s / sqrt(N)``, s the standard deviation
    """
    return np.sqrt(points.variance / points.n)


def weighted_mean(points: Points) -> Floats:
    """Mean weighted by the inverse squared errors.

    ``wmean = sum(w_i m_i) / sum(w_i)``, ``w_i = 1 / sigma_i^2``

    Bevington & Robinson 2003, Data Reduction and Error Analysis, eq. 4.17
    """
    return points.median + points.weighted_mean_deviation


def weighted_mean_error(points: Points) -> Floats:
    """Standard error of the weighted mean, from the errors alone.

    ``1 / sqrt(sum(1 / sigma_i^2))``

    Bevington & Robinson 2003, Data Reduction and Error Analysis, eq. 4.19
    """
    return 1 / np.sqrt(points.sum_of_weights)


def median(points: Points) -> Floats:
    """Median.

    ``med = Q(0.5)``
    """
    return points.median


def median_error(points: Points) -> Floats:
    """Standard error of the median, from the robust scatter, for Gaussian noise and many points.

    ``sqrt(pi / 2) 1.4826 MAD / sqrt(N)``

    Kendall & Stuart 1977, The Advanced Theory of Statistics, vol. 1
    """
    sigma = MAD_TO_SIGMA * points.median_absolute_deviation
    return np.sqrt(np.pi / 2 / points.n) * sigma


def linear_trend(points: Points) -> Floats:
    """Slope of a straight line, by least squares without weights.

    ``sum((t_i - mean t) (m_i - mean)) / sum((t_i - mean t)^2)``

    Press et al. 2007, Numerical Recipes, section 15.2
    """
    time = _centred_time(points)
    return row_sum(time, points.residual) / row_sum(time, time)


def linear_trend_error(points: Points) -> Floats:
    """Error of the slope, from the scatter about the line.

    ``sqrt(sum(r_i^2) / ((N - 2) sum((t_i - mean t)^2)))``, r_i the residuals from the line

    Press et al. 2007, Numerical Recipes, section 15.2
    """
    time = _centred_time(points)
    spread = row_sum(time, time)
    product = row_sum(time, points.residual)
    unexplained = np.maximum(points.sum_of_squares - product**2 / spread, 0)
    return np.sqrt(unexplained / ((points.n - 2) * spread))


def _centred_time(points: Points) -> Floats:
    time = np.where(points.is_point, points.time - points.time[:, :1], 0.0)
    return np.where(points.is_point, time - (row_total(time) / points.n)[:, np.newaxis], 0.0)
