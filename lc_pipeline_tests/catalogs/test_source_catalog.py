"""One epoch of one or more files."""

import hashlib
import pickle

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lc_pipeline.catalogs import SourceCatalog, find_epochs, measurement_keys, read_epoch
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import MeasurementFlag

CHANNELS = "pattern = '(?P<epoch>[^_]+)_(?P<measurement>[^_.]+)([.]|_).+'"
HEADER = "ra,dec,mag,magerr,mjd"


def write(folder, name, *rows, header=HEADER):
    (folder / name).write_text("\n".join([header, *rows]) + "\n")


def read_all(survey):
    epochs = find_epochs(survey).epochs
    return [read_epoch(epoch, survey) for epoch in epochs]


def test_channels_of_one_epoch_are_one_catalogue(tmp_path, make_survey):
    write(tmp_path, "e1_ch2.csv", "10,1,16,0.1,59000.5")
    write(tmp_path, "e1_ch1.csv", "10,1,17,0.1,59000.5", "-20,2,18,0.2,59000.5")
    survey = make_survey(files=CHANNELS)
    (catalog,) = read_all(survey)
    assert catalog.epoch == "e1"
    assert catalog.ra.tolist() == [10.0, 340.0, 10.0]
    assert catalog.file_index.tolist() == [0, 0, 1]
    assert [file.name for file in catalog.files] == ["e1_ch1.csv", "e1_ch2.csv"]
    assert [file.n_rows for file in catalog.files] == [2, 1]
    assert list(catalog.measurements) == ["ch1", "ch2"]
    not_observed = MeasurementFlag.NOT_OBSERVED
    assert catalog.measurements["ch1"].flags.tolist() == [0, 0, not_observed]
    assert catalog.measurements["ch2"].flags.tolist() == [not_observed, not_observed, 0]
    np.testing.assert_array_equal(catalog.measurements["ch2"].value, [np.nan, np.nan, 16.0])
    assert measurement_keys(survey, find_epochs(survey).epochs) == ("ch1", "ch2")


def test_a_measurement_of_two_detectors_goes_on_from_file_to_file(tmp_path, make_survey):
    write(tmp_path, "e1_g_ccd1.csv", "10,1,16,0.1,59000.5")
    write(tmp_path, "e1_g_ccd2.csv", "11,1,17,0.1,59000.5")
    (catalog,) = read_all(make_survey(files=CHANNELS))
    assert catalog.measurements["g"].value.tolist() == [16.0, 17.0]
    assert catalog.measurements["g"].time is None


def test_files_taken_at_other_times_keep_their_times(tmp_path, make_survey):
    write(tmp_path, "e1_g.csv", "10,1,16,0.1,59000.25")
    write(tmp_path, "e1_r.csv", "11,1,17,0.1,59000.75")
    (catalog,) = read_all(make_survey(files=CHANNELS))
    assert catalog.time == 59000.5
    assert [file.time for file in catalog.files] == [59000.25, 59000.75]
    np.testing.assert_array_equal(catalog.measurements["r"].time, [np.nan, 59000.75])


def test_literal_measurements_may_be_absent_from_the_files_of_other_channels(tmp_path, make_survey):
    write(tmp_path, "e1_g.csv", "10,1,16,0.1,59000", header="ra,dec,mg,eg,mjd")
    write(tmp_path, "e1_r.csv", "10,1,17,0.1,59000", header="ra,dec,mr,er,mjd")
    sections = "".join(
        f"[[measurements]]\nkey = '{band}'\nvalue = 'm{band}'\nerror = 'e{band}'\n"
        f"quantity = 'mag'\n"
        for band in "gr"
    )
    (catalog,) = read_all(make_survey(sections, files=CHANNELS))
    assert catalog.measurements["g"].flags.tolist() == [0, MeasurementFlag.NOT_OBSERVED]
    write(tmp_path, "e1_r.csv", "10,1,17,0.1,59000", header="ra,dec,mx,er,mjd")
    with pytest.raises(CatalogError, match=r"e1_r.csv: measurements \(g\).value: .*'mg'"):
        read_all(make_survey(sections, files=CHANNELS))
    without_channels = "pattern = '(?P<epoch>[^_]+)_.[.]csv'"
    with pytest.raises(CatalogError, match=r"e1_g.csv: measurements \(r\).value: .*'mr'"):
        read_all(make_survey(sections, files=without_channels))


