"""Claims about reference catalogues built from epochs."""

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from lc_pipeline.errors import MatchingError
from lc_pipeline.matching.build import build_reference, find_new_objects
from lc_pipeline.matching.match import match_catalog
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.sky.geometry import (
    separation_arcsec,
    shift_field,
    sky_coordinates,
    tangent_basis,
    unit_vectors,
)
from lc_pipeline.survey import MatchingSection, ReferenceSection

ARCSEC = 1 / 3600
AF_VEL = (163.260417, -49.906389)
REGISTERED = MatchingSection(radius_arcsec=1.0, astrometric_offset=True)


def _around(place, points):
    """Positions at offsets (arcsec) from a place."""
    center = unit_vectors(*place)
    return sky_coordinates(center + np.asarray(points) / 206264.8 @ np.stack(tangent_basis(center)))


def _lattice(n, spacing, seed=0):
    """A grid with its points moved a little, so that it does not repeat itself."""
    side = np.arange(n) - (n - 1) / 2
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2) * spacing
    return points + np.random.default_rng(seed).uniform(-0.2, 0.2, points.shape) * spacing


def _epochs(make_catalog, place, truth, n_epochs, *, shift=0.0, scatter=0.05, seen=0.9, seed=1):
    rng = np.random.default_rng(seed)
    catalogs = []
    for number in range(n_epochs):
        kept = truth[rng.random(len(truth)) < seen]
        moved = kept + rng.normal(0, scatter, kept.shape) + rng.uniform(-shift, shift, 2)
        catalogs.append(make_catalog(*_around(place, moved), f"e{number:02d}"))
    return catalogs


def _same(first, second):
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("key", "ra", "dec", "n_epochs")
    )


@pytest.mark.parametrize("place", [(0.0, 0.0), (265.0, 69.0), (77.0, 90.0)])
@pytest.mark.parametrize("spacing", [3.0, 20.0])
def test_every_star_becomes_one_object_in_the_median_frame(make_catalog, place, spacing):
    truth = _lattice(15, spacing)
    catalogs = _epochs(make_catalog, place, truth, 12, shift=0.5)
    reference = build_reference(lambda: catalogs, REGISTERED)
    assert len(reference) == len(truth)
    true_vectors = unit_vectors(*_around(place, truth))
    distance, index = KDTree(true_vectors).query(unit_vectors(reference.ra, reference.dec))
    assert len(set(index.tolist())) == len(truth)
    # Twelve shifts of up to 0.5 arcsec have a median that much better known.
    assert distance.max() * 206265 < 0.4
    assert reference.n_epochs.mean() == pytest.approx(0.9 * 12, abs=0.2)


def test_the_frame_is_the_median_of_the_shifts(make_catalog):
    truth = _lattice(10, 20.0)
    shifts = [(0.0, 0.0), (0.3, 0.0), (4.0, -3.0)]
    catalogs = [
        make_catalog(*_around((265.0, 69.0), truth[:n] + shift), f"e{n}")
        for n, shift in zip((100, 99, 98), shifts, strict=True)
    ]
    reference = build_reference(lambda: catalogs, REGISTERED)
    expected = shift_field(
        unit_vectors(*_around((265.0, 69.0), truth[:98])), unit_vectors(265.0, 69.0), 0.3, 0.0
    )
    distance, _ = KDTree(unit_vectors(reference.ra, reference.dec)).query(expected)
    assert distance.max() * 206265 < 1e-3


@settings(max_examples=10)
@given(data=st.data(), seed=st.integers(0, 1000), registered=st.booleans())
def test_the_result_is_the_same_for_any_order_of_epochs_and_rows(
    make_catalog, permuted, data, seed, registered
):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-15, 15, (60, 2))
    catalogs = _epochs(make_catalog, (0.0, 89.99), truth, 5, shift=0.3, scatter=0.3, seed=seed)
    matching = MatchingSection(radius_arcsec=1.0, astrometric_offset=registered)
    reference = build_reference(lambda: catalogs, matching)
    order = data.draw(st.permutations(range(5)))
    shuffled = [permuted(catalogs[i], rng.permutation(len(catalogs[i])))[0] for i in order]
    assert _same(reference, build_reference(lambda: shuffled, matching))


def test_shifted_epochs_need_no_registration_within_the_radius(make_catalog):
    truth = _lattice(12, 15.0)
    catalogs = _epochs(make_catalog, (163.0, -49.9), truth, 8, shift=0.4, scatter=0.1)
    reference = build_reference(lambda: catalogs, MatchingSection(radius_arcsec=1.5))
    assert len(reference) == len(truth)


