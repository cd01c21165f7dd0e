"""What belongs here: what is tried again, and what is not.

Concept: https://docs.dagster.io/guides/build/ops/op-retries
"""

import contextlib
from collections.abc import Iterator

import dagster as dg

from lc_pipeline.errors import LightcurveError

MAX_RETRIES = 3
FIRST_DELAY_SECONDS = 10


@contextlib.contextmanager
def patiently(n_tried: int) -> Iterator[None]:
    """Try again, later and later, what may pass by itself: a file server that is away.

    What is wrong with the data or the settings stays wrong, and fails at once with its message.

    Parameters
    ----------
    n_tried : int
        How many times it was tried before.
    """
    try:
        yield
    except (OSError, LightcurveError) as error:
        if isinstance(error, OSError) or isinstance(error.__cause__, OSError):
            delay = FIRST_DELAY_SECONDS * 2**n_tried
            raise dg.RetryRequested(MAX_RETRIES, seconds_to_wait=delay) from error
        raise dg.Failure(str(error), allow_retries=False) from error
