"""Epochs are not forgotten, whatever the sensors see first."""

import dagster as dg
import pytest

from lc_pipeline.pipeline.definitions import build_defs
from lc_pipeline.pipeline.names import EPOCHS, asset_key


def report(instance, asset, epoch=None):
    instance.report_runless_asset_event(dg.AssetMaterialization(asset_key(asset), partition=epoch))


@pytest.mark.parametrize("is_first", [True, False])
def test_epochs_whose_catalogs_were_seen_before_their_partitions_are_taken(project, is_first):
    """The daemon evaluates conditions while the landing sensor's events are being written.

    It may have read the partitions before the sensor added them, and the first of its events
    after that: those do not come again.
    """
    definitions = build_defs(project / "data" / "ey_uma")
    with dg.DagsterInstance.ephemeral() as instance:

        def evaluate(cursor=None):
            return dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)

        if not is_first:
            report(instance, "reference_catalog")
        result = evaluate()
        report(instance, "source_catalogs", "001")
        result = evaluate(result.cursor)
        instance.add_dynamic_partitions(EPOCHS.name, ["001"])
        result = evaluate(result.cursor)
        [requested] = [found.key for found in result.results if not found.true_subset.is_empty]
        assert requested == asset_key("reference_catalog" if is_first else "epoch_lightcurves")
        assert evaluate(result.cursor).total_requested == 0


def test_epochs_that_are_not_reported_yet_wait(project):
    definitions = build_defs(project / "data" / "ey_uma")
    with dg.DagsterInstance.ephemeral() as instance:
        report(instance, "reference_catalog")
        cursor = dg.evaluate_automation_conditions(definitions, instance).cursor
        instance.add_dynamic_partitions(EPOCHS.name, ["001"])
        result = dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)
        assert result.total_requested == 0
