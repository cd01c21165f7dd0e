"""How faint could be seen, as a catalogue states it: columns, headers, cells like ``>17.5``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from astropy import units as u
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.brightness import quantity_of_unit
from lc_pipeline.catalogs.file_columns import FileColumns
from lc_pipeline.catalogs.landed_files import LandedFile
from lc_pipeline.catalogs.missing import is_listed, numbers_of
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import MeasurementSection, MissingSection, Quantity

Floats = NDArray[np.float64]


def find_limit(columns: FileColumns, name: str, setting: str, groups: Mapping[str, str]) -> str:
    """Return the name of what states the limit: a column, a group or a keyword of the header.

    A group or keyword that is no number is noted: the file states no limit.

    Raises
    ------
    CatalogError
        If it is none of these; the message says what there is.
    """
    text = groups.get(name) or _keyword(columns.table, name)
    if name not in columns.names and text:
        if np.isnan(_number(text)):
            columns.notes.append(f"{setting}: {name} is {text!r}, so this file states no limit")
        return name
    try:
        return columns.require(name, setting)
    except CatalogError as absent:
        neither = "Nor is it a keyword of the header, or a group of files.pattern"
        raise CatalogError(
            absent.path, f"{absent.reason}. {neither} ({', '.join(groups)})"
        ) from None


def quantity_of_limit(unit: str, name: str) -> Quantity | None:
    """Tell limiting magnitudes from limiting fluxes by unit, else by name.

    Examples
    --------
    >>> quantity_of_limit("", "diffmaglim"), quantity_of_limit("uJy", "limit")
    ('mag', 'flux')
    >>> quantity_of_limit("", "limit") is None
    True
    """
    if by_unit := quantity_of_unit(unit):
        return by_unit
    squeezed = known.squeeze(name)
    return "mag" if "mag" in squeezed else "flux" if "flux" in squeezed else None


def upper_limits_among(
    cells: Mapping[int, str], section: MeasurementSection, notes: list[str]
) -> dict[int, str]:
    """Take the upper limits among cells of values like ``>17.5``; say what becomes of all.

    Of magnitudes both signs mean fainter than that. A flux above what could be measured is a lower
    limit.
    """
    lower = {row: text for row, text in cells.items() if section.quantity == "flux" and ">" in text}
    upper = {row: text for row, text in cells.items() if row not in lower}
    fate = f"taken as missing (limit = {section.value!r} keeps the limit)"
    for kind, found, what in (
        ("an upper limit", upper, "kept as such" if section.limit else fate),
        ("a lower limit", lower, "taken as missing"),
    ):
        if found:
            are = f"values are {kind.split()[1]} limits" if len(found) > 1 else f"value is {kind}"
            example = next(iter(found.values()))
            notes.append(f"{section.key}: {len(found)} {are} ({example!r}), {what}")
    return upper


def limits_of(
    file: LandedFile,
    table: Table,
    section: MeasurementSection,
    missing: MissingSection,
    in_values: Mapping[int, str],
    zero_point: Floats,
    kept: NDArray[np.bool_],
) -> Floats:
    """Read the limit that each row states, in the unit and system that the store has.

    What is done to the value is done to the limit: its unit is made that of the value, `zero_point`
    is added, fluxes are turned into magnitudes. Limiting magnitudes beside fluxes that are turned
    into magnitudes are those of the magnitudes.

    Parameters
    ----------
    file : LandedFile
    table : Table
    section : MeasurementSection
        With every column and the quantity resolved.
    missing : MissingSection
        What is no magnitude is no limit either; nor is 0, or a flux that is not positive.
    in_values : mapping of int to str
        Cells of the value's own column that are upper limits, by row of `table`. They count where
        nothing else states one.
    zero_point : (n_kept,) array of float, mag
    kept : (n_rows,) array of bool
        Rows that are wanted.

    Returns
    -------
    (n_kept,) array of float
        NaN where no limit is stated.

    Raises
    ------
    CatalogError
        If limits are magnitudes and values are fluxes, or the other way round.
    """
    name = section.limit or ""
    measured: Quantity = "flux" if section.to_magnitude else section.quantity or "flux"
    unit = section.unit or ""
    stated = np.full(len(kept), np.nan)
    quantity = measured
    if name != section.value:
        own_unit = str(table[name].unit or "") if name in table.colnames else ""
        quantity = quantity_of_limit(own_unit, name) or measured
        if quantity != measured and not section.to_magnitude:
            raise CatalogError(
                file.path,
                f"measurements ({section.key}).limit: {name!r} is a {quantity}, and the value "
                f"{section.value!r} is a {measured}; name a limit that is one as well",
            )
        unit = own_unit or ("mag" if quantity == "mag" != measured else unit)
        stated = _stated(file, table, name)
    limits = _as_stored(stated[kept], quantity, unit, section, missing, zero_point)
    if in_values:
        others = _filled(np.full(len(kept), np.nan), in_values)[kept]
        others = _as_stored(others, measured, section.unit or "", section, missing, zero_point)
        limits = np.where(np.isfinite(limits), limits, others)
    return limits


def _stated(file: LandedFile, table: Table, name: str) -> Floats:
    """Read what stands in a column, or for the whole file in its name or header."""
    if name in table.colnames:
        cells: dict[int, str] = {}
        return _filled(numbers_of(file.path, name, table[name], cells), cells)
    return np.full(len(table), _number(file.groups.get(name) or _keyword(table, name)))


def _filled(numbers: Floats, cells: Mapping[int, str]) -> Floats:
    """Put the numbers of cells like ``>17.5`` into their rows."""
    for row, text in cells.items():
        numbers[row] = float(text.lstrip("<>= "))
    return numbers


def _as_stored(
    stated: Floats,
    quantity: Quantity,
    unit: str,
    section: MeasurementSection,
    missing: MissingSection,
    zero_point: Floats,
) -> Floats:
    """Leave out what is no limit, and bring the rest to the unit and system of the store."""
    no_limit = ~np.isfinite(stated) | is_listed(stated, missing.values) | (stated == 0)
    limits = np.where(no_limit, np.nan, stated)
    limits *= _factor(unit, "mag" if quantity == "mag" else section.unit or "")
    if quantity == "mag":
        low, high = missing.magnitude_range
        limits[(limits < low) | (limits > high)] = np.nan
        return limits if section.to_magnitude else limits + zero_point
    limits[limits < 0] = np.nan
    return zero_point - 2.5 * np.log10(limits) if section.to_magnitude else limits


def _factor(unit: str, wanted: str) -> float:
    """What brings a unit to the wanted one; 1 where either is unknown."""
    one, other = (u.Unit(text, parse_strict="silent") for text in (unit, wanted))
    known_both = not any(isinstance(each, u.UnrecognizedUnit) for each in (one, other))
    if unit and wanted and known_both and one.is_equivalent(other):
        return float(one.to(other))
    return 1.0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _keyword(table: Table, name: str) -> str:
    return str(table.meta.get(name.upper(), "")).strip()