def test_files_that_disagree_on_quantity_or_unit_are_refused(tmp_path, make_survey):
    Table(
        {"ra": [1.0], "dec": [1.0], "flux": [1.0], "mjd": [59000.0]}, units={"flux": "mJy"}
    ).write(tmp_path / "e1_g_1.ecsv")
    Table(
        {"ra": [1.0], "dec": [1.0], "flux": [1.0], "mjd": [59000.0]}, units={"flux": "uJy"}
    ).write(tmp_path / "e1_g_2.ecsv")
    with pytest.raises(CatalogError, match=r"e1_g_2.ecsv: measurement 'g' is a flux in uJy, .*mJy"):
        read_all(make_survey(files=CHANNELS))


def test_one_file_under_two_names_is_refused(tmp_path, make_survey):
    write(tmp_path, "e1_g_1.csv", "10,1,16,0.1,59000.25")
    write(tmp_path, "e1_g_2.csv", "10,1,16,0.1,59000.25")
    with pytest.raises(CatalogError, match=r"e1_g_2.csv: has the same contents as e1_g_1.csv"):
        read_all(make_survey(files=CHANNELS))


def test_rows_without_a_position_are_left_out_and_counted(tmp_path):
    write(tmp_path, "n1.csv", "10,1,16,0.1,59000", ",1,17,0.1,59000", "12,nan,18,0.1,59000")
    catalog = SourceCatalog.read(tmp_path / "n1.csv")
    assert catalog.measurements["mag"].value.tolist() == [16.0]
    assert "2 rows without a position left out (rows 2, 3)" in catalog.notes


def test_rows_with_configured_sentinels_for_positions_are_left_out(tmp_path, make_survey):
    write(tmp_path, "n1.csv", "10,1,16,0.1,59000", "-999,-999,17,0.1,59000")
    (catalog,) = read_all(make_survey("[missing]\nvalues = [-999]"))
    assert len(catalog) == 1
    assert "1 row without a position left out (row 2)" in catalog.notes


def test_a_catalogue_without_rows_is_an_empty_epoch(tmp_path, make_survey):
    (tmp_path / "n1.csv").write_text("# MJD-OBS = 59000.5\nra,dec,mag,magerr\n")
    (catalog,) = read_all(
        make_survey("[[measurements]]\nkey = 'R'\nvalue = 'mag'\nerror = 'magerr'\n")
    )
    assert len(catalog) == 0
    assert catalog.time == 59000.5
    assert catalog.measurements["R"].value.shape == (0,)
    assert any("has no rows" in note for note in catalog.notes)


def test_bad_times_are_flagged_only_where_there_is_a_value(tmp_path):
    write(
        tmp_path, "n1.csv", "1,1,16,0.1,59000", "2,1,17,0.1,0", "3,1,99,0.1,0", "4,1,18,0.1,59001"
    )
    measured = SourceCatalog.read(tmp_path / "n1.csv").measurements["mag"]
    assert measured.flags.tolist() == [0, MeasurementFlag.BAD_TIME, MeasurementFlag.BAD_VALUE, 0]
    np.testing.assert_array_equal(measured.time, [59000.0, np.nan, np.nan, 59001.0])


def test_fluxes_become_magnitudes_where_asked_for(tmp_path, make_survey):
    rows = ["1,1,100,1,59000", "2,1,-5,1,59000", "3,1,,1,59000", "4,1,1e4,0,59000"]
    write(tmp_path, "n1.csv", *rows, header="ra,dec,counts,counts_err,mjd")
    survey = make_survey(
        "[[measurements]]\nkey = 'V'\nvalue = 'counts'\nto_magnitude = true\nzero_point = 25.0\n"
    )
    measured = read_all(survey)[0].measurements["V"]
    assert (measured.quantity, measured.unit) == ("mag", "mag")
    np.testing.assert_allclose(measured.value, [20.0, np.nan, np.nan, 15.0])
    np.testing.assert_allclose(measured.error, [0.0108574, np.nan, np.nan, np.nan], rtol=1e-5)
    assert measured.flags.tolist() == [0, 32, 8, 16]


