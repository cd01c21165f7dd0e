"""The shift of a whole catalogue against the reference, found without knowing any match.

Every pair of a detection and an object that are not too far apart votes for its difference of
position. True pairs agree, chance pairs do not: the peak of the votes is the shift. Whether it is
more than the chance pairs make by themselves is tested, and where it is not, no shift is applied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from lc_pipeline.matching.pairs import find_pairs, sky_tree
from lc_pipeline.sky.geometry import (
    ARCSEC_PER_RADIAN,
    chord_length,
    mean_direction,
    shift_field,
    tangent_basis,
)

#: A sample of the detections is enough: ten thousand that scatter by 0.1 arcsec give a median good
#: to a milliarcsecond. It is made smaller where it makes more pairs than this.
MAX_DETECTIONS = 10_000
MAX_VOTES = 2_000_000

#: A peak must be this improbable as the highest of all the chance peaks of the search area.
MAX_CHANCE = 1e-4

_MAX_GRID = 2048
_MAX_ITERATIONS = 30
_CONVERGED_ARCSEC = 1e-6
_SIGMA_PER_MAD = 1.482602218505602
_MIN_COS_TO_CENTER = 0.5


@dataclass(frozen=True)
class Offset:
    """A rigid shift: detection minus reference, in the tangent plane of `center`.

    Attributes
    ----------
    east_arcsec, north_arcsec : float, arcsec
        0 if `found` is false.
    scatter_arcsec : float, arcsec
        Robust standard deviation of one coordinate of one pair, after the shift; NaN if none.
    n_pairs : int
        Pairs that the shift was taken from (of a sample, where there are many); 0 if none.
    found : bool
        Whether a shift stood out of the chance pairs.
    center : (3,) array of float, or None
        Unit vector of the field's centre; None if it has none.
    """

    east_arcsec: float
    north_arcsec: float
    scatter_arcsec: float
    n_pairs: int
    found: bool
    center: NDArray[np.float64] | None

    def remove_from(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the shift out of detections: unit vectors, shape ``(n, 3)``, in and out."""
        if not self.found or self.center is None:
            return vectors
        return shift_field(vectors, self.center, -self.east_arcsec, -self.north_arcsec)


def no_offset(center: NDArray[np.float64] | None = None) -> Offset:
    """Say that no shift was looked for, or that none was found."""
    return Offset(0.0, 0.0, np.nan, 0, found=False, center=center)


def find_offset(
    detections: NDArray[np.float64],
    objects: NDArray[np.float64],
    *,
    radius_arcsec: float,
    max_offset_arcsec: float,
    center: NDArray[np.float64] | None = None,
) -> Offset:
    """Find the shift of a catalogue against the reference, up to `max_offset_arcsec`.

    Parameters
    ----------
    detections : (n_detections, 3) array of float
        Unit vectors. Sort them by content if the last digit must not depend on their order.
    objects : (n_objects, 3) array of float
        Unit vectors of the reference.
    radius_arcsec : float, arcsec
        Match radius: true pairs agree to within this.
    max_offset_arcsec : float, arcsec
        Longest shift to consider.
    center : (3,) array of float, optional
        Where east and north are measured; by default the mean direction of the detections.

    Returns
    -------
    Offset
        With ``found=False`` and a shift of 0 where no peak stands out: too few pairs, or a field so
        crowded that chance pairs hide it.

    Notes
    -----
    The votes are smoothed with a Gaussian of half the radius. The pairs within one radius of the
    peak are then compared with the number that chance makes, from the density of votes around it
    and its overdispersion; the Poisson probability of so many, times the number of independent
    places for a peak, must be below `MAX_CHANCE`. The shift is the median difference of the pairs
    that are nearest to each other both ways, iterated.

    Examples
    --------
    >>> from lc_pipeline.sky.geometry import unit_vectors
    >>> rng = np.random.default_rng(1)
    >>> objects = unit_vectors(rng.uniform(0, 0.1, 100), rng.uniform(-0.05, 0.05, 100))
    >>> detections = shift_field(objects, objects.mean(axis=0), 2.0, -1.0)
    >>> offset = find_offset(detections, objects, radius_arcsec=1.0, max_offset_arcsec=5.0)
    >>> round(offset.east_arcsec, 6), round(offset.north_arcsec, 6), offset.n_pairs
    (2.0, -1.0, 100)
    """
    middle = mean_direction(detections) if center is None else center
    if middle is None or not len(objects):
        return no_offset(middle)
    search = max_offset_arcsec + 2 * radius_arcsec
    sample = _sample(detections, objects, search)
    pairs = find_pairs(sample, objects, search)
    differences, usable = _differences(sample[pairs.detection], objects[pairs.object], middle)
    pairs, differences = pairs.where(usable), differences[usable]
    if not len(pairs):
        return no_offset(middle)
    peak = _peak(differences, radius_arcsec, max_offset_arcsec)
    if not _stands_out(differences, peak, radius_arcsec, search):
        return no_offset(middle)
    shift, residuals = _iterated_median(
        differences, pairs.detection, pairs.object, peak, radius_arcsec
    )
    scatter = _SIGMA_PER_MAD * float(np.median(np.abs(residuals)))
    return Offset(
        float(shift[0]), float(shift[1]), scatter, len(residuals), found=True, center=middle
    )


