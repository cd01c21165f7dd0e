"""What became of the epochs of an ingest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lc_pipeline.storage.snapshot import EpochRecord

Status = Literal["stored", "unchanged", "refused"]


@dataclass(frozen=True)
class EpochOutcome:
    """What became of one epoch in an ingest."""

    epoch: str
    status: Status
    n_sources: int = 0
    n_matched: int = 0
    n_unmatched: int = 0
    n_ambiguous: int = 0
    n_duplicates: int = 0
    offset_arcsec: tuple[float, float] = (0.0, 0.0)
    notes: tuple[str, ...] = ()
    error: str = ""
    """Why the epoch was refused."""


@dataclass
class IngestReport:
    """What became of every epoch, and of the files that belong to none."""

    outcomes: list[EpochOutcome] = field(default_factory=list)
    unmatched_files: tuple[str, ...] = ()
    excluded_files: tuple[str, ...] = ()
    missing_epochs: tuple[str, ...] = ()
    """Epochs in the store whose files are no longer in the landing folder; they are kept."""
    new_in_reference: int = 0
    """Objects of the given reference table that the store lacks: ``add_objects`` adds them."""

    def with_status(self, status: Status) -> list[EpochOutcome]:
        """The epochs that were ``stored``, ``unchanged`` or ``refused``."""
        return [outcome for outcome in self.outcomes if outcome.status == status]


def stored(record: EpochRecord) -> EpochOutcome:
    """Say of an epoch that it was stored."""
    return EpochOutcome(
        record.epoch,
        "stored",
        n_sources=record.n_sources,
        n_matched=record.n_matched,
        n_unmatched=record.n_unmatched,
        n_ambiguous=record.n_ambiguous,
        n_duplicates=record.n_duplicates,
        offset_arcsec=(record.offset_east, record.offset_north),
        notes=record.notes,
    )
