"""From epochs to objects: build a version of the object store, verify it, publish it."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import numpy as np
import zarr
from dask import compute, delayed, threaded
from dask.callbacks import Callback
from numpy.typing import NDArray

from lc_pipeline.errors import StorageError
from lc_pipeline.progress import Progress
from lc_pipeline.storage.commit import commit
from lc_pipeline.storage.dataset import epoch_coordinates
from lc_pipeline.storage.layout import (
    ObjectLayout,
    RechunkTask,
    cuts,
    plan_object_layout,
    plan_workers,
    rechunk_tasks,
    unchanged_segments,
)
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.model import (
    ARRAYS,
    ArrayModel,
    create_array,
    create_coordinate,
)
from lc_pipeline.storage.new_store import StoreAxes, create_group
from lc_pipeline.storage.shards import Shards
from lc_pipeline.storage.snapshot import Snapshot, open_snapshot
from lc_pipeline.storage.verify import verify_sample
from lc_pipeline.storage.versions import (
    next_version,
    publish,
    remove_old_versions,
    staging_location,
)

LAYOUT = "object"
CACHE_LINE = 64  # bytes
STRIP_BYTES = 2**21

#: An array, where it comes from and where it goes.
Pair = tuple[ArrayModel, Shards, Shards]


@dataclass
class _Shared:
    """What the workers of one rechunk share."""

    disk: ThreadPoolExecutor
    """Syncs what is written, while the workers go on."""
    synced: list[Future[None]] = field(default_factory=list)
    buffers: SimpleQueue[NDArray[np.uint8]] = field(default_factory=SimpleQueue)
    """Memory for blocks, one for each worker."""


def rechunk(
    snapshot: Snapshot,
    output: Location,
    *,
    progress: Progress | None = None,
    n_workers: int | None = None,
    memory_limit: int | None = None,
    is_anew: bool = False,
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
    is_anew : bool
        Write everything, and take nothing over from the version before.

    Returns
    -------
    str
        Id of the version that is now current.

    Raises
    ------
    StorageError
        If the epoch store is empty or damaged, the memory limit is too low, or the verification
        fails; nothing is published then.
    """
    if not len(snapshot.rows):
        raise StorageError(f"{snapshot.location}: there are no epochs to publish yet")
    _refuse_lost_rows(snapshot)
    with output.writer_lock():
        version = next_version(output)
        staging = staging_location(output, version)
        staging.remove()
        with staging.removed_on_failure():
            _build(snapshot, output, staging, progress, n_workers, memory_limit, is_anew=is_anew)
        publish(output, version)
        remove_old_versions(output)
    return version


def _refuse_lost_rows(snapshot: Snapshot) -> None:
    """Raise StorageError if an epoch's values are gone: to Zarr they would be missing values."""
    shards = {name: snapshot.shards(name) for name in ("flags", "lightcurves")}
    for row, record in zip(snapshot.rows.tolist(), snapshot.current_records, strict=True):
        for name, array in shards.items():
            # An epoch without any value may have no file of values.
            is_needed = name == "flags" or any(record.n_values.values())
            if is_needed and array is not None and not array.has_shard(row):
                raise StorageError(
                    f"{snapshot.location}: the {name} of epoch {record.epoch!r} are gone (row "
                    f"{row}); nothing was published. Ingest it again (ingest --force --epoch), or "
                    f"remove it."
                )