def median_offset(
    detections: NDArray[np.float64], objects: NDArray[np.float64], max_offset_arcsec: float
) -> Offset:
    """Find the shift from pairs that are known already (matched by key).

    Parameters
    ----------
    detections, objects : (n_pairs, 3) arrays of float
        Unit vectors of the two sides of each pair.
    max_offset_arcsec : float, arcsec
        Pairs further apart are mistakes and do not count.

    Returns
    -------
    Offset
        The median, from at least three pairs.

    Examples
    --------
    >>> from lc_pipeline.sky.geometry import unit_vectors
    >>> objects = unit_vectors([10.0, 10.1, 10.2], [0.0, 0.0, 0.0])
    >>> detections = unit_vectors([10.0, 10.1, 10.2], [1 / 3600] * 3)
    >>> round(median_offset(detections, objects, 5.0).north_arcsec, 3)
    1.0
    """
    middle = mean_direction(detections)
    if middle is None:
        return no_offset()
    differences, usable = _differences(detections, objects, middle)
    usable &= np.hypot(differences[:, 0], differences[:, 1]) <= max_offset_arcsec
    differences = differences[usable]
    min_pairs = 3
    if len(differences) < min_pairs:
        return no_offset(middle)
    shift = np.median(differences, axis=0)
    scatter = _SIGMA_PER_MAD * float(np.median(np.abs(differences - shift)))
    return Offset(
        float(shift[0]), float(shift[1]), scatter, len(differences), found=True, center=middle
    )


