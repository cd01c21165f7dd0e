"""From epochs to objects: build a version of the object store, verify it, publish it."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import zarr
from dask import compute, delayed
from dask.callbacks import Callback
from numpy.typing import NDArray

from lc_pipeline._version import __version__
from lc_pipeline.errors import StorageError
from lc_pipeline.progress import Progress
from lc_pipeline.storage.codecs import fast_pipeline
from lc_pipeline.storage.commit import commit
from lc_pipeline.storage.dataset import epoch_coordinates
from lc_pipeline.storage.epoch_log import reference_columns
from lc_pipeline.storage.layout import (
    COORDINATE_OBJECTS,
    ObjectLayout,
    RechunkTask,
    cuts,
    plan_object_layout,
    plan_workers,
    rechunk_tasks,
    runs,
    unchanged_segments,
)
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.model import (
    ARRAYS,
    CONVENTIONS,
    FORMAT_VERSION,
    ArrayModel,
    create_array,
    create_coordinate,
    dims_on_disk,
)
from lc_pipeline.storage.snapshot import Snapshot, open_snapshot
from lc_pipeline.storage.versions import (
    next_version,
    publish,
    remove_old_versions,
    staging_location,
)

LAYOUT = "object"
N_VERIFIED = 8
CACHE_LINE = 64  # bytes
STRIP = 256  # objects
ROWS_AT_A_TIME = 64


def rechunk(
    snapshot: Snapshot,
    output: Location,
    *,
    progress: Progress | None = None,
    n_workers: int | None = None,
    memory_limit: int | None = None,
) -> str:
    """Build and publish a version of the object store from one commit of the epoch store.

    Parameters
    ----------
    snapshot : Snapshot
        What to publish; later commits do not matter.
    output : Location
        The object store.
    progress : callable, optional
        Called with (shards done, shards in all).
    n_workers : int, optional
        Threads; by default one per core, 4 at most.
    memory_limit : int, optional
        Bytes that the blocks in work may take together; fewer threads work at a time then.

    Returns
    -------
    str
        Id of the version that is now current.

    Raises
    ------
    StorageError
        If the epoch store is empty, the memory limit is too low, or the verification fails;
        nothing is published then.
    """
    if not len(snapshot.rows):
        raise StorageError(f"{snapshot.location}: there are no epochs to publish yet")
    with output.writer_lock():
        version = next_version(output)
        staging = staging_location(output, version)
        staging.remove()
        layout = plan_object_layout(
            len(snapshot.rows),
            len(snapshot.measurement_keys),
            len(snapshot.value_names),
            snapshot.object_block,
        )
        _create(staging, snapshot, layout)
        pairs = _array_pairs(snapshot, staging)
        try:
            n_workers = plan_workers(
                max(
                    math.prod(target.shards or target.shape) * target.dtype.itemsize
                    for _, _, target in pairs
                ),
                n_workers or min(os.cpu_count() or 1, 4),
                memory_limit,
            )
        except ValueError as error:
            raise StorageError(f"{snapshot.location}: {error}") from error
        taken_over = _take_over(output, snapshot, layout, staging)
        tasks = [
            task
            for task in rechunk_tasks(snapshot.n_objects, len(snapshot.rows), layout)
            if task.epochs.start // layout.segment not in taken_over
        ]
        _run(
            [delayed(_copy_shard)(pairs, snapshot.rows, task) for task in tasks],
            progress,
            n_workers,
        )
        _verify(snapshot, pairs)
        commit(staging)
        publish(output, version)
        remove_old_versions(output)
    return version


def _create(staging: Location, snapshot: Snapshot, layout: ObjectLayout) -> None:
    """Create the version with all its coordinates; the large arrays are still empty."""
    group = zarr.create_group(
        staging.zarr_store(read_only=False),
        attributes={
            "Conventions": CONVENTIONS,
            "radesys": "ICRS",
            "lc_pipeline": snapshot.attributes
            | {
                "format": FORMAT_VERSION,
                "layout": LAYOUT,
                "objects_per_chunk": layout.objects_per_chunk,
                "segment": layout.segment,
                "created_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                "created_by": f"lc_pipeline {__version__}",
            },
        },
    )
    for name, column in reference_columns(snapshot.reference).items():
        create_coordinate(group, name, ("object",), column, chunk=COORDINATE_OBJECTS)
    for name in ("measurement", "quantity", "unit"):
        create_coordinate(group, name, ("measurement",), np.asarray(snapshot.group[name][...]))  # type: ignore[index]
    create_coordinate(group, "value", ("value",), list(snapshot.value_names))
    for name, (column, attributes) in epoch_coordinates(snapshot.current_records).items():
        create_coordinate(group, name, ("epoch",), column, attributes=attributes)
    lines = [record.to_json() for record in snapshot.current_records]
    create_coordinate(group, "record", ("epoch",), lines)
    sizes = {
        "object": snapshot.n_objects,
        "measurement": len(snapshot.measurement_keys),
        "value": len(snapshot.value_names),
        "epoch": len(snapshot.rows),
    }
    shard = sizes | {"object": layout.object_block, "epoch": layout.segment}
    chunk = shard | {"object": layout.objects_per_chunk}
    for model in ARRAYS:
        if model.name in snapshot.group:
            create_array(group, model, model.dims, sizes, chunk=chunk, shard=shard)


def _array_pairs(
    snapshot: Snapshot, staging: Location
) -> list[tuple[ArrayModel, zarr.Array[Any], zarr.Array[Any]]]:
    """Each array of the model: where it comes from, where it goes."""
    with fast_pipeline():
        target = zarr.open_group(staging.zarr_store(read_only=False), mode="r+")
        return [
            (model, snapshot.group[model.name], target[model.name])  # type: ignore[misc]
            for model in ARRAYS
            if model.name in target
        ]


def _shard_bytes(array: zarr.Array[Any]) -> int:
    return math.prod(array.shards or array.shape) * array.dtype.itemsize


def _take_over(
    output: Location, snapshot: Snapshot, layout: ObjectLayout, staging: Location
) -> set[int]:
    """Link the shards of segments that the current version has already; give their numbers."""
    try:
        current = open_snapshot(output)
    except StorageError:
        return set()
    before, after = current.attributes, snapshot.attributes
    is_alike = (
        current.layout == LAYOUT
        and current.n_objects == snapshot.n_objects
        and current.measurement_keys == snapshot.measurement_keys
        and current.value_names == snapshot.value_names
        and before["object_block"] == after["object_block"]
        and before["segment"] == layout.segment
        and before["objects_per_chunk"] == layout.objects_per_chunk
        and [model.name in current.group for model in ARRAYS]
        == [model.name in snapshot.group for model in ARRAYS]
    )
    if not is_alike:
        return set()
    numbers = unchanged_segments(current.ingest_ids, snapshot.ingest_ids, layout.segment)
    n_blocks = len(cuts(snapshot.n_objects, layout.object_block))
    for model in ARRAYS:
        for block, number in itertools.product(range(n_blocks), numbers):
            # The axes between objects and epochs are not cut.
            key = "/".join(["c", str(block), *["0"] * (len(model.dims) - 2), str(number)])
            (current.place / model.name / key).link_file_to(staging / model.name / key)
    return set(numbers)


def _copy_shard(
    pairs: Sequence[tuple[ArrayModel, zarr.Array[Any], zarr.Array[Any]]],
    rows: NDArray[np.intp],
    task: RechunkTask,
) -> None:
    """Read one block of objects of many rows, turn it round, write it as one shard."""
    wanted = rows[task.epochs]
    order = np.argsort(wanted)
    n_objects = task.objects.stop - task.objects.start
    for model, source, target in pairs:
        # One cache line more than the objects: where rows lie a power of two apart, the cache
        # keeps few of them, and turning the block round takes three times as long.
        width = n_objects + CACHE_LINE // source.dtype.itemsize
        block = np.empty((len(wanted), *source.shape[1:-1], width), dtype=source.dtype)
        block = block[..., :n_objects]
        for place, run in runs(wanted[order], ROWS_AT_A_TIME):
            block[order[place]] = source[(run, ..., task.objects)]
        on_disk = dims_on_disk(source)
        turned = _turn(block, [on_disk.index(dim) for dim in model.dims])
        target[(task.objects, ..., task.epochs)] = turned


def _turn(block: NDArray[Any], axes: list[int]) -> NDArray[Any]:
    """Transpose into contiguous memory, a strip of objects (the last axis) at a time.

    Without a contiguous copy the codecs would read the array one stride at a time.
    """
    turned = np.empty([block.shape[axis] for axis in axes], dtype=block.dtype)
    for strip in cuts(block.shape[-1], STRIP):
        turned[strip] = block[..., strip].transpose(axes)
    return turned


def _run(tasks: list[Any], progress: Progress | None, n_workers: int) -> None:
    """Compute on threads: the codecs release the interpreter's lock."""
    done = 0

    def count(key: object, *_: object) -> None:
        nonlocal done
        del key
        done += 1
        if progress:
            progress(min(done, len(tasks)), len(tasks))

    if progress:
        progress(0, len(tasks))
    with Callback(posttask=count):
        compute(
            *tasks,
            scheduler="threads",
            num_workers=n_workers,
            optimize_graph=False,
        )


