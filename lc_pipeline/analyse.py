"""From published light curves to variable stars: a survey's tables and its report, in order.

Like :mod:`lc_pipeline.ingest`, every step is idempotent: what was made of the same light curves, by
the same settings and from the same tables, is passed over. What a step computes stands in
``photometry`` and ``analysis``; here is what it is given, and where its results are kept.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import xarray as xr
from astropy.table import Table

from lc_pipeline._version import __version__
from lc_pipeline.analysis.summary import epoch_coverage
from lc_pipeline.errors import LightcurveError, StorageError
from lc_pipeline.ingest import object_storage
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.progress import Progress, progress_bar
from lc_pipeline.survey import SurveyConfig
from lc_pipeline.tables import MADE_FROM, read_table, write_table

REPORT_FILE = "report.html"

#: Of so many objects all are searched for periods, unless the settings say else.
MOST_SEARCHED = 200

#: What is made: a table, or zero points ready to be applied (a ``Calibration``).
Result: TypeAlias = Any

Inputs = Mapping[str, Any]

#: Opens the progress of one step, by its words: ``progress_bar`` does.
StepProgress = Callable[[str], AbstractContextManager[Progress]]


# ------------------------------------------------------------------ the steps


def measure_coverage(
    lightcurves: xr.Dataset, _: SurveyConfig, __: Inputs, ___: Progress
) -> dict[str, Result]:
    """How many objects have a good value, by epoch and measurement."""
    return {"coverage": epoch_coverage(lightcurves)}


def calibrate(
    lightcurves: xr.Dataset, survey: SurveyConfig, _: Inputs, progress: Progress
) -> dict[str, Result]:
    """Zero points of all epochs, which of them are in force, and how large errors really are."""
    from lc_pipeline.photometry.error_model import fit_error_model  # noqa: PLC0415 (scipy)
    from lc_pipeline.photometry.zero_points import solve_calibration  # noqa: PLC0415

    settings = survey.photometry
    as_stated = settings.model_copy(update={"apply_error_model": False})
    calibration = solve_calibration(lightcurves, as_stated, folder=survey.folder, progress=progress)
    model = fit_error_model(calibration.attach(lightcurves), progress=progress)
    if settings.apply_error_model:
        calibration = calibration.with_error_model(model.meta["error_model"])
    return {"zero_points": calibration, "error_model": model}


def measure_variability(
    lightcurves: xr.Dataset, survey: SurveyConfig, inputs: Inputs, progress: Progress
) -> dict[str, Result]:
    """Variability indices of every object, also judged against objects as bright."""
    from lc_pipeline.analysis.statistics import variability_statistics  # noqa: PLC0415 (scipy)

    calibrated = inputs["zero_points"].attach(lightcurves)
    table = variability_statistics(calibrated, survey.statistics, progress=progress)
    return {"variability_statistics": table}


def find_variables(
    lightcurves: xr.Dataset, survey: SurveyConfig, inputs: Inputs, progress: Progress
) -> dict[str, Result]:
    """Which objects vary, and with what periods.

    Candidates are found without periods; they are searched for periods; with these they are
    ranked again.
    """
    from lc_pipeline.analysis.candidates import (  # noqa: PLC0415 (scipy)
        lightcurve_evidence,
        variable_candidates,
    )
    from lc_pipeline.analysis.periods import period_search  # noqa: PLC0415

    calibrated = inputs["zero_points"].attach(lightcurves)
    statistics = inputs["variability_statistics"]
    evidence = lightcurve_evidence(
        calibrated,
        survey.candidates,
        statistics=survey.statistics,
        conditions={"zero point": calibrated["zero_point"].values},
        progress=progress,
    )
    candidates = variable_candidates(statistics, survey.candidates, evidence=evidence)
    periods = period_search(
        calibrated,
        survey.periods,
        objects=_to_search(survey, statistics, candidates),
        progress=progress,
    )
    candidates = variable_candidates(
        statistics, survey.candidates, evidence=evidence, periods=periods
    )
    return {"periods": periods, "variable_candidates": candidates}


def _to_search(survey: SurveyConfig, statistics: Table, candidates: Table) -> Any:
    """Numbers of the objects whose periods are searched for; None for all."""
    is_small = len(statistics) <= MOST_SEARCHED and survey.periods.objects == "auto"
    if is_small or survey.periods.objects == "all":
        return None
    return np.flatnonzero(np.isin(statistics["object"], candidates["object"]))


@dataclass(frozen=True)
class Step:
    """One step: what it makes, from which results of others, by which settings."""

    name: str
    makes: tuple[str, ...]
    take: Callable[[xr.Dataset, SurveyConfig, Inputs, Progress], dict[str, Result]]
    needs: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    """Of ``survey.toml``."""


STEPS = (
    Step("coverage", ("coverage",), measure_coverage),
    Step("calibration", ("zero_points", "error_model"), calibrate, (), ("photometry",)),
    Step(
        "statistics",
        ("variability_statistics",),
        measure_variability,
        ("zero_points",),
        ("statistics",),
    ),
    Step(
        "variables",
        ("periods", "variable_candidates"),
        find_variables,
        ("zero_points", "variability_statistics"),
        ("statistics", "candidates", "periods"),
    ),
)
STEP_OF = {result: step for step in STEPS for result in step.makes}
TABLES = tuple(STEP_OF)


def take_step(
    name: str,
    lightcurves: xr.Dataset,
    survey: SurveyConfig,
    inputs: Inputs | None = None,
    *,
    progress: Progress = lambda _done, _total: None,
) -> dict[str, Result]:
    """Take one step; its results remember what they were made from.

    Parameters
    ----------
    name : str
        Of one of :data:`STEPS`.
    lightcurves : xarray.Dataset
        As ``LightcurveStorage.dataset`` gives them: as measured.
    survey : SurveyConfig
    inputs : mapping of str to Table or Calibration, optional
        Results that the step needs, by name.
    progress : callable, optional
        Called with (objects done, objects in all).
    """
    step = next(step for step in STEPS if step.name == name)
    results = step.take(lightcurves, survey, inputs or {}, progress)
    for result in results.values():
        _table_of(result).meta[MADE_FROM] = _fingerprint(step, lightcurves, survey, inputs or {})
    return results


def _fingerprint(step: Step, lightcurves: xr.Dataset, survey: SurveyConfig, inputs: Inputs) -> str:
    parts = {
        "lc_pipeline": __version__,
        "light curves": lightcurves.attrs["digest"],
        "settings": survey.model_dump(mode="json", include=set(step.sections)),
        "standards": _standards(survey) if "photometry" in step.sections else "",
        "inputs": {name: _table_of(inputs[name]).meta.get(MADE_FROM) for name in step.needs},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _standards(survey: SurveyConfig) -> str:
    """Digest of the table of standard stars; empty if there is none."""
    section = survey.photometry.standards
    if section is None:
        return ""
    try:
        return hashlib.sha256((survey.folder / section.file).read_bytes()).hexdigest()
    except OSError:
        return ""  # reading it will say what is the matter


def _table_of(result: Result) -> Table:
    return result.zero_points if isinstance(result, Calibration) else result


# ------------------------------------------------------------------ where results are kept


def tables_folder(survey: SurveyConfig) -> Path:
    """Where a survey's tables are kept: beside its stores."""
    return object_storage(survey).tables


