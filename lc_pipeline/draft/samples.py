"""Some of the files, read, with what is recognised in their columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.columns import ColumnPlan, plan_columns
from lc_pipeline.catalogs.landed_files import LandedFile
from lc_pipeline.catalogs.missing import DECIMAL_COMMA, texts_of
from lc_pipeline.catalogs.positions import normalise_ra, read_angles
from lc_pipeline.catalogs.reading import CatalogFile, read_catalog_file
from lc_pipeline.errors import CatalogError
from lc_pipeline.sky.geometry import unit_vectors
from lc_pipeline.survey import (
    ColumnsSection,
    FilesSection,
    MeasurementSection,
    SurveyConfig,
    SurveySection,
)

#: Files that are read, of each band that names tell: enough to see what changes between epochs.
MOST_SAMPLES = 6

_NUMBER_WITH_DECIMALS = re.compile(r"[+-]?\d+\.\d{4,}$")
_SEXAGESIMAL = re.compile(r"[+-]?\d{1,3}:\d{1,2}:\d{1,2}(?:\.\d*)?$")
_WIDEST_FIELD_DEG = 40.0
_MOST_CELLS = 200
_START = 8192


@dataclass(frozen=True)
class Sample:
    """One file, and what is recognised in it.

    Attributes
    ----------
    file : LandedFile
    source : CatalogFile
    plan : ColumnPlan
        What is listed in `problems` is filled with a stand-in.
    problems : dict of str to str
        Reasons why ``position``, ``measurements`` or ``flags`` could not be recognised.
    vectors : (n_rows, 3) array of float
        Positions as unit vectors, NaN where a row has none; no rows if they are not known.
    """

    file: LandedFile
    source: CatalogFile
    plan: ColumnPlan
    problems: dict[str, str]
    vectors: NDArray[np.float64]

    @property
    def band(self) -> str | None:
        """The band or channel that the file's name tells."""
        return self.file.groups.get("measurement")

    @property
    def table(self) -> Table:
        """Its rows."""
        return self.source.table


@dataclass
class Samples:
    """The files that were looked at, and those that cannot be read."""

    samples: list[Sample] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    column_names: tuple[str, ...] = ()
    """Names given to the columns of text files without a header."""
    decimal: Literal[".", ","] = "."
    """The decimal sign of text files."""
    hdu: str | None = None
    """``all`` where the tables of a FITS file are those of several chips."""
    comment: str = "#"
    """What comments begin with in text files."""

    def of_each_band(self) -> dict[str | None, list[Sample]]:
        """The samples by the band that their names tell."""
        bands: dict[str | None, list[Sample]] = {}
        for sample in self.samples:
            bands.setdefault(sample.band, []).append(sample)
        return bands


def choose(files: Sequence[LandedFile], most: int = MOST_SAMPLES) -> list[LandedFile]:
    """Take up to `most` files of each band, spread evenly from the first to the last.

    Examples
    --------
    >>> from pathlib import Path
    >>> files = [LandedFile(Path(name), name) for name in "abcdefg"]
    >>> [file.name for file in choose(files, 3)]
    ['a', 'd', 'g']
    """
    bands: dict[str | None, list[LandedFile]] = {}
    for file in files:
        bands.setdefault(file.groups.get("measurement"), []).append(file)
    chosen = []
    for of_band in bands.values():
        places = np.linspace(0, len(of_band) - 1, min(most, len(of_band))).round().astype(int)
        chosen += [of_band[place] for place in sorted(set(places.tolist()))]
    return chosen


def read_samples(files: Iterable[LandedFile], pattern: str) -> Samples:
    """Read files and recognise their columns; a file that cannot be read is passed over.

    Parameters
    ----------
    files : iterable of LandedFile
    pattern : str
        ``files.pattern``.
    """
    found = Samples()
    for file in files:
        found.comment = _comment_sign(file) or found.comment
        section = FilesSection(
            pattern=pattern,
            column_names=found.column_names,
            decimal=found.decimal,
            comment=found.comment,
            hdu=found.hdu,
        )
        try:
            source = _read(file, section, found)
            found.samples.append(_recognise(file, source, pattern))
        except CatalogError as error:
            found.unreadable.append(str(error))
    return found


def _read(file: LandedFile, section: FilesSection, found: Samples) -> CatalogFile:
    try:
        return _with_decimals(file, section, found)
    except CatalogError as error:
        if "files.hdu = 'all'" in error.reason:
            found.hdu = "all"
            return read_catalog_file(file.path, section.model_copy(update={"hdu": "all"}))
        if found.column_names or "no line of column names" not in error.reason:
            raise
    names = _placeholders(file)
    source = _with_decimals(file, section.model_copy(update={"column_names": names}), found)
    found.column_names = names
    return source


