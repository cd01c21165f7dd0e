"""Claims about columns that surveys name in ways of their own."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable, Table
from astropy.time import Time

from lc_pipeline.catalogs.columns import plan_columns
from lc_pipeline.catalogs.landing import EpochFiles, LandedFile
from lc_pipeline.catalogs.reading import read_catalog_file
from lc_pipeline.catalogs.row_times import row_times
from lc_pipeline.catalogs.source_catalog import read_epoch
from lc_pipeline.errors import CatalogError
from lc_pipeline.ingest import epoch_storage, ingest
from lc_pipeline.survey import MeasurementSection, MissingSection, SurveyConfig

SURVEY = SurveyConfig.from_toml("[survey]\nname = 'x'\n[files]\npattern = '(?P<epoch>.*)'")
STAR = np.arange(4)
MJD = 60310.25


def plan_of(**columns):
    return plan_columns("n1.csv", Table(columns), SURVEY, {})


def epoch_of(path):
    return read_epoch(EpochFiles("1", (LandedFile(path, path.name),)), SURVEY)


def stars(**more):
    columns = {"ra": 10 + 0.1 * STAR, "dec": -3 - 0.1 * STAR, "mag": 15 + 0.5 * STAR}
    return Table(columns | more)


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("RA", "DE"),
        ("RA_OBJ", "DEC_OBJ"),
        ("alpha_deg", "delta_deg"),
        ("TARGET_RA", "TARGET_DEC"),
        ("RA (h)", "DEC (deg)"),
        ("gaia.ra", "gaia.dec"),
        ("pos_ra", "pos_decl"),
    ],
)
def test_positions_are_told_by_the_words_that_differ(ra, dec):
    others = {"pm_ra": STAR, "pm_dec": STAR, "e_ra": STAR, "e_dec": STAR, "mag": STAR}
    plan = plan_of(**{ra: 10 + STAR, dec: STAR, **others})
    assert (plan.ra, plan.dec) == (ra, dec)


@pytest.mark.parametrize(
    "columns",
    [
        {"ra_best": STAR, "dec_best": STAR, "ra_raw": STAR, "dec_raw": STAR},
        {"tel_ra": STAR, "tel_dec": STAR},
        {"target_ra": 0 * STAR, "target_dec": 0 * STAR},
    ],
    ids=["two pairs", "the telescope's", "one for all"],
)
def test_positions_that_are_doubtful_are_asked_for(columns):
    with pytest.raises(CatalogError, match=r"set columns.ra and columns.dec"):
        plan_of(mag=STAR, **columns)


@pytest.mark.parametrize(
    ("name", "times", "found"),
    [
        ("obs_date_time", "2024-01-01 06:00:00.0", ("isot", "start", None)),
        ("t_mid", "2024-01-01T06:00:00", ("isot", "mid", None)),
        ("MJD_start", MJD, ("mjd", "start", None)),
        ("mjd_tt", MJD, ("mjd", "mid", "tt")),
        ("date", 2400000.5 + MJD, ("jd", "mid", None)),
        ("unixtime", 86400 * (MJD - 40587), ("unix", "mid", None)),
        ("time", 43200.0, None),  # seconds of a day, for all one knows
        ("t_mid", MJD, None),
        ("date", "2024-01-01", None),
        ("mjd_g", MJD, None),
        ("mjd_err", MJD, None),
        ("mjd_last", MJD, None),
        ("processed_time", "2024-01-01T06:00:00", None),
    ],
)
def test_times_are_told_by_a_word_and_by_what_they_can_be(name, times, found):
    table = Table({"mag": STAR + 0.5, name: [times] * len(STAR)})
    told = list(row_times("n1.csv", table, MissingSection().time_range))
    assert [(one.name, one.format, one.at, one.scale) for one in told] == (
        [(name, *found)] if found else []
    )


def test_the_middle_of_the_exposure_comes_before_its_start():
    table = Table({"mjd_end": [MJD], "mjd_start": [MJD], "mjd_middle_of": [MJD]})
    told = row_times("n1.csv", table, MissingSection().time_range)
    assert [one.name for one in told] == ["mjd_middle_of", "mjd_start", "mjd_end"]


@pytest.mark.parametrize(
    ("columns", "errors"),
    [
        (["instr_mag", "sig_instr", "ra_err"], ["sig_instr"]),
        (["mag", "err", "mag (2)", "err (2)"], ["err", "err (2)"]),
        (["Vinst", "V_mag", "dmag", "I_mag", "merr"], ["dmag", "merr"]),
        (["mag", "ra_err", "sky_sigma"], [None]),
        (["mag", "sig_a", "sig_b"], [None]),
    ],
)
def test_errors_are_those_that_are_left_or_stand_behind(columns, errors):
    plan = plan_of(ra=10 + STAR, dec=STAR, **dict.fromkeys(columns, 1 + STAR))
    assert [section.error for section in plan.measurements] == errors


def test_each_band_has_the_time_that_says_from_which_day_it_counts(tmp_path):
    """As Gaia's transits have: the description says it."""
    table = stars()
    for band, time, flux in (
        ("g", "g_transit_time", "g_transit_flux"),
        ("bp", "bp_obs_time", "bp_flux"),
    ):
        seconds = 1.0 if band == "bp" else 0.0
        table[time] = MJD + 2400000.5 - 2455197.5 + seconds / 86400
        table[time].description = "Observing time, BJD-2455197.5 (TCB)"
        table[flux], table[f"{flux}_error"] = 100.0 + STAR, 1.0 + 0 * STAR
    table.remove_column("mag")
    table.write(tmp_path / "n1.vot", format="votable")
    catalog = epoch_of(tmp_path / "n1.vot")
    assert (catalog.time_scale, catalog.time_refposition) == ("tcb", "BARYCENTER")
    times = [columns.time[0] for columns in catalog.measurements.values()]
    np.testing.assert_allclose(np.array(times) - MJD, [0, 1 / 86400], atol=1e-9)


