"""Comparison stars: so that one sees the star vary and not the sky."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

MOST_MAGNITUDES_APART = 2.0
LEAST_COVERAGE = 0.8


def choose_comparison(magnitudes: NDArray[np.float32], target: int) -> int | None:
    """Choose the steadiest star of similar brightness.

    Each star's scatter is the median absolute deviation of its magnitudes from the ensemble (the
    median over the stars of each star's departure from its own median, epoch by epoch).

    Parameters
    ----------
    magnitudes : (n_objects, n_epochs) array of float, mag
        NaN where missing.
    target : int
        The object to compare; never chosen itself.

    Returns
    -------
    int or None
        None if no other star is measured in at least 80 % of the target's epochs.

    Examples
    --------
    >>> clouds = np.array([0.0, 0.2, -0.2])
    >>> pulsation = np.array([0.0, 1.0, -1.0])
    >>> stars = 15 + clouds + np.outer([0.5, 0.1, 0.02, -0.1, 0.0], pulsation)
    >>> choose_comparison(stars, target=0)
    2
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        median = np.nanmedian(magnitudes, axis=1)
        departure = magnitudes - median[:, np.newaxis]
        scatter = np.nanmedian(np.abs(departure - np.nanmedian(departure, axis=0)), axis=1)
    observed = np.isfinite(magnitudes)
    in_common = (observed & observed[target]).sum(axis=1)
    is_candidate = (
        (in_common >= LEAST_COVERAGE * observed[target].sum())
        & (np.abs(median - median[target]) < MOST_MAGNITUDES_APART)
        & np.isfinite(scatter)
    )
    is_candidate[target] = False
    if not is_candidate.any():
        return None
    return int(np.argmin(np.where(is_candidate, scatter, np.inf)))
