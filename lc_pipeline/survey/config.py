"""A survey: all sections of one ``survey.toml``."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator

from lc_pipeline.errors import SurveyConfigError
from lc_pipeline.survey.analysis import (
    CandidatesSection,
    PeriodsSection,
    ReportSection,
    StatisticsSection,
)
from lc_pipeline.survey.columns import ColumnsSection, MeasurementSection, MissingSection
from lc_pipeline.survey.files import FilesSection, SurveySection
from lc_pipeline.survey.matching import MatchingSection, ReferenceSection
from lc_pipeline.survey.mistakes import explain
from lc_pipeline.survey.photometry import PhotometrySection
from lc_pipeline.survey.section import Section
from lc_pipeline.survey.times import TimeSection


class SurveyConfig(Section):
    """One survey: the validated contents of its ``survey.toml``.

    Read it with :meth:`read`. Every section is an attribute with the names used in the file.

    Examples
    --------
    >>> survey = SurveyConfig.from_toml('''
    ... [survey]
    ... name = "demo"
    ... [files]
    ... pattern = '(?P<epoch>.+)[.]fits'
    ... ''')
    >>> survey.matching.radius_arcsec
    1.0
    """

    survey: SurveySection
    files: FilesSection
    columns: ColumnsSection = ColumnsSection()
    measurements: tuple[MeasurementSection, ...] = ()
    time: TimeSection | None = None
    missing: MissingSection = MissingSection()
    reference: ReferenceSection = ReferenceSection()
    matching: MatchingSection = MatchingSection()
    photometry: PhotometrySection = PhotometrySection()
    statistics: StatisticsSection = StatisticsSection()
    candidates: CandidatesSection = CandidatesSection()
    report: ReportSection = ReportSection()
    periods: PeriodsSection = PeriodsSection()
    path: Path | None = Field(default=None, exclude=True)
    """The file this was read from; relative folders start at its folder."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        groups = self.files.groups
        keys = [section.key for section in self.measurements]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"measurements: the key {repeated[0]!r} is given twice")
        if self.time and self.time.source == "filename" and self.time.name not in groups:
            raise ValueError(
                f"time.name: files.pattern has no group {self.time.name!r} "
                f"(it has: {', '.join(groups)})"
            )
        return self

    @classmethod
    def read(cls, path: str | Path) -> SurveyConfig:
        """Read a ``survey.toml``, or the one in a folder.

        Parameters
        ----------
        path : str or Path
            The file, or the folder that has it.

        Raises
        ------
        SurveyConfigError
            If there is no such file, it is not TOML, or a setting is not what was expected.
            The message names the file and the setting.
        """
        path = Path(path)
        if path.is_dir():
            path = path / "survey.toml"
        try:
            text = path.read_text(encoding="utf-8-sig")  # some editors begin it with a mark
        except (OSError, UnicodeDecodeError) as error:
            raise SurveyConfigError(
                f"{path}: cannot be read ({error}). "
                f"'lc-pipeline init --from FILE...' writes one from your catalogues."
            ) from error
        return cls.from_toml(text, path)

    @classmethod
    def from_toml(cls, text: str, path: Path | None = None) -> SurveyConfig:
        """Validate the text of a ``survey.toml``; `path` is used for messages and folders."""
        where = str(path or "survey.toml")
        try:
            settings = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            hint = ""
            if "'\\'" in str(error):
                hint = "; write patterns in single quotes, which leave \\ alone"
            raise SurveyConfigError(f"{where}: not valid TOML: {error}{hint}") from error
        if "path" in settings:
            raise SurveyConfigError(f"{where}: path: there is no such setting")
        try:
            return cls.model_validate(settings | {"path": path})
        except ValidationError as error:
            raise SurveyConfigError(explain(where, error, settings, cls)) from None

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file start from."""
        return self.path.parent if self.path else Path()

    @property
    def landing_folder(self) -> Path:
        """Where catalogues arrive."""
        return self.folder / self.files.folder

    @property
    def fingerprint(self) -> str:
        """Digest of every setting that decides what an epoch's row contains."""
        sections = {"files", "columns", "measurements", "time", "missing", "matching"}
        # What is not set is left out: to set what is the default may say more, as of time.scale.
        settings = self.model_dump(mode="json", include=sections, exclude_unset=True)
        for name in ("folder", "exclude"):
            settings["files"].pop(name, None)
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def store(self) -> str:
        """Location of the stores: a local path or a URL."""
        location = self.survey.store
        return location if "://" in location else str(self.folder / location)
