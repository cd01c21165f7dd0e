"""The report of a survey: what it is given, from the survey's stores and landing folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Table

from lc_pipeline._version import __version__
from lc_pipeline.analysis.periods.spectrum import object_periodogram
from lc_pipeline.analysis.plots import Periodogram
from lc_pipeline.analysis.quality import Finding, odd_epochs
from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.errors import LightcurveError
from lc_pipeline.ingest import epoch_storage, object_storage
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.report.page import write_report
from lc_pipeline.survey import SurveyConfig
from lc_pipeline.tables import MADE_FROM


def write_survey_report(
    path: Path, lightcurves: xr.Dataset, survey: SurveyConfig, results: Mapping[str, Any]
) -> Path:
    """Write all that is known of a survey as one HTML file.

    Parameters
    ----------
    path : Path
        The file to write.
    lightcurves : xarray.Dataset
        As ``LightcurveStorage.dataset`` gives them: as measured.
    survey : SurveyConfig
    results : mapping of str to Table or Calibration
        What :mod:`lc_pipeline.analyse` made; where something is absent, the report says so.

    Returns
    -------
    Path
        `path`.
    """
    calibration = results.get("zero_points")
    tables: dict[str, Table] = {
        name: result.zero_points if isinstance(result, Calibration) else result
        for name, result in results.items()
    }
    made_from = mark_of(lightcurves, survey, results)
    if calibration is not None:
        lightcurves = calibration.attach(lightcurves)
    return write_report(
        path,
        lightcurves,
        tables,
        survey=survey.survey.name,
        provenance=_provenance(survey),
        findings=_odd_epochs(survey),
        refused=_not_in_store(survey),
        periodogram=partial(_periodogram, survey, lightcurves, tables.get("periods")),
        settings=survey.report,
        made_from=made_from,
    )


def mark_of(lightcurves: xr.Dataset, survey: SurveyConfig, results: Mapping[str, Any]) -> str:
    """Digest of all that a report is made from, but for the date.

    Parameters
    ----------
    lightcurves, survey, results
        As of :func:`write_survey_report`; each result remembers what it was made from.
    """
    tables = {
        name: (result.zero_points if isinstance(result, Calibration) else result).meta
        for name, result in results.items()
    }
    parts = {
        "lc_pipeline": __version__,
        "light curves": lightcurves.attrs.get("digest"),
        "tables": {name: str(meta.get(MADE_FROM)) for name, meta in tables.items()},
        "settings": survey.model_dump(mode="json"),
        "provenance": _provenance(survey),
        "refused": _not_in_store(survey),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _periodogram(
    survey: SurveyConfig, lightcurves: xr.Dataset, periods: Table | None, object_key: str
) -> Periodogram | None:
    """What the search saw of an object; None of one that was not searched."""
    if periods is None or survey.periods.method == "bls":
        return None
    number = int(np.flatnonzero(periods["object"] == object_key)[0])
    if not np.isfinite(periods["period"][number]):
        return None
    return object_periodogram(lightcurves, number, survey.periods, periods[number])


def _provenance(survey: SurveyConfig) -> dict[str, str]:
    said = {
        "description": survey.survey.description,
        "settings": f"{survey.path.name if survey.path else 'survey.toml'}, {survey.fingerprint}",
        "landing folder": str(survey.files.folder),
        "light curves published": str(object_storage(survey).snapshot.attributes["created_at"]),
    }
    return {name: value for name, value in said.items() if value}


def _odd_epochs(survey: SurveyConfig) -> list[Finding]:
    storage = object_storage(survey)
    return odd_epochs(
        storage.epoch_records, storage.measurement_keys, survey.matching.radius_arcsec
    )


def _not_in_store(survey: SurveyConfig) -> dict[str, str]:
    """Epochs that have files and no light curves."""
    try:
        there = {files.epoch for files in find_epochs(survey).epochs}
    except LightcurveError:
        return {}  # the landing folder may be away; the light curves are not
    absent = there - set(epoch_storage(survey).epoch_keys)
    why = (
        "no light curves of its files; 'lc-pipeline ingest' says why, or takes them if they are new"
    )
    return dict.fromkeys(sorted(absent), why)
