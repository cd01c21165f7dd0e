"""Columns that hold the time of each row: by name, by UCD, or because they say what they count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from astropy.table import Column, Table

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.missing import numbers_of, texts_of
from lc_pipeline.catalogs.time_formats import ROW_TIMES, SCALES, implied_by_name

#: Rows of one file that lie further apart (days) are hardly one epoch.
LONGEST_EPOCH = 2.0

_JD_ZERO = 2400000.5
_UNIX_ZERO = 40587.0
_SAMPLE = 200
_DATE_AND_CLOCK = re.compile(r"\d{4}[-/]\d\d[-/]\d\d[T ]+\d{1,2}:\d\d")
_TIME_WORDS = frozenset(
    re.findall(
        r"\w+",
        "mjd hmjd bmjd jd hjd bjd time date datetime epoch obs t unix unixtime timestamp jdate",
    )
)
_NOT_EXPOSURE = frozenset(
    re.findall(r"\w+", "first last min max ref proc processed created updated update modified peak")
)
#: Words for the moment of the exposure. A time of observation is its start, as ``DATE-OBS`` is.
_MOMENTS = {
    "mid": {"mid", "mean", "avg", "midpoint", "mjdmid"},
    "end": {"end", "stop"},
    "start": {"start", "begin", "beg", "obs"},
}
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
        if (counted := stated_time(table, name)) is not None:
            yield counted
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
    others = [
        found for name in names if (found := _by_words(path, table, name, time_range)) is not None
    ]
    yield from sorted(others, key=lambda found: ("mid", "start", "end").index(found.at))


def _by_words(
    path: object, table: Table, name: str, time_range: tuple[float, float]
) -> RowTime | None:
    """Take what has a word for time in its name, and holds times of the kind that can be told.

    Numbers that could as well count seconds of a day (``time`` = 43200) cannot be told.
    """
    words = set(known.words_of(name))
    at = next((at for at, said in _MOMENTS.items() if said & words), "mid")
    if "time_scale" in table[name].meta:  # astropy's own times
        return RowTime(name, "mjd", at, None, None, 0.0, "a column of times")
    is_other = known.is_error_name(name) or words & _NOT_EXPOSURE or any(map(known.is_band, words))
    if not words & _TIME_WORDS or is_other:
        return None
    scale = next((scale for scale in SCALES.values() if scale in words), None)
    implied, place = implied_by_name(name)
    form = _told_format(path, table[name], name, words, time_range)
    if form is None:
        return None
    return RowTime(
        name, form, at, scale or implied, place, 0.0, "by a word of its name and by range"
    )


def _told_format(
    path: object, column: Column, name: str, words: set[str], time_range: tuple[float, float]
) -> str | None:
    if column.dtype.kind in "US":
        cells = [cell for cell in texts_of(column[:_SAMPLE]) if cell]
        return "isot" if cells and all(map(_DATE_AND_CLOCK.match, cells)) else None
    if column.dtype.kind not in "fiu":
        return None
    numbers = numbers_of(path, name, column)
    numbers = numbers[np.isfinite(numbers)]
    first, last = time_range
    for form, low, high, needed in (
        ("jd", first + _JD_ZERO, last + _JD_ZERO, _TIME_WORDS),
        ("mjd", first, last, {"mjd", "hmjd", "bmjd"}),
        ("unix", 1.0, 86400 * (last - _UNIX_ZERO), {"unix", "unixtime", "timestamp"}),
    ):
        if words & needed and len(numbers) and low <= numbers.min() <= numbers.max() <= high:
            return form
    return None


def own_time(table: Table, value: str) -> str | None:
    """Name the time column of one measurement, where each has one of its own.

    By the band, ``mjd_g`` for ``mag_g``; or, of columns that say what they count from, the one
    whose name is that of the value but for the words for brightness and time.

    Examples
    --------
    >>> table = Table({"bp_obs_time": [1.0], "g_transit_time": [1.0]})
    >>> table["bp_obs_time"].unit = table["g_transit_time"].unit = "BJD - 2455197.5"
    >>> own_time(table, "bp_flux"), own_time(table, "g_transit_flux"), own_time(table, "rp_flux")
    ('bp_obs_time', 'g_transit_time', None)
    """
    if found := known.find_time(value, table.colnames):
        return found
    names: list[str] = list(table.colnames)
    counted = [name for name in names if stated_time(table, name) is not None]
    wanted = [word for word in known.words_of(value) if known.quantity_of_name(word) is None]
    for name in counted if len(counted) > 1 else ():
        if [word for word in known.words_of(name) if word not in _TIME_WORDS] == wanted:
            return name
    return None


def stated_time(table: Table, name: str) -> RowTime | None:
    """Take a column of numbers for times if the file says from which day they count."""
    origin = stated_origin(table, name)
    if origin is None or table[name].dtype.kind not in "fiu":
        return None
    column = table[name]
    said = _ORIGIN.search(str(column.description or ""))
    told = f"{name} {column.unit or ''} {column.description if said else ''}"
    scale, place = implied_by_name(told.strip())
    return RowTime(name, "jd", "mid", scale, place, origin, f"counts from JD {origin:.10g}")


def stated_origin(table: Table, name: str) -> float | None:
    """Find the Julian date that a column counts from, if the file says so.

    A VOTable says it as ``timeorigin``, others in the column's name, unit or description:
    ``HJD-2450000``.

    Examples
    --------
    >>> table = Table({"T": [1683.4], "HJD-2450000": [8684.4]}, units=["BJD - 2457000, days", ""])
    >>> stated_origin(table, "T"), stated_origin(table, "HJD-2450000")
    (2457000.0, 2450000.0)
    """
    column = table[name]
    if "time_origin" in column.meta:
        return float(column.meta["time_origin"])
    places = (str(column.unit or ""), name, str(column.description or ""))
    match = next((found for place in places if (found := _ORIGIN.search(place))), None)
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
