"""The straight way: a survey's landing folder into its epoch store, and on to its object store.

Every step is idempotent: what is there and unchanged is passed over, so that running it again
after a crash, a correction or a new night does what is left to do.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from lc_pipeline.catalogs.landing import (
    EpochFiles,
    LandedFile,
    LandingFolder,
    expand_keys,
    find_epochs,
)
from lc_pipeline.catalogs.measurement_plan import needs_contents
from lc_pipeline.catalogs.source_catalog import SourceCatalog, read_epoch
from lc_pipeline.errors import (
    CatalogError,
    LightcurveError,
    MatchingError,
    StorageError,
    SurveyConfigError,
)
from lc_pipeline.matching.build import build_reference, find_new_objects
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.reference import ReferenceCatalog, read_reference
from lc_pipeline.photometry.limits import LIMIT
from lc_pipeline.progress import Progress
from lc_pipeline.storage.epoch_log import check_fits
from lc_pipeline.storage.lightcurve_storage import LightcurveStorage
from lc_pipeline.storage.parallel import EpochJob, ingest_parallel
from lc_pipeline.storage.snapshot import EpochRecord
from lc_pipeline.survey import SurveyConfig

COMMIT_BYTES = 256 * 2**20
COMMIT_EPOCHS = 32
COMMIT_SECONDS = 5.0
BATCH_PER_WORKER = 8

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


def epoch_storage(survey: SurveyConfig) -> LightcurveStorage:
    """The survey's epoch store (which may not be there yet)."""
    return LightcurveStorage(f"{survey.store}/epochs")


def object_storage(survey: SurveyConfig) -> LightcurveStorage:
    """The survey's object store (which may not be there yet)."""
    return LightcurveStorage(f"{survey.store}/objects")


def create_survey_store(
    survey: SurveyConfig, epochs: Sequence[EpochFiles], *, progress: Progress | None = None
) -> LightcurveStorage:
    """Create the survey's epoch store: settle its objects and its measurements.

    Epochs that cannot be read are passed over here; the ingest reports them.

    Raises
    ------
    SurveyConfigError
        If no epoch can be read; the message has the first reasons.
    """
    scan = _Scan(survey, epochs, progress)
    if survey.reference.file:
        reference = read_reference(survey)
        scan.read_until_measurements_are_known()
    else:
        chosen = set(survey.reference.epochs)
        if absent := chosen - {files.epoch for files in epochs}:
            raise SurveyConfigError(
                f"{survey.path}: reference.epochs: no files for {', '.join(sorted(absent))}"
            )
        try:
            reference = build_reference(
                lambda: scan.catalogs(chosen), survey.matching, survey.reference
            )
        except MatchingError:
            scan.refuse_if_nothing_was_read()
            raise
        scan.read_until_measurements_are_known()
    storage = epoch_storage(survey)
    found = scan.measurements
    return storage.create_storage(
        reference,
        list(found),
        quantities={key: quantity for key, (quantity, _) in found.items()},
        units={key: unit for key, (_, unit) in found.items()},
        extra_values=_further_values(survey),
        matching=survey.matching,
        survey=survey.survey.name,
        settings=survey.fingerprint,
    )


class _Scan:
    """Read a survey's catalogues, remembering which measurements they have."""

    def __init__(
        self, survey: SurveyConfig, epochs: Sequence[EpochFiles], progress: Progress | None
    ) -> None:
        self.survey = survey
        self.epochs = epochs
        self.progress = progress
        keys = tuple(section.key for section in survey.measurements)
        self.wanted = expand_keys(keys, tuple(epochs))
        # Keys that headers or columns tell are not known before every epoch was read.
        self.are_all_wanted = bool(keys) and not any(
            needs_contents(key, survey.files.groups) for key in keys
        )
        self._found: dict[str, tuple[str, str]] = {}
        self._seen: set[str] = set()
        self._reasons: dict[str, str] = {}

    @property
    def measurements(self) -> dict[str, tuple[str, str]]:
        """Quantity and unit by key, in the configured order."""
        self.refuse_if_nothing_was_read()
        kinds = {kind[0] for kind in self._found.values()}
        unseen = (kinds.pop() if len(kinds) == 1 else "", "")
        ordered = {key: self._found.get(key, unseen) for key in self.wanted}
        return ordered | self._found

    def refuse_if_nothing_was_read(self) -> None:
        """Raise SurveyConfigError with the first reasons if no epoch could be read."""
        if not self._found:
            reasons = "\n  ".join(list(self._reasons.values())[:3])
            raise SurveyConfigError(
                f"{self.survey.path or 'survey.toml'}: none of the {len(self.epochs)} epochs "
                f"can be read, so there is no store yet:\n  {reasons}"
            )

    def catalogs(self, chosen: Collection[str] = ()) -> Iterator[SourceCatalog]:
        """Every epoch that can be read, one at a time."""
        chosen = chosen or {files.epoch for files in self.epochs}
        files_to_read = [files for files in self.epochs if files.epoch in chosen]
        for number, files in enumerate(files_to_read):
            if self.progress:
                self.progress(number, len(files_to_read))
            if files.epoch in self._reasons:
                continue
            try:
                catalog = read_epoch(files, self.survey)
            except CatalogError as error:
                self._reasons[files.epoch] = str(error)
                continue
            self._seen.add(files.epoch)
            for key, columns in catalog.measurements.items():
                self._found.setdefault(key, (columns.quantity, columns.unit))
            yield catalog
        if self.progress:
            self.progress(len(files_to_read), len(files_to_read))

    def read_until_measurements_are_known(self) -> None:
        """Read on until every measurement was seen; all epochs if names do not tell them."""
        unread = {files.epoch for files in self.epochs} - self._seen - set(self._reasons)
        if not unread or self._are_known():
            return
        for _ in self.catalogs(unread):
            if self._are_known():
                return

    def _are_known(self) -> bool:
        return self.are_all_wanted and set(self.wanted) <= set(self._found)


