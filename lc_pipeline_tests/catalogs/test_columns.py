"""Recognising which column is what, in the catalogues of many surveys."""

import numpy as np
import pytest
from astropy.table import Table

from lc_pipeline.catalogs import SourceCatalog, find_epochs, read_epoch
from lc_pipeline.catalogs.columns import plan_columns
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import MeasurementFlag

#: Column names as surveys write them, and (RA, Dec, {key: (value, error)}) as they should be read.
SURVEYS = {
    "SExtractor": (
        ("NUMBER ALPHA_J2000 DELTA_J2000 X_IMAGE Y_IMAGE A_IMAGE B_IMAGE ERRA_IMAGE ERRB_IMAGE "
        "FLUX_AUTO FLUXERR_AUTO MAG_AUTO MAGERR_AUTO MAG_APER MAGERR_APER MAG_APER_1 "
        "MAGERR_APER_1 FLUX_RADIUS FLUX_MAX MU_MAX FWHM_IMAGE FLAGS IMAFLAGS_ISO CLASS_STAR"),
        ("ALPHA_J2000", "DELTA_J2000"),
        {
            "mag_auto": ("MAG_AUTO", "MAGERR_AUTO"),
            "mag_aper": ("MAG_APER", "MAGERR_APER"),
            "mag_aper_1": ("MAG_APER_1", "MAGERR_APER_1"),
        },
    ),
    "SExtractor, windowed and PSF": (
        ("ALPHAWIN_J2000 DELTAWIN_J2000 ALPHA_J2000 DELTA_J2000 MAG_PSF MAGERR_PSF SPREAD_MODEL "
        "SPREADERR_MODEL CHI2_PSF FLAGS_WIN"),
        ("ALPHAWIN_J2000", "DELTAWIN_J2000"),
        {"mag_psf": ("MAG_PSF", "MAGERR_PSF")},
    ),
    "ZTF match file": (
        "objectid ra dec mag magerr catflags",
        ("ra", "dec"),
        {"mag": ("mag", "magerr")},
    ),
    "ZTF PSF catalogue": (
        "sourceid xpos ypos ra dec flux sigflux mag sigmag snr chi sharp flags",
        ("ra", "dec"),
        {"mag": ("mag", "sigmag")},
    ),
    "ASAS-3": (
        "ra dec MAG_0 MAG_1 MER_0 MER_1 GRADE FRAME",
        ("ra", "dec"),
        {"mag_0": ("MAG_0", "MER_0"), "mag_1": ("MAG_1", "MER_1")},
    ),
    "OGLE-like": ("RA DEC I_mag I_err N_good", ("RA", "DEC"), {"I": ("I_mag", "I_err")}),
    "SDSS bands": (
        "objid ra dec u g r i z u_err g_err r_err i_err z_err",
        ("ra", "dec"),
        {band: (band, f"{band}_err") for band in "ugriz"},
    ),
    "Stripe 82": (
        "num ra dec mjd_g mag_g magerr_g mjd_r mag_r magerr_r",
        ("ra", "dec"),
        {"g": ("mag_g", "magerr_g"), "r": ("mag_r", "magerr_r")},
    ),
    "VizieR": (
        "_RAJ2000 _DEJ2000 recno RAJ2000 DEJ2000 e_RAJ2000 Vmag e_Vmag Bmag e_Bmag B-V",
        ("RAJ2000", "DEJ2000"),
        {"V": ("Vmag", "e_Vmag"), "B": ("Bmag", "e_Bmag")},
    ),
    "2MASS": ("ra dec j_m j_cmsig h_m h_cmsig", ("ra", "dec"), None),
    "photutils": (
        ("label xcentroid ycentroid sky_centroid.ra sky_centroid.dec bbox_xmin area "
        "semimajor_sigma segment_flux segment_fluxerr kron_flux kron_fluxerr local_background"),
        ("sky_centroid.ra", "sky_centroid.dec"),
        {
            "segment_flux": ("segment_flux", "segment_fluxerr"),
            "kron_flux": ("kron_flux", "kron_fluxerr"),
        },
    ),
    "photutils apertures": (
        "id ra dec aperture_sum_0 aperture_sum_err_0 aperture_sum_1 aperture_sum_err_1",
        ("ra", "dec"),
        {
            "aperture_sum_0": ("aperture_sum_0", "aperture_sum_err_0"),
            "aperture_sum_1": ("aperture_sum_1", "aperture_sum_err_1"),
        },
    ),
    "photutils PSF": (
        "id ra dec x_init flux_init x_fit y_fit flux_fit x_err y_err flux_err qfit cfit flags",
        ("ra", "dec"),
        {"flux_fit": ("flux_fit", "flux_err")},
    ),
    "Gaia": (
        ("source_id ra ra_error dec dec_error parallax phot_g_n_obs phot_g_mean_flux "
        "phot_g_mean_flux_error phot_g_mean_flux_over_error phot_bp_mean_flux "
        "phot_bp_mean_flux_error"),
        ("ra", "dec"),
        {
            "phot_g_mean_flux": ("phot_g_mean_flux", "phot_g_mean_flux_error"),
            "phot_bp_mean_flux": ("phot_bp_mean_flux", "phot_bp_mean_flux_error"),
        },
    ),
    "Rubin": (
        "objectId coord_ra coord_dec psfFlux psfFluxErr psfFlux_flag",
        ("coord_ra", "coord_dec"),
        {"psfflux": ("psfFlux", "psfFluxErr")},
    ),
    "Pan-STARRS": (
        "objID raMean decMean raMeanErr gMeanPSFMag gMeanPSFMagErr rMeanPSFMag rMeanPSFMagErr",
        ("raMean", "decMean"),
        {
            "gmeanpsfmag": ("gMeanPSFMag", "gMeanPSFMagErr"),
            "rmeanpsfmag": ("rMeanPSFMag", "rMeanPSFMagErr"),
        },
    ),
    "PyBDSF": (
        ("Source_id Isl_id RA E_RA DEC E_DEC Total_flux E_Total_flux Peak_flux E_Peak_flux "
        "Isl_rms Maj E_Maj PA"),
        ("RA", "DEC"),
        {
            "total_flux": ("Total_flux", "E_Total_flux"),
            "peak_flux": ("Peak_flux", "E_Peak_flux"),
        },
    ),
    "Selavy": (
        ("island_id ra_deg_cont dec_deg_cont ra_err dec_err flux_peak flux_peak_err flux_int "
        "flux_int_err maj_axis rms_image"),
        ("ra_deg_cont", "dec_deg_cont"),
        {"flux_peak": ("flux_peak", "flux_peak_err"), "flux_int": ("flux_int", "flux_int_err")},
    ),
    "Aegean": (
        ("island source background local_rms ra err_ra dec err_dec peak_flux err_peak_flux "
        "int_flux err_int_flux a err_a b err_b flags"),
        ("ra", "dec"),
        {
            "peak_flux": ("peak_flux", "err_peak_flux"),
            "int_flux": ("int_flux", "err_int_flux"),
        },
    ),
    "DAOPHOT": ("ra dec xcenter ycenter mag merr msky niter sharpness chi", ("ra", "dec"), {
        "mag": ("mag", "merr")}),
    "IGAPS": (
        "RA DEC i iErr iAB iEll iClass ha haErr r_I rErr_I U_RGO UErr",
        ("RA", "DEC"),
        {"i": ("i", "iErr"), "ha": ("ha", "haErr")},
    ),
    "instrumental": ("RA Dec mag_inst_R mag_error", ("RA", "Dec"), {"mag_inst_r": (
        "mag_inst_R", "mag_error")}),
    "counts": ("ra dec x y counts counts_err", ("ra", "dec"), {"counts": ("counts", "counts_err")}),
    "no errors": ("ra dec gmag", ("ra", "dec"), {"g": ("gmag", None)}),
    "WISE": ("ra dec w1mpro w1sigmpro w2mpro w2sigmpro", ("ra", "dec"), None),
}  # fmt: skip


