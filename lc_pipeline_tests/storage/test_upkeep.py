"""Claims about what happens to a store over the years: removals, compaction, versions, damage."""

import datetime as dt
import itertools
import shutil

import distributed
import numpy as np
import pytest
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lc_pipeline.catalogs.source_catalog import MeasurementColumns, SourceCatalog, SourceFile
from lc_pipeline.errors import CatalogError, NotInStoreError, StorageError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.storage import LightcurveStorage, rechunk, versions
from lc_pipeline.storage.layout import COPIES_PER_TASK, plan_workers, unchanged_segments

from .conftest import make_block, make_reference
from .test_lightcurve_storage import assert_same

ingest = st.tuples(st.just("ingest"), st.integers(0, 4), st.integers(0, 99))
remove = st.tuples(st.just("remove"), st.integers(0, 4), st.just(0))
upkeep = st.tuples(st.sampled_from(["compact", "publish"]), st.just(0), st.just(0))


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.one_of(ingest, ingest, remove, upkeep), min_size=1, max_size=12))
def test_any_history_gives_the_same_light_curves_as_a_plain_dictionary(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("store")
    storage = LightcurveStorage(folder / "epochs").create_storage(make_reference(5), ["g", "r"])
    model = {}
    for step, epoch, seed in steps:
        key = f"night{epoch}"
        if step == "ingest":
            model[key] = make_block(key, seed, time=60000.0 + epoch)
            storage.append_epochs([model[key]])
        elif step == "remove" and key in model:
            del model[key]
            storage.remove_epoch(key)
        elif step == "compact":
            storage.compact()
            assert storage.snapshot.n_rows == len(model)
        elif step == "publish" and model:
            storage.rechunk_to_object_optimized(folder / "objects", progress=False)
        assert_same(storage.dataset, list(model.values()))
    assert storage.verify() == []
    if model:
        objects = storage.rechunk_to_object_optimized(folder / "objects", progress=False)
        assert_same(objects.dataset, list(model.values()))
        assert objects.verify(storage) == []
    shutil.rmtree(folder)


def test_a_removed_epoch_can_come_back(storage):
    storage.append_epochs([make_block("a", 1), make_block("b", 2)])
    storage.remove_epoch("a")
    assert storage.epoch_keys == ["b"]
    with pytest.raises(NotInStoreError, match="no epoch 'a' to remove"):
        storage.remove_epoch("a")
    storage.append_epochs([make_block("a", 3, time=60001.0)])
    assert_same(storage.dataset, [make_block("a", 3, time=60001.0), make_block("b", 2)])


def test_a_reader_from_before_a_compaction_still_sees_its_rows(storage):
    for seed in range(4):
        storage.append_epochs([make_block("a", seed, time=60000.0)])
    reader = LightcurveStorage(storage.location.path).load_storage()
    lightcurves = reader.lightcurves
    assert storage.compact()
    storage.append_epochs([make_block("b", 9)])
    np.testing.assert_array_equal(
        lightcurves.isel(epoch=0).transpose("measurement", "value", "object").values,
        make_block("a", 3).lightcurves,
    )
    assert len(storage.epoch_keys) == 2


@pytest.mark.parametrize("has_read_before", [False, True])
def test_a_reader_is_told_when_its_version_was_removed(published, has_read_before):
    objects = published(make_block("a", 1))
    lightcurves = objects.lightcurves
    if has_read_before:
        lightcurves[0].values  # noqa: B018
    for seed in range(4):
        published(make_block("a", seed + 2, time=60000.0))
    removed = versions.remove_old_versions(objects.location, keep=1, grace=dt.timedelta(0))
    assert objects.snapshot.version in removed
    with pytest.raises(StorageError, match=r"has been removed.*Open the store again"):
        lightcurves.values  # noqa: B018


def test_old_versions_go_when_they_are_old_and_enough_newer_ones_are_there(published):
    for seed in range(6):
        objects = published(make_block("a", seed, time=60000.0))
    place = objects.location
    assert versions.list_versions(place) == [f"v{number:06d}" for number in range(1, 7)]
    assert versions.remove_old_versions(place, keep=3, grace=dt.timedelta(days=1)) == []
    objects.rollback("v000001")
    removed = versions.remove_old_versions(place, keep=3, grace=dt.timedelta(0))
    assert removed == ["v000002", "v000003"]
    assert LightcurveStorage(place.path).snapshot.version == "v000001"


def test_what_was_compacted_away_since_it_was_published_is_no_damage(storage, published):
    objects = published(make_block("a", 1), make_block("b", 2))
    storage.append_epochs([make_block("a", 3, time=60001.0)])
    assert storage.compact()
    assert objects.verify(storage) == []
    (file,) = (objects.snapshot.place.path / "flags" / "c").rglob("0/0/0")
    whole = bytearray(file.read_bytes())
    whole[20] ^= 1
    file.write_bytes(whole)
    assert any("flags cannot be read" in problem for problem in objects.verify(storage))


def test_rolling_back_shows_the_older_light_curves_until_the_next_publication(published):
    published(make_block("a", 1))
    objects = published(make_block("a", 2, time=60001.0))
    objects.rollback("v000001")
    assert_same(LightcurveStorage(objects.location.path).dataset, [make_block("a", 1)])
    newest = published(make_block("b", 3))
    assert newest.snapshot.version == "v000003"
    assert_same(newest.dataset, [make_block("a", 2, time=60001.0), make_block("b", 3)])
    with pytest.raises(NotInStoreError, match="no version 'v9'"):
        objects.rollback("v9")


def test_a_new_epoch_costs_the_last_segment_only(storage, tmp_path, monkeypatch):
    monkeypatch.setattr("lc_pipeline.storage.layout.SEGMENT", 16)
    storage.append_epochs([make_block(f"n{number:02d}", number) for number in range(40)])
    objects = storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)
    written = []
    copy = rechunk._copy_shard
    monkeypatch.setattr(
        rechunk,
        "_copy_shard",
        lambda *args: written.append(args[2].epochs) or copy(*args),
    )
    storage.append_epochs([make_block("n40", 40)])
    newer = storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)
    assert written == [slice(32, 41)]
    assert_same(newer.dataset, [make_block(f"n{number:02d}", number) for number in range(41)])
    assert_same(objects.dataset, [make_block(f"n{number:02d}", number) for number in range(40)])
    # A correction of an old epoch costs its own segment as well.
    written.clear()
    storage.append_epochs([make_block("n03", 99, time=60003.0)])
    newest = storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)
    assert written == [slice(0, 16)]
    assert newest.verify(storage) == []


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 30), st.integers(1, 8))
def test_segments_are_unchanged_where_every_ingest_is_the_same(before, place, segment):
    before = [str(number) for number in before]
    after = [*before]
    after.insert(min(place, len(before)), "new")
    for number in unchanged_segments(before, after, segment):
        cut = slice(number * segment, (number + 1) * segment)
        assert before[cut] == after[cut]


