"""What belongs here: everything put together. Dagster loads ``defs``.

The survey is named by the environment variable ``LC_PIPELINE_SURVEY`` (its ``survey.toml``, or the
folder of that); without it the example in ``data/ey_uma`` is taken.
"""

import datetime as dt
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

warnings.filterwarnings("ignore", category=dg.BetaWarning)

from lc_pipeline.pipeline import sensors  # noqa: E402 (the filter has to come first)
from lc_pipeline.pipeline.analysis_assets import ANALYSIS_ASSETS  # noqa: E402
from lc_pipeline.pipeline.assets import STORE_ASSETS  # noqa: E402
from lc_pipeline.pipeline.checks import CHECKS, freshness  # noqa: E402
from lc_pipeline.pipeline.io_managers import (  # noqa: E402
    EpochStoreIOManager,
    ObjectStoreIOManager,
    TableIOManager,
)
from lc_pipeline.pipeline.jobs import JOBS, schedules  # noqa: E402
from lc_pipeline.pipeline.loggers import progress_logger  # noqa: E402
from lc_pipeline.pipeline.names import SURVEY_VARIABLE, asset_key  # noqa: E402
from lc_pipeline.pipeline.resources import DaskResource, SurveyResource  # noqa: E402

EXAMPLE = Path("data") / "ey_uma"
REPROCESSING = ("launch", "report", "off")


def build_defs(
    survey: str | Path | None = None,
    *,
    assets: Sequence[Any] = (),
    resources: Mapping[str, Any] | None = None,
    notify: sensors.Notify | None = None,
    interval_seconds: int = 30,
    settle_seconds: float = 10.0,
    time_zone: str = "UTC",
    reprocessing: str = "launch",
    epochs_per_run: int | None = None,
    fresh_days: float | None = None,
    executor: dg.ExecutorDefinition = dg.in_process_executor,
) -> dg.Definitions:
    """Put the pipeline of one survey together.

    Parameters
    ----------
    survey : str or Path, optional
        Its ``survey.toml`` or the folder of that; by default ``LC_PIPELINE_SURVEY``.
    assets : sequence, optional
        Further assets: a user's own.
    resources : mapping, optional
        Take the place of resources and IO managers of these names: ``survey``, ``dask``,
        ``epoch_store``, ``object_store``, ``table_io``.
    notify : callable, optional
        Called with each failed run and its message.
    interval_seconds : int
        Between two looks of a sensor.
    settle_seconds : float
        A file that was written to within this time may be unfinished.
    time_zone : str
        Of the schedules.
    reprocessing : {"launch", "report", "off"}
        Whether stale epochs are ingested again, only told of, or not looked for.
    epochs_per_run : int, optional
        Most epochs in one run of a backfill; by default all of them are one run.
    fresh_days : float, optional
        Light curves are called overdue when none were published for so many days.
    executor : ExecutorDefinition
        By default the steps of a run are done one after another in the process of the run: what
        takes long uses all cores by itself, and starting a process for each check takes longer
        than the checks.
    """
    if reprocessing not in REPROCESSING:
        raise ValueError(
            f"reprocessing (LC_PIPELINE_REPROCESSING): expected one of "
            f"{', '.join(REPROCESSING)}; got {reprocessing!r}"
        )
    here = SurveyResource(path=str(survey or os.environ.get(SURVEY_VARIABLE) or EXAMPLE))
    given = dict(resources or {})
    here = given.get("survey", here)
    dask = given.get("dask", DaskResource())
    return dg.Definitions(
        assets=[
            *(configured(asset, epochs_per_run, fresh_days) for asset in STORE_ASSETS),
            *ANALYSIS_ASSETS,
            *assets,
        ],
        asset_checks=[*CHECKS, freshness(time_zone)],
        loggers={"progress": progress_logger, "console": dg.colored_console_logger},
        executor=executor,
        jobs=JOBS,
        schedules=schedules(time_zone),
        sensors=[
            sensors.landing_sensor(interval_seconds, settle_seconds),
            *(
                [sensors.reprocessing_sensor(interval_seconds, is_dry_run=reprocessing == "report")]
                if reprocessing != "off"
                else []
            ),
            sensors.automation_sensor(interval_seconds),
            sensors.failure_sensor(notify),
        ],
        resources={
            "survey": here,
            "dask": dask,
            "epoch_store": EpochStoreIOManager(survey=here, dask=dask),
            "object_store": ObjectStoreIOManager(survey=here),
            "table_io": TableIOManager(survey=here),
        }
        | given,
    )


def configured(
    asset: dg.AssetsDefinition | dg.AssetSpec,
    epochs_per_run: int | None,
    fresh_days: float | None,
) -> dg.AssetsDefinition | dg.AssetSpec:
    """An asset with what :func:`build_defs` was told of backfills and of freshness."""
    if isinstance(asset, dg.AssetSpec):
        return asset
    if epochs_per_run and asset.backfill_policy:
        asset = asset.with_attributes(
            backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=epochs_per_run)
        )
    if fresh_days and asset.key == asset_key("object_lightcurves"):
        policy = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=fresh_days))
        asset = asset.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, policy))
    return asset


def number_from(variable: str) -> float | None:
    """An environment variable's number; None if it is not set."""
    text = os.environ.get(variable, "")
    try:
        return float(text) if text else None
    except ValueError:
        raise ValueError(f"{variable}: expected a number, got {text!r}") from None


defs = build_defs(
    time_zone=os.environ.get("LC_PIPELINE_TIME_ZONE", "UTC"),
    reprocessing=os.environ.get("LC_PIPELINE_REPROCESSING", "launch"),
    epochs_per_run=int(number_from("LC_PIPELINE_EPOCHS_PER_RUN") or 0) or None,
    fresh_days=number_from("LC_PIPELINE_FRESH_DAYS"),
)