def one_row(names):
    return Table({name: np.array([1.0]) for name in names.split()})


@pytest.mark.parametrize("name", SURVEYS)
def test_columns_of_known_surveys_are_recognised(name, make_survey):
    columns, position, wanted = SURVEYS[name]
    table = one_row(columns)
    if wanted is None:  # these names tell no magnitude, but their units do
        for column in table.colnames[2:]:
            table[column].unit = "mag"
        values = table.colnames[2::2]
        wanted = dict(zip(values, zip(values, table.colnames[3::2], strict=True), strict=True))
    plan = plan_columns("n1.cat", table, make_survey(), {})
    assert (plan.ra, plan.dec) == position
    found = {section.key: (section.value, section.error) for section in plan.measurements}
    assert found == wanted
    assert any("positions are" in note for note in plan.notes)
    assert any("measurements recognised" in note for note in plan.notes)


def test_configuration_comes_before_recognition(make_survey):
    survey = make_survey(
        "[columns]\nra = 'x'\ndec = 'y'\n"
        "[[measurements]]\nkey = 'k'\nvalue = 'mag_b'\nerror = 'spam'\nquantity = 'flux'\n"
    )
    plan = plan_columns("n1", one_row("ra dec x y mag_a magerr_a mag_b magerr_b spam"), survey, {})
    assert (plan.ra, plan.dec) == ("x", "y")
    assert [(s.key, s.value, s.error, s.quantity) for s in plan.measurements] == [
        ("k", "mag_b", "spam", "flux")
    ]
    assert plan.notes == ()


