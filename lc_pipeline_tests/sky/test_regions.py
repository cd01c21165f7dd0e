"""Claims about boxes, cones and polygons, everywhere on the sphere."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lc_pipeline.errors import LightcurveError
from lc_pipeline.sky import SkyIndex, healpix_order, in_box, in_cone, in_polygon
from lc_pipeline.sky.geometry import shift_field, sky_coordinates, tangent_basis, unit_vectors

PI = np.longdouble("3.14159265358979323846264338327950288")
ALL_SKY = 648000.0

RA = st.sampled_from([0.0, 1e-7, 90.0, 180.0, 359.9999999, 360.0]) | st.floats(0, 360)
DEC = st.sampled_from([-90.0, -89.9999999, 0.0, 89.99999, 90.0]) | st.floats(-90, 90)
ANY_RA = st.sampled_from([-360.0, 0.0, 350.1, 360.0, 370.0]) | st.floats(-1000, 1000)
RADIUS = st.sampled_from([0.0, 1e-3, 324000.0, ALL_SKY]) | st.floats(-3, 5.81).map(
    lambda power: 10.0**power
)
SEED = st.integers(0, 2**32 - 1)


# ---------------------------------------------------------------- the slow and obvious twins


def long_vectors(ra, dec):
    """Unit vectors in extended precision; the sine of the polar distance keeps its digits."""
    alpha = np.asarray(ra, dtype=np.longdouble) * PI / 180
    delta = np.asarray(dec, dtype=np.longdouble)
    from_axis = np.sin((90 - np.abs(delta)) * PI / 180)
    height = np.sin(delta * PI / 180)
    return np.stack([from_axis * np.cos(alpha), from_axis * np.sin(alpha), height], axis=-1)


def long_separation(ra, dec, center_ra, center_dec):
    """Separation in arcsec from haversine and cohaversine, in extended precision."""
    a = long_vectors(ra, dec)
    b = long_vectors(center_ra, center_dec)
    half = np.arctan2(
        np.sqrt(np.sum((a - b) ** 2, axis=-1)), np.sqrt(np.sum((a + b) ** 2, axis=-1))
    )
    return 2 * half * 180 / PI * 3600


def turns_around(points, corners):
    """How often the corners go round each point: the sum of the angles they are seen under."""
    total = np.zeros(len(points), dtype=np.longdouble)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        across = points @ np.cross(a, b)
        along = a @ b - (points @ a) * (points @ b)
        total += np.arctan2(across, along)
    return np.rint((total / (2 * PI)).astype(float)).astype(int)


def distance_from_edges(points, corners):
    """Least distance (deg) from the great circles of the edges."""
    normals = np.cross(corners, np.roll(corners, -1, axis=0))
    normals /= np.sqrt(np.sum(normals**2, axis=1, keepdims=True))
    return np.abs(points @ normals.T).min(axis=1) * 180 / PI


def at(center_ra, center_dec, angle, distance):
    """RA and Dec at a position angle (radians) and a distance (radians) from a centre."""
    center = unit_vectors(center_ra, center_dec)
    east, north = tangent_basis(center)
    angle, distance = np.atleast_1d(angle)[:, None], np.atleast_1d(distance)[:, None]
    side = np.sin(angle) * east + np.cos(angle) * north
    return sky_coordinates(np.cos(distance) * center + np.sin(distance) * side)


def positions_everywhere(seed, n=300):
    """Positions on the whole sky, many of them at RA 0 and on and near both poles."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    third = n // 3
    ra[:third] = rng.normal(0, 10.0 ** rng.uniform(-7, 1), third) % 360
    dec[third : 2 * third] = rng.choice([-90, 90], third)
    dec[third : third + third // 2] *= 1 - 10.0 ** rng.uniform(-9, -1, third // 2)
    return ra, dec


# ---------------------------------------------------------------- cones


@settings(max_examples=150, deadline=None)
@given(RA, DEC, RADIUS, SEED)
@example(0.0, 0.0, 1e-3, 1)
@example(360.0, 90.0, 1e-3, 2)
@example(10.0, -90.0, ALL_SKY - 1e-3, 3)
def test_a_cone_holds_what_is_within_its_radius(ra, dec, radius, seed):
    rng = np.random.default_rng(seed)
    # Half of the objects around the rim, at distances from it of 1e-8 of the radius to all of it.
    step = 10.0 ** rng.uniform(-8, 0, 100) * rng.choice([-1, 1], 100)
    rim = np.clip(radius * (1 + step) + 1e-7 * rng.normal(size=100), 0, ALL_SKY)
    around = at(ra, dec, rng.uniform(0, 2 * np.pi, 100), np.radians(rim / 3600))
    objects_ra, objects_dec = np.hstack([around, positions_everywhere(seed, 99)])
    separation = long_separation(objects_ra, objects_dec, ra, dec)
    inside = in_cone(objects_ra, objects_dec, ra, dec, radius)
    assert inside[separation <= radius].all()
    assert not inside[separation > radius + 2e-9].any()


@given(RA, DEC)
def test_radius_zero_is_the_very_position_and_180_degrees_everything(ra, dec):
    near = np.clip(dec + np.array([1e-11, -1e-11]), -90, 90)
    near = near[np.abs(near - dec) > 9e-12]
    assert in_cone([ra], [dec], ra, dec, 0.0).all()
    assert in_cone([(ra + 360) % 360], [dec], ra - 360, dec, 0.0).all()
    assert in_cone([round(ra)], [dec], round(ra) + 360e6, dec, 0.0).all()
    assert not in_cone(np.full(len(near), ra), near, ra, dec, 0.0).any()
    assert in_cone([ra, ra + 180, 5.0], [dec, -dec, 7.0], ra, dec, ALL_SKY).all()
    assert not in_cone([ra + 180], [-dec], ra, dec, ALL_SKY - 1e-6).any()


@pytest.mark.parametrize("pole", [-90.0, 90.0])
def test_a_pole_is_one_place_whatever_its_right_ascension(pole):
    assert in_cone([0.0, 77.0, 360.0, 181.0], [pole] * 4, 123.0, pole, 0.0).all()
    assert in_cone([0.0, 180.0], [pole * (1 - 1e-6)] * 2, 90.0, pole, 0.3240001).all()


@pytest.mark.parametrize("radius", [1e-3, 0.1, 1.0, 180.0, 3600.0, 324000.0, 500000.0])
def test_the_rim_of_a_cone_belongs_to_it(radius):
    angle = np.linspace(0, 2 * np.pi, 37)
    for ra, dec in [(0.0, 0.0), (359.9999, 45.0), (12.3, 89.9999), (200.0, -90.0)]:
        rim = at(ra, dec, angle, np.full(37, np.radians(radius / 3600)))
        # A double cannot say where the rim is to better than this.
        assert in_cone(*rim, ra, dec, radius + 1e-9).all()
        assert not in_cone(*rim, ra, dec, radius * (1 - 1e-6) - 1e-9).any()
    assert in_cone([0.0], [radius / 3600 - 60], 0.0, -60.0, radius).all()


# ---------------------------------------------------------------- boxes


@given(st.lists(RA, min_size=1, max_size=20), DEC, ANY_RA, ANY_RA, DEC, DEC)
@example([350.1, 0.1, 0.0, 350.0, 10.2], 0.0, 350.1, 360.1, -1.0, 1.0)
@example([0.0, 123.0], 90.0, 5.0, 5.0, 89.0, 90.0)
@example([0.0, 123.0], -90.0, 5.0, 5.0, -90.0, -90.0)
def test_a_box_goes_eastward_from_its_first_to_its_second_limit(ra, dec, start, stop, low, high):
    low, high = min(low, high), max(low, high)
    inside = in_box(ra, [dec] * len(ra), (start, stop), (low, high))
    width = Fraction(stop) - Fraction(start)
    width = width if width >= 0 else width % 360
    # From 360 to just below 0 is nearly all or nothing: that is rounding's to say.
    assume(stop > start or not 0 < 360 - width < Fraction(1, 10**9))
    for angle, found in zip(ra, inside, strict=True):
        east_of_start = (Fraction(angle) - Fraction(start)) % 360
        if not low <= dec <= high:
            assert not found
        elif east_of_start <= width or abs(dec) == 90:
            assert found
        elif width + Fraction(1, 10**12) < east_of_start < 360 - Fraction(1, 10**12):
            assert not found


@pytest.mark.parametrize("ra_range", [(350, 10), (-10, 10), (350, 370), (-370, -350), (710, 10)])
def test_a_range_of_right_ascension_can_be_written_in_many_ways(ra_range):
    ra = [349.9999, 350.0, 359.9999, 0.0, 10.0, 10.0001, 180.0]
    inside = in_box(ra, np.zeros(7), ra_range, (-1, 1))
    assert inside.tolist() == [False, True, True, True, True, False, False]


def test_a_width_of_360_is_everything_and_equal_limits_one_meridian():
    ra, dec = np.arange(0.0, 360.0, 30.0), np.zeros(12)
    for everything in [(0, 360), (-180, 180), (77, 437), (0, 1000)]:
        assert in_box(ra, dec, everything, (-90, 90)).all()
    for meridian in [(90, 90), (-270, -270), (450, 450)]:
        assert np.flatnonzero(in_box(ra, dec, meridian, (-90, 90))).tolist() == [3]


def test_a_pole_is_in_each_box_that_reaches_it_and_in_no_other():
    ra, dec = [0.0, 200.0, 200.0], [90.0, 90.0, 89.9999]
    assert in_box(ra, dec, (10, 20), (0, 90)).tolist() == [True, True, False]
    assert not in_box(ra, dec, (10, 20), (0, 89)).any()
    assert in_box([200.0], [-90.0], (10, 20), (-90, 0)).all()


# ---------------------------------------------------------------- polygons


@settings(max_examples=150, deadline=None)
@given(
    ra=RA,
    dec=DEC,
    n_vertices=st.integers(3, 12),
    size=st.floats(-5, 1.4),
    clockwise=st.booleans(),
    seed=SEED,
)
@example(ra=0.0, dec=0.0, n_vertices=5, size=-5.0, clockwise=False, seed=1)
@example(ra=0.0, dec=90.0, n_vertices=3, size=-3.0, clockwise=True, seed=2)
@example(ra=0.0, dec=-90.0, n_vertices=9, size=1.4, clockwise=False, seed=3)
def test_a_polygon_holds_what_its_border_goes_round(ra, dec, n_vertices, size, clockwise, seed):
    """Star shapes, convex or not, from 0.04 arcsec to 75 degrees."""
    rng = np.random.default_rng(seed)
    radius = min(np.radians(10.0**size * 3), np.radians(75))
    angle = 2 * np.pi * (np.arange(n_vertices) + rng.uniform(-0.2, 0.2, n_vertices)) / n_vertices
    vertices = np.column_stack(at(ra, dec, angle, rng.uniform(0.2, 1, n_vertices) * radius))
    if clockwise:
        vertices = vertices[::-1]
    near = at(ra, dec, rng.uniform(0, 2 * np.pi, 200), rng.uniform(0, 1.3, 200) * radius)
    # Antipodes of what is inside are seen under the same angles, and are not inside.
    far = ((near[0] + 180) % 360, -near[1])
    objects_ra, objects_dec = np.hstack([near, far, positions_everywhere(seed, 60)])
    points, corners = long_vectors(objects_ra, objects_dec), long_vectors(*vertices.T)
    this_side = points @ long_vectors(ra, dec) > 0
    expected = (turns_around(points, corners) != 0) & this_side
    decided = distance_from_edges(points, corners) > 1e-8 * (1 + np.tan(radius))
    assert np.count_nonzero(decided[:200]) > 150
    inside = in_polygon(objects_ra, objects_dec, vertices)
    assert np.array_equal(inside[decided], expected[decided])
    assert inside[expected].all()


@settings(max_examples=40, deadline=None)
@given(RA, DEC, st.floats(-4, 1.9), SEED)
@example(0.0, 0.0, 1.9, 1)
def test_vertices_and_edges_belong_to_their_polygon_and_beyond_is_out(ra, dec, size, seed):
    rng = np.random.default_rng(seed)
    angle = np.radians([0, 72, 144, 216, 288]) + rng.uniform(0, 6)
    radius = np.radians(10.0**size)
    corners = unit_vectors(*at(ra, dec, angle, np.full(5, radius)))
    share = rng.uniform(0, 1, (20, 1, 1))
    edges = (share * corners + (1 - share) * np.roll(corners, 1, axis=0)).reshape(-1, 3)
    edges = np.vstack([edges, corners])
    edges /= np.linalg.norm(edges, axis=1, keepdims=True)
    vertices = np.column_stack(sky_coordinates(corners))
    assert in_polygon(*vertices.T, vertices).all()
    assert in_polygon(*sky_coordinates(edges), vertices).all()
    center = unit_vectors(ra, dec)
    outward = edges - (edges @ center)[:, None] * center
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    assert in_polygon(*sky_coordinates(edges + np.radians(5e-10) * outward), vertices).all()
    assert not in_polygon(*sky_coordinates(edges + np.radians(1e-7) * outward), vertices).any()


def test_the_continuation_of_an_edge_is_not_border():
    fork = [(0, -3), (5, -3), (5, 0), (4, 0), (4, -2), (1, -2), (1, 0), (0, 0)]
    inside = in_polygon([0.5, 1.0, 1.1, 2.5, 3.9, 4.0], np.zeros(6), fork)
    assert inside.tolist() == [True, True, False, False, False, True]


def test_a_polygon_is_the_same_from_any_vertex_in_either_sense_closed_or_not():
    vertices = np.array([(359, -1), (1, -1), (0.2, 0), (1, 1), (359, 1)], dtype=float)
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(-1.5, 1.5, 500) % 360, rng.uniform(-1.5, 1.5, 500)
    expected = in_polygon(ra, dec, vertices)
    assert 150 < np.count_nonzero(expected) < 210  # 3.2 of 9 square degrees
    assert not in_polygon([0.5], [0.0], vertices).any()
    for same in (
        vertices[::-1],
        np.roll(vertices, 2, axis=0),
        np.vstack([vertices, vertices[:1]]),
        np.repeat(vertices, 2, axis=0),
        vertices - (360, 0),
    ):
        assert np.array_equal(in_polygon(ra, dec, same), expected)


def test_edges_are_great_circles_and_not_parallels():
    vertices = [(0, 60), (90, 60), (90, 50), (0, 50)]
    # Between the corners the upper edge rises to Dec 67.79, the lower one to 59.32.
    inside = in_polygon([45.0] * 4, [67.8, 67.7, 59.4, 59.3], vertices)
    assert inside.tolist() == [False, True, True, False]


def test_a_polygon_may_touch_itself_to_leave_a_hole():
    outer = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]
    hole = [(3, 3), (3, 6), (6, 6), (6, 3), (3, 3)]
    inside = in_polygon([1.0, 4.0, 8.0], [2.0, 4.0, 8.0], outer + hole)
    assert inside.tolist() == [True, False, True]


