"""Right ascension and declination, whatever their unit."""

import numpy as np
import pytest
from astropy.table import Column
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.catalogs.positions import check_positions, normalise_ra, read_angles
from lc_pipeline.errors import CatalogError

DUSTY = [12.5, 0.0]


@given(st.floats(-360, 720))
def test_right_ascensions_are_brought_to_the_circle(ra):
    (inside,) = normalise_ra(np.array([ra]))
    assert 0 <= inside < 360
    turns = (ra - inside) / 360
    assert turns == pytest.approx(round(turns), abs=1e-12)


@given(st.floats(0, 360, exclude_max=True))
def test_right_ascensions_on_the_circle_are_not_touched(ra):
    assert normalise_ra(np.array([ra]))[0] == ra


@pytest.mark.parametrize(
    ("cells", "unit", "configured", "degrees"),
    [
        (DUSTY, None, None, DUSTY),
        (DUSTY, "deg", None, DUSTY),
        (DUSTY, "hourangle", None, [187.5, 0.0]),
        (DUSTY, "h", None, [187.5, 0.0]),
        (DUSTY, None, "hourangle", [187.5, 0.0]),
        (DUSTY, "deg", "hourangle", [187.5, 0.0]),
        ([np.pi, 0.0], "rad", None, [180.0, 0.0]),
        ([np.pi, 0.0], None, "rad", [180.0, 0.0]),
        ([3600.0, 0.0], "arcsec", None, [1.0, 0.0]),
        (["12:30:00", "00:00:00.0"], None, None, [187.5, 0.0]),
        (["12 30 00", "0 0 0"], '"h:m:s"', None, [187.5, 0.0]),
        (["12h30m00s", "0h0m0s"], None, None, [187.5, 0.0]),
        (["12:30:00", "00:00:00.0"], "deg", None, DUSTY),
        (["12.5", "0"], None, None, DUSTY),
    ],
)
def test_right_ascensions_of_every_unit(cells, unit, configured, degrees):
    angles, _ = read_angles("n1", "ra", Column(cells, unit=unit), configured, is_ra=True)
    np.testing.assert_allclose(angles, degrees, rtol=1e-15)


@pytest.mark.parametrize("text", ["-00:30:00", "-0 30 00.0", "-00d30m00s", "\u221200:30:00"])
def test_a_small_negative_declination_keeps_its_sign(text):
    angles, _ = read_angles("n1", "dec", Column([text]), None, is_ra=False)
    assert angles[0] == -0.5


def test_hours_without_a_unit_are_suspected_aloud():
    _, note = read_angles("n1", "ra", Column([5.5, 23.5]), None, is_ra=True)
    assert "columns.ra_unit = 'hourangle'" in note
    assert read_angles("n1", "ra", Column([5.5, 23.5], unit="deg"), None, is_ra=True)[1] is None


@pytest.mark.parametrize(
    ("cells", "unit", "words"),
    [
        (["12:30:00", "12:71:00"], None, r"column 'ra', row 2: '12:71:00' is not a sexagesimal"),
        (["12.5", "north"], None, r"column 'ra', row 2: 'north' is not a number"),
        (DUSTY, "pix", r"column 'ra' has unit 'pix', which is no angle; set columns.ra_unit"),
    ],
)
def test_what_is_no_angle_is_named(cells, unit, words):
    with pytest.raises(CatalogError, match=f"^n1.cat: {words}"):
        read_angles("n1.cat", "ra", Column(cells, unit=unit), None, is_ra=True)


@pytest.mark.parametrize(
    ("ra", "dec", "words"),
    [
        ([1.0, 2.0], [3.0, 400.0], r"column 'dec', row 2: 400 is no declination"),
        ([1.0, -999.0], [3.0, 4.0], r"column 'ra', row 2: -999 is no right .*missing.values"),
    ],
)
def test_impossible_positions_are_refused(ra, dec, words):
    with pytest.raises(CatalogError, match=f"^n1.cat: {words}"):
        check_positions("n1.cat", "ra", np.array(ra), "dec", np.array(dec))
