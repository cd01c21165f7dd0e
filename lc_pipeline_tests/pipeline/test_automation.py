"""Claims about sensors, schedules and automation conditions, evaluated in this process."""

import datetime as dt
import shutil

import dagster as dg
import fsspec
import pytest

from lc_pipeline import SurveyConfig
from lc_pipeline.ingest import epoch_storage, ingest, publish
from lc_pipeline.pipeline.definitions import build_defs

KEYS = [f"00{n}" for n in range(1, 7)]


def tick(definitions, name, instance, cursor=None):
    """Evaluate a sensor as the daemon does; apply what it asks for."""
    sensor = definitions.resolve_sensor_def(name)
    context = dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        repository_def=definitions.get_repository_def(),
        resources={"survey": definitions.resources["survey"]},
    )
    found = sensor.evaluate_tick(context)
    for request in found.dynamic_partitions_requests or ():
        instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
    for event in found.asset_events:
        instance.report_runless_asset_event(event)
    return found


def reported(found):
    return [event.partition for event in found.asset_events]


def test_new_files_are_reported_once_in_order_and_registered(definitions, instance):
    first = tick(definitions, "landing", instance)
    assert reported(first) == KEYS
    assert instance.get_dynamic_partitions("epochs") == KEYS
    assert {str(event.asset_key.path[-1]) for event in first.asset_events} == {"source_catalogs"}
    second = tick(definitions, "landing", instance, first.cursor)
    assert reported(second) == []
    assert "6 epochs in" in second.skip_message
    assert "0 new, 0 changed" in second.skip_message


def test_changed_files_are_reported_and_vanished_ones_told(definitions, instance, survey):
    cursor = tick(definitions, "landing", instance).cursor
    (survey / "epochs" / "ey-uma-003R.fits").touch()
    (survey / "epochs" / "ey-uma-005R.fits").unlink()
    found = tick(definitions, "landing", instance, cursor)
    assert reported(found) == ["003"]
    again = tick(definitions, "landing", instance, found.cursor)
    assert reported(again) == []
    assert instance.get_dynamic_partitions("epochs") == KEYS


def test_a_file_that_comes_back_is_reported(definitions, instance, survey):
    path = survey / "epochs" / "ey-uma-005R.fits"
    cursor = tick(definitions, "landing", instance).cursor
    away = survey / "away.fits"
    shutil.move(path, away)
    gone = tick(definitions, "landing", instance, cursor)
    assert "no longer there, and kept in the store: 005" in gone.skip_message
    shutil.move(away, path)
    assert reported(tick(definitions, "landing", instance, gone.cursor)) == ["005"]


def test_files_that_are_being_written_wait(survey, instance):
    patient = build_defs(survey, settle_seconds=3600.0)
    for path in (survey / "epochs").iterdir():
        path.touch()
    first = tick(patient, "landing", instance)
    assert reported(first) == []
    assert "6 being written" in first.skip_message
    growing = survey / "epochs" / "ey-uma-002R.fits"
    growing.write_bytes(growing.read_bytes() + b"\0" * 2880)
    # What has not changed since the last look is complete, whatever the clocks say.
    second = tick(patient, "landing", instance, first.cursor)
    assert reported(second) == ["001", "003", "004", "005", "006"]
    assert reported(tick(patient, "landing", instance, second.cursor)) == ["002"]


def test_a_landing_folder_on_object_storage_is_looked_at(survey, instance):
    bucket = fsspec.filesystem("memory")
    for path in (survey / "epochs").iterdir():
        bucket.pipe(f"/landing/{path.name}", path.read_bytes())
    settings = survey / "survey.toml"
    text = settings.read_text().replace('folder = "epochs"', 'folder = "memory://landing"')
    settings.write_text(text)
    definitions = build_defs(survey, settle_seconds=0.0)
    first = tick(definitions, "landing", instance)
    assert reported(first) == KEYS
    bucket.pipe("/landing/ey-uma-002R.fits", b"another")
    bucket.rm("/landing/ey-uma-005R.fits")
    second = tick(definitions, "landing", instance, first.cursor)
    assert reported(second) == ["002"]


def test_a_lost_memory_is_found_again_in_the_store(definitions, materialized, survey):
    assert reported(tick(definitions, "landing", materialized)) == []
    (survey / "epochs" / "ey-uma-004R.fits").touch()
    assert reported(tick(definitions, "landing", materialized)) == ["004"]


