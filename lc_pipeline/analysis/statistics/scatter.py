"""How far the points scatter, whatever their order in time."""

from __future__ import annotations

import numpy as np

from lc_pipeline.analysis.statistics.points import MAD_TO_SIGMA, Points
from lc_pipeline.analysis.statistics.rows import Floats, row_sum, row_total

#: d ln(flux) / d mag
LN_FLUX_PER_MAG = 0.4 * np.log(10)


def standard_deviation(points: Points) -> Floats:
    """Standard deviation.

    ``s = sqrt(sum((m_i - mean)^2) / (N - 1))``

    Sokolovsky et al. 2017, MNRAS 464, 274, doi:10.1093/mnras/stw2262
    """
    return np.sqrt(points.variance)


def weighted_standard_deviation(points: Points) -> Floats:
    """Standard deviation with weights ``w_i = 1 / sigma_i^2``.

    ``sqrt(W / (W^2 - sum(w_i^2)) sum(w_i (m_i - wmean)^2))``, ``W = sum(w_i)``

    Kolesnikova et al. 2008, Acta Astron. 58, 279; Sokolovsky et al. 2017,
    doi:10.1093/mnras/stw2262
    """
    total = points.sum_of_weights
    share = total / (total**2 - row_sum(points.weight, points.weight))
    return np.sqrt(share * row_sum(points.significance, points.significance))


def median_absolute_deviation(points: Points) -> Floats:
    """Median absolute deviation from the median; 1.4826 times it is a Gaussian's sigma.

    ``MAD = median |m_i - med|``

    Rousseeuw & Croux 1993, JASA 88, 1273, doi:10.1080/01621459.1993.10476408
    """
    return points.median_absolute_deviation


def interquartile_range(points: Points) -> Floats:
    """Interquartile range; 0.7413 times it is a Gaussian's sigma.

    ``Q(0.75) - Q(0.25)``, quantiles by the rule of Hazen

    Sokolovsky et al. 2017, MNRAS 464, 274, doi:10.1093/mnras/stw2262
    """
    return points.quantile(0.75) - points.quantile(0.25)


def reduced_chi2(points: Points) -> Floats:
    """Reduced chi squared of a constant; 1 for noise that the errors describe.

    ``sum((m_i - wmean)^2 / sigma_i^2) / (N - 1)``

    de Diego 2010, AJ 139, 1269, doi:10.1088/0004-6256/139/3/1269
    """
    return row_sum(points.significance, points.significance) / (points.n - 1)


def roms(points: Points) -> Floats:
    """Robust median statistic; 0.8 for noise that the errors describe.

    ``RoMS = sum(|m_i - med| / sigma_i) / (N - 1)``

    Enoch, Brown & Burgasser 2003, AJ 126, 1006, doi:10.1086/376598; Rose & Hintz 2007, AJ 134,
    2067, doi:10.1086/522963
    """
    return row_sum(np.abs(points.deviation), points.inverse_error) / (points.n - 1)


def excess_variance(points: Points) -> Floats:
    """Normalised excess variance; negative where the errors are larger than the scatter.

    ``(s^2 - mean(sigma_i^2)) / mean^2`` of fluxes; of magnitudes, that of their fluxes to first
    order, ``(0.4 ln 10)^2 (s^2 - mean(sigma_i^2))``

    Nandra et al. 1997, ApJ 476, 70, doi:10.1086/303600; Vaughan et al. 2003, MNRAS 345, 1271,
    doi:10.1046/j.1365-2966.2003.07042.x
    """
    return (points.variance - _mean_square_error(points)) * _to_relative(points)


def excess_variance_error(points: Points) -> Floats:
    """Error of the normalised excess variance that noise alone makes.

    ``sqrt((sqrt(2 / N) E)^2 + 4 E max(NXS, 0) / N)``, ``E = mean(sigma_i^2) / mean^2``

    Vaughan et al. 2003, MNRAS 345, 1271, doi:10.1046/j.1365-2966.2003.07042.x, eq. 11
    """
    noise = _mean_square_error(points) * _to_relative(points)
    excess = np.maximum(excess_variance(points), 0)
    return np.sqrt(2 / points.n * noise**2 + 4 * noise * excess / points.n)


def _mean_square_error(points: Points) -> Floats:
    return row_total(np.where(points.is_point, points.error**2, 0)) / points.n


def _to_relative(points: Points) -> Floats:
    """Turn squares of the measured quantity into squares relative to the flux."""
    if points.quantity == "mag":
        return np.full(len(points.n), LN_FLUX_PER_MAG**2)
    return (points.median + points.mean_deviation) ** -2


def amplitude(points: Points) -> Floats:
    """Half of the range from the smallest to the largest value.

    ``(max(m_i) - min(m_i)) / 2``

    Richards et al. 2011, ApJ 733, 10, doi:10.1088/0004-637X/733/1/10
    """
    return (points.quantile(1) - points.quantile(0)) / 2


def robust_amplitude(points: Points) -> Floats:
    """Half of the range that leaves out 5 % of the points at either side.

    ``(Q(0.95) - Q(0.05)) / 2``

    After Richards et al. 2011, ApJ 733, 10, doi:10.1088/0004-637X/733/1/10
    """
    return (points.quantile(0.95) - points.quantile(0.05)) / 2


def peak_to_peak(points: Points) -> Floats:
    """Peak-to-peak variability v; negative where error bars overlap throughout.

    ``(A - B) / (A + B)``, ``A = max(f_i - sigma_i)``, ``B = min(f_i + sigma_i)`` of fluxes; of
    magnitudes, that of their fluxes, ``tanh(0.2 ln 10 (max(m_i - sigma_i) - min(m_i + sigma_i)))``

    Sokolovsky et al. 2009, Astron. Nachr. 330, 199; 2017, doi:10.1093/mnras/stw2262
    """
    error = np.where(points.is_point, points.error, 0)
    high = np.where(points.is_point, points.deviation - error, -np.inf).max(axis=1, initial=-np.inf)
    low = np.where(points.is_point, points.deviation + error, np.inf).min(axis=1, initial=np.inf)
    if points.quantity == "mag":
        of_fluxes: Floats = np.tanh(LN_FLUX_PER_MAG / 2 * (high - low))
        return of_fluxes
    total = high + low + 2 * points.median
    return np.where(total > 0, (high - low) / total, np.nan)


def v_int(points: Points) -> Floats:
    """Modulation index V of radio surveys.

    ``s / mean``; NaN where the mean flux is not positive

    Swinbank et al. 2015, Astron. Comput. 11, 25, doi:10.1016/j.ascom.2015.03.002
    """
    flux = points.median + points.mean_deviation
    return np.where(flux > 0, np.sqrt(points.variance) / flux, np.nan)


def eta_int(points: Points) -> Floats:
    """Significance eta of radio surveys: the reduced chi squared of a constant flux.

    ``N / (N - 1) (mean(w f^2) - mean(w f)^2 / mean(w))``, ``w_i = 1 / sigma_i^2``

    Swinbank et al. 2015, Astron. Comput. 11, 25, doi:10.1016/j.ascom.2015.03.002
    """
    return reduced_chi2(points)


def robust_sigma(points: Points) -> Floats:
    """1.4826 MAD."""
    return MAD_TO_SIGMA * points.median_absolute_deviation
