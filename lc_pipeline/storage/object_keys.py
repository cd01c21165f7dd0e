"""Keys of the objects, found without a million of them being turned into Python strings."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numcodecs import VLenUTF8
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from lc_pipeline.errors import StorageError
from lc_pipeline.storage.codecs import CHECKSUM_BYTES, checksum
from lc_pipeline.storage.location import Location

#: So many keys are searched for before a table of all is made.
SEARCHES = 8


class ObjectKeys(BackendArray):
    """The coordinate ``object`` of a store, read when it is asked for.

    Parameters
    ----------
    place : Location
        Where the array is.
    n_objects : int
        Of the commit; there may be more on the disk.
    chunk : int
        Keys in a chunk, which is variable-length UTF-8 with a checksum.
    """

    def __init__(self, place: Location, n_objects: int, chunk: int) -> None:
        self.place = place
        self.shape = (n_objects,)
        self.dtype = np.dtype(object)
        self._size = chunk
        self._n_searches = 0
        self._decoded: dict[int, NDArray[Any]] = {}

    @cached_property
    def index(self) -> pd.Index:
        """All keys, and a table to find them in."""
        n_chunks = len(self._raw)
        keys = [self._chunk(number) for number in range(n_chunks)]
        values = np.concatenate(keys) if keys else np.empty(0, dtype=object)
        return pd.Index(values[: self.shape[0]], dtype=object)

    @property
    def values(self) -> NDArray[Any]:
        """All keys: ``(n_objects,)`` array of str objects."""
        return np.asarray(self.index)

    def find(self, key: str) -> int:
        """Number of the object with this key.

        Raises
        ------
        KeyError
            If there is none.
        """
        self._n_searches += 1
        if self._n_searches > SEARCHES or "index" in self.__dict__:
            return int(self.index.get_loc(key))
        encoded = key.encode()
        for number, raw in enumerate(self._raw):
            # A key stands behind its length. What only looks like one is in no decoded chunk.
            if len(encoded).to_bytes(4, "little") + encoded in raw:
                for place in np.flatnonzero(self._chunk(number) == key).tolist():
                    if (found := number * self._size + place) < self.shape[0]:
                        return int(found)
        raise KeyError(key)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read a selection (xarray's protocol for lazy arrays)."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Any:
        if np.ndim(key[0]) == 0 and not isinstance(key[0], slice):
            number, place = divmod(int(key[0]) % self.shape[0], self._size)
            return np.asarray(self._chunk(number)[place], dtype=object)
        return self.values[key]

    @cached_property
    def _raw(self) -> list[bytes]:
        """The chunks as they are on disk, checked, without their checksums."""
        chunks = []
        for number in range(-(-self.shape[0] // self._size)):
            contents = (self.place / f"c/{number}").read_bytes() or b""
            if checksum(contents[:-CHECKSUM_BYTES]) != contents[-CHECKSUM_BYTES:]:
                raise StorageError(
                    f"{self.place}: cannot be read: damaged (c/{number} is missing, or its "
                    f"checksum does not agree). 'lc-pipeline verify SURVEY' tells what else is"
                )
            chunks.append(contents[:-CHECKSUM_BYTES])
        return chunks

    def _chunk(self, number: int) -> NDArray[Any]:
        if number not in self._decoded:
            self._decoded[number] = VLenUTF8().decode(self._raw[number])
        return self._decoded[number]
