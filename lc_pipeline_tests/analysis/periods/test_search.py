"""Periods of light curves whose period is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from light_curves import nights, simulated

from lc_pipeline.analysis.periods import Band, frequency_grid, search_object
from lc_pipeline.analysis.periods.cadence import name_cadence, window_peaks

#: Kind: how many of five are found at the period itself (eclipsing stars: or at half of it).
EXPECTED = {"rrab": 5, "rrc": 5, "cepheid": 5, "ea": 5, "ew": 5, "lpv": 5, "dsct": 5}


def searched(bands, **options):
    grid = frequency_grid(np.concatenate([band.time for band in bands]))
    return search_object(bands, grid, **options)


@pytest.mark.parametrize(("kind", "least"), EXPECTED.items())
def test_simulated_variables_have_their_period_back(kind, least):
    """Single band, one visit a night in seasons, 2 % of the values wrong by 0.3 to 2 mag."""
    n_found, n_exact = 0, 0
    for seed in range(5):
        period, bands = simulated(kind, np.random.default_rng(100 + seed))
        frequency = searched(bands).frequency[0]
        resolution = 0.5 / np.ptp(bands[0].time)
        is_exact = abs(frequency - 1 / period) < resolution
        is_half = kind in ("ea", "ew") and abs(frequency - 2 / period) < 2 * resolution
        n_exact += is_exact
        n_found += is_exact or is_half
    assert n_found >= least
    assert n_exact >= 0.7 * least


def test_two_unlike_minima_make_the_period_twice_as_long():
    random = np.random.default_rng(2)
    time = nights(random, 150)
    for depth, expected in ((0.0, 0.2), (0.08, 0.4)):
        phase = 2 * np.pi * time / 0.4
        value = 15 + 0.3 * np.cos(2 * phase) + depth * np.cos(phase) + random.normal(0, 0.02, 150)
        found = searched([Band(time, value, np.full(150, 0.02))])
        assert 1 / found.frequency[0] == pytest.approx(expected, abs=1e-4)


def test_bands_together_find_what_none_finds_alone():
    random = np.random.default_rng(6)
    bands = []
    for _ in range(4):
        time = np.sort(random.uniform(0, 300, 30))
        value = 18 + 0.15 * np.sin(2 * np.pi * time / 0.613 + 1) + random.normal(0, 0.1, 30)
        bands.append(Band(time, value, np.full(30, 0.1)))
    assert all(abs(1 / searched([band]).frequency[0] - 0.613) > 1e-3 for band in bands)
    together = searched(bands)
    assert 1 / together.frequency[0] == pytest.approx(0.613, abs=2e-4)
    assert together.log_fap[0] < np.log(1e-3)


def test_values_that_are_far_off_are_set_aside_and_eclipses_are_not():
    period, bands = simulated("ea", np.random.default_rng(3), n=250, outliers=0.0)
    time, value, error = bands[0].time, bands[0].value.copy(), bands[0].error
    bad = np.array([11, 77, 160, 201])
    value[bad] -= 1.5
    found = searched([Band(time, value, error)])
    assert found.frequency[0] == pytest.approx(1 / period, abs=0.5 / np.ptp(time))
    assert 4 <= found.n_outliers <= 8


@settings(max_examples=4, deadline=None)
@given(st.floats(0.3, 3.0), st.floats(-100, 100))
def test_stretching_time_stretches_the_period(stretch, constant):
    random = np.random.default_rng(12)
    time = np.sort(random.uniform(0, 30, 60))
    value = 0.3 * np.sin(2 * np.pi * time / 0.83) + random.normal(0, 0.03, 60)
    error = np.full(60, 0.03)
    found = [
        search_object(
            [Band(factor * time, value + shift, error)],
            frequency_grid(factor * time, min_period=0.2 * factor),
        )
        for factor, shift in ((1.0, 0.0), (stretch, constant))
    ]
    assert found[1].frequency[0] == pytest.approx(found[0].frequency[0] / stretch, rel=1e-6)
    assert found[1].n_terms == found[0].n_terms
    assert found[1].amplitude[0] == pytest.approx(found[0].amplitude[0], rel=1e-4)


def test_model_amplitude_maximum_and_error_are_those_of_the_star():
    random = np.random.default_rng(8)
    n, period, t0 = 200, 0.7312, 55010.25
    errors = []
    for _ in range(6):
        time = np.sort(random.uniform(55000, 55060, n))
        wave = 0.4 * np.cos(2 * np.pi * (time - t0) / period)
        noise = random.normal(0, 0.05, n)
        band = Band(time, 15 - wave + noise, np.full(n, 0.05))
        found = search_object([band], frequency_grid(time, min_period=0.2))
        errors.append((found.frequency[0] - 1 / period) / found.frequency_error)
        assert found.amplitude[0] == pytest.approx(0.8, abs=0.05)
        cycles = (found.brightest - t0) / period
        assert abs(cycles - round(cycles)) < 0.02
        assert 55000 < found.brightest < 55060
        np.testing.assert_allclose(found.models[0](time), 15 - wave, atol=0.05)
    assert 0.3 < np.std(errors) < 2.2
    flux = search_object([replace(band, is_flux=True)], frequency_grid(time, min_period=0.2))
    cycles = (flux.brightest - t0) / period - 0.5
    assert abs(cycles - round(cycles)) < 0.02


def test_aliases_are_named():
    random = np.random.default_rng(9)
    time = nights(random, 80, spread=0.04)
    value = 15 + 0.1 * np.sin(2 * np.pi * time / 0.61) + random.normal(0, 0.01, 80)
    found = searched([Band(time, value, np.full(80, 0.01))], n_peaks=6)
    assert found.relation[0] == ""
    assert any("day" in words for words in found.relation[1:])
    grid = frequency_grid(time)
    assert any(abs(frequency - 1) < 0.004 for frequency, _ in window_peaks(time, grid))


def test_a_raster_of_times_ends_the_grid_and_nightly_times_do_not():
    random = np.random.default_rng(10)
    raster = np.sort(random.choice(3000, 400, replace=False)) * 0.0204
    assert frequency_grid(raster).maximum == pytest.approx(1 / (2 * 0.0204), rel=1e-3)
    assert frequency_grid(nights(random, 100)).maximum == pytest.approx(40, abs=0.1)
    assert frequency_grid([5.0, 5.0, np.nan]).size == 0


def test_dips_are_found_by_boxes():
    random = np.random.default_rng(11)
    time = np.sort(random.uniform(0, 25, 800))
    value = random.normal(0, 0.004, 800)
    value[np.mod(time / 3.217, 1) < 0.04] += 0.02
    bands = [Band(time, 12 + value, np.full(800, 0.004))]
    grid = frequency_grid(time, min_period=1.0)
    found = search_object(bands, grid, method="bls")
    assert 1 / found.frequency[0] == pytest.approx(3.217, abs=0.01)
    assert found.amplitude[0] == pytest.approx(0.02, abs=0.003)
    assert found.log_fap[0] < np.log(1e-6)
    brightening = [Band(time, 12 - value, np.full(800, 0.004))]
    assert search_object(brightening, grid, method="bls").log_fap[0] > found.log_fap[0]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_too_few_values_have_no_period(n):
    few = Band(np.arange(float(n)), np.arange(float(n)), np.ones(n))
    assert searched([few]) is None


def test_constant_values_have_no_period():
    time = np.linspace(0, 9, 30) ** 1.3
    assert searched([Band(time, np.full(30, 15.0), np.ones(30))]) is None


def test_a_few_values_in_one_band_are_no_harm_to_another():
    period, bands = simulated("rrab", np.random.default_rng(20))
    few = Band(bands[0].time[:2], np.array([15.0, 16.0]), np.ones(2))
    found = searched([few, *bands])
    assert found.frequency[0] == pytest.approx(1 / period, abs=1e-3)
    assert np.isnan(found.amplitude[0])
    assert found.amplitude[1] > 0.3


@pytest.mark.parametrize("minutes", [2.0, 10.0, 30.0])
def test_a_drift_on_a_raster_has_no_period_of_some_exposures(minutes):
    """A harmonic at the frequency of the raster would be a slow wave in disguise."""
    random = np.random.default_rng(4)
    time = 59000 + np.arange(0, 6, minutes / 1440)
    time = np.delete(time, slice(len(time) // 2, len(time) // 2 + 40))
    drift = 0.02 * ((time - 59003) / 3) ** 2 + 0.005 * (time - 59003)
    grid = frequency_grid(time)
    assert grid.nyquist == pytest.approx(720 / minutes, rel=1e-4)
    band = Band(time, 12 + drift + random.normal(0, 0.001, len(time)), np.full(len(time), 0.001))
    found = search_object([band], grid)
    assert found.relation[0] == "fewer than 2 cycles"


def test_a_wave_on_a_raster_is_found_with_its_harmonics():
    random = np.random.default_rng(5)
    time = 59000 + np.arange(1000) / 48
    phase = 2 * np.pi * time * 3.1
    value = 12 + 0.1 * np.cos(phase) + 0.05 * np.cos(2 * phase) + random.normal(0, 0.002, 1000)
    found = search_object([Band(time, value, np.full(1000, 0.002))], frequency_grid(time))
    assert found.frequency[0] == pytest.approx(3.1, abs=1e-3)
    assert found.n_terms == 2


def test_times_on_no_raster_have_no_nyquist_frequency():
    assert frequency_grid(np.sort(np.random.default_rng(1).uniform(0, 30, 300))).nyquist == np.inf


def test_a_period_beside_the_month_is_not_that_of_the_moon():
    """35 d in 150 days: its peak stands clear of 29.5 d, though the two would overlap."""
    assert name_cadence(1 / 35, 1 / 150, []) == ""
    assert name_cadence(1 / 30.3, 1 / 150, []) == "synodic month"
