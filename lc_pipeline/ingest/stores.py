"""A survey's two stores: where they are, and whether the second has what the first has."""

from __future__ import annotations

from lc_pipeline.errors import LightcurveError
from lc_pipeline.progress import Progress
from lc_pipeline.storage.lightcurve_storage import LightcurveStorage
from lc_pipeline.survey import SurveyConfig


def epoch_storage(survey: SurveyConfig) -> LightcurveStorage:
    """The survey's epoch store (which may not be there yet)."""
    return LightcurveStorage(f"{survey.store}/epochs")


def object_storage(survey: SurveyConfig) -> LightcurveStorage:
    """The survey's object store (which may not be there yet)."""
    return LightcurveStorage(f"{survey.store}/objects")


def publish(
    survey: SurveyConfig, *, force: bool = False, progress: bool | Progress = False
) -> LightcurveStorage | None:
    """Rechunk the survey's epoch store and publish a version, if there is anything new.

    Returns
    -------
    LightcurveStorage or None
        The object store; None if its current version has every committed epoch already.
    """
    epochs, objects = epoch_storage(survey), object_storage(survey)
    if not force and is_published(epochs, objects):
        return None
    return epochs.rechunk_to_object_optimized(
        objects.location.path, progress=progress, is_anew=force
    )


def is_published(epochs: LightcurveStorage, objects: LightcurveStorage) -> bool:
    """Whether the current version of the object store has all that the epoch store has."""
    if not objects.is_there:
        return False
    try:
        published = objects.snapshot
    except LightcurveError:
        return False
    committed = epochs.snapshot
    return (
        published.ingest_ids == committed.ingest_ids
        and published.n_objects == committed.n_objects
        and published.measurement_keys == committed.measurement_keys
    )