def test_an_error_that_is_not_configured_is_found_by_name_and_said(make_survey):
    survey = make_survey("[[measurements]]\nkey = 'k'\nvalue = 'MAG_APER_0'\n")
    plan = plan_columns("n1", one_row("ra dec MAG_APER MAGERR_APER"), survey, {})
    assert (plan.measurements[0].value, plan.measurements[0].error) == ("MAG_APER", "MAGERR_APER")
    assert "k: the error of MAG_APER is MAGERR_APER (recognised by name)" in plan.notes


def test_ucds_come_before_names(make_survey):
    table = one_row("ra dec alpha delta brightness uncertain other")
    for name, ucd in {
        "alpha": "pos.eq.ra;meta.main",
        "delta": "pos.eq.dec;meta.main",
        "brightness": "phot.mag;em.opt.V",
        "uncertain": "stat.error;phot.mag;em.opt.V",
    }.items():
        table[name].meta["ucd"] = ucd
    plan = plan_columns("n1", table, make_survey(), {})
    assert (plan.ra, plan.dec) == ("alpha", "delta")
    assert (plan.measurements[0].value, plan.measurements[0].error) == ("brightness", "uncertain")


def test_ucds_of_a_votable_are_used(tmp_path):
    table = one_row("alpha delta brightness uncertain")
    votable = tmp_path / "n1.vot"
    table.write(votable, format="votable")
    text = votable.read_text()
    for name, ucd in {
        "alpha": "pos.eq.ra;meta.main",
        "delta": "pos.eq.dec;meta.main",
        "brightness": "phot.mag",
        "uncertain": "stat.error;phot.mag",
    }.items():
        text = text.replace(f'name="{name}"', f'name="{name}" ucd="{ucd}"')
    votable.write_text(text)
    catalog = SourceCatalog.read(votable)
    assert list(catalog.measurements) == ["brightness"]
    assert catalog.measurements["brightness"].error[0] == 1.0


@pytest.mark.parametrize(
    ("names", "setting"),
    [("RA Ra dec mag err", "columns.ra"), ("ra DEC Dec mag err", "columns.dec")],
)
def test_two_equally_good_columns_are_not_guessed_between(names, setting, make_survey):
    with pytest.raises(CatalogError, match=rf"n1: \w+ and \w+ could each be .*{setting}"):
        plan_columns("n1", one_row(names), make_survey(), {})


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("[columns]\nra = 'ALPHA'\ndec = 'dec'", r"columns.ra: there is no column 'ALPHA'"),
        ("[columns]\nflags = 'FLGS'", r"columns.flags: .*'FLGS'. Did you mean FLAGS\?"),
        ("[[measurements]]\nkey = 'k'\nvalue = 'MAG'", r"\(k\).value: .* mean mag\? Columns are: "),
        ("[[measurements]]\nkey = 'k'\nvalue = 'mag'\nerror = 'merr'", r"\(k\).error: .*'merr'"),
        ("[[measurements]]\nkey = 'k'\nvalue = 'mag'\ntime = 'hjd'", r"\(k\).time: .*'hjd'"),
        ("[[measurements]]\nkey = 'k'\nvalue = 'spam'", r"column 'spam' .* set quantity = 'mag'"),
        ("[matching]\nmode = 'key'", r"set columns.key. NUMBER counts the rows"),
    ],
)
def test_a_wrong_setting_names_file_setting_column_and_remedy(rest, words, make_survey):
    with pytest.raises(CatalogError, match=rf"^n1.cat: .*{words}"):
        plan_columns("n1.cat", one_row("NUMBER ra dec mag FLAGS spam"), make_survey(rest), {})


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("x y mag", r"set columns.ra and columns.dec. Columns are: x, y, mag"),
        ("ra dec spam", r"name one in \[\[measurements\]\]. Columns are: ra, dec, spam"),
    ],
)
def test_what_is_not_recognised_asks_for_configuration(names, words, make_survey):
    with pytest.raises(CatalogError, match=words):
        plan_columns("n1.cat", one_row(names), make_survey(), {})


