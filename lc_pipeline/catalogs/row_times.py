"""Columns that hold the time of each row: by name, by UCD, or because they say what they count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.missing import numbers_of
from lc_pipeline.catalogs.time_formats import ROW_TIMES, implied_by_name

#: Rows of one file that lie further apart (days) are hardly one epoch.
LONGEST_EPOCH = 2.0

_JD_ZERO = 2400000.5
_ORIGIN = re.compile(r"(?i)([bh]?m?jd)(?:[_ ]?(?:tdb|utc|tt|tai))?\s*[-\u2212]\s*(\d+(?:\.\d*)?)")


@dataclass(frozen=True)
class RowTime:
    """A column of times, and how to read it."""

    name: str
    format: str
    at: str
    scale: str | None
    refposition: str | None
    offset: float
    why: str


def row_times(path: object, table: Table, time_range: tuple[float, float]) -> Iterator[RowTime]:
    """Find the columns that can be the rows' time, the likeliest first.

    Parameters
    ----------
    path : Path
        For messages.
    table : Table
    time_range : (float, float), MJD
        Tells Julian dates from modified ones, where only the numbers do.
    """
    names: list[str] = list(table.colnames)
    for name in names:
        if (origin := stated_origin(table, name)) is not None and table[name].dtype.kind in "fiu":
            scale, place = implied_by_name(f"{name} {table[name].unit or ''}")
            yield RowTime(name, "jd", "mid", scale, place, origin, f"counts from JD {origin:.10g}")
    for wanted, form, at, scale, place in ROW_TIMES:
        for name in names:
            if known.squeeze(name) == wanted:
                if form == "isot":
                    form = _format_of(path, table, name, time_range)  # noqa: PLW2901
                yield RowTime(name, form, at, scale, place, 0.0, "by name")
    by_ucd = [
        name
        for name in names
        if str(table[name].meta.get("ucd", "")).lower().split(";")[0] == "time.epoch"
    ]
    if len(by_ucd) == 1:
        scale, place = implied_by_name(by_ucd[0])
        form = _format_of(path, table, by_ucd[0], time_range)
        yield RowTime(by_ucd[0], form, "mid", scale, place, 0.0, "by UCD")


def stated_origin(table: Table, name: str) -> float | None:
    """Find the Julian date that a column counts from, if the file says so.

    A VOTable says it as ``timeorigin``, others in the column's name or unit: ``HJD-2450000``.

    Examples
    --------
    >>> table = Table({"T": [1683.4], "HJD-2450000": [8684.4]}, units=["BJD - 2457000, days", ""])
    >>> stated_origin(table, "T"), stated_origin(table, "HJD-2450000")
    (2457000.0, 2450000.0)
    """
    column = table[name]
    if "time_origin" in column.meta:
        return float(column.meta["time_origin"])
    match = _ORIGIN.search(str(column.unit or "")) or _ORIGIN.search(name)
    if match is None:
        return None
    return float(match[2]) + (_JD_ZERO if "m" in match[1].lower() else 0.0)


def _format_of(path: object, table: Table, name: str, time_range: tuple[float, float]) -> str:
    """Tell the format of a time column of any name by what it holds."""
    if table[name].dtype.kind not in "fiu":
        return "isot"
    numbers = numbers_of(path, name, table[name])
    numbers = numbers[np.isfinite(numbers)]
    first, last = time_range
    is_jd = len(numbers) and first + _JD_ZERO <= np.median(numbers) <= last + _JD_ZERO
    return "jd" if is_jd else "mjd"
