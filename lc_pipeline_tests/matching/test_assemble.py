"""The assembled epoch against a slow and obvious one."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import BAD, MeasurementFlag
from lc_pipeline.matching.assemble import assemble_epoch
from lc_pipeline.matching.footprint import inside_hull
from lc_pipeline.matching.match import match_catalog
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.sky.geometry import tangent_basis, unit_vectors
from lc_pipeline.survey import MatchingSection

ARCSEC = 1 / 3600
RADIUS = 1.0
F = MeasurementFlag
VALUES = st.one_of(st.sampled_from([np.nan, 15.0, 15.5, -3.0]), st.floats(-1e3, 1e3))
ERRORS = st.sampled_from([np.nan, 0.01, 0.02, 0.5])
FLAGS = st.sampled_from([0, 0, 0, int(F.CATALOG_FLAGGED), int(F.BAD_ERROR)])


@st.composite
def _rows(draw):
    """Detections of two measurements around three objects, in two files."""
    n = draw(st.integers(1, 9))

    def column(strategy):
        return draw(st.lists(strategy, min_size=n, max_size=n))

    return {
        "object": column(st.integers(0, 3)),
        "east": column(st.integers(-3, 3)),
        "file": sorted(column(st.integers(0, 1))),
        "value": column(VALUES),
        "error": column(ERRORS),
        "flags": column(FLAGS),
        "catalog_flags": column(st.integers(0, 7)),
        "extra": column(st.sampled_from([np.nan, 1.0, 2.0])),
        "time": column(st.sampled_from([np.nan, 58000.0, 58000.25])),
        "only_in_file": draw(st.sampled_from([None, 0, 1])),
    }


def _catalog_of(rows, make_catalog, make_measured):
    files = np.array(rows["file"])
    ra = 10.0 + np.array(rows["object"]) * 0.01 + np.array(rows["east"]) * 0.2 * ARCSEC
    n = len(ra)
    flags = np.array(rows["flags"], dtype=np.uint16)
    if rows["only_in_file"] is not None:
        flags = np.where(files == rows["only_in_file"], flags, int(F.NOT_OBSERVED)).astype("u2")
    first = make_measured(
        n,
        value=np.array(rows["value"]),
        error=np.array(rows["error"]),
        flags=flags,
        catalog_flags=np.array(rows["catalog_flags"]),
        time=np.array(rows["time"]),
        extra={"fwhm": np.array(rows["extra"])},
    )
    measurements = {"g": first, "r": make_measured(n, value=np.arange(n) + 0.5)}
    return make_catalog(ra, np.zeros(n), file_index=files, measurements=measurements)


def _slowly(catalog, match, n_objects, keys, names, rule, absence):
    """One object and one measurement at a time, with dictionaries."""
    found = {}
    for number, key in enumerate(keys):
        measured = catalog.measurements.get(key)
        groups = defaultdict(list)
        carried = False
        for row in range(len(catalog)):
            if measured is None or measured.flags[row] & F.NOT_OBSERVED:
                continue
            carried = True
            if match.object_index[row] >= 0:
                groups[int(match.object_index[row])].append(row)
        for thing in range(n_objects):
            cell = {"values": [math.nan] * len(names), "time": math.nan, "catalog_flags": 0}
            if thing not in groups:
                seen = {"field": True, "rows": False}[absence]
                cell["flags"] = int(F.NOT_DETECTED if seen and carried else F.NOT_OBSERVED)
            else:
                cell |= _one(catalog, match, measured, groups[thing], names, rule)
            found[number, thing] = cell
    return found


def _one(catalog, match, measured, rows, names, rule):
    candidates = []
    for row in rows:
        time = catalog.files[catalog.file_index[row]].time
        flags = int(measured.flags[row])
        if measured.time is not None:
            time = float(measured.time[row])
            if math.isnan(time):
                time = catalog.time
                if not math.isnan(float(measured.value[row])):
                    flags |= int(F.BAD_TIME)
        flags |= int(F.AMBIGUOUS) * bool(match.ambiguous[row])
        flags |= int(F.OFF_POSITION) * bool(match.off_position[row])
        values = [float(measured.value[row]), float(measured.error[row])]
        values += [
            float(measured.extra[n][row]) if n in measured.extra else math.nan for n in names[2:]
        ]
        own = 0 if measured.catalog_flags is None else int(measured.catalog_flags[row])
        grade = 2 if math.isnan(values[0]) else int(bool(flags & int(BAD)))
        candidates.append(
            {
                "values": values,
                "flags": flags,
                "catalog_flags": own,
                "time": time,
                "separation": float(match.separation_arcsec[row]),
                "grade": grade,
            }
        )

    def rank(candidate):
        error = candidate["values"][1] if candidate["values"][1] > 0 else math.inf
        merit = (candidate["separation"], error)
        return (candidate["grade"], *(merit[::-1] if rule == "best_error" else merit))

    best = min(candidates, key=rank)
    ties = [c for c in candidates if rank(c) == rank(best)]
    usable = [c for c in candidates if c["grade"] == 0]
    can_average = usable and all(c["values"][1] > 0 for c in usable)
    if rule == "weighted_mean" and len(candidates) > 1 and can_average:
        weights = [c["values"][1] ** -2 for c in usable]
        total = math.fsum(weights)

        def mean(values):
            return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / total

        columns = list(zip(*[c["values"] for c in usable], strict=True))
        values = [mean(column) for column in columns]
        values[1] = total**-0.5
        combined = {
            "values": values,
            "time": mean([c["time"] for c in usable]),
            "separation": min(c["separation"] for c in usable),
            "flags": int(np.bitwise_or.reduce([c["flags"] for c in usable])),
            "catalog_flags": int(np.bitwise_or.reduce([c["catalog_flags"] for c in usable])),
        }
        ties, best = [combined], combined
    result = dict(best)
    result["ties"] = ties
    if math.isnan(best["values"][0]):
        result["flags"] |= int(F.BAD_VALUE)
    if len(candidates) > 1:
        result["flags"] |= int(F.DUPLICATED)
    return result


@settings(max_examples=150)
@given(
    rows=_rows(),
    rule=st.sampled_from(["nearest", "best_error", "weighted_mean"]),
    absence=st.sampled_from(["field", "rows"]),
    seed=st.integers(0, 10),
)
def test_assembled_epochs_are_those_of_the_slow_way(
    make_catalog, make_measured, permuted, rows, rule, absence, seed
):
    catalog = _catalog_of(rows, make_catalog, make_measured)
    reference = ReferenceCatalog(["a", "b", "c"], [10.0, 10.01, 10.02], [0.0] * 3)
    matching = MatchingSection(radius_arcsec=RADIUS, duplicates=rule, footprint=absence)
    match = match_catalog(catalog, reference, matching)
    keys, names = ("r", "g", "z"), ("mag", "mag_err", "fwhm")
    block = assemble_epoch(catalog, match, reference, keys, names, matching)
    slow = _slowly(catalog, match, 3, keys, names, rule, absence)
    for (number, thing), cell in slow.items():
        found = [float(x) for x in block.lightcurves[number, :, thing]]
        choices = cell.get("ties", [cell])
        fits = [
            c
            for c in choices
            if np.allclose(np.float32(c["values"]), found, rtol=2e-6, atol=1e-6, equal_nan=True)
        ]
        assert fits, (cell, found)
        if len(choices) == 1:
            assert block.flags[number, thing] == cell["flags"]
            assert block.catalog_flags[number, thing] == cell["catalog_flags"]
        offset = cell["time"] - catalog.time
        if len(choices) > 1:
            continue
        if block.time_offset is None:
            assert math.isnan(offset) or abs(offset) < 1e-8
        else:
            assert float(block.time_offset[number, thing]) == pytest.approx(
                offset, abs=1e-7, nan_ok=True
            )
    nearest = defaultdict(lambda: math.nan)
    for (_, thing), cell in slow.items():
        nearest[thing] = np.fmin(nearest[thing], cell.get("separation", math.nan))
    expected = np.array([nearest[thing] for thing in range(3)], dtype=np.float32)
    assert np.array_equal(block.separation, expected, equal_nan=True)
    other, _ = permuted(catalog, np.random.default_rng(seed).permutation(len(catalog)))
    again = assemble_epoch(
        other, match_catalog(other, reference, matching), reference, keys, names, matching
    )
    for name in ("lightcurves", "flags", "separation", "catalog_flags", "time_offset"):
        mine, its = getattr(block, name), getattr(again, name)
        assert (mine is None) == (its is None)
        assert mine is None or np.array_equal(mine, its, equal_nan=True)


def _assembled(catalog, reference, keys=("g",), names=("mag", "mag_err"), **settings):
    matching = MatchingSection(**({"footprint": "field"} | settings))
    match = match_catalog(catalog, reference, matching)
    return assemble_epoch(catalog, match, reference, keys, names, matching)


def test_values_are_the_catalogues_to_the_last_bit_of_float32(make_catalog, make_measured):
    rng = np.random.default_rng(0)
    n = 1000
    ra, dec = np.arange(n) * 0.01, np.zeros(n)
    value, error = rng.normal(0, 1e5, n), rng.exponential(1, n)
    value[3], error[4] = np.nan, np.nan
    measured = make_measured(n, value=value, error=error)
    block = _assembled(
        make_catalog(ra, dec, measurements={"g": measured}),
        ReferenceCatalog(np.arange(n), ra, dec),
    )
    assert np.array_equal(block.lightcurves[0], np.float32([value, error]), equal_nan=True)
    assert block.flags[0, 3] == F.BAD_VALUE
    assert np.count_nonzero(block.flags) == 1
    assert block.n_detected.tolist() == [n]


def test_a_value_too_large_for_float32_is_missing_and_not_infinite(make_catalog, make_measured):
    measured = make_measured(2, value=np.array([1e300, 1.0]), error=np.array([1.0, 1e300]))
    block = _assembled(
        make_catalog([1.0, 2.0], [0.0, 0.0], measurements={"g": measured}),
        ReferenceCatalog(["a", "b"], [1.0, 2.0], [0.0, 0.0]),
    )
    assert np.isnan([block.lightcurves[0, 0, 0], block.lightcurves[0, 1, 1]]).all()
    assert block.flags[0].tolist() == [F.BAD_VALUE, F.BAD_ERROR]


def test_bands_of_two_files_are_no_duplicates(make_catalog, make_measured):
    flags = np.array([0, F.NOT_OBSERVED], dtype=np.uint16)
    measurements = {
        "g": make_measured(2, value=np.array([1.0, np.nan]), flags=flags),
        "r": make_measured(2, value=np.array([np.nan, 2.0]), flags=flags[::-1]),
    }
    catalog = make_catalog([10.0, 10.0], [0.0, 0.0], file_index=[0, 1], measurements=measurements)
    reference = ReferenceCatalog(["a"], [10.0], [0.0])
    block = _assembled(catalog, reference, ("g", "r"), duplicates="refuse")
    assert block.lightcurves[:, 0, 0].tolist() == [1.0, 2.0]
    assert block.flags.tolist() == [[0], [0]]


def test_refusing_names_file_objects_and_rows(make_catalog):
    reference = ReferenceCatalog(["a", "b"], [10.0, 20.0], [0.0, 0.0])
    catalog = make_catalog(
        [20.0, 10.0, 5.0, 10.0], [0.0, 0.0, 0.0, 0.3 * ARCSEC], file_index=[0, 1, 1, 1]
    )
    with pytest.raises(CatalogError) as caught:
        _assembled(catalog, reference, duplicates="refuse")
    assert str(caught.value).startswith("e1_1.cat: ")
    assert "'a' (rows 1 of e1_1.cat, 3 of e1_1.cat)" in str(caught.value)
    assert "'b'" not in str(caught.value)


def test_a_flux_is_refused_where_magnitudes_are_kept(make_catalog):
    reference = ReferenceCatalog(["a"], [10.0], [0.0])
    catalog, matching = make_catalog([10.0], [0.0]), MatchingSection()
    match = match_catalog(catalog, reference, matching)
    with pytest.raises(CatalogError, match="'g' is a mag"):
        assemble_epoch(
            catalog, match, reference, ["g"], ["flux", "flux_err"], matching, {"g": "flux"}
        )


def test_missing_objects_were_seen_inside_the_hull_only(make_catalog):
    corners = np.array([(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1)])
    catalog = make_catalog(corners[:, 0], corners[:, 1])
    reference = ReferenceCatalog(["in", "out", "c"], [0.05, 0.2, 0.1], [0.0, 0.0, 0.1])
    block = _assembled(catalog, reference, ("g", "r"), footprint=None)
    assert block.flags[0].tolist() == [F.NOT_DETECTED, F.NOT_OBSERVED, 0]
    assert block.flags[1].tolist() == [F.NOT_OBSERVED] * 3
    assert block.n_detected.tolist() == [1, 0]


def test_what_was_not_detected_has_the_limit_of_the_epoch_and_a_row_its_own(
    make_catalog, make_measured
):
    corners = np.array([(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1)])
    stated = np.array([20.5, 20.25, 19.0, np.nan])
    value = np.array([15.0, 15.0, np.nan, np.nan])
    measured = make_measured(4, value=value, extra={"limit": stated, "fwhm": stated + 1})
    catalog = make_catalog(corners[:, 0], corners[:, 1], measurements={"g": measured})
    reference = ReferenceCatalog(
        ["in", "out", *"abcd"], [0.05, 0.2, *corners[:, 0] % 360], [0.0, 0.0, *corners[:, 1]]
    )
    names = ("mag", "mag_err", "fwhm", "limit")
    block = _assembled(catalog, reference, ("g", "r"), names, footprint=None)
    assert block.flags[0, :2].tolist() == [F.NOT_DETECTED, F.NOT_OBSERVED]
    expected = [20.25, np.nan, 20.5, 20.25, 19.0, np.nan]
    np.testing.assert_array_equal(block.lightcurves[0, 3], np.float32(expected))
    assert np.isnan(block.lightcurves[0, :3, :2]).all()
    assert np.isnan(block.lightcurves[1]).all()


def test_the_hull_is_that_of_the_files_with_the_measurement(make_catalog, make_measured):
    corners = np.array([(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1)])
    both = np.vstack([corners, corners + 1.0])
    flags = np.repeat(np.array([0, F.NOT_OBSERVED], dtype=np.uint16), 4)
    measurements = {
        "g": make_measured(8, flags=flags),
        "r": make_measured(8, flags=flags[::-1].copy()),
    }
    catalog = make_catalog(
        both[:, 0], both[:, 1], file_index=[0] * 4 + [1] * 4, measurements=measurements
    )
    reference = ReferenceCatalog(["g", "r"], [0.0, 1.0], [0.0, 1.0])
    block = _assembled(catalog, reference, ("g", "r"), footprint="hull")
    assert block.flags.tolist() == [[4, 2], [2, 4]]


def test_the_hull_follows_the_shift_of_the_file(make_catalog):
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 0.1, 200), rng.uniform(0, 0.1, 200)
    edge = int(np.argmax(dec))
    reference = ReferenceCatalog(
        [*map(str, range(200)), "x"],
        np.append(ra, ra[edge]),
        np.append(dec, dec[edge] + 3 * ARCSEC),
    )
    catalog = make_catalog(ra, dec + 4 * ARCSEC)
    block = _assembled(
        catalog, reference, footprint="hull", astrometric_offset=True, max_offset_arcsec=5.0
    )
    assert (block.offset_east_arcsec, block.offset_north_arcsec) == pytest.approx((0, 4), abs=0.01)
    assert block.n_offset_pairs >= 199
    assert block.flags[0, -1] == F.NOT_OBSERVED


@pytest.mark.parametrize("place", [(0.0, 0.0), (50.0, 90.0), (200.0, -89.9)])
@settings(max_examples=30)
@given(points=st.lists(st.tuples(*[st.integers(-9, 9)] * 2), min_size=3, max_size=12, unique=True))
def test_the_hull_is_that_of_the_plane(place, points):
    center = unit_vectors(*place)
    basis = np.stack(tangent_basis(center))
    points = np.array(points, dtype=float)
    # No point of the grid is on a line through two of the points.
    axes = (np.arange(-10, 10) + np.pi / 6, np.arange(-10, 10) + np.e / 5)
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    sky = [center + p * 10 * ARCSEC * np.pi / 180 @ basis for p in (points, grid)]
    sky = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in sky]
    found = inside_hull(*sky)
    expected = np.array([_in_some_triangle(point, points) for point in grid])
    assert np.array_equal(found, expected)


def _in_some_triangle(point, corners):
    """A point is in the hull exactly if it is in a triangle of three of the points."""
    angles = np.sort(np.arctan2(*(corners - point).T))
    gaps = np.diff(np.append(angles, angles[0] + 2 * np.pi))
    return bool(gaps.max() <= np.pi + 1e-12)


def test_there_is_no_hull_of_a_line_of_two_points_or_of_the_whole_sky():
    everywhere = np.vstack([np.eye(3), -np.eye(3)])
    line = unit_vectors([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    wide = unit_vectors([0.0, 120.0, 240.0], [10.0, 10.0, 10.0])
    for detections in (line, line[:2], line[:0], np.repeat(line[:1], 5, axis=0), everywhere, wide):
        assert not inside_hull(detections, everywhere).any()


def test_one_time_for_all_needs_no_time_offsets(make_catalog, make_measured):
    reference = ReferenceCatalog(["a", "b"], [10.0, 20.0], [0.0, 0.0])
    half_ms = 0.5e-3 / 86400
    for late, kept in ((half_ms, False), (0.3, True)):
        measured = make_measured(1, time=np.array([58000.0 + late]))
        block = _assembled(make_catalog([10.0], [0.0], measurements={"g": measured}), reference)
        assert (block.time_offset is not None) == kept
    assert block.time_offset[0].tolist() == [
        np.float32(0.3 + 58000 - 58000),
        pytest.approx(np.nan, nan_ok=True),
    ]


def test_other_measurements_are_said_to_be_left_out(make_catalog):
    reference = ReferenceCatalog(["a"], [10.0], [0.0])
    block = _assembled(make_catalog([10.0], [0.0], notes=("n",)), reference, ("r",))
    assert block.notes == ("n", "measurement 'g' is not kept in the store")
    assert block.catalog_flags is None
    assert (block.n_objects, block.n_sources, block.n_matched) == (1, 1, 1)


def test_off_position_by_key_is_flagged_and_gives_way_to_a_good_one(make_catalog, make_measured):
    reference = ReferenceCatalog(["a", "b"], [10.0, 20.0], [0.0, 0.0])
    measured = make_measured(3, value=np.array([1.0, 2.0, 3.0]))
    catalog = make_catalog(
        [10.0, 10.1, 20.1], [0.0] * 3, key=["a", "a", "b"], measurements={"g": measured}
    )
    block = _assembled(catalog, reference, mode="key", duplicates="weighted_mean")
    assert block.lightcurves[0, 0].tolist() == [1.0, 3.0]
    assert block.flags[0].tolist() == [F.DUPLICATED, F.OFF_POSITION]


def test_the_other_side_of_the_sky_is_outside():
    corners = unit_vectors([359.0, 1.0, 1.0, 359.0], [-1.0, -1.0, 1.0, 1.0])
    middle = unit_vectors([0.0], [0.0])
    assert inside_hull(corners, np.vstack([middle, -middle])).tolist() == [True, False]


def test_what_stands_in_two_files_is_counted_as_a_duplicate_and_said(make_catalog, make_measured):
    ra = [10.0, 10.01, 10.0 + 0.1 * ARCSEC, 50.0]
    catalog = make_catalog(ra, [0.0] * 4, file_index=[0, 0, 1, 1])
    reference = ReferenceCatalog(["a", "b"], [10.0, 10.01], [0.0] * 2)
    block = _assembled(catalog, reference)
    counts = (block.n_sources, block.n_matched, block.n_duplicates, block.n_unmatched)
    assert counts == (4, 2, 1, 1)
    said = "2 files of this epoch have measurement g (e1_0.cat, e1_1.cat): the duplicate rule"
    assert any(note.startswith(said) for note in block.notes)
    # Two bands in two files are two measurements of one object.
    absent = F.NOT_OBSERVED
    bands = {
        key: make_measured(4, flags=np.array(flags, dtype=np.uint16))
        for key, flags in (("g", [0, 0, absent, absent]), ("r", [absent, absent, 0, 0]))
    }
    block = _assembled(replace(catalog, measurements=bands), reference, ("g", "r"))
    assert (block.n_matched, block.n_duplicates, block.n_unmatched) == (3, 0, 1)
    assert not any("duplicate rule" in note for note in block.notes)


@pytest.mark.parametrize("absence", ["hull", "rows", "field"])
def test_epochs_without_positions_are_assembled_by_key(make_catalog, absence):
    nowhere = [np.nan] * 3
    catalog = make_catalog(nowhere, nowhere, key=["a", "b", "b"])
    reference = ReferenceCatalog(["a", "b", "c"], [10.0, 20.0, 30.0], [0.0] * 3)
    for rule in ("nearest", "best_error", "weighted_mean"):
        block = _assembled(catalog, reference, mode="key", footprint=absence, duplicates=rule)
        assert block.lightcurves[0, 0, :2].tolist() == [15.0, 15.0]
        assert np.isnan(block.separation).all()
        assert (block.n_matched, block.n_duplicates) == (2, 1)
        assert not block.flags[0, :2].any() or block.flags[0, 1] == F.DUPLICATED
