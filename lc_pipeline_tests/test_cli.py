"""Claims about ``lc-pipeline``: what it says, what it writes, how it exits."""

import errno
import json
import shlex
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
from lc_pipeline.ingest import epoch_storage, object_storage
from lc_pipeline.storage import epoch_log
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


HEAVY = ("astropy", "dask", "numpy", "pandas", "pydantic", "scipy", "xarray", "zarr")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["lightcurve", "--help"], 0),
        (["frobnicate"], 2),
        (["run", "no/such/place"], 2),
        (["cone", ".", "1", "2", "many"], 2),
        (["lightcurve", ".", "star", "-o", "star.gif"], 2),
    ],
)
def test_help_and_wrong_usage_do_not_wait_for_slow_imports(arguments, code):
    script = (
        "import sys\n"
        "from lc_pipeline.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: status = end.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules], status)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines()[-1] == f"[] {code}"


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
    assert known["advice"] == []
    assert known["object_store"]["n_objects"] == 41
    said = invoke("info", ey_uma_survey).stdout
    assert "EY UMa" in said
    assert "up to date" in said


def test_objects_are_listed_with_their_measurements(invoke, ey_uma_survey, ey_uma):
    rows = json.loads(invoke("objects", ey_uma_survey, "--json").stdout)
    assert [row["object"] for row in rows] == ey_uma.reference.key.tolist()
    medians = np.nanmedian(ey_uma.lightcurves.isel(measurement=0, value=0), axis=1)
    assert [row["median_mag_R"] for row in rows] == pytest.approx(medians.tolist())
    assert {row["n_R"] for row in rows} == {94}
    assert len(invoke("objects", ey_uma_survey).stdout.splitlines()) == 41 + 3  # names, units, rule


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
        (["10.0,20.0"], "(RA 10.000000, Dec +20.000000 degrees); the nearest is J090054"),
        (["135.5865", "-49.8193"], "99.5 degrees away"),
        (["09:62:20.76 +49:49:09.3"], "09:62:20.76 +49:49:09.3: this is no position"),
        (["135.5865", "149.8193"], "Dec within -90 and 90"),
        (["nan nan"], "this is no position"),
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


SAME_PLACE = [
    ["135.58650", "+49.81926"],
    ["135.58650, 49.81926"],
    ["09:02:20.76", "+49:49:09.3"],
    ["09:02:20.76 +49:49:09.3"],
    ["9 2 20.76 49 49 9.3"],
    ["09h02m20.76s", "+49d49m09.3s"],
]


@pytest.mark.parametrize("position", SAME_PLACE)
def test_a_position_may_be_typed_in_degrees_or_sexagesimally(invoke, ey_uma_survey, position):
    [found] = json.loads(invoke("cone", ey_uma_survey, "--json", *position, 5).stdout)
    assert found["object"] == "J090220.767+494908.82"
    assert found["separation_arcsec"] < 1
    light_curve = json.loads(
        invoke("lightcurve", ey_uma_survey, "--format", "json", *position).stdout
    )
    assert light_curve["meta"]["object"] == "J090220.767+494908.82"


def test_a_declination_may_be_negative(invoke, ey_uma_survey):
    for arguments in (["cone", 135.5, -49.8, 5], ["cone", "9:02:20", "-49:49:09", 5]):
        result = invoke(arguments[0], ey_uma_survey, *arguments[1:])
        assert result.exit_code == 0, result.output
        assert "No objects there" in result.stdout
        assert "99." in result.stderr  # degrees away is the nearest
    south = json.loads(invoke("box", ey_uma_survey, "--json", -224.9, 150, -49.9, 50).stdout)
    assert len(south) == 41
    assert "No such option" in invoke("cone", ey_uma_survey, "--jsn", 1, 2, 3).stderr
    assert invoke("cone", ey_uma_survey, "north", 3).exit_code == 2


def published_at(folder, version):
    metadata = folder / "store" / "objects" / "versions" / f"{version}.zarr" / "zarr.json"
    return json.loads(metadata.read_text())["attributes"]["lc_pipeline"]["created_at"]


def test_versions_come_and_go_back(invoke, copy):
    assert invoke("rechunk", copy, "--force").exit_code == 0
    assert invoke("versions", copy).stdout.splitlines() == [
        f"{star} {version}  published {published_at(copy, version)}  94 epochs, 41 objects"
        for star, version in ((" ", "v000001"), ("*", "v000002"))
    ]
    assert invoke("rollback", copy, "v000001").exit_code == 0
    assert json.loads(invoke("versions", copy, "--json").stdout)["current"] == "v000001"
    assert "no version 'v7'" in invoke("rollback", copy, "v7").stderr


def test_superseded_ingests_are_dropped_and_all_is_well_before_and_after(invoke, copy):
    assert "Nothing to drop" in invoke("compact", copy).stdout
    invoke("ingest", copy, "--epoch", "002", "--force")
    assert "1 rows dropped" in invoke("compact", copy).stdout
    assert invoke("rechunk", copy).exit_code == 0
    assert "All is well" in invoke("verify", copy).stdout


def advice(invoke, survey):
    """What `info` says, which is the same for people and for programs."""
    document = invoke("info", survey, "--json")
    assert document.exit_code == 0, document.output
    lines = json.loads(document.stdout)["advice"]
    shown = invoke("info", survey).stdout
    for line in lines:
        assert f"- {line}" in shown
    return lines


def test_info_tells_what_is_to_be_done(invoke, copy):
    epochs = copy / "epochs"
    assert advice(invoke, copy) == []

    refused = next(epochs.iterdir()).read_bytes()[:60]
    name = min(file.name for file in epochs.iterdir())
    (epochs / name.replace("001", "095")).write_bytes(refused)
    assert invoke("run", copy, "--no-analysis").exit_code == 1
    [line] = advice(invoke, copy)
    assert "1 epochs of the landing folder are not in the store (095): they are new, or" in line
    (epochs / name.replace("001", "095")).unlink()

    assert invoke("ingest", copy, "--epoch", "002", "--force").exit_code == 0
    to_publish, superseded = advice(invoke, copy)
    assert to_publish.startswith("the object store lacks the last ingest of 1 of 94 epochs (002)")
    assert superseded.startswith("1 rows of the epoch store are superseded")
    assert "up to date" not in invoke("info", copy).stdout
    assert invoke("compact", copy).exit_code == 0
    assert invoke("rechunk", copy).exit_code == 0
    assert advice(invoke, copy) == ["1 older versions are kept: 'lc-pipeline versions' lists them"]

    assert invoke("rollback", copy, "v000001").exit_code == 0
    assert advice(invoke, copy)[0].startswith("the light curves were rolled back")
    assert invoke("rollback", copy, "v000002").exit_code == 0

    survey = copy / "survey.toml"
    changed = survey.read_text().replace("[matching]", "[matching]\nmax_offset_arcsec = 4.0")
    assert changed != survey.read_text()
    survey.write_text(changed)
    assert advice(invoke, copy)[0].startswith(
        "94 of 94 epochs would be ingested otherwise now (001 ingested with other settings, 002"
    )

    shutil.rmtree(epochs)
    assert "there is no folder" in advice(invoke, copy)[0]


def test_info_tells_of_rows_that_nobody_sees_and_of_values_that_are_missing(invoke, copy):
    storage = epoch_storage(SurveyConfig.read(copy))
    with epoch_log.appending(storage.location, 3) as rows:
        rows.grow(())  # and is killed before it commits
    assert "3 rows of the epoch store are not committed" in advice(invoke, copy)[0]
    assert invoke("ingest", copy, "--epoch", "001", "--force").exit_code == 0
    _, superseded, set_aside = advice(invoke, copy)
    assert superseded.startswith("1 rows of the epoch store are superseded")
    assert set_aside.startswith("3 rows of the epoch store were set aside")
    storage.load_storage().append_measurements(["V"], ["mag"], ["mag"])
    lines = advice(invoke, copy)
    assert "94 of 94 epochs have no values of a measurement (001 of V, 002 of V, 003" in lines[1]
    storage.remove_epoch("003")
    lines = advice(invoke, copy)
    assert lines[0].startswith("1 epochs of the landing folder are not in the store (003)")
    assert any(line.startswith("1 epochs that were removed are still published") for line in lines)


def test_info_tells_when_a_writer_is_at_work(invoke, copy):
    config = SurveyConfig.read(copy)
    with epoch_storage(config).location.writer_lock():
        assert advice(invoke, copy) == ["a writer is at work in the epoch store now"]
    with object_storage(config).location.writer_lock():
        assert advice(invoke, copy) == ["a version of the object store is being published now"]
    assert advice(invoke, copy) == []


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
    assert invoke("run", copy, "--workers", 2, "--no-analysis").exit_code == 0
    made = object_storage(SurveyConfig.read(copy)).dataset.drop_vars("ingested_at").load()
    assert made.equals(ey_uma.dataset.drop_vars("ingested_at").load())


def test_a_full_disk_is_said_in_a_line_and_the_next_run_does_the_rest(
    invoke, tmp_path, monkeypatch
):
    for night in (1, 2):
        (tmp_path / f"n{night}.csv").write_text(f"ra,dec,mag,mjd\n10,-3,17.25,{60000 + night}\n")
    (tmp_path / "survey.toml").write_text(
        "[survey]\nname = 'x'\n[files]\npattern = 'n(?P<epoch>.*)[.]csv'\n"
    )

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "store/epochs/c/0")

    with monkeypatch.context() as patched:
        patched.setattr(epoch_log, "write_row", full)
        result = invoke("run", tmp_path)
    assert result.exit_code == 1
    assert "error: store/epochs/c/0: No space left on device." in result.stderr
    assert "Traceback" not in result.output
    assert invoke("run", tmp_path).exit_code == 0
    survey = SurveyConfig.read(tmp_path)
    assert object_storage(survey).lightcurves.sel(value="mag").values.tolist() == [[[17.25, 17.25]]]


