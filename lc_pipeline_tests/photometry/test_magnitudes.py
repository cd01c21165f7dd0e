"""Fluxes and magnitudes, against astropy's units and each other."""

import astropy.units as u
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.errors import LightcurveError
from lc_pipeline.photometry.magnitudes import (
    fluxes_from_magnitudes,
    magnitude_zero_point,
    magnitudes_from_fluxes,
)


@given(st.floats(1e-20, 1e20), st.floats(0, 1), st.floats(-50, 50))
def test_there_and_back(flux, relative, zero_point):
    magnitude = magnitudes_from_fluxes(flux, relative * flux, zero_point)
    again = fluxes_from_magnitudes(*magnitude, zero_point)
    np.testing.assert_allclose(again, (flux, relative * flux), rtol=1e-9, atol=1e-300)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=False, width=32), min_size=1))
def test_what_is_not_positive_has_no_magnitude(fluxes):
    magnitude, error = magnitudes_from_fluxes(fluxes, np.ones(len(fluxes)))
    is_positive = np.array(fluxes) > 0
    np.testing.assert_array_equal(np.isfinite(magnitude), is_positive)
    assert not np.isfinite(error[~is_positive]).any()


@pytest.mark.parametrize("unit", ["nJy", "mJy", "erg / (s cm2 Hz)", "W / (m2 Hz)"])
def test_ab_magnitudes_are_astropys(unit):
    expected = (5.0 * u.Unit(unit)).to_value(u.ABmag)
    found, _ = magnitudes_from_fluxes(5.0, 0.1, magnitude_zero_point(unit))
    assert found == pytest.approx(expected, abs=1e-6)


def test_systems_need_what_they_need():
    with pytest.raises(LightcurveError, match="adu"):
        magnitude_zero_point("adu", "AB")
    with pytest.raises(LightcurveError, match="flux of magnitude 0"):
        magnitude_zero_point("Jy", "Vega")
    vega = magnitude_zero_point("Jy", "Vega", zero_flux=1594 * u.Jy)
    assert magnitudes_from_fluxes(1594.0, 1.0, vega)[0] == pytest.approx(0)


def test_a_negative_error_is_none():
    assert np.isnan(magnitudes_from_fluxes(1.0, -1.0)[1])
    assert np.isnan(fluxes_from_magnitudes(1.0, -1.0)[1])
