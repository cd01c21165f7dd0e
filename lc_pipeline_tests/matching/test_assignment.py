"""The assignment against all assignments there are."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from lc_pipeline.errors import MatchingError
from lc_pipeline.matching.assignment import assign_one_to_one
from lc_pipeline.matching.pairs import Pairs, find_pairs
from lc_pipeline.sky.geometry import (
    chord_length,
    shift_field,
    unit_vectors,
    vector_separation_arcsec,
)

PLACES = [(0.0, 0.0), (0.0, 69.0), (123.0, 90.0), (10.0, -90.0), (359.99999, -45.0)]
PLACE = st.sampled_from(PLACES)
POINT = st.tuples(st.floats(-2.5, 2.5), st.floats(-2.5, 2.5))
GRID_POINT = st.tuples(st.integers(-2, 2), st.integers(-2, 2))


def _around(place, points):
    """Unit vectors at offsets (arcsec) from a place."""
    center = unit_vectors(*place)
    return np.array([shift_field(center, center, *map(float, p)) for p in points]).reshape(-1, 3)


def _cost(detections, objects, index, radius):
    matched = index >= 0
    chord = np.linalg.norm(detections[matched] - objects[index[matched]], axis=1)
    return np.sum(chord**2) + np.sum(~matched) * float(chord_length(radius)) ** 2


def _least_cost(detections, objects, radius):
    """Try every way to give each detection one object or none."""
    choices = list(range(len(objects))) + [-1] * len(detections)
    best = np.inf
    for chosen in set(permutations(choices, len(detections))):
        index = np.array(chosen, dtype=int)
        matched = np.flatnonzero(index >= 0)
        far = vector_separation_arcsec(detections[matched], objects[index[matched]]) > radius
        if not far.any():
            best = min(best, _cost(detections, objects, index, radius))
    return best


def _assigned(detections, objects, radius):
    pairs = find_pairs(detections, objects, radius)
    limit = float(chord_length(radius)) ** 2
    return assign_one_to_one(pairs, len(detections), len(objects), limit)


@given(PLACE, st.lists(POINT, max_size=4), st.lists(POINT, max_size=4), st.floats(0.5, 3.0))
def test_no_assignment_of_a_small_field_is_better(place, points, others, radius):
    detections, objects = _around(place, points), _around(place, others)
    index = _assigned(detections, objects, radius)
    matched = index[index >= 0]
    assert len(set(matched.tolist())) == len(matched)
    unit = float(chord_length(radius)) ** 2
    found = _cost(detections, objects, index, radius) / unit
    assert found == pytest.approx(_least_cost(detections, objects, radius) / unit, abs=1e-6)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", range(3))
def test_no_assignment_of_six_to_six_is_better(place, seed):
    points = np.random.default_rng(seed).uniform(-1.5, 1.5, (11, 2))
    detections, objects = _around(place, points[:5]), _around(place, points[5:])
    index = _assigned(detections, objects, 1.5)
    unit = float(chord_length(1.5)) ** 2
    found = _cost(detections, objects, index, 1.5) / unit
    assert found == pytest.approx(_least_cost(detections, objects, 1.5) / unit, abs=1e-6)


@given(PLACE, st.lists(GRID_POINT, max_size=12), st.lists(GRID_POINT, max_size=12))
def test_every_detection_that_could_be_matched_has_no_free_object_in_reach(place, points, others):
    detections, objects = _around(place, points), _around(place, others)
    index = _assigned(detections, objects, 1.2)
    taken = set(index[index >= 0].tolist())
    pairs = find_pairs(detections, objects, 1.2)
    for detection, found in zip(pairs.detection, pairs.object, strict=True):
        assert index[detection] >= 0 or found in taken


def test_a_crowded_field_is_the_same_solved_whole_or_in_groups():
    rng = np.random.default_rng(8)
    points = rng.uniform(-60, 60, (3000, 2))
    objects = _around((0.0, 69.0), points)
    detections = _around((0.0, 69.0), points[::-1][:2500] + rng.normal(0, 0.4, (2500, 2)))
    index = _assigned(detections, objects, 1.5)
    whole = _in_one_call(detections, objects, 1.5)
    cost = [_cost(detections, objects, i, 1.5) for i in (index, whole)]
    assert cost[0] == pytest.approx(cost[1], rel=1e-9)
    assert np.count_nonzero(index >= 0) > 2300


def _in_one_call(detections, objects, radius):
    distance = np.linalg.norm(detections[:, np.newaxis] - objects, axis=2) ** 2
    limit = float(chord_length(radius)) ** 2
    distance[distance > limit] = limit * 1e6
    costs = np.hstack([distance, np.full((len(detections), len(detections)), limit)])
    _, columns = linear_sum_assignment(costs)
    return np.where(columns < len(objects), columns, -1)


def test_identical_positions_are_matched_one_to_one():
    same = _around((10.0, 20.0), [(0, 0)] * 3)
    assert sorted(_assigned(same, same, 1.0).tolist()) == [0, 1, 2]
    assert sorted(_assigned(same, same[:1], 1.0).tolist()) == [-1, -1, 0]


def test_the_radius_is_inclusive():
    found = _assigned(unit_vectors([10.0], [1 / 3600]), unit_vectors([10.0], [0.0]), 1.0)
    assert found.tolist() == [0]
    found = _assigned(unit_vectors([10.0], [1.00001 / 3600]), unit_vectors([10.0], [0.0]), 1.0)
    assert found.tolist() == [-1]


def test_nothing_on_one_side_matches_nothing():
    nothing = np.empty((0, 3))
    assert _assigned(nothing, np.eye(3), 1.0).shape == (0,)
    assert _assigned(np.eye(3), nothing, 1.0).tolist() == [-1, -1, -1]


def test_pairs_are_ordered_and_complete():
    rng = np.random.default_rng(5)
    detections, objects = (_around((0, 89.9999), rng.uniform(-9, 9, (40, 2))) for _ in range(2))
    pairs = find_pairs(detections, objects, 3.0)
    distance = vector_separation_arcsec(detections[:, np.newaxis], objects[np.newaxis])
    assert np.array_equal(
        np.column_stack([pairs.detection, pairs.object]), np.argwhere(distance <= 3)
    )
    assert isinstance(pairs.where(pairs.detection == 0), Pairs)


def test_a_radius_far_too_large_is_refused_before_memory_runs_out():
    rng = np.random.default_rng(6)
    field = unit_vectors(rng.uniform(0, 0.3, 20000), rng.uniform(0, 0.3, 20000))
    with pytest.raises(MatchingError, match="smaller"):
        find_pairs(field, field, 3600.0)