@pytest.mark.parametrize("share", np.linspace(0.1, 0.9, 33))
def test_a_vertex_that_touches_an_edge_to_within_rounding_does_not_cross_it(share):
    corners = unit_vectors([10, 11, 11, 10], [50, 50, 51, 51])
    ra, dec = sky_coordinates(share * corners[0] + (1 - share) * corners[1])
    notched = [(10, 50), (11, 50), (11, 51), (ra, dec), (10, 51)]
    inside = in_polygon([10.02, 10.98, 10.5], [50.5, 50.5, 50.97], notched)
    assert inside.tolist() == [True, True, False]


def test_a_polygon_may_be_nearly_as_wide_as_a_hemisphere():
    ring = [(ra, 2.0) for ra in range(0, 360, 30)]
    inside = in_polygon([0.0, 15.0, 15.0, 0.0], [90.0, 2.2, 1.9, -80.0], ring)
    assert inside.tolist() == [True, True, False, False]
    # Most vertices at one end: their mean direction is more than 90 degrees from the other end.
    lopsided = [(0, 0), (0.1, 1), (0, 2), (0.1, 3), (0, 4), (0.1, 5), (0, 6), (120, 3)]
    inside = in_polygon([60.0, 119.0, 60.0, 240.0], [6.0, 3.1, 2.9, 3.0], lopsided)
    assert inside.tolist() == [True, True, False, False]