def _verify(
    snapshot: Snapshot,
    pairs: Sequence[tuple[ArrayModel, zarr.Array[Any], zarr.Array[Any]]],
) -> None:
    """Compare a sample in the two stores: objects and epochs spread over the whole."""
    objects = _spread(snapshot.n_objects)
    epochs = _spread(len(snapshot.rows))
    for model, source, target in pairs:
        on_disk = dims_on_disk(source)
        axes = [on_disk.index(dim) for dim in model.dims]
        for number in objects:
            one = slice(number, number + 1)
            published = np.asarray(target[one])
            for epoch in epochs:
                row = int(snapshot.rows[epoch])
                expected = np.asarray(source[(slice(row, row + 1), ..., one)]).transpose(axes)
                found = published[..., epoch : epoch + 1]
                if not np.array_equal(expected, found, equal_nan=model.dtype == "float32"):
                    raise StorageError(
                        f"{snapshot.location}: {model.name} of object number {number} in epoch "
                        f"{snapshot.current_records[epoch].epoch!r} differs between the epoch "
                        f"store and the version just built; nothing was published. Check the "
                        f"disk and the memory of this machine, and run rechunk again."
                    )


def _spread(length: int) -> list[int]:
    """Up to N_VERIFIED numbers from the first to the last of an axis."""
    return sorted(set(np.linspace(0, length - 1, N_VERIFIED).astype(int).tolist()))
