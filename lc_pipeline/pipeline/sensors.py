"""What belongs here: sensors. They look, report what they saw as asset events, and say so.

Concept: https://docs.dagster.io/guides/automate/sensors

The landing sensor reports catalogue files to ``source_catalogs``, the reprocessing sensor stale
epochs to ``survey_settings``. The sensor ``automation`` then asks for a backfill of just these
epochs (see ``automation.py``).
"""

import json
import time
from collections.abc import Callable, Sequence

import dagster as dg

from lc_pipeline.catalogs.landed_files import EpochFiles
from lc_pipeline.catalogs.landing import LandingFolder, find_epochs
from lc_pipeline.errors import LightcurveError
from lc_pipeline.ingest import epoch_storage, stale_epochs
from lc_pipeline.ingest.arrivals import Arrivals, find_arrivals, seen_by_store
from lc_pipeline.pipeline import words
from lc_pipeline.pipeline.cursor import LandingCursor
from lc_pipeline.pipeline.names import EPOCHS, asset_key, named
from lc_pipeline.pipeline.resources import SurveyResource
from lc_pipeline.survey import SurveyConfig

#: Each takes some 15 ms to write down, and the daemon does nothing else meanwhile.
MOST_REPORTS = 1000

DATA_VERSION = "dagster/data_version"

#: Called with the failed run and its message.
Notify = Callable[[dg.DagsterRun, str], None]