def ingest(
    survey: SurveyConfig,
    epochs: Collection[str] = (),
    *,
    force: bool = False,
    n_workers: int = 1,
    progress: Progress | None = None,
    report_epoch: Callable[[EpochOutcome], None] | None = None,
) -> IngestReport:
    """Ingest the epochs that are new or changed; the store is made if there is none.

    An epoch whose catalogue cannot be used is refused as a whole, with the reason in its outcome,
    and keeps none of the others from being ingested.

    Parameters
    ----------
    survey : SurveyConfig
    epochs : collection of str, optional
        Keys of the epochs to consider; by default all in the landing folder.
    force : bool
        Ingest unchanged epochs as well.
    n_workers : int
        Read and match so many epochs at a time, in processes of their own.
    progress : callable, optional
        Called with (epochs done, epochs in all).
    report_epoch : callable, optional
        Called with each epoch's outcome once it is committed (or refused).

    Returns
    -------
    IngestReport

    Raises
    ------
    SurveyConfigError
        If an epoch that was asked for has no files, or no epoch at all can be read.
    """
    report = IngestReport()
    for outcome in EpochIngest(survey, tuple(epochs), force, n_workers).run(
        progress=progress, report=report
    ):
        report.outcomes.append(outcome)
        if report_epoch:
            report_epoch(outcome)
    return report


@dataclass(frozen=True)
class EpochIngest:
    """What is to be ingested, and how; nothing happens before :meth:`run`."""

    survey: SurveyConfig
    epochs: tuple[str, ...] = ()
    """Keys of the epochs to consider; by default all in the landing folder."""
    force: bool = False
    """Ingest unchanged epochs as well."""
    n_workers: int = 1
    """Epochs to read and match at a time."""
    commit_epochs: int = COMMIT_EPOCHS
    """Most epochs in one commit, where they are read one by one."""

    def run(
        self, *, progress: Progress | None = None, report: IngestReport | None = None
    ) -> Iterator[EpochOutcome]:
        """Ingest; give each epoch's outcome once it is committed (or refused).

        See :func:`ingest`. What else is found out is put into `report`.
        """
        survey = self.survey
        report = report if report is not None else IngestReport()
        landing = find_epochs(survey)
        chosen = _choose(survey, landing, self.epochs)
        storage = epoch_storage(survey)
        if not storage.is_there:
            storage = _create_or_open(survey, landing.epochs, progress)
        _refuse_other_survey(survey, storage)
        _refuse_further_values(survey, storage)
        before = {record.epoch: record for record in storage.epoch_records}
        present = {files.epoch for files in landing.epochs}
        report.unmatched_files = landing.unmatched
        report.excluded_files = landing.excluded
        report.missing_epochs = tuple(key for key in before if key not in present)
        if survey.reference.file:
            report.new_in_reference = len(_not_in_store(survey, storage))
        writer = _Writer(storage, survey, self.commit_epochs)
        n_objects = storage.snapshot.n_objects
        left = []
        for files in chosen:
            record = None if self.force else before.get(files.epoch)
            if _is_unchanged(record, files, survey, n_objects):
                yield EpochOutcome(files.epoch, "unchanged")
            else:
                left.append(files)
        step = writer.ingest_parallel if self.n_workers > 1 else writer.ingest
        batch = BATCH_PER_WORKER * self.n_workers if self.n_workers > 1 else 1
        try:
            for start in range(0, len(left), batch):
                if progress:
                    progress(start, len(left))
                step(left[start : start + batch], self.n_workers)
                yield from writer.finished()
        finally:
            # An interrupted ingest keeps what it has matched.
            writer.commit()
        yield from writer.finished()
        if progress:
            progress(len(left), len(left))


class _Writer:
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
                self.outcomes.append(_stored(result.record))

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
                    self.outcomes.append(_stored(record))

    def _widen(self, catalog: SourceCatalog) -> None:
        """Make room for measurements that appear in mid-survey."""
        new = [key for key in catalog.measurements if key not in self.storage.measurement_keys]
        if new:
            self.commit()
            columns = [catalog.measurements[key] for key in new]
            self.storage.append_measurements(
                new, [column.quantity for column in columns], [column.unit for column in columns]
            )


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


