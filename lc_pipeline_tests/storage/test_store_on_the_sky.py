"""Claims about a store's cones, boxes and polygons, against brute force in extended precision."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.storage import LightcurveStorage

from ..sky.test_regions import (  # noqa: TID252 (tests are no package of their own)
    at,
    distance_from_edges,
    long_separation,
    long_vectors,
    positions_everywhere,
    turns_around,
)

ALL_SKY = 648000.0
RA = st.sampled_from([0.0, 1e-7, 180.0, 359.9999999, 360.0]) | st.floats(0, 360)
DEC = st.sampled_from([-90.0, -89.9999999, 0.0, 89.99999, 90.0]) | st.floats(-90, 90)
#: Rounding of a double that is a position.
TOLERANCE_ARCSEC = 2e-9


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """600 objects: on the whole sky, crowded at RA 0 and at both poles; in order of the curve."""
    random = np.random.default_rng(1)
    crowds = [
        at(0.0, dec, random.uniform(0, 2 * np.pi, 100), 10.0 ** random.uniform(-7, 0, 100))
        for dec in (-90.0, 0.0, 90.0)
    ]
    ra, dec = np.hstack([positions_everywhere(1), *crowds])
    keys = [f"star{number:03d}" for number in range(len(ra))]
    reference = ReferenceCatalog(keys, ra=ra, dec=dec).ordered()
    folder = tmp_path_factory.mktemp("sky") / "epochs"
    return LightcurveStorage(folder).create_storage(reference, ["g"])


def mask(store, keys):
    found = set(keys)
    assert [key for key in store.reference.key if key in found] == list(keys), "order, repetition"
    return np.array([key in found for key in store.reference.key])


@settings(max_examples=100)
@given(ra=RA, dec=DEC, radius=st.floats(-3, 5.81).map(lambda power: min(10.0**power, ALL_SKY)))
@example(0.0, 90.0, 0.0)
@example(360.0, -90.0, 0.0)
@example(359.9999999, 0.0, 300.0)
@example(360.0, 0.0, 30.0)
@example(1e-7, 0.0, 3000.0)
@example(77.0, 90.0, 30.0)
@example(0.0, -89.9999999, 300.0)
@example(0.0, 0.0, ALL_SKY)
@example(12.0, 90.0, ALL_SKY)
def test_a_cone_of_a_store_is_that_of_brute_force(store, ra, dec, radius):
    reference = store.reference
    separation = long_separation(reference.ra, reference.dec, ra, dec)
    inside = mask(store, store.get_objects_in_cone(ra, dec, radius))
    assert inside[separation <= radius].all()
    assert not inside[separation > radius + TOLERANCE_ARCSEC].any()


def test_radius_zero_finds_each_object_and_180_degrees_all(store):
    reference = store.reference
    for key, ra, dec in zip(reference.key, reference.ra, reference.dec, strict=True):
        assert key in store.get_objects_in_cone(ra, dec, 0.0)
        assert key in store.get_objects_in_cone(ra + 360, dec, 1e-6)
        assert len(store.get_objects_in_cone(ra, dec, ALL_SKY)) == len(reference)


@given(start=RA, stop=RA, low=DEC, high=DEC)
@example(350.0, 10.0, -90.0, 90.0)
@example(359.9999999, 1e-7, -1.0, 90.0)
@example(0.0, 360.0, -90.0, -90.0)
def test_a_box_of_a_store_is_that_of_exact_arithmetic(store, start, stop, low, high):
    low, high = min(low, high), max(low, high)
    inside = mask(store, store.get_objects_in_region((start, stop), (low, high)))
    width = Fraction(stop) - Fraction(start)
    width = width if width >= 0 else width + 360
    slack = Fraction(1, 10**12)
    for ra, dec, found in zip(store.reference.ra, store.reference.dec, inside, strict=True):
        east = (Fraction(ra) - Fraction(start)) % 360
        if not low <= dec <= high:
            assert not found
        elif east <= width or abs(dec) == 90:
            assert found
        elif width + slack < east < 360 - slack:
            assert not found


@given(ra=RA, dec=DEC, n_corners=st.integers(3, 8), size=st.floats(0.5, 60), turn=st.floats(0, 6))
@example(0.0, 90.0, 4, 20.0, 0.0)
@example(0.0, -90.0, 4, 20.0, 0.0)
@example(360.0, 0.0, 4, 20.0, 0.0)
def test_a_polygon_of_a_store_is_that_of_brute_force(store, ra, dec, n_corners, size, turn):
    angle = turn + 2 * np.pi * np.arange(n_corners) / n_corners
    vertices = np.column_stack(at(ra, dec, angle, np.full(n_corners, np.radians(size))))
    points = long_vectors(store.reference.ra, store.reference.dec)
    corners = long_vectors(*vertices.T)
    this_side = points @ long_vectors(ra, dec) > 0
    expected = (turns_around(points, corners) != 0) & this_side
    decided = distance_from_edges(points, corners) > 1e-8 * (1 + np.tan(np.radians(size)))
    inside = mask(store, store.get_objects_in_polygon(vertices.tolist()))
    np.testing.assert_array_equal(inside[decided], expected[decided])