def landing_sensor(interval_seconds: int, settle_seconds: float) -> dg.SensorDefinition:
    """Look for new and changed catalogues in the landing folder."""

    @dg.sensor(
        name=named("landing"),
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Reports new and changed catalogue files of the landing folder, once they are "
            f"complete: not written to for {settle_seconds:g} s, or since the last look."
        ),
    )
    def landing(
        context: dg.SensorEvaluationContext, survey: SurveyResource
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            config = survey.config()
            folder = find_epochs(config)
            known = LandingCursor.recall(context.instance, context.cursor or "")
            known = known or LandingCursor(_seen_by_store(config, folder.epochs))
        except LightcurveError as error:
            return dg.SkipReason(str(error))
        found = find_arrivals(
            folder.epochs,
            known.seen,
            waiting=known.waiting,
            now=time.time(),
            settle_seconds=settle_seconds,
        )
        taken = found.arrived[:MOST_REPORTS]
        seen = {key: mark for key, mark in known.seen.items() if key not in found.vanished}
        seen |= {key: found.fingerprints[key] for key in taken}
        said = _in_words(found, folder, len(taken))
        if taken:  # every tick that logs leaves a file
            context.log.info(said)
        for key in found.vanished:
            context.log.warning(f"the files of epoch {key} are gone; its light curves are kept")
        by_key = {files.epoch: files for files in folder.epochs}
        return dg.SensorResult(
            skip_reason=None if taken else said,
            cursor=LandingCursor(seen, dict(found.waiting)).keep(context.instance, context.cursor),
            dynamic_partitions_requests=_registering(
                context.instance, [files.epoch for files in folder.epochs if files.epoch in seen]
            ),
            asset_events=[
                dg.AssetMaterialization(
                    asset_key("source_catalogs"),
                    partition=key,
                    metadata=words.about_files(by_key[key]),
                    tags={DATA_VERSION: found.fingerprints[key]},
                )
                for key in taken
            ],
        )

    return landing


def reprocessing_sensor(interval_seconds: int, *, is_dry_run: bool) -> dg.SensorDefinition:
    """Look for epochs that were ingested with other settings or another reference."""

    @dg.sensor(
        name=named("reprocessing"),
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Reports epochs that were ingested with other settings, rules or objects than are "
            "valid now, once survey.toml has stayed the same for two looks."
            + (" Dry run: says which, and does nothing." if is_dry_run else "")
        ),
    )
    def reprocessing(
        context: dg.SensorEvaluationContext, survey: SurveyResource
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            config = survey.config()
            stale = stale_epochs(config)
            n_objects = epoch_storage(config).snapshot.n_objects if stale else 0
        except LightcurveError as error:
            return dg.SkipReason(str(error))
        now = f"{config.fingerprint} {n_objects}"
        before = json.loads(context.cursor or "{}")
        reported: dict[str, str] = before.get("reported", {})
        todo = sorted(key for key in stale if reported.get(key) != now)
        reported = {key: mark for key, mark in reported.items() if key in stale}
        said = f"{len(stale)} epochs are stale" + (
            f" ({stale[todo[0]]}): {', '.join(todo[:5])}{', ...' if len(todo) > 5 else ''}"  # noqa: PLR2004
            if todo
            else f", all of them reported for {now}"
            if stale
            else ""
        )
        is_settled = before.get("looked") == now
        if not todo or not is_settled or is_dry_run:
            reason = "dry run: " if is_dry_run and todo else ""
            reason += "" if is_settled or not todo else "waiting whether the settings stay: "
            return dg.SensorResult(
                skip_reason=reason + said, cursor=json.dumps({"looked": now, "reported": reported})
            )
        todo = todo[:MOST_REPORTS]
        reported |= dict.fromkeys(todo, now)
        return dg.SensorResult(
            cursor=json.dumps({"looked": now, "reported": reported}),
            dynamic_partitions_requests=_registering(context.instance, todo),
            asset_events=[
                dg.AssetMaterialization(
                    asset_key("survey_settings"),
                    partition=key,
                    metadata={"reason": stale[key], "settings": config.fingerprint},
                    tags={DATA_VERSION: config.fingerprint},
                )
                for key in todo
            ],
        )

    return reprocessing


def automation_sensor(interval_seconds: int) -> dg.AutomationConditionSensorDefinition:
    """Act on the assets' automation conditions."""
    return dg.AutomationConditionSensorDefinition(
        named("automation"),
        target=dg.AssetSelection.all(),
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts backfills of reported epochs, publishes, and analyses.",
    )


def failure_sensor(notify: Notify | None) -> dg.SensorDefinition:
    """Tell somebody when a run fails."""

    @dg.run_failure_sensor(
        name=named("on_failure"),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Logs a failed run, and calls the hook given to build_defs.",
    )
    def on_failure(context: dg.RunFailureSensorContext) -> None:
        message = context.failure_event.message or "no message"
        context.log.error(f"{context.dagster_run.job_name} failed: {message}")
        if notify:
            notify(context.dagster_run, message)

    return on_failure


def _in_words(found: Arrivals, folder: LandingFolder, n_taken: int) -> str:
    """What one look at the landing folder found."""
    said = [
        (
            f"{len(folder.epochs)} epochs in {folder.folder}: {len(found.new)} new, "
            f"{len(found.changed)} changed, {len(found.waiting)} being written"
        )
    ]
    if left := len(found.arrived) - n_taken:
        said.append(f"{left} are reported at the next look")
    for what, names in (
        ("no longer there, and kept in the store", found.vanished),
        ("not matched by files.pattern", folder.unmatched),
    ):
        if names:
            said.append(f"{what}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}")  # noqa: PLR2004
    return "; ".join(said)


def _registering(
    instance: dg.DagsterInstance, keys: Sequence[str]
) -> list[dg.AddDynamicPartitionsRequest]:
    """Ask for the epochs that are no partitions yet to become some."""
    registered = set(instance.get_dynamic_partitions(str(EPOCHS.name)))
    new = [key for key in keys if key not in registered]
    return [EPOCHS.build_add_request(new)] if new else []


def _seen_by_store(config: SurveyConfig, epochs: Sequence[EpochFiles]) -> dict[str, str]:
    storage = epoch_storage(config)
    return seen_by_store(epochs, storage.epoch_records) if storage.is_there else {}
