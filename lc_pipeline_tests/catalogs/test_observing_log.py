"""Claims about times that stand in an observing log."""

import os
import time

import pytest
from astropy.table import Table

from lc_pipeline.analysis.quality import same_catalogs
from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.catalogs.source_catalog import SourceCatalog
from lc_pipeline.errors import CatalogError, SurveyConfigError
from lc_pipeline.ingest import epoch_storage, ingest
from lc_pipeline.ingest.arrivals import find_arrivals, seen_by_store
from lc_pipeline.survey import SurveyConfig

SURVEY = """
[survey]
name = "logged"
[files]
pattern = '{pattern}'
[time]
from = "log"
log = "log.csv"
log_epoch = "frame"
name = "mjd"
exposure = 30.0
"""
PATTERN = r"f(?P<epoch>\d+)\.cat"


def logged(folder, log, epochs=("1", "2"), pattern=PATTERN):
    """A survey of one star, its catalogues without a time, and a log."""
    (folder / "survey.toml").write_text(SURVEY.format(pattern=pattern))
    (folder / "log.csv").write_text("\n".join(log) + "\n")
    for epoch in epochs:
        (folder / f"f{epoch}.cat").write_text(f"ra,dec,mag,mag_err\n10.5,-3.0,17.{epoch},0.01\n")
    return SurveyConfig.read(folder)


def times(survey):
    return {record.epoch: record.time for record in epoch_storage(survey).snapshot.current_records}


@pytest.mark.parametrize(
    "frame",
    ["1", "f1.cat", "f1", "f1.fits", "raw/f1.fits.gz", "/data/n1/f1.fits"],
)
def test_a_row_names_its_epoch_or_its_file_with_or_without_folder_and_ending(tmp_path, frame):
    survey = logged(tmp_path, ["frame,mjd", f"{frame},59000.125"], epochs=["1"])
    (epoch,) = find_epochs(survey).epochs
    assert epoch.log_rows[0].cells == {"mjd": "59000.125"}
    catalog = SourceCatalog.read(tmp_path / "f1.cat", survey)
    assert (catalog.time, catalog.exposure) == (59000.125, 30.0)


def test_a_band_or_a_number_is_no_ending(tmp_path):
    """m.r is no other file's name without an ending: m.g has no row here."""
    survey = logged(
        tmp_path, ["frame,mjd", "m.r,59000.5", "x.001,59001.5"], (), r"(?P<epoch>.+)\.cat"
    )
    for name in ("m.g", "m.r", "x.002"):
        (tmp_path / f"{name}.cat").write_text("ra,dec,mag,mag_err\n10.5,-3.0,17.0,0.01\n")
    found = {epoch.epoch: bool(epoch.log_rows) for epoch in find_epochs(survey).epochs}
    assert found == {"m.g": False, "m.r": True, "x.002": False}


def test_a_short_name_that_two_rows_have_is_nobodys(tmp_path):
    survey = logged(tmp_path, ["frame,mjd", "a/f1.fits,59000.5", "b/f1.fits,59001.5"], ["1"])
    assert find_epochs(survey).epochs[0].log_rows == ()


def test_an_epoch_without_a_row_is_refused_until_it_has_one(tmp_path):
    survey = logged(tmp_path, ["frame,mjd", "1,59000.5"])
    (refused,) = ingest(survey).with_status("refused")
    assert refused.epoch == "2"
    assert "log.csv has no row for this file or its epoch in the column 'frame'" in refused.error
    (tmp_path / "log.csv").write_text("frame,mjd\n1,59000.5\n2,59001.5\n")
    report = ingest(survey)
    assert [outcome.epoch for outcome in report.with_status("stored")] == ["2"]
    assert times(survey) == {"1": 59000.5, "2": 59001.5}


