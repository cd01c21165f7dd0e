"""What belongs here: what surrounds the work of an asset that reads light curves."""

import contextlib
import time
from collections.abc import Iterator

import dagster as dg

from lc_pipeline.pipeline.resources import DaskResource
from lc_pipeline.pipeline.retrying import patiently


@contextlib.contextmanager
def at_work(context: dg.AssetExecutionContext, dask: DaskResource | None = None) -> Iterator[None]:
    """Work that is timed, goes to Dask where one is configured, and is tried again if it may help.

    Parameters
    ----------
    context : AssetExecutionContext
        Is told how many seconds it took.
    dask : DaskResource, optional
        For work that ``map_blocks`` does: it takes the current client by itself.
    """
    started = time.monotonic()
    with patiently(context.retry_number), dask.client() if dask else contextlib.nullcontext():
        yield
    context.add_output_metadata({"seconds": round(time.monotonic() - started, 3)})