# ---------------------------------------------------------------- the index


@pytest.fixture(scope="module")
def objects():
    """20000 objects: fields on both poles and at RA 0, and the whole sky, in order of the curve."""
    rng = np.random.default_rng(6)
    field = rng.normal(0, 0.02, (4000, 3))
    field[:, 2] = 1.0
    field /= np.linalg.norm(field, axis=1, keepdims=True)
    north, south = sky_coordinates(field), sky_coordinates(field * (1, 1, -1))
    wrapped = rng.normal(0, 1, 4000) % 360, rng.normal(0, 1, 4000)
    sky = positions_everywhere(7, 8000)
    ra, dec = np.hstack([north, south, wrapped, sky])
    order = healpix_order(ra, dec)
    return ra[order], dec[order]


@pytest.fixture(scope="module")
def index(objects):
    return SkyIndex(*objects)


NEAR_POLE = st.floats(-7, 0).map(lambda power: 90 - 10.0**power)


@settings(max_examples=150, deadline=None)
@given(ra=ANY_RA, dec=DEC | NEAR_POLE | NEAR_POLE.map(lambda dec: -dec), radius=RADIUS)
def test_the_index_finds_the_objects_of_a_cone(objects, index, ra, dec, radius):
    found = index.cone(ra, dec, radius)
    assert np.array_equal(found, np.flatnonzero(in_cone(*objects, ra, dec, radius)))