def test_copies_of_an_epoch_and_epochs_of_another_field_are_told(invoke, tmp_path):
    rows = "".join(f"{10 + n / 10},-3,17.25\n" for n in range(5))
    for night in range(5):
        text = f"# MJD-AVG = {60000 + night}\nra,dec,mag\n{rows}"
        (tmp_path / f"n{night}.csv").write_text(text)
    shutil.copy(tmp_path / "n1.csv", tmp_path / "n7.csv")
    (tmp_path / "n3.csv").write_text((tmp_path / "n3.csv").read_text().replace(",-3,", ",45,"))
    (tmp_path / "n8.csv").symlink_to(tmp_path / "not_there.csv")
    (tmp_path / "survey.toml").write_text(
        "[survey]\nname = 'x'\n[files]\npattern = 'n(?P<epoch>.*)[.]csv'\n"
    )
    said = invoke("run", tmp_path, "--no-analysis").stdout
    assert "2 of 6 epochs are made of the same files (1 (the same file as 7), 7 (" in said
    assert "2 of 6 epochs have a doubtful time (1 (has the same time as 7), 7 (" in said
    assert "1 of 6 epochs matched much less than is usual (3 (0 of 5 detections" in said
    assert "(or links to nowhere), left out: n8.csv" in said


def test_what_to_type_next_can_be_typed_whatever_the_names(invoke, tmp_path):
    folder = tmp_path / "my [old] survey"
    folder.mkdir()
    for night in (1, 2):
        (folder / f"n{night}.csv").write_text(
            f"name,ra,dec,mag,mjd\nV1/a (Cyg) é,10,-3,17.25,{60000 + night}\n"
        )
    (folder / "survey.toml").write_text(
        "[survey]\nname = 'x'\n[files]\npattern = 'n(?P<epoch>.*)[.]csv'\n[matching]\nmode = 'key'"
    )
    said = invoke("run", folder, "--no-analysis").stdout
    words = shlex.split(said.partition("Next: ")[2])
    assert words[:4] == ["lc-pipeline", "lightcurve", str(folder), "V1/a (Cyg) é"]
    assert words[-1] == "V1_a_Cyg_é.png"
    assert invoke(*words[1:-1], tmp_path / words[-1]).exit_code == 0


