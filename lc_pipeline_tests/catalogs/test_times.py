"""When an epoch was taken."""

import socket

import numpy as np
import pytest
from astropy.table import Column, Table
from astropy.time import Time
from astropy.utils import iers
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.catalogs.time_formats import to_mjd
from lc_pipeline.catalogs.times import read_times
from lc_pipeline.errors import CatalogError

HALF_MINUTE = 30 / 86400


def table_with(header=None, **columns):
    return Table(columns or {"ra": [1.0]}, meta=header or {})


@pytest.fixture
def times(make_survey):
    def read(
        rest="", header=None, groups=None, time_columns=(), pattern="(?P<epoch>.+)", **columns
    ):
        survey = make_survey(rest, files=f"pattern = '{pattern}'")
        return read_times(
            "n1.cat", table_with(header, **columns), survey, groups or {}, time_columns
        )

    return read


@pytest.mark.parametrize(
    ("header", "mjd"),
    [
        ({"MJD-OBS": 57000.25}, 57000.25),
        ({"MJD_OBS": "57000.25"}, 57000.25),
        ({"MJD-OBS": 57000.25, "EXPTIME": 60.0}, 57000.25 + HALF_MINUTE),
        ({"MJD-OBS": 57000.25, "MJD-AVG": 57000.5, "EXPTIME": 60.0}, 57000.5),
        ({"DATE-OBS": "2014-12-09T06:00:00.0"}, 57000.25),
        ({"DATE-OBS": "2014-12-09 06:00:00", "EXPOSURE": 60}, 57000.25 + HALF_MINUTE),
        ({"DATE-OBS": "2014-12-09", "TIME-OBS": "06:00:00.0"}, 57000.25),
        ({"DATE-OBS": "09/12/94", "UT": "06:00:00"}, 49695.25),
        ({"JD": 2457000.75}, 57000.25),
        ({"MJD-OBS": 0.0, "DATE-OBS": "2014-12-09T06:00:00"}, 57000.25),
    ],
)
def test_times_in_headers_are_recognised_and_moved_to_mid_exposure(times, header, mjd):
    found = times(header=header)
    assert found.mjd == pytest.approx(mjd, abs=1e-9)
    assert any("time is header keyword" in note for note in found.notes)


def test_a_start_without_exposure_stays_and_that_is_said(times):
    found = times(header={"MJD-OBS": 57000.25})
    assert found.mjd == 57000.25
    assert np.isnan(found.exposure)
    assert any("not moved to mid-exposure (set time.exposure)" in note for note in found.notes)


@pytest.mark.parametrize(
    ("header", "scale", "place"),
    [
        ({"MJD-OBS": 57000.0}, "utc", "TOPOCENTER"),
        ({"MJD-OBS": 57000.0, "TIMESYS": "TAI"}, "tai", "TOPOCENTER"),
        ({"MJD-OBS": 57000.0, "TIMESYS": "TDB", "TREFPOS": "BARYCENT"}, "tdb", "BARYCENTER"),
        ({"BJD": 2457000.5}, "tdb", "BARYCENTER"),
        ({"HMJD": 57000.5}, "utc", "HELIOCENTER"),
    ],
)
def test_the_time_scale_and_place_are_those_of_the_header(times, header, scale, place):
    found = times(header=header)
    assert (found.scale, found.refposition) == (scale, place)


def test_a_configured_scale_comes_before_the_header(times):
    rest = "[time]\nfrom = 'header'\nname = 'MJD-OBS'\n"
    header = {"MJD-OBS": 57000.0, "TIMESYS": "TAI"}
    assert times(rest, header=header).scale == "tai"
    assert times(rest + "scale = 'utc'\n", header=header).scale == "utc"


@pytest.mark.parametrize(
    ("at", "shift"), [("start", HALF_MINUTE), ("mid", 0.0), ("end", -HALF_MINUTE)]
)
def test_a_configured_moment_is_moved_to_mid_exposure(times, at, shift):
    rest = f"[time]\nfrom = 'header'\nname = 'MJD'\nat = '{at}'\nexposure = 'T'\n"
    found = times(rest, header={"MJD": 57000.25, "T": 60.0})
    assert found.mjd == pytest.approx(57000.25 + shift, abs=1e-10)
    assert found.exposure == 60.0


