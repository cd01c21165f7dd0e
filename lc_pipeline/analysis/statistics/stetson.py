"""Welch's and Stetson's indices: real variations are seen by both points of a pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.statistics.points import Points
from lc_pipeline.analysis.statistics.rows import (
    Booleans,
    Floats,
    quantile_of_sorted,
    row_sum,
    row_total,
)

#: What K is for Gaussian noise.
GAUSSIAN_K = float(np.sqrt(2 / np.pi))

#: Pairs whose points differ by more than so many times the error of the difference are clipped.
CLIP_SIGMA = 5.0


def stetson_k(points: Points) -> Floats:
    """Stetson's K, a robust kurtosis; 0.798 for a Gaussian, 0.900 for a sine wave.

    ``mean |delta_i| / sqrt(mean delta_i^2)``, ``delta_i = sqrt(N / (N - 1)) (m_i - m) / sigma_i``
    about Stetson's robust mean m

    Stetson 1996, PASP 108, 851, doi:10.1086/133808
    """
    return k_of(points.stetson_residual, points.n)


def k_of(residual: Floats, n: NDArray[np.intp]) -> Floats:
    """K of relative errors that are 0 behind the last point."""
    mean_square = row_sum(residual, residual) / n
    return row_total(np.abs(residual)) / n / np.sqrt(mean_square)


def stetson_i(points: Points) -> Floats:
    """Welch & Stetson's I of pairs in time; 0 for noise.

    ``sqrt(1 / (n (n - 1))) sum(u_k v_k)`` over the n pairs, u and v ``(m_i - wmean) / sigma_i`` of
    their points

    Welch & Stetson 1993, AJ 105, 1813, doi:10.1086/116556
    """
    is_first = points.pairing.is_first
    product = points.significance[:, :-1] * points.significance[:, 1:]
    n = row_total(is_first)
    return row_total(np.where(is_first, product, 0)) / np.sqrt(n * (n - 1))


def stetson_j(points: Points) -> Floats:
    """Stetson's J of pairs in time; 0 for noise in pairs.

    ``mean_k(sgn(P_k) sqrt|P_k|)``, ``P_k = delta_i delta_j`` of a pair, ``delta_i^2 - 1`` of a
    single point, all of weight 1; delta as for K

    Stetson 1996, PASP 108, 851, doi:10.1086/133808
    """
    return _j(points, points.pairing.is_first)


def stetson_j_clip(points: Points) -> Floats:
    """J without pairs that disagree, which are outliers rather than variations.

    As J; no pair with ``|m_i - m_j| > 5 sqrt(sigma_i^2 + sigma_j^2)``

    Sokolovsky et al. 2017, MNRAS 464, 274, doi:10.1093/mnras/stw2262
    """
    error = np.where(points.is_point, points.error, 0)
    variance = error[:, :-1] ** 2 + error[:, 1:] ** 2
    agrees = points.step**2 <= CLIP_SIGMA**2 * variance
    return _j(points, points.pairing.is_first & agrees)


def stetson_j_time(points: Points) -> Floats:
    """J of all successive points, with weights that fall with the time between them.

    ``sum(w_i sgn(P_i) sqrt|P_i|) / sum(w_i)``, ``P_i = delta_i delta_(i+1)``,
    ``w_i = exp(-(t_(i+1) - t_i) / median(t_(j+1) - t_j))``

    Fruth et al. 2012, AJ 143, 140, doi:10.1088/0004-6256/143/6/140; Sokolovsky et al. 2017,
    doi:10.1093/mnras/stw2262
    """
    interval = points.interval
    typical = quantile_of_sorted(np.sort(interval, axis=1), points.n - 1, 0.5)
    weight = np.exp(-np.where(points.is_step, interval, np.inf) / typical[:, np.newaxis])
    return row_sum(weight, _rooted(_products(points))) / row_total(weight)


def stetson_l(points: Points) -> Floats:
    """Stetson's L: J, more for a smooth wave than for outliers, less where few epochs have it.

    ``J K / 0.798 N / N_all``, N_all the number of epochs in which the measurement was made of any
    object

    Stetson 1996, PASP 108, 851, doi:10.1086/133808
    """
    return points.once(stetson_j) * points.once(stetson_k) / GAUSSIAN_K


def stetson_l_clip(points: Points) -> Floats:
    """L from the clipped J.

    As L, of ``stetson_j_clip``

    Sokolovsky et al. 2017, MNRAS 464, 274, doi:10.1093/mnras/stw2262
    """
    return points.once(stetson_j_clip) * points.once(stetson_k) / GAUSSIAN_K


def stetson_l_time(points: Points) -> Floats:
    """L from the time-weighted J.

    As L, of ``stetson_j_time``

    Fruth et al. 2012, AJ 143, 140, doi:10.1088/0004-6256/143/6/140; Sokolovsky et al. 2017,
    doi:10.1093/mnras/stw2262
    """
    return points.once(stetson_j_time) * points.once(stetson_k) / GAUSSIAN_K


def _products(points: Points) -> Floats:
    return points.stetson_residual[:, :-1] * points.stetson_residual[:, 1:]


def _rooted(product: Floats) -> Floats:
    return np.copysign(np.sqrt(np.abs(product)), product)


def _j(points: Points, is_first: Booleans) -> Floats:
    is_single = points.pairing.is_single
    pairs = np.where(is_first, _rooted(_products(points)), 0)
    singles = np.where(is_single, _rooted(points.stetson_residual**2 - 1), 0)
    n = row_total(is_first) + row_total(is_single)
    return (row_total(pairs) + row_total(singles)) / n
