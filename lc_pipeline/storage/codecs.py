"""How values are compressed: losslessly and checksummed. Blosc (lz4, level 1, bitshuffle), CRC32C.

Fast in both directions; what slower codecs gain in size is little, as most bits of photometry are
noise.
"""

from __future__ import annotations

from typing import Any, Final

import google_crc32c
from numcodecs import blosc
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec

NAME: Final = "lz4"
LEVEL = 1
CHECKSUM_BYTES = 4
#: CRC32C of anything that has its own CRC32C behind it.
RESIDUE = 0x48674BC7


def compressors() -> list[BloscCodec | Crc32cCodec]:
    """The codecs as zarr-python knows them."""
    return [BloscCodec(cname=NAME, clevel=LEVEL, shuffle="bitshuffle"), Crc32cCodec()]


def compress(values: NDArray[Any]) -> bytes:
    """Compress contiguous values; the checksum is the caller's to add."""
    encoded: bytes = blosc.compress(values, NAME.encode(), LEVEL, blosc.BITSHUFFLE)
    return encoded


def decompress(encoded: Any, into: NDArray[Any]) -> None:
    """Decompress into a contiguous array."""
    blosc.decompress(encoded, into)


def checksum(contents: Any) -> bytes:
    """CRC32C, as it stands behind a chunk and behind an index."""
    return int(google_crc32c.value(contents)).to_bytes(CHECKSUM_BYTES, "little")


def is_intact(contents: Any) -> bool:
    """Whether contents agree with the checksum behind them."""
    return bool(google_crc32c.value(contents) == RESIDUE)
