"""Claims about positions and separations, everywhere on the sphere."""

from decimal import Decimal, getcontext

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.sky.geometry import (
    chord_arcsec,
    chord_length,
    mean_direction,
    separation_arcsec,
    shift_field,
    sky_coordinates,
    tangent_basis,
    unit_vectors,
    vector_separation_arcsec,
)

RA = st.floats(0, 360, exclude_max=True)
DEC = st.floats(-90, 90)
PLACES = [(0.0, 0.0), (359.9999, 10.0), (120.0, 89.9999), (10.0, -90.0), (200.0, 90.0)]


def _decimal_sin(x):
    """Sine by its series in 50 digits: nothing in common with the code under test."""
    term = total = x
    n = 1
    while abs(term) > Decimal(10) ** -48:
        term = -term * x * x / ((n + 1) * (n + 2))
        total += term
        n += 2
    return total


def _chord_squared_in_decimals(ra1, dec1, ra2, dec2):
    """4 sin^2(ddec/2) + 4 cos cos sin^2(dra/2): the haversine formula in 50 digits."""
    getcontext().prec = 50
    pi = Decimal("3.14159265358979323846264338327950288419716939937510")
    a1, d1, a2, d2 = (Decimal(x) * pi / 180 for x in (ra1, dec1, ra2, dec2))
    cosines = _decimal_sin(pi / 2 - d1) * _decimal_sin(pi / 2 - d2)
    return 4 * _decimal_sin((d1 - d2) / 2) ** 2 + 4 * cosines * _decimal_sin((a1 - a2) / 2) ** 2


@given(RA, DEC)
def test_coordinates_survive_the_way_through_vectors(ra, dec):
    back_ra, back_dec = sky_coordinates(unit_vectors([ra], [dec]))
    assert 0 <= back_ra[0] < 360
    assert -90 <= back_dec[0] <= 90
    assert separation_arcsec(ra, dec, back_ra[0], back_dec[0]) < 1e-8


@given(RA, DEC, RA, DEC)
def test_separation_is_that_of_astropy(ra1, dec1, ra2, dec2):
    expected = SkyCoord(ra1, dec1, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg"))
    assert separation_arcsec(ra1, dec1, ra2, dec2) == pytest.approx(
        expected.to_value(u.arcsec), abs=1e-8
    )


@given(RA, st.floats(-89.9, 89.9), st.floats(-1e-6, 1e-6), st.floats(-1e-6, 1e-6))
def test_milliarcseconds_keep_their_digits(ra, dec, dra, ddec):
    ra2, dec2 = ra + dra, dec + ddec
    chord = float(_chord_squared_in_decimals(ra, dec, ra2, dec2).sqrt())
    expected = 2 * np.arcsin(chord / 2) * 206264.80624709636
    assert separation_arcsec(ra, dec, ra2, dec2) == pytest.approx(expected, abs=2e-10)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_antipodes_are_180_degrees_apart(ra, dec):
    assert separation_arcsec(ra, dec, ra + 180, -dec) == pytest.approx(648000, abs=1e-9)
    nearly = separation_arcsec(ra, dec, ra + 180, -dec + (1e-6 if dec > 0 else -1e-6))
    if abs(dec) < 90:
        assert 648000 - nearly == pytest.approx(3.6e-3, rel=1e-6)


@given(st.floats(0, 180 * 3600))
def test_chord_is_the_distance_of_vectors_that_far_apart(radius):
    first, second = unit_vectors([0, radius / 3600], [0, 0])
    assert chord_length(radius) == pytest.approx(np.linalg.norm(first - second), abs=1e-15)
    if radius < 3600:
        assert chord_arcsec(chord_length(radius)) == pytest.approx(radius, rel=1e-12)


@given(RA, DEC)
def test_tangent_basis_is_right_handed_everywhere(ra, dec):
    point = unit_vectors(ra, dec)
    east, north = tangent_basis(point)
    frame = np.stack([east, north, point])
    assert frame @ frame.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    if abs(dec) < 89.999:
        assert east[2] == 0.0
        assert north[2] > 0.0


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_shifting_a_field_is_rigid_and_moves_its_centre_as_asked(ra, dec):
    rng = np.random.default_rng(4)
    center = unit_vectors(ra, dec)
    field = center + rng.normal(0, 0.01, (20, 3))
    field /= np.linalg.norm(field, axis=1, keepdims=True)
    moved = shift_field(field, center, 3.0, -4.0)
    assert moved @ moved.T == pytest.approx(field @ field.T, abs=1e-14)
    there = shift_field(center[np.newaxis], center, 3.0, -4.0)[0]
    assert vector_separation_arcsec(center, there) == pytest.approx(5.0, abs=1e-9)
    east, north = tangent_basis(center)
    assert (there - center) @ east * 206264.806 == pytest.approx(3.0, abs=1e-6)
    assert (there - center) @ north * 206264.806 == pytest.approx(-4.0, abs=1e-6)


def test_shifting_back_and_by_nothing_changes_nothing():
    field = unit_vectors([359.9, 0.1, 0.0], [89.9, 89.8, 90.0])
    center = unit_vectors(0.0, 90.0)
    back = shift_field(shift_field(field, center, 2.0, 1.0), center, -2.0, -1.0)
    assert back == pytest.approx(field, abs=1e-15)
    assert np.array_equal(shift_field(field, center, 0.0, 0.0), field)


def test_a_right_ascension_just_below_zero_is_not_360():
    ra, _ = sky_coordinates([[1.0, -1e-20, 0.0], [1.0, -1e-10, 0.0]])
    assert ra[0] == 0.0
    assert 359.9 < ra[1] < 360.0


def test_mean_direction_crosses_ra_zero_and_has_no_value_for_the_whole_sky():
    ra, dec = sky_coordinates(mean_direction(unit_vectors([359, 2], [0, 0])))
    assert ra == pytest.approx(0.5)
    assert dec == pytest.approx(0.0)
    assert mean_direction(np.vstack([np.eye(3), -np.eye(3)])) is None
    assert mean_direction(np.empty((0, 3))) is None
