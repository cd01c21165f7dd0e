"""Progress of long work: a bar for people, a callback for programs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

#: Called with (done, in all).
Progress = Callable[[int, int], None]


@contextlib.contextmanager
def progress_bar(
    text: str,
    progress: bool | Progress = True,  # noqa: FBT001, FBT002
    console: Console | None = None,
) -> Iterator[Progress]:
    """Give a callback that draws a bar on standard error, or the one that was given.

    Nothing is drawn where standard error is not a terminal (a log, a test).

    Parameters
    ----------
    text : str
        What is being done.
    progress : bool or callable
        True draws a bar, False does nothing, a callable is handed through.
    console : rich.console.Console, optional
        Where to draw; what else is printed there appears above the bar.
    """
    if callable(progress):
        yield progress
        return
    console = console or Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    is_drawn = progress and (console.is_terminal or console.is_jupyter)
    with Bar(*columns, console=console, disable=not is_drawn, transient=True) as bar:
        task = bar.add_task(text, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report