def test_a_corrected_row_redoes_its_epoch_and_no_other(tmp_path):
    survey = logged(tmp_path, ["frame,seeing,mjd", "1,1.2,59000.5", "2,1.3,59001.5"])
    ingest(survey)
    (tmp_path / "log.csv").write_text("frame,seeing,mjd\n1,9.9,59000.5\n2,1.3,59001.75\n")
    report = ingest(survey)
    assert [outcome.epoch for outcome in report.with_status("stored")] == ["2"]
    assert times(survey) == {"1": 59000.5, "2": 59001.75}


def test_the_landing_folder_shows_a_corrected_row_as_a_changed_epoch(tmp_path):
    survey = logged(tmp_path, ["frame,mjd", "1,59000.5", "2,59001.5"])
    for file in tmp_path.glob("*.cat"):
        os.utime(file, (1.7e9, 1.7e9))
    ingest(survey)
    records = epoch_storage(survey).snapshot.current_records
    seen = seen_by_store(find_epochs(survey).epochs, records)
    assert set(seen) == {"1", "2"}
    (tmp_path / "log.csv").write_text("frame,mjd\n1,59000.5\n2,59001.75\n")
    later = time.time() + 60
    found = find_arrivals(find_epochs(survey).epochs, seen, waiting={}, now=later)
    assert (found.new, found.changed, found.vanished) == ((), ("2",), ())
    assert set(seen_by_store(find_epochs(survey).epochs, records)) == {"1"}


def test_the_same_catalogue_twice_is_seen_whatever_the_log_says(tmp_path):
    survey = logged(tmp_path, ["frame,mjd", "1,59000.5", "2,59001.5"])
    (tmp_path / "f2.cat").write_text((tmp_path / "f1.cat").read_text())
    ingest(survey)
    assert len(same_catalogs(epoch_storage(survey).snapshot.current_records)) == 2


def test_a_log_may_be_a_fits_table_with_julian_dates(tmp_path):
    survey = logged(tmp_path, [])
    log = Table({"frame": ["1", "2"], "mjd": [2459000.5123456789, 2459001.5]})
    log.write(tmp_path / "log.fits")
    text = (tmp_path / "survey.toml").read_text()
    text = text.replace("log.csv", "log.fits") + 'format = "jd"\n'
    (tmp_path / "survey.toml").write_text(text)
    (tmp_path / "log.csv").unlink()
    survey = SurveyConfig.read(tmp_path)
    ingest(survey)
    assert times(survey)["1"] == pytest.approx(59000.0123456789, abs=1e-9)


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (
            ["frame,jd", "1,2459000.5"],
            "time.name: there is no column 'mjd'. Columns are: frame",
        ),
        (["image,mjd", "1,59000.5"], "time.log_epoch: there is no column 'frame'"),
        (["frame,mjd", "1,59000.5", "1,59001.5"], "row 2: '1' is there twice"),
    ],
)
def test_a_log_that_cannot_be_used_is_an_error_of_the_settings(tmp_path, log, message):
    survey = logged(tmp_path, log)
    with pytest.raises(SurveyConfigError, match=r"log\.csv") as caught:
        find_epochs(survey)
    assert message in str(caught.value)


def test_a_log_that_is_not_there_is_named(tmp_path):
    survey = logged(tmp_path, [])
    (tmp_path / "log.csv").unlink()
    with pytest.raises(SurveyConfigError, match=r"survey.toml: time.log: .*log.csv cannot be read"):
        find_epochs(survey)


def test_an_empty_time_is_named_by_its_row(tmp_path):
    survey = logged(tmp_path, ["frame,mjd", "1,", "2,59001.5"])
    with pytest.raises(CatalogError, match=r"the row log\.csv: 1 has no 'mjd'"):
        SourceCatalog.read(tmp_path / "f1.cat", survey)


@pytest.mark.parametrize("lines", ['from = "log"', 'from = "header"\nlog = "log.csv"'])
def test_a_log_is_said_with_its_file(lines):
    with pytest.raises(SurveyConfigError, match="belong together"):
        SurveyConfig.from_toml(
            f"[survey]\nname='x'\n[files]\npattern='(?P<epoch>.+)'\n[time]\n{lines}\nname='mjd'\n"
        )
