"""Claims about damage: every file of a small store is damaged, and verify says where.

What is behind a store's current version, its older versions and the rows that no epoch shows any
more, is read by nobody and verified by nobody.
"""

import json
import os

import numpy as np
import pytest

from lc_pipeline.errors import StorageError
from lc_pipeline.storage import LightcurveStorage, new_store

from .conftest import make_block, make_reference

#: Random bytes to flip in each file, beside its first and its last.
N_FLIPS = int(os.environ.get("LC_PIPELINE_FLIPS", "1"))
N_OBJECTS = 20


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """An epoch store of two epochs, and an object store of two blocks of objects."""
    plan = new_store.plan_epoch_layout
    monkeypatch.setattr(new_store, "plan_epoch_layout", lambda *shape: plan(*shape, task_bytes=1))
    storage = LightcurveStorage(tmp_path / "epochs").create_storage(
        make_reference(N_OBJECTS), ["g", "r"]
    )
    kept = np.arange(2 * N_OBJECTS, dtype="int64").reshape(2, N_OBJECTS)
    storage.append_epochs(
        [
            make_block("one", 1, n_objects=N_OBJECTS, catalog_flags=kept),
            make_block("two", 2, n_objects=N_OBJECTS),
        ]
    )
    return storage, storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def verify(stores, kind):
    """As `lc-pipeline verify` does with one of the stores, opened anew."""
    epochs, objects = (LightcurveStorage(store.location.path) for store in stores)
    return epochs.verify() if kind == "epochs" else objects.verify(epochs)


def named(file, folder):
    """What `verify` has to name when this file is damaged."""
    parts = file.relative_to(folder).parts
    if parts[-1] == "current.json":
        return parts[-1]
    if parts[-1] == "zarr.json":
        return "" if parts[-2].endswith(".zarr") else parts[-2]
    array, place = parts[3], parts[5]
    if array not in ("lightcurves", "flags", "separation", "catalog_flags"):
        return array
    if parts[0] == "epochs":
        return ("epoch 'one' (row 0)", "epoch 'two' (row 1)")[int(place)]
    return ("objects 0 to 15", "objects 16 to 19")[int(place)]


@pytest.mark.parametrize("kind", ["epochs", "objects"])
def test_a_flipped_byte_in_any_file_is_found_and_named(stores, tmp_path, kind):
    assert verify(stores, kind) == []
    random = np.random.default_rng(1)
    for file in files_in(tmp_path / kind):
        whole = file.read_bytes()
        places = {0, len(whole) - 1, *random.integers(len(whole), size=N_FLIPS).tolist()}
        if file.name == "current.json":
            places = set(range(len(whole)))
        for place in places:
            damaged = bytearray(whole)
            damaged[place] ^= 1 << int(random.integers(8))
            if file.name == "zarr.json" and is_as_if_a_writer_were_at_work(whole, damaged):
                continue
            file.write_bytes(damaged)
            problems = verify(stores, kind)
            where = f"byte {place} of {file.relative_to(tmp_path)}"
            assert problems, f"{where} was flipped and nobody noticed"
            assert any(named(file, tmp_path) in problem for problem in problems), (where, problems)
        file.write_bytes(whole)
    assert verify(stores, kind) == []


@pytest.mark.parametrize("kind", ["epochs", "objects"])
def test_a_letter_that_only_the_metadata_s_checksum_knows_of_is_found(stores, kind):
    (store,) = (one for one in stores if one.location.path.name == kind)
    metadata = store.snapshot.place.path / "zarr.json"
    metadata.write_bytes(metadata.read_bytes().replace(b"ICRS", b"ICRX", 1))
    assert any("its checksum does not agree" in problem for problem in verify(stores, kind))


def is_as_if_a_writer_were_at_work(whole, damaged):
    """Whether only an array's own length grew.

    That is how a writer leaves it that has not committed: readers take the committed length from
    the group's metadata, and the next commit sets the rows in between aside.
    """
    try:
        before, after = json.loads(whole), json.loads(bytes(damaged))
        longer = after["shape"][0] > before["shape"][0]
        after["shape"][0] = before["shape"][0]
    except (ValueError, KeyError, TypeError):
        return False
    return longer and before == after


def test_an_array_whose_own_length_was_damaged_shows_what_was_committed(stores):
    epochs, _ = stores
    metadata = epochs.snapshot.place.path / "flags" / "zarr.json"
    whole = metadata.read_text()
    document = json.loads(whole)
    for length, is_damage in ((1, True), (66, False)):
        metadata.write_text(json.dumps(document | {"shape": [length, *document["shape"][1:]]}))
        assert bool(verify(stores, "epochs")) == is_damage
        assert LightcurveStorage(epochs.location.path).epoch_keys == ["one", "two"]
    epochs.append_epochs([make_block("three", 3, n_objects=N_OBJECTS)])
    assert epochs.epoch_keys == ["one", "two", "three"]
    assert epochs.snapshot.records.count(None) == 64
    assert verify(stores, "epochs") == []


def test_a_row_that_was_superseded_is_not_verified(stores):
    epochs, _ = stores
    epochs.append_epochs([make_block("one", 3, n_objects=N_OBJECTS, time=60001.0)])
    for file in (epochs.snapshot.place.path / "lightcurves" / "c" / "0").rglob("0/0/0"):
        file.write_bytes(b"spoiled")
    assert epochs.verify() == []
    assert epochs.compact()
    assert epochs.verify() == []


@pytest.mark.parametrize("kind", ["epochs", "objects"])
def test_verify_finds_a_file_that_is_gone(stores, tmp_path, kind):
    for file in files_in(tmp_path / kind):
        whole = file.read_bytes()
        file.unlink()
        # A shard that is gone is missing values to Zarr. Counts tell for values and flags; for the
        # rest of a row only the other store does.
        problems = verify(stores, kind) or verify(stores, "objects")
        file.write_bytes(whole)
        assert problems, f"{file} is gone and nobody noticed"


def test_damage_to_the_epoch_store_does_not_keep_the_object_store_from_being_verified(stores):
    epochs, objects = stores
    shard = objects.snapshot.place.path / "lightcurves" / "c" / "1" / "0" / "0" / "0"
    shard.write_bytes(b"spoiled")
    record = epochs.snapshot.place.path / "record" / "c" / "0"
    [problem] = verify(stores, "objects")
    assert "objects 16 to 19" in problem
    record.write_bytes(b"spoiled")
    assert any("record" in problem for problem in verify(stores, "epochs"))
    verify(stores, "objects")


@pytest.mark.parametrize("name", ["record", "object", "ra", "measurement", "unit", "value"])
def test_whoever_opens_a_store_with_a_damaged_coordinate_is_told_which(stores, name):
    for storage in stores:
        for file in (storage.snapshot.place.path / name / "c").iterdir():
            file.write_bytes(file.read_bytes()[:-1] + b"!")
        damaged = LightcurveStorage(storage.location.path)
        with pytest.raises(StorageError, match=rf"{name}: cannot be read: damaged \(.*verify"):
            damaged.dataset  # noqa: B018