def _with_decimals(file: LandedFile, section: FilesSection, found: Samples) -> CatalogFile:
    """Read a file, again with decimal commas if it has them."""
    source = read_catalog_file(file.path, section)
    if section.decimal == "." and _has_decimal_commas(source.table):
        found.decimal = ","
        source = read_catalog_file(file.path, section.model_copy(update={"decimal": ","}))
    return source


def _comment_sign(file: LandedFile) -> str | None:
    """Find the sign that the first line of a file begins with, and not the last one."""
    try:
        with file.path.open("rb") as stream:
            lines = stream.read(_START).lstrip(b"\xef\xbb\xbf").splitlines()
    except OSError:
        return None
    first, last = lines[0][:1] if lines else b"", lines[-1].lstrip()[:1] if lines else b""
    is_sign = first in (b"%", b"!") or (first == b";" and lines[0].count(b";") == 1)
    return first.decode() if is_sign and first != last else None


def _has_decimal_commas(table: Table) -> bool:
    """Say whether there is text like ``17,25`` where numbers are meant."""
    return any(
        any(DECIMAL_COMMA.fullmatch(cell) for cell in texts_of(table[name][:_MOST_CELLS]))
        for name in table.colnames
        if table[name].dtype.kind == "U"
    )


def _placeholders(file: LandedFile) -> tuple[str, ...]:
    """Name the columns of a text file without a header; the position where it can be told."""
    text = file.path.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    signs = [sign for sign in (",", "\t", ";", "|") if sign in lines[0]]
    cells = [
        [cell.strip() for cell in (line.split(signs[0]) if signs else line.split())]
        for line in lines[:1000]
    ]
    names = [f"col{number}" for number in range(1, len(cells[0]) + 1)]
    columns = list(zip(*[row for row in cells if len(row) == len(names)], strict=True))
    for place in range(len(columns) - 1):
        if _may_be_position(columns[place], columns[place + 1]):
            names[place : place + 2] = ["ra", "dec"]
            break
    return tuple(names)


def _may_be_position(ra: Sequence[str], dec: Sequence[str]) -> bool:
    """Say whether two columns of text can be RA and Dec of one field."""
    if all(_SEXAGESIMAL.match(cell) for cell in (*ra, *dec)):
        return True
    # Pixels and magnitudes have few decimals; an arcsecond needs four.
    if not all(_NUMBER_WITH_DECIMALS.match(cell) for cell in (*ra, *dec)):
        return False
    first, second = np.array(ra, dtype=float), np.array(dec, dtype=float)
    width = min(np.ptp(first), np.ptp((first + 180.0) % 360.0))
    return bool(
        np.all((first >= -180.0) & (first <= 360.0))  # noqa: PLR2004
        and np.all(np.abs(second) <= 90.0)  # noqa: PLR2004
        and max(width, np.ptp(second)) < _WIDEST_FIELD_DEG
        and len(set(ra)) > len(ra) // 2
        # Errors beside a value are small and positive; so are positions, but in one field only.
        and not (np.all(second > 0.0) and np.max(second) < 1.0)
    )


def _recognise(file: LandedFile, source: CatalogFile, pattern: str) -> Sample:
    survey = SurveyConfig(survey=SurveySection(name="draft"), files=FilesSection(pattern=pattern))
    table = source.table
    problems: dict[str, str] = {}
    while True:
        try:
            plan = plan_columns(file.path, table, survey, file.groups)
            break
        except CatalogError as error:
            what, change = _stand_in(error.reason, table)
            if what is None or what in problems:
                raise
            problems[what] = error.reason
            survey = survey.model_copy(update=_merged(survey, change))
    vectors = np.empty((0, 3))
    if "position" not in problems:
        ra, _ = read_angles(file.path, plan.ra, table[plan.ra], None, is_ra=True)
        dec, _ = read_angles(file.path, plan.dec, table[plan.dec], None, is_ra=False)
        dec = np.where(np.abs(dec) <= 90.0, dec, np.nan)  # noqa: PLR2004
        vectors = unit_vectors(normalise_ra(ra), dec)
    return Sample(file, source, plan, problems, vectors)


def _stand_in(reason: str, table: Table) -> tuple[str | None, dict[str, object]]:
    """Fill what could not be recognised with any column, so that the rest still can be.

    The messages of :func:`plan_columns` name the setting that is wanted; that is what is used here.
    """
    anything = table.colnames[0]
    if "columns.ra" in reason or "columns.dec" in reason:
        return "position", {"ra": anything, "dec": anything}
    if "columns.flags" in reason:
        flags = (
            name for alias in known.FLAG_NAMES for name in known.same_names(alias, table.colnames)
        )
        return "flags", {"flags": next(flags)}
    if "[[measurements]]" in reason:
        stand_in = MeasurementSection(key="unknown", value=anything, quantity="flux", where={})
        return "measurements", {"measurements": (stand_in,)}
    return None, {}


def _merged(survey: SurveyConfig, change: dict[str, object]) -> dict[str, object]:
    if "measurements" in change:
        return change
    return {"columns": ColumnsSection(**(survey.columns.model_dump() | change))}