def _build(
    snapshot: Snapshot,
    output: Location,
    staging: Location,
    progress: Progress | None,
    n_workers: int | None,
    memory_limit: int | None,
    *,
    is_anew: bool,
) -> None:
    """Build and verify a version in a place of its own."""
    layout = plan_object_layout(len(snapshot.rows), snapshot.object_block)
    group = _create(staging, snapshot, layout)
    pairs = _array_pairs(snapshot, group, staging)
    try:
        n_workers = plan_workers(
            _block_bytes(pairs, layout),
            n_workers or min(os.cpu_count() or 1, 4),
            memory_limit,
        )
    except ValueError as error:
        raise StorageError(f"{snapshot.location}: {error}") from error
    taken_over = set() if is_anew else _take_over(output, snapshot, group, staging)
    tasks = [
        task
        for task in rechunk_tasks(snapshot.n_objects, len(snapshot.rows), layout)
        if task.epochs.start // layout.segment not in taken_over
    ]
    with ThreadPoolExecutor(1) as disk:
        shared = _Shared(disk)
        # Memory that has been used before is half of the speed.
        for _ in range(min(n_workers, len(tasks))):
            shared.buffers.put(np.empty(_block_bytes(pairs, layout), dtype=np.uint8))
        _run(
            [delayed(_copy_shard)(pairs, snapshot.rows, task, shared) for task in tasks],
            progress,
            n_workers,
        )
        for synced in shared.synced:
            synced.result()
    if not snapshot.place.has_group():
        raise StorageError(
            f"{snapshot.place}: this version was removed by a clean-up while it was read; nothing "
            f"was published. Run rechunk again."
        )
    verify_sample(snapshot, group)
    commit(staging)