@settings(max_examples=100, deadline=None)
@given(ra=RA, dec=DEC | NEAR_POLE | NEAR_POLE.map(lambda dec: -dec), radius=RADIUS, seed=SEED)
@example(ra=10.0, dec=40.0, radius=3.6e4, seed=1)
def test_the_index_overlooks_no_object_on_the_rim(ra, dec, radius, seed):
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, 30)
    angle[:4] = 0, np.pi / 2, np.pi, 3 * np.pi / 2
    rim = at(ra, dec, angle, np.full(30, np.radians(radius / 3600)))
    inside = in_cone(*rim, ra, dec, radius)
    for object_ra, object_dec, expected in zip(*rim, inside, strict=True):
        # One object alone: what its run covers is no larger than itself.
        assert len(SkyIndex([object_ra], [object_dec]).cone(ra, dec, radius)) == expected


@settings(max_examples=60, deadline=None)
@given(which=st.integers(0, 19999), radius=st.sampled_from([0.0, 1e-3, 60.0, 3600.0]))
def test_the_index_finds_an_object_where_it_is(objects, index, which, radius):
    ra, dec = objects[0][which], objects[1][which]
    assert which in index.cone(ra, dec, radius)
    assert which in index.box((ra, ra), (dec, dec))


@settings(max_examples=100, deadline=None)
@given(start=ANY_RA, stop=ANY_RA, low=DEC, high=DEC)
def test_the_index_finds_the_objects_of_a_box(objects, index, start, stop, low, high):
    limits = (start, stop), (min(low, high), max(low, high))
    assert np.array_equal(index.box(*limits), np.flatnonzero(in_box(*objects, *limits)))