def test_an_exposure_may_have_its_unit_beside_it(tmp_path):
    rows = "".join(f"{10 + n},{n},15.5\n" for n in STAR)
    text = f"# MJD-OBS = {MJD}\n# Exposure: 60 s\nra,dec,mag\n{rows}"
    (tmp_path / "n1.csv").write_text(text)
    catalog = epoch_of(tmp_path / "n1.csv")
    assert catalog.exposure == 60.0
    assert catalog.time == pytest.approx(MJD + 30 / 86400, abs=1e-9)


def test_columns_of_the_same_name_are_said(tmp_path):
    (tmp_path / "n1.csv").write_text("ra,dec,mag,err,mag,err\n10,3,15,0.1,16,0.2\n")
    notes = read_catalog_file(tmp_path / "n1.csv").notes
    assert notes == ("columns have the same name: the second of them is 'mag (2)'",)


def test_a_column_of_one_filter_names_the_measurement():
    plan = plan_of(ra=10 + STAR, dec=STAR, MAG=15 + STAR, MERR=0.1 + STAR, FILT=["V"] * 4)
    assert [section.key for section in plan.measurements] == ["V"]
    plan = plan_of(ra=10 + STAR, dec=STAR, MAG=15 + STAR, MERR=0.1 + STAR, FILT=["open"] * 4)
    assert [section.key for section in plan.measurements] == ["mag"]


def test_bands_by_any_name_are_measurements_and_never_mixed():
    columns = {"ra": 10 + STAR, "dec": STAR, "psfFlux": 1.5 + STAR, "psfFluxErr": 0.1 + STAR}
    plan = plan_of(**columns, filterType=["g", "r", "g", "r"])
    assert [section.key for section in plan.measurements] == ["g", "r"]
    assert [section.where for section in plan.measurements] == [
        {"filterType": "g"},
        {"filterType": "r"},
    ]
    plain = SURVEY.model_copy(
        update={"measurements": (MeasurementSection(key="psf", value="psfFlux"),)}
    )
    table = Table(columns | {"filterType": ["g", "r", "g", "r"]})
    with pytest.raises(CatalogError, match=r"'filterType' says that rows are of several bands"):
        plan_columns("n1.csv", table, plain, {})
    # Words of another meaning are no bands.
    plan = plan_of(**columns, band_quality=["good", "bad", "good", "bad"])
    assert [section.key for section in plan.measurements] == ["psfflux"]


