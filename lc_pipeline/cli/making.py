"""Commands that make light curves: from catalogue files to a publication."""

from __future__ import annotations

import re
from pathlib import Path

import click
from rich.markup import escape

from lc_pipeline.cli.common import (
    command,
    err,
    fail,
    json_option,
    out,
    print_json,
    survey_argument,
    workers_option,
)

_CATALOGUE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("init")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=_CATALOGUE)
@click.option(
    "--from", "first", multiple=True, metavar="FILE...", type=_CATALOGUE, help="The same."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="SURVEY",
    help="Write it there; by default it is printed.",
)
@click.option("--name", help="Name of the survey; by default that of the field or the folder.")
@click.option("--force", is_flag=True, help="Replace SURVEY if it is there.")
def init_command(
    files: tuple[Path, ...],
    first: tuple[Path, ...],
    output: Path | None,
    name: str | None,
    *,
    force: bool,
) -> None:
    """Write a first survey.toml from looking at catalogue files.

    Give files of several epochs: what differs in their names is the epoch, and what is shared by
    their rows tells how to match them. The notes say what was recognised, and what is left TO DO.

    \b
    Examples:
      lc-pipeline init --from night1.fits night2.fits -o survey.toml
      lc-pipeline init epochs/*.cat > survey.toml
    """
    if not files and not first:
        raise click.UsageError("name one or several catalogue files: --from FILE...")
    if output and output.exists() and not force:
        fail(f"{output} is there already; --force replaces it")
    if output and not output.parent.is_dir():
        fail(f"{output}: there is no folder {output.parent}")
    from lc_pipeline.draft import draft_survey

    draft = draft_survey([*first, *files], name=name, folder=output.parent if output else ".")
    if output:
        output.write_text(draft.text, encoding="utf-8")
    else:
        click.echo(draft.text, nl=False)
    for note in draft.notes:
        style = "bold yellow" if note in draft.to_do else "dim"
        err.print(f"  [{style}]{escape(note)}[/]")
    if output:
        err.print(escape(f"Next: read {output}, then {command('run', output)}"))


@click.command("split")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=_CATALOGUE)
@click.option(
    "--by",
    required=True,
    metavar="COLUMN",
    help="What is the same for all rows of an epoch: its number, its name, its time.",
)
@click.option(
    "--gap-minutes",
    type=click.FloatRange(min=0, min_open=True),
    metavar="M",
    help="COLUMN is a time in days; an epoch ends where the next row is later by more than this.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for the catalogues.",
)
def split_command(
    files: tuple[Path, ...], by: str, gap_minutes: float | None, folder: Path
) -> None:
    """Cut a table of all detections into one catalogue for each epoch.

    For archives that give light curves, or one table of a whole survey. When the table has grown,
    run it again: catalogues that are the same stay as they are.

    \b
    Examples:
      lc-pipeline split detections.csv --by visit -o epochs
      lc-pipeline split lightcurves.parquet --by mjd --gap-minutes 30 -o epochs
    """
    from lc_pipeline.catalogs.splitting import split_by_epoch
    from lc_pipeline.progress import progress_bar

    with progress_bar("epochs", console=err) as progress:
        report = split_by_epoch(files, by, folder, gap_minutes=gap_minutes, progress=progress)
    n_epochs = len(report.written) + len(report.unchanged)
    out.print(
        escape(
            f"{report.n_rows} rows in {n_epochs} epochs: {len(report.written)} catalogues written "
            f"to {folder}, {len(report.unchanged)} were there just so"
        )
    )
    first = (*report.written, *report.unchanged)[0]
    err.print(
        escape(f"Next: lc-pipeline init --from {first.parent}/*{first.suffix} -o survey.toml")
    )


@click.command("simulate")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--objects", "n_objects", metavar="N", help="Default 300.")
@click.option("--epochs", "n_epochs", metavar="N", help="Default 60.")
@click.option("--bands", metavar="g,r,i", help="Default g,r.")
@click.option("--seed", metavar="S", help="The same seed gives the same survey. Default 1.")
@click.option("--format", metavar="FORMAT", help="fits (default), ecsv, csv or parquet.")
@click.option("--layout", metavar="LAYOUT", help="All bands in 'columns' (default), or in 'files'.")
@click.option("--center", metavar="RA,DEC", help="Of the field, degrees. Default 150,2.2.")
@click.option("--radius-arcmin", metavar="R", help="Half the side of the field. Default 10.")
@click.option("--variables", metavar="FRACTION", help="Of the objects. Default 0.09.")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any setting of lc_pipeline.simulate.Simulation, e.g. clouds=0; repeatable.",
)
@click.option("--with-measurements", is_flag=True, help="Write the truth of every value as well.")
@click.option("--workers", type=click.IntRange(min=1), default=1, help="Processes. Default 1.")
def simulate_command(
    folder: Path,
    others: tuple[str, ...],
    *,
    with_measurements: bool,
    workers: int,
    **options: str | None,
) -> None:
    """Write a simulated survey with a known truth into the new folder DIR.

    Constant and variable stars, clouds, shifted epochs, blends, spoiled, missing and spurious
    detections: catalogues, a survey.toml, and what is true of them.

    \b
    Examples:
      lc-pipeline simulate demo && lc-pipeline run demo
      lc-pipeline simulate pole --center 0,90 --epochs 200 --set cadence=dense --set blends=0
    """
    from lc_pipeline.progress import progress_bar
    from lc_pipeline.simulate import Simulation, simulate_survey

    settings = Simulation.from_texts(options, others)
    with progress_bar("epochs", console=err) as progress:
        truth = simulate_survey(
            folder, settings, measurements=with_measurements, workers=workers, progress=progress
        )
    for line in truth.summary():
        out.print(escape(line))


