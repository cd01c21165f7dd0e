"""Claims about the assets, their IO managers and their checks, in one process."""

import os
from pathlib import Path

import dagster as dg
import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray as xr
from astropy.table import Table

from lc_pipeline import LightcurveStorage, SurveyConfig
from lc_pipeline.analyse import TABLES, analyse, read_result
from lc_pipeline.analysis.blocks import map_blocks
from lc_pipeline.ingest import epoch_storage, object_storage
from lc_pipeline.pipeline.__main__ import RANGE_END, RANGE_START, materialize_all
from lc_pipeline.pipeline.definitions import build_defs
from lc_pipeline.pipeline.io_managers import TableIOManager
from lc_pipeline.pipeline.resources import DaskResource, SurveyResource
from lc_pipeline.pipeline.working import at_work

EPOCHS = dg.AssetKey("epoch_lightcurves")
OBJECTS = dg.AssetKey("object_lightcurves")


def run(definitions, instance, *assets, config=None, partitions=(), **tags):
    """Materialise assets in this process; give the result."""
    job = definitions.resolve_implicit_global_asset_job_def()
    if partitions:
        tags |= {RANGE_START: partitions[0], RANGE_END: partitions[-1]}
    return job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(name) for name in assets],
        tags=tags,
        raise_on_error=False,
        run_config=({"ops": {"epoch_lightcurves": {"config": config}}} if config else {}),
    )


def latest(instance, name, partition=None):
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(
            dg.AssetKey(name), asset_partitions=[partition] if partition else None
        ),
        limit=1,
    ).records
    return records[0].asset_materialization


def said(instance, name, partition=None):
    """Metadata of the latest materialisation, as plain values."""
    return {key: value.value for key, value in latest(instance, name, partition).metadata.items()}


def check(instance, asset, name):
    (record,) = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey(asset), name), limit=1
    )
    return record.event.dagster_event.event_specific_data


def break_epoch(survey, key):
    """Cut a catalogue short; give its contents."""
    (path,) = (survey / "epochs").glob(f"*{key}R.fits")
    contents = path.read_bytes()
    path.write_bytes(b"")
    return path, contents


def test_everything_is_made_and_every_epoch_is_a_partition(materialized, survey):
    assert materialized.get_materialized_partitions(EPOCHS) == {f"00{n}" for n in range(1, 7)}
    stored = object_storage(SurveyConfig.read(survey))
    assert stored.epoch_keys == [f"00{n}" for n in range(1, 7)]
    epoch = said(materialized, "epoch_lightcurves", "003")
    assert epoch["sources"] == epoch["matched"] == 41
    assert epoch["match fraction"] == 1.0
    assert epoch["time"].startswith("2014-12-30T")
    assert "ey-uma-003R.fits" in epoch["files"]
    assert "LightcurveStorage(" in epoch["open in a notebook"]
    assert epoch["plot of the matches"].startswith("![](data:image/png;base64,")
    assert "shift of R against 001 (mag)" in epoch
    assert epoch["MB/s"] > 0
    published = said(materialized, "object_lightcurves")
    assert (published["version"], published["epochs"], published["objects"]) == ("v000001", 6, 41)
    assert said(materialized, "coverage")["dagster/row_count"] == 6
    assert said(materialized, "variability_statistics")["dagster/row_count"] == 41
    assert said(materialized, "zero_points")["dagster/row_count"] == 6
    assert said(materialized, "survey_report")["report"].endswith("store/report.html")
    assert said(materialized, "reference_catalog")["objects"] == 41


@pytest.mark.usefixtures("materialized")
def test_the_command_line_finds_what_dagster_made_up_to_date(survey):
    """The same steps by the same settings of the same light curves: there is nothing to do."""
    config = SurveyConfig.read(survey)
    by_dagster = {name: read_result(config, name) for name in TABLES}
    assert {outcome.status for outcome in analyse(config, TABLES)} == {"unchanged"}
    list(analyse(config, TABLES, force=True))
    for name, result in by_dagster.items():
        table, again = (
            getattr(each, "zero_points", each) for each in (result, read_result(config, name))
        )
        assert table.colnames == again.colnames
        for column in table.colnames:
            np.testing.assert_array_equal(table[column], again[column], err_msg=f"{name}: {column}")


def test_the_zero_point_preview_is_the_median_shift_of_the_magnitudes(materialized, survey):
    magnitudes = epoch_storage(SurveyConfig.read(survey)).lightcurves.sel(
        measurement="R", value="mag"
    )
    expected = np.nanmedian(magnitudes.sel(epoch="004").values - magnitudes.sel(epoch="001").values)
    shift = said(materialized, "epoch_lightcurves", "004")["shift of R against 001 (mag)"]
    assert shift == pytest.approx(float(expected), abs=1e-5)