def test_candidates_are_listed_with_their_reasons(invoke, ey_uma_survey):
    result = invoke("candidates", ey_uma_survey)
    assert result.exit_code == 0
    assert "1 candidate among 41 objects" in result.stdout
    assert "J090220.767+494908.82" in result.stdout
    assert "consecutive points in R agree" in " ".join(result.stdout.split())
    (found,) = json.loads(invoke("candidates", ey_uma_survey, "--json").stdout)
    assert found["rank"] == 1
    assert found["vetoes"] == ""


def test_zero_points_are_told_with_the_reason_why_they_are_in_force(invoke, ey_uma_survey):
    said = invoke("calibrate", ey_uma_survey).stdout
    assert "R: zero points are in force: zero points lower the scatter of stars" in said
    told = json.loads(invoke("calibrate", ey_uma_survey, "--json").stdout)
    assert told["in_force"] == {"R": True}
    assert len(told["zero_points"]) == 94


def test_statistics_and_periods_are_there_for_programs(invoke, ey_uma_survey):
    statistics = json.loads(invoke("statistics", ey_uma_survey, "--json").stdout)
    assert [row["n_R"] for row in statistics] == [94] * 41
    periods = json.loads(invoke("periods", ey_uma_survey, "--json").stdout)
    assert [row["object"] for row in periods] == [row["object"] for row in statistics]
    assert "41 of 41 objects searched" in invoke("periods", ey_uma_survey).stdout


