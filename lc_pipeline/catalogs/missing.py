"""Numbers that are not measurements: sentinels, masks, flags, fluxes that have no logarithm."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from astropy.table import Column, MaskedColumn
from numpy.typing import NDArray

from lc_pipeline.catalogs.formats.text_cells import EMPTY_CELLS
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import FLAG_DTYPE, MeasurementFlag
from lc_pipeline.survey import BadFlags, MissingSection, Quantity

#: Magnitudes per relative flux, 2.5 / ln 10 = 1.0857.
POGSON = 2.5 / np.log(10)

#: A number with a decimal comma, and an upper or lower limit.
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
LIMIT = re.compile(r"[<>]=?\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")

Floats = NDArray[np.float64]
Flags = NDArray[np.uint16]


def numbers_of(
    path: object, name: str, column: Column, limits: dict[int, str] | None = None
) -> Floats:
    """Turn a column into floats: masked cells are NaN, and text must read as a number.

    Limits like ``>18.5`` are missing as well, if a table is given that takes them up by row.

    Raises
    ------
    CatalogError
        If a cell is not a number; the message names the column and the row (the first is 1).

    Examples
    --------
    >>> numbers_of("night1.csv", "mag", Column(["17.5", "INDEF"]))
    array([17.5,  nan])
    """
    if column.dtype.kind in "fiub":
        numbers = np.array(np.ma.getdata(column), dtype=np.float64)
        if isinstance(column, MaskedColumn):
            numbers[np.ma.getmaskarray(column)] = np.nan
        return numbers
    numbers = np.full(len(column), np.nan)
    for index, cell in enumerate(texts_of(column)):
        if cell in EMPTY_CELLS:
            continue
        try:
            numbers[index] = float(cell.replace("D", "E").replace("d", "e"))
        except ValueError:
            if limits is not None and LIMIT.fullmatch(cell):
                limits[index] = cell
                continue
            remedy = "correct it, or leave the file out with files.exclude"
            if DECIMAL_COMMA.fullmatch(cell):
                remedy = (
                    f"cells of {name!r} are text like {cell!r} (decimal comma?): write numbers "
                    f"with a decimal point"
                )
            raise CatalogError(
                str(path), f"column {name!r}, row {index + 1}: {cell!r} is not a number; {remedy}"
            ) from None
    return numbers


def texts_of(column: Column) -> list[str]:
    """Turn a column into stripped texts; masked cells are empty.

    Whole numbers are written without a decimal point, whatever type holds them.

    Examples
    --------
    >>> texts_of(Column([12.0, 7.5])), texts_of(Column(["a ", "b"]))
    (['12', '7.5'], ['a', 'b'])
    """
    cells = np.ma.getdata(np.ma.asarray(column)).tolist()
    mask = np.ma.getmaskarray(column).tolist() if isinstance(column, MaskedColumn) else None
    texts = []
    for index, cell in enumerate(cells):
        if (mask and mask[index]) or cell is None or cell != cell:  # noqa: PLR0124  (NaN)
            texts.append("")
        elif isinstance(cell, float) and cell.is_integer():
            texts.append(str(int(cell)))
        else:
            texts.append(cell.decode() if isinstance(cell, bytes) else str(cell))
    return [text.strip() for text in texts]


def flag_missing(
    value: Floats, error: Floats, quantity: Quantity, missing: MissingSection
) -> tuple[Floats, Floats, Flags]:
    """Replace what stands for "no value" and "no error" by NaN, and flag it.

    Ranges are for magnitudes alone: a flux may be any finite number, a negative one as well.

    Parameters
    ----------
    value, error : (n_sources,) array of float
        As in the catalogue, NaN where masked. Not changed.
    quantity : {"mag", "flux"}
    missing : MissingSection

    Returns
    -------
    value, error : (n_sources,) array of float
        A missing value takes its error with it.
    flags : (n_sources,) array of uint16
        BAD_VALUE, or BAD_ERROR where only the error is missing.

    Examples
    --------
    >>> value, error, flags = flag_missing(
    ...     np.array([17.5, 99.0, 16.0]), np.array([0.1, 99.0, 0.0]), "mag", MissingSection()
    ... )
    >>> value, error, flags
    (array([17.5,  nan, 16. ]), array([0.1, nan, nan]), array([ 0,  8, 16], dtype=uint16))
    """
    no_value = ~np.isfinite(value)
    no_error = ~np.isfinite(error) | (error < 0)
    no_value |= is_listed(value, missing.values)
    no_error |= is_listed(error, missing.values)
    for sentinel in missing.errors:
        no_error |= error == sentinel
    if quantity == "mag":
        low, high = missing.magnitude_range
        no_value |= (value < low) | (value > high)
        smallest, largest = missing.error_range
        no_error |= (error <= smallest) | (error >= largest)
    flags = np.zeros(value.shape, FLAG_DTYPE)
    flags[no_error] = MeasurementFlag.BAD_ERROR
    flags[no_value] = MeasurementFlag.BAD_VALUE
    return np.where(no_value, np.nan, value), np.where(no_value | no_error, np.nan, error), flags


def is_listed(array: Floats, sentinels: Sequence[float]) -> NDArray[np.bool_]:
    """Say where a number is one of `sentinels`, whether the file keeps 4 or 8 bytes of it."""
    return np.isin(array, [*sentinels, *map(float, np.array(sentinels, dtype=np.float32))])


def to_magnitudes(
    flux: Floats, error: Floats, flags: Flags, zero_point: float | Floats
) -> tuple[Floats, Floats, Flags]:
    """Turn fluxes into magnitudes, ``zero_point - 2.5 log10(flux)``; errors 1.0857 dF/F.

    Parameters
    ----------
    flux, error : (n_sources,) array of float
    flags : (n_sources,) array of uint16
    zero_point : float or (n_sources,) array of float, mag

    Returns
    -------
    magnitude, error : (n_sources,) array of float, mag
        NaN where the flux is not positive.
    flags : (n_sources,) array of uint16
        With NON_POSITIVE_FLUX where the flux is known and not positive.

    Examples
    --------
    >>> good = np.zeros(2, "uint16")
    >>> to_magnitudes(np.array([100.0, -3.0]), np.array([1.0, 1.0]), good, 25.0)
    (array([20., nan]), array([0.01085736,        nan]), array([ 0, 32], dtype=uint16))
    """
    positive = flux > 0
    magnitude = np.full(flux.shape, np.nan)
    relative = np.full(flux.shape, np.nan)
    with np.errstate(over="ignore", under="ignore"):
        np.log10(flux, out=magnitude, where=positive)
        np.divide(POGSON * error, flux, out=relative, where=positive)
    too_large = np.isinf(relative)
    relative[too_large] = np.nan
    flags = flags | FLAG_DTYPE.type(MeasurementFlag.BAD_ERROR) * too_large
    flags[np.isfinite(flux) & ~positive] = MeasurementFlag.NON_POSITIVE_FLUX
    return zero_point - 2.5 * magnitude, relative, flags


def catalog_flags_of(
    path: object, name: str, column: Column, bad_flags: BadFlags | None = None
) -> NDArray[np.int64]:
    """Turn a column of flags into integers; masked or empty cells say nothing, so they are 0.

    Where `bad_flags` lists the texts that mean bad, the flag is the number of the text in that
    list, from 1 on, and 0 for all other texts.

    Raises
    ------
    CatalogError
        If the flags are neither whole numbers nor true and false, and no texts are listed.

    Examples
    --------
    >>> catalog_flags_of("night1.csv", "quality", Column(["A", "U", ""]), ("B", "U"))
    array([0, 2, 0])
    """
    if isinstance(bad_flags, tuple):
        codes = {text.strip(): number for number, text in enumerate(bad_flags, 1)}
        return np.array([codes.get(text, 0) for text in texts_of(column)], dtype=np.int64)
    if column.dtype.kind in "iub":
        flags = np.array(np.ma.getdata(column)).astype(np.int64)
        if isinstance(column, MaskedColumn):
            flags[np.ma.getmaskarray(column)] = 0
        return flags
    try:
        numbers = np.nan_to_num(numbers_of(path, name, column), nan=0.0)
    except CatalogError:
        there = sorted({text for text in texts_of(column) if text})
        raise CatalogError(
            str(path),
            f"column {name!r} holds flags that are no numbers ({', '.join(there[:8])}): list those "
            f"that mean bad as bad_flags = ['{there[-1]}']",
        ) from None
    wrong = np.flatnonzero(numbers != np.round(numbers))
    if len(wrong):
        raise CatalogError(
            str(path),
            f"column {name!r}, row {wrong[0] + 1}: {numbers[wrong[0]]} is no set of flag bits; "
            f"set columns.flags to a column of whole numbers",
        )
    return numbers.astype(np.int64)


def is_bad(flags: NDArray[np.int64], bad_flags: BadFlags | None) -> NDArray[np.bool_]:
    """Say where catalogue flags mean bad: any bit, or the bits of `bad_flags` if it is a number.

    Examples
    --------
    >>> is_bad(np.array([0, 1, 4, 5]), 4)
    array([False, False,  True,  True])
    """
    bits = bad_flags if isinstance(bad_flags, int) else -1
    bad: NDArray[np.bool_] = np.bitwise_and(flags, np.int64(bits)).astype(np.bool_)
    return bad
