"""How a file's clock is read: its texts and numbers, to MJD of mid-exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from astropy.table import Column
from numpy.typing import NDArray

from lc_pipeline.catalogs.file_columns import listed
from lc_pipeline.catalogs.missing import numbers_of, texts_of
from lc_pipeline.catalogs.time_formats import to_mjd
from lc_pipeline.catalogs.timed_file import TimedFile
from lc_pipeline.errors import CatalogError

Floats = NDArray[np.float64]

SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True)
class Clock:
    """How to read a time."""

    format: str
    offset: float = 0.0
    scale: str = "utc"
    refposition: str = "TOPOCENTER"
    shift: float = 0.0
    """Days from the time that is given to mid-exposure."""
    time_of_day: dict[str, str] = field(default_factory=dict)
    """The column that has the time of day, by the column that has the day."""

    def of_rows(self, file: TimedFile, name: str) -> Floats:
        """MJD of mid-exposure of each row; NaN where there is none that can be true."""
        column: Column = file.table[name]
        is_single = (column.dtype.kind, column.dtype.itemsize) == ("f", 4)
        if is_single and self.format in ("mjd", "jd") and np.isfinite(column).any():
            steps = np.spacing(np.nanmax(np.abs(np.asarray(column, np.float32)))) * SECONDS_PER_DAY
            if steps > 1.0:
                file.notes.append(
                    f"column {name} has 4 bytes a number: times are known to {steps:.0f} s only"
                )
        if "time_scale" in column.meta:  # was an astropy Time, and is MJD already
            mjd = numbers_of(file.path, name, column)
        elif column.dtype.kind in "fiu" and "%" not in self.format:
            values = numbers_of(file.path, name, column)
            mjd = np.full(len(values), np.nan)
            good = np.isfinite(values)
            mjd[good] = self._converted(values[good], file, f"column {name!r}", good)
        else:
            texts = texts_of(column)
            if of_day := self.time_of_day.get(name):
                texts = _with_clock(file, texts, of_day)
            good = np.array([bool(text) for text in texts], dtype=bool)
            mjd = np.full(len(texts), np.nan)
            filled = [text for text in texts if text]
            if filled:
                mjd[good] = self._converted(filled, file, f"column {name!r}", good)
        mjd = mjd + self.shift
        first, last = file.time_range
        return np.where((mjd >= first) & (mjd <= last), mjd, np.nan)

    def of_one(self, file: TimedFile, text: Any, where: str) -> float:
        """MJD of mid-exposure of a single time; `where` it stands, for messages."""
        values = [text] if isinstance(text, str) else np.array([text], dtype=float)
        mjd = float(self._converted(values, file, where)[0]) + self.shift
        first, last = file.time_range
        if not first <= mjd <= last:
            raise CatalogError(
                file.path,
                f"{where}: {text!r} read as {self.format} is MJD {mjd:.5f}, outside "
                f"missing.time_range [{first}, {last}]; set time.format and time.offset",
            )
        return mjd

    def _converted(
        self,
        values: Any,
        file: TimedFile,
        where: str,
        rows: NDArray[np.bool_] | None = None,
    ) -> Floats:
        """Turn times into MJD; `rows` tells which rows of the file they stand in."""
        try:
            return to_mjd(values, self.format, self.scale, self.offset)
        except (ValueError, TypeError, OverflowError) as error:
            wrong = next((n for n in range(len(values)) if not self._can_read(values[n])), 0)
            example = values[wrong] if len(values) else None
            if rows is not None and len(values):
                where += f", row {np.flatnonzero(rows)[wrong] + 1}"
            reason = self._reading_error(example) or error
            raise CatalogError(
                file.path,
                f"{where}: {str(example)!r} cannot be read as time format {self.format!r} "
                f"({str(reason).splitlines()[0]}); set time.format",
            ) from error

    def _reading_error(self, time: Any) -> Exception | None:
        """Say why one time cannot be read; None if it can."""
        try:
            to_mjd([time] if isinstance(time, str) else np.array([time]), self.format, self.scale)
        except (ValueError, TypeError, OverflowError) as error:
            return error
        return None

    def _can_read(self, time: Any) -> bool:
        return self._reading_error(time) is None


def _with_clock(file: TimedFile, days: Sequence[str], name: str) -> list[str]:
    if name not in file.table.colnames:
        raise CatalogError(
            file.path,
            f"time.clock: there is no column {name!r}. Columns are: {listed(file.table.colnames)}",
        )
    clocks = texts_of(file.table[name])
    return [f"{day}T{clock}" if day else "" for day, clock in zip(days, clocks, strict=True)]
