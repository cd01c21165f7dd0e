"""From epochs to objects: ours, its peers, and the least that it can take."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.making import (
    CORES,
    Size,
    epoch_array,
    fresh,
    n_files,
    object_array,
    zarr_array,
)
from benchmarks.watch import Watch

N_SLICE = 500


def rechunk_ours(folder: Path, size: Size) -> dict[str, float]:
    """Values, flags and separations, verified, synced to disk and published."""
    from lc_pipeline import LightcurveStorage

    del size
    storage = LightcurveStorage(folder / "epochs").load_storage()
    target = fresh(folder, "objects")
    watch = Watch()
    storage.rechunk_to_object_optimized(target, progress=False)
    return watch.read() | {"files": n_files(target)}


def rechunk_ours_values_only(folder: Path, size: Size) -> dict[str, float]:
    """The work that the others do: values only, not compared, not synced to disk."""
    from lc_pipeline import LightcurveStorage
    from lc_pipeline.storage import location, rechunk

    del size
    rechunk.ARRAYS = rechunk.ARRAYS[:1]
    rechunk.verify_sample = lambda *_: None
    location._sync = location._sync_folder = lambda _: None  # noqa: SLF001
    storage = LightcurveStorage(folder / "epochs").load_storage()
    target = fresh(folder, "values")
    watch = Watch()
    storage.rechunk_to_object_optimized(target, progress=False)
    return watch.read() | {"files": n_files(target)}


def rechunk_dask(folder: Path, size: Size) -> dict[str, float]:
    """dask.array.rechunk and to_zarr; values only."""
    import dask.array as da

    source = epoch_array(folder)
    target = fresh(folder, "dask")
    watch = Watch()
    lazy = da.from_array(source, chunks=(32, *source.shape[1:])).transpose(3, 1, 2, 0)
    lazy.rechunk((2048, size.n_measurements, 2, 512)).to_zarr(str(target))
    return watch.read() | {"files": n_files(target)}


def rechunk_xarray(folder: Path, size: Size) -> dict[str, float]:
    """Xarray chunk and to_zarr; values only."""
    import dask.array as da
    import xarray as xr

    source = epoch_array(folder)
    target = fresh(folder, "xarray")
    watch = Watch()
    lazy = da.from_array(source, chunks=(32, *source.shape[1:]))
    array = xr.DataArray(lazy, dims=("epoch", "measurement", "value", "object"), name="x")
    array = array.transpose("object", "measurement", "value", "epoch")
    array.chunk(object=2048, measurement=size.n_measurements, value=2, epoch=512).to_zarr(target)
    return watch.read() | {"files": n_files(target)}


def rechunk_tensorstore(folder: Path, size: Size) -> dict[str, float]:
    """Tensorstore, shard by shard, two at a time, into the layout that we write; values only."""
    import tensorstore

    source, target = epoch_array(folder), fresh(folder, "tensorstore")
    ours = object_array(folder)
    zarr_array(target, ours)
    n_blocks = ours.shape[0] // ours.shards[0] + 1, ours.shape[-1] // ours.shards[-1] + 1
    watch = Watch()

    def opened(path: str) -> Any:
        kvstore = {"driver": "file", "path": path}
        return tensorstore.open({"driver": "zarr3", "kvstore": kvstore}).result()

    rows = opened(str(source.store_path).removeprefix("file://"))
    shards = opened(str(target))
    del size

    def copy(place: tuple[int, int]) -> None:
        objects, epochs = (
            slice(number * length, min((number + 1) * length, whole))
            for number, length, whole in zip(
                place,
                (ours.shards[0], ours.shards[-1]),
                (ours.shape[0], ours.shape[-1]),
                strict=True,
            )
        )
        if objects.start < objects.stop and epochs.start < epochs.stop:
            block = rows[epochs, ..., objects].read().result()
            shards[objects, ..., epochs].write(block.transpose(3, 1, 2, 0)).result()

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(copy, np.ndindex(n_blocks)))
    return watch.read() | {"files": n_files(target)}


def rechunk_one_chunk_per_object(folder: Path, size: Size) -> dict[str, float]:
    """Write one file per object with zarr-python; a few objects, scaled; nothing is read."""
    import zarr

    shape = (N_SLICE, size.n_measurements, 2, size.n_epochs)
    values = np.random.default_rng(3).normal(18, 1, shape).astype("float32")
    target = fresh(folder, "per-object")
    watch = Watch()
    array = zarr.create_array(target, shape=shape, chunks=(1, *shape[1:]), dtype="float32")
    array[...] = values
    scaled = {name: value * size.n_objects / N_SLICE for name, value in watch.read().items()}
    return scaled | {"files": size.n_objects}


def rechunk_floor(folder: Path, size: Size) -> dict[str, float]:
    """Copying the store, and decoding and encoding all its chunks with the bare codec."""
    import zarr
    from numcodecs import Blosc, blosc

    del size
    source, target = folder / "epochs", fresh(folder, "copy")
    watch = Watch()
    shutil.copytree(source, target)
    found = watch.read()
    # One thread for each chunk, as many chunks at a time as there are cores.
    blosc.use_threads = False
    bare = Blosc(cname="lz4", clevel=1, shuffle=Blosc.BITSHUFFLE)
    group = zarr.open_group(next((source / "versions").glob("v*.zarr")), mode="r")
    for name in ("lightcurves", "flags", "separation"):
        array: Any = group[name]
        times = []
        for row in np.linspace(0, array.shape[0] - 1, 32).astype(int).tolist():
            chunk = np.ascontiguousarray(array[row][..., : array.chunks[-1]])
            decoded = np.empty_like(chunk)
            start = time.perf_counter()
            bare.decode(bare.encode(chunk), decoded)
            times.append(time.perf_counter() - start)
        n_chunks = array.shape[0] * array.shape[-1] / array.chunks[-1]
        codec = float(np.median(times)) * n_chunks
        found["seconds"] += codec / CORES
        found["processor"] += codec
    return found | {"files": n_files(target)}
