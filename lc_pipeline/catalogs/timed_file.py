"""A file in which a time is looked for, and what its header says of time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from astropy.table import Table

from lc_pipeline.catalogs.time_formats import PLACES, SCALES, TIME_OF_DAY
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import TimeSection

#: Some headers have the day like this, and the time of day in another keyword.
_MIDNIGHT = re.compile(r"T00:00:00(?:\.0*)?$")
_TIME_LIKE = ("DATE", "TIME", "MJD", "JD", "UT", "EPOCH")


@dataclass(frozen=True)
class TimedFile:
    """Where in one file a time can stand.

    Attributes
    ----------
    path : str
        For messages.
    table : Table
        As :func:`~lc_pipeline.catalogs.reading.read_table` gives it.
    groups : dict of str to str
        Named groups of the file's name, and the cells of its row of the observing log.
    time_range : (float, float)
        MJD; what lies outside is no time.
    notes : list of str
        What was found out, in words; grows while the file is read.
    """

    path: str
    table: Table
    groups: dict[str, str]
    time_range: tuple[float, float]
    notes: list[str] = field(default_factory=list)

    @property
    def header(self) -> dict[str, Any]:
        """Keywords and their values."""
        header: dict[str, Any] = self.table.meta
        return header

    def text_of(self, keyword: str, section: TimeSection | None) -> Any:
        """Take a time from the header, with the time of day if it has another keyword."""
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

    def time_of_day(self, name: str) -> str:
        """Take a time of day from the file's name or the header."""
        found = self.groups.get(name, self.header.get(name.upper()))
        if found is None:
            raise CatalogError(
                self.path,
                f"time.clock: {name!r} is neither a group of the file's name, a column of the log "
                f"nor a header keyword",
            )
        return str(found).strip()

    def scale(self) -> str | None:
        """Find the time scale that the header states, as astropy names it."""
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

    def place(self) -> str | None:
        """Find the reference position that the header states."""
        place = str(self.header.get("TREFPOS", "")).strip().upper()
        length = len("TOPOCENT")
        return next((one for one in PLACES if place and one[:length] == place[:length]), None)
