"""A real ``dagster dev``: webserver and daemon, in a folder of its own, for tests."""

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

PROJECT = Path(__file__).parents[2]

INSTANCE = """
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  pools: {default_limit: 1, granularity: op}
  runs: {max_concurrent_runs: 3}
run_monitoring:
  enabled: true
  poll_interval_seconds: 5
  free_slots_after_run_end_seconds: 5
  start_timeout_seconds: 60
run_retries: {enabled: true, max_retries: 5, retry_on_asset_or_op_failure: false}
"""

DEFINITIONS = """
from lc_pipeline.pipeline.definitions import build_defs
defs = build_defs({survey!r}, interval_seconds=5, settle_seconds=2.0)
"""


class DagsterProcess:
    """Start with :meth:`start`, ask with :meth:`graphql`, end with :meth:`stop` or :meth:`kill`."""

    def __init__(self, folder, survey, definitions=DEFINITIONS):
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "dagster.yaml").write_text(INSTANCE)
        self.module = folder / "definitions.py"
        self.module.write_text(definitions.format(survey=str(survey)))
        self.port = _free_port()
        self.log = folder / "dagster.log"
        self.process = None

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
        command = [sys.executable, "-m", "dagster", "dev", "-f", str(self.module)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # A process started in the background ignores interrupts otherwise.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )
        self.until(self._answers, "the webserver to answer", 180)
        return self

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        with contextlib.suppress(OSError, urllib.error.URLError, KeyError):
            found = self.graphql("{ assetNodes { id } }")
            return bool(found["assetNodes"])
        return False

    def stop(self):
        """As Ctrl-C does."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        self.kill()

    def kill(self):
        """Kill all of it at once."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

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
            time.sleep(1)
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


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
