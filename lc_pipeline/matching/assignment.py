"""One-to-one assignment of detections to objects, exact in every crowded group."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy
from numpy.typing import NDArray

from lc_pipeline.matching.pairs import Pairs

#: Detections solved in one call. The solver's time goes with their square, for groups that have
#: nothing to do with each other as well; below this its overhead dominates.
_BATCH = 256

#: Of two assignments of equal cost, the one with more matches: a detection at exactly the radius
#: costs as much matched as unmatched.
_PREFER_MATCHES = 1e-9


def assign_one_to_one(
    pairs: Pairs, n_detections: int, n_objects: int, max_chord_squared: float
) -> NDArray[np.intp]:
    """Choose the pairs that match, so that each detection and each object has at most one.

    Of all such choices it is the one with the least sum of squared separations, where an unmatched
    detection counts as much as a pair at the limit. So no detection takes an object that fits
    another one better, and none stays alone that could be matched by moving others.

    Parameters
    ----------
    pairs : Pairs
        The pairs that are allowed.
    n_detections, n_objects : int
    max_chord_squared : float
        Squared chord of the radius: the cost of an unmatched detection.

    Returns
    -------
    (n_detections,) array of int
        The object of each detection; -1 for none.

    Notes
    -----
    A pair whose detection and object have no other partner is taken as it is. The others form
    groups (connected components of the graph of pairs), each solved exactly by
    :func:`scipy.sparse.csgraph.min_weight_full_bipartite_matching` with one dummy object per
    detection. Ties go by the order of detections and objects: sort them by content first if the
    result must not depend on their order.

    Examples
    --------
    Detection 0 is nearest to object 0, and so is detection 1, which has no other choice:

    >>> pairs = Pairs(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.1, 0.3, 0.2]))
    >>> assign_one_to_one(pairs, 2, 2, max_chord_squared=1.0).tolist()
    [1, 0]
    """
    object_index = np.full(n_detections, -1, dtype=np.intp)
    lone = lone_pairs(pairs, n_detections, n_objects)
    object_index[pairs.detection[lone]] = pairs.object[lone]
    if not lone.all():
        crowded = pairs.where(~lone)
        cost = crowded.chord_squared / max_chord_squared
        for group in _groups(crowded, n_detections, n_objects):
            detections, objects = _solve(
                crowded.detection[group], crowded.object[group], cost[group]
            )
            object_index[detections] = objects
    return object_index


def lone_pairs(pairs: Pairs, n_detections: int, n_objects: int) -> NDArray[np.bool_]:
    """Tell which pairs are the only one of their detection and of their object.

    Examples
    --------
    >>> pairs = Pairs(np.array([0, 1, 2]), np.array([0, 1, 1]), np.zeros(3))
    >>> lone_pairs(pairs, 3, 2).tolist()
    [True, False, False]
    """
    of_detection = np.bincount(pairs.detection, minlength=n_detections)
    of_object = np.bincount(pairs.object, minlength=n_objects)
    return np.asarray((of_detection[pairs.detection] == 1) & (of_object[pairs.object] == 1))


def _groups(pairs: Pairs, n_detections: int, n_objects: int) -> Iterator[NDArray[np.intp]]:
    """Yield the pairs (as indices, in their order) of a few whole groups at a time."""
    n = n_detections + n_objects
    graph = scipy.sparse.coo_array(
        (np.ones(len(pairs), dtype=np.int8), (pairs.detection, n_detections + pairs.object)),
        shape=(n, n),
    )
    _, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
    detections = np.unique(pairs.detection)
    n_of_label = np.bincount(label[detections], minlength=label.max() + 1)
    # Whole groups, in the order of their labels, until a batch is full.
    batch_of_label = np.cumsum(n_of_label) // _BATCH
    batch = batch_of_label[label[pairs.detection]]
    order = np.argsort(batch, kind="stable")
    ends = np.flatnonzero(np.diff(batch[order])) + 1
    yield from np.split(order, ends)


def _solve(
    detection: NDArray[np.intp], found: NDArray[np.intp], cost: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Solve the given pairs, costs 0 to 1; return the matched detections and their objects."""
    detections, row = np.unique(detection, return_inverse=True)
    objects, column = np.unique(found, return_inverse=True)
    n, n_objects = len(detections), len(objects)
    dummies = np.arange(n)
    # The solver drops explicit zeros. One is added to all costs: every row has exactly one match,
    # real or dummy, so that this does not change which assignment is best.
    costs = scipy.sparse.csr_array(
        (
            np.concatenate([1 + cost, np.full(n, 2 + _PREFER_MATCHES)]),
            (np.concatenate([row, dummies]), np.concatenate([column, n_objects + dummies])),
        ),
        shape=(n, n_objects + n),
    )
    rows, columns = scipy.sparse.csgraph.min_weight_full_bipartite_matching(costs)
    real = columns < n_objects
    return detections[rows[real]], objects[columns[real]]
