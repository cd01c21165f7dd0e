"""Which measurements a survey has: the measurement axis of its store."""

from __future__ import annotations

from collections.abc import Sequence

from lc_pipeline.catalogs.file_detections import read_detections
from lc_pipeline.catalogs.landed_files import EpochFiles
from lc_pipeline.catalogs.landing import expand_keys
from lc_pipeline.catalogs.measurement_plan import needs_contents
from lc_pipeline.errors import CatalogError, SurveyConfigError
from lc_pipeline.survey import SurveyConfig


def measurement_keys(survey: SurveyConfig, epochs: Sequence[EpochFiles]) -> tuple[str, ...]:
    """All measurement keys of a survey, in order: the measurement axis of its store.

    With ``[[measurements]]``, these are their keys, with ``{group}`` expanded over the values
    found in the names of files. Else they are recognised in the files of the first epoch that can
    be read, in column order. Where keys are told by headers or columns (``{FILTER}``), every epoch
    is read; a group ``measurement`` in ``files.pattern`` saves that.

    Parameters
    ----------
    survey : SurveyConfig
    epochs : sequence of EpochFiles

    Returns
    -------
    tuple of str

    Raises
    ------
    SurveyConfigError
        If no measurement is found.
    CatalogError
        If keys are to be recognised and no epoch can be read; the error of the first.
    """
    epochs = tuple(epochs)
    where = survey.path or "survey.toml"
    configured = [section.key for section in survey.measurements]
    groups = survey.files.groups
    if configured and not any(needs_contents(key, groups) for key in configured):
        keys = expand_keys(tuple(configured), epochs)
        if not keys:
            raise SurveyConfigError(
                f"{where}: measurements: no file has the groups that the keys need"
            )
        return keys
    found: dict[str, dict[str, None]] = {key: {} for key in configured}
    first_error: CatalogError | None = None
    for epoch in epochs:
        try:
            plans = [read_detections(file, survey).plan for file in epoch.files]
        except CatalogError as error:
            first_error = first_error or error
            continue
        for plan in plans:
            for template, section in zip(plan.templates, plan.measurements, strict=True):
                found.setdefault(template, {})[section.key] = None
        if not any(needs_contents(template, groups) for template in found):
            break
    if not any(found.values()):
        raise first_error or SurveyConfigError(
            f"{where}: there is no epoch to recognise measurements in"
        )
    by_names = {key: expand_keys((key,), epochs) for key in found}
    told = {
        key: tuple(of_key) if needs_contents(key, groups) else by_names[key]
        for key, of_key in found.items()
    }
    return tuple(dict.fromkeys(key for of_key in told.values() for key in of_key))
