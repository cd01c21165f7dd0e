"""Lines of text to cells: the sign between them, and rows that have too few or too many."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from lc_pipeline.errors import CatalogError

#: Cells that say "no value" in the text tables of astronomy (INDEF is IRAF's).
EMPTY_CELLS = (
    *("", "nan", "NaN", "NAN", "-nan", "+nan", "null", "NULL", "Null", "None", "none"),
    *("NA", "N/A", "n/a", "#N/A", "--", "---", "-", "...", "INDEF", "INDEFF", "*", "masked"),
)

#: A decimal comma.
COMMA = re.compile(r"(?<=\d),(?=\d)")


def decode(contents: bytes) -> str:
    """Decode text of unknown origin: UTF-8 (with or without mark), else Latin-1; any line end."""
    try:
        text = contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = contents.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def is_comment(line: str) -> bool:
    """Say whether a line begins with ``#``, blanks before it or not."""
    return line.startswith("#") or (line[:1].isspace() and line.lstrip().startswith("#"))


def cells_of(line: str, delimiter: str | None) -> list[str]:
    """Cut a line into cells, quotes heeded; None is white space."""
    if delimiter is None and '"' not in line:
        return line.split()
    # A tab at the end is an empty cell.
    line = line.strip() if delimiter is None else line.strip(" \r\n")
    reader = csv.reader([line], delimiter=delimiter or " ", skipinitialspace=True)
    return [cell.strip() for cell in next(reader)]


def is_number(cell: str) -> bool:
    """Say whether a cell holds a number, or stands for a missing one."""
    try:
        float(COMMA.sub(".", cell))
    except ValueError:
        return cell in EMPTY_CELLS
    return True


def guess_delimiter(lines: Sequence[str], signs: Sequence[str]) -> str | None:
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


def refuse_ragged(
    path: Path, numbered: Sequence[tuple[int, str]], delimiter: str | None, n_names: int
) -> None:
    """Raise CatalogError if a row has another number of cells than there are names.

    Parameters
    ----------
    path : Path
        For the message.
    numbered : sequence of (int, str)
        The rows, each with the number of its line in the file.
    delimiter : str or None
    n_names : int
    """
    for row, (number, line) in enumerate(numbered, 1):
        if delimiter is None:
            n_cells = len(line.split()) if '"' not in line else len(cells_of(line, None))
        elif '"' in line:
            n_cells = len(cells_of(line, delimiter))
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


def first_line(error: Exception) -> str:
    """The first line of what a parser says."""
    return (str(error).strip() or type(error).__name__).split("\n")[0][:200]
