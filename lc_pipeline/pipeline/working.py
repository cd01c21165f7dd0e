"""What belongs here: what surrounds the work of an asset that reads light curves."""

import contextlib
import time
from collections.abc import Iterator

import dagster as dg

from lc_pipeline.pipeline.resources import DaskResource
from lc_pipeline.pipeline.retrying import patiently
from lc_pipeline.progress import Progress


@contextlib.contextmanager
def at_work(
    context: dg.AssetExecutionContext,
    dask: DaskResource | None = None,
    *,
    output: str | None = None,
) -> Iterator[None]:
    """Work that is timed, goes to Dask where one is configured, and is tried again if it may help.

    Parameters
    ----------
    context : AssetExecutionContext
        Is told how many seconds it took.
    dask : DaskResource, optional
        For work that ``map_blocks`` does: it takes the current client by itself.
    output : str, optional
        Which of several outputs says how long it took.
    """
    started = time.monotonic()
    with patiently(context.retry_number), dask.client() if dask else contextlib.nullcontext():
        yield
    seconds = round(time.monotonic() - started, 3)
    context.add_output_metadata({"seconds": seconds}, output_name=output)


def logged(context: dg.OutputContext | dg.AssetExecutionContext, what: str) -> Progress:
    """Progress, as some ten lines of the run's log for each time that the work is gone through."""
    said = 0

    def report(done: int, total: int) -> None:
        nonlocal said
        tenth = 10 * done // max(total, 1)
        if tenth < said:
            said = 0
        if tenth > said:
            said = tenth
            context.log.info(f"{what}: {done} of {total}")

    return report
