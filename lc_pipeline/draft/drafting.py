"""Look at catalogue files, and say what a ``survey.toml`` for them would be."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lc_pipeline.catalogs.landed_files import EpochFiles, LandedFile
from lc_pipeline.catalogs.landing import expand_key
from lc_pipeline.catalogs.source_catalog import read_epoch
from lc_pipeline.draft.alike_names import holds_date, same_numbers, similar_names
from lc_pipeline.draft.epoch_times import FoundTime, find_time
from lc_pipeline.draft.file_names import NamePattern, infer_pattern
from lc_pipeline.draft.identity import find_identity, separate_fields
from lc_pipeline.draft.measurements import FoundMeasurements, find_measurements
from lc_pipeline.draft.samples import Samples, choose, read_samples
from lc_pipeline.draft.sentinels import find_sentinels
from lc_pipeline.draft.survey_text import Findings, write_survey
from lc_pipeline.errors import CatalogError, LightcurveError
from lc_pipeline.survey import SurveyConfig

#: More files of one folder than anyone waits for.
_MOST_NEIGHBOURS = 20_000

#: Words in the names of columns that may be flags, or grades of which 1 is good.
_LIKE_FLAGS = ("quality", "flag", "mask")

_TWO_FORMATS = (
    "are they one epoch in two formats? Each is taken as an epoch; leave one kind out with "
    "files.exclude"
)
_FOLDERS_OF_CATALOGUES = ("epochs", "catalogs", "catalogues", "cats", "cat", "data", "raw", "ecsv")


@dataclass(frozen=True)
class Draft:
    """A first ``survey.toml``.

    Attributes
    ----------
    text : str
        The commented file. It is valid, and if position, time and measurements were recognised it
        can be run as it is.
    notes : tuple of str
        What was recognised or guessed, and from what. What could not be recognised, or must be
        looked at by a person, begins with ``TO DO``.
    """

    text: str
    notes: tuple[str, ...]

    @property
    def to_do(self) -> tuple[str, ...]:
        """The notes that begin with ``TO DO``."""
        return tuple(note for note in self.notes if note.startswith("TO DO"))


def draft_survey(
    paths: Iterable[str | Path], *, name: str | None = None, folder: str | Path = "."
) -> Draft:
    r"""Look at catalogue files and draft the ``survey.toml`` that describes them.

    Parameters
    ----------
    paths : iterable of str or Path
        One or several catalogue files, of several epochs if possible. Files beside them whose
        names differ only in numbers, dates and bands are used to find the pattern of the names.
    name : str, optional
        Name of the survey; by default what the headers call the field, else the folder's name.
    folder : str or Path
        Where ``survey.toml`` will be written: the landing folder is given relative to it.

    Returns
    -------
    Draft

    Raises
    ------
    CatalogError
        If none of the files can be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as night:
    ...     for number in (1, 2):
    ...         _ = Path(night, f"m31_{number}.csv").write_text("ra,dec,mag,mjd\n10,-3,17,6e4\n")
    ...     draft = draft_survey(Path(night).iterdir(), folder=night)
    >>> SurveyConfig.from_toml(draft.text).files.pattern
    'm31_(?P<epoch>\\d+)\\.csv'
    """
    given = sorted({Path(os.path.abspath(path)) for path in paths})  # noqa: PTH100 (keep links)
    if not given:
        raise LightcurveError("there are no files to look at")
    landing, pattern, n_matching = _name_pattern(given)
    files = [_landed(path, landing, pattern.pattern) for path in given]
    found = read_samples(choose(files), pattern.pattern)
    if not found.samples:
        raise CatalogError(*_first(found.unreadable))
    measured = find_measurements(found, pattern)
    time = find_time(found.samples, pattern)
    sections = measured.sections
    findings = Findings(
        name=name or _survey_name(found, landing),
        folder=Path(os.path.relpath(landing, os.path.abspath(folder))).as_posix(),  # noqa: PTH100
        pattern=pattern,
        n_files=len(given),
        found=found,
        measured=measured,
        time=time,
        identity=find_identity(found.samples),
        sentinels=find_sentinels(found.samples, sections),
    )
    to_do = [*_to_do(found, measured, time), *time.doubts, *_twins(given)]
    to_do += separate_fields(found.samples)
    text = write_survey(findings, to_do)
    survey = SurveyConfig.from_toml(text, Path(os.path.abspath(folder)) / "survey.toml")  # noqa: PTH100
    if findings.is_complete:
        to_do += _refusals(survey, found)
    notes = [*_notes(findings, n_matching), *(f"TO DO: {one}" for one in to_do)]
    return Draft(text, tuple(notes))


def _name_pattern(given: list[Path]) -> tuple[Path, NamePattern, int]:
    """Find the landing folder and the pattern; go one folder up where that one tells the epoch."""
    landing = Path(os.path.commonpath([path.parent for path in given]))
    pattern, n_matching = _pattern_below(landing, given)
    up = landing.parent
    if up != landing and (
        not pattern.names_epoch or (pattern.is_guess and holds_date(landing.name))
    ):
        return up, *_pattern_below(up, given)
    return landing, pattern, n_matching


def _pattern_below(landing: Path, given: list[Path]) -> tuple[NamePattern, int]:
    names = [path.relative_to(landing).as_posix() for path in given]
    depths = {name.count("/") for name in names}
    neighbours = set(names)
    if len(depths) == 1:
        for number, path in enumerate(landing.glob("*/" * depths.pop() + "*")):
            if number == _MOST_NEIGHBOURS:
                break
            if path.is_file() and not path.name.startswith("."):
                neighbours.add(path.relative_to(landing).as_posix())
    similar = [name for name in similar_names(names, sorted(neighbours)) if name not in names]
    beside = same_numbers(names, similar)
    pattern = infer_pattern([*names, *beside])
    if left := [name for name in similar if not re.fullmatch(pattern.pattern, name)]:
        note = (
            f"{len(left)} files beside them differ in a number in which all given agree "
            f"({left[0]}): left out; if they belong to the survey, give one of them as well"
        )
        pattern = replace(pattern, notes=(*pattern.notes, note))
    return pattern, len(names) + len(beside)


def _landed(path: Path, landing: Path, pattern: str) -> LandedFile:
    name = path.relative_to(landing).as_posix()
    match = re.fullmatch(pattern, name)
    groups = match.groupdict() if match else {}
    return LandedFile(path, name, {key: text for key, text in groups.items() if text is not None})


def _first(errors: list[str]) -> tuple[str, str]:
    path, _, reason = errors[0].partition(": ")
    return path, reason


def _survey_name(found: Samples, landing: Path) -> str:
    """Take what the headers call the field if they agree, else the folder's name."""
    objects = {str(sample.table.meta.get("OBJECT", "")).strip() for sample in found.samples}
    if len(objects) == 1 and (name := objects.pop()):
        return name
    # "epochs" and the like say what a folder holds, the folder above says of what.
    named = landing.parent if landing.name.lower() in _FOLDERS_OF_CATALOGUES else landing
    return named.name or "survey"


