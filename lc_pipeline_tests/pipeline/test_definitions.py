"""Claims about the definitions as a whole."""

import os
import subprocess
import sys

import dagster as dg
import pytest

from lc_pipeline.pipeline.definitions import build_defs


def test_definitions_can_be_loaded(survey):
    dg.Definitions.validate_loadable(build_defs(survey))


def test_every_asset_explains_itself(definitions):
    graph = definitions.resolve_asset_graph()
    assert {key.to_user_string() for key in graph.get_all_asset_keys()} == {
        "source_catalogs",
        "survey_settings",
        "reference_catalog",
        "epoch_lightcurves",
        "object_lightcurves",
        "coverage",
        "object_statistics",
    }
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.group_name in ("landing", "store", "analysis"), key


def test_jobs_have_the_names_that_people_look_for(definitions):
    names = {job.name for job in definitions.resolve_all_job_defs()}
    assert {"ingest_epochs", "publish_lightcurves", "analyse", "everything", "upkeep"} <= names


def test_every_check_explains_itself(definitions):
    specs = [spec for checks in definitions.asset_checks or () for spec in checks.check_specs]
    assert len(specs) == 7
    assert all(spec.description for spec in specs)


def test_epochs_are_ingested_in_one_run_one_at_a_time(definitions):
    (asset,) = [
        asset
        for asset in definitions.assets or ()
        if isinstance(asset, dg.AssetsDefinition) and asset.key.path[-1] == "epoch_lightcurves"
    ]
    assert asset.backfill_policy == dg.BackfillPolicy.single_run()
    assert asset.op.pool == "epoch_store"


def test_two_surveys_on_one_instance_have_names_of_their_own():
    script = (
        "import lc_pipeline.pipeline.definitions as d;"
        "from lc_pipeline.pipeline.names import EPOCHS;"
        "print(EPOCHS.name,"
        " *sorted(k.to_user_string() for k in d.defs.resolve_asset_graph().get_all_asset_keys()),"
        " *sorted(j.name for j in d.defs.resolve_all_job_defs()))"
    )
    environment = os.environ | {"LC_PIPELINE_PREFIX": "af_vel", "DAGSTER_DISABLE_TELEMETRY": "yes"}
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    names = finished.stdout.split()
    assert names[0] == "af_vel_epochs"
    assert "af_vel/object_lightcurves" in names
    assert all(name.startswith(("af_vel", "__")) for name in names)


@pytest.mark.parametrize("module", ["lc_pipeline", "lc_pipeline.ingest", "lc_pipeline.cli"])
def test_science_and_storage_know_nothing_of_dagster(module):
    script = f"import {module}, sys; sys.exit('dagster' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
