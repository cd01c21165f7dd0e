"""All indices, in the order of their columns: the one place that lists them."""

from __future__ import annotations

from lc_pipeline.analysis.statistics import (
    location,
    scatter,
    shape,
    smoothness,
    stetson,
    two_measurements,
)
from lc_pipeline.analysis.statistics.index import Index, Needs

_ERROR: Needs = ("error",)
_TIME: Needs = ("time",)
_BOTH: Needs = ("time", "error")

#: Of one measurement.
INDICES: tuple[Index, ...] = (
    Index("mean", location.mean, "value", 1),
    Index("mean_err", location.mean_error, "value", 2),
    Index("weighted_mean", location.weighted_mean, "value", 1, _ERROR),
    Index("weighted_mean_err", location.weighted_mean_error, "value", 1, _ERROR),
    Index("median", location.median, "value", 1),
    Index("median_err", location.median_error, "value", 3),
    Index("std", scatter.standard_deviation, "value", 2, judged="log"),
    Index("weighted_std", scatter.weighted_standard_deviation, "value", 2, _ERROR, "log"),
    Index("mad", scatter.median_absolute_deviation, "value", 3, judged="log"),
    Index("iqr", scatter.interquartile_range, "value", 4, judged="log"),
    Index("reduced_chi2", scatter.reduced_chi2, "", 2, _ERROR, "log"),
    Index("roms", scatter.roms, "", 2, _ERROR, "log"),
    Index("nxs", scatter.excess_variance, "", 2, _ERROR, "linear"),
    Index("nxs_err", scatter.excess_variance_error, "", 2, _ERROR),
    Index("amplitude", scatter.amplitude, "value", 2, judged="log"),
    Index("robust_amplitude", scatter.robust_amplitude, "value", 10, judged="log"),
    Index("peak_to_peak", scatter.peak_to_peak, "", 2, _ERROR, "linear"),
    Index("v_int", scatter.v_int, "", 2, judged="log", quantities=("flux",)),
    Index("eta_int", scatter.eta_int, "", 2, _ERROR, "log", quantities=("flux",)),
    Index("skew", shape.skew, "", 3, judged="linear"),
    Index("kurtosis", shape.kurtosis, "", 4, judged="linear"),
    Index("beyond_1_sigma", shape.beyond_1_sigma, "", 5, judged="linear"),
    Index("beyond_2_sigma", shape.beyond_2_sigma, "", 10, judged="linear"),
    Index("beyond_3_sigma", shape.beyond_3_sigma, "", 20, judged="linear"),
    Index("lag1", smoothness.lag1_autocorrelation, "", 3, _TIME, "linear"),
    Index("eta", smoothness.von_neumann, "", 3, _TIME, "log"),
    Index("inverse_eta", smoothness.inverse_von_neumann, "", 3, _TIME, "log"),
    Index("eta_e", smoothness.uneven_von_neumann, "", 3, _TIME, "log"),
    Index("excess_abbe", smoothness.excess_abbe, "", 10, _TIME, "linear"),
    Index("s_b", smoothness.sign_runs, "", 3, _BOTH, "log"),
    Index("cssd", smoothness.cssd, "", 5, _TIME, "linear"),
    Index("stetson_i", stetson.stetson_i, "", 4, _BOTH, "linear"),
    Index("stetson_j", stetson.stetson_j, "", 3, _BOTH, "linear"),
    Index("stetson_k", stetson.stetson_k, "", 3, _ERROR, "linear"),
    Index("stetson_l", stetson.stetson_l, "", 3, _BOTH, "linear", is_scaled_by_coverage=True),
    Index("stetson_j_time", stetson.stetson_j_time, "", 3, _BOTH, "linear"),
    Index("stetson_l_time", stetson.stetson_l_time, "", 3, _BOTH, "linear",
          is_scaled_by_coverage=True),
    Index("stetson_j_clip", stetson.stetson_j_clip, "", 3, _BOTH, "linear"),
    Index("stetson_l_clip", stetson.stetson_l_clip, "", 3, _BOTH, "linear",
          is_scaled_by_coverage=True),
    Index("trend", location.linear_trend, "value / d", 3, _TIME, "linear"),
    Index("trend_err", location.linear_trend_error, "value / d", 3, _TIME),
)  # fmt: skip

#: Of two measurements at a time.
PAIR_INDICES: tuple[Index, ...] = (
    Index("correlation", two_measurements.correlation, "", 3, judged="linear"),
    Index("covariance", two_measurements.joint_covariance, "value2", 3, judged="linear"),
    Index("stetson_i", two_measurements.stetson_i, "", 3, _ERROR, "linear"),
    Index("stetson_j", two_measurements.stetson_j, "", 3, _ERROR, "linear"),
    Index("stetson_l", two_measurements.stetson_l, "", 3, _ERROR, "linear",
          is_scaled_by_coverage=True),
)  # fmt: skip