def report_path(survey: SurveyConfig) -> Path:
    """Where a survey's report is kept."""
    return tables_folder(survey).parent / REPORT_FILE


def read_result(survey: SurveyConfig, name: str) -> Result:
    """Read one result.

    Raises
    ------
    LightcurveError
        If it was not made yet.
    """
    folder = tables_folder(survey)
    if name == "zero_points":
        return Calibration.read(folder)
    return read_table(folder / f"{name}.parquet")


def write_result(survey: SurveyConfig, name: str, result: Result) -> Path:
    """Keep one result where :func:`read_result` finds it; readers see the old one or the new."""
    folder = tables_folder(survey)
    if isinstance(result, Calibration):
        return Path(result.write(folder))
    return write_table(result, folder / f"{name}.parquet")


# ------------------------------------------------------------------ all of it


@dataclass(frozen=True)
class Outcome:
    """What became of a step."""

    step: str
    status: Literal["made", "unchanged"]
    seconds: float
    files: tuple[Path, ...]
    results: dict[str, Result] = field(default_factory=dict, repr=False)


def analyse(
    survey: SurveyConfig,
    results: Collection[str] = (),
    *,
    force: bool = False,
    progress: StepProgress = lambda text: progress_bar(text, False),  # noqa: FBT003
) -> Iterator[Outcome]:
    """Make what is not there or out of date; give each step's outcome once its results are kept.

    Parameters
    ----------
    survey : SurveyConfig
        Its light curves have to be published.
    results : collection of str, optional
        Which of :data:`TABLES`, and ``report``, are wanted; what they need is made as well. By
        default all.
    force : bool
        Make the wanted ones again even if nothing has changed.
    progress : callable, optional
        Opens the progress of each step.

    Raises
    ------
    StorageError
        If nothing is published.
    """
    storage = object_storage(survey)
    if not storage.is_there:
        raise StorageError(
            f"{storage.location}: no light curves are published yet. 'lc-pipeline run SURVEY' "
            f"ingests and publishes them."
        )
    lightcurves = storage.dataset
    wanted = set(results) or {*TABLES, "report"}
    required = set(TABLES) if "report" in wanted else _with_needs(wanted)
    made: dict[str, Result] = {}
    for step in STEPS:
        if not required & set(step.makes):
            continue
        started = time.monotonic()
        is_wanted = force and bool(wanted & set(step.makes) or "report" in wanted)
        kept = None if is_wanted else _up_to_date(step, lightcurves, survey, made)
        if kept is None:
            with progress(step.name) as report:
                kept_now = take_step(step.name, lightcurves, survey, made, progress=report)
            for name, result in kept_now.items():
                write_result(survey, name, result)
        made |= kept or kept_now
        files = tuple(tables_folder(survey) / f"{name}.parquet" for name in step.makes)
        status: Literal["made", "unchanged"] = "unchanged" if kept else "made"
        yield Outcome(step.name, status, time.monotonic() - started, files, kept or kept_now)
    if "report" in wanted:
        started = time.monotonic()
        path = report_path(survey)
        is_kept = not force and _report_up_to_date(lightcurves, survey, made)
        if not is_kept:
            with progress("report"):
                make_report(lightcurves, survey, made)
        took = time.monotonic() - started
        yield Outcome("report", "unchanged" if is_kept else "made", took, (path,))