def test_spurious_detections_make_no_objects(make_catalog):
    rng = np.random.default_rng(2)
    truth = _lattice(10, 20.0)
    catalogs = [
        make_catalog(*_around((0, 0), np.vstack([truth, rng.uniform(-99, 99, (30, 2))])), f"e{i}")
        for i in range(6)
    ]
    section = ReferenceSection(min_epochs=4)
    assert len(build_reference(lambda: catalogs, MatchingSection(), section)) == len(truth)
    alone = ReferenceSection(min_epochs=1)
    assert len(build_reference(lambda: catalogs, MatchingSection(), alone)) > 250


def test_one_epoch_is_enough_where_there_is_only_one(make_catalog):
    catalog = make_catalog([10.0, 11.0], [0.0, 0.0])
    reference = build_reference(lambda: [catalog], MatchingSection())
    assert reference.n_epochs.tolist() == [1, 1]


def test_a_source_listed_twice_in_every_file_is_one_object(make_catalog):
    ra, dec = [10.0, 10.0, 11.0], [0.0, 0.05 * ARCSEC, 0.0]
    catalogs = [make_catalog(ra, dec, f"e{i}") for i in range(3)]
    reference = build_reference(lambda: catalogs, MatchingSection(radius_arcsec=1.0))
    assert len(reference) == 2


def test_two_stars_closer_than_the_radius_stay_two(make_catalog):
    rng = np.random.default_rng(2)
    pair = np.array([(0.0, 0.0), (0.45, 0.0), (30.0, 0.0)])
    catalogs = [
        make_catalog(*_around((0, 0), pair + rng.normal(0, 0.03, (3, 2))), f"e{i}")
        for i in range(8)
    ]
    reference = build_reference(lambda: catalogs, MatchingSection(radius_arcsec=1.0))
    assert reference.n_epochs.tolist() == [8, 8, 8]


def test_an_object_split_by_stray_positions_becomes_one_again(make_catalog):
    # The second epoch lies outside the radius of the first and founds an object of its own, whose
    # mean then wanders to within half a radius of the first.
    places = [0.0, 1.1, 0.6, 0.45, 0.42, 0.42, 0.4, 0.38, 0.36, 0.3, 0.3, 0.3, 0.3]
    catalogs = [
        make_catalog(*_around((0, 0), [(place, 0.0), (50.0, 40.0)]), f"e{number:02d}")
        for number, place in enumerate(places)
    ]
    reference = build_reference(
        lambda: catalogs, MatchingSection(radius_arcsec=1.0), ReferenceSection(min_epochs=1)
    )
    assert sorted(reference.n_epochs.tolist()) == [13, 13]
    assert len(find_new_objects(lambda: catalogs, reference, MatchingSection())) == 0


def test_files_of_one_epoch_count_once(make_catalog):
    ra, dec = np.array([10.0, 10.1, 10.0, 10.1]), np.zeros(4)
    catalogs = [make_catalog(ra, dec, f"e{i}", file_index=[0, 0, 1, 1]) for i in range(3)]
    reference = build_reference(lambda: catalogs, MatchingSection())
    assert reference.n_epochs.tolist() == [3, 3]


def test_chosen_epochs_only(make_catalog):
    catalogs = [make_catalog([10.0 + i, 20.0], [0.0, 0.0], f"e{i}") for i in range(3)]
    section = ReferenceSection(epochs=("e1",))
    assert sorted(build_reference(lambda: catalogs, MatchingSection(), section).ra) == [11.0, 20.0]


@pytest.mark.parametrize("mode", ["position", "key"])
def test_want_of_objects_is_an_error_that_says_why(make_catalog, mode):
    matching = MatchingSection(mode=mode)
    far = [make_catalog([10.0 + i], [0.0], f"e{i}", key=[f"k{i}"]) for i in range(3)]
    with pytest.raises(MatchingError, match="in 2 epochs"):
        build_reference(lambda: far, matching)
    with pytest.raises(MatchingError, match="more than once"):
        build_reference(lambda: [far[0], far[0]], matching)
    with pytest.raises(MatchingError):
        build_reference(list, matching)


