"""Claims about tables over all objects or epochs, and about what is found odd in them."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.analysis import quality
from lc_pipeline.analysis.summary import epoch_coverage, object_summary, sorted_median
from lc_pipeline.analysis.zero_points import epoch_shifts
from lc_pipeline.catalogs.landing import EpochFiles, LandedFile
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.ingest.arrivals import find_arrivals, fingerprint


def test_medians_and_scatters_are_those_of_numpy(ey_uma):
    dataset = ey_uma.dataset.load()
    table = object_summary(dataset)
    magnitudes = dataset.lightcurves.values[:, 0, 0].astype(float)
    median = np.median(magnitudes, axis=1)
    np.testing.assert_allclose(table["median_mag_R"], median, rtol=1e-6)
    deviation = np.median(np.abs(magnitudes - median[:, np.newaxis]), axis=1)
    np.testing.assert_allclose(table["scatter_mag_R"], 1.4826 * deviation, rtol=1e-3)
    assert table["n_R"].tolist() == [94] * 41


def test_bad_values_are_left_out(ey_uma):
    dataset = ey_uma.dataset.load().copy(deep=True)
    dataset.lightcurves[3, 0, 0, 10] = 99.0
    dataset.flags[3, 0, 10] = MeasurementFlag.CATALOG_FLAGGED
    table, coverage = object_summary(dataset), epoch_coverage(dataset)
    assert table["n_R"][3] == 93
    assert table["median_mag_R"][3] < 0
    assert coverage["n_R"].tolist() == [41] * 10 + [40] + [41] * 83


@given(st.lists(st.floats(-50, 50) | st.just(np.nan), max_size=9))
def test_the_median_by_sorting_is_the_median(values):
    finite = [value for value in values if np.isfinite(value)]
    found = sorted_median(np.array([*values, np.nan]))
    assert found == pytest.approx(np.median(finite)) if finite else np.isnan(found)


def test_a_shifted_epoch_is_seen_by_its_shift(ey_uma):
    dataset = ey_uma.dataset.load()
    one = dataset.isel(epoch=5)
    other = one.copy(deep=True)
    other.lightcurves[:, 0, 0] += np.float32(0.25)
    assert epoch_shifts(other, one)["R"] == pytest.approx(0.25, abs=1e-6)


def test_negative_fluxes_take_no_part_in_the_shift(ey_uma):
    one = ey_uma.dataset.isel(epoch=5).load().copy(deep=True)
    one["quantity"] = ("measurement", np.array(["flux"], dtype=object))
    one.lightcurves[:, 0, 0] = np.float32(100.0)
    other = one.copy(deep=True)
    other.lightcurves[:, 0, 0] = np.float32(50.0)
    other.lightcurves[:5, 0, 0] = np.float32(-50.0)
    assert epoch_shifts(one, other)["R"] == pytest.approx(-2.5 * np.log10(2), abs=1e-6)


def findings(found):
    return {finding.epoch for finding in found}


def test_odd_epochs_are_found_and_others_not(ey_uma):
    records = list(ey_uma.epoch_records)
    for judge in (quality.few_matches, quality.many_duplicates, quality.doubtful_times,
                  quality.many_ambiguous, quality.same_catalogs):  # fmt: skip
        assert judge(records) == []
    assert quality.large_offsets(records, 1.0) == []
    assert quality.empty_measurements(records, ["R"]) == []

    def with_odd(**changes):
        odd = dataclasses.replace(records[7], **changes)
        return [*records[:7], odd, *records[8:]]

    name = records[7].epoch
    assert findings(quality.few_matches(with_odd(n_matched=10))) == {name}
    assert findings(quality.many_duplicates(with_odd(n_duplicates=9))) == {name}
    assert findings(quality.doubtful_times(with_odd(time=99_000.0))) == {name}
    assert findings(quality.doubtful_times(with_odd(time=None))) == {name}
    twins = findings(quality.doubtful_times(with_odd(time=records[3].time)))
    assert twins == {name, records[3].epoch}
    assert findings(quality.large_offsets(with_odd(offset_east=3.0), 1.0)) == {name}
    assert findings(quality.empty_measurements(with_odd(n_values={"R": 0}), ["R"])) == {name}
    assert findings(quality.many_ambiguous(with_odd(n_ambiguous=20))) == {name}


def test_nights_of_one_band_are_not_odd_among_nights_of_several(ey_uma):
    both = {"R": 41, "V": 41}
    records = [
        dataclasses.replace(record, n_detected=seen, n_values=seen, n_matched=sum(seen.values()))
        for number, record in enumerate(ey_uma.epoch_records)
        for seen in [both if number % 3 else {"R": 15, "V": 0}]
    ]
    assert quality.few_matches(records) == []
    records[1] = dataclasses.replace(records[1], n_matched=20)
    assert findings(quality.few_matches(records)) == {records[1].epoch}


@given(
    before=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)),
    after=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)),
)
def test_every_epoch_that_arrives_is_new_or_changed_and_reported_once(
    tmp_path_factory, before, after
):
    folder = tmp_path_factory.mktemp("landing")

    def look(sizes, seen):
        for path in folder.iterdir():
            path.unlink()
        epochs = []
        for key, size in sizes.items():
            path = Path(folder, key)
            path.write_bytes(b"x" * size)
            os.utime(path, (1000.0, 1000.0))
            epochs.append(EpochFiles(key, (LandedFile(path, key),)))
        found = find_arrivals(epochs, seen, waiting={}, now=2000.0)
        assert found.fingerprints == {files.epoch: fingerprint(files) for files in epochs}
        return found

    first = look(before, {})
    assert set(first.new) == set(before)
    second = look(after, first.fingerprints)
    assert set(second.new) == after.keys() - before.keys()
    assert set(second.vanished) == before.keys() - after.keys()
    assert set(second.changed) == {
        key for key in before.keys() & after.keys() if before[key] != after[key]
    }
    assert look(after, second.fingerprints).arrived == ()
