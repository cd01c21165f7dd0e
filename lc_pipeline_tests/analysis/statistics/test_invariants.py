"""What must not matter does not, and noise gives what noise should."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lc_pipeline.analysis.statistics import INDICES, variability_statistics
from lc_pipeline.analysis.statistics import table as table_module

SEEDS = st.integers(0, 2**32 - 1)
LOCATIONS = ("mean", "weighted_mean", "median")


def some_light_curves(seed, n_objects=6, n_epochs=40):
    random = np.random.default_rng(seed)
    time = 58000 + np.sort(random.uniform(0, 50, n_epochs))
    # Binary fractions, so that a shift by a whole number changes no difference.
    value = 15 + np.round(random.normal(0, 0.05, (n_objects, n_epochs)) * 1024) / 1024
    error = random.uniform(0.02, 0.08, value.shape).astype("float32")
    value[random.random(value.shape) < 0.2] = np.nan
    return time, value, error


def same(left, right, names=None, **tolerance):
    for name in names or left.colnames[3:]:
        np.testing.assert_allclose(
            np.asarray(left[name]), np.asarray(right[name]), err_msg=name, **tolerance
        )


@settings(max_examples=6)
@given(seed=SEEDS, shift=st.integers(-10, 10))
def test_a_shift_of_magnitudes_moves_the_means_and_nothing_else(make_dataset, seed, shift):
    time, value, error = some_light_curves(seed)
    before = variability_statistics(make_dataset(value, error, time))
    after = variability_statistics(make_dataset(value + shift, error, time))
    for name in LOCATIONS:
        np.testing.assert_allclose(after[f"{name}_g"], before[f"{name}_g"] + shift, rtol=1e-9)
    others = [name for name in before.colnames[3:] if not name.startswith(LOCATIONS)]
    same(before, after, others, rtol=1e-6, atol=1e-9)


@settings(max_examples=6)
@given(seed=SEEDS, exponent=st.integers(-3, 3))
def test_the_unit_of_fluxes_does_not_matter(make_dataset, seed, exponent):
    time, value, error = some_light_curves(seed)
    factor = 2.0**exponent
    before, after = (
        variability_statistics(make_dataset(f * value, f * error, time, quantities="flux"))
        for f in (1.0, factor)
    )
    for index in INDICES:
        scale = factor if index.unit.startswith("value") else 1.0
        np.testing.assert_allclose(
            after[f"{index.name}_g"], scale * before[f"{index.name}_g"], rtol=1e-6, atol=1e-12
        )


@settings(max_examples=6)
@given(seed=SEEDS)
def test_the_order_of_epochs_does_not_matter(make_dataset, seed):
    time, value, error = some_light_curves(seed)
    order = np.random.default_rng(seed).permutation(len(time))
    before = variability_statistics(make_dataset(value, error, time))
    after = variability_statistics(make_dataset(value[:, order], error[:, order], time[order]))
    same(before, after, rtol=1e-9, atol=1e-12)


@settings(max_examples=6)
@given(seed=SEEDS)
def test_epochs_without_values_do_not_matter(make_dataset, seed):
    time, value, error = some_light_curves(seed)
    before = variability_statistics(make_dataset(value, error, time))
    random = np.random.default_rng(seed)
    places = np.sort(random.integers(0, len(time) + 1, 15))
    moment = np.insert(time, places, random.uniform(57990, 58060, 15))
    value, error = (np.insert(a, places, np.nan, axis=1) for a in (value, error))
    after = variability_statistics(make_dataset(value, error, moment))
    same(before, after, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("piece_values", [1, 100, 10**6])
@pytest.mark.parametrize("workers", [1, 3])
def test_the_cut_into_blocks_does_not_matter(make_dataset, monkeypatch, piece_values, workers):
    time, value, error = some_light_curves(7, n_objects=30)
    dataset = make_dataset(np.stack([value] * 2, 1), np.stack([error] * 2, 1), time)
    before = variability_statistics(dataset)
    monkeypatch.setattr(table_module, "PIECE_VALUES", piece_values)
    after = variability_statistics(dataset, workers=workers)
    assert before.colnames == after.colnames
    same(before, after, rtol=1e-12, atol=1e-14)


def test_gaussian_noise_gives_what_the_papers_say(make_dataset):
    random = np.random.default_rng(11)
    n_objects, n = 400, 500
    error = np.full((n_objects, n), 0.02)
    value = 15 + error * random.normal(size=error.shape)
    found = variability_statistics(make_dataset(value, error, 58000 + np.arange(n)))
    chance = 2 * 0.0227501**3
    for name, wanted in {
        "reduced_chi2": 1,
        "roms": math.sqrt(2 / math.pi),
        "std": 0.02,
        "weighted_std": 0.02,
        "mad": 0.02 / 1.482602,
        "iqr": 0.02 * 1.348980,
        "robust_amplitude": 0.02 * 1.644854,
        "nxs": 0,
        "skew": 0,
        "kurtosis": 0,
        "beyond_1_sigma": 0.317311,
        "beyond_2_sigma": 0.045500,
        "beyond_3_sigma": 0.002700,
        "lag1": -1 / n,
        "eta": 2,
        "inverse_eta": 0.5,
        "eta_e": 2,
        "stetson_i": 0,
        "stetson_j": 0,
        "stetson_k": math.sqrt(2 / math.pi),
        "stetson_j_time": 0,
        "trend": 0,
        "cssd": chance,
    }.items():
        values = np.asarray(found[f"{name}_g"])
        uncertainty = values.std() / math.sqrt(n_objects)
        assert abs(values.mean() - wanted) < 4 * uncertainty + 0.003 * abs(wanted), name
    # The errors that go with them are the scatter between objects.
    for name, error_name in {
        "mean": "mean_err",
        "weighted_mean": "weighted_mean_err",
        "median": "median_err",
        "nxs": "nxs_err",
        "trend": "trend_err",
    }.items():
        scatter = np.std(found[f"{name}_g"])
        assert np.median(found[f"{error_name}_g"]) == pytest.approx(scatter, rel=0.15), name


def test_a_sine_wave_has_its_k_and_a_straight_line_its_slope(make_dataset):
    time = np.arange(0, 100, 0.1)
    wave = 15 + 0.5 * np.sin(2 * np.pi * time / 10)
    line = 15 + 0.01 * time
    found = variability_statistics(
        make_dataset(np.stack([wave, line]), np.full((2, len(time)), 0.3), time)
    )
    assert found["stetson_k_g"][0] == pytest.approx(math.sqrt(8) / math.pi, abs=5e-4)
    assert found["amplitude_g"][0] == pytest.approx(0.5, abs=1e-4)
    assert found["trend_g"][1] == pytest.approx(0.01, rel=1e-5)
    assert found["lag1_g"][0] > 0.99
    assert found["inverse_eta_g"][0] > 100


def test_a_light_curve_at_float32_keeps_its_scatter(make_dataset):
    random = np.random.default_rng(5)
    noise = random.normal(0, 1e-3, 2000)
    value = (15 + noise).astype("float32")
    found = variability_statistics(
        make_dataset(value[np.newaxis], np.full((1, 2000), 1e-3), np.arange(2000.0))
    )
    exact = value.astype(float)
    assert found["std_g"][0] == pytest.approx(exact.std(ddof=1), rel=1e-10)
    assert found["mean_g"][0] == pytest.approx(exact.mean(), rel=1e-14)


@pytest.mark.parametrize("index", INDICES, ids=lambda index: index.name)
def test_below_its_least_number_of_points_an_index_is_nan(make_dataset, index):
    n_epochs = index.min_points + 1
    random = np.random.default_rng(1)
    value = random.normal(15, 1, (3, n_epochs))
    value[0, index.min_points - 1 :] = np.nan
    value[1, index.min_points :] = np.nan
    error = np.full(value.shape, 0.1)
    quantity = index.quantities[0]
    dataset = make_dataset(value, error, np.arange(float(n_epochs)), quantities=quantity)
    found = np.asarray(variability_statistics(dataset)[f"{index.name}_g"])
    assert np.isnan(found[0])
    # The excess Abbe value also needs parts of three points.
    assert np.isfinite(found[1]) or index.name == "excess_abbe"


def test_nothing_gives_nan_and_zero_points(make_dataset):
    nothing = np.full((3, 5), np.nan)
    found = variability_statistics(make_dataset(nothing, nothing, np.arange(5.0)))
    assert found["n_g"].tolist() == [0, 0, 0]
    for name in found.colnames[5:]:
        assert np.isnan(found[name]).all(), name


def test_a_constant_light_curve_has_no_von_neumann_ratio(make_dataset):
    found = variability_statistics(
        make_dataset(np.full((1, 20), 15.0), np.full((1, 20), 0.1), np.arange(20.0))
    )
    assert found["std_g"][0] == found["iqr_g"][0] == found["reduced_chi2_g"][0] == 0
    for name in ("eta", "inverse_eta", "lag1", "skew", "stetson_k", "excess_abbe"):
        assert np.isnan(found[f"{name}_g"][0]), name
