"""The observing log: a table that says when each epoch was taken, where catalogues do not."""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lc_pipeline.catalogs.file_columns import listed
from lc_pipeline.catalogs.missing import texts_of
from lc_pipeline.catalogs.reading import read_catalog_file
from lc_pipeline.errors import CatalogError, SurveyConfigError
from lc_pipeline.survey import SurveyConfig

#: Before the checksum of a row, in the provenance of an epoch: it is that of no file.
ROW_MARK = "row:"

#: Endings that a log and a landing folder may differ in. A band or a number is none of them.
_ENDINGS = re.compile(
    r"als|ap|asc|ascii|bz2|cat|csv|dat|ecsv|fits?|fts|fz|gz|img|ldac|lst|mag|parquet|phot|psx|tab|"
    r"tbl|tsv|txt|vot|votable|xml|xz",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class LogRow:
    """What the log says of one epoch or file."""

    name: str
    """The log's file name and what the row is of, for people."""
    sha256: str
    """Of what the row says, after :data:`ROW_MARK`."""
    cells: Mapping[str, str] = field(compare=False)
    """As written, by column; cells with nothing in them are left out."""


class ObservingLog:
    """The rows of a log, by what its column of epochs says.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path, rows: Mapping[str, LogRow]) -> None:
        self.path = path
        self._rows = rows

    @classmethod
    def of(cls, survey: SurveyConfig) -> ObservingLog | None:
        """Read the log of a survey; None if its times do not come from one.

        Raises
        ------
        SurveyConfigError
            If the log cannot be read, lacks a column, or has two rows of one name.
        """
        section = survey.time
        if section is None or section.log is None:
            return None
        path = survey.folder / section.log
        where = f"{survey.path or 'survey.toml'}: time.log"
        try:
            modified_ns = path.stat().st_mtime_ns
        except OSError as error:
            raise SurveyConfigError(
                f"{where}: {path} cannot be read ({error.strerror}). "
                f"It is taken relative to the folder of survey.toml"
            ) from error
        exposure = section.exposure if isinstance(section.exposure, str) else None
        wanted = (section.name, section.clock, exposure)
        used = tuple(name for name in wanted if name)
        return cls(path, _read_rows(path, where, section.log_epoch, used, modified_ns))

    def row_of(self, epoch: str, file: str) -> LogRow | None:
        """Find the row of a file, or that of its epoch.

        Parameters
        ----------
        epoch : str
        file : str
            Its path below the landing folder. The log may have it with or without folders and
            endings (``.fits``, ``.cat``, ...).
        """
        names = [file, *_short_names(file), epoch]
        return next((self._rows[name] for name in names if name in self._rows), None)


def _short_names(file: str) -> list[str]:
    """Give a file's name without folders, then without its endings, one by one.

    Examples
    --------
    >>> _short_names("n1/m31_002.r.cat.gz")
    ['m31_002.r.cat.gz', 'm31_002.r.cat', 'm31_002.r']
    """
    names = [PurePosixPath(file).name]
    while "." in names[-1] and _ENDINGS.fullmatch(names[-1].rsplit(".", 1)[1]):
        names.append(names[-1].rsplit(".", 1)[0])
    return names


@functools.lru_cache(maxsize=8)
def _read_rows(
    path: Path, where: str, key: str, used: tuple[str, ...], _modified_ns: int
) -> dict[str, LogRow]:
    try:
        table = read_catalog_file(path, texts=[key, *used]).table
    except CatalogError as error:
        raise SurveyConfigError(f"{where}: {error}") from error
    for setting, name in (("log_epoch", key), ("name", used[0])):
        if name not in table.colnames:
            raise SurveyConfigError(
                f"{path}: time.{setting}: there is no column {name!r}. Columns are: "
                f"{listed(table.colnames)}"
            )
    texts = {name: texts_of(table[name]) for name in used if name in table.colnames}
    rows: dict[str, LogRow] = {}
    for index, name in enumerate(texts_of(table[key])):
        if name in rows:
            raise SurveyConfigError(
                f"{path}: column {key!r}, row {index + 1}: {name!r} is there twice; leave one row"
            )
        cells = {column: cells[index] for column, cells in texts.items() if cells[index]}
        digest = hashlib.sha256(repr(sorted(cells.items())).encode()).hexdigest()
        if name:
            rows[name] = LogRow(f"{path.name}: {name}", ROW_MARK + digest, cells)
    return rows | _by_short_names(rows)


def _by_short_names(rows: Mapping[str, LogRow]) -> dict[str, LogRow]:
    """Rows by the short names that only one of them has."""
    short = {name: set(_short_names(name)) - {name} for name in rows}
    counts = Counter(one for names in short.values() for one in names)
    return {
        one: rows[name]
        for name, names in short.items()
        for one in names
        if counts[one] == 1 and one not in rows
    }