def test_a_refused_catalogue_fails_its_partition_and_nothing_else(definitions, instance, survey):
    path, contents = break_epoch(survey, "004")
    problems = materialize_all(definitions, instance)
    assert len(problems) == 1
    assert "ey-uma-004R.fits: is empty (0 bytes)" in problems[0]
    assert instance.get_materialized_partitions(EPOCHS) == {f"00{n}" for n in (1, 2, 3, 5, 6)}
    (observation,) = instance.fetch_observations(
        dg.AssetRecordsFilter(EPOCHS, asset_partitions=["004"]), limit=10
    ).records
    assert "is empty" in observation.asset_observation.metadata["refused"].value
    usable = check(instance, "epoch_lightcurves", "catalogs_usable")
    assert not usable.passed
    assert "ey-uma-004R.fits: is empty" in usable.description
    for name in ("match_fraction", "astrometric_offset", "epoch_times"):
        assert check(instance, "epoch_lightcurves", name).passed, name
    assert said(instance, "object_lightcurves")["epochs"] == 5

    path.write_bytes(contents)
    result = run(definitions, instance, "epoch_lightcurves", partitions=["004"])
    assert result.success
    assert "004" in instance.get_materialized_partitions(EPOCHS)


def test_a_run_that_dies_has_told_of_the_epochs_that_it_committed(
    definitions, materialized, monkeypatch
):
    """What is committed when the power goes is materialised for Dagster, too."""
    from lc_pipeline.pipeline import io_managers  # noqa: PLC0415

    class PowerCutError(BaseException):
        pass

    looked_at = []

    def look(storage, epoch, *, with_plot):
        del storage, with_plot
        looked_at.append(epoch)
        if len(looked_at) == 4:
            raise PowerCutError
        return {"this run": True}

    monkeypatch.setattr(io_managers.words, "look_at_epoch", look)
    keys = [f"00{n}" for n in range(1, 7)]
    config = {"force": True}
    result = run(definitions, materialized, "epoch_lightcurves", partitions=keys, config=config)
    assert not result.success
    told = [key for key in keys if "this run" in said(materialized, "epoch_lightcurves", key)]
    assert told == keys[:3]


def test_unchanged_epochs_are_passed_over_unless_forced(definitions, materialized, survey):
    storage = epoch_storage(SurveyConfig.read(survey))
    assert storage.snapshot.n_rows == 6
    assert run(definitions, materialized, "epoch_lightcurves", partitions=["002"]).success
    assert storage.load_storage().snapshot.n_rows == 6
    assert said(materialized, "epoch_lightcurves", "002")["is new"] is False
    force = {"force": True}
    assert run(
        definitions, materialized, "epoch_lightcurves", partitions=["002"], config=force
    ).success
    assert storage.load_storage().snapshot.n_rows == 7


def test_a_run_with_another_radius_leaves_the_epoch_due_for_reprocessing(
    definitions, materialized, survey
):
    from lc_pipeline.ingest import stale_epochs  # noqa: PLC0415

    config = SurveyConfig.read(survey)
    assert stale_epochs(config) == {}
    narrow = {"match_radius_arcsec": 0.001}
    run(definitions, materialized, "epoch_lightcurves", partitions=["002"], config=narrow)
    assert said(materialized, "epoch_lightcurves", "002")["matched"] < 41
    assert list(stale_epochs(config)) == ["002"]
    few = check(materialized, "epoch_lightcurves", "match_fraction")
    assert not few.passed
    assert few.description.startswith("002:")


@pytest.mark.parametrize("bad", [{"workers": 0}, {"match_radius_arcsec": -1.0}])
def test_run_configuration_is_checked(definitions, materialized, bad):
    result = run(definitions, materialized, "epoch_lightcurves", partitions=["002"], config=bad)
    assert not result.success


def test_workers_give_the_same_store(definitions, materialized, survey):
    storage = epoch_storage(SurveyConfig.read(survey))
    before = storage.lightcurves.values
    keys = [f"00{n}" for n in range(1, 7)]
    config = {"force": True, "workers": 2}
    assert run(
        definitions, materialized, "epoch_lightcurves", partitions=keys, config=config
    ).success
    storage.load_storage()
    assert storage.snapshot.n_rows == 12
    np.testing.assert_array_equal(storage.lightcurves.values, before)


def test_publishing_what_is_published_changes_nothing(definitions, materialized, survey):
    before = latest(materialized, "object_lightcurves")
    assert run(definitions, materialized, "object_lightcurves").success
    after = latest(materialized, "object_lightcurves")
    assert after.metadata["is new"].value is False
    assert after.tags["dagster/data_version"] == before.tags["dagster/data_version"]
    assert object_storage(SurveyConfig.read(survey)).versions == ["v000001"]


