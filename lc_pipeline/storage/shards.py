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
from collections.abc import Iterable, Iterator, Sequence
from operator import mod, mul
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec
from zarr.codecs.sharding import ShardingCodecIndexLocation

from lc_pipeline.errors import StorageError
from lc_pipeline.storage.codecs import CHECKSUM_BYTES, checksum, compress, decompress, is_intact
from lc_pipeline.storage.location import Location, PartReader

ABSENT = np.iinfo(np.uint64).max

#: Along one axis: what a chunk adds to its number in the shard, where its values go, and which.
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
        self._strides = [
            math.prod(self.chunks_per_shard[n:]) for n in range(1, len(self.chunk) + 1)
        ]
        self._indexes: dict[tuple[int, ...], NDArray[np.uint64]] = {}
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
            Indices along each axis: from ``start`` to ``stop``, or in any order. Behind the end of
            the array are fill values, as far as its last chunk goes.
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
        axes = [
            _parts(index, size, n, stride)
            for index, size, n, stride in zip(
                selection, self.chunk, self.chunks_per_shard, self._strides, strict=True
            )
        ]
        scratch = np.empty(self.chunk, self.dtype)
        with self.place.reader() as reader:
            for shard in itertools.product(*axes):
                parts = [axis[number] for axis, number in zip(axes, shard, strict=True)]
                self._read_shard(shard, itertools.product(*parts), found, scratch, reader)
        return found

    def has_shard(self, first: int) -> bool:
        """Whether the shard at a place along the first axis, the first along the others, exists."""
        return self.place.has(self._file((first, *[0] * (len(self.shape) - 1))))

    def _read_shard(
        self,
        shard: tuple[int, ...],
        chunks: Iterable[tuple[_Part, ...]],
        found: NDArray[Any],
        scratch: NDArray[Any],
        reader: PartReader,
    ) -> None:
        """Read some chunks of one shard into their places."""
        file = self._file(shard)
        # A shard that has gone meanwhile is like one that never was; whoever asks looks why.
        is_there = reader.open(file)
        index = self._index(shard, file, reader) if is_there else None
        for parts in chunks:
            numbers, places, within = zip(*parts, strict=True)
            target = _outer(places, found.shape)
            start, length = (ABSENT, 0) if index is None else index[sum(numbers)].tolist()
            if start == ABSENT:
                found[target] = self.fill_value
                continue
            encoded = self._checked(reader.read(start, length), file)
            if [*map(type, places + within)].count(slice) == 2 * len(parts):
                into = found[target]
                if into.shape == self.chunk and into.flags.c_contiguous:
                    decompress(encoded, into)
                    continue
            decompress(encoded, scratch)
            found[target] = scratch[_outer(within, scratch.shape)]

    def _index(self, shard: tuple[int, ...], file: str, reader: PartReader) -> NDArray[np.uint64]:
        """Offset and length of each chunk of a shard, which is open."""
        if shard not in self._indexes:
            contents = reader.read(-self._index_bytes, self._index_bytes)
            self._indexes[shard] = self._checked(contents, file).copy().view("<u8").reshape(-1, 2)
        return self._indexes[shard]

    def _checked(self, contents: NDArray[np.uint8], file: str) -> NDArray[np.uint8]:
        """What stands before the checksum, if that agrees."""
        if not is_intact(contents):
            raise StorageError(
                f"{self.place / file}: cannot be read: damaged (a checksum does not agree). "
                f"'lc-pipeline verify SURVEY' tells what else is; damaged epochs can be ingested "
                f"again (ingest --force), damaged light curves published again (rechunk --force)."
            )
        return contents[:-CHECKSUM_BYTES]

    def _file(self, shard: tuple[int, ...]) -> str:
        return "c/" + "/".join(map(str, shard))

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
            shard = tuple(p // n for p, n in zip(place, self.chunks_per_shard, strict=True))
            places.setdefault(shard, []).append(place)

        def chunk(place: tuple[int, ...]) -> NDArray[Any]:
            piece = values[
                tuple(
                    slice(number * size - start, (number + 1) * size - start)
                    for number, size, start in zip(place, self.chunk, first, strict=True)
                )
            ]
            if piece.shape == self.chunk:
                return np.ascontiguousarray(piece)
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
                within = map(mod, place, self.chunks_per_shard)
                index[sum(map(mul, within, self._strides))] = end, length
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


def _parts(
    index: slice | NDArray[np.intp], size: int, n_per_shard: int, stride: int
) -> dict[int, list[_Part]]:
    """Group indices along an axis by the shard and the chunk that they are in.

    Parameters
    ----------
    index : slice or (n,) array of int
    size : int
        Length of a chunk.
    n_per_shard : int
        Chunks in a shard.
    stride : int
        How far apart neighbouring chunks are in a shard's index.

    Examples
    --------
    >>> _parts(slice(3, 6), 4, 2, 1)
    {0: [(0, slice(0, 1, None), slice(3, 4, None)), (1, slice(1, 3, None), slice(0, 2, None))]}
    >>> _parts(np.array([5, 3, 4]), 4, 1, 1)
    {0: [(0, slice(1, 2, None), slice(3, 4, None))], 1: [(0, array([2, 0]), slice(0, 2, None))]}
    """
    parts: dict[int, list[_Part]] = {}
    for number, target, within in _chunks(index, size):
        shard, place = divmod(number, n_per_shard)
        parts.setdefault(shard, []).append((place * stride, target, within))
    return parts


def _chunks(index: slice | NDArray[np.intp], size: int) -> Iterator[_Part]:
    """Which chunks indices along an axis are in: number, where values go, which of them."""
    if isinstance(index, slice):
        start, stop = index.start, index.stop
        for number in range(start // size, -(-stop // size)):
            first, last = max(number * size, start), min((number + 1) * size, stop)
            yield (
                number,
                slice(first - start, last - start),
                slice(first - number * size, last - number * size),
            )
        return
    if not len(index):
        return
    order = None
    if (index[1:] < index[:-1]).any():
        order = np.argsort(index, kind="stable")
        index = index[order]
    numbers, within = np.divmod(index, size)
    n_breaks = np.cumsum(np.diff(index, prepend=index[0]) != 1)
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    stops = np.append(starts[1:], len(index))
    is_run = n_breaks[starts] == n_breaks[stops - 1]
    for number, start, stop, first, is_slice in zip(
        *(a.tolist() for a in (numbers[starts], starts, stops, within[starts], is_run)), strict=True
    ):
        target: Any = slice(start, stop)
        if order is not None:
            target = order[start:stop]
            if stop - start == 1:
                target = slice(int(target[0]), int(target[0]) + 1)
        yield number, target, slice(first, first + stop - start) if is_slice else within[start:stop]


def _outer(places: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Index an outer product: slices as they are, arrays crossed with each other."""
    if [*map(type, places)].count(slice) >= len(places) - 1:
        return places
    return np.ix_(
        *(
            np.arange(*place.indices(length)) if isinstance(place, slice) else place
            for place, length in zip(places, shape, strict=True)
        )
    )
