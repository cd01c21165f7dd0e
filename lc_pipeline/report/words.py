"""Numbers as people write them: as many digits as they are worth, and their unit."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Column, Row

from lc_pipeline.report.html import Cell

MISSING = "—"

#: Decimals of columns whose size says nothing of how precise they are.
_DECIMALS = {"ra": 5, "dec": 5, "time": 5, "epoch_of_maximum": 5}


def is_known(value: Any) -> bool:
    """Whether there is something: not masked, not NaN, not empty."""
    if value is None or np.ma.is_masked(value):
        return False
    if isinstance(value, float | np.floating):
        return bool(np.isfinite(value))
    return str(value) != ""


def written(value: Any, name: str = "", unit: object = None) -> str:
    """Write one value of the column `name`, without its unit.

    Examples
    --------
    >>> written(15.23456), written(1.2e-9, "fap"), written(0.5479812, "period"), written(12345)
    ('15.23', '1.2e-09', '0.547981', '12,345')
    >>> written(0.01, "zero_point", "mag")
    '0.010'
    >>> written(float("nan"))
    '—'
    """
    if not is_known(value):
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if not isinstance(value, float | np.floating):
        return str(value)
    return format(float(value), _format(float(value), name, str(unit)))


def _format(number: float, name: str, unit: str) -> str:
    if name in _DECIMALS:
        return f".{_DECIMALS[name]}f"
    if unit == "mag":
        return ".3f"
    if name.startswith(("period", "frequency")):
        return ".6g"
    is_plain = number == 0 or 1e-3 <= abs(number) < 1e5  # noqa: PLR2004
    return ".4g" if is_plain and name != "fap" else ".2g"


def cell(row: Row, name: str) -> Cell:
    """One entry of a table, sorted by its value if it is a number."""
    value = row[name]
    is_number = isinstance(value, int | float | np.number) and is_known(value)
    return Cell(written(value, name, row.table[name].unit), float(value) if is_number else None)


def head(column: Column, said: str | None = None) -> tuple[str, str]:
    """Head of a column: its name and unit, and its description."""
    name = said or column.name.replace("_", " ")
    unit = f" ({column.unit})" if column.unit and str(column.unit) else ""
    return f"{name}{unit}", column.description or ""


def with_unit(row: Row, name: str) -> str:
    """One value of a row, with its unit."""
    unit = row.table[name].unit
    said = written(row[name], name, unit)
    return f"{said} {unit}" if unit and str(unit) and said != MISSING else said


def sexagesimal(ra: float, dec: float) -> str:
    """Write a position in hours and degrees.

    Examples
    --------
    >>> sexagesimal(135.58650, 49.81926)
    '09 02 20.76 +49 49 09.3'
    """
    place = SkyCoord(ra, dec, unit="deg")
    right = place.ra.to_string("hour", sep=" ", precision=2, pad=True)
    up = place.dec.to_string("deg", sep=" ", precision=1, pad=True, alwayssign=True)
    return f"{right} {up}"


def counted(number: int, what: str) -> str:
    """Write how many there are.

    Examples
    --------
    >>> counted(1, "epoch"), counted(1200, "epoch")
    ('1 epoch', '1,200 epochs')
    """
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def duration(days: float) -> str:
    """Write a length of time.

    Examples
    --------
    >>> duration(0.125), duration(30.2), duration(4000.0)
    ('3 hours', '30.2 days', '11 years')
    """
    if days < 1:
        return f"{24 * days:.2g} hours"
    return f"{days:.3g} days" if days < 1000 else f"{days / 365.25:.2g} years"  # noqa: PLR2004
