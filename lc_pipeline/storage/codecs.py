"""How values are compressed: losslessly and checksummed."""

from __future__ import annotations

from numcodecs import Blosc
from zarr.codecs import BloscCodec, Crc32cCodec

#: Fast in both directions; the small loss in size against slower codecs is noise of the photometry.
BLOSC = Blosc(cname="lz4", clevel=1, shuffle=Blosc.BITSHUFFLE)


def compressors() -> list[BloscCodec | Crc32cCodec]:
    """The same for zarr-python: Blosc (lz4, level 1, bitshuffle), then CRC32C."""
    return [BloscCodec(cname="lz4", clevel=1, shuffle="bitshuffle"), Crc32cCodec()]
