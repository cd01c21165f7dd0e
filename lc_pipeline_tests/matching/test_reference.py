"""Claims about the reference catalogue."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.errors import CatalogError, MatchingError, SurveyConfigError
from lc_pipeline.matching.keys import key_texts
from lc_pipeline.matching.reference import ReferenceCatalog, read_reference
from lc_pipeline.sky.geometry import separation_arcsec, sky_coordinates
from lc_pipeline.survey import ReferenceSection, SurveyConfig

SURVEY = """
[survey]
name = "demo"
[files]
pattern = '(?P<epoch>.+)[.]fits'
[reference]
file = "objects.csv"
"""


def _reference(n=5, **columns):
    defaults = {
        "key": [f"k{i}" for i in range(n)],
        "ra": np.linspace(0, 350, n),
        "dec": np.linspace(-80, 80, n),
    }
    return ReferenceCatalog(**(defaults | columns))


@given(
    st.floats(0, 360, exclude_max=True),
    st.floats(-89.999, 89.999),
    st.floats(-10000, 10000),
    st.floats(-10000, 10000),
    st.floats(1980, 2050),
)
def test_proper_motion_is_that_of_astropy(ra, dec, pm_ra_cosdec, pm_dec, year):
    reference = ReferenceCatalog(["a"], [ra], [dec], [pm_ra_cosdec], [pm_dec], 2016.0)
    time = Time(year, format="jyear", scale="tt")
    found = sky_coordinates(reference.unit_vectors_at(time.mjd))
    star = SkyCoord(
        ra * u.deg,
        dec * u.deg,
        # A distance keeps astropy from inventing one; it does not matter without radial velocity.
        distance=1e6 * u.pc,
        pm_ra_cosdec=pm_ra_cosdec * u.mas / u.yr,
        pm_dec=pm_dec * u.mas / u.yr,
        radial_velocity=0 * u.km / u.s,
        obstime=Time(2016.0, format="jyear", scale="tt"),
    )
    expected = _moved(star, time)
    assert separation_arcsec(*found, *expected) < 2e-3


def _moved(star, time):
    """Move along a straight line in space: what apply_space_motion does without warnings."""
    years = (time - star.obstime).to(u.yr)
    line = star.cartesian.xyz + star.velocity.d_xyz * years
    return sky_coordinates(line.to_value(u.pc).T)


def test_proper_motion_is_that_of_apply_space_motion():
    reference = ReferenceCatalog(
        ["b", "c"], [269.452, 0.0001], [4.69336, -89.5], [-802.8, 500.0], [10362.5, -300.0], 2016.0
    )
    time = Time("2003-08-01", scale="tt")
    stars = SkyCoord(
        reference.ra * u.deg,
        reference.dec * u.deg,
        pm_ra_cosdec=reference.pm_ra_cosdec * u.mas / u.yr,
        pm_dec=reference.pm_dec * u.mas / u.yr,
        distance=[10, 10] * u.pc,
        obstime=Time(2016.0, format="jyear", scale="tt"),
    ).apply_space_motion(new_obstime=time)
    found = sky_coordinates(reference.unit_vectors_at(time.mjd))
    assert np.all(separation_arcsec(*found, stars.ra.deg, stars.dec.deg) < 1e-3)
    assert separation_arcsec(*found, reference.ra, reference.dec)[0] > 100


def test_objects_without_proper_motion_stay_where_they_are():
    moving = _reference(2, pm_ra_cosdec=[np.nan, 1e3], pm_dec=[1.0, 0.0], ref_epoch=[np.nan, 2000])
    change = np.linalg.norm(moving.unit_vectors_at(60000.0) - moving.unit_vectors_at(), axis=1)
    assert change[0] < 1e-15
    assert change[1] > 1e-5


def test_proper_motion_needs_a_time():
    moving = _reference(1, pm_ra_cosdec=[1.0], pm_dec=[1.0], ref_epoch=2000.0)
    with pytest.raises(MatchingError, match="no time"):
        moving.unit_vectors_at(np.nan)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"key": ["a", "a", "b", "b", "c"]}, "'a', 'b' more than once"),
        ({"key": ["a", "", "b", "d", "c"]}, "object 2 has an empty key"),
        ({"key": ["1", " 1 ", "b", "d", "c"]}, "'1' more than once"),
        ({"ra": [0, 0, np.nan, 0, 0]}, "'k2'"),
        ({"ra": [0, 0, 0, 360.0, 0]}, "0 <= ra < 360"),
        ({"dec": [0, 0, 0, 0, -90.001]}, "-90 <= dec"),
        ({"ra": [0.0, 1.0]}, "ra of shape"),
        ({"pm_ra_cosdec": np.ones(5)}, "both"),
        ({"pm_ra_cosdec": np.ones(5), "pm_dec": np.ones(5)}, "ref_epoch"),
        (
            {"pm_ra_cosdec": np.ones(5), "pm_dec": np.ones(5), "ref_epoch": [2000] * 4 + [np.nan]},
            "'k4'",
        ),
    ],
)
def test_what_is_wrong_is_named(columns, words):
    with pytest.raises(MatchingError, match=words):
        _reference(**columns)


def test_extending_keeps_the_objects_that_are_there():
    rng = np.random.default_rng(1)
    old = _reference(50, n_epochs=np.arange(50))
    new = ReferenceCatalog([f"n{i}" for i in range(30)], rng.uniform(0, 360, 30), np.zeros(30))
    both = old.extended(new)
    assert np.array_equal(both.key[:50], old.key)
    assert np.array_equal(both.ra[:50], old.ra)
    assert np.array_equal(both.n_epochs, [*range(50), *[0] * 30])
    assert np.array_equal(both.key[50:], new.ordered().key)
    with pytest.raises(MatchingError, match="'k3'"):
        old.extended(ReferenceCatalog(["k3"], [0.0], [0.0]))
    assert len(old.extended(ReferenceCatalog.empty())) == 50


@pytest.mark.parametrize("swapped", [False, True])
def test_extending_mixes_moving_objects_and_others(swapped):
    moving = _reference(2, pm_ra_cosdec=[1.0, 2.0], pm_dec=[3.0, 4.0], ref_epoch=2016.0)
    fixed = ReferenceCatalog(["x"], [1.0], [1.0])
    both = fixed.extended(moving) if swapped else moving.extended(fixed)
    rows = [both.key.tolist().index(key) for key in ("k0", "k1", "x")]
    assert both.pm_ra_cosdec[rows].tolist()[:2] == [1.0, 2.0]
    assert np.isnan(both.pm_dec[rows[2]])
    at = both.unit_vectors_at(60000.0)[rows]
    assert at[:2] == pytest.approx(moving.unit_vectors_at(60000.0), abs=1e-15)
    assert at[2] == pytest.approx(fixed.unit_vectors_at()[0], abs=1e-15)


def test_order_does_not_depend_on_the_order_given():
    rng = np.random.default_rng(3)
    reference = _reference(100, ra=np.round(rng.uniform(0, 2, 100)), dec=np.zeros(100))
    rows = rng.permutation(100)
    assert np.array_equal(reference.ordered().key, reference.taken(rows).ordered().key)


def test_a_table_gives_the_same_catalogue_back():
    moving = _reference(3, pm_ra_cosdec=[1, np.nan, 3], pm_dec=[1, 2, 3], ref_epoch=2016.0)
    moving = moving.extended(ReferenceCatalog(["x"], [1.0], [1.0], n_epochs=[4]))
    back = ReferenceCatalog.from_table(moving.to_table())
    for name in ("key", "ra", "dec", "pm_ra_cosdec", "pm_dec", "ref_epoch", "n_epochs"):
        first, second = getattr(moving, name), getattr(back, name)
        equal_nan = name != "key"
        assert np.array_equal(np.broadcast_to(first, 4), second, equal_nan=equal_nan)


def test_units_of_a_table_count():
    table = Table(
        {
            "Star": ["a", "b"],
            "RAJ2000": [1.0, 23.9] * u.hourangle,
            "DEJ2000": [0.5, -0.5] * u.rad,
            "pmRA": [1.0, 2.0] * u.arcsec / u.yr,
            "pmDE": [1.0, 2.0],
        }
    )
    section = ReferenceSection(key="star", ref_epoch=2000.0)
    reference = ReferenceCatalog.from_table(table, section)
    assert reference.key.tolist() == ["a", "b"]
    assert reference.ra.tolist() == pytest.approx([15.0, 358.5])
    assert reference.dec.tolist() == pytest.approx(np.degrees([0.5, -0.5]).tolist())
    assert reference.pm_ra_cosdec.tolist() == pytest.approx([1000, 2000])
    assert reference.pm_dec.tolist() == pytest.approx([1, 2])


def test_negative_right_ascensions_and_masked_motions_are_read():
    table = Table({"num": [13350, 7], "ra": [-50.25, 10.0], "dec": [0.0, 1.0]})
    table["pmra"] = MaskedColumn([1.0, 2.0], mask=[True, False])
    table["pmdec"] = [1.0, 2.0]
    table["ref_epoch"] = [2016.0, 2016.0]
    reference = ReferenceCatalog.from_table(table, ReferenceSection(key="num"))
    assert reference.ra.tolist() == [309.75, 10.0]
    assert reference.key.tolist() == ["13350", "7"]
    assert np.isnan(reference.pm_ra_cosdec[0])


@pytest.mark.parametrize(
    ("columns", "section", "words"),
    [
        ({"a": [1.0]}, {}, "RA and Dec"),
        ({"ra": [1.0], "dec": [1.0]}, {"key": "star"}, "reference.key"),
        ({"ra": [1.0, np.nan], "dec": [1.0, 2.0]}, {}, "row 2"),
        ({"ra": [1.0], "dec": [1.0] * u.mag}, {}, "no angle"),
        ({"ra": [1.0], "dec": [1.0], "pmra": [1.0] * u.km / u.s, "pmdec": [1.0]}, {}, "motion"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_the_reason(columns, section, words):
    with pytest.raises(CatalogError, match=words):
        ReferenceCatalog.from_table(Table(columns), ReferenceSection(**section), "t.fits")


def test_a_table_of_no_objects_or_of_repeated_ones_is_refused_by_name():
    with pytest.raises(MatchingError, match=r"t\.fits: .*no objects"):
        ReferenceCatalog.from_table(Table({"ra": [], "dec": []}), path="t.fits")
    repeated = Table({"id": [1, 1], "ra": [1.0, 2.0], "dec": [1.0, 2.0]})
    with pytest.raises(MatchingError, match=r"t\.fits: .*'1' more than once"):
        ReferenceCatalog.from_table(repeated, path="t.fits")


def test_the_file_of_a_survey_is_read_in_sky_order(tmp_path):
    lines = ["name,ra,dec", "b,17:40:00,+69:00:00", "a,00:00:01.5,-10:30:00"]
    (tmp_path / "objects.csv").write_text("\n".join(lines) + "\n")
    survey = SurveyConfig.from_toml(SURVEY, tmp_path / "survey.toml")
    reference = read_reference(survey)
    by_key = dict(zip(reference.key.tolist(), reference.ra.tolist(), strict=True))
    assert by_key == pytest.approx({"a": 0.00625, "b": 265.0})
    with pytest.raises(SurveyConfigError, match=r"reference\.file"):
        read_reference(SurveyConfig.from_toml(SURVEY.replace('file = "objects.csv"', "")))


@pytest.mark.parametrize(
    ("keys", "texts"),
    [
        ([7, 12], ["7", "12"]),
        (np.array([7.0, 12.0]), ["7", "12"]),
        ([b" a", b"b "], ["a", "b"]),
        (np.array([7, "007", b"x"], dtype=object), ["7", "007", "x"]),
        (np.array([1.5, 2.0]), ["1.5", "2.0"]),
        ([], []),
    ],
)
def test_keys_are_compared_as_texts(keys, texts):
    assert key_texts(keys).tolist() == texts