def test_negative_fluxes_are_values(tmp_path):
    write(tmp_path, "n1.csv", "1,1,-5,1,59000", header="ra,dec,psfFlux,psfFluxErr,mjd")
    measured = SourceCatalog.read(tmp_path / "n1.csv").measurements["psfflux"]
    assert (measured.value[0], measured.flags[0], measured.quantity) == (-5.0, 0, "flux")


def test_units_of_errors_follow_those_of_values(tmp_path):
    Table(
        {"ra": [1.0], "dec": [1.0], "mjd": [59000.0], "flux": [2.0], "fluxerr": [100.0]},
        units={"flux": "mJy", "fluxerr": "uJy"},
    ).write(tmp_path / "n1.ecsv")
    measured = SourceCatalog.read(tmp_path / "n1.ecsv").measurements["flux"]
    assert measured.unit == "mJy"
    assert measured.error[0] == pytest.approx(0.1)


def test_millimagnitudes_become_magnitudes(tmp_path):
    Table(
        {"ra": [1.0], "dec": [1.0], "mjd": [59000.0], "mag": [17250.0], "magerr": [20.0]},
        units={"mag": "mmag", "magerr": "mmag"},
    ).write(tmp_path / "n1.ecsv")
    measured = SourceCatalog.read(tmp_path / "n1.ecsv").measurements["mag"]
    assert (measured.value[0], measured.error[0]) == pytest.approx((17.25, 0.02))
    assert (measured.unit, measured.flags[0]) == ("mag", 0)


def test_a_measurement_without_error_column_says_so_in_its_flags(tmp_path):
    write(tmp_path, "n1.csv", "1,1,16,59000", header="ra,dec,mag,mjd")
    measured = SourceCatalog.read(tmp_path / "n1.csv").measurements["mag"]
    assert measured.value[0] == 16.0
    assert np.isnan(measured.error[0])
    assert measured.flags[0] == MeasurementFlag.BAD_ERROR


def test_object_keys_are_text_and_must_be_there(tmp_path, make_survey):
    by_key = "[matching]\nmode = 'key'\n"
    write(tmp_path, "n1.csv", "7,1,1,16,0.1,59000", header=f"star_id,{HEADER}")
    (catalog,) = read_all(make_survey(by_key))
    assert catalog.key.tolist() == ["7"]
    rows = ["7,1,1,16,0.1,59000", ",1,1,16,0.1,59000"]
    write(tmp_path, "n1.csv", *rows, header=f"star_id,{HEADER}")
    with pytest.raises(CatalogError, match=r"n1.csv: column 'star_id', row 2: the object has no n"):
        read_all(make_survey(by_key))


def test_extra_columns_are_kept_with_their_measurement(tmp_path, make_survey):
    write(tmp_path, "n1.csv", "1,1,16,0.1,2.5,59000", header="ra,dec,mag,magerr,fwhm,mjd")
    rest = "[[measurements]]\nkey = 'R'\nvalue = 'mag'\nextra = { seeing = 'fwhm' }\n"
    assert read_all(make_survey(rest))[0].measurements["R"].extra["seeing"].tolist() == [2.5]


def test_a_cell_that_is_no_number_is_named_with_file_column_and_row(tmp_path):
    write(tmp_path, "n1.csv", "1,1,16,0.1,59000", "1,1,16,bad,59000")
    with pytest.raises(CatalogError, match=r"n1.csv: column 'magerr', row 2: 'bad' is not a numb"):
        SourceCatalog.read(tmp_path / "n1.csv")


def test_extracting_an_unknown_measurement_names_the_known_ones(tmp_path):
    write(tmp_path, "n1.csv", "1,1,16,0.1,59000")
    catalog = SourceCatalog.read(tmp_path / "n1.csv")
    with pytest.raises(CatalogError, match=r"n1.csv: .* no measurement 'V'; it has: mag"):
        catalog.extract_measurements(["V"])


