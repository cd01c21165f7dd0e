"""Periodograms against slower and more obvious ways."""

import numpy as np
import pytest
from astropy.timeseries import LombScargle
from hypothesis import given, settings
from hypothesis import strategies as st

from lc_pipeline.analysis.periods import FrequencyGrid, periodogram
from lc_pipeline.analysis.periods.least_squares import Series, pooled_power, usable_terms
from lc_pipeline.analysis.periods.search import find_peaks

GRID = FrequencyGrid(minimum=0.02, spacing=0.004, size=2500)


def light_curves(seed, n=70, n_series=3):
    random = np.random.default_rng(seed)
    time = np.sort(random.uniform(0, 50, n)) + 55000
    value = random.normal(0, 1, (n_series, n)) + 2 * np.sin(2 * np.pi * time / 0.77) + 15
    return time, value, random.uniform(0.5, 1.5, (n_series, n))


@pytest.mark.parametrize("n_terms", [1, 2, 4])
def test_the_power_is_astropys(n_terms):
    time, value, error = light_curves(n_terms)
    power = periodogram(time, value, error, GRID, n_terms)
    for found, y, dy in zip(power, value, error, strict=True):
        theirs = LombScargle(time, y, dy, nterms=n_terms).power(GRID.frequencies, method="chi2")
        np.testing.assert_allclose(found, theirs, atol=1e-7)


def test_single_precision_is_good_to_a_few_thousandths():
    time, value, error = light_curves(5)
    series = Series.prepared(time, value, error**-2)
    wide = FrequencyGrid(minimum=0.02, spacing=0.004, size=20_000)
    exact = [power for _, power in series.power_on_grid(wide, 3)]
    single = [power for _, power in series.power_on_grid(wide, 3, single=True)]
    assert len(exact) > 2  # piece by piece
    for one, other in zip(exact, single, strict=True):
        np.testing.assert_allclose(one, other, atol=3e-3)


def test_on_a_grid_and_anywhere_else_the_power_is_the_same():
    time, value, error = light_curves(6)
    series = Series.prepared(time, value, error**-2)
    ((_, on_grid),) = series.power_on_grid(GRID, 3)
    np.testing.assert_allclose(series.power_at(GRID.frequencies, 3), on_grid, atol=1e-7)


def test_bands_are_joined_as_in_one_large_least_squares_fit():
    random = np.random.default_rng(7)
    n_terms, frequencies = 2, np.array([0.3, 1.2987, 4.1])
    bands, rows, right = [], [], []
    for n in (30, 45):
        time = random.uniform(0, 40, n)
        value, error = random.normal(10, 1, n), random.uniform(0.5, 2, n)
        bands.append(Series.prepared(time, value[np.newaxis], error[np.newaxis] ** -2))
        rows.append((time, error))
        right.append(value / error)
    joined = pooled_power([band.power_at(frequencies, n_terms) for band in bands], bands)
    for frequency, power in zip(frequencies, joined[n_terms - 1, 0], strict=True):
        chi2 = []
        for terms in (0, n_terms):
            blocks = []
            for time, error in rows:
                columns = [np.ones_like(time)]
                for k in range(1, terms + 1):
                    columns += [
                        np.cos(2 * np.pi * k * frequency * time),
                        np.sin(2 * np.pi * k * frequency * time),
                    ]
                blocks.append(np.stack(columns, axis=1) / error[:, np.newaxis])
            widths = [block.shape[1] for block in blocks]
            design = np.zeros((75, sum(widths)))
            design[:30, : widths[0]], design[30:, widths[0] :] = blocks
            y = np.concatenate(right)
            rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
            chi2.append(rest @ rest)
        assert power == pytest.approx(1 - chi2[1] / chi2[0], abs=1e-9)


def test_many_at_once_are_as_one_by_one_with_values_missing():
    random = np.random.default_rng(8)
    time, value, error = light_curves(8, n_series=5)
    value[random.random(value.shape) < 0.3] = np.nan
    together = periodogram(time, value, error, GRID, 2)
    for found, y, dy in zip(together, value, error, strict=True):
        there = np.isfinite(y)
        alone = periodogram(time[there], y[there], dy[there], GRID, 2)
        np.testing.assert_allclose(found, alone, atol=1e-7)
    everything = Series.prepared(time, value, error**-2)
    peaks = find_peaks([everything], GRID, 2, 5)
    for number in range(5):
        row = slice(number, number + 1)
        one = Series.prepared(time, value[row], error[row] ** -2)
        np.testing.assert_allclose(find_peaks([one], GRID, 2, 5)[0], peaks[number])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-50, 50), st.floats(-1e3, 1e3), st.integers(1, 3))
def test_a_constant_and_missing_epochs_change_nothing(seed, constant, shift, n_terms):
    random = np.random.default_rng(seed)
    time, value, error = light_curves(seed, n=25, n_series=1)
    grid = FrequencyGrid(minimum=0.02, spacing=0.03, size=60)
    before = periodogram(time, value, error, grid, n_terms)
    where = np.sort(random.integers(0, 26, 4))
    more = [np.insert(one, where, np.nan, axis=-1) for one in (value + constant, error)]
    after = periodogram(np.insert(time, where, 55000.0) + shift, *more, grid, n_terms)
    np.testing.assert_allclose(before, after, atol=1e-5)
    assert (before >= -1e-9).all()
    assert (before <= 1 + 1e-9).all()


def test_a_value_without_companions_is_not_fitted():
    assert usable_terms([0, 1, 5], 3).tolist() == [0, 0, 0]
    empty = Series.prepared(np.arange(4.0), np.full((1, 4), np.nan), np.ones((1, 4)))
    assert not np.any([power for _, power in empty.power_on_grid(GRID, 1)])
