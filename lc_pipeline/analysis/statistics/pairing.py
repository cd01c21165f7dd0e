"""Which neighbours in time make a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.statistics.rows import quantile_of_sorted


@dataclass(frozen=True)
class Pairing:
    """Pairs and single points of light curves."""

    is_first: NDArray[np.bool_]
    """(n_objects, n_most - 1) whether the point makes a pair with the next one."""
    is_single: NDArray[np.bool_]
    """(n_objects, n_most) whether it is a point without a partner."""


def automatic_gap(interval: NDArray[np.float64], n: NDArray[np.intp]) -> NDArray[np.float64]:
    """(n_objects,) twice the lower quartile of the intervals between `n` points, days."""
    return 2 * quantile_of_sorted(np.sort(interval, axis=1), n - 1, 0.25)


def pair_up(
    interval: NDArray[np.float64], n: NDArray[np.intp], gap: float | None = None
) -> Pairing:
    """Pair up neighbours in time.

    Going through the light curve in order of time, a point and the next one make a pair if they
    are no further apart than the gap, and both are then used up. What is left is single.

    Parameters
    ----------
    interval : (n_objects, n_most - 1) array of float, days
        From each point to the next; NaN behind the last.
    n : (n_objects,) array of int
        Number of points.
    gap : float, optional
        Days; by default twice the lower quartile of the object's own intervals: where visits come
        in twos, those of a visit pair up, and at an even cadence all neighbours do.

    Examples
    --------
    >>> pairing = pair_up(np.array([[0.1, 0.1, 5.0, 0.1]]), np.array([5]))
    >>> pairing.is_first
    array([[ True, False, False,  True]])
    >>> pairing.is_single
    array([[False, False,  True, False, False]])
    """
    limit = automatic_gap(interval, n)[:, np.newaxis] if gap is None else gap
    is_close = interval <= limit
    # Among points that are close to their neighbours, the first, third, ... begin a pair.
    place = np.arange(is_close.shape[1], dtype=np.int32)
    start = np.zeros(is_close.shape, dtype=np.int32)
    start[:, 1:] = np.where(is_close[:, :-1], 0, place[1:])
    np.maximum.accumulate(start, axis=1, out=start)
    is_first = is_close & ((place - start) % 2 == 0)
    is_single = np.arange(is_close.shape[1] + 1) < n[:, np.newaxis]
    is_single[:, :-1] &= ~is_first
    is_single[:, 1:] &= ~is_first
    return Pairing(is_first, is_single)
