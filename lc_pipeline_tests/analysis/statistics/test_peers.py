"""The indices that others compute as well. Where definitions differ, the test says how."""

import numpy as np
import pytest

from lc_pipeline.analysis.statistics import variability_statistics
from lc_pipeline.analysis.statistics.scatter import LN_FLUX_PER_MAG
from lc_pipeline.analysis.statistics.stetson import k_of

N = 400


@pytest.fixture(scope="module")
def curve():
    random = np.random.default_rng(3)
    time = 57000 + np.sort(random.uniform(0, 200, N))
    error = random.uniform(0.01, 0.03, N).astype("float32").astype(float)
    wave = 0.05 * np.sin(2 * np.pi * time / 31) + 0.0002 * (time - 57000)
    value = (15 + wave + error * random.standard_t(5, N)).astype("float32").astype(float)
    return time, value, error


@pytest.fixture(scope="module", params=["mag", "flux"])
def ours(request, make_dataset, curve):
    time, value, error = curve
    table = variability_statistics(
        make_dataset(value[np.newaxis], error[np.newaxis], time, quantities=request.param)
    )
    return request.param, {
        name.removesuffix("_g"): float(table[name][0]) for name in table.colnames[3:]
    }


#: Ours, theirs (light-curve, its place in what the feature gives).
SHARED = {
    "mean": ("Mean", (), 0),
    "weighted_mean": ("WeightedMean", (), 0),
    "median": ("Median", (), 0),
    "std": ("StandardDeviation", (), 0),
    "mad": ("MedianAbsoluteDeviation", (), 0),
    "iqr": ("InterPercentileRange", (0.25,), 0),  # both by the rule of Hazen
    "reduced_chi2": ("ReducedChi2", (), 0),
    "roms": ("Roms", (), 0),
    "amplitude": ("Amplitude", (), 0),
    "skew": ("Skew", (), 0),
    "kurtosis": ("Kurtosis", (), 0),
    "beyond_1_sigma": ("BeyondNStd", (1,), 0),
    "beyond_2_sigma": ("BeyondNStd", (2,), 0),
    "beyond_3_sigma": ("BeyondNStd", (3,), 0),
    "eta": ("Eta", (), 0),
    "eta_e": ("EtaE", (), 0),
    "trend": ("LinearTrend", (), 0),
    "trend_err": ("LinearTrend", (), 1),
}


@pytest.mark.parametrize("name", SHARED)
def test_light_curve_computes_the_same(ours, curve, name):
    light_curve = pytest.importorskip("light_curve")
    feature, arguments, place = SHARED[name]
    theirs = getattr(light_curve, feature)(*arguments)(*curve)[place]
    np.testing.assert_allclose(ours[1][name], theirs, rtol=1e-6, atol=1e-10)


def test_light_curve_calls_the_full_range_what_we_call_twice_the_amplitude(ours, curve):
    light_curve = pytest.importorskip("light_curve")
    theirs = light_curve.InterPercentileRange(0.05)(*curve)[0]
    np.testing.assert_allclose(2 * ours[1]["robust_amplitude"], theirs, rtol=1e-7)


@pytest.mark.filterwarnings("ignore:.*PeakToPeakVar is experimental")
def test_light_curve_takes_magnitudes_for_fluxes_where_relative_flux_is_meant(ours, curve):
    light_curve = pytest.importorskip("light_curve")
    quantity, found = ours
    excess = light_curve.ExcessVariance()(*curve)[0]
    if quantity == "flux":
        np.testing.assert_allclose(found["nxs"], excess, rtol=1e-7)
        np.testing.assert_allclose(
            found["peak_to_peak"], light_curve.PeakToPeakVar()(*curve), rtol=1e-7
        )
    else:
        of_flux = excess * curve[1].mean() ** 2 * LN_FLUX_PER_MAG**2
        np.testing.assert_allclose(found["nxs"], of_flux, rtol=1e-7)


def test_excess_variance_and_v_of_magnitudes_are_those_of_their_fluxes(make_dataset, curve):
    time, value, error = (a[np.newaxis] if a.ndim == 1 and i else a for i, a in enumerate(curve))
    error, value = error / 10, 15 + (value - 15) / 10
    flux = 1e6 * 10 ** (-0.4 * (value - 15))
    of_mag = variability_statistics(make_dataset(value, error, time))
    of_flux = variability_statistics(
        make_dataset(flux, flux * LN_FLUX_PER_MAG * error, time, quantities="flux")
    )
    for name in ("nxs_g", "nxs_err_g", "peak_to_peak_g"):
        np.testing.assert_allclose(of_mag[name], of_flux[name], rtol=0.02)


def test_light_curve_takes_the_weighted_mean_where_stetson_takes_a_robust_one(ours, curve):
    light_curve = pytest.importorskip("light_curve")
    _, value, error = curve
    theirs = light_curve.StetsonK()(*curve)[0]
    mean = np.average(value, weights=error**-2)
    delta = (value - mean) / error
    np.testing.assert_allclose(k_of(delta[np.newaxis], np.array([N])), theirs, rtol=1e-6)
    assert ours[1]["stetson_k"] == pytest.approx(theirs, rel=0.01)


def test_cesium_computes_the_same_stetson_indices(make_dataset, curve):
    stetson = pytest.importorskip("cesium.features.stetson")
    time, value, error = curve
    second = value[::-1].copy()
    both = make_dataset(
        np.stack([value, second])[np.newaxis], np.stack([error, error[::-1]])[np.newaxis], time
    )
    table = variability_statistics(both)
    # cesium divides by 0.798, and has no N / (N - 1) in the weights.
    k = stetson.stetson_k(value, error) * 0.798
    j = stetson.stetson_j(value, second, error, error[::-1])
    assert table["stetson_k_g"][0] == pytest.approx(k, rel=1e-4)
    assert table["stetson_j_g_r"][0] == pytest.approx(j, rel=1e-3)


def test_feets_interpolates_quartiles_by_another_rule(ours, curve):
    extractors = pytest.importorskip("feets.extractors")
    theirs = extractors.Q31().extract(magnitude=curve[1])["Q31"]
    # numpy's own rule: the two differ by 1/N or so.
    assert theirs == pytest.approx(np.subtract(*np.percentile(curve[1], [75, 25])), rel=1e-9)
    assert ours[1]["iqr"] == pytest.approx(theirs, rel=3 / N)