def test_the_cursor_is_a_line_for_people_and_names_what_is_remembered(
    definitions, instance, survey
):
    """Dagster keeps a copy of the cursor with every tick, and shows it."""
    first = tick(definitions, "landing", instance).cursor
    assert first.startswith("6 epochs: ")
    assert len(first) < 40
    assert tick(definitions, "landing", instance, first).cursor == first
    (survey / "epochs" / "ey-uma-002R.fits").touch()
    second = tick(definitions, "landing", instance, first)
    assert second.cursor != first
    # A tick that the daemon did not bring to its end is repeated.
    assert reported(tick(definitions, "landing", instance, first)) == ["002"]
    third = tick(definitions, "landing", instance, second.cursor)
    assert reported(third) == []
    # What is named is not there: an instance of its own, a cursor typed by hand.
    assert reported(tick(definitions, "landing", instance, "7 epochs: 0123 in a")) == KEYS


def test_looks_that_find_nothing_leave_no_log(definitions, instance, capsys):
    cursor = tick(definitions, "landing", instance).cursor
    assert "6 new" in capsys.readouterr().err
    tick(definitions, "landing", instance, cursor)
    assert capsys.readouterr().err == ""


def test_a_broken_survey_file_is_a_skip_with_its_message(definitions, instance, survey):
    (survey / "survey.toml").write_text("[survey]\nname = 1\n")
    for name in ("landing", "reprocessing"):
        assert "survey.toml" in tick(definitions, name, instance).skip_message


def test_many_files_are_reported_in_portions(definitions, instance, monkeypatch):
    monkeypatch.setattr("lc_pipeline.pipeline.sensors.MOST_REPORTS", 4)
    first = tick(definitions, "landing", instance)
    assert reported(first) == KEYS[:4]
    second = tick(definitions, "landing", instance, first.cursor)
    assert reported(second) == KEYS[4:]
    assert reported(tick(definitions, "landing", instance, second.cursor)) == []


def narrower(survey):
    path = survey / "survey.toml"
    path.write_text(path.read_text().replace("radius_arcsec = 2.0", "radius_arcsec = 1.5"))


def test_changed_settings_are_reported_for_the_stale_epochs_only(definitions, materialized, survey):
    nothing = tick(definitions, "reprocessing", materialized)
    assert nothing.skip_message == "0 epochs are stale"
    narrower(survey)
    # One epoch is done already.
    ingest(SurveyConfig.read(survey), ["002"])
    stale = [key for key in KEYS if key != "002"]
    first = tick(definitions, "reprocessing", materialized, nothing.cursor)
    assert "waiting whether the settings stay: 5 epochs are stale" in first.skip_message
    second = tick(definitions, "reprocessing", materialized, first.cursor)
    assert reported(second) == stale
    assert {str(event.asset_key.path[-1]) for event in second.asset_events} == {"survey_settings"}
    third = tick(definitions, "reprocessing", materialized, second.cursor)
    assert reported(third) == []


def test_added_objects_make_epochs_stale(definitions, materialized, survey):
    from lc_pipeline import ReferenceCatalog  # noqa: PLC0415

    cursor = tick(definitions, "reprocessing", materialized).cursor
    epoch_storage(SurveyConfig.read(survey)).append_objects(
        ReferenceCatalog(key=["new"], ra=[135.6], dec=[49.8])
    )
    cursor = tick(definitions, "reprocessing", materialized, cursor).cursor
    assert reported(tick(definitions, "reprocessing", materialized, cursor)) == KEYS


def test_a_dry_run_says_what_it_would_do(survey, materialized):
    dry = build_defs(survey, reprocessing="report")
    narrower(survey)
    cursor = tick(dry, "reprocessing", materialized).cursor
    found = tick(dry, "reprocessing", materialized, cursor)
    assert reported(found) == []
    assert found.skip_message.startswith("dry run: 6 epochs are stale")
    assert not [
        sensor.name
        for sensor in build_defs(survey, reprocessing="off").sensors
        if sensor.name == "reprocessing"
    ]
    with pytest.raises(ValueError, match="expected one of launch, report, off; got 'Report'"):
        build_defs(survey, reprocessing="Report")


def test_the_night_is_skipped_when_nothing_is_new(definitions, materialized, survey):
    nightly = definitions.resolve_schedule_def("nightly")

    def evaluate():
        context = dg.build_schedule_context(
            instance=materialized,
            scheduled_execution_time=dt.datetime(2026, 1, 1, 7, tzinfo=dt.UTC),
            repository_def=definitions.get_repository_def(),
            resources={"survey": definitions.resources["survey"]},
        )
        return nightly.evaluate_tick(context)

    assert "nothing new: version v000001 has all 6 epochs" in evaluate().skip_message
    ingest(SurveyConfig.read(survey), ["001"], force=True)
    (request,) = evaluate().run_requests
    assert request.run_key.startswith("publish ")
    publish(SurveyConfig.read(survey))
    assert "nothing new: version v000002" in evaluate().skip_message


def test_schedules_keep_the_time_zone(survey):
    in_chile = build_defs(survey, time_zone="America/Santiago")
    assert {
        in_chile.resolve_schedule_def(name).execution_timezone
        for name in ("nightly", "weekly_upkeep")
    } == {"America/Santiago"}


