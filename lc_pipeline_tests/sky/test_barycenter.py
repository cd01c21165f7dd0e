"""Claims about barycentric times."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import EarthLocation, SkyCoord, get_body_barycentric
from astropy.time import Time

from lc_pipeline.sky.barycenter import barycentric_julian_date

MILLISECOND = 1e-3 / 86400
GEOCENTER = EarthLocation.from_geocentric(0, 0, 0, unit=u.m)
MJD = np.array([45000.0, 51544.5, 58545.117679, 60310.25])


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (265.0, 69.0), (163.26, -49.9), (83.0, 23.0)])
@pytest.mark.parametrize("refposition", ["GEOCENTER", "TOPOCENTER", "topocenter"])
def test_agrees_with_astropy_at_the_geocentre(ra, dec, refposition):
    time = Time(MJD, format="mjd", scale="utc", location=GEOCENTER)
    star = SkyCoord(ra, dec, unit="deg")
    earth = get_body_barycentric("earth", time, ephemeris="builtin")
    expected = (time.tdb + (earth.dot(star.cartesian) / (299792458 * u.m / u.s))).jd
    found = barycentric_julian_date(MJD, "utc", refposition, ra, dec)
    assert found == pytest.approx(expected, abs=MILLISECOND)
    light_time = time.light_travel_time(star, kind="barycentric", ephemeris="builtin")
    assert found == pytest.approx((time.tdb + light_time).jd, abs=30 * MILLISECOND)


def test_utc_becomes_tdb_with_the_leap_seconds_of_its_time():
    utc = barycentric_julian_date([57752.9, 57754.1], "utc", "BARYCENTER", 0, 0)
    tdb = barycentric_julian_date([57752.9, 57754.1], "tdb", "BARYCENTER", 0, 0)
    # 36 and 37 leap seconds, 32.184 s, and TDB - TT, which is below 2 ms.
    assert (utc - tdb) * 86400 == pytest.approx([68.184, 69.184], abs=2.1e-3)


def test_the_barycentric_julian_date_of_a_barycentric_time_is_that_time():
    assert barycentric_julian_date(58000.25, "tdb", "BARYCENTER", 10, 20) == 2458000.75


def test_heliocentric_times_move_by_the_sun_only():
    bjd = barycentric_julian_date(MJD, "tdb", "HELIOCENTER", 265.0, 0.0)
    move = np.abs(bjd - MJD - 2400000.5) * 86400
    assert np.all(move < 5.0)
    assert np.any(move > 0.1)
    geocentric = barycentric_julian_date(MJD, "tdb", "GEOCENTER", 265.0, 0.0)
    time = Time(MJD, format="mjd", scale="tdb", location=GEOCENTER)
    star = SkyCoord(265.0, 0.0, unit="deg")
    to_sun = time.light_travel_time(star, kind="heliocentric", ephemeris="builtin").to_value(u.day)
    hjd_then_bjd = barycentric_julian_date(MJD + to_sun, "tdb", "HELIOCENTER", 265.0, 0.0)
    assert hjd_then_bjd == pytest.approx(geocentric, abs=30 * MILLISECOND)


def test_unknown_places_and_times_have_no_barycentric_time():
    assert np.isnan(barycentric_julian_date(58000.0, "utc", "UNKNOWN", 10, 20))
    bjd = barycentric_julian_date([np.nan, 58000.0], "utc", "GEOCENTER", 10, 20)
    assert np.isnan(bjd[0])
    assert np.isfinite(bjd[1])


def test_a_single_time_gives_a_float():
    assert isinstance(barycentric_julian_date(58000.0, "utc", "GEOCENTER", 10, 20), float)


def test_ut1_is_within_a_second_of_utc_and_needs_no_network():
    ut1 = barycentric_julian_date([55000.0, 10.0], "ut1", "GEOCENTER", 10, 20)
    utc = barycentric_julian_date(55000.0, "utc", "GEOCENTER", 10, 20)
    assert 1e-3 < abs(ut1[0] - utc) * 86400 < 0.95
    assert np.isnan(ut1[1])


def test_another_place_is_refused_by_name():
    with pytest.raises(ValueError, match="MOON"):
        barycentric_julian_date(58000.0, "utc", "MOON", 10, 20)
