"""What stands above the rows of a text table: names, units, keywords."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from astropy import units as u

from lc_pipeline.catalogs.formats.text_cells import cells_of, is_comment, is_number
from lc_pipeline.catalogs.names import standard_unit, unit_in
from lc_pipeline.errors import CatalogError

_SEXTRACTOR_COLUMN = re.compile(r"#\s+(\d+)\s+([^\s\[]+)(?:\s.*?)?(?:\[([^\]]*)\])?\s*$")
_KEYWORD = re.compile(r"#+\s*([A-Za-z][\w-]*)\s*[=:]\s*(.+?)\s*$")
#: A column name that :func:`_unique` made.
_AGAIN = re.compile(r".+ \(2\)")


def is_sextractor_header(start: str) -> bool:
    """Say whether SExtractor's ``#   1 NUMBER ...`` lines are among the first comments."""
    if re.match(r"#\s+1\s+[A-Za-z]\w*", start):
        return True
    for line in start.split("\n"):
        if line and not is_comment(line) and not line.isspace():
            return False
        if re.match(r"#\s+1\s+[A-Z][A-Z0-9_]+(\s|$)", line):
            return True
    return False


def sextractor_names(
    path: Path, comments: Sequence[str], n_cells: int | None
) -> tuple[list[str], dict[str, str]]:
    """Column names of a SExtractor header, with those of vector columns that it leaves out."""
    columns = [match.groups() for line in comments if (match := _SEXTRACTOR_COLUMN.match(line))]
    starts = [int(number) for number, _, _ in columns]
    if 1 in starts:  # "# 2024 January 5" is a comment like any other
        columns, starts = columns[starts.index(1) :], starts[starts.index(1) :]
    if starts[:1] != [1] or any(a >= b for a, b in pairwise(starts)):
        raise CatalogError(path, "the SExtractor header does not number its columns 1, 2, ...")
    ends = [*starts[1:], max(n_cells or 0, starts[-1]) + 1]
    names: list[str] = []
    units: dict[str, str] = {}
    for (_, name, unit), start, end in zip(columns, starts, ends, strict=True):
        elements = [str(name), *(f"{name}_{k}" for k in range(1, end - start))]
        names += elements
        if unit and unit.strip():
            units |= dict.fromkeys(elements, unit.strip())
    return names, units


def header_names(
    path: Path, rows: Sequence[str], comments: Sequence[str], delimiter: str | None
) -> tuple[list[str], bool]:
    """Column names, and whether they stand in the first row."""
    first = cells_of(rows[0], delimiter) if rows else []
    candidate = cells_of(comments[-1].lstrip("# "), delimiter) if comments else []
    in_comment = bool(candidate) and not any(is_number(cell) for cell in candidate)
    if in_comment and (not rows or len(candidate) == len(first)):
        return _unique(candidate), False
    if rows and not any(is_number(cell) for cell in first if cell):
        return _unique(first), True
    if not rows:
        raise CatalogError(path, "has no rows and no column names: it is empty")
    raise CatalogError(
        path,
        f"has no line of column names (its first line is {rows[0][:60]!r}): give all "
        f"{len(first)} names as files.column_names",
    )


def _unique(names: Sequence[str]) -> list[str]:
    """Name repeated columns ``name (2)``, so that neither is taken for the other."""
    seen: dict[str, int] = {}
    unique = []
    for position, name in enumerate(names, 1):
        key = name.strip() or f"(column {position})"
        seen[key] = seen.get(key, 0) + 1
        unique.append(key if seen[key] == 1 else f"{key} ({seen[key]})")
    return unique


def units_of(rows: Sequence[str], names: Sequence[str], delimiter: str | None) -> dict[str, str]:
    """Read a line of units between the names and the numbers; nothing if there is none."""
    if len(rows) < 2:  # noqa: PLR2004
        return {}
    first, second = cells_of(rows[0], delimiter), cells_of(rows[1], delimiter)
    if len(first) != len(names) or len(second) != len(names):
        return {}
    of_numbers = [cell for cell, below in zip(first, second, strict=True) if is_number(below)]
    are_units = any(first) and not any(is_number(cell) for cell in of_numbers if cell)
    if not are_units or not any(map(_is_unit, of_numbers)):
        return {}
    return {name: cell for name, cell in zip(names, first, strict=True) if _is_unit(cell)}


def _is_unit(text: str) -> bool:
    unit = u.Unit(standard_unit(text), parse_strict="silent")
    return bool(text) and not isinstance(unit, u.UnrecognizedUnit)


def known_unit(name: str) -> str | None:
    """Find the unit in a column's name, ``Mag [mag]``."""
    text = unit_in(name) or ""
    return text if _is_unit(text) else None


def keywords_in(comments: Sequence[str]) -> dict[str, str]:
    """Read comments like ``KEY = value``."""
    matches = (_KEYWORD.match(line) for line in comments)
    return {
        match[1].upper(): match[2].split(" / ")[0].strip().strip("'\"").strip()
        for match in matches
        if match
    }


def repeated_names(names: Sequence[str]) -> list[str]:
    """Find the names that were given to columns because another one had theirs."""
    return [name for name in names if _AGAIN.fullmatch(name)]
