"""Sentinels, masks, flags, and fluxes that have no logarithm."""

import numpy as np
import pytest
from astropy.table import Column, MaskedColumn
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lc_pipeline.catalogs.missing import (
    catalog_flags_of,
    flag_missing,
    numbers_of,
    texts_of,
    to_magnitudes,
)
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.survey import MissingSection

RULES = MissingSection()
anything = st.floats(allow_nan=True, allow_infinity=True)
columns = arrays(np.float64, 20, elements=anything)


@pytest.mark.parametrize("sentinel", [99.0, 99.999, -99.0, -99.99, 100.2, 999, -9999.0, np.inf])
def test_sentinels_of_magnitudes_are_no_values(sentinel):
    value, error, flags = flag_missing(np.array([sentinel]), np.array([0.1]), "mag", RULES)
    assert np.isnan(value[0])
    assert np.isnan(error[0])
    assert flags[0] == MeasurementFlag.BAD_VALUE


@pytest.mark.parametrize("sentinel", [0.0, -1.0, 99.0, 99.999, np.nan, np.inf])
def test_a_magnitude_stands_without_its_error(sentinel):
    value, error, flags = flag_missing(np.array([17.0]), np.array([sentinel]), "mag", RULES)
    assert value[0] == 17.0
    assert np.isnan(error[0])
    assert flags[0] == MeasurementFlag.BAD_ERROR


@pytest.mark.parametrize("flux", [-3.5, 0.0, -99.0, 1e12, 99.0])
def test_any_finite_flux_is_a_value(flux):
    value, error, flags = flag_missing(np.array([flux]), np.array([200.0]), "flux", RULES)
    assert (value[0], error[0], flags[0]) == (flux, 200.0, 0)


def test_configured_numbers_are_missing_in_fluxes_and_their_errors():
    rules = MissingSection(values=(-999.9,))
    single = np.array([-999.9], "float32").astype(float)
    for sentinel in (np.array([-999.9]), single):
        assert flag_missing(sentinel, np.array([1.0]), "flux", rules)[2][0] == 8
        assert flag_missing(np.array([1.0]), sentinel, "flux", rules)[2][0] == 16


@given(columns, columns, st.sampled_from(["mag", "flux"]))
def test_what_is_not_flagged_is_as_it_was_and_what_is_flagged_is_nan(value, error, quantity):
    new_value, new_error, flags = flag_missing(value, error, quantity, RULES)
    no_value = flags == MeasurementFlag.BAD_VALUE
    no_error = flags == MeasurementFlag.BAD_ERROR
    assert (no_value | no_error | (flags == 0)).all()
    np.testing.assert_array_equal(new_value[~no_value], value[~no_value])
    np.testing.assert_array_equal(new_error[flags == 0], error[flags == 0])
    assert np.isnan(new_value[no_value]).all()
    assert np.isnan(new_error[flags != 0]).all()
    assert np.isfinite(new_value[~no_value]).all()
    assert (new_error[flags == 0] > 0).all()


@given(columns, columns)
def test_magnitudes_of_fluxes_follow_pogson_or_are_flagged(flux, error):
    flux, error, flags = flag_missing(flux, error, "flux", RULES)
    magnitude, magnitude_error, new = to_magnitudes(flux, error, flags, 25.0)
    positive = flux > 0
    np.testing.assert_allclose(magnitude[positive], 25 - 2.5 * np.log10(flux[positive]))
    assert np.isnan(magnitude[~positive]).all()
    assert np.isnan(magnitude_error[~positive]).all()
    assert ((new & 32 > 0) == (np.isfinite(flux) & ~positive)).all()
    assert (new[positive] | 16 == flags[positive] | 16).all()
    assert (np.isfinite(magnitude_error) == (positive & (new == 0))).all()


def test_the_error_of_a_magnitude_is_that_of_the_logarithm():
    flux, error = np.array([1000.0]), np.array([1.0])
    magnitude, magnitude_error, _ = to_magnitudes(flux, error, np.zeros(1, "uint16"), 0.0)
    brighter, *_ = to_magnitudes(flux + error, error, np.zeros(1, "uint16"), 0.0)
    assert magnitude_error[0] == pytest.approx(magnitude[0] - brighter[0], rel=1e-3)


def test_a_cell_that_is_no_number_is_named():
    with pytest.raises(CatalogError, match=r"^n1.csv: column 'mag', row 2: 'bad' is not a number;"):
        numbers_of("n1.csv", "mag", Column(["17.5", "bad"]))


def test_text_cells_become_numbers():
    column = MaskedColumn(["17.5", "1.5D1", "nan", "x"], mask=[False, False, False, True])
    np.testing.assert_array_equal(numbers_of("n1", "m", column), [17.5, 15.0, np.nan, np.nan])


def test_masked_integers_are_missing():
    column = MaskedColumn([3, 4], mask=[False, True])
    np.testing.assert_array_equal(numbers_of("n1", "m", column), [3.0, np.nan])
    assert catalog_flags_of("n1", "m", column).tolist() == [3, 0]


def test_object_keys_are_the_same_text_whatever_type_holds_them():
    assert texts_of(Column([1091627])) == texts_of(Column([1091627.0])) == ["1091627"]
    assert texts_of(Column(np.array(["1091627 "]))) == ["1091627"]


def test_a_missing_flux_makes_a_missing_magnitude_that_keeps_its_flag():
    flags = np.array([MeasurementFlag.BAD_VALUE], "uint16")
    magnitude, _, new = to_magnitudes(np.array([np.nan]), np.array([1.0]), flags, 0.0)
    assert np.isnan(magnitude[0])
    assert new[0] == MeasurementFlag.BAD_VALUE