FROM_NAME = (
    "[time]\nfrom = 'filename'\nname = 'jd'\nformat = 'jd'\nexposure = 'exp'\n"
    "at = 'start'\nreplace = { d = '.' }\n"
)


def test_times_and_exposures_in_file_names(times):
    found = times(
        FROM_NAME,
        groups={"jd": "2458545d6216425998", "exp": "10d284"},
        pattern="(?P<epoch>.+)_(?P<jd>.+)_(?P<exp>.+)",
    )
    assert found.mjd == pytest.approx(58545.1216425998 + 10.284 / 2 / 86400, abs=1e-10)
    assert found.exposure == 10.284


def test_file_names_are_read_with_a_strptime_pattern(times):
    rest = "[time]\nfrom = 'filename'\nname = 't'\nformat = '%Y%m%dT%H%M%S'\n"
    pattern = "(?P<epoch>.+)_(?P<t>.+)"
    assert times(rest, groups={"t": "20141209T060000"}, pattern=pattern).mjd == 57000.25


def test_an_offset_is_added_without_losing_digits():
    gaia = to_mjd(np.array([1717.6256980967]), "jd", offset=2455197.5)
    assert gaia[0] == pytest.approx(56914.6256980967, abs=1e-11)
    assert to_mjd(["7000.75"], "jd", offset=2450000.0)[0] == 57000.25


@given(st.decimals(15020, 88069, places=9))
def test_a_jd_in_text_keeps_nine_decimals(mjd):
    jd = mjd + 2400000 + type(mjd)("0.5")
    assert to_mjd([str(jd)], "jd")[0] == float(mjd)


@pytest.mark.parametrize("form", ["unix", "decimalyear", "jyear", "gps", "byear"])
def test_other_formats_are_those_of_astropy(form):
    time = Time(57000.25, format="mjd", scale="utc" if form == "unix" else "tai")
    number = np.array([getattr(time, form)])
    assert to_mjd(number, form, time.scale)[0] == pytest.approx(57000.25, abs=1e-6)


