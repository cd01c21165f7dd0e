"""Claims about what is read, and when.

What should not be read is destroyed first: the values are right all the same, and whoever looks at
a destroyed chunk gets an error, for its checksum does not agree. Files that are opened are noted.
"""

import sys

import numpy as np
import pytest
import zarr

from lc_pipeline.errors import StorageError
from lc_pipeline.storage import LightcurveStorage, layout

from .conftest import make_block, make_reference

N_OBJECTS, N_EPOCHS = 50, 6
ARRAYS = ("lightcurves", "flags", "separation")
DAMAGED = (StorageError, ValueError, RuntimeError)

_notes = []


def _note_opened(event, arguments):
    if event == "open" and _notes:
        _notes[-1].append(str(arguments[0]))


@pytest.fixture(scope="module", autouse=True)
def _audited():
    """Python cannot take such a hook away again: it stays, and does nothing."""
    sys.addaudithook(_note_opened)


@pytest.fixture
def opened():
    """Files that were opened since."""
    _notes.append([])
    yield _notes[-1]
    _notes.pop()


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """Both stores, freshly opened; a chunk of the object store has four of fifty objects."""
    monkeypatch.setattr(layout, "READ_CHUNK_BYTES", 4 * 2 * 2 * 16 * layout.ITEM_BYTES)
    writer = LightcurveStorage(tmp_path / "epochs").create_storage(
        make_reference(N_OBJECTS), ["g", "r"]
    )
    writer.append_epochs(BLOCKS)
    writer.rechunk_to_object_optimized(tmp_path / "objects", progress=False)
    return LightcurveStorage(tmp_path / "epochs"), LightcurveStorage(tmp_path / "objects")


BLOCKS = [make_block(f"n{number}", number, n_objects=N_OBJECTS) for number in range(N_EPOCHS)]


def light_curve(number):
    return np.stack([block.lightcurves[..., number] for block in BLOCKS], axis=-1)


def shards(storage, *names):
    """Files of the large arrays."""
    places = (storage.snapshot.place.path / name / "c" for name in names)
    return [file for place in places for file in place.rglob("*") if file.is_file()]


def chunk_places(file, n_chunks):
    """Where each chunk begins and ends in a shard; the index is at the end, a CRC32C behind it."""
    index = np.frombuffer(file.read_bytes()[-(16 * n_chunks + 4) : -4], dtype="<u8")
    return [slice(start, start + length) for start, length in index.reshape(-1, 2).tolist()]


def test_opening_and_selecting_reads_no_values(stores, opened):
    for storage in stores:
        for file in shards(storage.load_storage(), *ARRAYS):
            file.write_bytes(b"destroyed")
        opened.clear()
        storage.load_storage()
        one = storage.get_object_lightcurve("star0007").sel(measurement="g", value="mag")
        some = storage.lightcurves.isel(object=[1, 30], epoch=slice(2, 4)).transpose("epoch", ...)
        flags = storage.flags.sel(epoch="n3")
        assert storage.get_epoch_data("n2").shape == (N_OBJECTS, 2, 2)
        assert storage.get_objects_in_cone(10.0, -5.0, 5.0) == ["star0000", "star0001"]
        assert len(repr(storage.dataset)) > len(storage.get_storage_info())
        assert (one.shape, some.shape, flags.shape) == ((N_EPOCHS,), (2, 2, 2, 2), (N_OBJECTS, 2))
        assert any("zarr.json" in file for file in opened), "the notes must see what is read"
        read = set(opened)
        assert not read & set(map(str, shards(storage, *ARRAYS)))
        with pytest.raises(DAMAGED):
            one.compute()


def test_one_object_is_one_chunk_of_the_object_store(stores, opened):
    _, objects = stores
    array = zarr.open_array(objects.snapshot.place.path / "lightcurves", mode="r")
    assert array.chunks == (4, 2, 2, 16)
    n_chunks = array.shards[0] // array.chunks[0]
    [file] = shards(objects, "lightcurves")
    whole = file.read_bytes()
    kept = chunk_places(file, n_chunks)[30 // 4]
    assert kept.stop - kept.start < len(whole) / 10
    rest = bytearray(byte ^ 0xFF for byte in whole)
    index = slice(-(16 * n_chunks + 4), None)
    rest[kept], rest[index] = whole[kept], whole[index]
    file.write_bytes(rest)
    for other in shards(objects, "flags", "separation"):
        other.write_bytes(b"destroyed")
    one = objects.get_object_lightcurve("star0030")
    opened.clear()
    np.testing.assert_array_equal(one.compute().values, light_curve(30))
    assert {name for name in opened if name.endswith("/c/0/0/0/0")} <= {str(file)}
    with pytest.raises(DAMAGED):
        objects.get_object_lightcurve("star0001").compute()


def test_one_epoch_is_one_file_of_the_epoch_store(stores, opened):
    epochs, _ = stores
    files = shards(epochs, *ARRAYS)
    assert len(files) == 3 * N_EPOCHS
    [kept] = [file for file in files if file.match("lightcurves/c/4/0/0/0")]
    for file in files:
        if file != kept:
            file.write_bytes(b"destroyed")
    one = epochs.get_epoch_data("n4")
    opened.clear()
    values = one.compute().transpose("measurement", "value", "object").values
    np.testing.assert_array_equal(values, BLOCKS[4].lightcurves)
    assert {name for name in opened if "/c/" in name} <= {str(kept)}
    with pytest.raises(DAMAGED):
        epochs.get_epoch_data("n3").compute()


def test_what_was_computed_is_read_anew_and_what_was_loaded_is_kept(stores):
    _, objects = stores
    computed, loaded = (objects.get_object_lightcurve(key) for key in ("star0001", "star0001"))
    for one in (computed.compute(), loaded.load()):
        np.testing.assert_array_equal(one.values, light_curve(1))
    for file in shards(objects, "lightcurves"):
        file.write_bytes(b"destroyed")
    np.testing.assert_array_equal(loaded.values, light_curve(1))
    with pytest.raises(DAMAGED):
        computed.compute()
