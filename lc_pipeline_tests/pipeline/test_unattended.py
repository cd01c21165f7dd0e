"""Claims about the pipeline with nobody at it: a real webserver, daemon, runs that are killed.

``LC_PIPELINE_KILLS`` says how many runs are killed (3 by default): every third together with the
daemon and its servers, as when the power goes.
"""

import contextlib
import os
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from lc_pipeline import LightcurveStorage, SurveyConfig
from lc_pipeline.analyse import read_result
from lc_pipeline.ingest import epoch_storage, ingest, object_storage
from lc_pipeline.sky.geometry import separation_arcsec

from .conftest import copy_survey
from .dagster_process import DagsterProcess

KILLS = int(os.environ.get("LC_PIPELINE_KILLS", "3"))
SURVEYS = Path(__file__).parents[1] / "surveys"
AF_VEL = (163.260417, -49.906389)


@pytest.fixture
def running(tmp_path):
    """Start Dagster for a survey; it ends with the test."""
    processes = []

    def start(survey, **options):
        process = DagsterProcess(tmp_path / "dagster", survey, **options)
        processes.append(process)
        return process.start()

    yield start
    for process in processes:
        process.stop()


def land(files, folder):
    """Copy files as a careful program does: under names that nobody looks at, then renamed."""
    hidden = [Path(shutil.copy2(path, folder / f".{path.name}")) for path in files]
    for path in hidden:
        path.rename(folder / path.name[1:])


def published(survey):
    """Epochs of the published version; none if there is none."""
    storage = object_storage(SurveyConfig.read(survey))
    return storage.load_storage().epoch_keys if storage.is_there else []


def test_catalogues_that_arrive_become_light_curves_without_a_hand(running, tmp_path, shared_data):
    landing = tmp_path / "landing"
    landing.mkdir()
    survey = tmp_path / "survey"
    survey.mkdir()
    text = (SURVEYS / "af_vel_raw.toml").read_text().replace("@FOLDER@", str(landing))
    (survey / "survey.toml").write_text(text)
    files = sorted((shared_data / "af_vel" / "raw").glob("*.psx"))
    assert len(files) == 30

    dagster = running(survey)
    land(files, landing)
    dagster.until(lambda: dagster.materializations("survey_report"), "the analysis", 400)
    assert len(published(survey)) == 29
    best = read_result(SurveyConfig.read(survey), "variable_candidates")[0]
    assert separation_arcsec(best["ra"], best["dec"], *AF_VEL) < 1.5
    stats = dagster.partitions()
    assert (stats["numMaterialized"], stats["numFailed"]) == (29, 1)
    (backfill,) = dagster.backfills()
    assert backfill["numPartitions"] == 30
    refused = dagster.graphql(
        """query ($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset {
        assetObservations(limit: 10) { partition description } } } }""",
        key={"path": ["epoch_lightcurves"]},
    )["assetOrError"]["assetObservations"]
    assert len(refused) == 1
    assert "is empty (0 bytes)" in refused[0]["description"]

    # The daemon goes away in the middle of the next arrival, and comes back.
    rows = epoch_storage(SurveyConfig.read(survey)).snapshot.n_rows
    reports = len(dagster.materializations("survey_report"))
    told = len(dagster.materializations("epoch_lightcurves"))
    changed = landing / files[3].name
    changed.write_text(changed.read_text() + "\n")
    time.sleep(random.uniform(0.0, 12.0))
    dagster.stop_daemon()
    dagster.start_daemon()
    dagster.until(
        lambda: len(dagster.materializations("survey_report")) > reports, "the analysis again", 400
    )
    storage = epoch_storage(SurveyConfig.read(survey))
    assert storage.snapshot.n_rows == rows + 1
    assert len(published(survey)) == 29
    assert len(object_storage(SurveyConfig.read(survey)).versions) == 2
    events = dagster.materializations("epoch_lightcurves")
    done_again = {event["partition"] for event in events[: len(events) - told]}
    assert done_again == {files[3].name.split("_")[3]}


def test_runs_that_are_killed_end_in_the_store_of_an_undisturbed_run(running, tmp_path, project):
    survey = copy_survey(project, tmp_path / "survey", n_epochs=0)
    undisturbed = copy_survey(project, tmp_path / "undisturbed", n_epochs=30)
    ingest(SurveyConfig.read(undisturbed))
    dagster = running(survey, max_retries=10 * KILLS)
    land((undisturbed / "epochs").iterdir(), survey / "epochs")
    killed = 0
    while killed < KILLS:
        worker = _until(dagster, survey, lambda: _run_worker(dagster), "a run at work")
        if killed % 3 == 2:
            with contextlib.suppress(AssertionError):
                dagster.until(lambda: _is_started(dagster), "a run to be under way", 60)
            time.sleep(random.uniform(0.0, 3.0))
            dagster.power_cut()
            killed += 1
            dagster.start_daemon()
            continue
        if killed % 3:
            # In the middle of an ingest, however busy this machine is.
            rows = _n_rows(survey)
            with contextlib.suppress(AssertionError):
                dagster.until(
                    lambda w=worker, n=rows: _n_rows(survey) > n or not w.is_running(), "rows", 60
                )
            time.sleep(random.uniform(0.0, 2.0))
        else:
            time.sleep(random.uniform(0.0, 9.0))
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.send_signal(signal.SIGKILL)
            killed += 1
        if _all_there(survey, 30):
            # It was too quick.
            _everything_again(survey)
    _until(dagster, survey, lambda: len(published(survey)) == 30, "all epochs to be published")
    storages = [epoch_storage(SurveyConfig.read(folder)) for folder in (survey, undisturbed)]
    assert storages[0].verify() == []
    one, other = (storage.load_storage().dataset.load() for storage in storages)
    assert one.epoch.values.tolist() == other.epoch.values.tolist()
    for name in ("lightcurves", "flags", "separation"):
        np.testing.assert_array_equal(one[name].values, other[name].values)
    objects: LightcurveStorage = object_storage(SurveyConfig.read(survey))
    assert objects.verify(storages[0]) == []


def _until(dagster, survey, condition, what):
    """Wait; where nothing happens for long, do what a person does.

    Of some hundred runs that are killed Dagster misses one: it reads of the failure, and the run
    does not say yet that it is to be tried again.
    """
    for _ in range(4):
        with contextlib.suppress(AssertionError):
            return dagster.until(condition, what, 150)
        print(f"waited in vain for {what}", [run["status"] for run in dagster.runs()][:5])
        _everything_again(survey)
    return dagster.until(condition, what, 150)


def _everything_again(survey):
    for path in (survey / "epochs").iterdir():
        path.touch()


def _all_there(survey, n_epochs):
    storage = epoch_storage(SurveyConfig.read(survey))
    return storage.is_there and len(storage.load_storage().epoch_keys) == n_epochs


def _is_started(dagster):
    return any(run["status"] == "STARTED" for run in dagster.runs())


def _n_rows(survey):
    storage = epoch_storage(SurveyConfig.read(survey))
    return storage.load_storage().snapshot.n_rows if storage.is_there else 0


def _run_worker(dagster):
    """The process of a run, if one is at work: a child of a server of definitions."""
    for process in psutil.Process(dagster.daemon.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())
            if "spawn_main" in command and "grpc" in process.parent().cmdline():
                return process
    return None
