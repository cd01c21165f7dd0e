"""Real catalogues, by configuration alone."""

import numpy as np
import pytest
from astropy.table import Table

from lc_pipeline.catalogs import SourceCatalog, find_epochs, measurement_keys, read_epoch
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import BAD
from lc_pipeline.survey import SurveyConfig


def survey_of(folder, text):
    return SurveyConfig.from_toml(f"[survey]\nname = 's'\n[files]\nfolder = '{folder}'\n{text}")


def test_ey_uma(shared_data):
    survey = survey_of(
        shared_data / "ey_uma" / "epochs",
        "pattern = '(?P<epoch>.+)[.]fits'\n"
        "[[measurements]]\nkey = 'R'\nvalue = 'mag_inst_R'\nerror = 'mag_error'\n"
        "[time]\nfrom = 'header'\nname = 'MJD_OBS'\nat = 'start'\nexposure = 'EXPTIME'\n",
    )
    epochs = find_epochs(survey).epochs
    assert len(epochs) == 94
    for epoch in epochs:
        catalog = read_epoch(epoch, survey)
        table = Table.read(epoch.files[0].path)
        assert len(catalog) == 41
        assert catalog.time == pytest.approx(table.meta["MJD_OBS"] + 45 / 86400, abs=1e-10)
        good = np.isfinite(table["mag_inst_R"])
        np.testing.assert_array_equal(
            catalog.measurements["R"].value[good], table["mag_inst_R"][good]
        )


def test_af_vel_as_found(shared_data):
    survey = survey_of(
        shared_data / "af_vel" / "raw",
        "pattern = 'afvel_(?P<measurement>[A-Z])_(?P<jd>[0-9d]+)_(?P<epoch>[^_]+)_[^_]+_"
        "(?P<exposure>[0-9d]+)_.*[.]psx'\n"
        "column_names = ['ra', 'dec', 'x', 'y', 'counts', 'counts_err', 'col7', 'col8']\n"
        "[[measurements]]\nkey = '{measurement}'\nvalue = 'counts'\nerror = 'counts_err'\n"
        "to_magnitude = true\n"
        "[time]\nfrom = 'filename'\nname = 'jd'\nformat = 'jd'\nscale = 'tdb'\n"
        "exposure = 'exposure'\nreplace = { d = '.' }\n",
    )
    landing = find_epochs(survey)
    assert landing.unmatched == ("catalogueSearch.csv",)
    assert len(landing.epochs) == 30
    assert measurement_keys(survey, landing.epochs) == ("V",)
    n_rows, refused = 0, []
    for epoch in landing.epochs:
        try:
            catalog = read_epoch(epoch, survey)
        except CatalogError as error:
            refused.append(str(error))
            continue
        rows = np.loadtxt(epoch.files[0].path, delimiter=",")
        n_rows += len(catalog)
        np.testing.assert_array_equal(catalog.ra, rows[:, 0])
        np.testing.assert_allclose(
            catalog.measurements["V"].value, -2.5 * np.log10(rows[:, 4]), rtol=1e-14
        )
        assert not catalog.measurements["V"].flags.any()
        assert 58545 < catalog.time < 58576
        assert 10 < catalog.exposure < 31
    assert n_rows == 12006
    assert len(refused) == 1
    assert "is empty (0 bytes)" in refused[0]


def test_af_vel_in_ecsv_without_configuration(shared_data):
    survey = survey_of(shared_data / "af_vel" / "ecsv", "pattern = '(?P<epoch>.+)[.]ecsv'")
    epochs = find_epochs(survey).epochs
    assert measurement_keys(survey, epochs) == ("V",)
    for epoch in epochs:
        catalog = read_epoch(epoch, survey)
        table = Table.read(epoch.files[0].path)
        np.testing.assert_array_equal(catalog.measurements["V"].value, table["mag_inst"])
        shift = table.meta["EXPTIME"] / 2 / 86400
        assert catalog.time == pytest.approx(table.meta["MJD_OBS"] + shift, abs=1e-10)


@pytest.mark.parametrize("configured", [True, False])
def test_every_good_measurement_of_stripe_82(shared_data, configured):
    text = "pattern = 's82_(?P<epoch>[0-9]+)[.]fits'\n[columns]\nkey = 'num'\n"
    if configured:
        text += "[time]\nfrom = 'column'\nname = 'mjd_r'\n"
        for band in "ugriz":
            text += (
                f"[[measurements]]\nkey = '{band}'\nvalue = 'mag_{band}'\n"
                f"error = 'magerr_{band}'\ntime = 'mjd_{band}'\n"
            )
    survey = survey_of(shared_data / "s82_rrlyrae" / "epochs_wide", text)
    n_good = 0
    for epoch in find_epochs(survey).epochs:
        catalog = read_epoch(epoch, survey)
        table = Table.read(epoch.files[0].path)
        assert catalog.key.tolist() == [str(number) for number in table["num"]]
        np.testing.assert_array_equal(catalog.ra, np.asarray(table["ra"]) % 360)
        for band in "ugriz":
            value, error, time = (
                np.asarray(table[f"{name}_{band}"], float) for name in ("mag", "magerr", "mjd")
            )
            good = (value >= 5) & (value <= 30) & (error > 0) & (error < 10) & (time > 1000)
            measured = catalog.measurements[band]
            assert not (measured.flags[good] & BAD).any()
            assert measured.flags[~good].all()
            np.testing.assert_array_equal(measured.value[good], value[good])
            np.testing.assert_array_equal(measured.error[good], error[good])
            np.testing.assert_array_equal(measured.time[good], time[good])
            n_good += good.sum()
    assert n_good == 136_137


def test_nan_rich_and_oddly_headed_catalogues_are_read(shared_data):
    real = shared_data / "oddities" / "real"
    igaps = SourceCatalog.read(real / "igaps-dr1-215a-small.fits.gz")
    assert len(igaps) == 100
    assert {"i", "ha", "g"} <= {*igaps.measurements}
    odd = SourceCatalog.read(real / "stellarphot_odd_header.ecsv")
    assert (len(odd), odd.time_scale) == (16, "tdb")
    rotten = SourceCatalog.read(shared_data / "oddities" / "made_from_real" / "bitrot_nan.fits")
    assert (len(rotten), rotten.files[0].n_rows) == (2221, 2221)
    assert any("11 rows without a position" in note for note in rotten.notes)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("made_from_real/truncated_data.fits", "cut off or damaged: .*43200.*86400"),
        ("made_from_real/truncated_header.fits", "cut off or damaged"),
        ("real/zero_byte_afvel.psx", r"is empty \(0 bytes\)"),
        ("real/PTF_d002867_f01_c01_sexcat_match.pytable", "is HDF5; write it as one of ECSV"),
    ],
)
def test_damaged_catalogues_are_refused(shared_data, name, words):
    with pytest.raises(CatalogError, match=words):
        SourceCatalog.read(shared_data / "oddities" / name)