def test_magnitudes_win_over_fluxes_and_that_is_said(make_survey):
    plan = plan_columns("n1", one_row("ra dec flux fluxerr mag magerr"), make_survey(), {})
    assert [section.value for section in plan.measurements] == ["mag"]
    assert "left out since there are magnitudes: flux" in plan.notes


def test_fluxes_with_errors_win_over_magnitudes_without(make_survey):
    names = "ra dec phot_g_mean_mag phot_g_mean_flux phot_g_mean_flux_error"
    plan = plan_columns("n1", one_row(names), make_survey(), {})
    assert [section.value for section in plan.measurements] == ["phot_g_mean_flux"]
    assert "left out without errors: phot_g_mean_mag" in plan.notes


def test_a_row_number_is_no_object_key_unless_configured(make_survey):
    table = one_row("NUMBER source_id ra dec mag")
    by_key = "[matching]\nmode = 'key'\n"
    assert plan_columns("n1", table, make_survey(), {}).key is None
    assert plan_columns("n1", table, make_survey(by_key), {}).key == "source_id"
    survey = make_survey(f"{by_key}[columns]\nkey = 'NUMBER'")
    assert plan_columns("n1", table, survey, {}).key == "NUMBER"


@pytest.mark.parametrize(
    ("names", "meta", "groups", "keys"),
    [
        ("mag magerr", {"FILTER": "R"}, {}, ["R"]),
        ("mag magerr", {"FILTER": "R"}, {"measurement": "ch1"}, ["ch1"]),
        ("mag_auto magerr_auto mag_iso magerr_iso", {}, {}, ["mag_auto", "mag_iso"]),
        (
            "mag_auto magerr_auto mag_iso magerr_iso",
            {},
            {"measurement": "ch1"},
            ["ch1-mag_auto", "ch1-mag_iso"],
        ),
        # Without the filter in the key, g and R would be mixed in one light curve.
        ("mag_auto magerr_auto mag_iso", {"FILTER": "R"}, {}, ["R"]),
        ("mag_a magerr_a mag_c magerr_c", {"FILTER": "R"}, {}, ["R-mag_a", "R-mag_c"]),
        ("mag_g magerr_g mag_r magerr_r", {"FILTER": "all"}, {}, ["g", "r"]),
    ],
)
def test_keys_of_recognised_measurements(names, meta, groups, keys, make_survey):
    table = one_row(f"ra dec {names}")
    table.meta.update(meta)
    plan = plan_columns("n1", table, make_survey(), groups)
    assert [section.key for section in plan.measurements] == keys


def test_rows_of_several_bands_are_measurements_of_their_own_and_not_mixed(tmp_path):
    (tmp_path / "n1.csv").write_text("ra,dec,mag,magerr,band\n1,2,17,0.1,g\n1,2,16,0.1,r\n")
    measurements = SourceCatalog.read(tmp_path / "n1.csv").measurements
    assert measurements["g"].value.tolist()[0] == 17.0
    assert measurements["r"].value.tolist()[1] == 16.0
    assert measurements["g"].flags.tolist() == [0, MeasurementFlag.NOT_OBSERVED]


def test_rows_of_several_bands_are_refused_under_one_key(tmp_path, make_survey):
    (tmp_path / "n1.csv").write_text("ra,dec,mag,magerr,band\n1,2,17,0.1,g\n1,2,16,0.1,r\n")
    survey = make_survey("[[measurements]]\nkey = 'x'\nvalue = 'mag'")
    with pytest.raises(CatalogError, match=r"'band' .*\(g, r\).* write key = '{band}'"):
        read_epoch(find_epochs(survey).epochs[0], survey)