@settings(max_examples=40, deadline=None)
@given(ra=RA, dec=DEC, size=st.floats(0.001, 60))
def test_the_index_finds_the_objects_of_a_polygon(objects, index, ra, dec, size):
    vertices = np.column_stack(at(ra, dec, [0, 2, 4], np.radians([size, size, size])))
    expected = np.flatnonzero(in_polygon(*objects, vertices))
    assert np.array_equal(index.polygon(vertices), expected)


def test_the_index_looks_at_few_objects_of_a_sorted_list(index):
    for ra, dec in [(0.0, 0.0), (77.0, 90.0), (12.0, -89.5), (200.0, 30.0)]:
        assert len(index._near_cone(ra, dec, 180.0)) < len(index) / 5


def test_the_index_does_not_depend_on_the_order_of_the_objects(objects, index):
    shuffled = np.random.default_rng(8).permutation(len(index))
    other = SkyIndex(objects[0][shuffled], objects[1][shuffled])
    for ra, dec in [(0.0, 0.0), (77.0, 90.0), (12.0, -89.5)]:
        found = index.cone(ra, dec, 3000.0)
        assert len(found) > 10
        assert np.array_equal(np.sort(shuffled[other.cone(ra, dec, 3000.0)]), found)


def test_an_index_of_no_objects_finds_none():
    index = SkyIndex([], [])
    assert len(index) == 0
    assert index.cone(0.0, 0.0, ALL_SKY).tolist() == []
    assert index.box((0, 360), (-90, 90)).tolist() == []
    assert index.polygon([(0, 0), (1, 0), (0, 1)]).tolist() == []


