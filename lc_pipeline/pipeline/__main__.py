"""``python -m lc_pipeline.pipeline``: materialise the whole graph once, without the user interface.

The history goes to the Dagster instance of ``DAGSTER_HOME``, where the user interface shows it.
"""

import os
import sys

import dagster as dg

from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.errors import LightcurveError
from lc_pipeline.pipeline.definitions import defs
from lc_pipeline.pipeline.names import EPOCHS, asset_key

#: Tags that make one run of a range of partitions.
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def materialize_all(definitions: dg.Definitions, instance: dg.DagsterInstance) -> list[str]:
    """Ingest all epochs of the landing folder, then make everything else, in this process.

    Returns
    -------
    list of str
        What failed, in words. Epochs that were refused keep nothing else from being made.
    """
    survey = definitions.resources["survey"].config()  # type: ignore[index]
    keys = [files.epoch for files in find_epochs(survey).epochs]
    instance.add_dynamic_partitions(str(EPOCHS.name), keys)
    registered = instance.get_dynamic_partitions(str(EPOCHS.name))
    ingest = dg.AssetSelection.assets(
        asset_key("source_catalogs"), asset_key("reference_catalog"), asset_key("epoch_lightcurves")
    )
    steps: tuple[tuple[dg.AssetSelection, dict[str, str]], ...] = (
        (ingest, {RANGE_START: registered[0], RANGE_END: registered[-1]}),
        (dg.AssetSelection.assets(asset_key("object_lightcurves")).downstream(), {}),
    )
    problems = []
    graph = definitions.resolve_asset_graph()
    job = definitions.resolve_implicit_global_asset_job_def()
    for selection, tags in steps:
        result = job.execute_in_process(
            instance=instance,
            asset_selection=list(selection.resolve(graph)),
            tags=tags,
            raise_on_error=False,
            run_config={"loggers": {"progress": {}}},
        )
        problems += _problems(result)
    return problems


def _problems(result: dg.ExecuteInProcessResult) -> list[str]:
    """What failed in a run: its steps' messages, or the run's own if none of them failed."""
    failures = [event for event in result.all_events if event.is_step_failure]
    if failures:
        return [event.step_failure_data.error_display_string or "" for event in failures]
    if result.success:
        return []
    return [
        error.to_string() if (error := event.job_failure_data.error) else str(event.message)
        for event in result.all_events
        if event.is_failure
    ]


def main() -> None:
    """Materialise everything; exit with 1 if something failed."""
    if not os.environ.get("DAGSTER_HOME"):
        sys.exit("Set DAGSTER_HOME to the folder that has dagster.yaml (an absolute path).")
    try:
        with dg.DagsterInstance.get() as instance:
            problems = materialize_all(defs, instance)
    except LightcurveError as error:
        sys.exit(str(error))
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