def test_a_band_column_that_is_the_same_in_all_rows_names_the_measurement(tmp_path):
    (tmp_path / "n1.csv").write_text("ra,dec,mag,magerr,band\n1,2,17,0.1,g\n1,2,16,0.1,g\n")
    assert list(SourceCatalog.read(tmp_path / "n1.csv").measurements) == ["g"]


def flagged(tmp_path, make_survey, rest, header, *rows):
    (tmp_path / "n1.csv").write_text("\n".join([header, *rows]) + "\n")
    survey = make_survey(rest, files="pattern = '(?P<epoch>n1)[.]csv'")
    (measured,) = read_epoch(find_epochs(survey).epochs[0], survey).measurements.values()
    return measured


SEXTRACTOR = "ALPHA_J2000,DELTA_J2000,MAG_AUTO,MAGERR_AUTO,FLAGS,MJD"
SEXTRACTOR_ROWS = [f"{k},0,17,0.1,{flags},59000.5" for k, flags in enumerate((0, 1, 3, 4, 18))]


@pytest.mark.parametrize(
    ("rest", "bad"),
    [
        ("", [False, False, False, True, True]),
        ("[columns]\nbad_flags = 'any'", [False, True, True, True, True]),
        ("[columns]\nbad_flags = 1", [False, True, True, False, False]),
    ],
)
def test_bad_flags_of_sextractor(tmp_path, make_survey, rest, bad):
    measured = flagged(tmp_path, make_survey, rest, SEXTRACTOR, *SEXTRACTOR_ROWS)
    assert (measured.flags == 64).tolist() == bad
    assert measured.catalog_flags.tolist() == [0, 1, 3, 4, 18]
    assert np.isfinite(measured.value).all()


def test_any_flag_of_other_catalogues_is_bad_and_a_missing_flag_is_none(tmp_path, make_survey):
    rows = ["1,0,17,0.1,0,59000", "2,0,17,0.1,1,59000", "3,0,17,0.1,,59000"]
    measured = flagged(tmp_path, make_survey, "", "ra,dec,mag,magerr,catflags,mjd", *rows)
    assert (measured.flags == 64).tolist() == [False, True, False]


def test_flags_that_are_true_or_false(tmp_path, make_survey):
    rows = ["1,0,17,0.1,False,59000", "2,0,17,0.1,True,59000"]
    measured = flagged(
        tmp_path, make_survey, "[columns]\nflags = 'sat'", "ra,dec,mag,magerr,sat,mjd", *rows
    )
    assert measured.flags.tolist() == [0, 64]


def test_flags_of_one_measurement_come_before_those_of_the_detection(tmp_path, make_survey):
    rest = (
        "[columns]\nflags = 'flags'\n[[measurements]]\nkey = 'g'\nvalue = 'mag'\n"
        "flags = 'gflags'\nbad_flags = 2\n"
    )
    rows = ["1,0,17,0.1,9,1,59000", "2,0,17,0.1,0,2,59000"]
    measured = flagged(tmp_path, make_survey, rest, "ra,dec,mag,magerr,flags,gflags,mjd", *rows)
    assert measured.flags.tolist() == [0, 64]


def test_flags_that_are_no_whole_numbers_are_refused(tmp_path, make_survey):
    rows = ["1,0,17,0.1,0,59000", "2,0,17,0.1,1.5,59000"]
    with pytest.raises(CatalogError, match=r"n1.csv: column 'q', row 2: 1.5 .*set columns.flags"):
        flagged(tmp_path, make_survey, "[columns]\nflags = 'q'", "ra,dec,mag,magerr,q,mjd", *rows)


def test_the_same_name_in_other_cases_is_recognised(make_survey):
    plan = plan_columns("n1", one_row("Ra DEC Mag_Auto MagErr_Auto"), make_survey(), {})
    assert [section.error for section in plan.measurements] == ["MagErr_Auto"]


def test_flags_are_recognised_by_ucd(make_survey):
    names = ("ra", "dec", "mag", "magerr")
    table = Table({name: [1.0, 2.0] for name in names} | {"quality": [0, 4]})
    table["quality"].meta["ucd"] = "meta.code.qual"
    plan = plan_columns("n1.vot", table, make_survey(), {})
    assert plan.measurements[0].flags == "quality"
    assert "catalogue flags are quality (recognised by UCD)" in plan.notes
