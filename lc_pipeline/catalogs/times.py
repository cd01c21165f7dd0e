"""When an epoch was taken: header, column or file name, to MJD of mid-exposure.

Everything is float64 MJD in the scale that was given; no scale is turned into another here, and
nothing is looked up in the network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from lc_pipeline.catalogs.file_columns import listed
from lc_pipeline.catalogs.missing import numbers_of, texts_of
from lc_pipeline.catalogs.observing_log import LogRow
from lc_pipeline.catalogs.row_times import LONGEST_EPOCH, row_times, stated_origin
from lc_pipeline.catalogs.time_formats import (
    EXPOSURE_KEYWORDS,
    HEADER_TIMES,
    PLACES,
    SCALES,
    TIME_OF_DAY,
    implied_by_name,
    seconds_of,
    to_mjd,
)
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import MissingSection, SurveyConfig, TimeSection

Floats = NDArray[np.float64]

_SECONDS = 86400.0


@dataclass(frozen=True)
class FileTimes:
    """When one file was taken.

    Attributes
    ----------
    mjd : float
        MJD of mid-exposure: the median, where rows have times of their own. NaN if unknown.
    scale, refposition : str
    exposure : float
        Seconds; NaN if unknown.
    columns : dict of str to (n_rows,) array of float
        MJD of mid-exposure of each row, for each time column that is used; NaN where missing.
    general : str or None
        Which of `columns` holds for every measurement without a time column of its own.
    notes : tuple of str
    """

    mjd: float
    scale: str
    refposition: str
    exposure: float
    columns: dict[str, Floats] = field(default_factory=dict)
    general: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Clock:
    """How to read a time."""

    format: str
    offset: float = 0.0
    scale: str = "utc"
    refposition: str = "TOPOCENTER"
    shift: float = 0.0
    """Days from the time that is given to mid-exposure."""
    time_of_day: dict[str, str] = field(default_factory=dict)
    """The column that has the time of day, by the column that has the day."""


def read_times(
    path: object,
    table: Table,
    survey: SurveyConfig,
    groups: dict[str, str],
    time_columns: Sequence[str],
    log: LogRow | None = None,
) -> FileTimes:
    """Find the time of one file, and of its rows where they have their own.

    Parameters
    ----------
    path : Path
        For messages.
    table : Table
        As :func:`~lc_pipeline.catalogs.reading.read_table` gives it.
    survey : SurveyConfig
        ``[time]`` is followed if it is there; else header keywords, then time columns with
        well-known names, are recognised.
    groups : dict of str to str
        Named groups of the file's name.
    time_columns : sequence of str
        Time columns of single measurements.
    log : LogRow, optional
        The file's row of the observing log, if it has one.

    Raises
    ------
    CatalogError
        If there is no time, it cannot be read as configured, or lies outside
        ``missing.time_range``.
    """
    search = _Search(str(path), table, survey, groups)
    if survey.time and survey.time.source == "log":
        search.groups = _logged(str(path), survey.time, log, groups)
    if survey.time:
        return search.configured(survey.time, time_columns)
    return search.recognised(time_columns)


def _logged(
    path: str, section: TimeSection, log: LogRow | None, groups: dict[str, str]
) -> dict[str, str]:
    """What the log says of the file, beside what its name says."""
    if log is None:
        raise CatalogError(
            path,
            f"time.log: {section.log} has no row for this file or its epoch in the column "
            f"{section.log_epoch!r}; add it, and run again",
        )
    if section.name not in log.cells:
        raise CatalogError(
            path, f"time.log: the row {log.name} has no {section.name!r}; fill it in"
        )
    return groups | dict(log.cells)


class _Search:
    """The places of one file where a time can stand."""

    def __init__(
        self, path: str, table: Table, survey: SurveyConfig, groups: dict[str, str]
    ) -> None:
        self.path = path
        self.table = table
        self.header = table.meta
        self.missing: MissingSection = survey.missing
        self.groups = groups
        self.notes: list[str] = []

    def configured(self, section: TimeSection, time_columns: Sequence[str]) -> FileTimes:
        exposure = self._configured_exposure(section)
        scale: str | None = section.scale if "scale" in section.model_fields_set else None
        place: str | None = (
            section.refposition if "refposition" in section.model_fields_set else None
        )
        if section.source == "header":
            scale, place = scale or self._header_scale(), place or self._header_place()
        implied_scale, implied_place = implied_by_name(section.name)
        for implied, given, setting in (
            (implied_place, place, "refposition"),
            (implied_scale, scale, "scale"),
        ):
            if implied and not given:
                self.notes.append(
                    f"time.{setting} is {implied}, as the name {section.name} says (recognised)"
                )
        scale, place = scale or implied_scale, place or implied_place
        if section.source == "column":
            scale, place = scale or self._header_scale(), place or self._header_place()
        clock = _Clock(
            section.format,
            section.offset,
            scale or section.scale,
            place or section.refposition,
            self._shift(section.at, exposure, f"time {section.name}"),
            {section.name: section.clock} if section.clock else {},
        )
        if section.source == "column":
            return self._from_columns(section.name, time_columns, clock, exposure, "time.name")
        if section.source in ("filename", "log"):
            if section.name not in self.groups:
                raise CatalogError(
                    self.path, f"time.name: the file's name has no group {section.name!r}"
                )
            text: Any = _replaced(self.groups[section.name], section)
        else:
            text = self._header_text(section.name.upper(), section)
        if section.clock:
            text = f"{text}T{self._time_of_day(section.clock)}"
        mjd = self._one(text, clock, f"time.name {section.name!r}")
        columns = {name: self._rows(name, clock) for name in time_columns}
        return FileTimes(
            mjd, clock.scale, clock.refposition, exposure, columns, None, tuple(self.notes)
        )

    def recognised(self, time_columns: Sequence[str]) -> FileTimes:
        exposure = self._recognised_exposure()
        columns = {}
        for name in time_columns:
            form = "jd" if "jd" in name.lower() and "mjd" not in name.lower() else "mjd"
            columns[name] = self._rows(name, _Clock(form))
        for keyword, form, at, scale, place in HEADER_TIMES:
            if str(self.header.get(keyword, "")).strip() in ("", "0", "0.0"):
                continue
            text = self._header_text(keyword, None) if form == "isot" else self.header[keyword]
            clock = _Clock(
                form,
                0.0,
                scale or self._header_scale() or "utc",
                place or self._header_place() or "TOPOCENTER",
                self._shift(at, exposure, keyword),
            )
            mjd = self._one(text, clock, f"header keyword {keyword}")
            self.notes.append(f"time is header keyword {keyword}, at {at} of exposure (recognised)")
            return FileTimes(
                mjd, clock.scale, clock.refposition, exposure, columns, None, tuple(self.notes)
            )
        for found in row_times(self.path, self.table, self.missing.time_range):
            offset = f" + {found.offset:.10g}" if found.offset else ""
            self.notes.append(
                f"time is column {found.name}{offset}, {found.format}, at {found.at} of exposure "
                f"(recognised: {found.why})"
            )
            clock = _Clock(
                found.format,
                found.offset,
                found.scale or self._header_scale() or "utc",
                found.refposition or self._header_place() or "TOPOCENTER",
                self._shift(found.at, exposure, f"column {found.name}"),
            )
            return self._from_columns(found.name, time_columns, clock, exposure, "column")
        if columns:
            return self._from_columns(None, time_columns, _Clock("mjd"), exposure, "columns")
        raise CatalogError(
            self.path,
            f"no time is recognised: there is neither MJD-OBS, DATE-OBS or the like in the header "
            f"nor a column like mjd; say in [time] where it stands (header, column, filename; "
            f"or log, a table of its own). Columns are: {listed(self.table.colnames)}",
        )

    def _from_columns(
        self,
        name: str | None,
        time_columns: Sequence[str],
        clock: _Clock,
        exposure: float,
        setting: str,
    ) -> FileTimes:
        if name is not None and name not in self.table.colnames:
            raise CatalogError(
                self.path,
                f"{setting}: there is no column {name!r}. Columns are: "
                f"{', '.join(self.table.colnames)}",
            )
        own = self._column_scale(name or next(iter(time_columns)))
        if own and own != clock.scale:
            self.notes.append(f"time scale is {own}, as the time column says")
            clock = _Clock(clock.format, clock.offset, own, clock.refposition, clock.shift)
        used = dict.fromkeys([*([name] if name else []), *time_columns])
        columns = {column: self._rows(column, clock) for column in used}
        first = columns[name] if name else np.concatenate(list(columns.values()))
        good = first[np.isfinite(first)]
        if not len(good):
            every = np.concatenate(list(columns.values()))
            good = every[np.isfinite(every)]
        if not len(good) and len(self.table):
            origin = stated_origin(self.table, name) if name else None
            raise CatalogError(
                self.path,
                f"{setting} {name!r}: no row has a time within missing.time_range "
                f"{list(self.missing.time_range)} (MJD); is time.format right"
                + (
                    f"? It says that it counts from JD {origin:.10g}: set format = 'jd', "
                    f"offset = {origin:.10g}"
                    if origin
                    else ", and does it count from another day (time.offset)?"
                ),
            )
        if len(good) and np.ptp(good) > LONGEST_EPOCH:
            self.notes.append(
                f"rows of one file span {np.ptp(good):.0f} days: is it a table of light curves "
                f"instead of the catalogue of one epoch? A file is one epoch, in which an object "
                f"has one value of a measurement: 'lc-pipeline split' makes a file of each"
            )
        mjd = float(np.median(good)) if len(good) else np.nan
        general = name if name and len(good) and np.ptp(good) > 0 else None
        return FileTimes(
            mjd, clock.scale, clock.refposition, exposure, columns, general, tuple(self.notes)
        )

    def _rows(self, name: str, clock: _Clock) -> Floats:
        """MJD of mid-exposure of each row; NaN where there is none that can be true."""
        column: Column = self.table[name]
        is_single = (column.dtype.kind, column.dtype.itemsize) == ("f", 4)
        if is_single and clock.format in ("mjd", "jd") and np.isfinite(column).any():
            steps = np.spacing(np.nanmax(np.abs(np.asarray(column, np.float32)))) * _SECONDS
            if steps > 1.0:
                self.notes.append(
                    f"column {name} has 4 bytes a number: times are known to {steps:.0f} s only"
                )
        if "time_scale" in column.meta:  # was an astropy Time, and is MJD already
            mjd = numbers_of(self.path, name, column)
        elif column.dtype.kind in "fiu" and "%" not in clock.format:
            values = numbers_of(self.path, name, column)
            mjd = np.full(len(values), np.nan)
            good = np.isfinite(values)
            mjd[good] = self._converted(values[good], clock, f"column {name!r}", good)
        else:
            texts = texts_of(column)
            if of_day := clock.time_of_day.get(name):
                texts = self._with_clock(texts, of_day)
            good = np.array([bool(text) for text in texts], dtype=bool)
            mjd = np.full(len(texts), np.nan)
            filled = [text for text in texts if text]
            if filled:
                mjd[good] = self._converted(filled, clock, f"column {name!r}", good)
        mjd = mjd + clock.shift
        first, last = self.missing.time_range
        return np.where((mjd >= first) & (mjd <= last), mjd, np.nan)

    def _with_clock(self, days: Sequence[str], name: str) -> list[str]:
        if name not in self.table.colnames:
            raise CatalogError(
                self.path,
                f"time.clock: there is no column {name!r}. Columns are: "
                f"{listed(self.table.colnames)}",
            )
        clocks = texts_of(self.table[name])
        return [f"{day}T{clock}" if day else "" for day, clock in zip(days, clocks, strict=True)]

    def _column_scale(self, name: str) -> str | None:
        return self.table[name].meta.get("time_scale") if name in self.table.colnames else None

    def _one(self, text: Any, clock: _Clock, where: str) -> float:
        values = [text] if isinstance(text, str) else np.array([text], dtype=float)
        mjd = float(self._converted(values, clock, where)[0]) + clock.shift
        first, last = self.missing.time_range
        if not first <= mjd <= last:
            raise CatalogError(
                self.path,
                f"{where}: {text!r} read as {clock.format} is MJD {mjd:.5f}, outside "
                f"missing.time_range [{first}, {last}]; set time.format and time.offset",
            )
        return mjd

    def _converted(
        self,
        values: Any,
        clock: _Clock,
        where: str,
        rows: NDArray[np.bool_] | None = None,
    ) -> Floats:
        """Turn times into MJD; `rows` tells which rows of the file they stand in."""
        try:
            return to_mjd(values, clock.format, clock.scale, clock.offset)
        except (ValueError, TypeError, OverflowError) as error:
            wrong = next((n for n in range(len(values)) if not _can_be_read(values[n], clock)), 0)
            example = values[wrong] if len(values) else None
            if rows is not None and len(values):
                where += f", row {np.flatnonzero(rows)[wrong] + 1}"
            reason = _reading_error(example, clock) or error
            raise CatalogError(
                self.path,
                f"{where}: {str(example)!r} cannot be read as time format {clock.format!r} "
                f"({str(reason).splitlines()[0]}); set time.format",
            ) from error

    def _header_text(self, keyword: str, section: TimeSection | None) -> Any:
        text = self.header.get(keyword)
        if text is None:
            there = [key for key in self.header if any(part in key for part in _TIME_LIKE)]
            raise CatalogError(
                self.path,
                f"time.name: the header has no {keyword}. Keywords that may hold times: "
                f"{', '.join(there) or 'none'}",
            )
        text = text.strip() if isinstance(text, str) else text
        form = section.format if section else "isot"
        has_clock = isinstance(text, str) and ":" in text and not _MIDNIGHT.search(text)
        is_iso = form in ("isot", "iso", "fits") and isinstance(text, str)
        if not is_iso or has_clock or (section and section.clock):
            return text
        for key in TIME_OF_DAY:
            clock = self.header.get(key)
            if isinstance(clock, str) and ":" in clock:
                day = _MIDNIGHT.sub("", text)
                if not section or day != text:
                    self.notes.append(f"time of day is header keyword {key} (recognised)")
                return f"{day}T{clock.strip()}"
        if ":" in text:
            return text
        raise CatalogError(
            self.path,
            f"{keyword} = {text!r} has no time of day, and none of {', '.join(TIME_OF_DAY)} is "
            f"in the header; say in [time] where the time stands (time.clock: the keyword of the "
            f"time of day)",
        )

    def _time_of_day(self, name: str) -> str:
        found = self.groups.get(name, self.header.get(name.upper()))
        if found is None:
            raise CatalogError(
                self.path,
                f"time.clock: {name!r} is neither a group of the file's name, a column of the log "
                f"nor a header keyword",
            )
        return str(found).strip()

    def _header_scale(self) -> str | None:
        system = str(self.header.get("TIMESYS", "")).strip().upper().split("(")[0]
        if not system:
            return None
        scale = SCALES.get(system)
        self.notes.append(
            f"time scale is {scale}, as TIMESYS says"
            if scale
            else f"TIMESYS = {system!r} is not known; times are taken as UTC (set time.scale)"
        )
        return scale

    def _header_place(self) -> str | None:
        place = str(self.header.get("TREFPOS", "")).strip().upper()
        length = len("TOPOCENT")
        return next((one for one in PLACES if place and one[:length] == place[:length]), None)

    def _shift(self, at: str, exposure: float, what: str) -> float:
        if at == "mid":
            return 0.0
        if not np.isfinite(exposure):
            self.notes.append(
                f"{what} is the {at} of the exposure, whose length is not known: times are not "
                f"moved to mid-exposure (set time.exposure)"
            )
            return 0.0
        return (1 if at == "start" else -1) * exposure / 2 / _SECONDS

    def _configured_exposure(self, section: TimeSection) -> float:
        wanted = section.exposure
        if wanted is None:
            return self._recognised_exposure()
        if not isinstance(wanted, str):
            return float(wanted)
        if wanted in self.groups:
            found: Any = _replaced(self.groups[wanted], section)
        elif wanted.upper() in self.header:
            found = self.header[wanted.upper()]
        elif wanted in self.table.colnames:
            rows = numbers_of(self.path, wanted, self.table[wanted])
            good = rows[np.isfinite(rows)]
            found = np.median(good) if len(good) else np.nan
        else:
            raise CatalogError(
                self.path,
                f"time.exposure: {wanted!r} is neither a group of the file's name, a column of the "
                f"log, a header keyword nor a column",
            )
        try:
            return seconds_of(found)
        except ValueError:
            raise CatalogError(
                self.path, f"time.exposure: {wanted} is {found!r}, not a number of seconds"
            ) from None

    def _recognised_exposure(self) -> float:
        for keyword in EXPOSURE_KEYWORDS:
            try:
                exposure = seconds_of(self.header[keyword])
            except (KeyError, ValueError):
                continue
            self.notes.append(f"exposure is header keyword {keyword} (recognised)")
            return exposure
        return np.nan


def _reading_error(time: Any, clock: _Clock) -> Exception | None:
    """Say why one time cannot be read; None if it can."""
    try:
        to_mjd([time] if isinstance(time, str) else np.array([time]), clock.format, clock.scale)
    except (ValueError, TypeError, OverflowError) as error:
        return error
    return None


def _can_be_read(time: Any, clock: _Clock) -> bool:
    return _reading_error(time, clock) is None


#: Some headers have the day like this, and the time of day in another keyword.
_MIDNIGHT = re.compile(r"T00:00:00(?:\.0*)?$")
_TIME_LIKE = ("DATE", "TIME", "MJD", "JD", "UT", "EPOCH")


def _replaced(text: str, section: TimeSection) -> str:
    for old, new in section.replace.items():
        text = text.replace(old, new)
    return text