def test_reading_times_never_looks_into_the_network(times, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(iers.LeapSeconds, "auto_open", refuse)
    assert times(header={"DATE-OBS": "2039-12-09T06:00:00"}).mjd == 66131.25
    rest = "[time]\nfrom = 'header'\nname = 'T'\nformat = 'yday'\n"
    assert times(rest, header={"T": "2039:343:06:00:00"}).mjd == 66131.25


def test_rows_have_their_own_times_where_these_differ(times):
    rest = "[time]\nfrom = 'column'\nname = 'hjd'\nformat = 'jd'\n"
    found = times(rest, hjd=[2457000.5, 2457000.75, 2457003.5, 0.0])
    assert found.general == "hjd"
    assert found.mjd == 57000.25
    np.testing.assert_array_equal(found.columns["hjd"], [57000.0, 57000.25, 57003.0, np.nan])


def test_rows_of_one_time_have_the_time_of_the_epoch(times):
    found = times("[time]\nfrom = 'column'\nname = 't'\n", t=[57000.5, 57000.5, 0.0])
    assert found.general is None
    assert found.mjd == 57000.5


def test_times_of_measurements_are_read_like_the_time_of_the_epoch(times):
    rest = "[time]\nfrom = 'column'\nname = 't'\nformat = 'jd'\n"
    found = times(rest, time_columns=["tg"], t=[2457000.5, 0.0], tg=[2457001.5, -99.0])
    np.testing.assert_array_equal(found.columns["tg"], [57001.0, np.nan])


def test_dates_in_columns_are_read(times):
    found = times(
        "[time]\nfrom = 'column'\nname = 't'\nformat = 'isot'\n", t=["2014-12-09T06:00", ""]
    )
    assert found.mjd == 57000.25


def test_a_column_that_was_a_time_object_is_not_converted_again(times):
    column = Column([58353.25, 58353.5], meta={"time_scale": "tdb"})
    found = times(bjd=column)
    assert (found.mjd, found.scale, found.refposition) == (58353.375, "tdb", "BARYCENTER")


def test_the_median_time_does_not_depend_on_the_order_of_rows(times):
    t = np.array([57000.5, 57000.1, 57000.9, 57000.2])
    rest = "[time]\nfrom = 'column'\nname = 't'\n"
    assert times(rest, t=t).mjd == times(rest, t=t[::-1].copy()).mjd


@pytest.mark.parametrize(
    ("rest", "header", "words"),
    [
        ("", {}, r"no time is recognised: .*say in \[time\]"),
        ("", {"DATE-OBS": "2014-12-09"}, r"DATE-OBS = '2014-12-09' has no time of day, .*TIME-OBS"),
        (
            "[time]\nfrom = 'header'\nname = 'MJD'",
            {"MJD-OBS": 57000.0},
            r"time.name: the header has no MJD. Keywords that may hold times: MJD-OBS",
        ),
        (
            "[time]\nfrom = 'header'\nname = 'JD'",
            {"JD": 2457000.5},
            r"read as mjd is MJD 2457000.50000, outside missing.time_range .*set time.format",
        ),
        (
            "[time]\nfrom = 'header'\nname = 'T'",
            {"T": "last night"},
            r"'last night' cannot be read as time format 'mjd' .*; set time.format",
        ),
        (
            "[time]\nfrom = 'header'\nname = 'T'\nformat = 'byear'",
            {"T": "fortnight"},
            r"'fortnight' cannot be read as time format 'byear'",
        ),
        (
            "[time]\nfrom = 'header'\nname = 'T'\nexposure = 'EXP'",
            {"T": 57000.0},
            r"time.exposure: 'EXP' is neither",
        ),
        (
            "[time]\nfrom = 'column'\nname = 'mjd'",
            {},
            r"time.name: there is no column 'mjd'. Columns are: ra",
        ),
        (
            "[time]\nfrom = 'column'\nname = 'ra'",
            {},
            r"time.name 'ra': no row has a time within missing.time_range",
        ),
    ],
)
def test_a_time_that_cannot_be_had_is_explained(times, rest, header, words):
    with pytest.raises(CatalogError, match=rf"^n1.cat: .*{words}"):
        times(rest, header=header)


@pytest.mark.parametrize(
    ("name", "rest", "scale", "place"),
    [
        ("HJD", "", "utc", "HELIOCENTER"),
        ("hjd_g", "", "utc", "HELIOCENTER"),
        ("BJD", "", "tdb", "BARYCENTER"),
        ("BJD_UTC", "", "utc", "BARYCENTER"),
        ("bjd", "scale = 'tt'", "tt", "BARYCENTER"),
        ("HJD", "refposition = 'TOPOCENTER'", "utc", "TOPOCENTER"),
        ("JD", "", "utc", "TOPOCENTER"),
    ],
)
@pytest.mark.parametrize("source", ["column", "header"])
def test_a_configured_time_is_where_its_name_says(times, source, name, rest, scale, place):
    section = f"[time]\nfrom = '{source}'\nname = '{name}'\nformat = 'jd'\n{rest}"
    number = 2457000.75
    if source == "column":
        found = times(section, **{name: [number, number]})
    else:
        found = times(section, header={name.upper(): number})
    assert (found.scale, found.refposition, found.mjd) == (scale, place, 57000.25)
    is_implied = place != "TOPOCENTER"
    assert any(f"time.refposition is {place}, as" in note for note in found.notes) == is_implied


@pytest.mark.parametrize("dtype", ["int64", "float64", "str"])
def test_dates_in_whole_numbers_are_read_as_their_digits(times, dtype):
    section = "[time]\nfrom = 'column'\nname = 'day'\nformat = '%Y%m%d'\noffset = 0.5"
    found = times(section, day=np.array([20141230, 20141230]).astype(dtype))
    assert found.mjd == 57021.5
    header = section.replace("column", "header")
    assert times(header, header={"DAY": 20141230}).mjd == 57021.5


@pytest.mark.parametrize(("number", "mjd"), [(57000.25, 57000.25), (2457000.75, 57000.25)])
def test_a_time_is_recognised_by_ucd(times, number, mjd):
    column = Column([number, number + 1], meta={"ucd": "time.epoch"})
    found = times(t=column)
    assert found.columns["t"][0] == pytest.approx(mjd)
    assert found.general == "t"


def test_a_missing_time_lists_the_columns(times):
    with pytest.raises(CatalogError, match=r"no time is recognised.*Columns are: a, b"):
        times(a=[1.0], b=[2.0])
