"""``python -m benchmarks.partitions``: what Dagster does with many epochs, see docs/dagster.md.

5,000 epochs and 10,000 files by default: the time to load the definitions, of ticks of the sensors,
and of the pages in a browser (playwright and an installed Chromium; left out without them).
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path
from typing import Any

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
warnings.simplefilter("ignore")

import dagster as dg  # noqa: E402 (the filter has to come first)

from lc_pipeline.pipeline.definitions import build_defs  # noqa: E402
from lc_pipeline.pipeline.names import EPOCHS, asset_key  # noqa: E402

SURVEY = """
[survey]
name = "partitions"
[files]
pattern = '(?P<epoch>epoch\\d+)_(?P<measurement>ch\\d)[.]csv'
[[measurements]]
key = "{measurement}"
value = "mag"
error = "magerr"
"""
INSTANCE = "telemetry: {enabled: false}\nnux: {enabled: false}\n"
DEFINITIONS = """
from lc_pipeline.pipeline.definitions import build_defs
defs = build_defs({survey!r})
"""
PAGES = {
    "epoch_lightcurves, Partitions": "/assets/epoch_lightcurves?view=partitions",
    "epoch_lightcurves, Overview": "/assets/epoch_lightcurves?view=overview",
    "lineage of all assets": "/asset-groups",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Measure, and print a line for each thing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5000)
    parser.add_argument("--files-per-epoch", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_survey(folder, options.epochs, options.files_per_epoch)
        said("definitions loaded, a fresh process", load_definitions(folder))
        definitions = build_defs(folder)
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            measure_ticks(definitions, instance, options.epochs)
        measure_pages(folder, options.epochs)


def said(what: str, seconds: float, more: str = "") -> None:
    """Print one measurement."""
    print(f"{what:58s} {seconds:8.2f} s  {more}", flush=True)


def make_survey(folder: Path, n_epochs: int, n_files: int) -> None:
    """Write files that are complete, a survey, and an instance."""
    for epoch in range(n_epochs):
        for channel in range(1, n_files + 1):
            path = folder / f"epoch{epoch:05d}_ch{channel}.csv"
            path.write_text(f"ra,dec,mag,magerr\n10.0,20.0,15.0,0.{epoch:05d}\n")
            os.utime(path, (1e9, 1e9))
    (folder / "survey.toml").write_text(SURVEY)
    (folder / "dagster.yaml").write_text(INSTANCE)
    (folder / "definitions.py").write_text(DEFINITIONS.format(survey=str(folder)))


def load_definitions(folder: Path) -> float:
    """Median seconds of three fresh processes that import the definitions."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, str(folder / "definitions.py")], check=True)
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)[1]


def measure_ticks(definitions: dg.Definitions, instance: dg.DagsterInstance, n_epochs: int) -> None:
    """Landing ticks until nothing is new, then the evaluation of the automation conditions."""
    landing: Any = definitions.resolve_sensor_def("landing")
    cursor = None
    for number in range(2 + n_epochs // 1000):
        started = time.perf_counter()
        context = dg.build_sensor_context(
            instance=instance,
            cursor=cursor,
            repository_def=definitions.get_repository_def(),
            resources={"survey": definitions.resources["survey"]},  # type: ignore[index]
        )
        found = landing.evaluate_tick(context)
        looked = time.perf_counter() - started
        for request in found.dynamic_partitions_requests or ():
            instance.add_dynamic_partitions(
                request.partitions_def_name, list(request.partition_keys)
            )
        for event in found.asset_events:
            instance.report_runless_asset_event(event)
        reported = time.perf_counter() - started - looked
        cursor = found.cursor
        events = len(found.asset_events)
        said(f"landing, look {number + 1}", looked, f"{events} reports in {reported:.1f} s")
    state = None
    for number in range(3):
        started = time.perf_counter()
        result = dg.evaluate_automation_conditions(definitions, instance, cursor=state)
        state = result.cursor
        seconds = time.perf_counter() - started
        said(f"automation, tick {number + 1}", seconds, f"{result.total_requested} asked for")
    started = time.perf_counter()
    for key in instance.get_dynamic_partitions(str(EPOCHS.name)):
        instance.report_runless_asset_event(
            dg.AssetMaterialization(asset_key("epoch_lightcurves"), partition=key)
        )
    said(f"{n_epochs} materialisations reported", time.perf_counter() - started)
    started = time.perf_counter()
    result = dg.evaluate_automation_conditions(definitions, instance, cursor=state)
    said("automation, tick after them", time.perf_counter() - started)


def measure_pages(folder: Path, n_epochs: int) -> None:
    """Start the webserver on this instance, and open pages until they show their contents."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        browser_path = None
    if browser_path is None:
        print("pages: left out, there is no browser")
        return
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "dagster_webserver", "-f", str(folder / "definitions.py")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    environment = os.environ | {"DAGSTER_HOME": str(folder)}
    server = subprocess.Popen(command, env=environment, cwd=folder)
    try:
        wait_for(f"http://127.0.0.1:{port}/server_info")
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(120_000)
            for again in ("first time", "again"):
                for name, path in PAGES.items():
                    started = time.perf_counter()
                    page.goto(f"http://127.0.0.1:{port}{path}", wait_until="networkidle")
                    seconds = time.perf_counter() - started
                    is_counted = f"{n_epochs:,}" in page.inner_text("body")
                    said(f"page: {name}, {again}", seconds, f"all are counted: {is_counted}")
            browser.close()
    finally:
        server.terminate()
        server.wait(30)


def wait_for(address: str) -> None:
    """Wait until a server answers."""
    for _ in range(240):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 (on this machine)
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return
    sys.exit(f"{address} does not answer")


if __name__ == "__main__":
    main()