def evaluate(definitions, instance, cursor=None):
    found = dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)
    requested = {
        result.key.path[-1]: found.get_requested_partitions(result.key)
        for result in found.results
        if isinstance(result.key, dg.AssetKey)
    }
    wanted = {name: sorted(filter(None, keys)) for name, keys in requested.items() if keys}
    return wanted, found.cursor


def test_the_first_evaluation_takes_what_arrived_before_it(definitions, instance):
    tick(definitions, "landing", instance)
    wanted, evaluated = evaluate(definitions, instance)
    assert wanted == {"reference_catalog": []}
    instance.report_runless_asset_event(dg.AssetMaterialization("reference_catalog"))
    wanted, _ = evaluate(definitions, instance, evaluated)
    assert wanted == {"epoch_lightcurves": KEYS}


def test_what_arrives_is_asked_for_and_nothing_else(definitions, materialized, survey):
    cursor = tick(definitions, "landing", materialized).cursor
    _, evaluated = evaluate(definitions, materialized)
    wanted, evaluated = evaluate(definitions, materialized, evaluated)
    assert wanted == {}
    (survey / "epochs" / "ey-uma-003R.fits").touch()
    shutil.copy(survey / "epochs" / "ey-uma-006R.fits", survey / "epochs" / "ey-uma-007R.fits")
    assert reported(tick(definitions, "landing", materialized, cursor)) == ["003", "007"]
    wanted, evaluated = evaluate(definitions, materialized, evaluated)
    assert wanted == {"epoch_lightcurves": ["003", "007"]}


def test_light_curves_are_published_without_the_epochs_that_failed(definitions, materialized):
    _, evaluated = evaluate(definitions, materialized)
    materialized.add_dynamic_partitions("epochs", ["failed"])
    materialized.report_runless_asset_event(
        dg.AssetMaterialization("epoch_lightcurves", partition="003")
    )
    wanted, _ = evaluate(definitions, materialized, evaluated)
    assert "object_lightcurves" in wanted


def test_every_morning_it_is_looked_whether_all_is_published(survey, instance):
    definitions = build_defs(survey, time_zone="America/Santiago")
    is_published = dg.AssetCheckKey(dg.AssetKey("object_lightcurves"), "up_to_date")

    def asked(hour, minute, cursor=None):
        when = dt.datetime(2026, 1, 1, hour, minute, tzinfo=dt.timezone(dt.timedelta(hours=-3)))
        found = dg.evaluate_automation_conditions(
            definitions, instance, evaluation_time=when, cursor=cursor
        )
        keys = [result.key for result in found.results if not result.true_subset.is_empty]
        return is_published in keys, found.cursor

    _, nothing_there = asked(7, 59)
    assert not asked(8, 1, nothing_there)[0]
    instance.report_runless_asset_event(dg.AssetMaterialization("object_lightcurves"))
    is_asked, cursor = asked(7, 59)
    assert not is_asked
    is_asked, cursor = asked(8, 1, cursor)
    assert is_asked
    assert not asked(8, 2, cursor)[0]


def test_the_hook_is_called_with_the_message_of_a_failed_run(survey, instance):
    called = []
    definitions = build_defs(survey, notify=lambda run, message: called.append((run, message)))
    (survey / "survey.toml").write_text("[survey]\nname = 1\n")
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey("reference_catalog")],
        raise_on_error=False,
    )
    (failure,) = [event for event in result.all_events if event.is_job_event and event.is_failure]
    context = dg.build_run_status_sensor_context(
        sensor_name="on_failure",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=failure,
    ).for_run_failure()
    definitions.resolve_sensor_def("on_failure")(context)
    ((run, message),) = called
    assert run.run_id == result.run_id
    assert "reference_catalog" in message


@pytest.mark.parametrize("error", [OSError("away"), "cause"])
def test_what_may_pass_is_tried_again_later_and_later(error):
    from lc_pipeline.errors import StorageError  # noqa: PLC0415
    from lc_pipeline.pipeline.retrying import patiently  # noqa: PLC0415

    if error == "cause":
        error = StorageError("cannot be read")
        error.__cause__ = OSError("away")
    delays = []
    for n_tried in range(3):
        with pytest.raises(dg.RetryRequested) as raised, patiently(n_tried):
            raise error
        delays.append(raised.value.seconds_to_wait)
    assert delays == [10, 20, 40]


def test_what_cannot_pass_fails_at_once_with_its_message():
    from lc_pipeline.errors import CatalogError  # noqa: PLC0415
    from lc_pipeline.pipeline.retrying import patiently  # noqa: PLC0415

    with pytest.raises(dg.Failure, match=r"bad\.fits: has no column") as raised, patiently(0):
        raise CatalogError("bad.fits", "has no column")
    assert not raised.value.allow_retries
