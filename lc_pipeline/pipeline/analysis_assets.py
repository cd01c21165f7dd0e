"""What belongs here: the assets that are made of published light curves.

Concept: https://docs.dagster.io/guides/build/assets. Each takes a step of ``lc_pipeline.analyse``,
as the command line does: the numbers are the same either way.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

import dagster as dg
import xarray as xr
from astropy.table import Table

from lc_pipeline.analyse import make_report, take_step
from lc_pipeline.analysis.plots import plot_coverage, plot_index, plot_sky, plot_zero_points
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.pipeline import automation, words
from lc_pipeline.pipeline.assets import KEPT
from lc_pipeline.pipeline.names import OWNERS, PREFIX, asset_key
from lc_pipeline.pipeline.resources import DaskResource, SurveyResource
from lc_pipeline.pipeline.working import at_work, logged

#: Drawn against brightness: of all indices the one that single points move least.
SHOWN_INDEX = "iqr"

#: Of a plot with one panel for each measurement.
MOST_PANELS = 4

#: Rows of a table in the user interface.
MOST_SHOWN = 20

_IN_COMMON: dict[str, Any] = {
    "key_prefix": PREFIX,
    "owners": OWNERS,
    "group_name": "analysis",
    "tags": {KEPT: "latest"},
    "automation_condition": automation.when_published(),
    "code_version": "1",
}
_TABLE: dict[str, Any] = {
    **_IN_COMMON,
    "kinds": {"table", "parquet"},
    "io_manager_key": "table_io",
}


def _inputs(*names: str) -> dict[str, dg.AssetIn]:
    return {name: dg.AssetIn(asset_key(name)) for name in names}


def _made_of(*names: str, **described: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Make an asset of others of these names."""
    decorator: Any = dg.asset(ins=_inputs(*names), **described)
    return cast(Callable[[Callable[..., Any]], dg.AssetsDefinition], decorator)


@_made_of("object_lightcurves", **_TABLE)
def coverage(
    context: dg.AssetExecutionContext,
    survey: SurveyResource,
    dask: DaskResource,
    object_lightcurves: xr.Dataset,
) -> Table:
    """How many objects have a good value, epoch by epoch and measurement by measurement."""
    with at_work(context, dask):
        made = take_step("coverage", object_lightcurves, survey.config())
    plot = plot_coverage(made["coverage"], words.measurements_of(object_lightcurves))
    context.add_output_metadata({"plot of the coverage": words.picture(plot)})
    return made["coverage"]


@dg.multi_asset(
    name="calibration",
    outs={
        "zero_points": dg.AssetOut(
            **_TABLE,
            dagster_type=Calibration,
            description=(
                "How much brighter or fainter each epoch is than the others, from stars that do "
                "not vary; solved for all epochs at once. In force where it helps. Light curves "
                "are calibrated with it when they are read; what is stored stays as measured."
            ),
        ),
        "error_model": dg.AssetOut(
            **_TABLE,
            dagster_type=Table,
            description="Scatter against brightness, and how large errors really are.",
        ),
    },
    ins=_inputs("object_lightcurves"),
)
def calibration(
    context: dg.AssetExecutionContext,
    survey: SurveyResource,
    dask: DaskResource,
    object_lightcurves: xr.Dataset,
) -> Iterator[dg.Output[Any]]:
    """Solve for the zero points, and fit the errors."""
    with at_work(context, dask, output="zero_points"):
        made = take_step(
            "calibration",
            object_lightcurves,
            survey.config(),
            progress=logged(context, "objects"),
        )
    zero_points = made["zero_points"]
    said = words.about_calibration(zero_points)
    said["plot of the zero points"] = words.picture(plot_zero_points(zero_points.zero_points))
    yield dg.Output(zero_points, "zero_points", metadata=said)
    yield dg.Output(made["error_model"], "error_model")


@_made_of("object_lightcurves", "zero_points", **_TABLE)
def variability_statistics(
    context: dg.AssetExecutionContext,
    survey: SurveyResource,
    dask: DaskResource,
    object_lightcurves: xr.Dataset,
    zero_points: Calibration,
) -> Table:
    """Indices of variability of every object, also judged against objects as bright."""
    with at_work(context, dask):
        made = take_step(
            "statistics",
            object_lightcurves,
            survey.config(),
            {"zero_points": zero_points},
            progress=logged(context, "objects"),
        )
    table = made["variability_statistics"]
    keys = words.measurements_of(object_lightcurves)[:MOST_PANELS]
    if f"{SHOWN_INDEX}_{keys[0]}" in table.colnames:
        plot = words.picture(plot_index(table, SHOWN_INDEX, keys))
        context.add_output_metadata({f"plot of {SHOWN_INDEX} against brightness": plot})
    return table


@dg.multi_asset(
    name="variables",
    outs={
        "periods": dg.AssetOut(
            **_TABLE,
            dagster_type=Table,
            description="Periods of the candidates (or of all objects), their aliases and odds.",
        ),
        "variable_candidates": dg.AssetOut(
            **_TABLE,
            dagster_type=Table,
            description="Objects that vary, best first: why, and what speaks against it.",
        ),
    },
    ins=_inputs("object_lightcurves", "zero_points", "variability_statistics"),
)
def variables(
    context: dg.AssetExecutionContext,
    survey: SurveyResource,
    dask: DaskResource,
    object_lightcurves: xr.Dataset,
    zero_points: Calibration,
    variability_statistics: Table,
) -> Iterator[dg.Output[Any]]:
    """Find the objects that vary, and their periods."""
    with at_work(context, dask, output="variable_candidates"):
        made = take_step(
            "variables",
            object_lightcurves,
            survey.config(),
            {"zero_points": zero_points, "variability_statistics": variability_statistics},
            progress=logged(context, "objects"),
        )
    candidates = made["variable_candidates"]
    said = words.about_candidates(candidates, MOST_SHOWN)
    keys = words.measurements_of(object_lightcurves)[:MOST_PANELS]
    if f"{SHOWN_INDEX}_{keys[0]}" in variability_statistics.colnames:
        plot = plot_index(variability_statistics, SHOWN_INDEX, keys, candidates)
        said["plot of the candidates"] = words.picture(plot)
    said["map of the candidates"] = words.picture(plot_sky(variability_statistics, candidates))
    yield dg.Output(made["periods"], "periods")
    yield dg.Output(candidates, "variable_candidates", metadata=said)


@_made_of(
    "object_lightcurves",
    "coverage",
    "zero_points",
    "error_model",
    "variability_statistics",
    "periods",
    "variable_candidates",
    **_IN_COMMON,
    kinds={"html"},
)
def survey_report(
    context: dg.AssetExecutionContext,
    survey: SurveyResource,
    object_lightcurves: xr.Dataset,
    zero_points: Calibration,
    error_model: Table,
    coverage: Table,
    variability_statistics: Table,
    periods: Table,
    variable_candidates: Table,
) -> None:
    """All that is known of the survey, as one HTML file to open, keep, and send."""
    with at_work(context):
        path = make_report(
            object_lightcurves,
            survey.config(),
            {
                "coverage": coverage,
                "zero_points": zero_points,
                "error_model": error_model,
                "variability_statistics": variability_statistics,
                "periods": periods,
                "variable_candidates": variable_candidates,
            },
        )
    context.add_output_metadata(words.about_report(path))


ANALYSIS_ASSETS = (coverage, calibration, variability_statistics, variables, survey_report)
