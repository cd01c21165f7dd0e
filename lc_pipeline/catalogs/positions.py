"""Right ascension and declination of detections, in degrees."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from astropy import units as u
from astropy.table import Column
from numpy.typing import NDArray

from lc_pipeline.catalogs.missing import numbers_of, texts_of
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import DEGREE_WORDS, HOUR_WORDS

Floats = NDArray[np.float64]

_SEXAGESIMAL = re.compile(
    r"([+\-\u2212]?)\s*(\d{1,3})\s*[:\s hd°]\s*(\d{1,2})\s*[:\s m'\u2032]\s*"
    r"(\d{1,2}(?:\.\d*)?)\s*[s\"\u2033]?"
)


def normalise_ra(ra: Floats) -> Floats:
    """Bring right ascensions in degrees to ``0 <= ra < 360``.

    Examples
    --------
    >>> normalise_ra(np.array([-22.5, 360.0, 10.0]))
    array([337.5,   0. ,  10. ])
    """
    inside = np.where((ra >= 0) & (ra < 360), ra, np.mod(ra, 360.0))  # noqa: PLR2004
    # The remainder of a tiny negative number rounds to 360 itself.
    return np.where(inside >= 360, 0.0, inside)  # noqa: PLR2004


def read_angles(
    path: object, name: str, column: Column, configured: str | None, *, is_ra: bool
) -> tuple[Floats, str | None]:
    """Read a column of angles in whatever unit, as numbers or in sexagesimal text.

    Parameters
    ----------
    path : Path
        For messages.
    name : str
    column : Column
    configured : str or None
        Unit from ``columns.ra_unit`` or ``columns.dec_unit``; by default the column's own, and
        hours for a right ascension in sexagesimal text.
    is_ra : bool

    Returns
    -------
    angles : (n_rows,) array of float, deg
        NaN where there is none.
    note : str or None
        What was assumed.

    Raises
    ------
    CatalogError
        If a cell is not an angle or the unit is not one of an angle.

    Examples
    --------
    >>> read_angles("a.csv", "ra", Column(["12:30:00", ""]), None, is_ra=True)
    (array([187.5,   nan]), 'ra is sexagesimal, taken as hours')
    """
    setting = "columns.ra_unit" if is_ra else "columns.dec_unit"
    unit = configured or ("" if column.unit is None else str(column.unit))
    unit = unit.strip().lower()
    note = None
    if is_sexagesimal(column):
        in_hours = is_ra and unit not in {"deg", "degree", "degrees"}
        if is_ra:
            note = f"{name} is sexagesimal, taken as {'hours' if in_hours else 'degrees'}"
        angles = _from_sexagesimal(path, name, texts_of(column))
        return angles * (15.0 if in_hours else 1.0), note
    numbers = numbers_of(path, name, column)
    if unit in DEGREE_WORDS:
        finite = np.abs(numbers[np.isfinite(numbers)])
        if is_ra and not unit and len(finite) > 1 and finite.max() < 24:  # noqa: PLR2004
            note = (
                f"{name} lies within 0..24 and has no unit; it is taken as degrees "
                f"(columns.ra_unit = 'hourangle' if it is hours)"
            )
        return numbers, note
    if unit in HOUR_WORDS:
        return numbers * 15.0, note
    parsed = u.Unit(unit, parse_strict="silent")
    if isinstance(parsed, u.UnrecognizedUnit) or not parsed.is_equivalent(u.deg):
        raise CatalogError(
            str(path), f"column {name!r} has unit {unit!r}, which is no angle; set {setting}"
        )
    return np.asarray(numbers * parsed.to(u.deg), dtype=np.float64), note


def is_sexagesimal(column: Column) -> bool:
    """Say whether any cell is text like ``12:30:00`` or ``12 30 00``.

    Examples
    --------
    >>> is_sexagesimal(Column(["", "+02 11 59.9"])), is_sexagesimal(Column(["12.5"]))
    (True, False)
    """
    is_text = column.dtype.kind in "USO"
    return is_text and any(_SEXAGESIMAL.fullmatch(text) for text in texts_of(column))


def _from_sexagesimal(path: object, name: str, texts: Sequence[str]) -> Floats:
    angles = np.full(len(texts), np.nan)
    for index, text in enumerate(texts):
        if not text:
            continue
        match = _SEXAGESIMAL.fullmatch(text)
        if match is None or float(match[3]) >= 60 or float(match[4]) > 60:  # noqa: PLR2004
            raise CatalogError(
                str(path),
                f"column {name!r}, row {index + 1}: {text!r} is not a sexagesimal angle; correct "
                f"it, or leave the file out with files.exclude",
            )
        size = int(match[2]) + int(match[3]) / 60 + float(match[4]) / 3600
        angles[index] = -size if match[1] and match[1] != "+" else size
    return angles


def check_positions(path: object, ra_name: str, ra: Floats, dec_name: str, dec: Floats) -> None:
    """Refuse angles that cannot be RA or Dec: nearly always a wrong column or unit.

    Raises
    ------
    CatalogError
        With the column and the row (the first is 1).
    """
    for name, angles, low, high in ((dec_name, dec, -90.0, 90.0), (ra_name, ra, -360.0, 720.0)):
        wrong = np.flatnonzero((angles < low) | (angles > high))
        if len(wrong):
            what = "declination" if name == dec_name else "right ascension"
            raise CatalogError(
                str(path),
                f"column {name!r}, row {wrong[0] + 1}: {angles[wrong[0]]:g} is no {what} in "
                f"degrees ({len(wrong)} such rows); is the column or its unit another? "
                f"(columns.{'dec' if name == dec_name else 'ra'}; a number that stands for "
                f"'none' goes into missing.values)",
            )
