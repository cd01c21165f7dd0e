"""Claims about reading and writing chunks directly: what NumPy and zarr-python say of the same."""

import numpy as np
import pytest
import zarr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lc_pipeline.storage.codecs import compressors
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.shards import Shards

SHAPE, CHUNK, SHARD = (11, 3, 7), (2, 2, 3), (4, 4, 6)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """An array whose ends are within chunks and within shards, and what is in it."""
    folder = tmp_path_factory.mktemp("array")
    array = zarr.create_array(
        folder, shape=SHAPE, chunks=CHUNK, shards=SHARD, dtype="float32", compressors=compressors()
    )
    values = np.random.default_rng(1).normal(size=SHAPE).astype("float32")
    shards = Shards(array, Location(folder))
    for first in np.ndindex(*(-(-n // size) for n, size in zip(SHAPE, SHARD, strict=True))):
        begin = [number * size for number, size in zip(first, SHARD, strict=True)]
        end = [start + size for start, size in zip(begin, SHARD, strict=True)]
        shards.write(begin, values[tuple(map(slice, begin, end))])
    return shards, values


def along(length):
    """Indices along an axis: a slice, or numbers in any order, some of them again and again."""
    numbers = st.lists(st.integers(0, length - 1), min_size=1, max_size=length)
    cut = st.tuples(st.integers(0, length), st.integers(0, length))
    return st.one_of(
        cut.map(lambda ends: slice(min(ends), max(ends))),
        numbers.map(lambda chosen: np.array(chosen, dtype=np.intp)),
    )


@settings(max_examples=150)
@example((slice(0, 2), slice(0, 2), np.array([3, 3, 5])))
@given(selection=st.tuples(*map(along, SHAPE)))
def test_any_outer_product_of_indices_is_that_of_numpy(written, selection):
    shards, values = written
    indices = [np.arange(length)[index] for index, length in zip(selection, SHAPE, strict=True)]
    np.testing.assert_array_equal(shards.read(selection), values[np.ix_(*indices)])


def test_zarr_python_reads_what_was_written_in_pieces(written):
    shards, values = written
    np.testing.assert_array_equal(zarr.open_array(shards.place.path, mode="r")[...], values)