def make_report(lightcurves: xr.Dataset, survey: SurveyConfig, results: Inputs) -> Path:
    """Write the survey's report: one HTML file beside its stores; give its path."""
    from lc_pipeline.report.survey_report import write_survey_report  # noqa: PLC0415 (matplotlib)

    return write_survey_report(report_path(survey), lightcurves, survey, results)


def _report_up_to_date(lightcurves: xr.Dataset, survey: SurveyConfig, results: Inputs) -> bool:
    from lc_pipeline.report.page import read_mark  # noqa: PLC0415 (matplotlib)
    from lc_pipeline.report.survey_report import mark_of  # noqa: PLC0415

    return read_mark(report_path(survey)) == mark_of(lightcurves, survey, results)


def _with_needs(results: Collection[str]) -> set[str]:
    required = set(results)
    for step in reversed(STEPS):
        if required & set(step.makes):
            required |= set(step.needs)
    return required


def _up_to_date(
    step: Step, lightcurves: xr.Dataset, survey: SurveyConfig, inputs: Inputs
) -> dict[str, Result] | None:
    """Results of a step as they are kept; None if one is not there or of something else."""
    fingerprint = _fingerprint(step, lightcurves, survey, inputs)
    kept = {}
    for name in step.makes:
        try:
            kept[name] = read_result(survey, name)
        except LightcurveError:
            return None
        if _table_of(kept[name]).meta.get(MADE_FROM) != fingerprint:
            return None
    return kept
