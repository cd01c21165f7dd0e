"""Objects that a store does not have yet: found, and added at the end."""

from __future__ import annotations

import numpy as np

from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.ingest.stores import epoch_storage
from lc_pipeline.ingest.survey_store import Scan
from lc_pipeline.matching.build import find_new_objects
from lc_pipeline.matching.reference import ReferenceCatalog, read_reference
from lc_pipeline.progress import Progress
from lc_pipeline.storage.lightcurve_storage import LightcurveStorage
from lc_pipeline.survey import SurveyConfig


def add_objects(survey: SurveyConfig, *, progress: Progress | None = None) -> tuple[str, ...]:
    """Find objects that the store does not have, and add them at the end of its reference.

    Where the survey gives a reference table, these are its objects that the store lacks.
    Otherwise detections that belong to no object are merged over all epochs, and those seen in
    at least ``reference.min_epochs`` epochs become objects.

    Rows and objects that are there stay as they are; the next ingest takes the epochs again, to
    fill in the new objects.

    Returns
    -------
    tuple of str
        Keys of the new objects.
    """
    storage = epoch_storage(survey)
    if survey.reference.file:
        new = not_in_store(survey, storage)
    else:
        scan = Scan(survey, find_epochs(survey).epochs, progress)
        new = find_new_objects(scan.catalogs, storage.reference, survey.matching, survey.reference)
    if len(new):
        storage.append_objects(new)
    return tuple(str(key) for key in new.key)


def not_in_store(survey: SurveyConfig, storage: LightcurveStorage) -> ReferenceCatalog:
    """Objects of the survey's reference table that the store does not have."""
    reference = read_reference(survey)
    return reference.taken(np.flatnonzero(~np.isin(reference.key, storage.reference.key)))
