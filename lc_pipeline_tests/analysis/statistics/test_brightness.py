"""Judging an index against objects of similar brightness."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lc_pipeline.analysis.statistics.brightness import (
    judge_by_brightness,
    resistant_line,
    running_median,
)


def field(n, seed=0):
    """Scatter that grows with magnitude as in a real field, and how it is drawn."""
    random = np.random.default_rng(seed)
    magnitude = 18 - random.exponential(1.5, n)
    scatter = np.hypot(0.005, 0.1 * 10 ** (0.4 * (magnitude - 18)))
    return magnitude, scatter * np.exp(random.normal(0, 0.1, n))


@pytest.mark.parametrize("n", [25, 40, 150, 1000, 20_000])
def test_constant_stars_scatter_by_one_at_every_brightness(n):
    parts, all_z = [], []
    for seed in range(max(1, 3000 // n)):
        magnitude, scatter = field(n, seed)
        z = judge_by_brightness(scatter, magnitude, "log")[np.argsort(magnitude)]
        assert np.isfinite(z).all()
        all_z.append(z)
        parts.append([np.median(part) for part in np.array_split(z, 5)])
    all_z = np.concatenate(all_z)
    assert 0.85 < np.diff(np.percentile(all_z, [15.87, 84.13]))[0] / 2 < 1.15
    assert np.abs(np.mean(parts, axis=0)).max() < (0.5 if n < 100 else 0.15)
    assert (all_z > 4).mean() < 0.01


@pytest.mark.parametrize("place", [0, 3, 20, 37, 39])
def test_in_a_field_of_forty_stars_the_variable_stands_out_wherever_it_is(place):
    magnitude, scatter = field(40, seed=4)
    order = np.argsort(magnitude)
    scatter[order[place]] *= 10
    z = judge_by_brightness(scatter, magnitude, "log")
    assert np.argmax(z) == order[place]
    assert z[order[place]] > 8
    assert np.sort(z)[-2] < 4


def test_variables_do_not_inflate_what_is_usual():
    magnitude, scatter = field(5000)
    before = judge_by_brightness(scatter, magnitude, "log")
    is_variable = np.random.default_rng(9).random(5000) < 0.1
    z = judge_by_brightness(np.where(is_variable, 20 * scatter, scatter), magnitude, "log")
    assert z[is_variable].min() > 12
    assert np.median(z[~is_variable]) == pytest.approx(0, abs=0.2)
    assert z[~is_variable].std() == pytest.approx(before.std(), rel=0.25)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), n=st.integers(10, 200))
def test_fluxes_and_magnitudes_are_judged_alike(seed, n):
    magnitude, scatter = field(n, seed)
    flux = 10 ** (-0.4 * (magnitude - 25))
    by_magnitude = judge_by_brightness(scatter, magnitude)
    by_flux = judge_by_brightness(scatter, flux, quantity="flux")
    np.testing.assert_allclose(by_magnitude, by_flux, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n", [40, 400])
def test_objects_of_negative_flux_are_judged_as_well(n):
    magnitude, scatter = field(n)
    flux = 10 ** (-0.4 * (magnitude - 25))
    flux -= np.quantile(flux, 0.2)
    z = judge_by_brightness(scatter, flux, "log", quantity="flux")
    assert np.isfinite(z).all()
    assert abs(np.median(z[flux < 0])) < 1


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), factor=st.floats(0.1, 10), shift=st.floats(-10, 10))
def test_the_unit_of_an_index_does_not_matter(seed, factor, shift):
    magnitude, scatter = field(60, seed)
    before = judge_by_brightness(scatter, magnitude)
    after = judge_by_brightness(factor * scatter + shift, magnitude)
    np.testing.assert_allclose(before, after, rtol=1e-5, atol=1e-6)


def test_missing_is_nan_and_disturbs_nobody():
    magnitude, scatter = field(300)
    wanted = judge_by_brightness(scatter, magnitude)
    scattered = np.insert(scatter, [0, 50, 300], [np.nan, 7.0, np.inf])
    brightness = np.insert(magnitude, [0, 50, 300], [15.0, np.nan, 16.0])
    z = judge_by_brightness(scattered, brightness)
    assert np.isnan(z[[0, 51, 302]]).all()
    np.testing.assert_array_equal(np.delete(z, [0, 51, 302]), wanted)


def test_few_objects_cannot_be_judged():
    magnitude, scatter = field(9)
    assert np.isnan(judge_by_brightness(scatter, magnitude)).all()
    magnitude, scatter = field(10)
    assert np.isfinite(judge_by_brightness(scatter, magnitude)).all()


def test_an_index_that_is_the_same_for_most_is_judged_by_the_mean_difference():
    index = np.zeros(100)
    index[40:43] = 0.01
    z = judge_by_brightness(index, np.arange(100.0))
    assert (z[40:43] > 5).all()
    assert np.isnan(z[:20]).all()


@pytest.mark.parametrize("n", [60, 400])
def test_all_are_judged_by_those_that_are_said_to_be_usual(n):
    magnitude, scatter = field(n, seed=5)
    random = np.random.default_rng(1)
    varies = (random.random(n) < 0.4) & (np.argsort(np.argsort(magnitude)) < n // 2)
    true = judge_by_brightness(scatter, magnitude, "log")
    seen = judge_by_brightness(np.where(varies, 30 * scatter, scatter), magnitude, "log",
                               is_usual=~varies)  # fmt: skip
    assert np.isfinite(seen).all()
    assert seen[varies].min() > 10
    assert 0.7 < np.std(seen[~varies]) / np.std(true[~varies]) < 1.4
    everyone = np.ones(n, dtype=bool)
    again = judge_by_brightness(scatter, magnitude, "log", is_usual=everyone)
    np.testing.assert_array_equal(again, true)


def test_zero_has_no_logarithm():
    magnitude, scatter = field(50)
    scatter[7] = 0.0
    z = judge_by_brightness(scatter, magnitude, "log")
    assert np.isnan(z[7])
    assert np.isfinite(np.delete(z, 7)).all()


@settings(max_examples=25)
@given(st.lists(st.floats(-1e3, 1e3), min_size=30, max_size=200), st.integers(12, 40))
def test_running_median_is_what_it_says(values, half):
    values = np.array(values)
    half = min(half, (len(values) - 1) // 2)
    found = running_median(values, half)
    for place in range(len(values)):
        reach = max(min(place, len(values) - 1 - place, half), 12)
        middle = min(max(place, 12), len(values) - 13)
        near = values[middle - min(reach, half) : middle + min(reach, half) + 1]
        assert found[place] == np.median(near)


def test_a_resistant_line_ignores_outliers():
    line = 3 - 0.5 * np.arange(25.0)
    values = line.copy()
    values[[1, 5, 13, 20, 24]] += [50, 30, -80, 9, 100]
    np.testing.assert_allclose(resistant_line(values), line, atol=1e-4)


def test_a_million_objects_take_seconds():
    import time  # noqa: PLC0415

    magnitude, scatter = field(200_000)
    start = time.process_time()
    judge_by_brightness(scatter, magnitude, "log")
    # Some 0.1 s; a search among all neighbours of each would take minutes.
    assert time.process_time() - start < 3
