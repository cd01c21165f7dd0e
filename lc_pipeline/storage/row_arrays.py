"""The arrays of the epoch store, as they lie on disk: a row an epoch, a shard a row."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.storage.location import GROUP_METADATA, Location
from lc_pipeline.storage.model import ARRAYS, ArrayModel, create_array
from lc_pipeline.storage.shards import Shards

ARRAY_NAMES = frozenset(model.name for model in ARRAYS)

#: The small arrays with a value per row. Their chunks hold committed rows as well.
PER_ROW = ("epoch", "time", "record")
PER_EPOCH = ARRAY_NAMES | set(PER_ROW)


def create_row_array(
    group: zarr.Group, model: ArrayModel, sizes: dict[str, int], block: int, capacity: int
) -> None:
    """Create an array whose rows are epochs: reversed axes, one shard a row."""
    dims = tuple(reversed(model.dims))
    if "value" in dims:
        dims = ("epoch", "measurement", "value", "object")
    whole = {name: max(1, size) for name, size in sizes.items()}
    chunk = whole | {"epoch": 1, "object": block}
    create_array(group, model, dims, sizes, chunk=chunk, shard=chunk | {"object": capacity})


def open_row_arrays(place: Location) -> dict[str, Shards]:
    """Open the large arrays for writing rows that nobody can be reading yet."""
    store = place.zarr_store(read_only=True)
    return {
        model.name: Shards(zarr.open_array(store, path=model.name, mode="r"), place / model.name)
        for model in ARRAYS
        if (place / model.name).has_group()
    }


def write_row(
    arrays: dict[str, Shards],
    row: int,
    block: EpochBlock,
    measurement_keys: tuple[str, ...],
) -> None:
    """Write one row; measurements that the block does not have are not observed."""
    place = [measurement_keys.index(key) for key in block.measurement_keys]
    is_whole = place == list(range(len(measurement_keys)))
    for model in ARRAYS:
        values = getattr(block, model.name, None)
        if values is None:
            continue
        if "measurement" in model.dims and not is_whole:
            fill = MeasurementFlag.NOT_OBSERVED if model.name == "flags" else model.fill_value
            shape = (len(measurement_keys), *values.shape[1:])
            partial, values = values, np.full(shape, fill, dtype=model.dtype)
            values[place] = partial
        arrays[model.name].write([row, *[0] * values.ndim], values[np.newaxis])


def write_metadata(
    place: Location, documents: dict[str, dict[str, Any]], sizes: dict[str, int]
) -> None:
    """Make the arrays what `documents` says, as long as `sizes` says."""
    for name, document in documents.items():
        shape = [sizes[dim] for dim in document["dimension_names"]]
        contents = json.dumps(document | {"shape": shape}).encode()
        metadata = place / name / GROUP_METADATA
        if metadata.read_bytes() != contents:
            metadata.replace_bytes(contents, is_durable=False)


def open_small(place: Location, name: str) -> zarr.Array[Any]:
    """One of the small arrays, whose chunks hold committed rows: always written whole, renamed."""
    with zarr.config.set({"array.write_empty_chunks": True}):
        return zarr.open_array(place.zarr_store(read_only=False), path=name, mode="r+")


def as_text(values: list[str]) -> NDArray[Any]:
    """Text as a small array takes it."""
    return np.array(values, dtype=np.dtypes.StringDType())