@click.command("ingest")
@survey_argument
@click.option(
    "--epoch", "epochs", multiple=True, metavar="KEY", help="Only this epoch; repeatable."
)
@click.option("--force", is_flag=True, help="Ingest unchanged epochs again.")
@workers_option
@json_option
def ingest_command(
    survey: Path, epochs: tuple[str, ...], *, force: bool, workers: int, as_json: bool
) -> None:
    """Read and match new or changed epochs into the epoch store.

    \b
    Example:
      lc-pipeline ingest data/ey_uma --epoch 001 --epoch 002
    """
    from lc_pipeline.cli import steps
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    report = steps.ingest_epochs(config, epochs, force=force, workers=workers, quiet=as_json)
    if as_json:
        print_json(steps.report_as_json(report))
    steps.exit_for(report)


@click.command("rechunk")
@survey_argument
@click.option(
    "--force",
    is_flag=True,
    help="Publish even if nothing is new, and write everything anew: after damage.",
)
@json_option
def rechunk_command(survey: Path, *, force: bool, as_json: bool) -> None:
    """Publish the light curves: build the object store from the epoch store.

    \b
    Example:
      lc-pipeline rechunk data/ey_uma
    """
    from lc_pipeline.cli import steps
    from lc_pipeline.survey import SurveyConfig

    steps.publish_lightcurves(SurveyConfig.read(survey), force=force, as_json=as_json)


@click.command("run")
@survey_argument
@workers_option
@click.option("--no-analysis", is_flag=True, help="Stop when the light curves are published.")
@json_option
def run_command(survey: Path, *, workers: int, no_analysis: bool, as_json: bool) -> None:
    """Everything: ingest what is new, publish, find the variables, and write the report.

    \b
    Example:
      lc-pipeline run data/ey_uma
    """
    from lc_pipeline.cli import findings, health, steps
    from lc_pipeline.ingest import epoch_storage, object_storage, publish
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    report = steps.ingest_epochs(config, (), force=False, workers=workers, quiet=as_json)
    if not epoch_storage(config).epoch_keys:
        fail(f"{config.path}: no epoch could be ingested; see the reasons above")
    objects = publish(config, progress=not as_json) or object_storage(config)
    made = {} if no_analysis else findings.make(config, (), force=False, quiet=as_json)
    if as_json:
        found = {"analysis": findings.as_json(made)} if made else {}
        print_json(steps.report_as_json(report) | {"store": objects.get_storage_info()} | found)
    else:
        health.print_stores(config)
        first = str(objects.reference.key[0])
        if made:
            findings.print_candidates(made["variable_candidates"], 10)
            first = next(iter(made["variable_candidates"]["object"].tolist()), first)
        picture = re.sub(r"[^\w.+-]+", "_", first).lstrip("-") + ".png"
        out.print(escape(f"Next: {command('lightcurve', survey, first, '-o', picture)}"))
    steps.exit_for(report)


@click.command("add-objects")
@survey_argument
@json_option
def add_objects_command(survey: Path, *, as_json: bool) -> None:
    """Find objects that appeared later, and add them at the end of the reference.

    Objects that are there keep their place and their light curves. Run 'ingest' (or 'run')
    afterwards: it takes the epochs again, to fill in the new objects.

    \b
    Example:
      lc-pipeline add-objects data/ey_uma && lc-pipeline run data/ey_uma
    """
    from lc_pipeline.ingest import add_objects
    from lc_pipeline.progress import progress_bar
    from lc_pipeline.survey import SurveyConfig

    with progress_bar("reading epochs", not as_json, err) as progress:
        new = add_objects(SurveyConfig.read(survey), progress=progress)
    if as_json:
        print_json({"added": list(new)})
    else:
        following = f" Next: {escape(command('run', survey))}" if len(new) else ""
        out.print(f"{len(new)} objects added.{following}")
