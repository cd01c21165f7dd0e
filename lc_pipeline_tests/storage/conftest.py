import dataclasses

import numpy as np
import pytest

from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.storage import LightcurveStorage


def make_reference(n_objects, start=0):
    numbers = np.arange(start, start + n_objects)
    return ReferenceCatalog(
        key=np.array([f"star{number:04d}" for number in numbers], dtype=object),
        ra=10 + numbers * 1e-3,
        dec=np.full(n_objects, -5.0),
    )


def make_block(epoch, seed, *, n_objects=5, keys=("g", "r"), time=None, **changes):
    """An epoch with random contents, some of them missing."""
    random = np.random.default_rng(seed)
    values = random.normal(18, 1, (len(keys), 2, n_objects)).astype("float32")
    flags = np.zeros((len(keys), n_objects), dtype="uint16")
    lost = random.random((len(keys), n_objects)) < 0.3
    values.transpose(0, 2, 1)[lost] = np.nan
    flags[lost] = MeasurementFlag.NOT_DETECTED
    block = EpochBlock(
        epoch=epoch,
        measurement_keys=keys,
        value_names=("mag", "mag_err"),
        lightcurves=values,
        flags=flags,
        separation=random.random(n_objects).astype("float32"),
        time_offset=None,
        catalog_flags=None,
        time=60000.0 + seed if time is None else time,
        time_scale="utc",
        time_refposition="TOPOCENTER",
        exposure=30.0,
        n_sources=n_objects,
        n_matched=int((~lost[0]).sum()),
        n_unmatched=0,
        n_ambiguous=0,
        n_duplicates=0,
        offset_east_arcsec=0.0,
        offset_north_arcsec=0.0,
        n_offset_pairs=0,
        n_detected=(~lost).sum(axis=1),
        files=(),
        notes=(),
    )
    return dataclasses.replace(block, **changes)


@pytest.fixture
def storage(tmp_path):
    """An empty epoch store of five objects in g and r."""
    return LightcurveStorage(tmp_path / "epochs").create_storage(make_reference(5), ["g", "r"])


@pytest.fixture
def published(storage, tmp_path):
    """Append blocks, publish, and open the result."""

    def publish(*blocks):
        for block in blocks:
            storage.append_epochs([block])
        return storage.rechunk_to_object_optimized(tmp_path / "objects", progress=False)

    return publish
