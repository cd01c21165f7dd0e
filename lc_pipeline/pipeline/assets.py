"""What belongs here: the assets from catalogue files to published light curves.

Concept: https://docs.dagster.io/guides/build/assets. Each body says what is to be made; how it is
stored is the IO managers' business.
"""

from collections.abc import Iterator

import dagster as dg
from astropy.table import Table
from pydantic import Field

from lc_pipeline.analysis.plots import plot_reference
from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.ingest import EpochIngest, create_survey_store, epoch_storage
from lc_pipeline.pipeline import automation, words
from lc_pipeline.pipeline.io_managers import CATALOGS_USABLE
from lc_pipeline.pipeline.names import (
    EPOCH_STORE_POOL,
    EPOCHS,
    OBJECT_STORE_POOL,
    OWNERS,
    PREFIX,
    asset_key,
)
from lc_pipeline.pipeline.resources import SurveyResource
from lc_pipeline.pipeline.retrying import patiently
from lc_pipeline.storage import LightcurveStorage

#: Tag that says how an asset is kept: nothing that is append-only or a version is ever rewritten.
KEPT = "kept"


class IngestConfig(dg.Config):
    """What a person may change for one run."""

    force: bool = Field(default=False, description="Ingest epochs that are unchanged as well.")
    workers: int = Field(
        default=1, ge=1, le=256, description="Epochs to read and match at a time, in processes."
    )
    match_radius_arcsec: float | None = Field(
        default=None,
        gt=0,
        description=(
            "Match within this radius, for a test. The epochs count as ingested with other "
            "settings than the survey's, and are due to be ingested again."
        ),
    )


@dg.asset(
    key_prefix=PREFIX,
    owners=OWNERS,
    group_name="landing",
    kinds={"file"},
    tags={KEPT: "by-you"},
    partitions_def=EPOCHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    code_version="1",
)
def source_catalogs(context: dg.AssetExecutionContext, survey: SurveyResource) -> None:
    """The catalogue files of each epoch, as they lie in the landing folder.

    The landing sensor reports new and changed ones here; materialising this by hand does the same
    for the epochs chosen.
    """
    with patiently(context.retry_number):
        landing = {files.epoch: files for files in find_epochs(survey.config()).epochs}
        if absent := [key for key in context.partition_keys if key not in landing]:
            raise dg.Failure(
                f"there are no files in the landing folder for {', '.join(absent)}",
                allow_retries=False,
            )
        for key in context.partition_keys:
            context.add_asset_metadata(words.about_files(landing[key]), partition_key=key)


@dg.asset(
    key_prefix=PREFIX,
    owners=OWNERS,
    group_name="landing",
    kinds={"table", "parquet"},
    tags={KEPT: "append-only"},
    deps=[source_catalogs],
    io_manager_key="table_io",
    automation_condition=automation.once_there_are_catalogs(),
    pool=EPOCH_STORE_POOL,
    code_version="1",
)
def reference_catalog(context: dg.AssetExecutionContext, survey: SurveyResource) -> Table:
    """The objects: every epoch is matched to these.

    Made once, from the survey's reference table or from the epochs themselves, together with the
    empty epoch store. Registers the epochs that are in the landing folder as partitions.
    """
    with patiently(context.retry_number):
        config = survey.config()
        epochs = find_epochs(config).epochs
        context.instance.add_dynamic_partitions(str(EPOCHS.name), [files.epoch for files in epochs])
        storage = epoch_storage(config)
        is_new = not storage.is_there
        if is_new:
            storage = create_survey_store(config, epochs)
    objects = storage.reference.to_table()
    context.add_output_metadata(
        {
            "objects": len(objects),
            "measurements": ", ".join(storage.measurement_keys),
            "is new": is_new,
            "plot of the field": words.picture(plot_reference(objects)),
        }
    )
    return objects


@dg.asset(
    key_prefix=PREFIX,
    owners=OWNERS,
    group_name="store",
    kinds={"zarr", "xarray"},
    tags={KEPT: "append-only"},
    metadata={"dagster/column_schema": words.arrays_of_the_store()},
    partitions_def=EPOCHS,
    deps=[source_catalogs, reference_catalog, dg.AssetDep(asset_key("survey_settings"))],
    io_manager_key="epoch_store",
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=automation.when_catalogs_arrive(),
    pool=EPOCH_STORE_POOL,
    check_specs=[
        dg.AssetCheckSpec(
            CATALOGS_USABLE,
            asset=asset_key("epoch_lightcurves"),
            description="Every catalogue could be read and had what survey.toml says.",
        )
    ],
    code_version="1",
)
def epoch_lightcurves(
    context: dg.AssetExecutionContext, config: IngestConfig, survey: SurveyResource
) -> Iterator[dg.Output[EpochIngest] | dg.AssetCheckResult]:
    """Epochs matched to the reference, in the epoch store: one row each, append-only.

    A run may take any number of epochs; each is committed as it is done. One whose catalogue
    cannot be used is refused: its partition is failed, with the reason, and all others are in.
    """
    yield dg.Output(
        EpochIngest(
            survey.config(match_radius_arcsec=config.match_radius_arcsec),
            tuple(context.partition_keys),
            config.force,
            config.workers,
            commit_epochs=1,
        )
    )
    yield dg.AssetCheckResult(check_name=CATALOGS_USABLE, passed=True)


@dg.asset(
    key_prefix=PREFIX,
    owners=OWNERS,
    group_name="store",
    kinds={"zarr", "xarray", "dask"},
    tags={KEPT: "versions"},
    metadata={"dagster/column_schema": words.arrays_of_the_store()},
    ins={"epoch_lightcurves": dg.AssetIn(asset_key("epoch_lightcurves"))},
    io_manager_key="object_store",
    automation_condition=automation.when_settled(),
    pool=OBJECT_STORE_POOL,
    code_version="1",
)
def object_lightcurves(epoch_lightcurves: LightcurveStorage) -> dg.Output[LightcurveStorage]:
    """The same light curves, laid out by object and published as a version: what one reads.

    Where the current version has every committed epoch already, it stays as it is.
    """
    return dg.Output(
        epoch_lightcurves, data_version=dg.DataVersion(epoch_lightcurves.snapshot.digest)
    )


#: What the epochs are to be ingested with; the reprocessing sensor reports epochs that were
#: ingested with something else.
survey_settings = dg.AssetSpec(
    asset_key("survey_settings"),
    description=(
        "The settings, the reference and the rules that epochs are ingested with. The "
        "reprocessing sensor reports the epochs that were ingested with others."
    ),
    group_name="landing",
    kinds={"file"},
    tags={KEPT: "by-you"},
    owners=OWNERS,
    partitions_def=EPOCHS,
)

STORE_ASSETS = (
    source_catalogs,
    survey_settings,
    reference_catalog,
    epoch_lightcurves,
    object_lightcurves,
)
