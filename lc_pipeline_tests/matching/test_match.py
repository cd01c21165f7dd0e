"""Claims about one epoch matched to the reference."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lc_pipeline.errors import MatchingError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.matching.build import build_reference
from lc_pipeline.matching.match import match_catalog
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.survey import MatchingSection

ARCSEC = 1 / 3600
POINTS = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=14)


def _sky(points, ra=0.0, dec=0.0, step=0.4):
    points = np.array(points, dtype=float).reshape(-1, 2) * step * ARCSEC
    return (ra + points[:, 0]) % 360.0, dec + points[:, 1]


def _reference(ra, dec, **columns):
    key = columns.pop("key", [f"o{i}" for i in range(len(ra))])
    return ReferenceCatalog(key, np.asarray(ra) % 360.0, dec, **columns)


@settings(max_examples=60)
@given(points=POINTS, objects=POINTS, data=st.data())
def test_the_match_does_not_depend_on_the_order_of_rows(
    make_catalog, make_measured, permuted, points, objects, data
):
    n = len(points)
    value = np.array(data.draw(st.lists(st.integers(10, 12), min_size=n, max_size=n)), dtype=float)
    files = sorted(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    catalog = make_catalog(
        *_sky(points), file_index=files, measurements={"g": make_measured(n, value=value)}
    )
    reference = _reference(*_sky(objects))
    other, rows = permuted(catalog, np.array(data.draw(st.permutations(range(n)))))
    matching = MatchingSection(radius_arcsec=1.0, astrometric_offset=data.draw(st.booleans()))
    first, second = (match_catalog(c, reference, matching) for c in (catalog, other))

    def told_apart_by(match, catalog):
        content = zip(
            catalog.file_index,
            catalog.ra,
            catalog.dec,
            catalog.measurements["g"].value,
            match.object_index,
            match.is_duplicate,
            match.ambiguous,
            match.separation_arcsec.tolist(),
            strict=True,
        )
        return sorted(map(repr, content))

    assert told_apart_by(first, catalog) == told_apart_by(second, other)
    assert len(rows) == n


@settings(max_examples=60)
@given(points=POINTS, objects=POINTS, split=st.integers(0, 14))
def test_counts_add_up_and_each_object_has_one_primary_in_a_file(
    make_catalog, points, objects, split
):
    n = len(points)
    files = (np.arange(n) >= split).astype(int)
    catalog = make_catalog(*_sky(points), file_index=files)
    match = match_catalog(catalog, _reference(*_sky(objects)), MatchingSection())
    assert match.n_matched + match.n_duplicates + match.n_unmatched == match.n_sources == n
    for file in (0, 1):
        primary = (files == file) & ~match.is_duplicate & (match.object_index >= 0)
        index = match.object_index[primary]
        assert len(set(index.tolist())) == len(index)
        duplicates = match.object_index[(files == file) & match.is_duplicate]
        assert set(duplicates.tolist()) <= set(index.tolist())
    has_object = match.object_index >= 0
    assert np.array_equal(has_object, np.isfinite(match.separation_arcsec))
    assert np.all(match.separation_arcsec[has_object] <= 1.0 + 1e-6)
    # Nothing within the radius goes without an object, and nothing outside has one.
    ra, dec = _sky(points)
    ora, odec = _sky(objects)
    dra = (ra[:, None] - ora + 180) % 360 - 180
    near = np.hypot(dra, dec[:, None] - odec) * 3600 <= 1.0 + 1e-6
    assert np.array_equal(has_object, near.any(axis=1))
    rivals = np.array([(near & (files == f)[:, None]).sum(axis=0) for f in files])
    expected = (near.sum(axis=1) > 1) | (rivals[np.arange(n), match.object_index] > 1)
    assert np.array_equal(match.ambiguous, expected & has_object)


def test_a_duplicate_belongs_to_the_nearest_object_and_not_to_that_of_its_rival(make_catalog):
    reference = _reference(*_sky([(0, 0), (4, 0)]))
    catalog = make_catalog(*_sky([(0, 0), (4, 0), (3, 0)]))
    match = match_catalog(catalog, reference, MatchingSection(radius_arcsec=1.5))
    assert match.object_index.tolist() == [0, 1, 1]
    assert match.is_duplicate.tolist() == [False, False, True]
    assert match.separation_arcsec[2] == pytest.approx(0.4)


def test_files_of_an_epoch_are_matched_on_their_own(make_catalog):
    reference = _reference([10.0], [0.0])
    catalog = make_catalog([10.0, 10.0], [0.0, 0.1 * ARCSEC], file_index=[0, 1])
    match = match_catalog(catalog, reference, MatchingSection())
    assert match.object_index.tolist() == [0, 0]
    assert match.n_matched == 2
    assert match.n_ambiguous == 0


def test_each_file_has_its_own_offset(make_catalog):
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(264.9, 265.1, 60), rng.uniform(68.9, 69.1, 60)
    reference = _reference(ra, dec)
    to_east = 2.0 * ARCSEC / np.cos(np.radians(dec))
    catalog = make_catalog(
        np.concatenate([ra + to_east, ra, [10.0]]),
        np.concatenate([dec, dec - 3 * ARCSEC, [0.0]]),
        file_index=[0] * 60 + [1] * 60 + [2],
    )
    matching = MatchingSection(radius_arcsec=1.0, astrometric_offset=True)
    match = match_catalog(catalog, reference, matching)
    assert match.offsets == pytest.approx(np.array([[2, 0], [0, -3], [0, 0]]), abs=0.01)
    assert match.n_offset_pairs.tolist() == [60, 60, 0]
    assert np.isnan(match.offset_scatter_arcsec[2])
    assert match.n_matched == 120
    assert len(match.notes) == 1
    assert match.notes[0].startswith("e1_2.cat: no astrometric offset")
    assert match_catalog(catalog, reference, MatchingSection()).n_matched == 0


def test_objects_are_matched_where_they_have_moved_to(make_catalog):
    reference = _reference([10.0], [0.0], pm_ra_cosdec=[1000.0], pm_dec=[0.0], ref_epoch=2000.0)
    catalog = make_catalog([10.0 + 10 * ARCSEC], [0.0], time=51544.5 + 3652.5)
    assert match_catalog(catalog, reference, MatchingSection()).n_matched == 1
    too_early = make_catalog([10.0 + 10 * ARCSEC], [0.0], time=51544.5)
    assert match_catalog(too_early, reference, MatchingSection()).n_matched == 0


def test_keys_match_whatever_the_position_and_the_position_is_checked(make_catalog):
    reference = _reference([10.0, 20.0, 30.0], [0.0, 0.0, 0.0], key=[7, 8, 9])
    catalog = make_catalog(
        [10.0, 20.1, 30.0, np.nan], [0.0, 0.0, 0.0, np.nan], key=[" 7", "8 ", "09", "9"]
    )
    match = match_catalog(catalog, reference, MatchingSection(mode="key"))
    assert match.object_index.tolist() == [0, 1, -1, 2]
    assert match.off_position.tolist() == [False, True, False, False]
    assert match.separation_arcsec[1] == pytest.approx(360.0)
    assert np.isnan(match.separation_arcsec[2:]).all()
    assert match.n_ambiguous == 0


def test_of_rows_with_one_key_the_nearest_is_the_match(make_catalog, permuted):
    reference = _reference([10.0], [0.0], key=["a"])
    catalog = make_catalog([10.0] * 3, [0.5 * ARCSEC, 0.1 * ARCSEC, np.nan], key=["a"] * 3)
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        other, rows = permuted(catalog, np.array(order))
        match = match_catalog(other, reference, MatchingSection(mode="key"))
        assert match.is_duplicate.tolist() == [row != 1 for row in rows]
        assert match.object_index.tolist() == [0, 0, 0]


def test_the_offset_by_key_is_the_median_and_only_where_asked_for(make_catalog):
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 0.2, 30), rng.uniform(-0.1, 0.1, 30)
    reference = _reference(ra, dec)
    catalog = make_catalog(ra, dec + 2 * ARCSEC, key=reference.key)
    match = match_catalog(catalog, reference, MatchingSection(mode="key", astrometric_offset=True))
    assert match.offsets[0] == pytest.approx([0.0, 2.0], abs=1e-3)
    assert not match.off_position.any()
    assert match_catalog(catalog, reference, MatchingSection(mode="key")).off_position.all()


def test_a_catalogue_without_keys_cannot_be_matched_by_key(make_catalog):
    with pytest.raises(MatchingError, match=r"columns\.key"):
        match_catalog(make_catalog([1.0], [1.0]), _reference([1], [1]), MatchingSection(mode="key"))


def test_detections_without_a_position_and_empty_catalogues_match_nothing(make_catalog):
    reference = _reference([10.0], [0.0])
    match = match_catalog(make_catalog([np.nan, 10.0], [0.0, np.nan]), reference, MatchingSection())
    assert match.n_unmatched == 2
    empty = match_catalog(make_catalog([], []), reference, MatchingSection(astrometric_offset=True))
    assert (empty.n_sources, empty.offsets.shape) == (0, (1, 2))


def test_an_empty_reference_leaves_everything_unmatched(make_catalog):
    match = match_catalog(make_catalog([1.0], [1.0]), ReferenceCatalog.empty(), MatchingSection())
    assert match.n_unmatched == 1


def test_rows_of_one_key_without_positions_are_told_apart_by_their_values(
    make_catalog, make_measured, permuted
):
    reference = _reference([10.0], [0.0], key=["a"])
    measured = make_measured(3, value=np.array([3.0, 1.0, 2.0]))
    nowhere = np.full(3, np.nan)
    catalog = make_catalog(nowhere, nowhere, key=["a"] * 3, measurements={"g": measured})
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        other, rows = permuted(catalog, np.array(order))
        match = match_catalog(other, reference, MatchingSection(mode="key"))
        assert match.is_duplicate.tolist() == [row != 1 for row in rows]


def test_by_key_a_detection_without_a_position_finds_its_object(make_catalog):
    catalog = make_catalog([np.nan, 20.0, np.nan], [np.nan, 0.0, np.nan], key=["a", "b", "c"])
    reference = ReferenceCatalog(["a", "b"], [10.0, 20.0], [0.0, 0.0])
    for offset in (False, True):
        settings = MatchingSection(mode="key", astrometric_offset=offset)
        match = match_catalog(catalog, reference, settings)
        assert match.object_index.tolist() == [0, 1, -1]
        assert np.isnan(match.separation_arcsec[0])
        assert not match.off_position.any()


def test_rows_of_two_bands_are_neither_rivals_nor_duplicates(make_catalog, make_measured):
    absent = np.uint16(MeasurementFlag.NOT_OBSERVED)
    bands = {
        "g": make_measured(4, flags=np.array([0, absent, 0, absent], dtype=np.uint16)),
        "r": make_measured(4, flags=np.array([absent, 0, absent, 0], dtype=np.uint16)),
    }
    catalog = make_catalog([10.0, 10.0, 11.0, 11.0], [0.0] * 4, measurements=bands)
    reference = ReferenceCatalog(["a", "b"], [10.0, 11.0], [0.0, 0.0])
    for mode in ("position", "key"):
        keyed = replace(catalog, key=np.array(["a", "a", "b", "b"]))
        match = match_catalog(keyed, reference, MatchingSection(mode=mode))
        assert match.object_index.tolist() == [0, 0, 1, 1]
        assert (match.n_duplicates, match.n_ambiguous, match.n_matched) == (0, 0, 4)
    epochs = [catalog, replace(catalog, epoch="e2")]
    built = build_reference(lambda: epochs, MatchingSection())
    assert len(built) == 2
