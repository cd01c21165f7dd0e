"""Claims about the shift of a whole catalogue."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lc_pipeline.matching.offset import find_offset, median_offset
from lc_pipeline.sky.geometry import mean_direction, shift_field, tangent_basis, unit_vectors

PLACES = [(0.0, 0.0), (265.0, 69.0), (12.0, 90.0), (200.0, -90.0)]


def _field(place, n, width_arcsec, seed):
    rng = np.random.default_rng(seed)
    center = unit_vectors(*place)
    points = rng.uniform(-width_arcsec / 2, width_arcsec / 2, (n, 2))
    vectors = center + points / 206265 @ np.stack(tangent_basis(center))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), center


def _observed(objects, center, shift, scatter, seed):
    rng = np.random.default_rng(seed + 1000)
    noise = rng.normal(0, scatter / 206265, objects.shape)
    moved = shift_field(objects, center, *shift) + noise
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


@settings(max_examples=30)
@given(
    st.sampled_from(PLACES),
    st.floats(0, 4.9),
    st.floats(0, 2 * np.pi),
    st.integers(0, 100),
)
def test_an_injected_shift_is_recovered(place, length, angle, seed):
    shift = (length * np.cos(angle), length * np.sin(angle))
    objects, center = _field(place, 150, 600, seed)
    detections = _observed(objects, center, shift, 0.1, seed)
    offset = find_offset(
        detections, objects, radius_arcsec=1.0, max_offset_arcsec=5.0, center=center
    )
    assert offset.found
    assert (offset.east_arcsec, offset.north_arcsec) == pytest.approx(shift, abs=0.06)
    assert offset.scatter_arcsec == pytest.approx(0.1, abs=0.04)
    assert offset.n_pairs >= 140
    back = offset.remove_from(detections)
    residual = np.linalg.norm(back - objects, axis=1) * 206265
    assert np.median(residual) < 0.25


@pytest.mark.parametrize("place", PLACES)
def test_a_dense_field_with_half_of_it_spurious_gives_its_shift(place):
    # 3000 objects in 4 square arcmin: neighbours are 2.2 arcsec apart, two radii.
    objects, center = _field(place, 3000, 120, 3)
    spurious, _ = _field(place, 1500, 120, 4)
    detections = np.vstack([_observed(objects[::2], center, (-2.0, 3.0), 0.15, 5), spurious])
    offset = find_offset(
        detections, objects, radius_arcsec=1.0, max_offset_arcsec=5.0, center=center
    )
    assert offset.found
    assert (offset.east_arcsec, offset.north_arcsec) == pytest.approx((-2.0, 3.0), abs=0.1)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("n", "width"), [(3, 600), (100, 600), (2000, 120)])
def test_another_field_gives_no_shift(seed, n, width):
    objects, _ = _field((265.0, 69.0), n, width, seed)
    detections, _ = _field((265.0, 69.0), n, width, seed + 500)
    offset = find_offset(detections, objects, radius_arcsec=1.0, max_offset_arcsec=5.0)
    assert not offset.found
    assert (offset.east_arcsec, offset.north_arcsec, offset.n_pairs) == (0.0, 0.0, 0)
    assert offset.remove_from(detections) is detections


def test_a_long_shift_is_found_in_a_wide_search():
    objects, center = _field((265.0, 69.0), 400, 3000, 7)
    detections = _observed(objects, center, (-400.0, 250.0), 0.1, 7)
    offset = find_offset(
        detections, objects, radius_arcsec=0.8, max_offset_arcsec=1800.0, center=center
    )
    assert (offset.east_arcsec, offset.north_arcsec) == pytest.approx((-400, 250), abs=0.05)


def test_a_shift_beyond_the_limit_is_not_found():
    objects, center = _field((265.0, 69.0), 200, 600, 7)
    detections = _observed(objects, center, (9.0, 0.0), 0.1, 7)
    assert not find_offset(detections, objects, radius_arcsec=1, max_offset_arcsec=5).found


def test_two_pairs_are_not_enough():
    objects, center = _field((265.0, 69.0), 2, 600, 7)
    detections = _observed(objects, center, (1.0, 0.0), 0.0, 7)
    assert not find_offset(detections, objects, radius_arcsec=1, max_offset_arcsec=5).found


def test_nothing_gives_no_shift():
    nothing = np.empty((0, 3))
    for detections, objects in ((nothing, np.eye(3)), (np.eye(3), nothing)):
        assert not find_offset(detections, objects, radius_arcsec=1, max_offset_arcsec=5).found
    assert not median_offset(nothing, nothing, 5.0).found


def test_the_median_of_known_pairs_does_not_see_mistaken_ones():
    objects, center = _field((12.0, 90.0), 40, 600, 9)
    detections = shift_field(objects, center, 1.0, -2.0)
    detections[:15] = unit_vectors(12.0, 80.0)
    mean = mean_direction(detections[15:])
    offset = median_offset(detections, objects, 5.0)
    assert mean is not None
    moved = offset.remove_from(detections[15:])
    assert np.linalg.norm(moved - objects[15:], axis=1).max() * 206265 < 0.1
    assert offset.n_pairs == 25
