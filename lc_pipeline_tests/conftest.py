"""What tests of several parts share."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from lc_pipeline import LightcurveStorage

# How long an example takes says more about the machine than about the code.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real catalogues that are not part of the project; tests skip where it is absent."""
    folder = Path(os.environ.get("LC_PIPELINE_SHARED_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder} with real catalogues (set LC_PIPELINE_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def project():
    """The project's top folder."""
    return PROJECT


def run_survey(folder, survey, landing):
    """Run a survey as a user does; give the finished process and the object store."""
    folder.mkdir()
    text = (Path(__file__).parent / "surveys" / survey).read_text()
    (folder / "survey.toml").write_text(text.replace("@FOLDER@", str(landing)))
    command = [sys.executable, "-m", "lc_pipeline", "run", str(folder)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    return finished, LightcurveStorage(folder / "store" / "objects")


@pytest.fixture(scope="session")
def af_vel(tmp_path_factory, shared_data):
    """The field of AF Vel from both forms of its catalogues: process and light curves of each."""
    folder = tmp_path_factory.mktemp("af_vel")
    return {
        form: run_survey(folder / form, f"af_vel_{form}.toml", shared_data / "af_vel" / form)
        for form in ("raw", "ecsv")
    }


@pytest.fixture(scope="session")
def stripe_82(tmp_path_factory, shared_data):
    """483 RR Lyrae stars in five bands: process and light curves."""
    folder = tmp_path_factory.mktemp("s82") / "s82"
    landing = shared_data / "s82_rrlyrae" / "epochs_wide"
    return run_survey(folder, "s82_rrlyrae.toml", landing)


@pytest.fixture(scope="session")
def ey_uma_survey(tmp_path_factory):
    """A copy of the survey in data/ey_uma that has been run once; its survey.toml."""
    folder = tmp_path_factory.mktemp("ey_uma") / "ey_uma"
    ignore = shutil.ignore_patterns("store", "*.png")
    shutil.copytree(PROJECT / "data" / "ey_uma", folder, ignore=ignore)
    command = [sys.executable, "-m", "lc_pipeline", "run", str(folder)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return folder / "survey.toml"


@pytest.fixture(scope="session")
def ey_uma(ey_uma_survey):
    """Its published light curves."""
    return LightcurveStorage(ey_uma_survey.parent / "store" / "objects")
