"""Large arrays as people see them: lazy xarray, the model's axes, current rows only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from lc_pipeline.errors import StorageError
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.shards import Shards


class LazyRows(BackendArray):
    """One array of a store, its axes reordered and its epochs selected, read when asked for.

    Parameters
    ----------
    shards : Shards
        The array on disk.
    dims : tuple of str
        Axes in the order to show.
    rows : (n_epochs,) array of int
        Index on the disk's epoch axis of each epoch to show.
    place : Location
        The version that the array belongs to.

    Raises
    ------
    StorageError
        On reading, if the version has been removed meanwhile: Zarr would give missing values.
    """

    def __init__(
        self,
        shards: Shards,
        dims: tuple[str, ...],
        rows: NDArray[np.intp],
        place: Location,
    ) -> None:
        self.place = place
        self.shards = shards
        self.rows = rows
        self.is_in_order = np.array_equal(rows, np.arange(len(rows)))
        self.epoch_axis = shards.dims.index("epoch")
        self.axes = tuple(shards.dims.index(dim) for dim in dims)
        self.shape = tuple(
            len(rows) if dim == "epoch" else shards.shape[axis]
            for dim, axis in zip(dims, self.axes, strict=True)
        )
        self.dtype = shards.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read a selection (xarray's protocol for lazy arrays)."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Any:
        on_disk: list[Any] = [None] * len(key)
        for axis, selection, length in zip(self.axes, key, self.shape, strict=True):
            on_disk[axis] = _numbers(selection, length)
        if not self.is_in_order:
            on_disk[self.epoch_axis] = self.rows[on_disk[self.epoch_axis]]
        block = self.shards.read(on_disk)
        if not self.place.has_group():
            raise StorageError(
                f"{self.place}: this version has been removed by a clean-up since it was opened. "
                f"Open the store again (load_storage) for the current one."
            )
        # Numbers (unlike slices and arrays) take their axis away.
        return block.transpose(self.axes)[
            tuple(slice(None) if isinstance(k, slice) or np.ndim(k) else 0 for k in key)
        ]


def _numbers(key: Any, length: int) -> slice | NDArray[np.intp]:
    """Write a selection of an axis as a slice without a step, or as the numbers it selects."""
    if isinstance(key, slice):
        start, stop, step = key.indices(length)
        return slice(start, max(start, stop)) if step == 1 else np.arange(start, stop, step)
    if np.ndim(key) == 0 and 0 <= key < length:
        return slice(int(key), int(key) + 1)
    numbers = np.atleast_1d(np.asarray(key, dtype=np.intp))
    if len(numbers) and not (-length <= numbers.min() and numbers.max() < length):
        raise IndexError(f"an index is out of range for an axis of length {length}")
    return np.where(numbers < 0, numbers + length, numbers)
