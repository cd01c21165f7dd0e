"""Tables in text: CSV, white space, SExtractor ASCII.

A file of text can be cut anywhere and still look like one, so rows with another number of cells
are refused, never padded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from astropy.table import Table

from lc_pipeline.catalogs.formats.arrow_tables import table_from_arrow
from lc_pipeline.catalogs.formats.text_cells import (
    COMMA,
    EMPTY_CELLS,
    cells_of,
    decode,
    first_line,
    guess_delimiter,
    is_comment,
    refuse_ragged,
)
from lc_pipeline.catalogs.formats.text_headers import (
    header_names,
    keywords_in,
    known_unit,
    repeated_names,
    sextractor_names,
    units_of,
)
from lc_pipeline.catalogs.names import squeeze
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import FilesSection

#: A line that is drawn under the names.
_RULE = re.compile(r"[\s|+:=-]*[=-]{3}[\s|+:=-]*")
_UNIT_SEPARATOR = "\x1f"


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
    comments = [line.lstrip() for line in lines if is_comment(line)]
    numbered = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if line and not is_comment(line) and not line.isspace() and not _RULE.fullmatch(line)
    ]
    rows = [line for _, line in numbered]
    # A tab or semicolon in every line is no part of a cell, as a comma may be.
    signs = ("\t", ";", ",", "|") if files.decimal == "." else ("\t", ";", "|")
    delimiter = files.delimiter or (
        None if sextractor else guess_delimiter(rows or comments, signs)
    )
    delimiter = None if delimiter is not None and delimiter.isspace() and delimiter != "\t" else (
        delimiter
    )  # fmt: skip
    units: dict[str, str] = {}
    if files.column_names:
        names = list(files.column_names)
    elif sextractor:
        names, units = sextractor_names(path, comments, len(rows[0].split()) if rows else None)
    else:
        names, has_header_line = header_names(path, rows, comments, delimiter)
        if has_header_line:
            numbered, rows = numbered[1:], rows[1:]
            units = units_of(rows, names, delimiter)
            if units:
                numbered, rows = numbered[1:], rows[1:]
    try:
        wanted = {squeeze(text) for text in texts}
        as_written = [name for name in names if squeeze(name) in wanted]
        table = _parse_rows(path, rows, names, delimiter, as_written, files.decimal)
    except pa.ArrowInvalid as error:
        # Only now, since it takes as long as the parsing: which row, and what to do about it.
        refuse_ragged(path, numbered, delimiter, len(names))
        raise CatalogError(
            path, f"cannot be read as a table of {len(names)} columns: {first_line(error)}"
        ) from error
    units = {name: unit for name in names if (unit := known_unit(name))} | units
    for name, unit in units.items():
        table[name].unit = unit
    table.meta.update(keywords_in(comments))
    table.meta["_notes"] = _notes(path, text if rows else "\n", names)
    return table


def _notes(path: Path, text: str, names: Sequence[str]) -> list[str]:
    notes = []
    if again := repeated_names(names):
        notes.append(f"columns have the same name: the second of them is {again[0]!r}")
    if not text.endswith("\n"):
        notes.append(f"{path.name} does not end with a line end: was it cut off?")
    return notes


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
            _UNIT_SEPARATOR.join(line.split() if '"' not in line else cells_of(line, None))
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
                cells = [COMMA.sub(".", cell) for cell in np.ma.getdata(table[name]).tolist()]
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
