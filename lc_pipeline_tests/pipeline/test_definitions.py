"""Claims about the definitions as a whole."""

import datetime as dt
import os
import subprocess
import sys

import dagster as dg
import pytest

from lc_pipeline.pipeline.definitions import build_defs, number_from


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
        "zero_points",
        "error_model",
        "variability_statistics",
        "periods",
        "variable_candidates",
        "survey_report",
    }
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.tags.get("kept"), key
        assert node.group_name in ("landing", "store", "analysis"), key


def test_jobs_have_the_names_that_people_look_for(definitions):
    names = {job.name for job in definitions.resolve_all_job_defs()}
    assert {"ingest_epochs", "publish_lightcurves", "analyse", "everything", "upkeep"} <= names


def test_every_check_explains_itself(definitions):
    specs = [spec for checks in definitions.asset_checks or () for spec in checks.check_specs]
    assert len(specs) == 12
    assert all(spec.description for spec in specs)


def asset_named(definitions, name):
    return definitions.resolve_assets_def(dg.AssetKey(name))


def test_epochs_are_ingested_in_one_run_one_at_a_time(definitions):
    asset = asset_named(definitions, "epoch_lightcurves")
    assert asset.backfill_policy == dg.BackfillPolicy.single_run()
    assert asset.op.pool == "epoch_store"


def test_the_number_of_epochs_in_a_run_can_be_chosen(survey):
    one_each = build_defs(survey, epochs_per_run=1)
    dg.Definitions.validate_loadable(one_each)
    for name in ("source_catalogs", "epoch_lightcurves"):
        asset = asset_named(one_each, name)
        assert asset.backfill_policy == dg.BackfillPolicy.multi_run(max_partitions_per_run=1)
    assert asset.op.pool == "epoch_store"
    assert "catalogs_usable" in {spec.name for spec in asset.check_specs}


def test_light_curves_are_overdue_after_as_many_days_as_one_says(definitions, survey):
    assert asset_named(definitions, "object_lightcurves").specs_by_key
    assert policy_of(definitions) is None
    policy = policy_of(build_defs(survey, fresh_days=2))
    assert policy.fail_window.to_timedelta() == dt.timedelta(days=2)


def policy_of(definitions):
    return definitions.resolve_asset_graph().get(dg.AssetKey("object_lightcurves")).freshness_policy


def test_an_environment_variable_that_is_no_number_is_named(monkeypatch):
    assert number_from("LC_PIPELINE_FRESH_DAYS") is None
    monkeypatch.setenv("LC_PIPELINE_FRESH_DAYS", "1.5")
    assert number_from("LC_PIPELINE_FRESH_DAYS") == 1.5
    monkeypatch.setenv("LC_PIPELINE_FRESH_DAYS", "two")
    with pytest.raises(ValueError, match=r"LC_PIPELINE_FRESH_DAYS: expected a number, got 'two'"):
        number_from("LC_PIPELINE_FRESH_DAYS")


def test_the_stores_show_their_arrays(definitions):
    for name in ("epoch_lightcurves", "object_lightcurves"):
        (spec,) = asset_named(definitions, name).specs
        columns = {c.name: c for c in spec.metadata["dagster/column_schema"].columns}
        assert columns["lightcurves"].type == "float32 [object, measurement, value, epoch]"
        assert columns["separation"].description.endswith("(arcsec)")


def test_loading_the_definitions_imports_nothing_that_is_slow_and_not_needed():
    """They are loaded again by every run."""
    script = (
        "import sys, lc_pipeline.pipeline.definitions;"
        "print([name for name in ('scipy.optimize', 'scipy.stats', 'matplotlib.pyplot',"
        " 'distributed', 'dask.array', 'duckdb', 'IPython') if name in sys.modules])"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


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
