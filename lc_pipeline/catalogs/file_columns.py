"""The columns of one file: looking them up, and saying what was found."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from astropy.table import Table

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.formats.text_cells import EMPTY_CELLS
from lc_pipeline.catalogs.missing import DECIMAL_COMMA, LIMIT, texts_of
from lc_pipeline.errors import CatalogError


class FileColumns:
    """The columns of one file, with the notes that are made while looking for them."""

    def __init__(self, path: str, table: Table) -> None:
        self.path = path
        self.table = table
        self.names: list[str] = list(table.colnames)
        self.notes: list[str] = []

    def require(self, name: str, setting: str) -> str:
        """Return the name of a configured column, which must be there."""
        if name.endswith("_0") and name not in self.names:
            name = name.removesuffix("_0")
        if name in self.names:
            return name
        close = difflib.get_close_matches(name, self.names, n=3)
        close += [other for other in known.same_names(name, self.names) if other not in close]
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise CatalogError(
            self.path,
            f"{setting}: there is no column {name!r}.{hint} Columns are: {listed(self.names)}",
        )

    def ucd(self, name: str) -> list[str]:
        """Return the words of a column's UCD; one empty word if it has none."""
        return str(self.table[name].meta.get("ucd", "")).lower().split(";")

    def unit(self, name: str) -> str:
        """Return a column's unit, ``""`` if it has none."""
        unit = self.table[name].unit
        return "" if unit is None else str(unit).strip()

    def is_number(self, name: str) -> bool:
        """Say whether a column holds numbers (and not truth values or text).

        Text of which most cells are numbers counts: one bad cell must be reported when the
        column is read, and not make the column unknown.
        """
        column = self.table[name]
        if column.dtype.kind not in "US":
            return column.dtype.kind in "fiu"
        cells = [cell for cell in texts_of(column[:_SAMPLE]) if cell not in EMPTY_CELLS]
        return sum(map(_reads_as_number, cells)) * 2 >= max(len(cells), 1)


#: Rows that tell whether a column of text was meant to be numbers.
_SAMPLE = 200


def _reads_as_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        # Meant as numbers all the same: what is wrong is said where the column is read.
        return bool(DECIMAL_COMMA.fullmatch(cell) or LIMIT.fullmatch(cell))
    return True


def listed(names: Sequence[str], most: int = 60) -> str:
    """Name columns in a message, but not hundreds of them."""
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more
