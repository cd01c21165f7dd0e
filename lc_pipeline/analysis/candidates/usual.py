"""What is usual at a brightness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.statistics.brightness import (
    LEAST_NEIGHBOURS,
    MOST_NEIGHBOURS,
    running_median,
)

Floats = NDArray[np.float64]


def usual_at_brightness(values: Floats, brightness: Floats) -> Floats:
    """Running median of values over objects in order of brightness; NaN where either is missing."""
    usual = np.full(len(values), np.nan)
    usable = np.flatnonzero(np.isfinite(values) & np.isfinite(brightness))
    if len(usable) < LEAST_NEIGHBOURS:
        usual[usable] = np.median(values[usable]) if len(usable) else np.nan
        return usual
    order = usable[np.argsort(brightness[usable], kind="stable")]
    usual[order] = running_median(np.asarray(values[order], dtype=float), half_window(len(order)))
    return usual


def half_window(n_objects: int) -> int:
    """Neighbours on either side: a twentieth of the objects, at least 12 and at most 250.

    Examples
    --------
    >>> [half_window(n) for n in (10, 100, 2000, 10**6)]
    [4, 12, 99, 250]
    """
    wanted = int(np.clip(n_objects // 10, LEAST_NEIGHBOURS, MOST_NEIGHBOURS))
    return (min(wanted, n_objects) - 1) // 2
