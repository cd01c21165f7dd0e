"""When an epoch was taken: header, column or file name, to MJD of mid-exposure.

Everything is float64 MJD in the scale that was given; no scale is turned into another here, and
nothing is looked up in the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.catalogs.clock import Clock
from lc_pipeline.catalogs.exposures import (
    days_to_middle,
    exposure_of,
    recognised_exposure,
    replaced,
)
from lc_pipeline.catalogs.file_columns import listed
from lc_pipeline.catalogs.observing_log import LogRow
from lc_pipeline.catalogs.row_times import LONGEST_EPOCH, row_times, stated_origin
from lc_pipeline.catalogs.time_formats import HEADER_TIMES, implied_by_name
from lc_pipeline.catalogs.timed_file import TimedFile
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import SurveyConfig, TimeSection

Floats = NDArray[np.float64]


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
    if survey.time and survey.time.source == "log":
        groups = _logged(str(path), survey.time, log, groups)
    file = TimedFile(str(path), table, groups, survey.missing.time_range)
    if survey.time:
        return _configured(file, survey.time, time_columns)
    return _recognised(file, time_columns)


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


def _configured(file: TimedFile, section: TimeSection, time_columns: Sequence[str]) -> FileTimes:
    exposure = exposure_of(file, section)
    scale, place = _scale_and_place(file, section)
    clock = Clock(
        section.format,
        section.offset,
        scale,
        place,
        days_to_middle(file, section.at, exposure, f"time {section.name}"),
        {section.name: section.clock} if section.clock else {},
    )
    if section.source == "column":
        return _from_columns(file, section.name, time_columns, clock, exposure, "time.name")
    if section.source in ("filename", "log"):
        if section.name not in file.groups:
            raise CatalogError(
                file.path, f"time.name: the file's name has no group {section.name!r}"
            )
        text: Any = replaced(file.groups[section.name], section)
    else:
        text = file.text_of(section.name.upper(), section)
    if section.clock:
        text = f"{text}T{file.time_of_day(section.clock)}"
    mjd = clock.of_one(file, text, f"time.name {section.name!r}")
    columns = {name: clock.of_rows(file, name) for name in time_columns}
    return FileTimes(
        mjd, clock.scale, clock.refposition, exposure, columns, None, tuple(file.notes)
    )


def _scale_and_place(file: TimedFile, section: TimeSection) -> tuple[str, str]:
    """Time scale and reference position: as configured, else as the file says, else the default."""
    scale: str | None = section.scale if "scale" in section.model_fields_set else None
    place: str | None = section.refposition if "refposition" in section.model_fields_set else None
    if section.source == "header":
        scale, place = scale or file.scale(), place or file.place()
    implied_scale, implied_place = implied_by_name(section.name)
    for implied, given, setting in (
        (implied_place, place, "refposition"),
        (implied_scale, scale, "scale"),
    ):
        if implied and not given:
            file.notes.append(
                f"time.{setting} is {implied}, as the name {section.name} says (recognised)"
            )
    scale, place = scale or implied_scale, place or implied_place
    if section.source == "column":
        scale, place = scale or file.scale(), place or file.place()
    return scale or section.scale, place or section.refposition


def _recognised(file: TimedFile, time_columns: Sequence[str]) -> FileTimes:
    exposure = recognised_exposure(file)
    columns = {}
    for name in time_columns:
        form = "jd" if "jd" in name.lower() and "mjd" not in name.lower() else "mjd"
        columns[name] = Clock(form).of_rows(file, name)
    for keyword, form, at, scale, place in HEADER_TIMES:
        if str(file.header.get(keyword, "")).strip() in ("", "0", "0.0"):
            continue
        text = file.text_of(keyword, None) if form == "isot" else file.header[keyword]
        clock = Clock(
            form,
            0.0,
            scale or file.scale() or "utc",
            place or file.place() or "TOPOCENTER",
            days_to_middle(file, at, exposure, keyword),
        )
        mjd = clock.of_one(file, text, f"header keyword {keyword}")
        file.notes.append(f"time is header keyword {keyword}, at {at} of exposure (recognised)")
        return FileTimes(
            mjd, clock.scale, clock.refposition, exposure, columns, None, tuple(file.notes)
        )
    for found in row_times(file.path, file.table, file.time_range):
        offset = f" + {found.offset:.10g}" if found.offset else ""
        file.notes.append(
            f"time is column {found.name}{offset}, {found.format}, at {found.at} of exposure "
            f"(recognised: {found.why})"
        )
        clock = Clock(
            found.format,
            found.offset,
            found.scale or file.scale() or "utc",
            found.refposition or file.place() or "TOPOCENTER",
            days_to_middle(file, found.at, exposure, f"column {found.name}"),
        )
        return _from_columns(file, found.name, time_columns, clock, exposure, "column")
    if columns:
        return _from_columns(file, None, time_columns, Clock("mjd"), exposure, "columns")
    raise CatalogError(
        file.path,
        f"no time is recognised: there is neither MJD-OBS, DATE-OBS or the like in the header "
        f"nor a column like mjd; say in [time] where it stands (header, column, filename; "
        f"or log, a table of its own). Columns are: {listed(file.table.colnames)}",
    )


def _from_columns(
    file: TimedFile,
    name: str | None,
    time_columns: Sequence[str],
    clock: Clock,
    exposure: float,
    setting: str,
) -> FileTimes:
    if name is not None and name not in file.table.colnames:
        raise CatalogError(
            file.path,
            f"{setting}: there is no column {name!r}. Columns are: "
            f"{', '.join(file.table.colnames)}",
        )
    own = _column_scale(file, name or next(iter(time_columns)))
    if own and own != clock.scale:
        file.notes.append(f"time scale is {own}, as the time column says")
        clock = replace(clock, scale=own)
    used = dict.fromkeys([*([name] if name else []), *time_columns])
    columns = {column: clock.of_rows(file, column) for column in used}
    first = columns[name] if name else np.concatenate(list(columns.values()))
    good = first[np.isfinite(first)]
    if not len(good):
        every = np.concatenate(list(columns.values()))
        good = every[np.isfinite(every)]
    if not len(good) and len(file.table):
        origin = stated_origin(file.table, name) if name else None
        raise CatalogError(
            file.path,
            f"{setting} {name!r}: no row has a time within missing.time_range "
            f"{list(file.time_range)} (MJD); is time.format right"
            + (
                f"? It says that it counts from JD {origin:.10g}: set format = 'jd', "
                f"offset = {origin:.10g}"
                if origin
                else ", and does it count from another day (time.offset)?"
            ),
        )
    if len(good) and np.ptp(good) > LONGEST_EPOCH:
        file.notes.append(
            f"rows of one file span {np.ptp(good):.0f} days: is it a table of light curves "
            f"instead of the catalogue of one epoch? A file is one epoch, in which an object "
            f"has one value of a measurement: 'lc-pipeline split' makes a file of each"
        )
    mjd = float(np.median(good)) if len(good) else np.nan
    general = name if name and len(good) and np.ptp(good) > 0 else None
    return FileTimes(
        mjd, clock.scale, clock.refposition, exposure, columns, general, tuple(file.notes)
    )


def _column_scale(file: TimedFile, name: str) -> str | None:
    return file.table[name].meta.get("time_scale") if name in file.table.colnames else None
