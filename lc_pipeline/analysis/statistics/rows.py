"""Arithmetic along the rows of an array, a row an object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


def row_sum(left: NDArray[Any], right: NDArray[Any]) -> Floats:
    """Sum of products along each row.

    Examples
    --------
    >>> row_sum(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    array([11.])
    """
    product: Floats = np.einsum("ij,ij->i", left, right)
    return product


def row_total(array: NDArray[Any]) -> Floats:
    """Sum along each row.

    Examples
    --------
    >>> row_total(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([3., 7.])
    """
    total: Floats = array.sum(axis=1, dtype=np.float64)
    return total


def quantile_of_sorted(ordered: NDArray[Any], n: NDArray[np.intp], fraction: float) -> Floats:
    """Quantile of the first `n` values of each row, which are in order.

    By the rule of Hazen (1914; number 5 of Hyndman & Fan 1996, doi:10.2307/2684934): the k-th of n
    values stands at the fraction ``(k - 1/2) / n``, and between them it is linear. For an even
    number of points the quartiles are then the medians of the lower and the upper half.

    Parameters
    ----------
    ordered : (n_objects, n_most) array
    n : (n_objects,) array of int
    fraction : float

    Returns
    -------
    (n_objects,) array of float
        NaN where there are no values.

    Examples
    --------
    >>> quantile_of_sorted(np.array([[1.0, 2.0, 3.0, 4.0, np.nan]]), np.array([4]), 0.25)
    array([1.5])
    """
    if not ordered.shape[1]:
        return np.full(len(ordered), np.nan)
    place = np.clip(fraction * n - 0.5, 0, np.maximum(n - 1, 0))
    below = place.astype(np.intp)
    above = np.minimum(below + 1, np.maximum(n - 1, 0))
    rows = np.arange(len(ordered))
    low = ordered[rows, below].astype(np.float64)
    high = ordered[rows, above].astype(np.float64)
    part = place - below
    # Not low + part * (high - low): that is not symmetrical, and a constant would not stay one.
    return np.where(n > 0, np.where(part > 0, (1 - part) * low + part * high, low), np.nan)


def pack(is_wanted: Booleans, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """Move what is wanted to the begin of each row, in order; NaN behind it.

    Examples
    --------
    >>> pack(np.array([[False, True, True], [True, False, False]]),
    ...      np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    [array([[ 2.,  3.],
           [ 4., nan]])]
    """
    n = is_wanted.sum(axis=1)
    width = int(n.max(initial=0))
    if (n == is_wanted.shape[1]).all():
        return list(arrays)
    is_filled = np.arange(width) < n[:, np.newaxis]
    packed = []
    for array in arrays:
        row = np.full(is_filled.shape, np.nan, dtype=array.dtype)
        row[is_filled] = np.broadcast_to(array, is_wanted.shape)[is_wanted]
        packed.append(row)
    return packed
