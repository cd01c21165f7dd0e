"""What Dagster's pages ask for when one presses Materialize, asked for by GraphQL in one process.

The runs are done here, and the daemon's look at backfills is called, instead of being waited for.
"""

import asyncio
import logging

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster_graphql.schema import create_schema

# A run inside of a request is a loop inside of a loop.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine 'BaseEventLoop:RuntimeWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <coroutine object BaseEventLoop"
        ":pytest.PytestUnraisableExceptionWarning"
    ),
]

INSTANCE = """
telemetry: {enabled: false}
run_launcher:
  module: dagster._core.launcher.sync_in_memory_run_launcher
  class: SyncInMemoryRunLauncher
run_coordinator:
  module: dagster._core.run_coordinator.default_run_coordinator
  class: DefaultRunCoordinator
"""
DEFINITIONS = """
from lc_pipeline.pipeline.definitions import build_defs
defs = build_defs({survey!r})
"""
LAUNCH_RUN = """
mutation ($it: ExecutionParams!) { launchRun(executionParams: $it) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
LAUNCH_BACKFILL = """
mutation ($it: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $it) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
EPOCHS = """
{ assetNodeOrError(assetKey: {path: ["epoch_lightcurves"]}) { ... on AssetNode {
  partitionStats { numMaterialized numFailed numPartitions } } } }
"""


@pytest.fixture
def pages(survey, tmp_path):
    """The instance and the workspace that a webserver would have."""
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(INSTANCE)
    module = tmp_path / "pages.py"
    module.write_text(DEFINITIONS.format(survey=str(survey)))
    target = PythonFileTarget(str(module), None, str(tmp_path), "survey")
    with (
        dg.DagsterInstance.from_config(str(home)) as instance,
        WorkspaceProcessContext(instance, target) as workspace,
    ):
        yield workspace


def ask(pages, query, it=None):
    found = asyncio.run(
        create_schema().execute_async(
            query, context_value=pages.create_request_context(), variable_values={"it": it}
        )
    )
    assert not found.errors
    (answer,) = found.data.values()
    assert answer.get("__typename", "") != "PythonError", answer["message"]
    return answer


def launch(pages, asset, epoch=None):
    selector = {
        "repositoryLocationName": "survey",
        "repositoryName": "__repository__",
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": [asset]}],
    }
    tags = [{"key": "dagster/partition", "value": epoch}] if epoch else []
    answer = ask(
        pages,
        LAUNCH_RUN,
        {
            "selector": selector,
            "runConfigData": {},
            "mode": "default",
            "executionMetadata": {"tags": tags},
        },
    )
    assert pages.instance.get_run_by_id(answer["run"]["runId"]).is_success


def stats(pages):
    found = ask(pages, EPOCHS)["partitionStats"]
    return found["numMaterialized"], found["numFailed"], found["numPartitions"]


def test_one_epoch_and_a_backfill_of_all_by_graphql(pages, survey):
    launch(pages, "reference_catalog")
    launch(pages, "epoch_lightcurves", "003")
    assert stats(pages) == (1, 0, 6)

    (survey / "epochs" / "ey-uma-005R.fits").write_bytes(b"")
    wanted = {"assetSelection": [{"path": ["epoch_lightcurves"]}], "allPartitions": True}
    launched = ask(pages, LAUNCH_BACKFILL, wanted)["backfillId"]
    for _ in range(5):
        list(execute_backfill_iteration(pages, logging.getLogger("backfill")))
        backfill = pages.instance.get_backfill(launched)
        if backfill.status.value.startswith("COMPLETED"):
            break
    assert stats(pages) == (5, 1, 6)
    (run,) = pages.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": launched}))
    assert run.tags["dagster/asset_partition_range_end"] == "006"