@given(st.integers(1, 10**9), st.integers(1, 16), st.integers(1, 10**10))
def test_the_memory_limit_is_kept_or_said_to_be_too_low(shard, workers, limit):
    if COPIES_PER_TASK * shard > limit:
        with pytest.raises(ValueError, match="one shard needs"):
            plan_workers(shard, workers, limit)
    else:
        planned = plan_workers(shard, workers, limit)
        assert 1 <= planned <= workers
        assert planned * COPIES_PER_TASK * shard <= limit


def test_a_memory_limit_that_is_too_low_publishes_nothing(storage, tmp_path):
    storage.append_epochs([make_block("a", 1)])
    with pytest.raises(StorageError, match="memory_limit: one shard needs"):
        storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False, memory_limit=10)
    assert not (tmp_path / "objects" / "current.json").exists()


def block_as_catalog(block):
    """A catalogue that gives this block when it is matched by key."""
    n_objects = block.flags.shape[1]
    reference = make_reference(n_objects)
    measurements = {
        key: MeasurementColumns(
            value=values[0].astype(float),
            error=values[1].astype(float),
            flags=np.where(flags == 0, 0, MeasurementFlag.BAD_VALUE).astype("uint16"),
            quantity="mag",
            unit="mag",
        )
        for key, values, flags in zip(
            block.measurement_keys, block.lightcurves, block.flags, strict=True
        )
    }
    return SourceCatalog(
        epoch=block.epoch,
        ra=reference.ra,
        dec=reference.dec,
        file_index=np.zeros(n_objects, dtype=int),
        key=None,
        measurements=measurements,
        time=block.time,
        time_scale=block.time_scale,
        time_refposition=block.time_refposition,
        exposure=block.exposure,
        files=(SourceFile("made", "", n_objects, block.time),),
    )