def test_what_is_published_by_hand_is_known_to_the_pipeline(definitions, materialized, survey):
    """The store is the truth, whoever wrote it."""
    config = SurveyConfig.read(survey)
    epoch_storage(config).remove_epoch("006")
    epoch_storage(config).rechunk_to_object_optimized(
        object_storage(config).location.path, progress=False
    )
    assert run(definitions, materialized, "object_lightcurves").success
    told = said(materialized, "object_lightcurves")
    assert (told["is new"], told["version"], told["epochs"]) == (False, "v000002", 5)


def test_tables_say_their_units_and_how_to_open_them(materialized, survey):
    told = said(materialized, "variability_statistics")
    path = survey / "store" / "tables" / "variability_statistics.parquet"
    assert told["seconds"] > 0
    field = pq.read_schema(path).field("median_R")
    assert field.metadata[b"unit"] == b"mag"
    assert field.metadata[b"description"]
    lines = told["open in a notebook"].removeprefix("```python\n").removesuffix("```")
    # They were made in another folder, and copied here.
    lines = lines.replace(str(told["file"]), str(path))
    names = {}
    exec(lines, names)  # noqa: S102 (it is what people paste)
    assert len(names["table"]) == told["dagster/row_count"]
    assert str(names["table"]["median_R"].unit) == "mag"


def test_the_path_of_a_table_can_be_used_anywhere(materialized, survey, monkeypatch):
    monkeypatch.chdir(survey.parent)
    definitions = build_defs(survey.name)
    assert run(definitions, materialized, "coverage").success
    assert Path(said(materialized, "coverage")["file"]).is_absolute()


def test_tables_may_be_kept_at_a_url(materialized, survey):
    given = {}

    @dg.asset
    def of_a_table(variability_statistics: Table) -> None:
        given["table"] = variability_statistics

    tables = TableIOManager(survey=SurveyResource(path=str(survey)), folder="memory://tables")
    definitions = build_defs(survey, assets=[of_a_table], resources={"table_io": tables})
    made = ("zero_points", "error_model", "variability_statistics", "of_a_table")
    assert run(definitions, materialized, *made).success
    place = "memory://tables/variability_statistics.parquet"
    assert said(materialized, "variability_statistics")["file"] == place
    assert fsspec.filesystem("memory").exists("/tables/variability_statistics.parquet")
    assert str(given["table"]["std_R"].unit) == "mag"


def test_a_file_server_that_comes_back_is_no_reason_to_fail(definitions, materialized, monkeypatch):
    from lc_pipeline.ingest import EpochIngest  # noqa: PLC0415

    monkeypatch.setattr("lc_pipeline.pipeline.retrying.FIRST_DELAY_SECONDS", 0)
    tried = []
    run_it = EpochIngest.run

    def run_at_last(self):
        tried.append(self.epochs)
        if len(tried) < 3:
            raise OSError("the file server is away")
        return run_it(self)

    monkeypatch.setattr(EpochIngest, "run", run_at_last)
    result = run(definitions, materialized, "epoch_lightcurves", partitions=["002"])
    assert result.success
    assert len(tried) == 3


def of_this_process(_block):
    return os.getpid()


def test_work_goes_to_a_cluster_that_is_there(materialized, survey):
    from distributed import LocalCluster  # noqa: PLC0415

    workers = []

    @dg.asset
    def heavy(
        context: dg.AssetExecutionContext, dask: DaskResource, object_lightcurves: xr.Dataset
    ) -> None:
        with at_work(context, dask):
            workers.extend(map_blocks(of_this_process, object_lightcurves, block_values=100))

    keys = [f"00{n}" for n in range(1, 7)]
    storage = epoch_storage(SurveyConfig.read(survey))
    before = storage.lightcurves.values
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        there = DaskResource(address=cluster.scheduler_address)
        definitions = build_defs(survey, assets=[heavy], resources={"dask": there})
        config = {"force": True}
        assert run(
            definitions, materialized, "epoch_lightcurves", partitions=keys, config=config
        ).success
        assert run(definitions, materialized, "heavy").success
    # Epochs that are done side by side take no time of their own.
    assert "seconds" not in said(materialized, "epoch_lightcurves", "002")
    storage.load_storage()
    assert storage.snapshot.n_rows == 12
    np.testing.assert_array_equal(storage.lightcurves.values, before)
    assert len(workers) > 1
    assert os.getpid() not in workers


