"""How chunks are compressed, and which codec pipeline does it.

``zarrs`` (Rust) reads and writes the same files as zarr-python's own pipeline, several times
faster, but it writes in place. So it may read anything, and write only what nobody can be reading
yet: a row that is not committed, a version that is not published. Where it is not installed
zarr-python's own pipeline does the work.
"""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from collections.abc import Iterator
from functools import cache

import zarr
from zarr.codecs import BloscCodec, Crc32cCodec


def compressors() -> list[BloscCodec | Crc32cCodec]:
    """Lossless and checksummed: Blosc (lz4, level 1, bitshuffle), then CRC32C."""
    return [BloscCodec(cname="lz4", clevel=1, shuffle="bitshuffle"), Crc32cCodec()]


@cache
def fast_pipeline_is_installed() -> bool:
    """Whether the ``fast`` extra (zarrs) is there."""
    return importlib.util.find_spec("zarrs") is not None


# Zarr's configuration belongs to the whole process, and two threads that set it and put it back
# in turns would leave the one's setting behind for good.
_configuring = threading.RLock()


@contextlib.contextmanager
def fast_pipeline() -> Iterator[None]:
    """Arrays opened in this context use the fast pipeline, if it is installed.

    One thread at a time: open arrays in it, and do nothing that takes long.
    """
    if fast_pipeline_is_installed():
        with _configuring, zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
            yield
    else:
        yield