def test_a_calibrated_light_curve_is_the_raw_one_minus_the_zero_points(invoke, ey_uma_survey):
    raw, calibrated = (
        Table.read(
            invoke("lightcurve", ey_uma_survey, EY_UMA, *options).stdout, format="ascii.ecsv"
        )
        for options in ([], ["--calibrated"])
    )
    told = json.loads(invoke("calibrate", ey_uma_survey, "--json").stdout)["zero_points"]
    zero_point = {row["epoch"]: row["zero_point"] for row in told}
    expected = [row["mag"] - zero_point[row["epoch"]] for row in raw]
    np.testing.assert_allclose(calibrated["mag"], expected, atol=2e-6)
    np.testing.assert_array_equal(calibrated["mag_err"], raw["mag_err"])


def test_a_light_curve_is_folded_at_any_period(invoke, ey_uma_survey, tmp_path):
    path = tmp_path / "folded.png"
    assert invoke("lightcurve", ey_uma_survey, EY_UMA, "--fold", 0.549, "-o", path).exit_code == 0
    assert imread(path).shape[1] > 500
    assert invoke("lightcurve", ey_uma_survey, EY_UMA, "--fold", 0.549).exit_code == 2
    assert invoke("lightcurve", ey_uma_survey, EY_UMA, "--fold", -1, "-o", path).exit_code == 2


def test_calibrated_values_before_a_calibration_are_refused_with_what_to_do(
    invoke, ey_uma_survey, tmp_path
):
    copy = shutil.copytree(ey_uma_survey.parent, tmp_path / "copy")
    shutil.rmtree(copy / "store" / "tables")
    result = invoke("lightcurve", copy, EY_UMA, "--calibrated")
    assert result.exit_code == 1
    assert "lc-pipeline calibrate" in " ".join(result.stderr.split())
