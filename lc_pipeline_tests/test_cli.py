"""Claims about ``lc-pipeline``: what it says, what it writes, how it exits."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from astropy.table import Table
from astropy.timeseries import TimeSeries
from click.testing import CliRunner
from matplotlib.image import imread

from lc_pipeline.cli import main
from lc_pipeline.ingest import object_storage
from lc_pipeline.survey import SurveyConfig

EY_UMA = "135.58650,+49.81926"


@pytest.fixture
def invoke():
    """Run a command; give the result with stdout and stderr apart."""

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_has_an_example_in_its_help(invoke, command):
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert f"lc-pipeline {command}" in result.output


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "no/such/place"], ["lightcurve", "."], ["frobnicate"]]
)
def test_wrong_usage_exits_with_2(invoke, arguments):
    assert invoke(*arguments).exit_code == 2


def test_a_folder_without_a_survey_exits_with_1_and_says_what_to_do(invoke, tmp_path):
    result = invoke("run", tmp_path)
    assert result.exit_code == 1
    assert "lc-pipeline init" in result.stderr
    assert "Traceback" not in result.output


def test_run_again_finds_nothing_to_do(invoke, ey_uma_survey):
    result = invoke("run", ey_uma_survey, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["stored"], report["unchanged"], report["refused"]) == (0, 94, 0)
    again = invoke("rechunk", ey_uma_survey)
    assert "Nothing new" in again.stdout


def test_info_tells_that_the_light_curves_are_up_to_date(invoke, ey_uma_survey):
    known = json.loads(invoke("info", ey_uma_survey, "--json").stdout)
    assert known["is_up_to_date"]
    assert known["object_store"]["n_objects"] == 41
    assert "EY UMa" in invoke("info", ey_uma_survey).stdout


def test_objects_are_listed_with_their_measurements(invoke, ey_uma_survey, ey_uma):
    rows = json.loads(invoke("objects", ey_uma_survey, "--json").stdout)
    assert [row["object"] for row in rows] == ey_uma.reference.key.tolist()
    medians = np.nanmedian(ey_uma.lightcurves.isel(measurement=0, value=0), axis=1)
    assert [row["median_mag_R"] for row in rows] == pytest.approx(medians.tolist())
    assert {row["n_R"] for row in rows} == {94}
    assert len(invoke("objects", ey_uma_survey).stdout.splitlines()) == 41 + 2


@pytest.mark.parametrize("form", ["ecsv", "csv", "parquet", "json"])
def test_a_light_curve_survives_every_format(invoke, ey_uma_survey, ey_uma, tmp_path, form):
    file = tmp_path / f"star.{form}"
    key = ey_uma.reference.key[7]
    assert invoke("lightcurve", ey_uma_survey, key, "-o", file).exit_code == 0
    stored = ey_uma.get_object_lightcurve(key).sel(measurement="R", value="mag").values
    times = ey_uma.dataset.time.values
    if form == "json":
        rows = json.loads(file.read_text())["rows"]
        magnitude = [row["mag"] for row in rows]
        mjd = [row["mjd_utc"] for row in rows]
    elif form == "csv":
        rows = Table.read(file)
        magnitude, mjd = rows["mag"], rows["mjd_utc"]
    else:
        rows = TimeSeries.read(file, **({"format": "ascii.ecsv"} if form == "ecsv" else {}))
        magnitude, mjd = rows["mag"].value, rows["time"].mjd
        assert rows["time"].scale == "utc"
        assert rows["mag"].unit == "mag"
    np.testing.assert_array_equal(np.float32(magnitude), stored)
    np.testing.assert_allclose(mjd, times, rtol=0, atol=1e-9)


def test_a_light_curve_goes_to_standard_output_as_ecsv(invoke, ey_uma_survey):
    rows = Table.read(invoke("lightcurve", ey_uma_survey, EY_UMA).stdout, format="ascii.ecsv")
    assert len(rows) == 94


def test_the_star_is_drawn_against_a_comparison(invoke, ey_uma_survey, tmp_path):
    file = tmp_path / "star.png"
    result = invoke("lightcurve", ey_uma_survey, EY_UMA, "--compare", "auto", "-o", file)
    assert result.exit_code == 0, result.output
    picture = imread(file)
    assert picture.shape[0] > 500
    assert picture.std() > 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-star"], "there is no object 'no-such-star'"),
        (["10.0,20.0"], "no object within 2.0 arcsec of 10.0,20.0; the nearest is J09"),
        ([EY_UMA, "--measurement", "V"], "there is no measurement 'V'"),
    ],
)
def test_what_is_not_there_is_named(invoke, ey_uma_survey, arguments, message):
    result = invoke("lightcurve", ey_uma_survey, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--format", "png"], ["-o", "x.gif"], ["--compare", "auto"], ["--format", "parquet"]],
)
def test_plots_and_formats_that_cannot_be_are_wrong_usage(invoke, ey_uma_survey, arguments):
    assert invoke("lightcurve", ey_uma_survey, EY_UMA, *arguments).exit_code == 2


def test_a_closed_pipe_is_no_failure(ey_uma_survey):
    command = f"{sys.executable} -m lc_pipeline objects {ey_uma_survey} | head -1"
    finished = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in finished.stderr
    assert "object" in finished.stdout


def test_one_epoch_can_be_ingested_alone_and_an_unknown_one_is_named(
    invoke, ey_uma_survey, tmp_path
):
    survey = tmp_path / "copy"
    shutil.copytree(ey_uma_survey.parent, survey, ignore=shutil.ignore_patterns("store"))
    report = json.loads(invoke("ingest", survey, "--epoch", "003", "--json").stdout)
    assert [epoch["epoch"] for epoch in report["epochs"]] == ["003"]
    result = invoke("ingest", survey, "--epoch", "999")
    assert result.exit_code == 1
    assert "no files for epoch 999" in result.stderr


@pytest.fixture
def copy(ey_uma_survey, tmp_path):
    """A copy of the survey that may be changed, stores and all."""
    shutil.copytree(ey_uma_survey.parent, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_cone_lists_the_nearest_first_and_a_box_what_is_in_it(invoke, ey_uma_survey):
    ra, dec = EY_UMA.split(",")
    rows = json.loads(invoke("cone", ey_uma_survey, "--json", "--", ra, dec, 200).stdout)
    assert rows[0]["separation_arcsec"] < 1
    assert [row["separation_arcsec"] for row in rows] == sorted(
        row["separation_arcsec"] for row in rows
    )
    box = json.loads(invoke("box", ey_uma_survey, "--json", "--", 0, 360, -90, 90).stdout)
    assert len(box) == 41
    assert "No objects" in invoke("box", ey_uma_survey, "--", 0, 1, -90, -80).stdout
    assert invoke("cone", ey_uma_survey, "--", ra, dec, -1).exit_code == 1


def test_versions_come_and_go_back(invoke, copy):
    assert invoke("rechunk", copy, "--force").exit_code == 0
    assert invoke("versions", copy).stdout.splitlines() == ["  v000001", "* v000002"]
    assert invoke("rollback", copy, "v000001").exit_code == 0
    assert json.loads(invoke("versions", copy, "--json").stdout)["current"] == "v000001"
    assert "no version 'v7'" in invoke("rollback", copy, "v7").stderr


def test_superseded_ingests_are_dropped_and_all_is_well_before_and_after(invoke, copy):
    assert "Nothing to drop" in invoke("compact", copy).stdout
    invoke("ingest", copy, "--epoch", "002", "--force")
    assert "1 superseded rows dropped" in invoke("compact", copy).stdout
    assert invoke("rechunk", copy).exit_code == 0
    assert "All is well" in invoke("verify", copy).stdout


def test_damage_is_found_and_named(invoke, copy):
    shard = next(copy.glob("store/objects/versions/*/lightcurves/c/0/0/0/0"))
    damaged = bytearray(shard.read_bytes())
    damaged[50] ^= 1
    shard.write_bytes(damaged)
    result = invoke("verify", copy)
    assert result.exit_code == 1
    assert "objects 0 to 40: lightcurves" in result.stderr
    assert json.loads(invoke("verify", copy, "--json").stdout)["problems"]


def test_workers_make_the_same_store(invoke, copy, ey_uma):
    shutil.rmtree(copy / "store")
    assert invoke("run", copy, "--workers", 2).exit_code == 0
    made = object_storage(SurveyConfig.read(copy)).dataset.drop_vars("ingested_at").load()
    assert made.equals(ey_uma.dataset.drop_vars("ingested_at").load())
