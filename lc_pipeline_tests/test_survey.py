"""What survey.toml may say, and how a mistake in it is explained."""

import re

import pytest

from lc_pipeline.errors import SurveyConfigError
from lc_pipeline.survey import SurveyConfig

START = "[survey]\nname = 'test'\n[files]\npattern = '(?P<epoch>.+)'\n"
MEASUREMENT = "[[measurements]]\nkey = 'g'\nvalue = 'm'\n"
TIME = "[time]\nfrom = 'header'\nname = 'T'\n"


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (
            MEASUREMENT + "quantity = 'flux'\nzero_point = 25.0",
            "zero_point makes magnitudes of flux",
        ),
        (
            MEASUREMENT + "zero_point = true",
            r"measurements \(g\).zero_point: expected a number, or the",
        ),
        (
            MEASUREMENT + "error_is = 'snr'",
            r"measurements \(g\): error_is = 'snr' needs the column",
        ),
        ("[columns]\nbad_flags = [2.5]", "columns.bad_flags: .* a list of the texts that mean bad"),
        ("[columns]\nra_unit = 'furlong'", "columns.ra_unit: expected a unit of an angle"),
        ("[columns]\ndec_unit = 's'", "columns.dec_unit: expected a unit of an angle"),
        ("[reference]\nra_unit = 'furlong'", "reference.ra_unit: expected a unit of an angle"),
        (TIME + "format = 'mdj'", "time.format: expected 'mjd'.*Did you mean 'mjd'"),
        (TIME + "exposure = -5", "time.exposure.*: expected seconds, 0 or more"),
        (
            "[[measurements]]\nkey = ' '\nvalue = 'm'",
            r"measurements \(number 1\).key: expected a name",
        ),
        ("[columns]\nbad_flags = -1", "columns.bad_flags.*: expected a sum of bits"),
        (MEASUREMENT + "bad_flags = -1", r"measurements \(g\).bad_flags.*: expected a sum of bits"),
        (
            MEASUREMENT + "extra = { mag_err = 'x' }",
            r"measurements \(g\).extra: the name 'mag_err'",
        ),
        (MEASUREMENT + "extra = { a = 'x', b = 'x' }", "extra: the column 'x' is given twice"),
        (
            "[measurements]\nkey = 'g'\nvalue = 'm'",
            r"measurements: expected a list: \[\[measurements\]\]",
        ),
        ("[missing]\nvalues = -999", r"missing.values: expected a list, e.g. \[-999.0\]"),
        ("[reference]\nepochs = '001'", r'reference.epochs: expected a list, e.g. \["001"\]'),
        (
            "[matching]\nradius = 1.0",
            "no such setting. Did you mean radius_arcsec. Known here: mode",
        ),
        ("[matchin]\nmode = 'key'", "no such setting. Did you mean matching. Known here: survey"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_name(tmp_path, rest, words):
    with pytest.raises(SurveyConfigError, match=rf"survey.toml: .*{words}") as error:
        SurveyConfig.from_toml(START + rest, tmp_path / "survey.toml")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "rest",
    [
        MEASUREMENT + "zero_point = 'MAGZP'\nbad_flags = ['U', 4]",
        MEASUREMENT.replace("'g'", "'{FILTER}'") + "error = 'e'\nerror_is = 'variance'",
        MEASUREMENT + "to_magnitude = true\nzero_point = 25.0",
        "[columns]\nra_unit = 'hourangle'\ndec_unit = 'rad'",
        "[columns]\nra_unit = 'Degrees'\nbad_flags = 'any'",
        TIME + "format = '%Y%m%d'\nexposure = 0",
        TIME + "format = 'JD'\nscale = 'UTC'\nexposure = 'EXPTIME'",
        MEASUREMENT + "extra = { fwhm = 'FWHM' }\nwhere = { fid = 1, field = '0012' }",
    ],
)
def test_settings_that_look_odd_and_are_right_are_taken(rest):
    survey = SurveyConfig.from_toml(START + rest)
    if "UTC" in rest:
        assert survey.time.scale == "utc"
        assert survey.time.format == "jd"
    if "where" in rest:
        assert survey.measurements[0].where == {"fid": "1", "field": "0012"}


def test_a_file_of_a_windows_editor_is_read(tmp_path):
    (tmp_path / "survey.toml").write_bytes(b"\xef\xbb\xbf" + START.replace("\n", "\r\n").encode())
    assert SurveyConfig.read(tmp_path).survey.name == "test"


def test_a_pattern_in_double_quotes_is_told_how_to_be_written():
    with pytest.raises(SurveyConfigError, match=r"at line 4, .* patterns in single quotes"):
        SurveyConfig.from_toml(START.replace("'(?P<epoch>.+)'", r'"(?P<epoch>\d+)"'))


def test_every_wrong_setting_is_named_at_once():
    with pytest.raises(SurveyConfigError) as error:
        SurveyConfig.from_toml(START + "[columns]\nbad_flags = -1\n[matching]\nmode = 'x'\n")
    assert re.search(r"columns.bad_flags.*\n.*matching.mode", str(error.value))
