"""Tables in text: CSV, white space, SExtractor ASCII and ECSV.

A file of text can be cut anywhere and still look like one, so rows with another number of cells
are refused, never padded.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from astropy import units as u
from astropy.table import Column, MaskedColumn, Table

from lc_pipeline.catalogs.names import squeeze, standard_unit, unit_in
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import FilesSection

#: Cells that say "no value" in the text tables of astronomy (INDEF is IRAF's).
EMPTY_CELLS = (
    *("", "nan", "NaN", "NAN", "-nan", "+nan", "null", "NULL", "Null", "None", "none"),
    *("NA", "N/A", "n/a", "#N/A", "--", "---", "-", "...", "INDEF", "INDEFF", "*", "masked"),
)

_SEXTRACTOR_COLUMN = re.compile(r"#\s+(\d+)\s+([^\s\[]+)(?:\s.*?)?(?:\[([^\]]*)\])?\s*$")
_KEYWORD = re.compile(r"#+\s*([A-Za-z][\w-]*)\s*[=:]\s*(.+?)\s*$")
#: A line that is drawn under the names.
_RULE = re.compile(r"[\s|+:=-]*[=-]{3}[\s|+:=-]*")
_COMMA = re.compile(r"(?<=\d),(?=\d)")
#: A column name that :func:`_unique` made.
_AGAIN = re.compile(r".+ \(2\)")
_UNIT_SEPARATOR = "\x1f"
_UNKNOWN_YAML_TAG = re.compile(rb"(?<=\s)!(?!astropy\b|numpy\b|!)[A-Za-z_][\w.]*")


def is_sextractor_header(start: str) -> bool:
    """Say whether SExtractor's ``#   1 NUMBER ...`` lines are among the first comments."""
    if re.match(r"#\s+1\s+[A-Za-z]\w*", start):
        return True
    for line in start.split("\n"):
        if line and not _is_comment(line) and not line.isspace():
            return False
        if re.match(r"#\s+1\s+[A-Z][A-Z0-9_]+(\s|$)", line):
            return True
    return False


def _is_comment(line: str) -> bool:
    return line.startswith("#") or (line[:1].isspace() and line.lstrip().startswith("#"))


def read_text(
    path: Path,
    contents: bytes,
    files: FilesSection,
    texts: Sequence[str] = (),
    *,
    sextractor: bool,
) -> Table:
    """Read a text table: comma, tab, semicolon, bar or white space between the cells.

    Column names come from ``files.column_names``, a SExtractor header, the first line, or the
    last comment before the first row. ``# KEY = value`` comments become ``meta``. The columns
    `texts` are kept as they are written.

    Raises
    ------
    CatalogError
        If there are no rows and no names, a row has another number of cells, or the file has no
        header and ``files.column_names`` is not set.
    """
    text = decode(contents)
    lines = text.split("\n")
    lines[: files.skip_lines] = [""] * min(files.skip_lines, len(lines))
    if files.comment != "#":
        lines = [
            f"#{line.lstrip().removeprefix(files.comment)}"
            if line.lstrip().startswith(files.comment)
            else line
            for line in lines
        ]
    comments = [line.lstrip() for line in lines if _is_comment(line)]
    numbered = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if line and not _is_comment(line) and not line.isspace() and not _RULE.fullmatch(line)
    ]
    rows = [line for _, line in numbered]
    # A tab or semicolon in every line is no part of a cell, as a comma may be.
    signs = ("\t", ";", ",", "|") if files.decimal == "." else ("\t", ";", "|")
    delimiter = files.delimiter or (
        None if sextractor else _guess_delimiter(rows or comments, signs)
    )
    delimiter = None if delimiter is not None and delimiter.isspace() and delimiter != "\t" else (
        delimiter
    )  # fmt: skip
    units: dict[str, str] = {}
    if files.column_names:
        names = list(files.column_names)
    elif sextractor:
        names, units = _sextractor_names(path, comments, len(rows[0].split()) if rows else None)
    else:
        names, has_header_line = _header_names(path, rows, comments, delimiter)
        if has_header_line:
            numbered, rows = numbered[1:], rows[1:]
            units = _units_of(rows, names, delimiter)
            if units:
                numbered, rows = numbered[1:], rows[1:]
    try:
        wanted = {squeeze(text) for text in texts}
        as_written = [name for name in names if squeeze(name) in wanted]
        table = _parse_rows(path, rows, names, delimiter, as_written, files.decimal)
    except pa.ArrowInvalid as error:
        # Only now, since it takes as long as the parsing: which row, and what to do about it.
        _refuse_ragged(path, numbered, delimiter, len(names))
        raise CatalogError(
            path, f"cannot be read as a table of {len(names)} columns: {_first_line(error)}"
        ) from error
    units = {name: unit for name in names if (unit := _known_unit(name))} | units
    for name, unit in units.items():
        table[name].unit = unit
    table.meta.update(_keywords(comments))
    table.meta["_notes"] = _notes(path, text if rows else "\n", names)
    return table


