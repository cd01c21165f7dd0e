"""A real webserver and a real daemon, as two services in a folder of their own, for tests.

Their instance is the ``dagster.yaml`` that is shipped, with shorter intervals.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import dagster as dg
import yaml

PROJECT = Path(__file__).parents[2]

#: Where the shipped instance keeps things: here they are kept in DAGSTER_HOME.
PLACES = ("storage", "local_artifact_storage", "compute_logs")

DEFINITIONS = """
from lc_pipeline.pipeline.definitions import build_defs
defs = build_defs({survey!r}, interval_seconds=2, settle_seconds=2.0)
"""

#: What the daemon waits between two looks cannot be configured: up to 30 s.
DAEMON = """
import dagster._daemon.asset_daemon, dagster._daemon.controller, dagster._daemon.sensor
from dagster._daemon.cli import main

if __name__ == "__main__":
    dagster._daemon.controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 2
    dagster._daemon.asset_daemon.MIN_INTERVAL_LOOP_SECONDS = 2
    dagster._daemon.sensor.MIN_INTERVAL_LOOP_TIME = 2
    main()
"""


class DagsterProcess:
    """Start with :meth:`start`, ask with :meth:`graphql`, end with :meth:`stop`."""

    def __init__(self, folder, survey, definitions=DEFINITIONS, *, max_retries=None):
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "dagster.yaml").write_text(_instance(max_retries))
        # Two processes that make the history at the same time spoil it.
        dg.DagsterInstance.from_config(str(self.home)).dispose()
        self.module = folder / "definitions.py"
        self.module.write_text(definitions.format(survey=str(survey)))
        (folder / "daemon.py").write_text(DAEMON)
        self.port = _free_port()
        self.log = folder / "dagster.log"
        self.webserver = self.daemon = None

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self):
        return os.environ | {
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "PYTHONPATH": str(PROJECT),
        }

    def start(self):
        self.start_daemon()
        self.webserver = self._started(
            ["-m", "dagster_webserver", "--host", "127.0.0.1", "--port", str(self.port)]
        )
        self.until(self._answers, "the webserver to answer", 180)
        return self

    def start_daemon(self):
        self.daemon = self._started([str(self.folder / "daemon.py"), "run"])

    def stop_daemon(self):
        _end(self.daemon)

    def power_cut(self):
        """The daemon, its servers of definitions and its runs end at once."""
        os.killpg(self.daemon.pid, signal.SIGKILL)
        self.daemon.wait()

    def _started(self, arguments):
        command = [sys.executable, "-W", "ignore", *arguments]
        command += ["-f", str(self.module), "--log-level", "warning"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # A process started in the background ignores interrupts otherwise.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def _answers(self):
        for process in (self.webserver, self.daemon):
            assert process.poll() is None, self.log.read_text()[-3000:]
        with contextlib.suppress(OSError, urllib.error.URLError, KeyError):
            found = self.graphql("{ assetNodes { id } }")
            return bool(found["assetNodes"])
        return False

    def stop(self):
        for process in filter(None, (self.daemon, self.webserver)):
            _end(process)

    def graphql(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.address}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def until(self, condition, what, seconds=180):
        """Wait until something is so; give what `condition` gave."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.5)
        raise AssertionError(f"waited {seconds} s for {what}\n{self.log.read_text()[-3000:]}")

    def partitions(self, asset="epoch_lightcurves"):
        """Materialised, failed and missing partitions: counts."""
        found = self.graphql(
            """query ($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
            partitionStats { numMaterialized numFailed numPartitions numMaterializing } } } }""",
            key={"path": [asset]},
        )
        return found["assetNodeOrError"]["partitionStats"]

    def materializations(self, asset, limit=1000):
        """Events of an asset, newest first."""
        found = self.graphql(
            """query ($key: AssetKeyInput!, $limit: Int!) { assetOrError(assetKey: $key) {
            ... on Asset { assetMaterializations(limit: $limit) { partition runId timestamp
            metadataEntries { label ... on IntMetadataEntry { intValue }
            ... on TextMetadataEntry { text } ... on BoolMetadataEntry { boolValue } } } } } }""",
            key={"path": [asset]},
            limit=limit,
        )
        return found["assetOrError"].get("assetMaterializations", [])

    def backfills(self):
        found = self.graphql(
            """{ partitionBackfillsOrError { ... on PartitionBackfills { results {
            id status partitionNames numPartitions tags { key value } } } } }"""
        )
        return found["partitionBackfillsOrError"]["results"]

    def runs(self):
        found = self.graphql(
            """{ runsOrError { ... on Runs { results { runId status jobName
            tags { key value } assetSelection { path } } } } }"""
        )
        return found["runsOrError"]["results"]


def _instance(max_retries):
    """The shipped dagster.yaml, in a hurry."""
    settings = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
    for name in PLACES:
        del settings[name]
    settings["run_monitoring"] |= {
        "poll_interval_seconds": 2,
        "free_slots_after_run_end_seconds": 2,
        "start_timeout_seconds": 60,
    }
    settings["run_coordinator"] = {
        "module": "dagster.core.run_coordinator",
        "class": "QueuedRunCoordinator",
        "config": {"dequeue_interval_seconds": 1},
    }
    if max_retries is not None:
        settings["run_retries"]["max_retries"] = max_retries
    return yaml.safe_dump(settings)


def _end(process):
    """As Ctrl-C does; then everything that it has left behind."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
