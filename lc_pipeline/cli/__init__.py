"""``lc-pipeline``: light curves from the command line.

Exit codes: 0 done, 1 failed (also when an epoch was refused), 2 wrong usage.

``making``, ``looking``, ``studying`` and ``upkeep`` have the commands by theme, with their options
and their help texts. What is slow to import they import when they run, so that help and wrong
usage are answered at once; what they do with it stands in ``steps``, ``tables``, ``findings`` and
``health``.
"""

from __future__ import annotations

import click

from lc_pipeline._version import __version__
from lc_pipeline.cli import looking, making, studying, upkeep
from lc_pipeline.cli.common import Commands

__all__ = ["main"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lc-pipeline")
def main() -> None:
    """Light curves from catalogues: every object, all epochs.

    \b
    From catalogue files to a light curve:
      lc-pipeline init --from night1.fits night2.fits > survey.toml
      lc-pipeline run survey.toml
      lc-pipeline objects survey.toml
      lc-pipeline lightcurve survey.toml J090220.76+494909.3 -o star.png

    SURVEY is a survey.toml, or the folder that has one.
    """


for theme in (making, looking, studying, upkeep):
    for command in vars(theme).values():
        if isinstance(command, click.Command):
            main.add_command(command)