def stale_epochs(survey: SurveyConfig) -> dict[str, str]:
    """Epochs in the store that were ingested otherwise than they would be now.

    Returns
    -------
    dict of str to str
        Why each is stale, by epoch; empty where there is no store yet. Whether files have
        changed is not looked at.
    """
    storage = epoch_storage(survey)
    if not storage.is_there:
        return {}
    stale = {}
    n_objects = storage.snapshot.n_objects
    for record in storage.epoch_records:
        if record.settings != survey.fingerprint:
            stale[record.epoch] = "ingested with other settings"
        elif record.n_objects != n_objects:
            stale[record.epoch] = f"{n_objects - record.n_objects} objects were added since"
    return stale


def add_objects(survey: SurveyConfig, *, progress: Progress | None = None) -> tuple[str, ...]:
    """Find objects that the store does not have, and add them at the end of its reference.

    Where the survey gives a reference table, these are its objects that the store lacks.
    Otherwise detections that belong to no object are merged over all epochs, and those seen in
    at least ``reference.min_epochs`` epochs become objects.

    Rows and objects that are there stay as they
    are; the next ingest takes the epochs again, to fill in the new objects.

    Returns
    -------
    tuple of str
        Keys of the new objects.
    """
    storage = epoch_storage(survey)
    if survey.reference.file:
        new = _not_in_store(survey, storage)
    else:
        scan = _Scan(survey, find_epochs(survey).epochs, progress)
        new = find_new_objects(scan.catalogs, storage.reference, survey.matching, survey.reference)
    if len(new):
        storage.append_objects(new)
    return tuple(str(key) for key in new.key)


def _not_in_store(survey: SurveyConfig, storage: LightcurveStorage) -> ReferenceCatalog:
    """Objects of the survey's reference table that the store does not have."""
    reference = read_reference(survey)
    return reference.taken(np.flatnonzero(~np.isin(reference.key, storage.reference.key)))


def _create_or_open(
    survey: SurveyConfig, epochs: Sequence[EpochFiles], progress: Progress | None
) -> LightcurveStorage:
    """Create the survey's store; another run may have done so meanwhile."""
    try:
        return create_survey_store(survey, epochs, progress=progress)
    except StorageError:
        if (storage := epoch_storage(survey)).is_there:
            return storage
        raise


def _refuse_other_survey(survey: SurveyConfig, storage: LightcurveStorage) -> None:
    name = storage.snapshot.attributes["survey"]
    if name != survey.survey.name:
        raise SurveyConfigError(
            f"{survey.path}: survey.store: {storage.location} holds the survey {name!r}, not "
            f"{survey.survey.name!r}. Give this survey a folder of its own."
        )


def _further_values(survey: SurveyConfig) -> list[str]:
    """Names of what is kept beside the value and its error."""
    names = [name for section in survey.measurements for name in section.extra]
    names += [LIMIT] * any(section.limit for section in survey.measurements)
    return list(dict.fromkeys(names))


def _refuse_further_values(survey: SurveyConfig, storage: LightcurveStorage) -> None:
    """Values for which a store was not made would be lost without a word."""
    there = storage.snapshot.value_names
    if lacking := [name for name in _further_values(survey) if name not in there]:
        raise SurveyConfigError(
            f"{survey.path}: measurements: {', '.join(lacking)}: the store {storage.location} was "
            f"made without it and keeps {', '.join(there)}. Remove the folder {survey.store} (or "
            f"name another one as survey.store): 'lc-pipeline run' makes it anew, with all values"
        )


def _choose(
    survey: SurveyConfig, landing: LandingFolder, epochs: Collection[str]
) -> list[EpochFiles]:
    by_key = {files.epoch: files for files in landing.epochs}
    if unknown := [key for key in epochs if key not in by_key]:
        examples = ", ".join(list(by_key)[:3])
        raise SurveyConfigError(
            f"{survey.path}: there are no files for epoch {', '.join(unknown)} in "
            f"{landing.folder} (there are {len(by_key)} epochs: {examples}, ...)"
        )
    return [by_key[key] for key in dict.fromkeys(epochs)] if epochs else list(landing.epochs)


def _is_unchanged(
    record: EpochRecord | None, files: EpochFiles, survey: SurveyConfig, n_objects: int
) -> bool:
    """Whether the store has this epoch from the same files, settings and objects."""
    return (
        record is not None
        and record.settings == survey.fingerprint
        and record.n_objects == n_objects
        and set(zip(record.source_name, record.source_sha256, strict=True))
        == {(file.name, _sha256(file)) for file in files.files}
    )


def _sha256(file: LandedFile) -> str:
    try:
        with file.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""  # reading it will say what is the matter


def _stored(record: EpochRecord) -> EpochOutcome:
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
