"""Pure planning of the two stores: shapes of chunks and shards, tasks, memory. No I/O.

On disk the epoch store has the epoch first and the object last, the object store the reverse::

    epoch store   (epoch, measurement, value, object)     one row = one shard = one file
                   row 0  [ block 0 | block 1 | ... ]
                   row 1  [ block 0 | block 1 | ... ]
                              |
                              v   one task = one object block of one epoch segment
    object store  (object, measurement, value, epoch)
                   block 0 [ segment 0 | segment 1 | ... ]   one shard = one file each
                   block 1 [ segment 0 | segment 1 | ... ]

A task reads the same inner chunk of many rows and writes one whole shard, so that no two tasks
touch one file, nothing is kept in between, and memory is workers x one block.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ITEM_BYTES = 4  # float32
TASK_BYTES = 128 * 2**20
SEGMENT = 512
SMALLEST_SEGMENT = 16
SMALLEST_BLOCK = 16
READ_CHUNK_BYTES = 32 * 2**10
MOST_OBJECTS_PER_CHUNK = 64
COORDINATE_ROWS = 4096
RECORD_ROWS = 512
COORDINATE_OBJECTS = 2**16
COPIES_PER_TASK = 1.25


@dataclass(frozen=True)
class EpochLayout:
    """How one row of the epoch store is cut along the object axis."""

    object_block: int
    """Objects in an inner chunk; also the objects in a shard of the object store."""
    capacity: int
    """Objects that a shard has room for: objects may be added without a second file per epoch."""


@dataclass(frozen=True)
class ObjectLayout:
    """How the object store is cut."""

    object_block: int
    """Objects in a shard."""
    segment: int
    """Epochs in a shard, and in an inner chunk."""

    def objects_per_chunk(self, bytes_per_epoch: int) -> int:
        """Objects in an inner chunk; divides `object_block`.

        Few, because who reads one object reads its chunk; as many as are read about as fast.

        Parameters
        ----------
        bytes_per_epoch : int
            What an object takes in one epoch, in the array in question.

        Examples
        --------
        >>> ObjectLayout(object_block=12_544, segment=512).objects_per_chunk(16)
        4
        """
        most = max(1, READ_CHUNK_BYTES // (bytes_per_epoch * self.segment))
        chunk = min(_floor_power_of_two(most), MOST_OBJECTS_PER_CHUNK)
        return math.gcd(chunk, self.object_block)


@dataclass(frozen=True)
class RechunkTask:
    """One output shard: these objects, these epochs."""

    objects: slice
    epochs: slice


def plan_epoch_layout(
    n_objects: int, n_measurements: int, n_values: int, *, task_bytes: int = TASK_BYTES
) -> EpochLayout:
    """Cut the object axis so that one task of the rechunk stays within `task_bytes`.

    Blocks are of one size, because a shard that is half empty costs as much as a full one.

    Parameters
    ----------
    n_objects, n_measurements, n_values : int
        Shape of one epoch.
    task_bytes : int
        Bytes of one block of one full epoch segment.

    Examples
    --------
    The IRAC Dark Field, and a night of a 40-star field:

    >>> plan_epoch_layout(47_000, 32, 2)
    EpochLayout(object_block=1024, capacity=94208)
    >>> plan_epoch_layout(41, 1, 2)
    EpochLayout(object_block=64, capacity=1088)
    """
    per_object = n_measurements * n_values * SEGMENT * ITEM_BYTES
    step = MOST_OBJECTS_PER_CHUNK
    if step * per_object > task_bytes:
        step = SMALLEST_BLOCK
    most = max(step, task_bytes // per_object // step * step)
    n_blocks = -(-n_objects // most)
    block = -(-n_objects // (n_blocks * step)) * step
    return EpochLayout(block, block * -(-max(2 * n_objects, n_objects + 1000) // block))


def plan_object_layout(n_epochs: int, object_block: int) -> ObjectLayout:
    """Cut the object store into shards of whole object blocks.

    A short history is one segment; from 512 epochs on segments are 512 long, so that a new epoch
    touches the last one only.

    Examples
    --------
    >>> plan_object_layout(94, object_block=64)
    ObjectLayout(object_block=64, segment=96)
    >>> plan_object_layout(1200, object_block=1024)
    ObjectLayout(object_block=1024, segment=512)
    """
    segment = min(SEGMENT, -(-max(n_epochs, 1) // SMALLEST_SEGMENT) * SMALLEST_SEGMENT)
    return ObjectLayout(object_block, segment)


def rechunk_tasks(n_objects: int, n_epochs: int, layout: ObjectLayout) -> Iterator[RechunkTask]:
    """Every shard of the object store once.

    Examples
    --------
    >>> [task.objects for task in rechunk_tasks(10, 5, ObjectLayout(8, 16))]
    [slice(0, 8, None), slice(8, 10, None)]
    """
    for objects, epochs in itertools.product(
        cuts(n_objects, layout.object_block), cuts(n_epochs, layout.segment)
    ):
        yield RechunkTask(objects, epochs)


def unchanged_segments(before: Sequence[str], after: Sequence[str], segment: int) -> list[int]:
    """Numbers of the epoch segments that hold the same ingests in two versions.

    Parameters
    ----------
    before, after : sequence of str
        Which ingest stands at each place of the epoch axis.
    segment : int
        Epochs in a segment.

    Examples
    --------
    >>> unchanged_segments("abcde", "abcdef", segment=2)
    [0, 1]
    """
    pairs = zip(cuts(len(before), segment), cuts(len(after), segment), strict=False)
    return [
        number for number, (old, new) in enumerate(pairs) if list(before[old]) == list(after[new])
    ]


def plan_workers(shard_bytes: int, n_workers: int, memory_limit: int | None) -> int:
    """How many shards may be made at a time within a memory limit.

    A task holds its block as read; what is turned round and written is much less at a time.

    Parameters
    ----------
    shard_bytes : int
        Uncompressed size of the largest shard.
    n_workers : int
        As many as there may be.
    memory_limit : int or None
        Bytes.

    Raises
    ------
    ValueError
        If one task alone needs more than the limit.

    Examples
    --------
    >>> plan_workers(100, 4, memory_limit=300)
    2
    """
    if memory_limit is None:
        return n_workers
    needed = math.ceil(COPIES_PER_TASK * shard_bytes)
    if needed > memory_limit:
        raise ValueError(
            f"memory_limit: one shard needs {needed / 1e6:.0f} MB, and the limit is "
            f"{memory_limit / 1e6:.0f} MB"
        )
    return min(n_workers, memory_limit // needed)


def cuts(length: int, size: int) -> list[slice]:
    """Cut an axis: ``cuts(5, 2) => slice(0, 2), slice(2, 4), slice(4, 5)``."""
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


def runs(rows: NDArray[np.intp], longest: int | None = None) -> list[tuple[slice, slice]]:
    """Group ascending row numbers into runs: pairs of (where they go, what to read).

    Parameters
    ----------
    rows : (n,) array of int
    longest : int, optional
        Cut runs longer than this.

    Examples
    --------
    >>> runs(np.array([3, 4, 5, 9]))
    [(slice(0, 3, None), slice(3, 6, None)), (slice(3, 4, None), slice(9, 10, None))]
    """
    if not len(rows):
        return []
    starts = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1)
    stops = np.append(starts[1:], len(rows))
    return [
        (slice(first, last), slice(int(rows[first]), int(rows[last - 1]) + 1))
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
        for first in range(start, stop, longest or len(rows))
        for last in [min(stop, first + (longest or len(rows)))]
    ]


def _floor_power_of_two(number: int) -> int:
    return 1 << (number.bit_length() - 1)