@pytest.mark.parametrize(
    ("value", "error"), [("magpsf", "sigmapsf"), ("fluxpsf", "errpsf"), ("j_m", "j_cmsig")]
)
def test_magnitudes_and_their_errors_may_be_one_word(value, error):
    plan = plan_of(ra=10 + STAR, dec=STAR, rb_err=STAR, **{value: 15.5 + STAR, error: 0.1 + STAR})
    assert [(one.value, one.error) for one in plan.measurements] == [(value, error)]


def test_a_column_of_times_needs_no_name(tmp_path):
    for name, at in (("when", 0.0), ("begin", 15.0)):
        table = QTable(stars())
        table[name] = Time(np.full(len(STAR), MJD), format="mjd", scale="tt")
        table.meta["EXPTIME"] = 30.0
        table.write(tmp_path / f"{name}.ecsv")
        catalog = epoch_of(tmp_path / f"{name}.ecsv")
        assert catalog.time_scale == "tt"
        assert catalog.time == pytest.approx(MJD + at / 86400, abs=1e-9)


def test_flags_of_sextractor_are_known_by_any_of_its_columns():
    columns = {"X_WORLD": 10 + STAR, "Y_WORLD": STAR, "MAG_BEST": 15.5 + STAR, "FLAGS": STAR}
    plan = plan_of(**columns)
    assert plan.measurements[0].bad_flags & 7 == 4


def test_a_table_of_the_cds_has_as_many_rows_as_it_has_lines(tmp_path):
    table = stars()
    table["ra"].unit = table["dec"].unit = "deg"
    table.write(tmp_path / "n1.mrt", format="ascii.mrt")
    assert len(read_catalog_file(tmp_path / "n1.mrt").table) == len(STAR)


@pytest.mark.parametrize(
    ("unit", "spelled"),
    [("e-/s", "electron / s"), ("ADU", "adu"), ("counts/sec", "ct / s"), ("odd", "odd")],
)
def test_fluxes_in_units_of_any_spelling_become_time_series(tmp_path, unit, spelled):
    for night in (1, 2):
        table = stars(flux_err=0.5 + STAR)
        table.rename_column("mag", "flux")
        hdu = fits.BinTableHDU(table)
        hdu.header["TUNIT3"] = hdu.header["TUNIT4"] = unit
        hdu.header["MJD-AVG"] = MJD + night
        hdu.writeto(tmp_path / f"n{night}.fits")
    text = "[survey]\nname = 'x'\n[files]\npattern = 'n(?P<epoch>.*)[.]fits'\n"
    survey = SurveyConfig.from_toml(text, tmp_path / "survey.toml")
    ingest(survey)
    storage = epoch_storage(survey)
    rows = storage.to_timeseries(storage.reference.key[0])
    if spelled == "odd":
        assert rows["unit"].tolist() == ["odd", "odd"]
    else:
        assert str(rows["flux"].unit) == str(rows["flux_err"].unit) == spelled
    rows.write(tmp_path / "star.ecsv")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("V", "\N{GREEK SMALL LETTER SIGMA}(V)"),
        ("mag(V)", "err(V)"),
        ("Vmag", "\N{GREEK SMALL LETTER SIGMA}Vmag"),
    ],
)
def test_greek_letters_and_brackets_are_read(value, error):
    alpha = "\N{GREEK SMALL LETTER ALPHA}"
    plan = plan_of(**{alpha: 10 + STAR, "δ": STAR, value: 15.5 + STAR, error: 0.1 + STAR})
    assert (plan.ra, plan.dec) == (alpha, "δ")
    assert [(one.key, one.value, one.error) for one in plan.measurements] == [("V", value, error)]
