"""What tests of several parts share."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import settings

from lc_pipeline import LightcurveStorage

# How long an example takes says more about the machine than about the code.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

PROJECT = Path(__file__).parent.parent

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

#: It runs as root in containers, and is to talk to this machine only.
BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


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
    """Run a survey as a user does, to its light curves; give the process and the object store."""
    folder.mkdir()
    text = (Path(__file__).parent / "surveys" / survey).read_text()
    (folder / "survey.toml").write_text(text.replace("@FOLDER@", str(landing)))
    command = [sys.executable, "-m", "lc_pipeline", "run", str(folder), "--no-analysis"]
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


@pytest.fixture
def browser():
    """An installed Chromium; tests skip where there is none, and fail so in CI."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 (optional)
    except ImportError:
        _no_browser("playwright is not installed: pip install '.[test]'")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        _no_browser(f"none of {', '.join(BROWSERS)} is installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=BROWSER_FLAGS)
        yield browser
        browser.close()


def _no_browser(reason):
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def make_dataset():
    """Make light curves in memory, as ``LightcurveStorage.dataset`` gives them."""
    return _dataset


def _dataset(n_objects=5, n_epochs=20, keys=("g",), quantity="mag", start=60000.25, **coordinates):
    random = np.random.default_rng(n_objects + n_epochs)
    unit = {"mag": "mag", "flux": "uJy"}[quantity]
    level = {"mag": 17.0 + np.arange(n_objects), "flux": 40.0 * np.arange(n_objects)}[quantity]
    shape = (n_objects, len(keys), n_epochs)
    values = level[:, np.newaxis, np.newaxis] + random.normal(0, 0.3, shape)
    both = np.stack([values, np.full(shape, 0.1)], axis=2).astype("float32")
    per_epoch = {name: ("epoch", np.zeros(n_epochs)) for name in ("offset_east", "offset_north")}
    counts = {"n_sources": n_objects, "n_matched": n_objects, "n_offset_pairs": 0}
    per_epoch |= {name: ("epoch", np.full(n_epochs, each)) for name, each in counts.items()}
    return xr.Dataset(
        {
            "lightcurves": (("object", "measurement", "value", "epoch"), both),
            "flags": (("object", "measurement", "epoch"), np.zeros(shape, dtype="uint16")),
            "separation": (("object", "epoch"), np.full(shape[::2], 0.1, dtype="float32")),
        },
        {
            "object": np.array([f"star {number}" for number in range(n_objects)], dtype=object),
            "ra": ("object", 150 + 0.01 * np.arange(n_objects)),
            "dec": ("object", 2 + 0.01 * random.random(n_objects)),
            "measurement": np.array(keys, dtype=object),
            "quantity": ("measurement", np.array([quantity] * len(keys), dtype=object)),
            "unit": ("measurement", np.array([unit] * len(keys), dtype=object)),
            "value": np.array([quantity, f"{quantity}_err"], dtype=object),
            "epoch": np.array([f"n{number:03d}" for number in range(n_epochs)], dtype=object),
            "time": ("epoch", start + 1.3 * np.arange(n_epochs), {"scale": "utc"}),
            **per_epoch,
            **coordinates,
        },
        {"survey": "demo", "version": "v000001"},
    )