def _notes(path: Path, text: str, names: Sequence[str]) -> list[str]:
    notes = []
    if again := [name for name in names if _AGAIN.fullmatch(name)]:
        notes.append(f"columns have the same name: the second of them is {again[0]!r}")
    if not text.endswith("\n"):
        notes.append(f"{path.name} does not end with a line end: was it cut off?")
    return notes


def read_ecsv(path: Path, contents: bytes) -> Table:
    """Read ECSV; objects of unknown classes in its metadata are ignored, the data are not.

    Raises
    ------
    CatalogError
        If the header cannot be understood or a row has another number of cells.
    """
    try:
        table = _astropy_ecsv(path, contents)
    except ValueError as error:
        if "yaml" not in str(error):
            raise CatalogError(path, f"not valid ECSV: {_first_line(error)}") from error
        lines = contents.split(b"\n")
        known = [
            _UNKNOWN_YAML_TAG.sub(b"", line) if line.startswith(b"#") else line for line in lines
        ]
        try:
            table = _astropy_ecsv(path, b"\n".join(known))
        except ValueError as again:
            raise CatalogError(
                path, f"the YAML header of this ECSV file cannot be read: {_first_line(again)}"
            ) from again
    return table


def _astropy_ecsv(path: Path, contents: bytes) -> Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unknown units stay as text
        try:
            return Table.read(io.BytesIO(contents), format="ecsv", engine="pyarrow")
        except pa.ArrowInvalid as error:
            if "Expected" in str(error) and "columns" in str(error):
                raise CatalogError(
                    path,
                    f"a row has the wrong number of cells ({_first_line(error)}): the file was "
                    f"cut off or damaged; fetch it again",
                ) from error
        except (TypeError, NotImplementedError, KeyError):
            pass  # an astropy without engines, or a kind of column that the fast one lacks
        # This reader pads short rows with masks, so it must not see a file that was cut off.
        lines = decode(contents).split("\n")
        numbered = [
            (number, line)
            for number, line in enumerate(lines, 1)
            if line.strip() and not line.startswith("#")
        ]
        delimiter = "," if "delimiter: ','" in "\n".join(lines[:5]) else " "
        if numbered:
            _refuse_ragged(path, numbered, delimiter, len(_cells(numbered[0][1], delimiter)))
        return Table.read("\n".join(lines), format="ascii.ecsv")


def decode(contents: bytes) -> str:
    """Decode text of unknown origin: UTF-8 (with or without mark), else Latin-1; any line end."""
    try:
        text = contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = contents.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0][:200]


def _units_of(rows: Sequence[str], names: Sequence[str], delimiter: str | None) -> dict[str, str]:
    """Read a line of units between the names and the numbers; nothing if there is none."""
    if len(rows) < 2:  # noqa: PLR2004
        return {}
    first, second = _cells(rows[0], delimiter), _cells(rows[1], delimiter)
    if len(first) != len(names) or len(second) != len(names):
        return {}
    of_numbers = [cell for cell, below in zip(first, second, strict=True) if _is_number(below)]
    are_units = any(first) and not any(_is_number(cell) for cell in of_numbers if cell)
    if not are_units or not any(map(_is_unit, of_numbers)):
        return {}
    return {name: cell for name, cell in zip(names, first, strict=True) if _is_unit(cell)}


def _is_unit(text: str) -> bool:
    unit = u.Unit(standard_unit(text), parse_strict="silent")
    return bool(text) and not isinstance(unit, u.UnrecognizedUnit)


def _known_unit(name: str) -> str | None:
    """Find the unit in a column's name, ``Mag [mag]``."""
    text = unit_in(name) or ""
    return text if _is_unit(text) else None


def _guess_delimiter(lines: Sequence[str], signs: Sequence[str]) -> str | None:
    """Find the sign that stands equally often in the first lines; None is white space."""
    sample = [re.sub(r'"[^"]*"', '""', line) for line in lines[:20]]
    for delimiter in signs:
        counts = [line.count(delimiter) for line in sample]
        # The last line of the sample may be where a file was cut, so the first decides.
        if (
            counts
            and counts[0]
            and counts[: max(1, len(counts) - 1)].count(counts[0]) * 2 > (len(counts) - 1)
        ):
            return delimiter
    return None


