"""What all commands share: their errors, their arguments, how they print."""

from __future__ import annotations

import errno
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from lc_pipeline.errors import LightcurveError

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


class Commands(click.Group):
    """Turn the package's own errors into one clear message and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except LightcurveError as error:
            fail(str(error))
        except FileNotFoundError as error:
            fail(f"{error.filename}: there is no such file or folder")
        except BrokenPipeError:
            # The reader of our output (head, less) has gone: that is not our failure.
            sys.stderr.close()
            sys.exit(0)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            what_to_do = (
                ". Make room and run the command again; nothing is lost." if is_full else ""
            )
            fail(f"{where}{error.strerror or error}{what_to_do}")


class PositionCommand(click.Command):
    """A command that takes positions: ``-5.2`` is a declination and no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take numbers for arguments; click takes what begins with a minus sign for options."""
        ctx.ignore_unknown_options = any(re.match(r"-[.\d]", arg) for arg in args)
        return super().parse_args(ctx, args)


def fail(message: str) -> NoReturn:
    """Say why, and exit with 1."""
    err.print(f"[bold red]error:[/] {plain(message)}")
    sys.exit(1)


def plain(text: str) -> str:
    """Keep square brackets from being taken for styles."""
    return text.replace("[", r"\[")


def survey_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """SURVEY: a survey.toml, or the folder that has it."""
    return click.argument("survey", type=click.Path(exists=True, path_type=Path))(function)


def workers_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--workers: epochs side by side."""
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Read and match N epochs at a time.",
    )(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--json: for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(
        function
    )


def print_json(document: Any) -> None:
    """Print for programs."""
    click.echo(json.dumps(document, indent=1, allow_nan=False))


def first_few(names: list[str] | tuple[str, ...], n: int = 3) -> str:
    """Name a few of many: ``a, b, c, ...``."""
    return ", ".join(names[:n]) + (", ..." if len(names) > n else "")
