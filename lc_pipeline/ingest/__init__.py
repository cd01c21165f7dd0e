"""The straight way: a survey's landing folder into its epoch store, and on to its object store.

Every step is idempotent: what is there and unchanged is passed over, so that running it again
after a crash, a correction or a new night does what is left to do.
"""

from lc_pipeline.ingest.epochs import EpochIngest, ingest, stale_epochs
from lc_pipeline.ingest.objects import add_objects
from lc_pipeline.ingest.outcomes import EpochOutcome, IngestReport, Status
from lc_pipeline.ingest.stores import epoch_storage, is_published, object_storage, publish
from lc_pipeline.ingest.survey_store import create_survey_store

__all__ = [
    "EpochIngest",
    "EpochOutcome",
    "IngestReport",
    "Status",
    "add_objects",
    "create_survey_store",
    "epoch_storage",
    "ingest",
    "is_published",
    "object_storage",
    "publish",
    "stale_epochs",
]