def test_keys_make_objects_at_the_median_of_their_positions(make_catalog, permuted):
    rng = np.random.default_rng(3)
    n, n_epochs = 40, 9
    ra, dec = rng.uniform(-0.1, 0.1, n) % 360, rng.uniform(-0.1, 0.1, n)
    catalogs, positions = [], {}
    for number in range(n_epochs):
        kept = rng.permutation(n)[: 30 + number]
        found_ra = (ra + rng.normal(0, 0.1, n) * ARCSEC) % 360
        found_dec = dec + rng.normal(0, 0.1, n) * ARCSEC
        found_ra[kept[0]] = (found_ra[kept[0]] + 3.0) % 360
        for i in kept:
            positions.setdefault(i, []).append(unit_vectors(found_ra[i], found_dec[i]))
        keys = np.array([f"s{i}" for i in kept])
        catalogs.append(make_catalog(found_ra[kept], found_dec[kept], f"e{number}", key=keys))
    matching, section = MatchingSection(mode="key"), ReferenceSection(min_epochs=5)
    reference = build_reference(lambda: catalogs, matching, section)
    expected = {f"s{i}": len(p) for i, p in positions.items() if len(p) >= 5}
    assert dict(zip(reference.key, reference.n_epochs, strict=True)) == expected
    for key, at_ra, at_dec in zip(reference.key, reference.ra, reference.dec, strict=True):
        median = np.median(positions[int(key[1:])], axis=0)
        assert separation_arcsec(at_ra, at_dec, *sky_coordinates(median)) < 1e-6
    shuffled = [permuted(c, rng.permutation(len(c)))[0] for c in reversed(catalogs)]
    assert _same(reference, build_reference(lambda: shuffled, matching, section))


def test_new_objects_are_what_the_reference_lacks(make_catalog):
    truth = _lattice(10, 20.0)
    catalogs = _epochs(make_catalog, (265.0, 69.0), truth, 6, shift=2.0, seen=1.0)
    full = build_reference(lambda: catalogs, REGISTERED)
    known = full.taken(np.arange(70))
    new = find_new_objects(lambda: reversed(catalogs), known, REGISTERED)
    assert len(new) == 30
    assert not set(new.key) & set(known.key)
    missing = full.taken(np.arange(70, 100))
    distance, _ = KDTree(unit_vectors(missing.ra, missing.dec)).query(unit_vectors(new.ra, new.dec))
    assert distance.max() * 206265 < 0.1
    both = known.extended(new)
    assert np.array_equal(both.key[:70], known.key)
    assert len(find_new_objects(lambda: catalogs, both, REGISTERED)) == 0


def test_the_scatter_of_a_known_object_makes_no_new_one(make_catalog):
    reference = ReferenceCatalog(["a"], [10.0], [0.0])
    catalogs = [
        make_catalog([10.0, 10.0], [0.0, side * 1.01 * ARCSEC], f"e{i}")
        for i, side in enumerate([1, 1, -1, -1])
    ]
    matching = MatchingSection(radius_arcsec=1.0)
    assert len(find_new_objects(lambda: catalogs, reference, matching)) == 2
    wide = ReferenceSection(radius_arcsec=2.5)
    assert len(find_new_objects(lambda: catalogs, reference, matching, wide)) == 0


def test_new_keys_are_those_the_reference_lacks(make_catalog):
    reference = ReferenceCatalog(["a"], [10.0], [0.0])
    catalogs = [make_catalog([10.0, 11.0], [0, 0], f"e{i}", key=["a", "b"]) for i in range(2)]
    matching = MatchingSection(mode="key")
    assert find_new_objects(lambda: catalogs, reference, matching).key.tolist() == ["b"]
    both = ReferenceCatalog(["a", "b"], [10.0, 11.0], [0.0, 0.0])
    assert len(find_new_objects(lambda: catalogs, both, matching)) == 0


def test_progress_ends_at_all(make_catalog):
    told = []
    catalogs = [make_catalog([10.0], [0.0], f"e{i}") for i in range(3)]
    build_reference(
        lambda: catalogs, MatchingSection(), progress=lambda done, total: told.append((done, total))
    )
    assert [done for done, _ in told] == list(range(1, 10))
    assert {total for _, total in told} == {9}


@pytest.fixture(scope="module")
def af_vel(shared_data, make_catalog):
    catalogs = []
    for path in sorted((shared_data / "af_vel" / "ecsv").glob("*.ecsv")):
        table = Table.read(path, format="ascii.ecsv")
        catalogs.append(make_catalog(table["ra"], table["dec"], path.stem))
    assert len(catalogs) == 29
    return catalogs


def test_af_vel_is_found_in_nearly_all_epochs_of_its_field(af_vel):
    matching = MatchingSection(radius_arcsec=1.5, astrometric_offset=True, max_offset_arcsec=5.0)
    reference = build_reference(lambda: af_vel, matching)
    separation = separation_arcsec(reference.ra, reference.dec, *AF_VEL)
    star = int(np.argmin(separation))
    assert separation[star] < 1.5
    assert reference.n_epochs[star] >= 28
    matches = [match_catalog(catalog, reference, matching) for catalog in af_vel]
    assert sum(np.any(match.object_index == star) for match in matches) >= 28
    assert all(len(match.notes) == 0 for match in matches)
    # Bright stars are in every frame: no star is split into two objects.
    assert np.count_nonzero(reference.n_epochs >= 27) > 80
    assert _same(reference, build_reference(lambda: af_vel[::-1], matching))
