"""Zarr arrays as people see them: lazy xarray, the model's axes, current rows only."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from lc_pipeline.errors import StorageError
from lc_pipeline.storage.layout import runs
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.model import dims_on_disk


class LazyRows(BackendArray):
    """One array of a store, its axes reordered and its epochs selected, read when asked for.

    Parameters
    ----------
    array : zarr.Array
        On disk.
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
        array: zarr.Array[Any],
        dims: tuple[str, ...],
        rows: NDArray[np.intp],
        place: Location,
    ) -> None:
        self.place = place
        on_disk = dims_on_disk(array)
        self.array = array
        self.rows = rows
        self.epoch_axis = on_disk.index("epoch")
        self.axes = tuple(on_disk.index(dim) for dim in dims)
        self.shape = tuple(
            len(rows) if dim == "epoch" else array.shape[axis]
            for dim, axis in zip(dims, self.axes, strict=True)
        )
        self.dtype = np.dtype(array.dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read a selection (xarray's protocol for lazy arrays)."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Any:
        on_disk: list[Any] = [slice(None)] * len(key)
        for axis, selection in zip(self.axes, key, strict=True):
            on_disk[axis] = selection
        wanted = np.atleast_1d(self.rows[on_disk[self.epoch_axis]])
        block = self._read_rows(wanted, on_disk)
        if not self.place.has_group():
            raise StorageError(
                f"{self.place}: this version has been removed by a clean-up since it was opened. "
                f"Open the store again (load_storage) for the current one."
            )
        block = block.transpose(self.axes)
        # Numbers (unlike slices and arrays) take their axis away.
        return block[tuple(0 if np.ndim(k) == 0 and not isinstance(k, slice) else slice(None)
                           for k in key)]  # fmt: skip

    def _read_rows(self, wanted: NDArray[np.intp], on_disk: list[Any]) -> NDArray[Any]:
        """Read rows in any order, every run of neighbours in one go; all axes are kept."""
        selection = [_kept(key) for key in on_disk]
        rows, position = np.unique(wanted, return_inverse=True)
        parts = []
        for _, run in runs(rows):
            selection[self.epoch_axis] = run
            parts.append(_select(self.array, tuple(selection)))
        if not parts:
            selection[self.epoch_axis] = slice(0, 0)
            return _select(self.array, tuple(selection))
        block = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=self.epoch_axis)
        if np.array_equal(position, np.arange(len(rows))):
            return block
        return np.take(block, position, axis=self.epoch_axis)


def _kept(key: Any) -> Any:
    """A number as a slice of one."""
    return key if isinstance(key, slice) or np.ndim(key) else slice(int(key), int(key) + 1)


def _select(array: zarr.Array[Any], selection: tuple[Any, ...]) -> NDArray[Any]:
    if all(isinstance(key, slice) and key.step in (None, 1) for key in selection):
        return np.asarray(array[selection])
    return np.asarray(array.oindex[selection])


def lazy_variable(
    array: zarr.Array[Any],
    dims: tuple[str, ...],
    rows: NDArray[np.intp],
    place: Location,
    attributes: Any,
) -> xr.Variable:
    """One array of a store as a lazy xarray variable; see :class:`LazyRows`."""
    lazy = indexing.LazilyIndexedArray(LazyRows(array, dims, rows, place))
    return xr.Variable(dims, lazy, attributes)