def _cells(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None and '"' not in line:
        return line.split()
    # A tab at the end is an empty cell.
    line = line.strip() if delimiter is None else line.strip(" \r\n")
    reader = csv.reader([line], delimiter=delimiter or " ", skipinitialspace=True)
    return [cell.strip() for cell in next(reader)]


def _is_number(cell: str) -> bool:
    try:
        float(_COMMA.sub(".", cell))
    except ValueError:
        return cell in EMPTY_CELLS
    return True


def _sextractor_names(
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


def _header_names(
    path: Path, rows: Sequence[str], comments: Sequence[str], delimiter: str | None
) -> tuple[list[str], bool]:
    """Column names, and whether they stand in the first row."""
    first = _cells(rows[0], delimiter) if rows else []
    candidate = _cells(comments[-1].lstrip("# "), delimiter) if comments else []
    in_comment = bool(candidate) and not any(_is_number(cell) for cell in candidate)
    if in_comment and (not rows or len(candidate) == len(first)):
        return _unique(candidate), False
    if rows and not any(_is_number(cell) for cell in first if cell):
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


def _refuse_ragged(
    path: Path, numbered: Sequence[tuple[int, str]], delimiter: str | None, n_names: int
) -> None:
    for row, (number, line) in enumerate(numbered, 1):
        if delimiter is None:
            n_cells = len(line.split()) if '"' not in line else len(_cells(line, None))
        elif '"' in line:
            n_cells = len(_cells(line, delimiter))
        else:
            n_cells = line.count(delimiter) + 1
        if n_cells == n_names:
            continue
        if row == 1:
            remedy = (
                f"name all {n_cells} columns in files.column_names, set files.delimiter, or leave "
                f"lines above the table out with files.skip_lines or files.comment"
            )
        elif row == len(numbered):
            remedy = "it is the last row: the file was probably cut off; fetch it again"
        else:
            remedy = "correct the row, or leave the file out with files.exclude"
        raise CatalogError(
            path,
            f"row {row} (line {number}) has {n_cells} cells and there are {n_names} columns; "
            f"{remedy}",
        )


def _parse_rows(
    path: Path,
    rows: Sequence[str],
    names: list[str],
    delimiter: str | None,
    as_written: Sequence[str],
    decimal: str,
) -> Table:
    if len(set(names)) < len(names):
        raise CatalogError(path, "two columns have the same name; make them unique")
    if not rows:
        return Table({name: np.empty(0) for name in names})
    if delimiter is None:
        body = "\n".join(
            _UNIT_SEPARATOR.join(line.split() if '"' not in line else _cells(line, None))
            for line in rows
        )
        delimiter = _UNIT_SEPARATOR
    else:
        body = "\n".join(rows)
        if " " in body and '"' not in body:
            body = re.sub(rf" *{re.escape(delimiter)} *", delimiter, body)
            body = re.sub(r"(?m)^ +| +$", "", body)
    encoded = pa.py_buffer(body.encode())
    types: dict[str, Any] = dict.fromkeys(as_written, pa.string())
    arrow = _parse_arrow(encoded, names, delimiter, types, decimal)
    # "12:34:56" is a right ascension here, and a date is read with its time scale later.
    odd = [field.name for field in arrow.schema if pa.types.is_temporal(field.type)]
    if odd:
        types |= dict.fromkeys(odd, pa.string())
        arrow = _parse_arrow(encoded, names, delimiter, types, decimal)
    table = table_from_arrow(arrow)
    if decimal == ",":
        for name in set(names) - set(as_written):
            # Text for the sake of one cell that is no number; the others are.
            if table[name].dtype.kind == "U":
                cells = [_COMMA.sub(".", cell) for cell in np.ma.getdata(table[name]).tolist()]
                table[name][:] = cells
    return table


def _parse_arrow(
    body: pa.Buffer, names: list[str], delimiter: str, types: dict[str, Any], decimal: str
) -> pa.Table:
    return pacsv.read_csv(
        pa.BufferReader(body),
        read_options=pacsv.ReadOptions(column_names=names, block_size=1 << 26),
        parse_options=pacsv.ParseOptions(delimiter=delimiter),
        convert_options=pacsv.ConvertOptions(
            null_values=EMPTY_CELLS,
            strings_can_be_null=True,
            column_types=types,
            decimal_point=decimal,
        ),
    )


def table_from_arrow(arrow: pa.Table) -> Table:
    """Turn an Arrow table into an astropy one: nulls are NaN in floats and masked elsewhere."""
    return Table(
        {name: _column_from_arrow(arrow.column(name)) for name in arrow.column_names}, copy=False
    )


def _column_from_arrow(column: pa.ChunkedArray) -> Column:
    kind = column.type
    if pa.types.is_null(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif pa.types.is_temporal(kind):
        column = column.cast(pa.string())
    elif pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    kind = column.type
    if pa.types.is_floating(kind):
        return Column(np.asarray(column.to_numpy()))
    if pa.types.is_fixed_size_list(kind):
        flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return Column(flat.reshape(len(column), kind.list_size))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        mask = column.is_null().to_numpy() if column.null_count else False
        values = column.fill_null(0 if pa.types.is_integer(kind) else False).to_numpy()
        return MaskedColumn(values, mask=mask) if column.null_count else Column(values)
    return _column_of_cells(column.to_pylist())


def _column_of_cells(cells: list[Any]) -> Column:
    """Make a vector column of lists of one length; take anything else as text."""
    lengths = {len(cell) if isinstance(cell, list) else -1 for cell in cells}
    if len(lengths) == 1 and lengths != {-1}:
        return Column(np.array(cells))
    mask = [cell is None for cell in cells]
    texts = np.array(["" if cell is None else str(cell) for cell in cells], dtype=str)
    return MaskedColumn(texts, mask=mask) if any(mask) else Column(texts)


def _keywords(comments: Sequence[str]) -> dict[str, str]:
    matches = (_KEYWORD.match(line) for line in comments)
    return {
        match[1].upper(): match[2].split(" / ")[0].strip().strip("'\"").strip()
        for match in matches
        if match
    }
