"""Tables of any reader made plain: scalar columns of numbers or texts, one ``meta``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time
from astropy.utils.masked import Masked

from lc_pipeline.catalogs.missing import texts_of
from lc_pipeline.catalogs.names import standard_unit
from lc_pipeline.errors import CatalogError


def plain_table(path: Path, table: Table) -> Table:
    """Make a table of scalar columns, with the header's keywords in capitals.

    Raises
    ------
    CatalogError
        If two columns would have the same name.
    """
    columns: dict[str, Column] = {}
    for name in table.colnames:
        for plain_name, column in _plain_columns(name, table[name]).items():
            if plain_name in columns:
                raise CatalogError(path, f"two columns have the same name, {plain_name!r}")
            columns[plain_name] = column
    columns |= _joined_angles(columns)
    meta: dict[str, Any] = {}
    for key, entry in table.meta.items():
        nested = entry if isinstance(entry, dict) else {key: entry}
        for name, content in nested.items():
            if isinstance(content, str | int | float | bool | np.generic):
                meta.setdefault(str(name).upper(), content)
    return Table(columns, meta=meta, copy=False)


def _joined_angles(columns: dict[str, Column]) -> dict[str, Column]:
    """Join what tables of the CDS have in several columns: ``RAh``, ``RAm``, ``RAs``, ``DE-``."""
    joined: dict[str, Column] = {}
    for name, parts in (
        ("RAhms", ("RAh", "RAm", "RAs")),
        ("DEdms", ("DE-", "DEd", "DEm", "DEs")),
    ):
        if name not in columns and all(part in columns for part in parts):
            cells = [texts_of(columns[part]) for part in parts]
            signs = cells.pop(0) if parts[0] == "DE-" else [""] * len(cells[0])
            joined[name] = Column(
                [
                    sign + ":".join(numbers) if all(numbers) else ""
                    for sign, *numbers in zip(signs, *cells, strict=True)
                ],
                dtype=str,
            )
    return joined


def _plain_columns(name: str, column: Any) -> dict[str, Column]:
    if isinstance(column, SkyCoord):
        icrs = column.icrs
        return {
            f"{name}.ra": Column(np.asarray(icrs.ra.deg), unit="deg"),
            f"{name}.dec": Column(np.asarray(icrs.dec.deg), unit="deg"),
        }
    if isinstance(column, Time):
        mjd = np.ma.filled(np.ma.asarray(_unmasked(column.mjd)), np.nan)
        meta = {"time_scale": column.scale}
        return {name: Column(np.asarray(mjd, dtype=float), unit="d", meta=meta)}
    if not hasattr(column, "dtype"):
        return {}  # a mixin that is neither a number nor a text
    unit = standard_unit(str(column.unit)) if getattr(column, "unit", None) is not None else None
    description = column.info.description
    meta = dict(column.info.meta or {})
    values: Any = _unmasked(getattr(column, "value", column))
    if values.dtype.kind == "S":
        values = np.ma.asarray([cell.decode("latin-1") for cell in np.ravel(values)]).reshape(
            values.shape
        ) if values.size else values.astype(str)  # fmt: skip
    if values.dtype.kind == "O":
        mask = np.ma.getmaskarray(values)
        texts = ["" if cell is None else str(cell) for cell in np.ravel(np.ma.getdata(values))]
        values = np.ma.array(np.array(texts, dtype=str).reshape(values.shape), mask=mask)
    n_elements = int(np.prod(values.shape[1:])) if values.ndim > 1 else 1
    flat = values.reshape(len(values), n_elements)
    masked = np.ma.getmaskarray(flat)
    plain = {}
    for k in range(n_elements):
        element, hidden = np.ma.getdata(flat)[:, k], masked[:, k]
        plain[name if k == 0 else f"{name}_{k}"] = (
            MaskedColumn(element, mask=hidden, unit=unit, meta=meta, description=description)
            if hidden.any()
            else Column(element, unit=unit, meta=meta, description=description)
        )
    return plain


def _unmasked(values: Any) -> np.ma.MaskedArray[Any, Any]:
    """Turn astropy's and numpy's masked arrays into numpy's."""
    if isinstance(values, Masked):
        return np.ma.array(values.unmasked, mask=values.mask)
    return np.ma.asarray(values)
