"""Light curves block by block: all epochs of some objects, good values only.

Everything that reads light curves for science goes through here: what is bad is left out by one
rule, memory is bounded, and blocks are worked on side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import dask
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lc_pipeline.flags import ABSENT, BAD
from lc_pipeline.progress import Progress

Result = TypeVar("Result")

#: Values in a block: some 16 MB for the values and their errors.
BLOCK_VALUES = 2**21


@dataclass(frozen=True)
class LightcurveBlock:
    """Light curves of some objects, as plain arrays in memory."""

    objects: slice
    """Where they stand on the object axis."""
    measurement_keys: tuple[str, ...]
    time: NDArray[np.float64]
    """(n_epochs,) MJD, ascending; NaN where an epoch's time is not known."""
    time_offset: NDArray[np.float64] | None
    """(n_objects, n_measurements, n_epochs) days to add to `time`, 0 where it is the epoch's; None
    if no row has a time of its own."""
    value: NDArray[np.float32]
    """(n_objects, n_measurements, n_epochs); NaN where missing or called bad by its flags."""
    error: NDArray[np.float32]
    """As `value`; NaN where the value or its error is missing."""
    n_excluded: NDArray[np.intp]
    """(n_objects, n_measurements): values that are there, and left out for their flags."""
    flags: NDArray[np.uint16] | None = None
    """(n_objects, n_measurements, n_epochs) of :class:`~lc_pipeline.flags.MeasurementFlag`."""


def read_block(
    dataset: xr.Dataset, objects: slice, measurement_keys: Sequence[str] | None = None
) -> LightcurveBlock:
    """Read the light curves of some objects.

    Parameters
    ----------
    dataset : xarray.Dataset
        As ``LightcurveStorage.dataset`` gives it.
    objects : slice
        On its object axis.
    measurement_keys : sequence of str, optional
        By default all.
    """
    return _read(dataset.isel(object=objects), objects, measurement_keys)


def _read(
    part: xr.Dataset, objects: slice, measurement_keys: Sequence[str] | None
) -> LightcurveBlock:
    if measurement_keys is not None:
        part = part.sel(measurement=list(measurement_keys))
    values = part["lightcurves"].values
    flags = part["flags"].values
    is_excluded = ((flags & BAD) != 0) & np.isfinite(values[:, :, 0])
    is_good = ((flags & BAD) == 0) & np.isfinite(values[:, :, 0])
    nothing = np.float32(np.nan)
    offset = None
    if "time_offset" in part:
        offset = np.nan_to_num(part["time_offset"].values.astype(float))
    return LightcurveBlock(
        objects=objects,
        measurement_keys=tuple(part["measurement"].values.tolist()),
        time=part["time"].values,
        time_offset=offset,
        value=np.where(is_good, values[:, :, 0], nothing),
        error=np.where(is_good, values[:, :, 1], nothing),
        n_excluded=(is_excluded & ((flags & ABSENT) == 0)).sum(axis=-1),
        flags=flags,
    )


def object_blocks(
    dataset: xr.Dataset, n_measurements: int | None = None, *, block_values: int = BLOCK_VALUES
) -> list[slice]:
    """Cut the object axis into blocks of about `block_values` values each.

    Examples
    --------
    >>> dims = ("object", "measurement", "epoch")
    >>> five_stars = xr.Dataset({"lightcurves": (dims, np.zeros((5, 1, 4)))})
    >>> object_blocks(five_stars, block_values=8)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    per_object = (n_measurements or dataset.sizes["measurement"]) * dataset.sizes["epoch"]
    step = max(1, block_values // max(1, per_object))
    n_objects = dataset.sizes["object"]
    return [slice(start, min(start + step, n_objects)) for start in range(0, n_objects, step)]


def map_blocks(
    function: Callable[[LightcurveBlock], Result],
    dataset: xr.Dataset,
    measurement_keys: Sequence[str] | None = None,
    *,
    workers: int | None = None,
    block_values: int = BLOCK_VALUES,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Apply a function to every block of objects; results come in the order of the objects.

    Runs on the existing ``dask.distributed`` client if there is one, else in threads. No more
    blocks are in memory at a time than there are workers.

    Parameters
    ----------
    function : callable
        Takes a :class:`LightcurveBlock`. For a cluster it has to be picklable.
    dataset : xarray.Dataset
        As ``LightcurveStorage.dataset`` gives it.
    measurement_keys : sequence of str, optional
        By default all.
    workers : int, optional
        Threads; by default the number of cores.
    block_values : int
        About how many values a block has.
    progress : callable, optional
        Called with (objects done, objects in all).
    """
    n_measurements = None if measurement_keys is None else len(measurement_keys)
    blocks = object_blocks(dataset, n_measurements, block_values=block_values)
    scheduler, n_workers = _scheduler(workers)
    for start in range(0, len(blocks), n_workers):
        batch = blocks[start : start + n_workers]
        # As a partial, so that Dask does not look into the dataset and compute it.
        tasks = [
            dask.delayed(
                partial(_apply, function, dataset.isel(object=cut), cut, measurement_keys)
            )()
            for cut in batch
        ]
        yield from dask.compute(*tasks, **scheduler)
        if progress:
            progress(batch[-1].stop, dataset.sizes["object"])


def _apply(
    function: Callable[[LightcurveBlock], Result],
    part: xr.Dataset,
    objects: slice,
    measurement_keys: Sequence[str] | None,
) -> Result:
    return function(_read(part, objects, measurement_keys))


def _scheduler(workers: int | None) -> tuple[dict[str, Any], int]:
    try:
        from distributed import get_client  # noqa: PLC0415 (optional)

        client = get_client()
        threads: dict[str, int] = client.nthreads()  # type: ignore[no-untyped-call]
        return {"scheduler": client}, max(1, sum(threads.values()))
    except (ImportError, ValueError):
        n_workers = workers or os.cpu_count() or 1
        if n_workers == 1:
            return {"scheduler": "synchronous"}, 1
        return {"scheduler": "threads", "num_workers": n_workers}, n_workers