def test_downstream_assets_are_given_lazy_xarray(materialized, survey):
    given = {}

    @dg.asset
    def of_all(epoch_lightcurves: xr.Dataset, object_lightcurves: xr.Dataset) -> None:
        given["all"], given["objects"] = epoch_lightcurves, object_lightcurves

    @dg.asset(
        ins={"object_lightcurves": dg.AssetIn(metadata={"chunks": {"object": 10}})},
    )
    def in_chunks(object_lightcurves: xr.Dataset) -> None:
        given["chunked"] = object_lightcurves

    @dg.asset
    def itself(object_lightcurves: LightcurveStorage) -> None:
        given["storage"] = object_lightcurves

    @dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name="epochs"))
    def of_some(epoch_lightcurves: xr.Dataset) -> None:
        given["some"] = epoch_lightcurves

    @dg.asset
    def of_a_table(variability_statistics: Table) -> None:
        given["table"] = variability_statistics

    own = [of_all, in_chunks, itself, of_some, of_a_table]
    with_own = build_defs(survey, assets=own)
    assert run(with_own, materialized, "of_all", "in_chunks", "itself", "of_a_table").success
    assert run(with_own, materialized, "of_some", partitions=["002", "004"]).success
    dims = ("object", "measurement", "value", "epoch")
    assert given["all"].lightcurves.dims == given["objects"].lightcurves.dims == dims
    assert given["all"].layout == "epoch"
    assert given["objects"].layout == "object"
    assert not given["objects"].lightcurves._in_memory
    np.testing.assert_array_equal(given["all"].lightcurves, given["objects"].lightcurves)
    assert given["some"].epoch.values.tolist() == ["002", "003", "004"]
    assert given["chunked"].lightcurves.chunksizes["object"][0] == 10
    assert given["storage"].layout == "object"
    assert len(given["table"]) == 41


def test_epochs_without_light_curves_are_left_out_of_an_input(materialized, survey):
    given = {}

    @dg.asset
    def of_all(epoch_lightcurves: xr.Dataset) -> None:
        given["epochs"] = epoch_lightcurves.epoch.values.tolist()

    materialized.add_dynamic_partitions("epochs", ["099"])
    result = run(build_defs(survey, assets=[of_all]), materialized, "of_all")
    assert result.success
    assert given["epochs"] == [f"00{n}" for n in range(1, 7)]


def test_a_notebook_loads_light_curves_by_the_asset(definitions, materialized):
    objects = definitions.load_asset_value(OBJECTS, instance=materialized)
    assert objects.sizes["epoch"] == 6
    one = definitions.load_asset_value(EPOCHS, instance=materialized, partition_key="002")
    assert one.epoch.values.tolist() == ["002"]


def test_checks_pass_on_good_data_and_fail_on_bad(definitions, materialized, survey):
    names = {
        "epoch_lightcurves": (
            "catalogs_usable",
            "match_fraction",
            "duplicated_keys",
            "astrometric_offset",
            "epoch_times",
            "measurements_present",
        ),
        "object_lightcurves": ("stores_agree", "up_to_date"),
    }
    for asset, checks in names.items():
        for name in checks:
            assert check(materialized, asset, name).passed, name
    # The same night under another name.
    (survey / "epochs" / "ey-uma-007R.fits").write_bytes(
        (survey / "epochs" / "ey-uma-006R.fits").read_bytes()
    )
    materialized.add_dynamic_partitions("epochs", ["007"])
    assert run(definitions, materialized, "epoch_lightcurves", partitions=["007"]).success
    times = check(materialized, "epoch_lightcurves", "epoch_times")
    assert not times.passed
    assert "the same file as" in times.metadata["findings"].value
    assert times.severity == dg.AssetCheckSeverity.ERROR


def test_stores_that_differ_stop_what_reads_them(definitions, materialized, survey):
    import zarr  # noqa: PLC0415

    config = SurveyConfig.read(survey)
    place = object_storage(config).snapshot.place.path
    array = zarr.open_group(place, mode="r+", use_consolidated=False)["lightcurves"]
    array[:, :, :, 2] = 99.0
    calibration = ("zero_points", "error_model")
    result = run(definitions, materialized, "object_lightcurves", "coverage", *calibration)
    assert not result.success
    differing = check(materialized, "object_lightcurves", "stores_agree")
    assert not differing.passed
    assert differing.description.startswith("003:")
    started = {event.step_key for event in result.all_events if event.is_step_start}
    assert "object_lightcurves" in started
    assert not started & {"coverage", "calibration"}


def test_upkeep_fails_where_a_store_is_damaged(definitions, materialized, survey):
    job = definitions.resolve_job_def("upkeep")
    assert job.execute_in_process(instance=materialized, raise_on_error=False).success
    place = epoch_storage(SurveyConfig.read(survey)).snapshot.place.path / "lightcurves" / "c"
    chunk = next(path for path in sorted(place.rglob("*")) if path.is_file())
    damaged = bytearray(chunk.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    chunk.write_bytes(damaged)
    result = job.execute_in_process(instance=materialized, raise_on_error=False)
    assert not result.success
    assert "001" in str(
        next(e for e in result.all_events if e.is_step_failure).step_failure_data.error
    ) + str([e.message for e in result.all_events])
