"""The shards of one large array, read and written directly: standard Zarr, without its pipelines.

zarr-python takes about a millisecond for a read and a fifth of one for each chunk it writes, most
of it spent on scheduling. Here a chunk is one ``pread`` and one call of the codec, on the caller's
thread. A shard (codec ``sharding_indexed`` of the Zarr v3 specification) is its chunks one after the other
and at its end where they are: offset and length of each chunk in C order, and a CRC32C::

    chunk 0 | chunk 1 | ... | (offset, length) of chunk 0 | of chunk 1 | ... | CRC32C

A chunk is its values in C order through Blosc, and their CRC32C, which every read looks at. What
zarr-python makes of the same files is the test of this module.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import google_crc32c
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec
from zarr.codecs.sharding import ShardingCodecIndexLocation

from lc_pipeline.errors import StorageError
from lc_pipeline.storage.codecs import BLOSC
from lc_pipeline.storage.location import Location

CHECKSUM_BYTES = 4
ABSENT = np.iinfo(np.uint64).max

#: Along one axis: the number of a chunk, where its values go, and which of them.
_Part = tuple[int, "slice | NDArray[np.intp]", "slice | NDArray[np.intp]"]


class Shards:
    """One sharded array of a store. Shards are read once they are whole and never change then.

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
        shard = array.shards or array.chunks
        self.chunks_per_shard = tuple(a // b for a, b in zip(shard, self.chunk, strict=True))
        self._index_bytes = 16 * math.prod(self.chunks_per_shard) + CHECKSUM_BYTES
        self._indices: dict[tuple[int, ...], NDArray[np.uint64]] = {}
        if not _is_known(array):
            raise StorageError(
                f"{place}: its chunks are not coded as lc_pipeline codes them "
                f"(docs/format.md). Open the store with zarr or xarray."
            )

    @property
    def shard_bytes(self) -> int:
        """Bytes of a shard, uncompressed."""
        return math.prod(self.chunk) * math.prod(self.chunks_per_shard) * self.dtype.itemsize

    # ------------------------------------------------------------------ reading

    def read(
        self, selection: Sequence[NDArray[np.intp]], into: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Read the outer product of indices.

        Parameters
        ----------
        selection : sequence of (n,) array of int
            Indices along each axis, in any order.
        into : array, optional
            Where to put the values.

        Raises
        ------
        StorageError
            If a chunk is damaged.
        """
        found = np.empty([len(i) for i in selection], self.dtype) if into is None else into
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
        file = self._file(shard)
        index = self._index(shard, file)
        numbers = [self._number(part[0] for part in parts) for parts in chunks]
        ranges = [
            (int(index[n, 0]), int(index[n, 1]))
            for n in numbers
            if index is not None and index[n, 0] != ABSENT
        ]
        contents = iter(file.read_ranges(ranges) or () if ranges else ())
        for number, parts in zip(numbers, chunks, strict=True):
            target = _outer([part[1] for part in parts], found.shape)
            if index is None or index[number, 0] == ABSENT:
                found[target] = self.fill_value
                continue
            BLOSC.decode(_checked(next(contents), file), scratch)
            found[target] = scratch[_outer([part[2] for part in parts], scratch.shape)]

    def _index(self, shard: tuple[int, ...], file: Location) -> NDArray[np.uint64] | None:
        """Offset and length of each chunk; None if there is no such shard."""
        index = self._indices.get(shard)
        if index is None:
            contents = file.read_ranges([(-self._index_bytes, self._index_bytes)])
            if contents is None:
                return None
            index = _checked(contents[0], file).view("<u8").reshape(-1, 2)
            self._indices[shard] = index
        return index

    def _file(self, shard: tuple[int, ...]) -> Location:
        return self.place / "/".join(["c", *map(str, shard)])

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
        with file.create() as stream:
            for place, values in chunks:
                encoded = BLOSC.encode(values)
                stream.write(encoded)
                stream.write(_checksum(encoded))
                length = len(encoded) + CHECKSUM_BYTES
                index[self._number(place)] = end, length
                end += length
            stream.write(index.tobytes())
            stream.write(_checksum(index))
        return file


def _is_known(array: zarr.Array[Any]) -> bool:
    """Whether the chunks are C order, little-endian, Blosc, CRC32C, the index behind them."""
    codecs: Any = array.metadata.codecs  # type: ignore[union-attr]
    return (
        [type(codec) for codec in codecs] == [ShardingCodec]
        and [type(codec) for codec in codecs[0].codecs] == [BytesCodec, BloscCodec, Crc32cCodec]
        and [type(codec) for codec in codecs[0].index_codecs] == [BytesCodec, Crc32cCodec]
        and codecs[0].index_location == ShardingCodecIndexLocation.end
    )


def _checksum(contents: Any) -> bytes:
    return int(google_crc32c.value(contents)).to_bytes(CHECKSUM_BYTES, "little")


def _checked(contents: bytes, file: Location) -> NDArray[np.uint8]:
    """What stands before the checksum, if that agrees."""
    view = np.frombuffer(contents, np.uint8)[:-CHECKSUM_BYTES]
    if _checksum(view) != contents[-CHECKSUM_BYTES:]:
        raise StorageError(
            f"{file}: damaged (a checksum does not agree). 'lc-pipeline verify SURVEY' finds all "
            f"that is; damaged epochs can be ingested again, damaged light curves published again."
        )
    return view


def _parts(index: NDArray[np.intp], size: int) -> list[_Part]:
    """Group indices along an axis by the chunk that they are in.

    Examples
    --------
    >>> _parts(np.array([3, 4, 5]), 4)
    [(0, slice(0, 1, None), slice(3, 4, None)), (1, slice(1, 3, None), slice(0, 2, None))]
    """
    if len(index) == 1:
        number, place = divmod(int(index[0]), size)
        return [(number, slice(0, 1), slice(place, place + 1))]
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
        if (np.diff(within) == 1).all():
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
