"""What a person presses in Dagster's pages does what the page says, in a real browser."""

import contextlib
import shutil
import sys
from pathlib import Path

import pytest

try:
    from playwright.sync_api import TimeoutError  # noqa: A004 (its own)
except ImportError:
    TimeoutError = None  # noqa: A001 (the fixture `browser` skips)

sys.path.insert(0, str(Path(__file__).parent))
from dagster_process import DagsterProcess

#: Without sensors, so that nothing happens but what is pressed.
DEFINITIONS = """
import dagster as dg
from lc_pipeline.pipeline.definitions import build_defs

@dg.definitions
def defs():
    full = build_defs({survey!r})
    return dg.Definitions(
        assets=full.assets, asset_checks=full.asset_checks, jobs=full.jobs,
        resources=full.resources, executor=dg.in_process_executor,
    )
"""

GROUPS = {
    "landing": ("source_catalogs", "survey_settings", "reference_catalog"),
    "store": ("epoch_lightcurves", "object_lightcurves"),
    "analysis": ("coverage", "zero_points"),
}
N_EPOCHS = 12
PATIENCE = 120_000
"""Milliseconds: pages wait for runs, and machines are busy."""


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE)
    return page


@pytest.fixture
def dagster(tmp_path, project):
    survey = tmp_path / "ey_uma"
    (survey / "epochs").mkdir(parents=True)
    shutil.copy(project / "data" / "ey_uma" / "survey.toml", survey)
    for number in range(1, N_EPOCHS + 1):
        name = f"ey-uma-{number:03d}R.fits"
        shutil.copy(project / "data" / "ey_uma" / "epochs" / name, survey / "epochs")
    process = DagsterProcess(tmp_path / "dagster", survey, DEFINITIONS)
    yield process
    process.stop()


def see(page, text):
    """Wait until it can be seen."""
    page.get_by_text(text).locator("visible=true").first.wait_for()


def see_in_the_end(page, text):
    """Wait for the run that brings it; not all of a page is renewed by itself."""
    for _ in range(PATIENCE // 10_000):
        with contextlib.suppress(TimeoutError):
            return page.get_by_text(text).locator("visible=true").first.wait_for(timeout=10_000)
        page.reload()
    return see(page, text)


def press_materialize(page, *, is_warned=False):
    page.get_by_role("button", name="Materialize").first.click()
    if is_warned:
        see(page, "upstream assets listed below have not been materialized yet")
        page.get_by_role("button", name="Confirm").click()


def press_and_look(page, label):
    """Open the picture of this name."""
    page.get_by_role("row", name=label).get_by_text("[Show Markdown]").click()
    picture = page.get_by_role("dialog").locator("img")
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def test_light_curves_by_clicking(page, dagster):
    dagster.start()

    for group, assets in GROUPS.items():
        page.goto(f"{dagster.address}/asset-groups?expanded=global@global:{group}")
        for asset in assets:
            see(page, asset)

    page.goto(f"{dagster.address}/assets/reference_catalog")
    press_materialize(page, is_warned=True)
    see_in_the_end(page, "Row count")
    see(page, "right ascension")
    press_and_look(page, "plot of the field")

    page.goto(f"{dagster.address}/assets/epoch_lightcurves?view=partitions")
    see(page, f"Missing ({N_EPOCHS})")
    press_materialize(page, is_warned=True)
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Select a partition").click()
    page.get_by_text("003", exact=True).locator("visible=true").last.click()
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Launch").click()
    see_in_the_end(page, "Materialized (1)")

    press_materialize(page, is_warned=True)
    dialog.get_by_role("button", name="All", exact=True).click()
    dialog.get_by_role("button", name="Launch").click()
    dialog.wait_for(state="hidden")
    page.goto(f"{dagster.address}/assets/epoch_lightcurves?view=partitions")
    see_in_the_end(page, f"Materialized ({N_EPOCHS})")
    page.get_by_text("007", exact=True).locator("visible=true").first.click()
    see(page, "2014-12-30T")
    see(page, "match fraction")
    press_and_look(page, "plot of the matches")

    page.goto(f"{dagster.address}/locations/definitions.py/jobs/publish_and_analyse")
    press_materialize(page)
    see(page, "Launched run")
    for asset, texts in {
        "object_lightcurves": ("v000001", "open in a notebook", "MB/s"),
        "coverage": ("Row count", "objects with a good value"),
        "variability_statistics": ("Row count", "interquartile range"),
    }.items():
        page.goto(f"{dagster.address}/assets/{asset}")
        for text in texts:
            see_in_the_end(page, text)
    press_and_look(page, "plot of iqr against brightness")

    page.goto(f"{dagster.address}/assets/object_lightcurves?view=checks")
    see(page, "stores_agree")
    see(page, "Passed")