def test_the_epoch_of_a_file_alone_is_its_name_unless_the_survey_knows_better(
    tmp_path, make_survey
):
    write(tmp_path, "e1_g.csv", "1,1,16,0.1,59000")
    path = tmp_path / "e1_g.csv"
    assert SourceCatalog.read(path).epoch == "e1_g"
    assert SourceCatalog.read(path, epoch="x").epoch == "x"
    survey = make_survey(files=CHANNELS)
    catalog = SourceCatalog.read([path], survey)
    assert (catalog.epoch, list(catalog.measurements)) == ("e1", ["g"])


def test_a_time_that_is_not_recognised_is_refused_in_a_survey_only(tmp_path, make_survey):
    write(tmp_path, "n1.csv", "1,1,16,0.1", header="ra,dec,mag,magerr")
    catalog = SourceCatalog.read(tmp_path / "n1.csv")
    assert np.isnan(catalog.time)
    assert any("no time is recognised" in note for note in catalog.notes)
    with pytest.raises(CatalogError, match=r"n1.csv: no time is recognised"):
        read_all(make_survey())


def test_files_are_recorded_with_their_checksums(tmp_path):
    write(tmp_path, "n1.csv", "1,1,16,0.1,59000")
    (file,) = SourceCatalog.read(tmp_path / "n1.csv").files
    assert file.sha256 == hashlib.sha256((tmp_path / "n1.csv").read_bytes()).hexdigest()


def test_keys_named_by_filters_are_collected_over_all_epochs(tmp_path, make_survey):
    for epoch, band in (("n1", "V"), ("n2", "B"), ("n3", "V")):
        (tmp_path / f"{epoch}.csv").write_text(f"# FILTER = {band}\n{HEADER}\n1,1,16,0.1,59000\n")
    survey = make_survey()
    assert measurement_keys(survey, find_epochs(survey).epochs) == ("V", "B")


def test_keys_are_recognised_in_the_first_epoch_that_can_be_read(tmp_path, make_survey):
    (tmp_path / "n1.csv").touch()
    header = "ra,dec,mag_r,magerr_r,mag_g,magerr_g,mjd"
    write(tmp_path, "n2.csv", "1,1,16,0.1,15,0.1,59000", header=header)
    survey = make_survey()
    assert measurement_keys(survey, find_epochs(survey).epochs) == ("r", "g")
    (tmp_path / "n2.csv").unlink()
    with pytest.raises(CatalogError, match=r"n1.csv: is empty"):
        measurement_keys(survey, find_epochs(survey).epochs)


def test_a_table_of_a_catalogue_has_values_errors_and_flags(tmp_path):
    write(tmp_path, "n1.csv", "1,1,16,0.1,59000")
    table = SourceCatalog.read(tmp_path / "n1.csv").to_table()
    assert table.colnames == ["ra", "dec", "file_index", "mag", "mag_err", "mag_flags"]
    assert str(table["mag"].unit) == "mag"


def test_errors_survive_the_way_back_from_a_worker(tmp_path):
    (tmp_path / "n1.csv").touch()
    with pytest.raises(CatalogError) as error:
        SourceCatalog.read(tmp_path / "n1.csv")
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)  # noqa: S301


@given(order=st.permutations(range(6)))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20
)
def test_the_order_of_rows_changes_nothing_but_the_order(tmp_path, order):
    rows = [f"{10 * k},{k},{15 + k},{0.1 if k % 2 else 99},{59000 + k / 10}" for k in range(6)]
    write(tmp_path, "a.csv", *rows)
    write(tmp_path, "b.csv", *[rows[k] for k in order])
    a, b = (SourceCatalog.read(tmp_path / name) for name in ("a.csv", "b.csv"))
    assert a.time == b.time
    np.testing.assert_array_equal(a.ra[order], b.ra)
    for one, other in (
        ("value", "value"),
        ("error", "error"),
        ("flags", "flags"),
        ("time", "time"),
    ):
        np.testing.assert_array_equal(
            getattr(a.measurements["mag"], one)[order], getattr(b.measurements["mag"], other)
        )