def _to_do(found: Samples, measured: FoundMeasurements, time: FoundTime) -> list[str]:
    to_do = []
    problems: dict[str, str] = {}
    for sample in found.samples:
        problems |= sample.problems
    if found.column_names:
        guessed = (
            "RA and Dec are guessed from their ranges; check them, and name the others"
            if "ra" in found.column_names
            else "name them, ra and dec above all"
        )
        to_do.append(f"the files have no line of column names: {guessed} (files.column_names)")
    if "position" in problems:
        to_do.append(
            "no columns are recognised as RA and Dec: set columns.ra and columns.dec (or, if the "
            "files name their objects and have no positions: columns.key, reference.file and "
            "matching.mode = 'key')"
        )
    if "flags" in problems:
        to_do.append(f"{problems['flags']} (the first is taken)")
    elif unused := _maybe_flags(found, measured):
        to_do.append(
            f"{unused} may be flags, and are not used: if they are, set columns.flags, and "
            f"columns.bad_flags to what means bad there"
        )
    if not measured.sections:
        to_do.append(
            "no column is recognised as a magnitude or a flux: fill in [[measurements]]"
            if "several bands" not in problems.get("measurements", "")
            else problems["measurements"]
        )
    if time.section is None:
        to_do.append(
            "no time was found: fill in [time]. Until then 'lc-pipeline run' refuses every epoch"
            if time.day_only is None
            else "only the day was found, in the file names: fill in [time], or remove the # there "
            "if midnight is good enough"
        )
    to_do += [f"{reason} (left out of this draft)" for reason in found.unreadable]
    return to_do + list(measured.doubts)


