"""Claims about the stores: nothing is lost, nothing is mixed up, whatever the order."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lc_pipeline.errors import NotInStoreError, StorageError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.storage import LightcurveStorage, epoch_log, new_store, rechunk
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.shards import Shards

from .conftest import make_block, make_reference

few_examples = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def assert_same(dataset, blocks):
    """The dataset equals the last block of each epoch key, in order of time."""
    last = {block.epoch: block for block in blocks}
    ordered = sorted(last.values(), key=lambda block: (block.time, block.epoch))
    assert dataset.epoch.values.tolist() == [block.epoch for block in ordered]
    assert dataset.time.values.tolist() == [block.time for block in ordered]
    for number, block in enumerate(ordered):
        one = dataset.isel(epoch=number)
        np.testing.assert_array_equal(
            one.lightcurves.transpose("measurement", "value", "object").values, block.lightcurves
        )
        np.testing.assert_array_equal(
            one.flags.transpose("measurement", "object").values, block.flags
        )
        np.testing.assert_array_equal(one.separation.values, block.separation)


@few_examples
@given(ingests=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99)), min_size=1, max_size=12))
def test_any_order_and_repetition_of_ingests_gives_the_last_of_each_epoch(
    tmp_path_factory, ingests
):
    folder = tmp_path_factory.mktemp("store")
    storage = LightcurveStorage(folder / "epochs").create_storage(make_reference(5), ["g", "r"])
    blocks = [
        make_block(f"night{epoch}", seed, time=60000.0 + (7 * epoch) % 5) for epoch, seed in ingests
    ]
    for block in blocks:
        storage.append_epochs([block])
    assert_same(storage.dataset, blocks)
    objects = storage.rechunk_to_object_optimized(folder / "objects", progress=False)
    assert_same(objects.dataset, blocks)
    shutil.rmtree(folder)


@few_examples
@given(order=st.permutations(range(7)), batch=st.integers(1, 4))
def test_the_object_store_does_not_depend_on_the_order_of_epochs(tmp_path_factory, order, batch):
    folder = tmp_path_factory.mktemp("store")
    blocks = [make_block(f"night{number}", number) for number in order]
    storage = LightcurveStorage(folder / "epochs").create_storage(make_reference(5), ["g", "r"])
    for start in range(0, len(blocks), batch):
        storage.append_epochs(blocks[start : start + batch])
    objects = storage.rechunk_to_object_optimized(folder / "objects", progress=False)
    assert_same(objects.dataset, [make_block(f"night{number}", number) for number in range(7)])
    shutil.rmtree(folder)


def test_many_blocks_and_segments_are_put_together_right(tmp_path, monkeypatch):
    monkeypatch.setattr("lc_pipeline.storage.layout.SEGMENT", 16)
    monkeypatch.setattr("lc_pipeline.storage.layout.TASK_BYTES", 1)
    plan = new_store.plan_epoch_layout
    monkeypatch.setattr(new_store, "plan_epoch_layout", lambda *shape: plan(*shape, task_bytes=1))
    storage = LightcurveStorage(tmp_path / "epochs").create_storage(make_reference(50), ["g", "r"])
    blocks = [make_block(f"night{number}", number, n_objects=50) for number in range(37)]
    storage.append_epochs(blocks)
    objects = storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)
    array = objects.snapshot.group["lightcurves"]
    assert array.shards == (16, 2, 2, 16)
    assert_same(objects.dataset, blocks)


@pytest.mark.parametrize("selection", [
    {"object": 3}, {"object": [4, 0, 2]}, {"epoch": [2, 0]}, {"object": slice(1, 4), "epoch": 1},
    {"object": [1, 3], "epoch": [2, 1], "value": 1}, {"epoch": slice(None, None, -1)},
    {"object": [], "epoch": 0}, {"epoch": []},
    {"object": np.array([True, False, True, False, True])},
])  # fmt: skip
def test_a_lazy_selection_equals_the_same_selection_in_memory(published, storage, selection):
    objects = published(
        make_block("c", 3), make_block("a", 1), make_block("b", 2), make_block("a", 4, time=60001.0)
    )
    for store in (storage, objects):
        whole = store.lightcurves.compute()
        chosen = store.lightcurves.isel(selection)
        np.testing.assert_array_equal(chosen.values, whole.isel(selection).values)
        assert chosen.dims == whole.isel(selection).dims


@pytest.mark.parametrize("step", ["row", "coordinates", "commit"])
def test_a_writer_that_dies_leaves_the_last_commit_and_the_next_one_goes_on(
    storage, monkeypatch, step
):
    class KilledError(Exception):
        pass

    def die(*_, **__):
        raise KilledError

    first, lost, third = make_block("a", 1), make_block("lost", 9), make_block("b", 2)
    storage.append_epochs([first])
    with monkeypatch.context() as patch:
        name = {"row": "write_row", "coordinates": "as_text", "commit": "commit"}[step]
        patch.setattr(epoch_log, name, die)
        with pytest.raises(KilledError):
            storage.append_epochs([lost, lost])
    assert_same(LightcurveStorage(storage.location.path).dataset, [first])
    storage.append_epochs([third])
    assert_same(LightcurveStorage(storage.location.path).dataset, [first, third])


def test_half_a_shard_left_behind_is_never_read(storage, monkeypatch):
    storage.append_epochs([make_block("a", 1)])
    with monkeypatch.context() as patch:
        patch.setattr(epoch_log, "commit", lambda _: None)
        storage.append_epochs([make_block("lost", 2)])
    (shard,) = (storage.snapshot.place.path / "lightcurves" / "c" / "1").rglob("0/0/0")
    shard.write_bytes(shard.read_bytes()[:20])
    storage.append_epochs([make_block("b", 3)])
    assert_same(storage.dataset, [make_block("a", 1), make_block("b", 3)])
    assert storage.verify() == []


@pytest.mark.parametrize("step", ["objects", "measurements"])
def test_a_store_that_was_being_widened_when_the_writer_died_goes_on(storage, monkeypatch, step):
    storage.append_epochs([make_block("a", 1)])
    with monkeypatch.context() as patch:
        patch.setattr(epoch_log, "commit", lambda _: None)
        if step == "objects":
            storage.append_objects(make_reference(2, start=100))
        else:
            storage.append_measurements(["i"], ["mag"], ["mag"])
    storage.append_epochs([make_block("b", 2)])
    assert_same(storage.dataset, [make_block("a", 1), make_block("b", 2)])
    assert storage.verify() == []


APPEND = """
import sys
from lc_pipeline.storage import LightcurveStorage
from lc_pipeline_tests.storage.conftest import make_block

