"""Commands for the upkeep of the stores: their health, their versions, their size."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.markup import escape

from lc_pipeline.cli.common import err, json_option, out, print_json, survey_argument


@click.command("info")
@survey_argument
@json_option
def info_command(survey: Path, *, as_json: bool) -> None:
    """What the stores hold, whether all is well with them, and what to do if not.

    Quick: no values are read ('verify' does) and no catalogues ('ingest' does).

    \b
    Example:
      lc-pipeline info data/ey_uma --json
    """
    from lc_pipeline.cli.health import describe_stores, print_stores
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    if as_json:
        print_json(describe_stores(config))
    else:
        print_stores(config)


@click.command("versions")
@survey_argument
@json_option
def versions_command(survey: Path, *, as_json: bool) -> None:
    """List the published versions of the light curves; * is the current one.

    \b
    Example:
      lc-pipeline versions data/ey_uma
    """
    from lc_pipeline.ingest import object_storage
    from lc_pipeline.storage.snapshot import open_version
    from lc_pipeline.storage.versions import version_location
    from lc_pipeline.survey import SurveyConfig

    storage = object_storage(SurveyConfig.read(survey))
    current = storage.snapshot.version
    if as_json:
        print_json({"current": current, "versions": storage.versions})
        return
    for version in storage.versions:
        there = open_version(storage.location, version_location(storage.location, version))
        click.echo(
            f"{'*' if version == current else ' '} {version}  published "
            f"{there.attributes['created_at']}  {there.n_rows} epochs, {there.n_objects} objects"
        )


@click.command("rollback")
@survey_argument
@click.argument("version")
def rollback_command(survey: Path, version: str) -> None:
    """Make an older VERSION of the light curves current again.

    The next 'rechunk' publishes a new one with everything that the epoch store has.

    \b
    Example:
      lc-pipeline rollback data/ey_uma v000001
    """
    from lc_pipeline.ingest import object_storage
    from lc_pipeline.survey import SurveyConfig

    storage = object_storage(SurveyConfig.read(survey)).rollback(version)
    out.print(f"Version {storage.snapshot.version} is current.")


@click.command("compact")
@survey_argument
def compact_command(survey: Path) -> None:
    """Drop what does not count any more from the epoch store: superseded ingests, removed epochs.

    \b
    Example:
      lc-pipeline compact data/ey_uma
    """
    from lc_pipeline.ingest import epoch_storage
    from lc_pipeline.survey import SurveyConfig

    storage = epoch_storage(SurveyConfig.read(survey))
    before = storage.snapshot.n_rows
    if storage.compact():
        out.print(f"{before - storage.snapshot.n_rows} rows dropped that do not count any more.")
    else:
        out.print("Nothing to drop: every row counts.")


@click.command("verify")
@survey_argument
@json_option
def verify_command(survey: Path, *, as_json: bool) -> None:
    """Read everything back: checksums, counts, and that the two stores agree.

    \b
    Example:
      lc-pipeline verify data/ey_uma
    """
    from lc_pipeline.ingest import epoch_storage, object_storage
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    epochs, objects = epoch_storage(config), object_storage(config)
    if not epochs.location.exists():
        epochs.load_storage()  # says that there is none
    problems = epochs.verify(progress=not as_json)
    if objects.is_there:
        problems += objects.verify(epochs, progress=not as_json)
    if as_json:
        print_json({"problems": problems})
    elif not problems:
        compared = "both stores agree" if objects.is_there else "nothing is published yet"
        n_epochs = len(epochs.epoch_keys)
        out.print(f"All is well: {n_epochs} epochs, every checksum and count; {compared}.")
    for problem in problems:
        err.print(f"[bold red]damaged:[/] {escape(problem)}")
    if problems:
        sys.exit(1)
