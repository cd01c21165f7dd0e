"""Which catalogue files are there, and which epoch each belongs to."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lc_pipeline.catalogs.landed_files import EpochFiles, LandedFile
from lc_pipeline.catalogs.observing_log import ObservingLog
from lc_pipeline.catalogs.remote import list_remote
from lc_pipeline.errors import SurveyConfigError
from lc_pipeline.survey import SurveyConfig


@dataclass(frozen=True)
class LandingFolder:
    """What a landing folder holds.

    Attributes
    ----------
    folder : Path or str
        A local folder, or the URL of a remote one.
    epochs : tuple of EpochFiles
        Sorted by epoch key.
    excluded : tuple of str
        Names of files that ``files.exclude`` leaves out.
    unmatched : tuple of str
        Names of files that ``files.pattern`` does not match, and of symbolic links to nowhere.
    """

    folder: Path | str
    epochs: tuple[EpochFiles, ...]
    excluded: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()


def find_epochs(survey: SurveyConfig) -> LandingFolder:
    """Find the epochs whose catalogues are in the landing folder.

    Names that begin with a dot (half-copied files, mostly), the folder of the stores and any
    ``*.zarr`` folder are passed over. Folders that are symbolic links are followed.

    Parameters
    ----------
    survey : SurveyConfig
        Its ``files`` section says where and how to look.

    Returns
    -------
    LandingFolder

    Raises
    ------
    SurveyConfigError
        If the folder is not there, or no file in it matches ``files.pattern``.

    Examples
    --------
    >>> import tempfile
    >>> landing = tempfile.TemporaryDirectory()
    >>> for name in ("g-002.fits", "r-001.fits", "g-001.fits", "notes.txt"):
    ...     _ = Path(landing.name, name).write_text("")
    >>> survey = SurveyConfig.from_toml(
    ...     '''
    ... [survey]
    ... name = "demo"
    ... [files]
    ... pattern = '(?P<measurement>[gr])-(?P<epoch>[0-9]+)[.]fits'
    ... ''',
    ...     Path(landing.name, "survey.toml"),
    ... )
    >>> found = find_epochs(survey)
    >>> {epoch.epoch: [file.name for file in epoch.files] for epoch in found.epochs}
    {'001': ['g-001.fits', 'r-001.fits'], '002': ['g-002.fits']}
    >>> found.unmatched
    ('notes.txt',)
    >>> landing.cleanup()
    """
    folder: Path | str
    if "://" in survey.files.folder:
        folder = survey.files.folder
        where = f"{survey.path or 'survey.toml'}: files.folder"
        there: dict[str, LandedFile | None] = dict(list_remote(folder, where))
    else:
        folder = survey.landing_folder
        there = _local(folder, survey)
    log = ObservingLog.of(survey)
    pattern = re.compile(survey.files.pattern)
    exclude = [re.compile(expression) for expression in survey.files.exclude]
    files: defaultdict[str, list[LandedFile]] = defaultdict(list)
    excluded, unmatched = [], []
    for name, file in sorted(there.items()):
        if any(expression.fullmatch(name) for expression in exclude):
            excluded.append(name)
        elif file and (match := pattern.fullmatch(name)) and match["epoch"]:
            groups = {key: text for key, text in match.groupdict().items() if text is not None}
            row = log.row_of(match["epoch"], name) if log else None
            files[match["epoch"]].append(dataclasses.replace(file, groups=groups, log=row))
        else:
            unmatched.append(name)
    if not files:
        raise SurveyConfigError(_nothing_matched(survey, folder, excluded, unmatched))
    epochs = tuple(EpochFiles(epoch, tuple(files[epoch])) for epoch in sorted(files))
    return LandingFolder(folder, epochs, tuple(excluded), tuple(unmatched))


def _local(folder: Path, survey: SurveyConfig) -> dict[str, LandedFile | None]:
    """Files below a local folder by their names; None for a link to nowhere."""
    if not folder.is_dir():
        raise SurveyConfigError(
            f"{survey.path or 'survey.toml'}: files.folder: there is no folder {folder}. "
            f"It is taken relative to the folder of survey.toml"
        )
    return {
        name: LandedFile(folder / name, name) if is_there else None
        for name, is_there in _names_below(folder, survey)
    }


def _nothing_matched(
    survey: SurveyConfig, folder: Path | str, excluded: list[str], unmatched: list[str]
) -> str:
    if examples := unmatched[:2]:
        there = f"Names that are there: {', '.join(repr(name) for name in examples)}"
    elif excluded:
        there = f"All {len(excluded)} files there are left out by files.exclude"
    else:
        there = "The folder has no files"
    return (
        f"{survey.path or 'survey.toml'}: files.pattern: no file in {folder} matches "
        f"{survey.files.pattern!r} (the pattern stands for the whole name, folders below "
        f"the landing folder included). {there}"
    )


def _names_below(folder: Path, survey: SurveyConfig) -> Iterator[tuple[str, bool]]:
    """Names below `folder` that may be catalogues; False for a symbolic link to nowhere."""
    store = os.path.realpath(survey.store) if "://" not in survey.store else None
    not_catalogs = [survey.path] if survey.path else []
    if survey.time and survey.time.log:
        not_catalogs.append(survey.folder / survey.time.log)
    own_names = {path.name for path in not_catalogs}
    own = {os.path.realpath(path) for path in not_catalogs}
    visited: set[str] = set()
    pending = [("", str(folder))]
    while pending:
        prefix, path = pending.pop()
        if (real := os.path.realpath(path)) in visited or real == store:
            continue
        visited.add(real)
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    if not entry.name.endswith(".zarr"):
                        pending.append((f"{prefix}{entry.name}/", entry.path))
                elif (is_file := entry.is_file()) or entry.is_symlink():
                    # A link to nowhere is where a file was meant to be.
                    if entry.name in own_names and os.path.realpath(entry.path) in own:
                        continue
                    yield prefix + entry.name, is_file


def expand_key(template: str, groups: dict[str, str]) -> str | None:
    """Put a file name's groups into a measurement key; None if the file lacks one of them.

    Examples
    --------
    >>> expand_key("{measurement}-auto", {"epoch": "gr12", "measurement": "ch1"})
    'ch1-auto'
    >>> expand_key("{measurement}-auto", {"epoch": "gr12"}) is None
    True
    """
    names = re.findall(r"\{(.*?)\}", template)
    if any(name not in groups for name in names):
        return None
    for name in names:
        template = template.replace(f"{{{name}}}", groups[name])
    return template


def expand_keys(templates: tuple[str, ...], epochs: tuple[EpochFiles, ...]) -> tuple[str, ...]:
    """Expand measurement keys over the values that the groups have in the files' names.

    Parameters
    ----------
    templates : tuple of str
        Keys, maybe with ``{group}`` placeholders.
    epochs : tuple of EpochFiles

    Returns
    -------
    tuple of str
        In the order of `templates`; the expansions of one template are sorted.

    Examples
    --------
    >>> files = [LandedFile(Path(), "", {"measurement": name}) for name in ("r", "g")]
    >>> expand_keys(("{measurement}-aper", "white"), (EpochFiles("1", tuple(files)),))
    ('g-aper', 'r-aper', 'white')
    """
    groups = {
        tuple(sorted(file.groups.items())): file.groups for epoch in epochs for file in epoch.files
    }
    keys: dict[str, None] = {}
    for template in templates:
        expanded = {expand_key(template, group) for group in groups.values()}
        keys |= dict.fromkeys(sorted(key for key in expanded if key is not None))
    return tuple(keys)
