"""Absolute calibration: one number per measurement, from stars of known brightness."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.analysis.blocks import read_block
from lc_pipeline.analysis.summary import sorted_median
from lc_pipeline.catalogs.missing import numbers_of
from lc_pipeline.catalogs.names import same_names
from lc_pipeline.catalogs.reading import read_table
from lc_pipeline.errors import CatalogError
from lc_pipeline.matching.assignment import assign_one_to_one
from lc_pipeline.matching.pairs import find_pairs
from lc_pipeline.matching.reference_table import reference_columns
from lc_pipeline.photometry.magnitudes import LOG_TO_MAG
from lc_pipeline.sky.geometry import chord_length, unit_vectors
from lc_pipeline.survey import FilesSection, ReferenceSection, StandardsSection

Array = NDArray[np.float64]

_MAD = 1.4826
_DEGREES = 4.0


@dataclass(frozen=True)
class Standards:
    """Stars of known brightness."""

    path: str
    ra: Array
    dec: Array
    values: dict[str, Array]
    """Of each measurement, in its own quantity and unit."""
    errors: dict[str, Array]
    """0 where none is stated."""


@dataclass(frozen=True)
class Offset:
    """What is added to calibrated magnitudes to bring them to the standards' system."""

    value: float
    """mag; NaN if no standard was measured."""
    error: float
    n_stars: int


def read_standards(section: StandardsSection, folder: str | Path = ".") -> Standards:
    """Read the table of standards as ``[photometry.standards]`` describes it.

    Raises
    ------
    CatalogError
        If it cannot be read, or lacks a column.
    """
    path = Path(folder) / section.file
    if section.layout == "one_row":
        table = read_one_row(path, section.column_names)
    else:
        files = FilesSection(
            pattern="(?P<epoch>.+)", format=section.format, column_names=section.column_names
        )
        table = read_table(path, files)
    where = ReferenceSection(
        ra=section.ra, dec=section.dec, ra_unit=section.ra_unit, dec_unit=section.dec_unit
    )
    place = reference_columns(path, table, where)

    def column(name: str) -> Array:
        found = same_names(name, table.colnames)
        if not found:
            raise CatalogError(
                path,
                f"has no column {name!r} (photometry.standards). "
                f"Columns are: {', '.join(table.colnames)}",
            )
        return numbers_of(path, found[0], table[found[0]])

    values = {key: column(name) for key, name in section.values.items()}
    errors = {key: np.zeros(len(table)) for key in values}
    errors |= {key: np.nan_to_num(column(name)) for key, name in section.errors.items()}
    return Standards(str(path), place["ra"], place["dec"], values, errors)


def read_one_row(path: Path, column_names: tuple[str, ...]) -> Table:
    """Read a file that has all numbers of the first column, then all of the second, and so on.

    Raises
    ------
    CatalogError
        If it has other things than numbers, or not the same number of them for each column.
    """
    try:
        cells = re.split(r"[\s,;]+", path.read_text(encoding="utf-8").strip(" \t\r\n,;"))
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(path, f"cannot be read: {error}") from error
    try:
        numbers = np.array(cells, dtype=float)
    except ValueError as error:
        raise CatalogError(path, f"has something else than numbers: {error}") from error
    if len(numbers) % len(column_names):
        raise CatalogError(
            path,
            f"has {len(numbers)} numbers, which are not the same number for each of the "
            f"{len(column_names)} columns {', '.join(column_names)}; correct "
            f"photometry.standards.column_names",
        )
    return Table(list(numbers.reshape(len(column_names), -1)), names=column_names)


def match_standards(
    standards: Standards, ra: Array, dec: Array, radius_arcsec: float
) -> NDArray[np.intp]:
    """Object of each standard, one to one; -1 for none."""
    known = np.isfinite(standards.ra) & np.isfinite(standards.dec)
    vectors = unit_vectors(standards.ra[known], standards.dec[known])
    pairs = find_pairs(vectors, unit_vectors(ra, dec), radius_arcsec)
    limit = float(chord_length(radius_arcsec)) ** 2
    matched = np.full(len(known), -1, dtype=np.intp)
    matched[known] = assign_one_to_one(pairs, len(vectors), len(ra), limit)
    return matched


def offset_to_standards(
    dataset: xr.Dataset, measurement: str, standards: Standards, matched: NDArray[np.intp]
) -> Offset:
    """Find what brings one measurement to the standards' system.

    Parameters
    ----------
    dataset : xarray.Dataset
        Calibrated relatively; or with the epochs only of which the offset is wanted.
    measurement : str
    standards : Standards
    matched : (n_standards,) array of int
        Their objects, from :func:`match_standards`.
    """
    stars = np.flatnonzero(matched >= 0)
    if not len(stars) or not dataset.sizes["epoch"]:
        return Offset(np.nan, np.nan, 0)
    objects, back = np.unique(matched[stars], return_inverse=True)
    block = read_block(dataset.isel(object=objects), slice(0, len(objects)), [measurement])
    value = block.value[back, 0]
    median = sorted_median(value)
    count = np.isfinite(value).sum(axis=-1)
    spread = _MAD * sorted_median(np.abs(value - median[:, np.newaxis].astype(np.float32)))
    error = 1.2533 * spread / np.sqrt(np.maximum(count, 1))
    known, known_err = standards.values[measurement][stars], standards.errors[measurement][stars]
    keys = dataset["measurement"].values.tolist()
    if str(dataset["quantity"].values[keys.index(measurement)]) == "flux":
        positive = np.where((known > 0) & (median > 0), median, np.nan)
        difference = -LOG_TO_MAG * np.log(np.where(known > 0, known, np.nan) / positive)
        variance = LOG_TO_MAG**2 * ((known_err / known) ** 2 + (error / positive) ** 2)
    else:
        difference, variance = known - median, known_err**2 + error**2
    return robust_offset(difference, variance)


def robust_offset(difference: Array, variance: Array) -> Offset:
    """Mean of differences that scatter by more than their errors say, outliers left behind.

    Each is weighted by its variance and a scatter common to all, with Student's t of 4 degrees
    of freedom against outliers; the error is from the differences themselves.

    Examples
    --------
    >>> offset = robust_offset(np.array([1.0, 1.02, 0.98, 9.0]), np.full(4, 1e-4))
    >>> round(offset.value, 2), offset.n_stars
    (1.0, 4)
    """
    usable = np.isfinite(difference) & np.isfinite(variance)
    difference, variance = difference[usable], variance[usable]
    n_stars = len(difference)
    if not n_stars:
        return Offset(np.nan, np.nan, 0)
    value = float(np.median(difference))
    weight = np.ones(n_stars)
    for _ in range(50):
        residual = difference - value
        scatter = max(float(np.median((_MAD * residual) ** 2 - variance)), 0.0)
        total = np.maximum(variance + scatter, 1e-8)
        weight = (_DEGREES + 1) / (_DEGREES + residual**2 / total) / total
        before, value = value, float(np.average(difference, weights=weight))
        if abs(value - before) < 1e-7:  # noqa: PLR2004 (mag)
            break
    stated = float(1 / np.sqrt(weight.sum()))
    if n_stars == 1:
        return Offset(value, float(np.sqrt(variance[0])), 1)
    spread = np.sqrt(((weight * (difference - value)) ** 2).sum()) / weight.sum()
    found = float(spread * np.sqrt(n_stars / (n_stars - 1)))
    return Offset(value, max(stated, found), n_stars)
