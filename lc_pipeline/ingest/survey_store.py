"""A survey's epoch store is made: its objects and its measurements are settled."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from lc_pipeline.catalogs.landed_files import EpochFiles
from lc_pipeline.catalogs.landing import expand_keys
from lc_pipeline.catalogs.measurement_plan import needs_contents
from lc_pipeline.catalogs.source_catalog import SourceCatalog, read_epoch
from lc_pipeline.errors import CatalogError, MatchingError, StorageError, SurveyConfigError
from lc_pipeline.ingest.stores import epoch_storage
from lc_pipeline.matching.build import build_reference
from lc_pipeline.matching.reference import read_reference
from lc_pipeline.photometry.limits import LIMIT
from lc_pipeline.progress import Progress
from lc_pipeline.storage.lightcurve_storage import LightcurveStorage
from lc_pipeline.survey import SurveyConfig


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
    scan = Scan(survey, epochs, progress)
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
        extra_values=further_values(survey),
        matching=survey.matching,
        survey=survey.survey.name,
        settings=survey.fingerprint,
    )


def open_or_create(
    survey: SurveyConfig, epochs: Sequence[EpochFiles], progress: Progress | None
) -> LightcurveStorage:
    """Create the survey's store; another run may have done so meanwhile."""
    try:
        return create_survey_store(survey, epochs, progress=progress)
    except StorageError:
        if (storage := epoch_storage(survey)).is_there:
            return storage
        raise


def further_values(survey: SurveyConfig) -> list[str]:
    """Names of what is kept beside the value and its error."""
    names = [name for section in survey.measurements for name in section.extra]
    names += [LIMIT] * any(section.limit for section in survey.measurements)
    return list(dict.fromkeys(names))


class Scan:
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
