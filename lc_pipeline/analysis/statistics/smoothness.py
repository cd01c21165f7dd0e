"""Whether neighbours in time resemble each other: noise does not remember, stars do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.statistics.points import Points
from lc_pipeline.analysis.statistics.rows import Floats, row_sum, row_total
from lc_pipeline.analysis.statistics.scatter import robust_sigma

Places = NDArray[np.intp]


def lag1_autocorrelation(points: Points) -> Floats:
    """Autocorrelation of successive points; 0 for white noise.

    ``sum((m_i - mean) (m_(i+1) - mean)) / sum((m_i - mean)^2)``

    Kim et al. 2011, ApJ 735, 68, doi:10.1088/0004-637X/735/2/68
    """
    residual = points.residual
    return row_sum(residual[:, :-1], residual[:, 1:]) / points.sum_of_squares


def von_neumann(points: Points) -> Floats:
    """Von Neumann ratio; 2 for white noise, less where the light curve is smooth.

    ``eta = sum((m_(i+1) - m_i)^2) / ((N - 1) s^2)``

    von Neumann 1941, Ann. Math. Stat. 12, 367, doi:10.1214/aoms/1177731677; Shin et al. 2009,
    MNRAS 400, 1897, doi:10.1111/j.1365-2966.2009.15576.x
    """
    return row_sum(points.step, points.step) / points.sum_of_squares


def inverse_von_neumann(points: Points) -> Floats:
    """Inverse of the von Neumann ratio; 0.5 for white noise, more where it is smooth.

    ``1 / eta``

    Sokolovsky et al. 2017, MNRAS 464, 274, doi:10.1093/mnras/stw2262
    """
    return points.sum_of_squares / row_sum(points.step, points.step)


def uneven_von_neumann(points: Points) -> Floats:
    """Von Neumann ratio of slopes, for uneven sampling; 2 for white noise at even intervals.

    ``((t_N - t_1) / (N - 1))^2 sum(((m_(i+1) - m_i) / (t_(i+1) - t_i))^2) / ((N - 1) s^2)``; points
    of one time make no slope

    Kim et al. 2014, A&A 566, A43, doi:10.1051/0004-6361/201323252
    """
    is_step = points.is_step & (points.interval > 0)
    slope = np.where(is_step, points.step / np.where(is_step, points.interval, 1), 0)
    spacing = time_span(points) / (points.n - 1)
    return spacing**2 * row_sum(slope, slope) / points.sum_of_squares


def time_span(points: Points) -> Floats:
    """(n_objects,) days from the first to the last point."""
    if not points.time.shape[1]:
        return np.full(len(points.n), np.nan)
    last = points.time[np.arange(len(points.n)), np.maximum(points.n - 1, 0)]
    return last - points.time[:, 0]


def excess_abbe(points: Points) -> Floats:
    """Excess Abbe value: positive where short parts are less smooth than the whole.

    ``mean_i(A(points within T/2 of t_i)) - A``, ``A = n / (n - 1) / 2 sum((m_(i+1) - m_i)^2) /
    sum((m_i - mean)^2)``; parts with fewer than 3 points or no scatter are left out

    Mowlavi 2014, A&A 568, A78, doi:10.1051/0004-6361/201322648
    """
    span = np.nan_to_num(time_span(points))
    window = points.rules.abbe_window or span / 10
    first, stop = _windows(points, span, np.broadcast_to(window, points.n.shape) / 2)
    value = _sums_before(points.deviation)
    square = _sums_before(points.deviation**2)
    step = _sums_before(points.step**2)
    n = (stop - first).astype(float)

    def between(sums: Floats, begin: Places, end: Places) -> Floats:
        part: Floats = np.take_along_axis(sums, end, 1) - np.take_along_axis(sums, begin, 1)
        return part

    total = between(value, first, stop)
    scatter = between(square, first, stop) - total**2 / np.maximum(n, 1)
    steps = between(step, first, np.maximum(stop - 1, first))
    is_part = points.is_point & (n > 2) & (scatter > 1e-12 * square[:, -1:])  # noqa: PLR2004
    part = np.where(is_part, n / (n - 1) / 2 * steps / np.where(is_part, scatter, 1), 0)
    whole = points.n / (points.n - 1) / 2 * von_neumann(points)
    return row_total(part) / row_total(is_part) - whole


def _windows(points: Points, span: Floats, half: Floats) -> tuple[Places, Places]:
    """First point within `half` of each point, and the one after the last."""
    n_objects, width = points.time.shape
    # One ascending axis for all objects, each in a stretch of its own, for one search.
    stretch = 4 * max(float(span.max(initial=0)), float(half.max(initial=0)), 1.0)
    start = stretch * np.arange(n_objects)[:, np.newaxis]
    time = np.where(points.is_point, points.time - points.time[:, :1], stretch / 2) + start
    # What is as far as `half` but for rounding counts as within.
    reach = half[:, np.newaxis] + 1e-9 * stretch
    before = width * np.arange(n_objects)[:, np.newaxis]
    first = np.searchsorted(time.ravel(), (time - reach).ravel(), "left").reshape(time.shape)
    stop = np.searchsorted(time.ravel(), (time + reach).ravel(), "right").reshape(time.shape)
    return np.clip(first - before, 0, width - 1), np.clip(stop - before, 0, points.n[:, np.newaxis])


def _sums_before(array: Floats) -> Floats:
    """(n_objects, n + 1) sums of what stands before each place of a row."""
    sums = np.zeros((len(array), array.shape[1] + 1))
    np.cumsum(array, axis=1, out=sums[:, 1:])
    return sums


def sign_runs(points: Points) -> Floats:
    """S_B: how large the runs of points on one side of the mean are.

    ``sum_j((sum_i in run j (m_i - wmean) / sigma_i)^2) / (N M)``, M the number of runs of
    successive points on one side of the weighted mean

    Figuera Jaimes et al. 2013, A&A 556, A20, doi:10.1051/0004-6361/201220824
    """
    significance = points.significance
    side = significance < 0
    is_last = points.is_point.copy()
    is_last[:, :-1] &= (side[:, 1:] != side[:, :-1]) | ~points.is_point[:, 1:]
    rows = np.nonzero(is_last)[0]
    sums = np.cumsum(significance, axis=1)[is_last]
    before = np.zeros_like(sums)
    before[1:] = np.where(rows[1:] == rows[:-1], sums[:-1], 0)
    square = (sums - before) ** 2
    n_runs = np.bincount(rows, minlength=len(points.n))
    total = np.bincount(rows, weights=square, minlength=len(points.n))
    return total / (points.n * n_runs)


def cssd(points: Points) -> Floats:
    """Consecutive same-sign deviations; 0.00002 for white noise.

    ``#(i: m_i, m_(i+1), m_(i+2) all > med + 2 S, or all < med - 2 S) / (N - 2)``,
    ``S = 1.4826 MAD``

    Woźniak 2000, Acta Astron. 50, 421; Shin et al. 2009, MNRAS 400, 1897,
    doi:10.1111/j.1365-2966.2009.15576.x
    """
    limit = 2 * robust_sigma(points)[:, np.newaxis]
    n_triples = np.zeros(len(points.n))
    for is_far in (points.deviation > limit, points.deviation < -limit):
        n_triples += row_total(is_far[:, :-2] & is_far[:, 1:-1] & is_far[:, 2:])
    return n_triples / (points.n - 2)
