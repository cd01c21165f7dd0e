"""Two measurements at a time: real variations are seen in both bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.statistics.points import Points, Remembering, has_error
from lc_pipeline.analysis.statistics.rows import Floats, row_sum, row_total
from lc_pipeline.analysis.statistics.stetson import GAUSSIAN_K


@dataclass(frozen=True)
class TwoMeasurements(Remembering):
    """Points of the same epochs in two measurements, column for column.

    Where one is a magnitude and the other a flux, the sign of the second's deviations is changed,
    so that what brightens in both varies together.
    """

    first: Points
    second: Points

    @property
    def n(self) -> NDArray[np.intp]:
        """(n_objects,) pairs."""
        return self.first.n

    @property
    def sign(self) -> int:
        """-1 if one is a magnitude and the other a flux."""
        return 1 if self.first.quantity == self.second.quantity else -1

    def with_errors(self) -> TwoMeasurements:
        """Only pairs that have both errors."""
        both = self.first.is_point & has_error(self.first.error) & has_error(self.second.error)
        return TwoMeasurements(self.first.restricted_to(both), self.second.restricted_to(both))


def correlation(pair: TwoMeasurements) -> Floats:
    """Correlation of two measurements.

    ``r = C / (s_1 s_2)``, C the joint covariance

    Kozłowski et al. 2010, ApJ 716, 530, doi:10.1088/0004-637X/716/1/530
    """
    product = np.sqrt(pair.first.sum_of_squares * pair.second.sum_of_squares)
    return pair.sign * row_sum(pair.first.residual, pair.second.residual) / product


def joint_covariance(pair: TwoMeasurements) -> Floats:
    """Covariance of two measurements.

    ``C = sum((a_i - mean a) (b_i - mean b)) / (N - 1)``

    Kozłowski et al. 2010, ApJ 716, 530, doi:10.1088/0004-637X/716/1/530
    """
    return pair.sign * row_sum(pair.first.residual, pair.second.residual) / (pair.n - 1)


def stetson_i(pair: TwoMeasurements) -> Floats:
    """Welch & Stetson's I of two measurements; 0 for noise.

    ``sqrt(1 / (n (n - 1))) sum(u_k v_k)``, u and v ``(m_i - wmean) / sigma_i`` in either

    Welch & Stetson 1993, AJ 105, 1813, doi:10.1086/116556
    """
    total = row_sum(pair.first.significance, pair.second.significance)
    return pair.sign * total / np.sqrt(pair.n * (pair.n - 1.0))


def stetson_j(pair: TwoMeasurements) -> Floats:
    """Stetson's J of two measurements; 0 for noise.

    ``mean_k(sgn(P_k) sqrt|P_k|)``, ``P_k = delta_k delta'_k``, delta as for K, in either

    Stetson 1996, PASP 108, 851, doi:10.1086/133808
    """
    product = pair.first.stetson_residual * pair.second.stetson_residual
    root = np.copysign(np.sqrt(np.abs(product)), product)
    return pair.sign * row_total(root) / pair.n


def stetson_l(pair: TwoMeasurements) -> Floats:
    """Stetson's L of two measurements.

    ``J K / 0.798 N / N_all``, K over the points of both, N_all the epochs in which both were made
    of any object

    Stetson 1996, PASP 108, 851, doi:10.1086/133808
    """
    residuals = (pair.first.stetson_residual, pair.second.stetson_residual)
    mean = sum(row_total(np.abs(residual)) for residual in residuals) / (2 * pair.n)
    mean_square = sum(row_sum(residual, residual) for residual in residuals) / (2 * pair.n)
    kurtosis: Floats = mean / np.sqrt(mean_square)
    return pair.once(stetson_j) * kurtosis / GAUSSIAN_K