def _maybe_flags(found: Samples, measured: FoundMeasurements) -> str:
    """A column of whole numbers that reads like flags though none was recognised."""
    if any(section.flags for section in measured.sections):
        return ""
    table = found.samples[0].table
    return next(
        (
            name
            for name in table.colnames
            if any(word in name.lower() for word in _LIKE_FLAGS) and table[name].dtype.kind in "iu"
        ),
        "",
    )


def _twins(given: list[Path]) -> list[str]:
    """Say which files differ in their ending only."""
    first: dict[Path, Path] = {}
    for path in given:
        twin = first.setdefault(path.with_suffix(""), path)
        if twin != path:
            names = f"{twin.name} and {path.name}"
            return [f"{names} differ in their ending only: {_TWO_FORMATS}"]
    return []


def _refusals(survey: SurveyConfig, found: Samples) -> list[str]:
    """Read what was looked at as the draft says."""
    refused = []
    for sample in found.samples:
        epoch = sample.file.groups.get("epoch", "")
        try:
            read_epoch(EpochFiles(epoch, (sample.file,)), survey)
        except CatalogError as error:
            refused.append(f"with this draft a file is refused: {error}")
    return refused


def _notes(findings: Findings, n_matching: int) -> list[str]:
    found, measured = findings.found, findings.measured
    first = found.samples[0]
    beside = n_matching - findings.n_files
    notes = [
        f"files given: {findings.n_files}, looked into: {len(found.samples)}"
        + (f"; {beside} more beside them have names like theirs" if beside > 0 else "")
    ]
    notes += findings.pattern.notes
    notes.append(f"{first.file.name} is {first.source.format}")
    notes += [note for note in first.source.notes if "cut off" not in note]
    notes += [
        note
        for note in first.plan.notes
        if not note.startswith(("measurements recognised", "unknown: ", "the measurements are"))
        and not (found.column_names and note.startswith("positions are"))
    ]
    for section in measured.sections:
        key = expand_key(section.key, first.file.groups) or section.key
        notes.append(
            f"{section.quantity} {key} is {section.value} ± {section.error or 'no error column'}"
            + (f" ({section.error_is})" if section.error_is != "sigma" else "")
            + (f", flags {section.flags}" if section.flags else "")
            + (f", time {section.time}" if section.time else "")
            + (f", upper limits {section.limit}" if section.limit else "")
        )
    if time := findings.time.section:
        notes.append(
            f"time is {findings.time.why}, {time.format} {time.scale}, at {time.at} of the exposure"
        )
    notes += findings.sentinels.seen
    identity = findings.identity
    if identity.key:
        notes.append(f"objects are matched by key: {identity.why_key}")
    else:
        notes.append(f"objects are matched by position: {identity.why_key}")
        notes.append(f"match radius {identity.radius_arcsec:g} arcsec: {identity.why_radius}")
    return list(dict.fromkeys(notes))
