"""The epochs of a landing folder into the epoch store: those that are new or changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from lc_pipeline.catalogs.landed_files import EpochFiles, LandedFile
from lc_pipeline.catalogs.landing import LandingFolder, find_epochs
from lc_pipeline.errors import SurveyConfigError
from lc_pipeline.ingest.objects import not_in_store
from lc_pipeline.ingest.outcomes import EpochOutcome, IngestReport
from lc_pipeline.ingest.stores import epoch_storage
from lc_pipeline.ingest.survey_store import further_values, open_or_create
from lc_pipeline.ingest.writer import Writer
from lc_pipeline.progress import Progress
from lc_pipeline.storage.lightcurve_storage import LightcurveStorage
from lc_pipeline.storage.snapshot import EpochRecord
from lc_pipeline.survey import SurveyConfig

COMMIT_EPOCHS = 32
BATCH_PER_WORKER = 8


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
            storage = open_or_create(survey, landing.epochs, progress)
        _refuse_other_survey(survey, storage)
        _refuse_further_values(survey, storage)
        before = {record.epoch: record for record in storage.epoch_records}
        present = {files.epoch for files in landing.epochs}
        report.unmatched_files = landing.unmatched
        report.excluded_files = landing.excluded
        report.missing_epochs = tuple(key for key in before if key not in present)
        if survey.reference.file:
            report.new_in_reference = len(not_in_store(survey, storage))
        writer = Writer(storage, survey, self.commit_epochs)
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


def _refuse_other_survey(survey: SurveyConfig, storage: LightcurveStorage) -> None:
    name = storage.snapshot.attributes["survey"]
    if name != survey.survey.name:
        raise SurveyConfigError(
            f"{survey.path}: survey.store: {storage.location} holds the survey {name!r}, not "
            f"{survey.survey.name!r}. Give this survey a folder of its own."
        )


def _refuse_further_values(survey: SurveyConfig, storage: LightcurveStorage) -> None:
    """Values for which a store was not made would be lost without a word."""
    there = storage.snapshot.value_names
    if lacking := [name for name in further_values(survey) if name not in there]:
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
        | {(row.name, row.sha256) for row in files.log_rows}
    )


def _sha256(file: LandedFile) -> str:
    try:
        with file.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""  # reading it will say what is the matter
