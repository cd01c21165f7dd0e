"""Surveys in shapes of other observatories: drafted, or configured, and true in the store."""

import bz2
import json
import lzma

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.io.votable.tree import TimeSys
from astropy.table import QTable, Table, vstack
from astropy.time import Time
from click.testing import CliRunner

from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.catalogs.measurement_axis import measurement_keys
from lc_pipeline.catalogs.source_catalog import read_epoch
from lc_pipeline.cli import main
from lc_pipeline.draft import draft_survey
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.ingest import epoch_storage, ingest, object_storage, publish
from lc_pipeline.survey import SurveyConfig

N_STARS, N_EPOCHS = 8, 3
STAR = np.arange(N_STARS)
NIGHT = np.arange(N_EPOCHS)[:, None]
RA = 150.0 + 0.02 * (STAR % 4) + 0.0011 * STAR
DEC = -0.3 + 0.02 * (STAR // 4)
MAG = np.round(15 + 0.31 * STAR + 0.07 * NIGHT, 4)
ERR = np.round(0.01 + 0.002 * STAR + 0.001 * NIGHT, 4)
MJD = 60310.25 + np.arange(N_EPOCHS)
FLUX = 10 ** (-0.4 * (MAG - 25.0))


def stars(night, **more):
    """One epoch's table, by default with a time column."""
    columns = {"ra": RA, "dec": DEC, "mag": MAG[night], "mag_err": ERR[night]}
    return Table(columns | {"mjd": np.full(N_STARS, MJD[night])} | more)


def write_text(folder, lines_of, ending="csv"):
    for night in range(N_EPOCHS):
        (folder / f"n{night}.{ending}").write_text("\n".join(lines_of(night)) + "\n")


def write_fits(folder, table_of, keywords_of, name="n{}.fits"):
    for night in range(N_EPOCHS):
        hdu = fits.BinTableHDU(table_of(night))
        hdu.header.update(keywords_of(night))
        hdu.writeto(folder / name.format(night))


def drafted(folder, *changes):
    """The survey that ``init`` drafts, with texts of it replaced."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    draft = draft_survey(files, folder=folder)
    text = draft.text
    for old, new in changes:
        assert old in text, text
        text = text.replace(old, new)
    (folder / "survey.toml").write_text(text, encoding="utf-8")
    return SurveyConfig.read(folder), draft


def configured(folder, rest, pattern=r"n(?P<epoch>\d+)\..*"):
    text = f"[survey]\nname = 'x'\n[files]\npattern = '{pattern}'\n{rest}"
    (folder / "survey.toml").write_text(text, encoding="utf-8")
    return SurveyConfig.read(folder)


def published(survey):
    """Run the survey; its object store with the stars in the order of the truth."""
    report = ingest(survey)
    assert not report.with_status("refused"), report.outcomes
    publish(survey)
    dataset = object_storage(survey).dataset.load()
    apart = np.hypot(dataset.ra.values - RA[:, None], dataset.dec.values - DEC[:, None])
    place = apart.argmin(axis=1)
    assert (apart.min(axis=1) < 0.5 / 3600).all()
    assert len(set(place)) == len(dataset.object) == N_STARS
    return dataset.isel(object=place)


def assert_values(dataset, key, value=MAG, error=ERR, flags=0, rtol=1e-6):
    one = dataset.sel(measurement=key).transpose("epoch", "object", "value")
    stored = one["lightcurves"].values
    np.testing.assert_allclose(stored[..., 0], value, rtol=rtol)
    np.testing.assert_allclose(stored[..., 1], error, rtol=max(rtol, 2e-5))
    np.testing.assert_array_equal(one["flags"].values, np.broadcast_to(flags, value.shape))


def with_missing(where, *, flag, value=MAG, error=ERR):
    gone = np.zeros(MAG.shape, dtype=bool)
    gone[where] = True
    return np.where(gone, np.nan, value), np.where(gone, np.nan, error), np.where(gone, flag, 0)


# ------------------------------------------------------------------------------------- bands


def long_rows(night):
    yield "oid,ra,dec,mag,mag_err,filtercode,mjd"
    for offset, band in enumerate(("zg", "zr")):
        for n in STAR:
            yield (
                f"{10 * n + offset},{RA[n]},{DEC[n]},{MAG[night, n] + offset},{ERR[night, n]},"
                f"{band},{MJD[night]}"
            )


def test_init_makes_a_measurement_of_each_band_of_a_long_table(tmp_path):
    write_text(tmp_path, long_rows)
    survey, draft = drafted(tmp_path)
    assert not draft.to_do
    assert [section.key for section in survey.measurements] == ["{filtercode}"]
    # A name for each star and band names no star.
    assert survey.matching.mode == "position"
    dataset = published(survey)
    assert_values(dataset, "zg")
    assert_values(dataset, "zr", MAG + 1)


def test_a_band_that_appears_later_becomes_a_measurement(tmp_path):
    write_text(tmp_path, long_rows)
    survey, _ = drafted(tmp_path)
    ingest(survey)
    rows = [row.replace("zr", "zi") for row in long_rows(0)]
    (tmp_path / "n7.csv").write_text("\n".join(rows) + "\n")
    ingest(survey)
    assert epoch_storage(survey).measurement_keys == ("zg", "zr", "zi")


def write_frames(folder):
    """One file for each epoch and filter, which only the header tells."""
    frame = 0
    for night in range(N_EPOCHS):
        for offset, band in enumerate("VR"):
            frame += 1
            table = stars(night, mag=np.stack([MAG[night] + offset, MAG[night] + 5], axis=1))
            table["mag_err"] = np.stack([ERR[night]] * 2, axis=1)
            table.remove_column("mjd")
            table.meta = {"FILTER": band, "MJD-OBS": MJD[night], "EXPTIME": 0.0}
            table.write(folder / f"n{night}_{frame:04d}.fits")


FRAMES = r"n(?P<epoch>\d+)_\d+\.fits"
BY_FILTER = """
[[measurements]]
key = "{FILTER}-small"
value = "mag"
[[measurements]]
key = "{FILTER}-big"
value = "mag_1"
"""


def test_the_filter_of_the_header_names_measurements(tmp_path):
    write_frames(tmp_path)
    survey = configured(tmp_path, BY_FILTER, FRAMES)
    dataset = published(survey)
    keys = ("V-small", "V-big", "R-small", "R-big")
    assert measurement_keys(survey, find_epochs(survey).epochs) == (
        "V-small",
        "R-small",
        "V-big",
        "R-big",
    )
    assert sorted(dataset.measurement.values) == sorted(keys)
    assert_values(dataset, "V-small")
    assert_values(dataset, "R-small", MAG + 1)
    assert_values(dataset, "R-big", MAG + 5)


def test_a_key_of_nothing_that_is_there_is_refused_by_name(tmp_path):
    write_frames(tmp_path)
    survey = configured(tmp_path, BY_FILTER.replace("FILTER", "FILTRE"), FRAMES)
    with pytest.raises(CatalogError, match=r"{FILTRE} in key .* neither a group .*epoch.* nor a"):
        read_epoch(find_epochs(survey).epochs[0], survey)


def write_with_optional_band(folder):
    for night in range(N_EPOCHS):
        table = stars(night)
        table.rename_columns(["mag", "mag_err"], ["g", "e_g"])
        if night != 1:
            table["i"], table["e_i"] = MAG[night] + 1, ERR[night]
        table.write(folder / f"n{night}.csv")


def test_a_band_that_some_nights_lack_is_optional_and_not_observed_there(tmp_path):
    write_with_optional_band(tmp_path)
    survey, _ = drafted(tmp_path)
    assert [section.optional for section in survey.measurements] == [False, True]
    dataset = published(survey)
    assert_values(dataset, "g")
    absent = with_missing(1, flag=MeasurementFlag.NOT_OBSERVED, value=MAG + 1)
    assert_values(dataset, "i", *absent)
    notes = epoch_storage(survey).epoch_records[1].notes
    assert any("i is not observed: there is no column i" in note for note in notes)


def test_a_band_that_is_not_optional_is_missed(tmp_path):
    write_with_optional_band(tmp_path)
    survey, _ = drafted(tmp_path, ("optional = true", "optional = false"))
    with pytest.raises(CatalogError, match=r"n1.csv: .*no column 'i'.*set optional = true"):
        read_epoch(find_epochs(survey).epochs[1], survey)


# ------------------------------------------------------------------- values, errors, flags


@pytest.mark.parametrize("place", ["header", "column"])
@pytest.mark.parametrize("kind", ["flux", "mag"])
def test_zero_points_may_move_from_epoch_to_epoch(tmp_path, place, kind):
    zero_point = 24.0 + 0.1 * NIGHT + (0.01 * STAR if place == "column" else 0 * STAR)
    for night in range(N_EPOCHS):
        table = stars(night)
        table.meta = {"ZP": float(zero_point[night, 0])} if place == "header" else {}
        if place == "column":
            table["ZP"] = zero_point[night]
        table["mag"] -= zero_point[night]
        if kind == "flux":
            table["mag"] = 10 ** (-0.4 * table["mag"])
            table["mag_err"] = table["mag"] * table["mag_err"] / 1.0857362047581296
        table.write(tmp_path / f"n{night}.fits")
    to_magnitude = str(kind == "flux").lower()
    rest = f"[[measurements]]\nkey='R'\nvalue='mag'\nzero_point='ZP'\nto_magnitude={to_magnitude}"
    assert_values(published(configured(tmp_path, rest)), "R")


def test_a_zero_point_that_is_not_there_is_no_zero(tmp_path):
    stars(0).write(tmp_path / "n0.csv")
    rest = "[[measurements]]\nkey = 'R'\nvalue = 'mag'\nzero_point = 'MAGZP'"
    survey = configured(tmp_path, rest)
    with pytest.raises(CatalogError, match=r"n0.csv: zero_point: 'MAGZP' is neither a group"):
        read_epoch(find_epochs(survey).epochs[0], survey)
    table = stars(0, MAGZP=np.where(STAR == 2, np.nan, 1.0))
    table.write(tmp_path / "n0.csv", overwrite=True)
    measured = read_epoch(find_epochs(survey).epochs[0], survey).measurements["R"]
    np.testing.assert_allclose(measured.value, np.where(STAR == 2, np.nan, MAG[0] + 1))
    assert measured.flags.tolist() == np.where(STAR == 2, MeasurementFlag.BAD_VALUE, 0).tolist()


@pytest.mark.parametrize(
    ("name", "kind", "of_error"),
    [
        ("flux_ivar_r", "inverse_variance", lambda error: 1 / error**2),
        ("flux_var_r", "variance", lambda error: error**2),
        ("flux_snr_r", "snr", lambda error: FLUX / error),
    ],
)
def test_errors_come_in_other_kinds(tmp_path, name, kind, of_error):
    error = FLUX * ERR
    others = of_error(error)
    others[0, 1] = 0.0
    for night in range(N_EPOCHS):
        table = stars(night, flux_r=FLUX[night], **{name: others[night]})
        table.remove_columns(["mag", "mag_err"])
        table.write(tmp_path / f"n{night}.csv")
    survey, _ = drafted(tmp_path)
    (section,) = survey.measurements
    assert (section.value, section.error, section.error_is) == ("flux_r", name, kind)
    _, error, flags = with_missing((0, 1), flag=MeasurementFlag.BAD_ERROR, error=error)
    assert_values(published(survey), "r", FLUX, error, flags)


def test_the_unit_of_a_variance_is_squared(tmp_path):
    table = stars(0, flux=FLUX[0], flux_var=(FLUX[0] * ERR[0] * 1000) ** 2, snr=1 / ERR[0])
    table["flux"].unit, table["flux_var"].unit = "uJy", "nJy2"
    table.write(tmp_path / "n0.ecsv")
    rest = (
        "[[measurements]]\nkey='r'\nvalue='flux'\nerror='flux_var'\nerror_is='variance'\n"
        "[[measurements]]\nkey='mmag'\nvalue='mag'\nunit='mmag'\nerror='snr'\nerror_is='snr'"
    )
    survey = configured(tmp_path, rest)
    measurements = read_epoch(find_epochs(survey).epochs[0], survey).measurements
    np.testing.assert_allclose(measurements["r"].error, FLUX[0] * ERR[0])
    # Signal to noise has no unit: the error is in magnitudes at once.
    np.testing.assert_allclose(measurements["mmag"].error, 1.0857362 * ERR[0], rtol=1e-6)


def test_flags_may_be_letters(tmp_path):
    grade = np.full(MAG.shape, "A")
    grade[0, 1], grade[2, 3] = "U", "B"
    for night in range(N_EPOCHS):
        stars(night, grade=grade[night]).write(tmp_path / f"n{night}.csv")
    rest = "[[measurements]]\nkey = 'R'\nvalue = 'mag'\n[columns]\nflags = 'grade'\n"
    survey = configured(tmp_path, rest)
    with pytest.raises(CatalogError, match=r"column 'grade' .*\(A, U\).* bad_flags = \['U'\]"):
        read_epoch(find_epochs(survey).epochs[0], survey)
    survey = configured(tmp_path, rest + "bad_flags = ['X', 'U']")
    flags = np.where(grade == "U", MeasurementFlag.CATALOG_FLAGGED, 0)
    assert_values(published(survey), "R", flags=flags)
    measured = read_epoch(find_epochs(survey).epochs[0], survey).measurements["R"]
    assert measured.catalog_flags.tolist() == [0, 2, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("footprint", "flag"), [("field", "NOT_DETECTED"), ("hull", "NOT_OBSERVED")]
)
def test_an_empty_table_of_the_field_is_an_epoch_in_which_nothing_was_detected(
    tmp_path, footprint, flag
):
    for night in range(N_EPOCHS):
        table = stars(night)
        table.meta["comments"] = [f"MJD-AVG = {MJD[night]}"]
        table.remove_column("mjd")
        table[: 0 if night == 1 else N_STARS].write(
            tmp_path / f"n{night}.csv", format="ascii.basic", delimiter=","
        )
    rest = f"[matching]\nfootprint = '{footprint}'"
    dataset = published(configured(tmp_path, rest))
    assert_values(dataset, "mag", *with_missing(1, flag=MeasurementFlag[flag]))
    np.testing.assert_allclose(dataset.time.values, MJD)


# ------------------------------------------------------------------------------------ times


def test_a_day_and_its_time_of_day_may_stand_apart(tmp_path):
    for night in range(N_EPOCHS):
        day, clock = Time(MJD[night], format="mjd").isot.split("T")
        stars(night, date=[day] * N_STARS, ut=[clock] * N_STARS).write(tmp_path / f"n{night}.csv")
    times = "[time]\nfrom = 'column'\nname = 'date'\nclock = 'ut'\nformat = 'isot'"
    np.testing.assert_allclose(published(configured(tmp_path, times)).time.values, MJD)


def test_the_time_of_day_may_have_any_keyword(tmp_path):
    write_fits(tmp_path, stars, lambda _: {"DATE": "2024-01-05", "UTSHUT": "06:00:00.0"})
    rest = "[time]\nfrom = 'header'\nname = 'DATE'\nformat = 'isot'\n"
    survey = configured(tmp_path, rest + "clock = 'UTSHUT'")
    assert read_epoch(find_epochs(survey).epochs[0], survey).time == 60314.25
    survey = configured(tmp_path, rest)
    with pytest.raises(CatalogError, match=r"no time of day.*time.clock"):
        read_epoch(find_epochs(survey).epochs[0], survey)


@pytest.mark.parametrize(("name", "unit"), [("TIME", "BJD - 2457000, days"), ("BJD-2457000", "d")])
def test_a_column_says_from_which_day_it_counts(tmp_path, name, unit):
    def with_time(night):
        table = stars(night)
        table.rename_column("mjd", name)
        table[name] += 2400000.5 - 2457000
        return table

    write_fits(tmp_path, with_time, lambda _: {"TUNIT5": unit})
    survey, draft = drafted(tmp_path)
    assert not draft.to_do
    assert (survey.time.offset, survey.time.scale) == (2457000.0, "tdb")
    np.testing.assert_allclose(published(survey).time.values, MJD, atol=1e-8)


@pytest.mark.filterwarnings("ignore:.*W54")
def test_the_time_origin_of_a_votable_is_used(tmp_path):
    for night in range(N_EPOCHS):
        table = stars(night)
        table.rename_column("mjd", "obs_time")
        table["obs_time"] += 2400000.5 - 2455197.5
        document = from_table(table)
        document.resources[0].time_systems.append(
            TimeSys(ID="ts", timeorigin=2455197.5, timescale="TCB", refposition="BARYCENTER")
        )
        next(f for f in document.get_first_table().fields if f.name == "obs_time").ref = "ts"
        writeto(document, str(tmp_path / f"n{night}.vot"))
    survey, draft = drafted(tmp_path)
    assert not draft.to_do
    assert (survey.time.offset, survey.time.scale) == (2455197.5, "tcb")
    np.testing.assert_allclose(published(survey).time.values, MJD, atol=1e-8)


@pytest.mark.parametrize(("column", "scale"), [("mjd", "tt"), ("BJD", "tdb")])
def test_the_scale_of_a_column_is_that_of_its_name_else_of_the_header(tmp_path, column, scale):
    def table_of(night):
        table = stars(night)
        table.rename_column("mjd", column)
        return table

    write_fits(tmp_path, table_of, lambda _: {"TIMESYS": "TT", "TREFPOS": "GEOCENTER"})
    times = f"[time]\nfrom = 'column'\nname = '{column}'\n"
    survey = configured(tmp_path, times)
    assert read_epoch(find_epochs(survey).epochs[0], survey).time_scale == scale
    survey = configured(tmp_path, times + "scale = 'tai'")
    assert read_epoch(find_epochs(survey).epochs[0], survey).time_scale == "tai"


def test_a_column_of_dates_that_holds_numbers_is_read_as_such(tmp_path):
    for night in range(N_EPOCHS):
        table = stars(night)
        table.rename_column("mjd", "obsTime")
        table.write(tmp_path / f"n{night}.csv")
    np.testing.assert_allclose(published(drafted(tmp_path)[0]).time.values, MJD)


@pytest.mark.parametrize("zone", ["+02:00", "+0200"])
def test_time_zones_are_taken_into_account(tmp_path, zone):
    iso = Time(MJD + 2 / 24, format="mjd").isot
    for night in range(N_EPOCHS):
        table = stars(night, date_obs=[f"{iso[night]}{zone}"] * N_STARS)
        table.remove_column("mjd")
        table.write(tmp_path / f"n{night}.csv")
    survey, _ = drafted(tmp_path)
    np.testing.assert_allclose(published(survey).time.values, MJD, atol=1e-7)
    survey, _ = drafted(tmp_path / ".", ('scale = "utc"', 'scale = "tdb"'))
    with pytest.raises(CatalogError, match=r"row 1: .*has a time zone, and time.scale is not"):
        read_epoch(find_epochs(survey).epochs[0], survey)


def test_times_that_are_kept_in_four_bytes_are_said_to_be_rough(tmp_path):
    stars(0, mjd=np.full(N_STARS, MJD[0], np.float32)).write(tmp_path / "n0.fits")
    survey = configured(tmp_path, "")
    notes = read_epoch(find_epochs(survey).epochs[0], survey).notes
    assert any("column mjd has 4 bytes a number: times are known to 338 s only" in n for n in notes)


def test_a_table_of_light_curves_is_said_to_be_one(tmp_path):
    stars(0, mjd=MJD[0] + 100.0 * STAR).write(tmp_path / "n0.csv")
    survey = configured(tmp_path, "")
    notes = read_epoch(find_epochs(survey).epochs[0], survey).notes
    assert any("span 700 days: is it a table of light curves" in note for note in notes)


def test_an_empty_table_among_the_samples_hides_no_time_column(tmp_path):
    for night in range(N_EPOCHS):
        stars(night)[: N_STARS * night].write(tmp_path / f"n{night}.csv")
    survey, draft = drafted(tmp_path)
    assert survey.time.name == "mjd"
    assert not any("no time" in one for one in draft.to_do)


def test_a_scale_that_is_set_is_noticed_though_it_is_the_default(tmp_path):
    base = "[time]\nfrom = 'column'\nname = 'BJD'\nformat = 'jd'\n"
    implied = configured(tmp_path, base)
    said = configured(tmp_path, base + "scale = 'utc'\n")
    assert implied.fingerprint != said.fingerprint


# ------------------------------------------------------------------------------ identity


def test_numbers_that_begin_anew_in_every_chip_are_no_names(tmp_path):
    for night in range(N_EPOCHS):
        hdus = fits.HDUList([fits.PrimaryHDU()])
        for half in (slice(0, 4), slice(4, 8)):
            card = fits.Header([("MJD-OBS", MJD[night]), ("EXPTIME", 0.0)]).tostring(padding=False)
            text = np.array([[card[k : k + 80] for k in range(0, len(card), 80)]])
            header = fits.Column("Field Header Card", f"{len(card)}A", array=text, dim="(80, 3)")
            hdus.append(fits.BinTableHDU.from_columns([header], name="LDAC_IMHEAD"))
            table = stars(night)[half]
            table["NUMBER"] = np.arange(4) + 1
            hdus.append(fits.BinTableHDU(table, name="LDAC_OBJECTS"))
        hdus.writeto(tmp_path / f"n{night}.ldac")
    survey, _ = drafted(tmp_path)
    assert survey.matching.mode == "position"
    assert_values(published(survey), "mag")


def test_chips_of_one_exposure_are_one_epoch(tmp_path):
    for night in range(N_EPOCHS):
        for chip, part in enumerate((slice(0, 5), slice(3, 8))):
            stars(night)[part].write(tmp_path / f"exp{night:04d}_ccd{chip:02d}.csv")
    survey, draft = drafted(tmp_path)
    assert any("detectors are one epoch: ccd00, ccd01" in note for note in draft.notes)
    dataset = published(survey)
    assert dataset.epoch.values.tolist() == ["exp0000", "exp0001", "exp0002"]
    twice = np.where((STAR == 3) | (STAR == 4), MeasurementFlag.DUPLICATED, 0)
    assert_values(dataset, "mag", flags=np.broadcast_to(twice, MAG.shape))


def test_one_epoch_in_two_formats_is_asked_about(tmp_path):
    for night in range(2):
        for ending in ("csv", "fits"):
            stars(night).write(tmp_path / f"n{night}.{ending}")
    _, draft = drafted(tmp_path)
    assert any("n0.csv and n0.fits differ in their ending only" in one for one in draft.to_do)


# --------------------------------------------------------------------------------- formats


def test_sexagesimal_hours_with_blanks_are_hours_in_the_draft(tmp_path):
    place = SkyCoord(RA, DEC, unit="deg")
    ra = place.ra.to_string(unit="hour", sep=" ", precision=5, pad=True)
    dec = place.dec.to_string(sep=" ", precision=4, pad=True, alwayssign=True)
    for night in range(N_EPOCHS):
        stars(night, ra=ra, dec=dec).write(tmp_path / f"n{night}.csv")
    survey, _ = drafted(tmp_path)
    assert survey.columns.ra_unit == "hourangle"
    assert_values(published(survey), "mag")


def test_angles_in_several_columns_are_joined(tmp_path):
    place = SkyCoord(RA, DEC, unit="deg")
    hours, degrees = place.ra.hms, place.dec.signed_dms
    columns = dict(zip(("RAh", "RAm", "RAs"), np.round(hours, 6), strict=True))
    columns |= dict(zip(("DEd", "DEm", "DEs"), np.round(degrees[1:], 5), strict=True))
    columns |= {name: columns[name].astype(int) for name in ("RAh", "RAm", "DEd", "DEm")}
    columns["DE-"] = np.where(degrees.sign < 0, "-", "+")
    for night in range(N_EPOCHS):
        table = stars(night, **columns)
        table.remove_columns(["ra", "dec"])
        table.write(tmp_path / f"n{night}.fits")
    assert_values(published(drafted(tmp_path)[0]), "mag")


def rows(night, separator=",", decimal="."):
    for n in STAR:
        cells = (RA[n], DEC[n], MAG[night, n], ERR[night, n], MJD[night])
        yield separator.join(f"{cell:.7f}".replace(".", decimal) for cell in cells)


@pytest.mark.parametrize(
    ("setting", "make"),
    [
        ("", lambda night: ["ra,dec,mag,mag_err,mjd", "deg,deg,mag,mag,d", *rows(night)]),
        ("", lambda night: ["ra | dec | mag|mag_err|mjd", "---+--+-|--|-", *rows(night, "|")]),
        ("", lambda night: ["RA [deg],Dec [deg],Mag [mag],Mag err [mag],MJD [d]", *rows(night)]),
        ('comment = "%"', lambda night: ["%ra,dec,mag,mag_err,mjd", *rows(night)]),
        ('comment = ";"', lambda night: ["; IDL", "; ra dec mag mag_err mjd", *rows(night, " ")]),
        ('decimal = ","', lambda night: ["ra;dec;mag;mag_err;mjd", *rows(night, ";", ",")]),
        (
            "",
            lambda night: ["\tra\tdec\tmag\tmag_err\tmjd", *(f"1\t{r}" for r in rows(night, "\t"))],
        ),
    ],
    ids=["line of units", "rule", "units in names", "%", ";", "decimal commas", "nameless column"],
)
def test_text_tables_of_many_kinds_are_drafted_and_read(tmp_path, setting, make):
    write_text(tmp_path, make, "txt")
    survey, draft = drafted(tmp_path)
    assert not draft.to_do
    assert setting in draft.text
    dataset = published(survey)
    assert_values(dataset, "mag")
    np.testing.assert_allclose(dataset.time.values, MJD)


def test_lines_above_a_table_without_names_are_left_out_and_objects_come_by_key(tmp_path):
    (tmp_path / "als").mkdir()
    Table({"id": STAR + 1, "ra": RA, "dec": DEC}).write(tmp_path / "objects.csv")
    top = [" NL    NX    NY", "  1  2048  2048", ""]
    write_text(
        tmp_path / "als",
        lambda night: [*top, *(f"{n + 1} 10.5 {MAG[night, n]} {ERR[night, n]}" for n in STAR)],
        "als",
    )
    rest = """
    folder = "als"
    skip_lines = 3
    column_names = ["id", "x", "mag", "merr"]
    [columns]
    key = "id"
    [time]
    from = "filename"
    name = "epoch"
    offset = 60310.25
    [reference]
    file = "objects.csv"
    [matching]
    mode = "key"
    """
    assert_values(published(configured(tmp_path, rest)), "mag")


@pytest.mark.parametrize(("ending", "module"), [("bz2", bz2), ("xz", lzma)])
def test_compressed_files_are_read(tmp_path, ending, module):
    for night in range(N_EPOCHS):
        text = "\n".join(["ra,dec,mag,mag_err,mjd", *rows(night)]) + "\n"
        (tmp_path / f"n{night}.csv.{ending}").write_bytes(module.compress(text.encode()))
    survey = configured(tmp_path, "")
    assert_values(published(survey), "mag")
    path = tmp_path / f"n0.csv.{ending}"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CatalogError, match="cut off or damaged"):
        read_epoch(find_epochs(survey).epochs[0], survey)


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (json.dumps([{"ra": 1}], indent=1).encode(), "is JSON"),
        (b'{"ra": 1}\n{"ra": 2}\n', "is JSON"),
        (b"PK\x03\x04\0\0", "is a ZIP file or a spreadsheet"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(tmp_path, contents, words):
    (tmp_path / "n0.dat").write_bytes(contents)
    result = CliRunner().invoke(main, ["init", str(tmp_path / "n0.dat")])
    assert result.exit_code == 1
    assert f"n0.dat: {words}; write it as one of" in " ".join(result.output.split())


def test_null_is_null_in_scaled_columns_of_fits(tmp_path):
    for night in range(N_EPOCHS):
        whole = np.round(MAG[night] * 1000).astype(np.int32)
        whole[2] = -32768
        table = stars(night)
        columns = [c for c in fits.BinTableHDU(table).columns if c.name != "mag"]
        hdu = fits.BinTableHDU.from_columns(
            [*columns, fits.Column("mag", "J", array=whole, null=-32768)]
        )
        number = hdu.columns.names.index("mag") + 1
        hdu.header[f"TSCAL{number}"], hdu.header[f"TZERO{number}"] = 0.001, 0.0
        hdu.writeto(tmp_path / f"n{night}.fits")
    absent = with_missing((slice(None), 2), flag=MeasurementFlag.BAD_VALUE)
    rounded = (np.round(absent[0], 3), *absent[1:])
    assert_values(published(configured(tmp_path, "")), "mag", *rounded)


def test_parquet_with_units_and_encoded_texts_is_read(tmp_path):
    for night in range(N_EPOCHS):
        path = tmp_path / f"n{night}.parquet"
        table = QTable(stars(night, band=["r"] * N_STARS), units={"ra": "deg", "dec": "deg"})
        table.write(path)
        arrow = pq.read_table(path)
        place = arrow.column_names.index("band")
        encoded = arrow.set_column(place, "band", arrow.column("band").dictionary_encode())
        pq.write_table(encoded, path)
    assert_values(published(drafted(tmp_path)[0]), "r")


def test_a_day_at_midnight_is_no_time_where_the_header_has_another(tmp_path):
    """Some headers fill up the day; the time of day stands in a keyword of its own."""
    day = {"DATE-OBS": "2024-01-05T00:00:00.0", "EXPTIME": 0.0}

    def table_of(night):
        table = stars(night)
        table.remove_column("mjd")
        return table

    write_fits(tmp_path, table_of, lambda night: day | {"TIME-OBS": f"06:00:0{night}.0"})
    for survey in (configured(tmp_path, ""), drafted(tmp_path)[0]):
        catalog = read_epoch(find_epochs(survey).epochs[0], survey)
        assert catalog.time == 60314.25
        assert any("time of day is header keyword TIME-OBS" in note for note in catalog.notes)


def write_chips(folder, *, named=False):
    for night in range(N_EPOCHS):
        info = fits.BinTableHDU(Table({"chip": [1, 2], "seeing": [1.0, 1.2]}), name="INFO")
        halves = (slice(0, 4), slice(4, 8)) if named else (slice(0, 8),)
        chips = [fits.BinTableHDU(stars(night)[half], name="CAT") for half in halves]
        fits.HDUList([fits.PrimaryHDU(), info, *chips]).writeto(folder / f"n{night}.fits")


def test_of_several_tables_the_one_with_positions_is_read(tmp_path):
    write_chips(tmp_path)
    survey = configured(tmp_path, "")
    assert_values(published(survey), "mag")
    notes = epoch_storage(survey).epoch_records[0].notes
    assert any("extension 2 of 2 tables is read" in note for note in notes)


def test_one_table_for_each_chip_is_one_catalogue_if_that_is_said(tmp_path):
    write_chips(tmp_path, named=True)
    survey = configured(tmp_path, "")
    with pytest.raises(CatalogError, match=r"2 tables of the same columns .*files.hdu = 'all'"):
        read_epoch(find_epochs(survey).epochs[0], survey)
    survey, draft = drafted(tmp_path)
    assert 'hdu = "all"' in draft.text
    assert_values(published(survey), "mag")


def test_numbers_of_filters_tell_bands(tmp_path):
    for night in range(N_EPOCHS):
        halves = [stars(night, fid=np.full(N_STARS, fid), mag=MAG[night] + fid) for fid in (1, 2)]
        vstack(halves).write(tmp_path / f"n{night}.csv")
    dataset = published(drafted(tmp_path)[0])
    assert_values(dataset, "fid1", MAG + 1)
    assert_values(dataset, "fid2", MAG + 2)


def test_a_filter_that_the_key_does_not_tell_is_said(tmp_path):
    stars(0, fid=np.full(N_STARS, 1)).write(tmp_path / "n0.csv")
    survey = configured(tmp_path, "")
    notes = read_epoch(find_epochs(survey).epochs[0], survey).notes
    assert any("fid is 1, and measurement 'mag' does not tell bands apart" in n for n in notes)


# ------------------------------------------------------------------------------- the draft


def test_the_draft_lists_what_is_not_used_and_nothing_that_is(tmp_path):
    for night in range(N_EPOCHS):
        table = stars(night, TICID=1000 + STAR, band=["r"] * N_STARS, airmass=1.2 + 0 * STAR)
        table.rename_columns(["ra", "dec"], ["RA_OBJ", "DEC_OBJ"])
        table.write(tmp_path / f"n{night}.csv")
    survey, draft = drafted(tmp_path)
    assert not draft.to_do
    assert survey.columns.key == "TICID"
    assert "# Not used: airmass\n" in draft.text
    assert_values(published(survey), "r")


def test_files_without_positions_are_told_of_keys(tmp_path):
    (tmp_path / "reports").mkdir()
    Table({"NAME": [f"V{n} CYG" for n in STAR], "RA": RA, "DEC": DEC}).write(tmp_path / "stars.csv")
    head = ["#TYPE=EXTENDED", "#DELIM=,", "#NAME,DATE,MAG,MERR,FILT"]
    for night in range(N_EPOCHS):
        rows = [
            f"V{n} CYG,{MJD[night] + 2400000.5},{MAG[night, n]},{ERR[night, n]},V"
            for n in np.random.default_rng(night).permutation(STAR)
        ]
        (tmp_path / "reports" / f"a{night}.txt").write_text("\n".join([*head, *rows]) + "\n")
    draft = draft_survey(sorted((tmp_path / "reports").iterdir()), folder=tmp_path)
    assert "columns.key, reference.file and matching.mode = 'key'" in draft.to_do[0]
    assert "# Not used: NAME\n" in draft.text
    text = draft.text
    for old, new in (
        ('# key = "..."', 'key = "NAME"'),
        ("[reference]", '[reference]\nfile = "stars.csv"'),
        ('mode = "position"', 'mode = "key"'),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "survey.toml").write_text(text)
    dataset = published(SurveyConfig.read(tmp_path))
    assert_values(dataset, "V")
    np.testing.assert_allclose(dataset.time.values, MJD, atol=1e-8)


def test_files_of_another_survey_beside_those_given_are_left_out_and_told(tmp_path):
    for field in (31, 33):
        for night in range(N_EPOCHS):
            table = stars(night)
            table["ra"] += 10.0 * (field == 33)
            table.write(tmp_path / f"M{field}_{night}.csv")
    given = [tmp_path / f"M31_{night}.csv" for night in (0, 2)]
    draft = draft_survey(given, folder=tmp_path)
    assert SurveyConfig.from_toml(draft.text).files.pattern == r"M31_(?P<epoch>\d+)\.csv"
    assert any("3 files beside them differ in a number" in note for note in draft.notes)
    assert not draft.to_do
    # All of them given, they are all taken, and a person is asked.
    _, draft = drafted(tmp_path)
    assert "M31_0.csv and M33_0.csv show different fields, 10 degrees apart" in draft.to_do[0]
