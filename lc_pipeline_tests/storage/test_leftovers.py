"""Claims about what a dead writer leaves behind: it is not committed, whatever is done next."""

import numpy as np
import pytest

from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.storage import LightcurveStorage, epoch_log

from .conftest import make_block, make_reference
from .test_lightcurve_storage import assert_same

COMMITTED = [make_block("a", 1), make_block("b", 2), make_block("a", 3, time=60001.0)]
OWN_TIMES = np.full((2, 5), 0.25, dtype="float32")


def lost_epoch(storage):
    storage.append_epochs([make_block("lost", 9), make_block("lost too", 8)])


def lost_first_of_its_array(storage):
    storage.append_epochs([make_block("lost", 9, time_offset=OWN_TIMES)])


def lost_objects(storage):
    storage.append_objects(make_reference(2, start=100))


def lost_measurement(storage):
    storage.append_measurements(["lost"], ["mag"], ["mag"])


def add_objects(storage):
    storage.append_objects(make_reference(3, start=200))
    assert sorted(storage.reference.key[5:]) == make_reference(3, start=200).key.tolist()
    flags = storage.flags.isel(object=slice(5, None))
    assert (flags == MeasurementFlag.NOT_INGESTED).all()


def add_measurement(storage):
    storage.append_measurements(["i"], ["mag"], ["mag"])
    assert storage.measurement_keys == ("g", "r", "i")
    assert (storage.flags.sel(measurement="i") == MeasurementFlag.NOT_INGESTED).all()


def compact(storage):
    assert storage.compact()
    assert storage.snapshot.n_rows == 2


def add_epoch(storage):
    storage.append_epochs([make_block("c", 4, time_offset=OWN_TIMES)])
    np.testing.assert_array_equal(storage.dataset.time_offset.sel(epoch="c").T, OWN_TIMES)
    storage.remove_epoch("c")


@pytest.mark.parametrize("then", [add_objects, add_measurement, compact, add_epoch])
@pytest.mark.parametrize(
    "lost", [lost_epoch, lost_first_of_its_array, lost_objects, lost_measurement]
)
def test_what_was_not_committed_stays_so_whatever_is_done_next(
    storage, tmp_path, monkeypatch, lost, then
):
    storage.append_epochs(COMMITTED)
    with monkeypatch.context() as patch:
        # Everything is written but for the commit itself.
        patch.setattr(epoch_log, "commit", lambda _: None)
        lost(storage)
    then(storage)
    fresh = LightcurveStorage(storage.location.path)
    assert fresh.epoch_keys == ["a", "b"]
    known = fresh.dataset.isel(object=slice(5)).sel(measurement=["g", "r"])
    assert_same(known, COMMITTED)
    assert fresh.verify() == []
    objects = fresh.rechunk_to_object_optimized(tmp_path / "objects", progress=False)
    assert objects.verify(fresh) == []
    assert_same(objects.dataset.isel(object=slice(5)).sel(measurement=["g", "r"]), COMMITTED)