def test_an_object_without_a_position_is_nowhere_and_hides_no_other():
    ra, dec = [10.0, np.nan, 10.1, 10.0], [0.0, 0.0, np.nan, 89.0]
    index = SkyIndex(ra, dec)
    assert index.cone(10.0, 0.0, ALL_SKY).tolist() == [0, 3]
    assert index.cone(10.0, 0.0, 5.0).tolist() == [0]
    assert index.box((0, 360), (-90, 90)).tolist() == [0, 3]
    assert index.box((9, 11), (-90, 90)).tolist() == [0, 3]
    assert index.polygon([(9, -1), (11, -1), (11, 1), (9, 1)]).tolist() == [0]
    assert in_box([np.nan], [90.0], (9, 11), (-90, 90)).tolist() == [False]


# ---------------------------------------------------------------- what makes no sense


@pytest.mark.parametrize(
    ("ra_range", "dec_range", "message"),
    [
        ((0, 1), (1, 0), "lower limit"),
        ((0, 1), (-91, 0), "-90 and 90"),
        ((0, 1), (0, 90.001), "-90 and 90"),
        ((0, 1), (np.nan, 0), "lower limit"),
        ((np.nan, 1), (0, 1), "finite"),
        ((0, np.inf), (0, 1), "finite"),
    ],
)
def test_a_box_that_makes_no_sense_is_an_error(ra_range, dec_range, message):
    with pytest.raises(ValueError, match=message) as caught:
        in_box([0.0], [0.0], ra_range, dec_range)
    assert isinstance(caught.value, LightcurveError)
    with pytest.raises(ValueError, match=message):
        SkyIndex([0.0], [0.0]).box(ra_range, dec_range)


@pytest.mark.parametrize(
    ("cone", "message"),
    [
        ((0, 0, -1e-9), "0 to 648000"),
        ((0, 0, 648000.1), "0 to 648000"),
        ((0, 0, np.nan), "0 to 648000"),
        ((0, 90.0001, 1), "no position"),
        ((0, np.nan, 1), "no position"),
        ((np.inf, 0, 1), "no position"),
    ],
)
def test_a_cone_that_makes_no_sense_is_an_error(cone, message):
    with pytest.raises(ValueError, match=message):
        in_cone([0.0], [0.0], *cone)
    with pytest.raises(ValueError, match=message):
        SkyIndex([0.0], [0.0]).cone(*cone)


