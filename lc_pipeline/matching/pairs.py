"""All pairs of detections and objects that are near each other on the sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from lc_pipeline.errors import MatchingError
from lc_pipeline.sky.geometry import chord_length

#: A position at exactly the radius is inside, whatever the last digit of its unit vector.
_ROUNDING = 1e-9

#: More pairs than this (8 GB) are a mistaken radius rather than a crowded field.
MAX_PAIRS = 200_000_000

_SAMPLE = 1000

#: Where fewer detections than this have a choice, the nearest two objects of each are looked up.
_FEW = 0.1


@dataclass(frozen=True)
class Pairs:
    """Pairs of detections and objects, ordered by detection, then object.

    Attributes
    ----------
    detection, object : (n_pairs,) arrays of int
        Row numbers in the two lists.
    chord_squared : (n_pairs,) array of float
        Squared straight-line distance of the two unit vectors.
    """

    detection: NDArray[np.intp]
    object: NDArray[np.intp]
    chord_squared: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.detection)

    def where(self, chosen: NDArray[np.bool_]) -> Pairs:
        """Keep the pairs for which `chosen`, shape ``(n_pairs,)``, is true."""
        return Pairs(self.detection[chosen], self.object[chosen], self.chord_squared[chosen])


def sky_tree(vectors: NDArray[np.float64]) -> scipy.spatial.KDTree:
    """Make the tree in which unit vectors are looked up.

    The options are those of astropy: balanced, compact trees take minutes for some real
    catalogues (repeated positions, thin shells) and gain nothing for the others.

    Parameters
    ----------
    vectors : (n, 3) array of float

    Examples
    --------
    >>> sky_tree(np.eye(3)).n
    3
    """
    return scipy.spatial.KDTree(vectors, compact_nodes=False, balanced_tree=False)


def find_pairs(
    detections: NDArray[np.float64],
    objects: NDArray[np.float64],
    radius_arcsec: float,
    tree: scipy.spatial.KDTree | None = None,
) -> Pairs:
    """Find every pair of a detection and an object that are at most `radius_arcsec` apart.

    Parameters
    ----------
    detections : (n_detections, 3) array of float
        Unit vectors.
    objects : (n_objects, 3) array of float
        Unit vectors.
    radius_arcsec : float, arcsec
        Largest separation, inclusive.
    tree : scipy.spatial.KDTree, optional
        Of the objects, where there is one already.

    Returns
    -------
    Pairs

    Raises
    ------
    MatchingError
        If there are more than `MAX_PAIRS` pairs: the radius is far larger than the distance
        between neighbours.

    Examples
    --------
    >>> from lc_pipeline.sky.geometry import unit_vectors
    >>> pairs = find_pairs(unit_vectors([0.0001, 50], [0, 0]), unit_vectors([359.9999], [0]), 1.0)
    >>> pairs.detection.tolist(), pairs.object.tolist()
    ([0], [0])
    """
    if not len(detections) or not len(objects):
        nothing = np.empty(0, dtype=np.intp)
        return Pairs(nothing, nothing, np.empty(0))
    chord = float(chord_length(radius_arcsec)) * (1 + _ROUNDING)
    tree = sky_tree(objects) if tree is None else tree
    reach = chord * (1 + _ROUNDING)
    sample = detections[:: max(1, len(detections) // _SAMPLE)]
    n_near = tree.query_ball_point(sample, reach, return_length=True)
    _refuse_too_many(len(detections), float(n_near.mean()), radius_arcsec)
    if (n_near > 1).mean() < _FEW:
        detection, found = _few_pairs(detections, tree, reach)
    else:
        near = sky_tree(detections).sparse_distance_matrix(tree, reach, output_type="ndarray")
        detection, found = near["i"].astype(np.intp), near["j"].astype(np.intp)
        order = np.lexsort((found, detection))
        detection, found = detection[order], found[order]
    difference = detections[detection] - objects[found]
    pairs = Pairs(detection, found, np.einsum("ij,ij->i", difference, difference))
    return pairs.where(pairs.chord_squared <= chord**2)


def _few_pairs(
    detections: NDArray[np.float64], tree: scipy.spatial.KDTree, reach: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the same pairs where most detections have one object near them, or none.

    A search for two neighbours takes half the time of one for all, and tells who has more.
    """
    _, nearest = tree.query(detections, k=2, distance_upper_bound=reach)
    has_one, has_two = (nearest < tree.n).T
    single, several = np.flatnonzero(has_one & ~has_two), np.flatnonzero(has_two)
    all_near = tree.query_ball_point(detections[several], reach, return_sorted=True)
    n_near = [len(near) for near in all_near]
    detection = np.concatenate([single, np.repeat(several, n_near)])
    found = np.concatenate([nearest[single, 0], *all_near]).astype(np.intp)
    order = np.argsort(detection, kind="stable")
    return detection[order], found[order]


def _refuse_too_many(n_detections: int, n_near: float, radius_arcsec: float) -> None:
    """Stop before more pairs are listed than can be meant; `n_near` is the mean of a sample."""
    if n_near * n_detections > MAX_PAIRS:
        raise MatchingError(
            f"a detection has {n_near:.0f} objects within {radius_arcsec:g} arcsec on "
            f"average: choose a radius smaller than the distance between neighbours"
        )
