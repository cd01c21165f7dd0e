"""Claims about the choice of the codec pipeline."""

import time
from concurrent.futures import ThreadPoolExecutor

import zarr

from lc_pipeline.storage.codecs import fast_pipeline, fast_pipeline_is_installed

SETTING = "codec_pipeline.path"


def test_threads_that_open_arrays_leave_the_configuration_as_it_was():
    before = zarr.config.get(SETTING)

    def open_something(number):
        with fast_pipeline():
            time.sleep(0.001 * (number % 3))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(open_something, range(64)))
    assert zarr.config.get(SETTING) == before


def test_only_what_is_opened_in_the_context_uses_the_fast_pipeline():
    assert fast_pipeline_is_installed()
    before = zarr.config.get(SETTING)
    with fast_pipeline():
        assert "zarrs" in zarr.config.get(SETTING)
    assert zarr.config.get(SETTING) == before