@pytest.mark.parametrize(
    ("vertices", "message"),
    [
        ([(0, 0), (1, 0)], "fewer than 3"),
        ([(0, 0), (1, 0), (0, 0), (0, 0)], "fewer than 3|encloses nothing"),
        ([(0, 0), (0, 0), (0, 0)], "fewer than 3"),
        ([(0, 90), (90, 90), (0, 80), (360, 80)], "fewer than 3"),
        ([(0, 0), (1, 0), (2, 0)], "encloses nothing"),
        ([(10, 20), (10, 30), (10, 50), (10, 40)], "encloses nothing"),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "crosses itself: .* vertex 0 .* vertex 2"),
        ([(359, 88), (179, 88), (1, 88), (181, 88)], "crosses itself"),
        ([(0, 0), (120, 0), (240, 0)], "89 degrees"),
        ([(0, -5), (120, -5), (240, -5), (0, 85)], "89 degrees"),
        ([(0, 0), (170, 10), (190, -10)], "89 degrees"),
        ([(0, 0.5), (90, 0.5), (180, 0.5), (270, 0.5)], "89 degrees"),
        ([(0, 0), (1, 0), (0, 91)], "vertex 2 .*no position"),
        ([(0, 0), (np.nan, 0), (0, 1)], "vertex 1 .*no position"),
        ([0, 1, 2], "pair of RA and Dec"),
        ([(0, 0, 1), (1, 0, 1), (0, 1, 1)], "pair of RA and Dec"),
        ([], "pair of RA and Dec"),
    ],
)
def test_a_polygon_that_makes_no_sense_is_an_error(vertices, message):
    with pytest.raises(ValueError, match=message):
        in_polygon([0.0], [0.0], vertices)


@settings(max_examples=60, deadline=None)
@given(ra=RA, dec=DEC, size=st.floats(-4, 1.5), turn=st.integers(0, 4))
def test_a_pentagram_crosses_itself_anywhere(ra, dec, size, turn):
    angle = np.radians(144.0) * (np.arange(5) + turn)
    vertices = np.column_stack(at(ra, dec, angle, np.full(5, np.radians(10.0**size))))
    with pytest.raises(ValueError, match="crosses itself"):
        in_polygon([0.0], [0.0], vertices)


def test_ra_and_dec_of_different_lengths_are_an_error():
    for question in (
        lambda ra, dec: in_box(ra, dec, (0, 1), (0, 1)),
        lambda ra, dec: in_cone(ra, dec, 0.0, 0.0, 1.0),
        lambda ra, dec: in_polygon(ra, dec, [(0, 0), (1, 0), (0, 1)]),
        SkyIndex,
    ):
        with pytest.raises(ValueError, match="same length"):
            question([1.0, 2.0], [1.0])


@settings(max_examples=40, deadline=None)
@given(DEC, st.floats(1, 3600), SEED)
def test_a_polygon_moves_with_its_field(dec, size, seed):
    """No place on the sky is special: a rigid shift over RA 0 or a pole changes no answer."""
    assume(abs(dec) < 89.9)
    rng = np.random.default_rng(seed)
    vertices = np.column_stack(at(0.0, dec, [0, 1, 2.5, 4, 5.5], np.radians([1, 0.3, 1, 0.2, 1])))
    near = at(0.0, dec, rng.uniform(0, 6.3, 100), np.radians(rng.uniform(0, 1, 100)))
    center = unit_vectors(0.0, dec)
    moved_field, moved_corners = (
        sky_coordinates(shift_field(unit_vectors(*each), center, size, 60 * size))
        for each in (near, vertices.T)
    )
    expected = in_polygon(*near, vertices)
    assert 5 < np.count_nonzero(expected) < 95
    assert np.array_equal(in_polygon(*moved_field, np.column_stack(moved_corners)), expected)
