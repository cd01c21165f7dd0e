"""Tables of objects: which column is what, and in which unit."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from lc_pipeline.catalogs.missing import numbers_of, texts_of
from lc_pipeline.catalogs.names import KEY_NAMES, POSITION_NAMES, same_names
from lc_pipeline.catalogs.positions import check_positions, normalise_ra, read_angles
from lc_pipeline.errors import CatalogError
from lc_pipeline.matching.names import iau_names
from lc_pipeline.survey import ReferenceSection

#: Proper motion in RA (times cos Dec) and in Dec, in pairs; the first pair that is there is used.
PROPER_MOTION_NAMES = (
    ("pm_ra_cosdec", "pm_dec"),
    ("pmra", "pmdec"),
    ("pmRA", "pmDE"),
    ("pmRAcosDE", "pmDE"),
)

#: The Julian year of the positions.
EPOCH_NAMES = ("ref_epoch", "refepoch", "Epoch")

_MAS_PER_YEAR = u.mas / u.yr


def reference_columns(path: object, table: Table, section: ReferenceSection) -> dict[str, Any]:
    """Find the columns of a reference catalogue in a table.

    Parameters
    ----------
    path : Path or str
        For messages.
    table : Table
    section : ReferenceSection
        Names and units; what is left out is recognised by well-known names.

    Returns
    -------
    dict
        Arguments for :class:`~lc_pipeline.matching.reference.ReferenceCatalog`. Without a column of
        keys the objects are named after their positions.

    Raises
    ------
    CatalogError
        If a configured column is not there, no positions are recognised, or a cell cannot be read.

    Examples
    --------
    >>> table = Table({"RA": ["17:40:00"], "DEC": ["+69:00:00"]})
    >>> columns = reference_columns("objects.csv", table, ReferenceSection())
    >>> columns["key"], columns["ra"].tolist(), columns["dec"].tolist()
    (['J174000.000+690000.00'], [265.0], [69.0])
    """
    find = _Finder(path, table)
    ra_name, dec_name = find.pair(section.ra, section.dec, POSITION_NAMES, ("ra", "dec"))
    if ra_name is None or dec_name is None:
        raise CatalogError(
            str(path),
            f"no columns are recognised as RA and Dec; set reference.ra and reference.dec. "
            f"Columns are: {', '.join(table.colnames)}",
        )
    ra, _ = read_angles(path, ra_name, table[ra_name], section.ra_unit, is_ra=True)
    dec, _ = read_angles(path, dec_name, table[dec_name], section.dec_unit, is_ra=False)
    check_positions(path, ra_name, ra, dec_name, dec)
    ra = normalise_ra(ra)
    columns: dict[str, Any] = {"ra": ra, "dec": dec}
    key_name = find.one(section.key, ("key", *KEY_NAMES), "key")
    if key_name is None:
        _refuse_missing(path, ra_name, ra)
        _refuse_missing(path, dec_name, dec)
        columns["key"] = iau_names(ra, dec)
    else:
        columns["key"] = np.array(texts_of(table[key_name]), dtype=np.str_)
    motions = find.pair(
        section.pm_ra_cosdec, section.pm_dec, PROPER_MOTION_NAMES, ("pm_ra_cosdec", "pm_dec")
    )
    for name, column in zip(("pm_ra_cosdec", "pm_dec"), motions, strict=True):
        if column is not None:
            columns[name] = _proper_motion(path, column, table[column])
    if isinstance(section.ref_epoch, float):
        columns["ref_epoch"] = section.ref_epoch
    elif motions[0] is not None:
        year = find.one(section.ref_epoch, EPOCH_NAMES, "ref_epoch")
        if year is not None:
            columns["ref_epoch"] = numbers_of(path, year, table[year])
    if "n_epochs" in table.colnames and table["n_epochs"].dtype.kind in "iu":
        columns["n_epochs"] = np.asarray(table["n_epochs"])
    return columns


class _Finder:
    """Looks up columns by configured name, else by well-known names."""

    def __init__(self, path: object, table: Table) -> None:
        self.path = path
        self.names: list[str] = list(table.colnames)

    def one(self, configured: str | None, known: tuple[str, ...], setting: str) -> str | None:
        if configured is not None:
            return self._configured(configured, setting)
        for wanted in known:
            if found := same_names(wanted, self.names):
                return found[0]
        return None

    def pair(
        self,
        first: str | None,
        second: str | None,
        known: tuple[tuple[str, str], ...],
        settings: tuple[str, str],
    ) -> tuple[str | None, str | None]:
        pair: tuple[str | None, str | None] = (None, None)
        for wanted in known:
            found = same_names(wanted[0], self.names), same_names(wanted[1], self.names)
            if all(found):
                pair = found[0][0], found[1][0]
                break
        return (
            pair[0] if first is None else self._configured(first, settings[0]),
            pair[1] if second is None else self._configured(second, settings[1]),
        )

    def _configured(self, name: str, setting: str) -> str:
        if found := same_names(name, self.names):
            return found[0]
        raise CatalogError(
            str(self.path),
            f"has no column {name!r} (reference.{setting}). Columns are: {', '.join(self.names)}",
        )


def _proper_motion(path: object, name: str, column: Column) -> NDArray[np.float64]:
    """Read a proper motion in mas/yr: the column's own unit counts, without one it is that."""
    numbers = numbers_of(path, name, column)
    if not column.unit:
        return numbers
    try:
        factor = u.Unit(column.unit).to(_MAS_PER_YEAR)
    except (u.UnitConversionError, ValueError) as error:
        raise CatalogError(
            str(path), f"column {name!r} has unit '{column.unit}', which is no proper motion"
        ) from error
    return np.asarray(numbers * factor, dtype=np.float64)


def _refuse_missing(path: object, name: str, angles: NDArray[np.float64]) -> None:
    missing = np.flatnonzero(~np.isfinite(angles))
    if len(missing):
        raise CatalogError(
            str(path),
            f"column {name!r}, row {missing[0] + 1}: the object has no position "
            f"({len(missing)} such rows); remove it",
        )
