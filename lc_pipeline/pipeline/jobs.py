"""What belongs here: jobs, under the names that a person looks for, and their schedules.

Concept: https://docs.dagster.io/guides/automate/schedules
"""

import dagster as dg

from lc_pipeline.errors import LightcurveError
from lc_pipeline.ingest import epoch_storage, is_published, object_storage
from lc_pipeline.pipeline.names import (
    EPOCH_STORE_POOL,
    OBJECT_STORE_POOL,
    asset_key,
    named,
)
from lc_pipeline.pipeline.resources import SurveyResource
from lc_pipeline.storage.versions import remove_old_versions

_published = dg.AssetSelection.assets(asset_key("object_lightcurves"))

ingest_epochs = dg.define_asset_job(
    named("ingest_epochs"),
    dg.AssetSelection.assets(asset_key("source_catalogs"), asset_key("epoch_lightcurves")),
    description="Ingest the chosen epochs; those that are unchanged are passed over.",
)

publish_lightcurves = dg.define_asset_job(
    named("publish_lightcurves"),
    _published,
    description="Publish what is committed, if there is anything new.",
)

analyse = dg.define_asset_job(
    named("analyse"),
    _published.downstream() - _published,
    description="Everything that is made of the published light curves.",
)

publish_and_analyse = dg.define_asset_job(
    named("publish_and_analyse"),
    _published.downstream(),
    description="Publish what is committed, then everything that is made of it.",
)

everything = dg.define_asset_job(
    named("everything"),
    dg.AssetSelection.all(),
    description="From the catalogue files of the chosen epochs to the tables.",
)


@dg.op(pool=EPOCH_STORE_POOL)
def verify_epoch_store(context: dg.OpExecutionContext, survey: SurveyResource) -> None:
    """Read every epoch back: checksums and counts."""
    _verify(context, epoch_storage(survey.config()).verify())


@dg.op(pool=OBJECT_STORE_POOL, ins={"start": dg.In(dg.Nothing)})
def verify_object_store(context: dg.OpExecutionContext, survey: SurveyResource) -> None:
    """Read all light curves back, and compare them with the epoch store."""
    config = survey.config()
    _verify(context, object_storage(config).verify(epoch_storage(config)))


@dg.op(pool=OBJECT_STORE_POOL, ins={"start": dg.In(dg.Nothing)})
def remove_versions(context: dg.OpExecutionContext, survey: SurveyResource) -> None:
    """Remove versions that nobody should need any more."""
    config = survey.config()
    for storage in (epoch_storage(config), object_storage(config)):
        with storage.location.writer_lock():
            removed = remove_old_versions(storage.location)
        context.log.info(f"{storage.location}: removed {', '.join(removed) or 'nothing'}")


def _verify(context: dg.OpExecutionContext, problems: list[str]) -> None:
    if problems:
        for problem in problems:
            context.log.error(problem)
        raise dg.Failure(f"{len(problems)} faults, the first: {problems[0]}", allow_retries=False)


@dg.job(
    name=named("upkeep"),
    description="Read everything back, and remove old versions.",
)
def upkeep() -> None:
    """Verify first: what is about to be removed may be the last that is whole."""
    remove_versions(verify_object_store(verify_epoch_store()))


def schedules(time_zone: str) -> list[dg.ScheduleDefinition]:
    """Every night what is new, every week a verification."""

    @dg.schedule(
        cron_schedule="0 7 * * *",
        job=publish_and_analyse,
        name=named("nightly"),
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Publish and analyse at 7 in the morning, if there is anything new.",
    )
    def nightly(survey: SurveyResource) -> dg.RunRequest | dg.SkipReason:
        try:
            config = survey.config()
            epochs, objects = epoch_storage(config), object_storage(config)
            if not epochs.is_there:
                return dg.SkipReason(f"nothing was ingested yet: no store at {epochs.location}")
            if is_published(epochs, objects):
                return dg.SkipReason(
                    f"nothing new: version {objects.snapshot.version} has all "
                    f"{len(epochs.epoch_keys)} epochs"
                )
            return dg.RunRequest(run_key=f"publish {epochs.snapshot.digest}")
        except LightcurveError as error:
            return dg.SkipReason(str(error))

    weekly = dg.ScheduleDefinition(
        name=named("weekly_upkeep"),
        cron_schedule="0 12 * * 0",
        job=upkeep,
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Verify the stores and remove old versions, on Sundays at noon.",
    )
    return [nightly, weekly]


JOBS = (ingest_epochs, publish_lightcurves, analyse, publish_and_analyse, everything, upkeep)
