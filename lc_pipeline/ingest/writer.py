"""Epochs matched and committed, several at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

from lc_pipeline.catalogs.landed_files import EpochFiles
from lc_pipeline.catalogs.source_catalog import SourceCatalog, read_epoch
from lc_pipeline.errors import LightcurveError
from lc_pipeline.ingest.outcomes import EpochOutcome, stored
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.storage.epoch_log import check_fits
from lc_pipeline.storage.lightcurve_storage import LightcurveStorage
from lc_pipeline.storage.parallel import EpochJob, ingest_parallel
from lc_pipeline.survey import SurveyConfig

COMMIT_BYTES = 256 * 2**20
COMMIT_SECONDS = 5.0


class Writer:
    """Match epochs and commit them, several at a time."""

    def __init__(
        self,
        storage: LightcurveStorage,
        survey: SurveyConfig,
        commit_epochs: int,
    ) -> None:
        self.storage = storage
        self.survey = survey
        self.commit_epochs = commit_epochs
        self.pending: list[EpochBlock] = []
        self.outcomes: list[EpochOutcome] = []
        self.last_commit = time.monotonic()

    def finished(self) -> Iterator[EpochOutcome]:
        """What became of epochs since the last call."""
        outcomes, self.outcomes = self.outcomes, []
        yield from outcomes

    def ingest(self, epochs: Sequence[EpochFiles], _: int) -> None:
        """Read and match epochs one by one."""
        for files in epochs:
            try:
                self.add(read_epoch(files, self.survey))
            except LightcurveError as error:
                self.outcomes.append(EpochOutcome(files.epoch, "refused", error=str(error)))

    def ingest_parallel(self, epochs: Sequence[EpochFiles], n_workers: int) -> None:
        """Read, match and write epochs side by side, in one commit."""
        jobs = [EpochJob(files.epoch, partial(read_epoch, files, self.survey)) for files in epochs]
        results = ingest_parallel(
            self.storage.location,
            jobs,
            None,
            self.survey.matching,
            settings=self.survey.fingerprint,
            n_workers=n_workers,
        )
        self.storage.load_storage()
        for files, result in zip(epochs, results, strict=True):
            if result.unknown_measurements:
                # It needs a wider store: one by one, then.
                self.ingest([files], 1)
            elif result.record is None:
                self.outcomes.append(EpochOutcome(result.epoch, "refused", error=result.error))
            else:
                self.outcomes.append(stored(result.record))

    def add(self, catalog: SourceCatalog) -> None:
        """Match an epoch; it is committed with its neighbours."""
        self._widen(catalog)
        block = self.storage.match_epoch(catalog, matching=self.survey.matching)
        # One that does not fit must not hold up those it would be committed with.
        check_fits(self.storage.snapshot, block, self.pending[0] if self.pending else None)
        self.pending.append(block)
        n_bytes = sum(block.lightcurves.nbytes for block in self.pending)
        is_due = time.monotonic() - self.last_commit > COMMIT_SECONDS
        if len(self.pending) >= self.commit_epochs or n_bytes > COMMIT_BYTES or is_due:
            self.commit()

    def commit(self) -> None:
        """Commit what is pending: all of it is seen, or none."""
        blocks, self.pending = self.pending, []
        self.last_commit = time.monotonic()
        if blocks:
            self.storage.append_epochs(blocks, settings=self.survey.fingerprint)
            for record in self.storage.snapshot.records[-len(blocks) :]:
                if record:
                    self.outcomes.append(stored(record))

    def _widen(self, catalog: SourceCatalog) -> None:
        """Make room for measurements that appear in mid-survey."""
        new = [key for key in catalog.measurements if key not in self.storage.measurement_keys]
        if new:
            self.commit()
            columns = [catalog.measurements[key] for key in new]
            self.storage.append_measurements(
                new, [column.quantity for column in columns], [column.unit for column in columns]
            )