def _sample(
    detections: NDArray[np.float64], objects: NDArray[np.float64], search_arcsec: float
) -> NDArray[np.float64]:
    """Take every k-th detection, so that there are not too many, nor too many pairs."""
    sample = detections[:: -(-len(detections) // MAX_DETECTIONS)]
    n_pairs = sky_tree(objects).count_neighbors(
        sky_tree(sample), float(chord_length(search_arcsec))
    )
    return sample[:: max(1, -(-int(n_pairs) // MAX_VOTES))]


def _differences(
    detections: NDArray[np.float64], objects: NDArray[np.float64], center: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Shift that would bring each object to its detection, east and north, arcsec.

    A rigid shift of the field moves a point at the angle theta from the centre by cos(theta) times
    as much, in the plane of the centre: that is divided out. Pairs beyond 60 degrees are no use.
    """
    east, north = tangent_basis(center)
    cosine = objects @ center
    usable = cosine >= _MIN_COS_TO_CENTER
    plane = (detections - objects) @ np.column_stack([east, north])
    scale = ARCSEC_PER_RADIAN / np.where(usable, cosine, 1.0)
    return plane * scale[:, np.newaxis], np.asarray(usable)


def _peak(
    differences: NDArray[np.float64], radius: float, max_offset: float
) -> NDArray[np.float64]:
    """Find the place with most votes, to about a quarter of the radius."""
    peak = np.zeros(2)
    half_width = max_offset + 2 * radius
    while True:
        n_bins = min(_MAX_GRID, int(np.ceil(8 * half_width / radius)))
        edges = np.linspace(-half_width, half_width, n_bins + 1)
        width = edges[1] - edges[0]
        votes = _vote(differences - peak, edges)
        smooth = scipy.ndimage.gaussian_filter(votes, max(1.0, radius / 2 / width), mode="constant")
        middles = (edges[:-1] + edges[1:]) / 2
        too_far = np.hypot((middles + peak[0])[:, np.newaxis], middles + peak[1]) > max_offset
        smooth[too_far] = -1.0
        # The blur's rounding differs in the last digit between equal peaks: round, then choose.
        row, column = np.unravel_index(np.argmax(np.round(smooth, 9)), smooth.shape)
        peak = peak + np.array([middles[row], middles[column]])
        if width <= radius / 2:
            return np.asarray(peak)
        # The area was too wide for fine cells: look again, around the best coarse one.
        half_width = 4 * width


def _vote(differences: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count differences in square cells."""
    counts, _, _ = np.histogram2d(differences[:, 0], differences[:, 1], bins=(edges, edges))
    return np.asarray(counts)


def _stands_out(
    differences: NDArray[np.float64], peak: NDArray[np.float64], radius: float, search: float
) -> bool:
    """Whether more pairs agree on the peak than chance lets agree somewhere."""
    distance = np.hypot(*(differences - peak).T)
    n_peak = np.count_nonzero(distance <= radius)
    around = (distance > 2 * radius) & (np.hypot(*differences.T) <= search)
    # The search area is a circle, and the part of it that the peak covers is left out; the one
    # pair that is added keeps an empty background from making any two pairs significant.
    area = np.pi * (search**2 - (2 * radius) ** 2)
    expected = (np.count_nonzero(around) + 1) / area * np.pi * radius**2
    # Clustered sources pair up in clumps: the variance of the counts over the mean says how large.
    clump = _overdispersion(differences[around], radius, search)
    places = max(1.0, (search / radius) ** 2)
    # The incomplete gamma function sums the tail of a Poisson distribution, from n on.
    chance = scipy.special.gammainc(np.floor(n_peak / clump), expected / clump) * places
    return bool(chance < MAX_CHANCE)


def _overdispersion(differences: NDArray[np.float64], radius: float, search: float) -> float:
    """Variance over mean of the votes in cells of one radius: 1 for independent ones."""
    n_bins = int(min(_MAX_GRID, search / radius))
    edges = np.linspace(-search, search, 2 * max(1, n_bins) + 1)
    votes = _vote(differences, edges)
    corners = np.hypot(*np.meshgrid(edges, edges, indexing="ij"))
    inside = np.maximum.reduce(
        [corners[1:, 1:], corners[:-1, 1:], corners[1:, :-1], corners[:-1, :-1]]
    )
    counts = votes[inside <= search]
    few_cells = 8
    if len(counts) < few_cells or not counts.any():
        return 1.0
    # The cells that the peak covers are empty here. Quartiles do not see them.
    spread = np.subtract(*np.percentile(counts, [75, 25])) / 1.349
    return float(max(1.0, spread**2 / max(np.median(counts), 1.0)))


def _iterated_median(
    differences: NDArray[np.float64],
    detection: NDArray[np.intp],
    found: NDArray[np.intp],
    start: NDArray[np.float64],
    radius: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median difference of mutually nearest pairs within the radius, and their residuals."""
    shift = start
    residuals = np.empty((0, 2))
    for _ in range(_MAX_ITERATIONS):
        distance = np.hypot(*(differences - shift).T)
        near = np.flatnonzero(distance <= radius)
        best = near[_mutually_nearest(detection[near], found[near], distance[near])]
        median = np.median(differences[best], axis=0)
        residuals = differences[best] - median
        moved = np.hypot(*(median - shift))
        shift = median
        if moved < _CONVERGED_ARCSEC:
            break
    return shift, residuals


def _mutually_nearest(
    detection: NDArray[np.intp], found: NDArray[np.intp], distance: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether each pair is the nearest of its detection and of its object."""
    nearest_of_detection = np.full(detection.max(initial=-1) + 1, np.inf)
    nearest_of_object = np.full(found.max(initial=-1) + 1, np.inf)
    np.minimum.at(nearest_of_detection, detection, distance)
    np.minimum.at(nearest_of_object, found, distance)
    return np.asarray(
        (distance <= nearest_of_detection[detection]) & (distance <= nearest_of_object[found])
    )
