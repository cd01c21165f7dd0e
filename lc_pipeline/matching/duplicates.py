"""The duplicate rule: one measurement of an object that stands several times in one epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.flags import BAD
from lc_pipeline.survey import DuplicateRule

_USABLE, _FLAGGED, _MISSING = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Candidates:
    """Detections of one measurement, several of each object, row by row.

    Attributes
    ----------
    object : (n,) array of int
    values : (n_values, n) array of float
        The value, its error, then extras.
    flags : (n,) array of uint16
    catalog_flags : (n,) array of int
    separation : (n,) array of float, arcsec
    time : (n,) array of float, MJD
    ra, dec : (n,) arrays of float, deg
        Only to tell detections apart that are equal otherwise.
    """

    object: NDArray[np.intp]
    values: NDArray[np.float64]
    flags: NDArray[np.uint16]
    catalog_flags: NDArray[np.int64]
    separation: NDArray[np.float64]
    time: NDArray[np.float64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]

    def taken(self, rows: NDArray[np.intp]) -> Candidates:
        """Keep some rows, in the given order."""
        return Candidates(
            self.object[rows],
            self.values[:, rows],
            self.flags[rows],
            self.catalog_flags[rows],
            self.separation[rows],
            self.time[rows],
            self.ra[rows],
            self.dec[rows],
        )

    @property
    def grade(self) -> NDArray[np.int8]:
        """0: usable; 1: has a value, and a flag that calls it bad; 2: no value."""
        bad = (self.flags & np.uint16(BAD)) != 0
        grade = np.where(bad, _FLAGGED, _USABLE)
        return np.where(np.isfinite(self.values[0]), grade, _MISSING).astype(np.int8)


def resolve_duplicates(candidates: Candidates, rule: DuplicateRule) -> Candidates:
    """Make one measurement of each object from all its detections.

    Parameters
    ----------
    candidates : Candidates
    rule : {'nearest', 'best_error', 'weighted_mean'}
        Every rule prefers a usable value to a flagged one, and that to none. ``nearest``: then the
        smaller separation, then the smaller error. ``best_error``: then the smaller error, then the
        smaller separation. ``weighted_mean``: the mean of the usable values with the weights
        ``1 / error**2``, its error ``1 / sqrt(sum of weights)``, extras and time weighted alike,
        the nearest one's separation; ``nearest`` where no value is usable or one of the usable
        values has no error. Where a rule leaves a tie, the contents of the rows decide, never
        their order.

    Returns
    -------
    Candidates
        One row per object, by object. DUPLICATED is not set here.

    Examples
    --------
    >>> two = Candidates(
    ...     object=np.array([5, 5]), values=np.array([[10.0, 11.0], [0.1, 0.1]]),
    ...     flags=np.zeros(2, dtype=np.uint16), catalog_flags=np.zeros(2, dtype=np.int64),
    ...     separation=np.array([0.3, 0.2]), time=np.zeros(2), ra=np.zeros(2), dec=np.zeros(2))
    >>> resolve_duplicates(two, "nearest").values.tolist()
    [[11.0], [0.1]]
    >>> resolve_duplicates(two, "weighted_mean").values.round(4).tolist()
    [[10.5], [0.0707]]
    """
    candidates = candidates.taken(_by_merit(candidates, rule))
    first = np.flatnonzero(np.diff(candidates.object, prepend=-1))
    chosen = candidates.taken(first)
    return _averaged(candidates, chosen, first) if rule == "weighted_mean" else chosen


def _by_merit(candidates: Candidates, rule: DuplicateRule) -> NDArray[np.intp]:
    """Sort by object, the best detection of each first."""
    error = candidates.values[1]
    usable_error = np.where(error > 0, error, np.inf)
    merit = (usable_error, candidates.separation)
    if rule == "best_error":
        merit = merit[::-1]
    # lexsort takes the most important key last; NaN sorts behind every number.
    keys = (*merit, candidates.grade, candidates.object)
    order = np.lexsort(keys)
    ties = np.ones(len(order) - 1, dtype=np.bool_)
    for key in keys:
        one, next_one = key[order[:-1]], key[order[1:]]
        ties &= (one == next_one) | (np.isnan(one) & np.isnan(next_one))
    if not ties.any():
        return order
    # Only a tie needs the costly comparison of everything else.
    content = (*candidates.values[::-1], candidates.dec, candidates.ra, candidates.time)
    return np.lexsort((candidates.catalog_flags, candidates.flags, *content, *keys))


def _averaged(candidates: Candidates, chosen: Candidates, first: NDArray[np.intp]) -> Candidates:
    """Replace what was chosen by the weighted mean, for the objects where there is one.

    `candidates` are sorted by object, and by merit within; `first` is the first row of each object.
    """
    error = candidates.values[1]
    usable = candidates.grade == _USABLE
    has_error = np.isfinite(error) & (error > 0)
    n_usable = np.add.reduceat(usable.astype(np.intp), first)
    n_weighted = np.add.reduceat((usable & has_error).astype(np.intp), first)
    averaged = (n_usable > 0) & (n_usable == n_weighted)
    # Weights relative to the best error of the object: no overflow for errors of any size.
    number = np.repeat(np.arange(len(first)), np.diff(first, append=len(error)))
    best = np.minimum.reduceat(np.where(usable & has_error, error, np.inf), first)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(usable & has_error, (best[number] / error) ** 2, 0.0)
    total = np.add.reduceat(weight, first)
    used = weight > 0

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        # Differences from the chosen one: a time keeps its digits, equal values stay exact.
        origin = np.where(np.isfinite(values[first]), values[first], 0.0)
        departures = np.where(used, weight * (values - origin[number]), 0.0)
        return np.asarray(
            origin + np.add.reduceat(departures, first) / np.where(averaged, total, 1.0)
        )

    values = chosen.values.copy()
    for row, column in enumerate(candidates.values):
        values[row, averaged] = mean(column)[averaged]
    values[1, averaged] = (best / np.sqrt(np.where(averaged, total, 1.0)))[averaged]
    flags = np.bitwise_or.reduceat(np.where(used, candidates.flags, 0), first)
    catalog_flags = np.bitwise_or.reduceat(np.where(used, candidates.catalog_flags, 0), first)
    separation = np.fmin.reduceat(np.where(used, candidates.separation, np.nan), first)
    return Candidates(
        chosen.object,
        values,
        np.where(averaged, flags, chosen.flags).astype(np.uint16),
        np.where(averaged, catalog_flags, chosen.catalog_flags),
        np.where(averaged, separation, chosen.separation),
        np.where(averaged, mean(candidates.time), chosen.time),
        chosen.ra,
        chosen.dec,
    )
