"""Which measurements a survey has: the measurement axis of its store."""

from __future__ import annotations

from collections.abc import Sequence

from lc_pipeline.catalogs.file_detections import read_detections
from lc_pipeline.catalogs.landing import EpochFiles, expand_keys
from lc_pipeline.errors import CatalogError, SurveyConfigError
from lc_pipeline.survey import SurveyConfig


def measurement_keys(survey: SurveyConfig, epochs: Sequence[EpochFiles]) -> tuple[str, ...]:
    """All measurement keys of a survey, in order: the measurement axis of its store.

    With ``[[measurements]]``, these are their keys, with ``{group}`` expanded over the values
    found in the names of files. Else they are recognised in the files of the first epoch that can
    be read, in column order. Where keys are the names of filters that only headers tell, every
    epoch is read; a group ``measurement`` in ``files.pattern`` saves that.

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
    if survey.measurements:
        keys = expand_keys(tuple(section.key for section in survey.measurements), epochs)
        if not keys:
            raise SurveyConfigError(
                f"{survey.path or 'survey.toml'}: measurements: no file has the groups that the "
                f"keys need"
            )
        return keys
    templates: dict[str, None] = {}
    first_error: CatalogError | None = None
    for epoch in epochs:
        try:
            found = [read_detections(file, survey) for file in epoch.files]
        except CatalogError as error:
            first_error = first_error or error
            continue
        templates |= dict.fromkeys(name for file in found for name in file.plan.templates)
        if not any(file.plan.names_a_filter for file in found):
            break
    if not templates:
        raise first_error or SurveyConfigError(
            f"{survey.path or 'survey.toml'}: there is no epoch to recognise measurements in"
        )
    return expand_keys(tuple(templates), epochs)