def _create(staging: Location, snapshot: Snapshot, layout: ObjectLayout) -> zarr.Group:
    """Create the version with all its coordinates; the large arrays are still empty."""
    group = create_group(
        staging,
        StoreAxes(
            snapshot.reference,
            snapshot.measurement_keys,
            snapshot.quantities,
            snapshot.units,
            snapshot.value_names,
        ),
        snapshot.attributes
        | {
            "layout": LAYOUT,
            "segment": layout.segment,
            "created_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        },
    )
    for name, (column, attributes) in epoch_coordinates(snapshot.current_records).items():
        create_coordinate(group, name, ("epoch",), column, attributes=attributes)
    lines = [record.to_json() for record in snapshot.current_records]
    create_coordinate(group, "record", ("epoch",), lines)
    sizes = snapshot.sizes | {"epoch": len(snapshot.rows)}
    shard = sizes | {"object": layout.object_block, "epoch": layout.segment}
    for model in ARRAYS:
        if model.name in snapshot.group:
            per_epoch = math.prod(sizes[dim] for dim in model.dims[1:-1])
            n_objects = layout.objects_per_chunk(per_epoch * np.dtype(model.dtype).itemsize)
            chunk = shard | {"object": n_objects}
            create_array(group, model, model.dims, sizes, chunk=chunk, shard=shard)
    return group


def _array_pairs(snapshot: Snapshot, target: zarr.Group, staging: Location) -> list[Pair]:
    """Each array of the model: where it comes from, where it goes."""
    return [
        (model, source, Shards(target[model.name], staging / model.name))  # type: ignore[arg-type]
        for model in ARRAYS
        if (source := snapshot.shards(model.name))
    ]


def _take_over(
    output: Location, snapshot: Snapshot, group: zarr.Group, staging: Location
) -> set[int]:
    """Link the shards of segments that the current version has already; give their numbers."""
    try:
        current = open_snapshot(output)
    except StorageError:
        return set()
    arrays: Any = dict(group.arrays())
    large: list[Any] = [arrays[model.name] for model in ARRAYS if model.name in arrays]
    is_alike = (
        current.layout == LAYOUT
        and current.measurement_keys == snapshot.measurement_keys
        and current.value_names == snapshot.value_names
        and [_cut(current.group.get(model.name)) for model in ARRAYS]
        == [_cut(arrays.get(model.name)) for model in ARRAYS]
    )
    if not is_alike:
        return set()
    segment = large[0].shards[-1]
    numbers = unchanged_segments(current.ingest_ids, snapshot.ingest_ids, segment)
    for array in large:
        n_blocks = len(cuts(array.shape[0], array.shards[0]))
        for block, number in itertools.product(range(n_blocks), numbers):
            # The axes between objects and epochs are not cut.
            key = "/".join(["c", str(block), *["0"] * (array.ndim - 2), str(number)])
            name = array.basename
            (current.place / name / key).link_file_to(staging / name / key)
    return set(numbers)


def _cut(array: Any) -> tuple[Any, ...] | None:
    """How an array of the object store is cut, its epochs apart; None if there is none."""
    return None if array is None else (array.shape[:-1], array.chunks, array.shards)


def _row_items(source: Shards) -> int:
    """Values of one row's chunks for a block of objects."""
    return math.prod(source.shape[1:-1]) * source.chunk[-1]


def _block_bytes(pairs: Sequence[Pair], layout: ObjectLayout) -> int:
    """Bytes of the largest block of a task."""
    return max(
        layout.segment * (_row_items(source) * source.dtype.itemsize + CACHE_LINE)
        for _, source, _ in pairs
    )


def _block(buffer: NDArray[np.uint8], source: Shards, n_epochs: int) -> NDArray[Any]:
    """Lay out a block in memory: many rows, each whole, so that chunks are decompressed into it.

    Rows are one cache line further apart than they need be: where they lie a power of two apart,
    the cache keeps few of them, and turning the block round takes three times as long.
    """
    n_items = _row_items(source)
    rows = buffer.view(source.dtype)[: n_epochs * (n_items + CACHE_LINE // source.dtype.itemsize)]
    block = rows.reshape(n_epochs, -1)[:, :n_items]
    return block.reshape(n_epochs, *source.shape[1:-1], source.chunk[-1])


def _copy_shard(
    pairs: Sequence[Pair], rows: NDArray[np.intp], task: RechunkTask, shared: _Shared
) -> None:
    """Read one block of objects of many rows, turn it round, write it as one shard."""
    wanted = rows[task.epochs]
    n_objects = task.objects.stop - task.objects.start
    buffer = shared.buffers.get()
    try:
        for model, source, target in pairs:
            block = _block(buffer, source, len(wanted))
            whole = [slice(0, length) for length in source.shape[1:-1]]
            # The whole chunk, though the last one ends behind the last object.
            objects = slice(task.objects.start, task.objects.start + block.shape[-1])
            source.read([wanted, *whole, objects], into=block)
            axes = [source.dims.index(dim) for dim in model.dims]
            chunks = _turned(block[..., :n_objects].transpose(axes), target, task)
            place = (
                task.objects.start // target.shard[0],
                *[0] * (block.ndim - 2),
                task.epochs.start // target.shard[-1],
            )
            file = target.write_shard(place, chunks)
            shared.synced.append(shared.disk.submit(file.sync_file))
    finally:
        shared.buffers.put(buffer)


def _turned(
    block: NDArray[Any], target: Shards, task: RechunkTask
) -> Iterator[tuple[tuple[int, ...], NDArray[Any]]]:
    """Cut a block into chunks, in contiguous memory, a strip of objects at a time.

    A strip is as much as the cache holds: wide enough to read whole cache lines of the block.
    """
    per_chunk = target.chunk[0]
    n_objects, n_epochs = block.shape[0], block.shape[-1]
    n_chunks = max(1, STRIP_BYTES // (math.prod(target.chunk) * target.dtype.itemsize))
    # Behind the last object and the last epoch the fill value stays.
    strip = np.full(
        (n_chunks * per_chunk, *target.chunk[1:]), target.fill_value, dtype=target.dtype
    )
    for cut in cuts(n_objects, len(strip)):
        length = cut.stop - cut.start
        strip[:length, ..., :n_epochs] = block[cut]
        strip[length:] = target.fill_value
        for start in range(0, length, per_chunk):
            number = (task.objects.start + cut.start + start) // per_chunk
            place = (number, *[0] * (block.ndim - 2), task.epochs.start // target.chunk[-1])
            yield place, strip[start : start + per_chunk]


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
            scheduler=threaded.get,  # the name "threads" makes dask import distributed
            num_workers=n_workers,
            optimize_graph=False,
        )
