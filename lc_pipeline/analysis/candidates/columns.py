"""Columns of tables as plain numbers, whatever is masked."""

from __future__ import annotations

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray


def numbers(table: Table, name: str) -> NDArray[np.float64]:
    """A column as floats: NaN where it is masked, or where there is no such column."""
    if name not in table.colnames:
        return np.full(len(table), np.nan)
    column = table[name]
    values = np.array(getattr(column, "data", column), dtype=float)
    mask = getattr(column, "mask", None)
    if mask is not None:
        values = np.where(np.asarray(mask), np.nan, np.ma.getdata(values))
    return values


def texts(table: Table, name: str) -> list[str]:
    """A column as texts: empty where it is masked, or where there is no such column."""
    if name not in table.colnames:
        return [""] * len(table)
    column = table[name]
    mask = np.broadcast_to(np.asarray(getattr(column, "mask", False)), len(column))
    return [
        "" if is_masked or value is None else str(value)
        for value, is_masked in zip(column, mask.tolist(), strict=True)
    ]


def measurement_keys(statistics: Table) -> list[str]:
    """Measurements that a table of statistics is of."""
    keys = [
        name.removeprefix("n_excluded_")
        for name in statistics.colnames
        if name.startswith("n_excluded_")
    ]
    return [key for key in keys if f"n_{key}" in statistics.colnames]


def brightness(statistics: Table, key: str) -> NDArray[np.float64]:
    """What objects are ordered by: the median, or what else there is."""
    for name in (f"median_{key}", f"mean_{key}", f"weighted_mean_{key}"):
        if name in statistics.colnames:
            return numbers(statistics, name)
    return np.zeros(len(statistics))


def unit_of(statistics: Table, key: str) -> str:
    """The unit of a measurement's values; empty if none is known."""
    for start in ("median", "iqr", "mad", "std", "mean"):
        name = f"{start}_{key}"
        if name in statistics.colnames and statistics[name].unit:
            return str(statistics[name].unit)
    return ""


def quantity_of(statistics: Table, key: str) -> str:
    """``flux`` of a measurement that has the unit of one, else ``mag``."""
    unit = unit_of(statistics, key)
    return "mag" if not unit or "mag" in unit else "flux"
