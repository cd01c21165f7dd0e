"""How long an epoch was exposed, and how far its middle is from the time that is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from lc_pipeline.catalogs.clock import SECONDS_PER_DAY
from lc_pipeline.catalogs.missing import numbers_of
from lc_pipeline.catalogs.time_formats import EXPOSURE_KEYWORDS, seconds_of
from lc_pipeline.catalogs.timed_file import TimedFile
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import TimeSection


def exposure_of(file: TimedFile, section: TimeSection) -> float:
    """Length of the exposure in seconds, as configured, else as recognised; NaN if unknown."""
    wanted = section.exposure
    if wanted is None:
        return recognised_exposure(file)
    if not isinstance(wanted, str):
        return float(wanted)
    if wanted in file.groups:
        found: Any = replaced(file.groups[wanted], section)
    elif wanted.upper() in file.header:
        found = file.header[wanted.upper()]
    elif wanted in file.table.colnames:
        rows = numbers_of(file.path, wanted, file.table[wanted])
        good = rows[np.isfinite(rows)]
        found = np.median(good) if len(good) else np.nan
    else:
        raise CatalogError(
            file.path,
            f"time.exposure: {wanted!r} is neither a group of the file's name, a column of the "
            f"log, a header keyword nor a column",
        )
    try:
        return seconds_of(found)
    except ValueError:
        raise CatalogError(
            file.path, f"time.exposure: {wanted} is {found!r}, not a number of seconds"
        ) from None


def recognised_exposure(file: TimedFile) -> float:
    """Length of the exposure in seconds by well-known keywords; NaN if there is none."""
    for keyword in EXPOSURE_KEYWORDS:
        try:
            exposure = seconds_of(file.header[keyword])
        except (KeyError, ValueError):
            continue
        file.notes.append(f"exposure is header keyword {keyword} (recognised)")
        return exposure
    return np.nan


def days_to_middle(file: TimedFile, at: str, exposure: float, what: str) -> float:
    """Days from the moment of the exposure that `what` names to its middle."""
    if at == "mid":
        return 0.0
    if not np.isfinite(exposure):
        file.notes.append(
            f"{what} is the {at} of the exposure, whose length is not known: times are not "
            f"moved to mid-exposure (set time.exposure)"
        )
        return 0.0
    return (1 if at == "start" else -1) * exposure / 2 / SECONDS_PER_DAY


def replaced(text: str, section: TimeSection) -> str:
    """Replace texts of a file's name before it is read, as ``time.replace`` says."""
    for old, new in section.replace.items():
        text = text.replace(old, new)
    return text
