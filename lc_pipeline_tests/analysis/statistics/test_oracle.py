"""Every index against a slow implementation that was written from the papers."""

import math

import numpy as np
import pytest

from lc_pipeline.analysis.statistics import INDICES, PAIR_INDICES, variability_statistics
from lc_pipeline.flags import MeasurementFlag

from . import oracle

N_EPOCHS = 60


def light_curves(quantity, seed=0):
    """Light curves of all lengths, with gaps, outliers, missing errors and a common time axis."""
    random = np.random.default_rng(seed)
    n = 40
    time = np.sort(random.choice([0, 0.02, 0.04], N_EPOCHS) + random.integers(0, 40, N_EPOCHS))
    time = 57000 + time + np.arange(N_EPOCHS) * 1e-4
    error = 0.01 * random.uniform(0.5, 2, (n, N_EPOCHS))
    wave = 0.03 * np.sin(2 * np.pi * time / 7.3) * random.choice([0, 1, 3], (n, 1))
    value = 15 + random.uniform(0, 3, (n, 1)) + wave + error * random.standard_t(4, error.shape)
    if quantity == "flux":
        value, error = (value - 15.5) * 1e3, error * 1e3  # some are negative
    is_lost = random.random(value.shape) < np.linspace(0, 1, n)[:, np.newaxis]
    value[is_lost] = np.nan
    error[is_lost | (random.random(value.shape) < 0.03)] = np.nan
    return time, value.astype("float32"), error.astype("float32")


def expected(index, time, value, error, quantity, n_epochs):
    is_used = np.isfinite(value)
    if "error" in index.needs:
        is_used &= np.isfinite(error)
    if is_used.sum() < index.min_points:
        return math.nan
    arguments = [array[is_used].astype(float).tolist() for array in (time, value, error)]
    try:
        result = oracle.of_one(index.name, *arguments, quantity)
    except ZeroDivisionError:
        return math.nan
    scale = np.isfinite(value).sum() / n_epochs if index.is_scaled_by_coverage else 1
    return result * scale


def test_there_is_an_oracle_for_every_index():
    assert set(oracle.OF_ONE) == {index.name for index in INDICES}
    assert set(oracle.OF_TWO) == {index.name for index in PAIR_INDICES}


@pytest.mark.parametrize("quantity", ["mag", "flux"])
def test_every_index_agrees_with_the_papers(make_dataset, quantity):
    time, value, error = light_curves(quantity)
    table = variability_statistics(make_dataset(value, error, time, quantities=quantity))
    n_epochs = int(np.isfinite(value).any(axis=0).sum())
    np.testing.assert_array_equal(table["n_g"], np.isfinite(value).sum(axis=1))
    for index in INDICES:
        if quantity not in index.quantities:
            assert f"{index.name}_g" not in table.colnames
            continue
        wanted = [
            expected(index, time, *row, quantity, n_epochs)
            for row in zip(value, error, strict=True)
        ]
        assert np.isfinite(wanted).sum() >= 20, index.name
        np.testing.assert_allclose(
            table[f"{index.name}_g"], wanted, rtol=2e-5, atol=1e-9, err_msg=index.name
        )


@pytest.mark.parametrize("quantities", [("mag", "mag"), ("flux", "flux"), ("mag", "flux")])
def test_every_index_of_two_measurements_agrees_with_the_papers(make_dataset, quantities):
    time, value, error = light_curves(quantities[0], seed=1)
    _, second, second_error = light_curves(quantities[1], seed=2)
    values, errors = np.stack([value, second], axis=1), np.stack([error, second_error], axis=1)
    table = variability_statistics(make_dataset(values, errors, time, quantities=quantities))
    n_epochs = int(np.isfinite(values).all(axis=1).any(axis=0).sum())
    sign = 1 if quantities[0] == quantities[1] else -1
    for index in PAIR_INDICES:
        wanted = []
        for row, row_error in zip(values, errors, strict=True):
            is_used = np.isfinite(row).all(axis=0)
            n_common = is_used.sum()
            if "error" in index.needs:
                is_used &= np.isfinite(row_error).all(axis=0)
            arguments = [
                a[is_used].astype(float).tolist()
                for a in (row[0], row_error[0], row[1], row_error[1])
            ]
            enough = is_used.sum() >= index.min_points
            result = oracle.of_two(index.name, *arguments, sign) if enough else math.nan
            wanted.append(result * (n_common / n_epochs if index.is_scaled_by_coverage else 1))
        np.testing.assert_allclose(
            table[f"{index.name}_g_r"], wanted, rtol=2e-5, atol=1e-9, err_msg=index.name
        )


def test_flagged_values_are_left_out_and_counted(make_dataset):
    time, value, error = light_curves("mag")
    flags = np.where(np.isfinite(value), 0, MeasurementFlag.NOT_DETECTED)
    flags[:, ::7] |= MeasurementFlag.CATALOG_FLAGGED
    spoiled = value.copy()
    spoiled[:, ::7] += 5
    table = variability_statistics(make_dataset(spoiled, error, time, flags=flags))
    value[:, ::7] = np.nan
    clean = variability_statistics(make_dataset(value, error, time))
    np.testing.assert_array_equal(table["n_excluded_g"], np.isfinite(spoiled[:, ::7]).sum(axis=1))
    for name in clean.colnames[5:]:
        np.testing.assert_array_equal(table[name], clean[name], err_msg=name)
