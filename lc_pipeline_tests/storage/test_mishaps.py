"""Claims about mishaps: damage, a full disk, links, readers without the right to write."""

import errno
import os
import shutil
import tempfile
import traceback
from pathlib import Path

import numpy as np
import pytest

from lc_pipeline.errors import StorageError
from lc_pipeline.storage import LightcurveStorage, rechunk
from lc_pipeline.storage.location import Location

from .conftest import make_block
from .test_lightcurve_storage import assert_same

BLOCKS = [make_block(f"n{number:02d}", number) for number in range(20)]


@pytest.fixture
def segmented(storage, tmp_path, monkeypatch):
    """Both stores, of twenty epochs in segments of sixteen."""
    monkeypatch.setattr("lc_pipeline.storage.layout.SEGMENT", 16)
    storage.append_epochs(BLOCKS)
    return storage, storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)


def shard(storage, name, *place):
    return storage.snapshot.place.path.joinpath(name, "c", *map(str, place))


def test_damage_is_not_taken_over_by_a_version_that_is_written_anew(segmented):
    storage, objects = segmented
    damaged = shard(objects, "lightcurves", 0, 0, 0, 0)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    place = objects.location.path
    with pytest.raises(StorageError, match=r"cannot be read back .*rechunk --force SURVEY"):
        storage.rechunk_to_object_optimized(place, progress=False)
    anew = storage.rechunk_to_object_optimized(place, progress=False, is_anew=True)
    assert anew.verify(storage) == []
    assert_same(anew.dataset, BLOCKS)


def test_a_version_that_was_cut_otherwise_is_not_taken_over(segmented, monkeypatch):
    storage, objects = segmented
    monkeypatch.setattr("lc_pipeline.storage.layout.READ_CHUNK_BYTES", 512)
    newer = storage.rechunk_to_object_optimized(objects.location.path, progress=False)
    cuts = {store.snapshot.group["lightcurves"].chunks for store in (objects, newer)}
    assert len(cuts) == 2
    for store in (objects, newer):
        assert_same(store.dataset, BLOCKS)
    assert newer.verify(storage) == []


@pytest.mark.parametrize("name", ["lightcurves", "flags"])
def test_an_epoch_whose_file_is_gone_is_not_published_as_missing_values(segmented, name):
    storage, objects = segmented
    shutil.rmtree(shard(storage, name, 3))
    with pytest.raises(StorageError, match=rf"{name} of epoch 'n03' are gone .*nothing was publ"):
        storage.rechunk_to_object_optimized(objects.location.path, progress=False)
    assert objects.versions == ["v000001"]


def test_a_store_that_is_removed_while_it_is_rechunked_is_not_published(
    segmented, monkeypatch, tmp_path
):
    storage, _ = segmented
    run = rechunk._run

    def remove_in_between(*arguments):
        storage.snapshot.place.remove()
        run(*arguments)

    monkeypatch.setattr(rechunk, "_run", remove_in_between)
    with pytest.raises(StorageError, match="removed by a clean-up while it was read"):
        storage.rechunk_to_object_optimized(tmp_path / "other", progress=False)
    assert not (tmp_path / "other" / "current.json").exists()


def test_a_full_disk_is_not_kept_full_by_what_could_not_be_finished(segmented, monkeypatch):
    storage, objects = segmented
    storage.append_epochs([BLOCKS[3]])

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Location, "replace_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            storage.rechunk_to_object_optimized(objects.location.path, progress=False)
        with pytest.raises(OSError, match="No space left"):
            storage.compact()
        with pytest.raises(OSError, match="No space left"):
            storage.append_epochs([make_block("late", 30)])
    for store in (storage, objects):
        assert [*(store.location.path / "versions").iterdir()] == [store.snapshot.place.path]
    storage.append_epochs([make_block("late", 30)])
    assert_same(storage.dataset, [*BLOCKS, make_block("late", 30)])
    newer = storage.rechunk_to_object_optimized(objects.location.path, progress=False)
    assert storage.verify() == newer.verify(storage) == []


def test_there_is_one_lock_whatever_links_lead_to_a_store(storage, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(storage.location.path, target_is_directory=True)
    linked = LightcurveStorage(link)
    with (
        storage.location.writer_lock(),
        pytest.raises(StorageError, match="another process has been writing here"),
        linked.location.writer_lock(timeout=0.01),
    ):
        pass
    linked.append_epochs([BLOCKS[0]])
    assert LightcurveStorage(storage.location.path).epoch_keys == ["n00"]


@pytest.mark.skipif(not hasattr(os, "fork") or os.geteuid() != 0, reason="needs to be root")
def test_who_may_not_write_can_read(segmented):
    # pytest's own folders are closed to others.
    with tempfile.TemporaryDirectory() as name:
        stores = []
        for store in segmented:
            place = Path(name, store.location.path.name)
            shutil.copytree(store.location.path, place)
            stores.append(LightcurveStorage(place))
        Path(name).chmod(0o755)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.setuid(65534)
                read_without_writing(*stores)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0


def read_without_writing(storage, objects):
    for store in (storage, objects):
        values = store.get_epoch_data("n05").transpose("measurement", "value", "object")
        np.testing.assert_array_equal(values, BLOCKS[5].lightcurves)
        assert store.get_objects_in_cone(10.0, -5.0, 1.0) == ["star0000"]
    assert storage.verify() == objects.verify(storage) == []
    with pytest.raises(StorageError, match=r"cannot be locked for writing.*denied"):
        storage.remove_epoch("n05")