def sources(n_epochs, folder):
    for number in range(n_epochs):
        path = folder / f"n{number}.ecsv"
        reference = make_reference(5)
        columns = {"ra": reference.ra, "dec": reference.dec}
        for place, key in enumerate(("g", "r")):
            columns[f"mag_{key}"] = 15.0 + np.arange(5) + number / 8 + place
            columns[f"magerr_{key}"] = np.full(5, 0.25)
        Table(columns, meta={"MJD-OBS": 60000.0 + number}).write(path)
        yield f"n{number}", path


@pytest.mark.parametrize("n_workers", [1, 2])
def test_epochs_ingested_side_by_side_are_the_same_as_one_by_one(storage, tmp_path, n_workers):
    stored = storage.populate_all_epochs_parallel(sources(5, tmp_path), n_workers=n_workers)
    assert stored == {f"n{number}": 10 for number in range(5)}
    assert storage.snapshot.n_rows == 5
    assert "time_offset" not in storage.dataset
    for number in range(5):
        magnitude = storage.get_epoch_data(f"n{number}").sel(measurement="r", value="mag")
        np.testing.assert_array_equal(magnitude, 16.0 + np.arange(5) + number / 8)
    assert storage.verify() == []


def test_epochs_are_ingested_on_an_existing_cluster(storage, tmp_path):
    with (
        distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        storage.populate_all_epochs_parallel(sources(3, tmp_path))
    assert storage.epoch_keys == ["n0", "n1", "n2"]


def test_refused_epochs_leave_no_trace_among_those_ingested_side_by_side(storage, tmp_path):
    pairs = list(sources(4, tmp_path))
    pairs[1][1].write_bytes(b"")
    with pytest.raises(CatalogError, match=r"1 of 4 epochs were refused[^$]*n1\.ecsv: is empty"):
        storage.populate_all_epochs_parallel(pairs, n_workers=1)
    assert storage.epoch_keys == ["n0", "n2", "n3"]
    assert storage.snapshot.n_rows == 4
    assert storage.verify() == []
    assert storage.compact()
    assert storage.snapshot.n_rows == 3


def test_extraction_with_dask_gives_the_same_row(storage, tmp_path):
    ((_, path),) = sources(1, tmp_path)
    catalog = SourceCatalog.read(path)
    plain = storage.populate_epoch_from_catalog("plain", catalog)
    assert storage.populate_epoch_from_catalog_dask("dask", catalog) == plain == 10
    one, other = (storage.dataset.sel(epoch=key).load() for key in ("plain", "dask"))
    for name in ("lightcurves", "flags", "separation"):
        np.testing.assert_array_equal(one[name].values, other[name].values)


@pytest.mark.parametrize("radius", [0.5, 4.0, 40.0])
def test_cones_and_boxes_name_the_objects_in_them(published, radius):
    objects = published(make_block("a", 1))
    expected = [f"star{number:04d}" for number in range(5) if abs(number - 2) * 3.586 <= radius]
    assert objects.get_objects_in_cone(10.002, -5.0, radius) == expected
    box = ((10.0005, 10.0035), (-6, -4))
    assert objects.get_objects_in_region(*box) == ["star0001", "star0002", "star0003"]
    assert objects.get_objects_in_region_distributed(
        *box, use_dask=True
    ) == objects.get_objects_in_region(*box)
    corners = list(itertools.product((10.0005, 10.0035), (-5.1, -4.9)))
    polygon = [corners[0], corners[1], corners[3], corners[2]]
    assert objects.get_objects_in_polygon(polygon) == objects.get_objects_in_region(*box)
