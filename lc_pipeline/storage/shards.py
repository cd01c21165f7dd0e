"""The shards of one large array, read and written directly: standard Zarr, without its pipelines.

zarr-python takes about a millisecond for a read and a fifth of one for each chunk it writes, most
of it spent on scheduling. Here a chunk is one ``pread`` and one call of the codec, on the caller's
thread. A shard (codec ``sharding_indexed`` of the Zarr v3 specification) is its chunks one after
the other and at its end where they are: offset and length of each chunk in C order, and a CRC32C::

    chunk 0 | chunk 1 | ... | (offset, length) of chunk 0 | of chunk 1 | ... | CRC32C

A chunk is its values in C order through Blosc, and their CRC32C, which every read looks at. What
zarr-python makes of the same files is the test of this module.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec
from zarr.codecs.sharding import ShardingCodecIndexLocation

from lc_pipeline.errors import StorageError
from lc_pipeline.storage.codecs import CHECKSUM_BYTES, checksum, compress, decompress
from lc_pipeline.storage.location import Location

ABSENT = np.iinfo(np.uint64).max

#: Along one axis: the number of a chunk, where its values go, and which of them.
_Part = tuple[int, "slice | NDArray[np.intp]", "slice | NDArray[np.intp]"]


class Shards:
    """One sharded array of a store.

    A shard is read when it is whole, and never changes from then on: its index is kept.

    Parameters
    ----------
    array : zarr.Array
        Its metadata are used, as they are now.
    place : Location
        Where the array is.

    Raises
    ------
    StorageError
        If its chunks are not coded as this module codes them.
    """

    def __init__(self, array: zarr.Array[Any], place: Location) -> None:
        self.place = place
        self.shape = array.shape
        self.dims = tuple(str(name) for name in array.metadata.dimension_names or ())  # type: ignore[union-attr]
        self.dtype = np.dtype(array.dtype)
        self.fill_value = array.fill_value
        self.chunk = array.chunks
        self.shard = array.shards or array.chunks
        self.chunks_per_shard = tuple(a // b for a, b in zip(self.shard, self.chunk, strict=True))
        self._index_bytes = 16 * math.prod(self.chunks_per_shard) + CHECKSUM_BYTES
        self._opened: dict[tuple[int, ...], tuple[str, NDArray[np.uint64] | None]] = {}
        if not _is_known(array):
            raise StorageError(
                f"{place}: its chunks are not coded as lc_pipeline codes them "
                f"(docs/format.md). Open the store with zarr or xarray."
            )

    # ------------------------------------------------------------------ reading

    def read(
        self, selection: Sequence[slice | NDArray[np.intp]], into: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Read the outer product of indices.

        Parameters
        ----------
        selection : sequence of slice or (n,) array of int
            Indices along each axis: from ``start`` to ``stop``, or in any order.
        into : array, optional
            Where to put the values.

        Raises
        ------
        StorageError
            If a chunk is damaged.
        """
        found = into
        if found is None:
            found = np.empty(
                [i.stop - i.start if isinstance(i, slice) else len(i) for i in selection],
                self.dtype,
            )
        axes = [_parts(index, size) for index, size in zip(selection, self.chunk, strict=True)]
        wanted: dict[tuple[int, ...], list[tuple[_Part, ...]]] = {}
        for parts in itertools.product(*axes):
            wanted.setdefault(self._shard(part[0] for part in parts), []).append(parts)
        scratch = np.empty(self.chunk, self.dtype)
        for shard, chunks in wanted.items():
            self._read_shard(shard, chunks, found, scratch)
        return found

    def _read_shard(
        self,
        shard: tuple[int, ...],
        chunks: list[tuple[_Part, ...]],
        found: NDArray[Any],
        scratch: NDArray[Any],
    ) -> None:
        """Read some chunks of one shard into their places."""
        file, index = self._opened.get(shard) or self._open(shard)
        numbers = [self._number(part[0] for part in parts) for parts in chunks]
        ranges = [
            (int(index[n, 0]), int(index[n, 1]))
            for n in numbers
            if index is not None and index[n, 0] != ABSENT
        ]
        contents = self.place.read_ranges(file, ranges) if ranges else None
        # A shard that has gone meanwhile is like one that never was; whoever asks looks why.
        remaining = iter(contents or ())
        for number, parts in zip(numbers, chunks, strict=True):
            target = _outer([part[1] for part in parts], found.shape)
            if index is None or contents is None or index[number, 0] == ABSENT:
                found[target] = self.fill_value
                continue
            decompress(self._checked(next(remaining), file), scratch)
            found[target] = scratch[_outer([part[2] for part in parts], scratch.shape)]

    def _open(self, shard: tuple[int, ...]) -> tuple[str, NDArray[np.uint64] | None]:
        """Find a shard's file, and offset and length of each chunk; None if there is no shard."""
        file = self._file(shard)
        contents = self.place.read_ranges(file, [(-self._index_bytes, self._index_bytes)])
        if contents is None:
            return file, None
        opened = file, self._checked(contents[0], file).view("<u8").reshape(-1, 2)
        self._opened[shard] = opened
        return opened

    def _checked(self, contents: bytes, file: str) -> NDArray[np.uint8]:
        """What stands before the checksum, if that agrees."""
        view = np.frombuffer(contents, np.uint8)[:-CHECKSUM_BYTES]
        if checksum(view) != contents[-CHECKSUM_BYTES:]:
            raise StorageError(
                f"{self.place / file}: cannot be read: damaged (a checksum does not agree). "
                f"'lc-pipeline verify SURVEY' tells what else is; damaged epochs can be ingested "
                f"again, damaged light curves published again."
            )
        return view

    def _file(self, shard: tuple[int, ...]) -> str:
        return "/".join(["c", *map(str, shard)])

    def _shard(self, chunk: Iterable[int]) -> tuple[int, ...]:
        """Which shard a chunk is in, from its place in the array."""
        return tuple(place // n for place, n in zip(chunk, self.chunks_per_shard, strict=True))

    def _number(self, chunk: Iterable[int]) -> int:
        """Place of a chunk in its shard's index, from its place in the array."""
        number = 0
        for place, n in zip(chunk, self.chunks_per_shard, strict=True):
            number = number * n + place % n
        return number

    # ------------------------------------------------------------------ writing

    def write(self, first: Sequence[int], values: NDArray[Any]) -> None:
        """Write whole shards in place: ones that nobody can be reading yet.

        Parameters
        ----------
        first : sequence of int
            Where the values begin, at a shard's beginning.
        values : array
            To the end of a shard or of the array along every axis.
        """
        grids = [
            range(start // size, -(-(start + length) // size))
            for start, length, size in zip(first, values.shape, self.chunk, strict=True)
        ]
        places: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for place in itertools.product(*grids):
            places.setdefault(self._shard(place), []).append(place)

        def chunk(place: tuple[int, ...]) -> NDArray[Any]:
            piece = values[
                tuple(
                    slice(number * size - start, (number + 1) * size - start)
                    for number, size, start in zip(place, self.chunk, first, strict=True)
                )
            ]
            whole = np.full(self.chunk, self.fill_value, self.dtype)
            whole[tuple(map(slice, piece.shape))] = piece
            return whole

        for shard, of_shard in places.items():
            self.write_shard(shard, ((place, chunk(place)) for place in of_shard))

    def write_shard(
        self, shard: tuple[int, ...], chunks: Iterable[tuple[tuple[int, ...], NDArray[Any]]]
    ) -> Location:
        """Write one whole shard in place: one that nobody can be reading yet.

        Parameters
        ----------
        shard : tuple of int
            Which, along each axis.
        chunks : iterable of (tuple of int, array)
            Place of a chunk in the array, in chunks along each axis, and its values, whole (where
            the array ends within the chunk, with anything behind). Others are absent: fill values.

        Returns
        -------
        Location
            The file.
        """
        index = np.full((math.prod(self.chunks_per_shard), 2), ABSENT, "<u8")
        file = self._file(shard)
        end = 0
        with (self.place / file).create() as stream:
            for place, values in chunks:
                encoded = compress(values)
                stream.write(encoded)
                stream.write(checksum(encoded))
                length = len(encoded) + CHECKSUM_BYTES
                index[self._number(place)] = end, length
                end += length
            stream.write(index.tobytes())
            stream.write(checksum(index))
        return self.place / file


def _is_known(array: zarr.Array[Any]) -> bool:
    """Whether the chunks are C order, little-endian, Blosc, CRC32C, the index behind them."""
    codecs: Any = array.metadata.codecs  # type: ignore[union-attr]
    return (
        [type(codec) for codec in codecs] == [ShardingCodec]
        and [type(codec) for codec in codecs[0].codecs] == [BytesCodec, BloscCodec, Crc32cCodec]
        and [type(codec) for codec in codecs[0].index_codecs] == [BytesCodec, Crc32cCodec]
        and codecs[0].index_location == ShardingCodecIndexLocation.end
    )


def _parts(index: slice | NDArray[np.intp], size: int) -> list[_Part]:
    """Group indices along an axis by the chunk that they are in.

    Examples
    --------
    >>> _parts(slice(3, 6), 4)
    [(0, slice(0, 1, None), slice(3, 4, None)), (1, slice(1, 3, None), slice(0, 2, None))]
    >>> _parts(np.array([5, 3, 4]), 4)
    [(0, array([1]), slice(3, 4, None)), (1, array([2, 0]), slice(0, 2, None))]
    """
    if isinstance(index, slice):
        start, stop = index.start, index.stop
        return [
            (
                number,
                slice(max(number * size, start) - start, min((number + 1) * size, stop) - start),
                slice(max(0, start - number * size), min(size, stop - number * size)),
            )
            for number in range(start // size, -(-stop // size))
        ]
    if not len(index):
        return []
    order = None
    if (index[1:] < index[:-1]).any():
        order = np.argsort(index, kind="stable")
        index = index[order]
    numbers = index // size
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    parts: list[_Part] = []
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(index)], strict=True):
        number = int(numbers[start])
        within: Any = index[start:stop] - number * size
        if len(within) == 1 or (np.diff(within) == 1).all():
            within = slice(int(within[0]), int(within[-1]) + 1)
        target = slice(start, stop) if order is None else order[start:stop]
        parts.append((number, target, within))
    return parts


def _outer(places: list[Any], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Index an outer product: slices as they are, arrays crossed with each other."""
    if sum(not isinstance(place, slice) for place in places) <= 1:
        return tuple(places)
    return np.ix_(
        *(
            np.arange(*place.indices(length)) if isinstance(place, slice) else place
            for place, length in zip(places, shape, strict=True)
        )
    )
