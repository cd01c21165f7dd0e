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