storage = LightcurveStorage(sys.argv[1])
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    storage.append_epochs([make_block(f"night{number}", number)])
"""


def test_two_writers_at_once_lose_nothing(storage):
    root = Path(__file__).parents[2]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", APPEND, str(storage.location.path), start, stop], cwd=root
        )
        for start, stop in (("0", "6"), ("6", "12"))
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert_same(
        LightcurveStorage(storage.location.path).dataset,
        [make_block(f"night{number}", number) for number in range(12)],
    )


def test_a_reader_keeps_its_version_while_others_are_published(published):
    objects = published(make_block("a", 1))
    lightcurves = objects.lightcurves
    newer = published(make_block("a", 5), make_block("b", 2))
    assert_same(objects.dataset, [make_block("a", 1)])
    assert lightcurves.shape[-1] == 1
    assert newer.snapshot.version != objects.snapshot.version
    assert_same(newer.dataset, [make_block("a", 5, time=60005.0), make_block("b", 2)])


def test_a_version_that_differs_from_the_epochs_is_not_published(storage, tmp_path, monkeypatch):
    storage.append_epochs([make_block("a", 1)])
    copy = rechunk._copy_shard

    def spoil(pairs, rows, task, shared):
        copy(pairs, rows, task, shared)
        values = pairs[0][2].read([np.arange(n) for n in (5, 2, 2, 1)])
        values[0] = 99.0
        pairs[0][2].write([0, 0, 0, 0], values)

    monkeypatch.setattr(rechunk, "_copy_shard", spoil)
    with pytest.raises(StorageError, match="differs"):
        storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)
    assert not (tmp_path / "objects" / "current.json").exists()


def test_zarr_python_reads_every_bit_of_both_stores(tmp_path, monkeypatch):
    monkeypatch.setattr("lc_pipeline.storage.layout.SEGMENT", 16)
    monkeypatch.setattr("lc_pipeline.storage.layout.READ_CHUNK_BYTES", 2048)
    blocks = [make_block(f"n{number}", number, n_objects=150) for number in range(21)]
    storage = LightcurveStorage(tmp_path / "epochs").create_storage(make_reference(150), ["g", "r"])
    storage.append_epochs(blocks)
    objects = storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)
    for store in (storage, objects):
        for name in ("lightcurves", "flags", "separation"):
            array = store.snapshot.group[name]
            plain = array[...].transpose(
                [array.metadata.dimension_names.index(dim) for dim in store.dataset[name].dims]
            )
            expected = np.stack([getattr(block, name).T for block in blocks], axis=-1)
            if name == "lightcurves":
                expected = expected.transpose(0, 2, 1, 3)
            assert plain.tobytes() == expected.tobytes()
            assert store.dataset[name].values.tobytes() == expected.tobytes()
    assert objects.snapshot.group["lightcurves"].nchunks > 4


def test_chunks_that_are_coded_otherwise_are_not_misread(tmp_path):
    array = zarr.create_array(tmp_path, shape=(4, 4), chunks=(2, 2), shards=(4, 4), dtype="float32")
    with pytest.raises(StorageError, match="not coded as lc_pipeline codes them"):
        Shards(array, Location(tmp_path))


def test_added_objects_are_marked_as_not_ingested_until_they_are(storage, published):
    before = make_block("a", 1)
    storage.append_epochs([before])
    storage.append_objects(make_reference(2, start=100))
    objects = published()
    assert objects.reference.key[:5].tolist() == make_reference(5).key.tolist()
    np.testing.assert_array_equal(
        objects.lightcurves.isel(object=slice(5), epoch=0).transpose(
            "measurement", "value", "object"
        ),
        before.lightcurves,
    )
    assert (objects.flags.isel(object=slice(5, None)) == MeasurementFlag.NOT_INGESTED).all()
    assert objects.lightcurves.isel(object=slice(5, None)).isnull().all()
    after = make_block("a", 2, n_objects=7, time=60001.0)
    assert_same(published(after).dataset, [after])


def test_a_measurement_can_appear_in_mid_survey(storage, published):
    storage.append_epochs([make_block("a", 1)])
    storage.append_measurements(["i"], ["mag"], ["mag"])
    storage.append_epochs([make_block("b", 2, keys=("i",))])
    dataset = published().dataset
    assert dataset.measurement.values.tolist() == ["g", "r", "i"]
    expected = {
        "a": (make_block("a", 1).lightcurves, ["g", "r"]),
        "b": (make_block("b", 2, keys=("i",)).lightcurves, ["i"]),
    }
    for epoch, (values, keys) in expected.items():
        one = dataset.lightcurves.sel(epoch=epoch, measurement=keys)
        np.testing.assert_array_equal(one.transpose("measurement", "value", "object"), values)
    flags = dataset.flags
    assert (flags.sel(epoch="a", measurement="i") == MeasurementFlag.NOT_INGESTED).all()
    assert (flags.sel(epoch="b", measurement="g") == MeasurementFlag.NOT_OBSERVED).all()


def test_a_flux_does_not_go_into_a_store_of_magnitudes(storage):
    with pytest.raises(StorageError, match="'f' is a flux"):
        storage.append_measurements(["f"], ["flux"], ["uJy"])


def test_own_times_and_catalogue_flags_are_kept_from_the_first_epoch_that_has_them(
    storage, published
):
    offset = np.full((2, 5), 0.01, dtype="float32")
    kept = 2**40 + np.arange(10, dtype="int64").reshape(2, 5)
    storage.append_epochs([make_block("a", 1)])
    storage.append_epochs([make_block("b", 2, time_offset=offset, catalog_flags=kept)])
    dataset = published().dataset
    assert dataset.time_offset.sel(epoch="a").isnull().all()
    np.testing.assert_array_equal(dataset.time_offset.sel(epoch="b").values.T, offset)
    np.testing.assert_array_equal(dataset.catalog_flags.sel(epoch="b").values.T, kept)
    series = published().to_timeseries("star0001", ["g"], with_unobserved=True)
    assert series["time"].mjd == pytest.approx([60001.0, 60002.01], abs=1e-7)


def test_epochs_on_another_clock_are_refused(storage):
    storage.append_epochs([make_block("a", 1)])
    with pytest.raises(StorageError, match=r"'b' .* has its time in tdb .* utc"):
        storage.append_epochs([make_block("b", 2, time_scale="tdb")])
    assert storage.epoch_keys == ["a"]


def test_clocks_are_not_mixed_in_one_commit_either(storage):
    with pytest.raises(StorageError, match=r"'b' .* has its time in tdb"):
        storage.append_epochs([make_block("a", 1), make_block("b", 2, time_scale="tdb")])
    assert storage.epoch_keys == []


def test_an_epoch_without_a_time_is_refused(storage):
    with pytest.raises(StorageError, match=r"'a' .* has no time: .*\[time\]"):
        storage.append_epochs([make_block("a", 1, time=np.nan)])


def test_an_unknown_object_is_named_with_its_nearest_keys(published):
    with pytest.raises(NotInStoreError, match=r"no object 'star001'.*Did you mean star0001"):
        published(make_block("a", 1)).get_object_lightcurve("star001")


def test_every_object_is_found_by_its_key_before_and_after_all_keys_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(new_store, "COORDINATE_OBJECTS", 7)
    # Keys that are parts of each other, and bytes that look like a key's length.
    keys = [f"{'ab' * (n % 4)}{n}" for n in range(40)] + ["\x03\x00\x00\x00ab1", "é", "ab"]
    reference = ReferenceCatalog(key=keys, ra=np.arange(43.0), dec=np.zeros(43))
    storage = LightcurveStorage(tmp_path / "epochs").create_storage(reference, ["g"])
    storage.append_epochs([make_block("a", 1, n_objects=43, keys=("g",))])
    for number, key in enumerate(keys):
        fresh = LightcurveStorage(tmp_path / "epochs")
        for store in (fresh, storage):
            one = store.get_object_lightcurve(key)
            assert one.object.item() == key
            assert one.ra.item() == number
            np.testing.assert_array_equal(one, store.lightcurves.sel(object=key))
    for missing in ("ab" * 9, "", "b1"):
        for store in (LightcurveStorage(tmp_path / "epochs"), storage):
            with pytest.raises(NotInStoreError):
                store.get_object_lightcurve(missing)


def test_a_damaged_chunk_is_never_shown_as_values(published):
    objects = published(make_block("a", 1))
    (file,) = (objects.snapshot.place.path / "lightcurves" / "c").rglob("0/0/0/0")
    contents = bytearray(file.read_bytes())
    contents[20] ^= 1
    file.write_bytes(contents)
    with pytest.raises(StorageError, match=r"0/0/0/0: cannot be read: damaged.*lc-pipeline verify"):
        objects.lightcurves.values  # noqa: B018


def test_a_place_that_is_taken_is_left_alone(storage):
    with pytest.raises(StorageError, match="there is a store here already"):
        LightcurveStorage(storage.location.path).create_storage(make_reference(2), ["g"])
    assert storage.load_storage().snapshot.n_objects == 5


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StorageError, match=r"not empty.*thesis\.tex"):
        LightcurveStorage(tmp_path).create_storage(make_reference(2), ["g"])


def test_a_creation_that_was_cut_short_can_be_repeated(tmp_path, monkeypatch):
    storage = LightcurveStorage(tmp_path / "epochs")
    for function in ("publish_as", "replace_bytes"):
        with monkeypatch.context() as patch:
            patch.setattr(f"lc_pipeline.storage.location.Location.{function}", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                storage.create_storage(make_reference(2), ["g"])
        assert not storage.is_there
    storage.create_storage(make_reference(2), ["g"])
    assert storage.snapshot.n_objects == 2


def test_what_is_not_a_store_is_said_to_be_none(tmp_path):
    with pytest.raises(StorageError, match="no store here"):
        LightcurveStorage(tmp_path / "nothing").load_storage()
    zarr.create_group(tmp_path / "other.zarr")
    with pytest.raises(StorageError, match=r"no store here|not a store"):
        LightcurveStorage(tmp_path / "other.zarr").load_storage()


def test_a_newer_format_is_not_misread(storage):
    metadata = storage.snapshot.place.path / "zarr.json"
    document = json.loads(metadata.read_text())
    document["attributes"]["lc_pipeline"]["format"] = 99
    metadata.write_text(json.dumps(document))
    with pytest.raises(StorageError, match="format 99"):
        LightcurveStorage(storage.location.path).load_storage()


def test_an_object_store_is_never_written_to(published):
    with pytest.raises(StorageError, match="never written to"):
        published(make_block("a", 1)).append_epochs([make_block("b", 2)])


def test_an_empty_store_is_not_published(storage, tmp_path):
    with pytest.raises(StorageError, match="no epochs"):
        storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)


def test_an_epoch_is_one_file_per_array(storage):
    storage.append_epochs([make_block(f"n{number}", number) for number in range(4)])
    for name in ("lightcurves", "flags", "separation"):
        files = [
            path
            for path in Path(storage.snapshot.place.path, name, "c").rglob("*")
            if path.is_file()
        ]
        assert len(files) == 4


def test_info_can_be_written_as_json(published, storage):
    known = published(make_block("a", 1)).get_storage_info()
    assert json.loads(json.dumps(known))["n_epochs"] == 1
    assert known["version"] == "v000001"
    assert storage.get_storage_info()["n_ingests"] == 1
