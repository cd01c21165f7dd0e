"""``lc-pipeline``: light curves from the command line.

Exit codes: 0 done, 1 failed (also when an epoch was refused), 2 wrong usage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
import numpy as np
from astropy.table import Table
from astropy.timeseries import TimeSeries
from rich.console import Console
from rich.table import Table as Sheet

from lc_pipeline._version import __version__
from lc_pipeline.draft import draft_survey
from lc_pipeline.errors import LightcurveError, NotInStoreError
from lc_pipeline.ingest import (
    EpochOutcome,
    IngestReport,
    add_objects,
    epoch_storage,
    ingest,
    is_published,
    object_storage,
    publish,
)
from lc_pipeline.progress import progress_bar
from lc_pipeline.sky.geometry import separation_arcsec
from lc_pipeline.storage import LightcurveStorage
from lc_pipeline.survey import SurveyConfig

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


class _Commands(click.Group):
    """Turn the package's own errors into one clear message and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
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


def fail(message: str) -> NoReturn:
    """Say why, and exit with 1."""
    err.print(f"[bold red]error:[/] {_plain(message)}", highlight=False)
    sys.exit(1)


def _plain(text: str) -> str:
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


_CATALOGUE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FROM = "Catalogue files; the word --from may be left out."


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
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


@main.command("init")
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
    draft = draft_survey([*first, *files], name=name, folder=output.parent if output else ".")
    if output:
        output.write_text(draft.text, encoding="utf-8")
    else:
        click.echo(draft.text, nl=False)
    for note in draft.notes:
        style = "bold yellow" if note in draft.to_do else "dim"
        err.print(f"  [{style}]{_plain(note)}[/]", highlight=False)
    if output:
        err.print(f"Next: read {output}, then lc-pipeline run {output}", highlight=False)


@main.command("simulate")
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
    from lc_pipeline.simulate import Simulation, simulate_survey  # noqa: PLC0415 (slow to import)

    settings = Simulation.from_texts(options, others)
    with progress_bar("epochs", console=err) as progress:
        truth = simulate_survey(
            folder, settings, measurements=with_measurements, workers=workers, progress=progress
        )
    for line in truth.summary():
        out.print(_plain(line), highlight=False)


@main.command("ingest")
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
    config = SurveyConfig.read(survey)
    report = _ingest(config, epochs, force=force, workers=workers, quiet=as_json)
    if as_json:
        _print_json(_report_as_json(report))
    _exit_for(report)


@main.command("rechunk")
@survey_argument
@click.option("--force", is_flag=True, help="Publish a version even if nothing is new.")
@json_option
def rechunk_command(survey: Path, *, force: bool, as_json: bool) -> None:
    """Publish the light curves: build the object store from the epoch store.

    \b
    Example:
      lc-pipeline rechunk data/ey_uma
    """
    _publish(SurveyConfig.read(survey), force=force, as_json=as_json)


@main.command("run")
@survey_argument
@workers_option
@json_option
def run_command(survey: Path, *, workers: int, as_json: bool) -> None:
    """Everything: ingest what is new, publish, and show what there is.

    \b
    Example:
      lc-pipeline run data/ey_uma
    """
    config = SurveyConfig.read(survey)
    report = _ingest(config, (), force=False, workers=workers, quiet=as_json)
    if not epoch_storage(config).epoch_keys:
        fail(f"{config.path}: no epoch could be ingested; see the reasons above")
    objects = publish(config, progress=not as_json) or object_storage(config)
    if as_json:
        _print_json(_report_as_json(report) | {"store": objects.get_storage_info()})
    else:
        _show_info(config)
        first = objects.reference.key[0]
        out.print(f"Next: lc-pipeline lightcurve {survey} {first} -o {first}.png", highlight=False)
    _exit_for(report)


@main.command("add-objects")
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
    with progress_bar("reading epochs", not as_json, err) as progress:
        new = add_objects(SurveyConfig.read(survey), progress=progress)
    if as_json:
        _print_json({"added": list(new)})
    else:
        out.print(f"{len(new)} objects added." + (" Next: lc-pipeline run" if len(new) else ""))


@main.command("info")
@survey_argument
@json_option
def info_command(survey: Path, *, as_json: bool) -> None:
    """What the stores hold, and whether the published light curves are up to date.

    \b
    Example:
      lc-pipeline info data/ey_uma --json
    """
    config = SurveyConfig.read(survey)
    if as_json:
        _print_json(_info(config))
    else:
        _show_info(config)


@main.command("objects")
@survey_argument
@json_option
def objects_command(survey: Path, *, as_json: bool) -> None:
    """List the objects: key, position, number of measurements, median of each measurement.

    \b
    Example:
      lc-pipeline objects data/ey_uma | head
    """
    storage = _readable(SurveyConfig.read(survey))
    reference = storage.reference
    summary = _object_summary(storage)
    if as_json:
        rows = [
            {"object": str(key), "ra": float(ra), "dec": float(dec)}
            | {name: _json_number(column[number]) for name, column in summary.items()}
            for number, (key, ra, dec) in enumerate(
                zip(reference.key, reference.ra, reference.dec, strict=True)
            )
        ]
        _print_json(rows)
        return
    sheet = Table({"object": reference.key.astype(str), "ra": reference.ra, "dec": reference.dec})
    sheet["ra"].format = sheet["dec"].format = ".6f"
    for name, column in summary.items():
        sheet[name] = column
        if column.dtype.kind == "f":
            sheet[name].format = ".4f"
    click.echo("\n".join(sheet.pformat(max_lines=-1, max_width=-1)))


@main.command("cone")
@survey_argument
@click.argument("ra", type=float)
@click.argument("dec", type=float)
@click.argument("radius_arcsec", type=float)
@json_option
def cone_command(
    survey: Path, ra: float, dec: float, radius_arcsec: float, *, as_json: bool
) -> None:
    """List the objects within RADIUS_ARCSEC of a position (degrees), the nearest first.

    \b
    Example (-- lets a declination be negative):
      lc-pipeline cone data/ey_uma -- 135.5865 49.8193 300
    """
    storage = _readable(SurveyConfig.read(survey))
    keys = storage.get_objects_in_cone(ra, dec, radius_arcsec)
    _list_positions(storage, keys, (ra, dec), as_json=as_json)


@main.command("box")
@survey_argument
@click.argument("ra_min", type=float)
@click.argument("ra_max", type=float)
@click.argument("dec_min", type=float)
@click.argument("dec_max", type=float)
@json_option
def box_command(
    survey: Path, ra_min: float, ra_max: float, dec_min: float, dec_max: float, *, as_json: bool
) -> None:
    """List the objects in a box (degrees). RA_MIN > RA_MAX crosses RA 0.

    \b
    Example (-- lets a declination be negative):
      lc-pipeline box data/ey_uma -- 135.5 135.6 49.7 49.9
    """
    storage = _readable(SurveyConfig.read(survey))
    keys = storage.get_objects_in_region((ra_min, ra_max), (dec_min, dec_max))
    _list_positions(storage, keys, None, as_json=as_json)


@main.command("versions")
@survey_argument
@json_option
def versions_command(survey: Path, *, as_json: bool) -> None:
    """List the published versions of the light curves; * is the current one.

    \b
    Example:
      lc-pipeline versions data/ey_uma
    """
    storage = object_storage(SurveyConfig.read(survey))
    current = storage.snapshot.version
    if as_json:
        _print_json({"current": current, "versions": storage.versions})
    else:
        for version in storage.versions:
            click.echo(f"{'*' if version == current else ' '} {version}")


@main.command("rollback")
@survey_argument
@click.argument("version")
def rollback_command(survey: Path, version: str) -> None:
    """Make an older VERSION of the light curves current again.

    The next 'rechunk' publishes a new one with everything that the epoch store has.

    \b
    Example:
      lc-pipeline rollback data/ey_uma v000001
    """
    storage = object_storage(SurveyConfig.read(survey)).rollback(version)
    out.print(f"Version {storage.snapshot.version} is current.")


@main.command("compact")
@survey_argument
def compact_command(survey: Path) -> None:
    """Drop ingests that were superseded from the epoch store.

    \b
    Example:
      lc-pipeline compact data/ey_uma
    """
    storage = epoch_storage(SurveyConfig.read(survey))
    before = storage.snapshot.n_rows
    if storage.compact():
        out.print(f"{before - storage.snapshot.n_rows} superseded rows dropped.")
    else:
        out.print("Nothing to drop: every row counts.")


@main.command("verify")
@survey_argument
@json_option
def verify_command(survey: Path, *, as_json: bool) -> None:
    """Read everything back: checksums, counts, and that the two stores agree.

    \b
    Example:
      lc-pipeline verify data/ey_uma
    """
    config = SurveyConfig.read(survey)
    epochs, objects = epoch_storage(config), object_storage(config)
    problems = epochs.verify(progress=not as_json)
    if objects.is_there:
        problems += objects.verify(epochs, progress=not as_json)
    if as_json:
        _print_json({"problems": problems})
    elif not problems:
        out.print("All is well: every checksum, count and value agrees.")
    for problem in problems:
        err.print(f"[bold red]damaged:[/] {_plain(problem)}", highlight=False)
    if problems:
        sys.exit(1)


@main.command("lightcurve")
@survey_argument
@click.argument("object_name", metavar="OBJECT")
@click.option(
    "--format",
    "form",
    type=click.Choice(["ecsv", "csv", "parquet", "json", "png"]),
    help="By default by the ending of FILE, else ecsv.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--measurement", "measurements", multiple=True, metavar="KEY", help="Only this; repeatable."
)
@click.option(
    "--compare",
    metavar="OBJECT",
    help="PNG: draw a comparison star as well, and the difference. 'auto' chooses one.",
)
def lightcurve_command(
    survey: Path,
    object_name: str,
    form: str | None,
    output: Path | None,
    measurements: tuple[str, ...],
    compare: str | None,
) -> None:
    """Write one object's light curve, as a table or as a plot.

    OBJECT is a key, or a position "RA,DEC" in degrees: the nearest object within the match
    radius is taken.

    \b
    Examples:
      lc-pipeline lightcurve data/ey_uma 135.5865,49.8193 -o ey_uma.ecsv
      lc-pipeline lightcurve data/ey_uma 135.5865,49.8193 --compare auto -o ey_uma.png
    """
    config = SurveyConfig.read(survey)
    storage = _readable(config)
    form = form or (output.suffix[1:].lower() if output else "") or "ecsv"
    if form not in ("ecsv", "csv", "parquet", "json", "png"):
        raise click.UsageError(
            f"FILE ends in .{form}; say --format ecsv, csv, parquet, json or png"
        )
    if form in ("parquet", "png") and output is None:
        raise click.UsageError(f"--format {form} needs -o FILE")
    if compare and form != "png":
        raise click.UsageError("--compare is for plots: -o FILE.png")
    radius = config.matching.radius_arcsec
    if compare and compare != "auto":
        compare = _resolve(storage, compare, radius)
    key = _resolve(storage, object_name, radius)
    rows = storage.to_timeseries(key, measurements or None)
    if form == "png":
        assert output is not None  # noqa: S101 (checked above)
        _plot(storage, rows, compare, output)
    else:
        _write_table(rows, form, output)
    if output:
        out.print(f"{output}: {len(rows)} rows of {key}", highlight=False)


# ------------------------------------------------------------------------------------- steps


def _ingest(
    survey: SurveyConfig, epochs: tuple[str, ...], *, force: bool, workers: int, quiet: bool
) -> IngestReport:
    said: set[str] = set()

    def say(outcome: EpochOutcome) -> None:
        if quiet:
            return
        for note in outcome.notes:
            if note not in said:
                said.add(note)
                err.print(f"  [dim]note:[/] {_plain(note)}", highlight=False)
        if outcome.status != "unchanged":
            err.print(_in_words(outcome), highlight=False)

    with progress_bar("epochs", not quiet, err) as progress:
        report = ingest(
            survey, epochs, force=force, n_workers=workers, progress=progress, report_epoch=say
        )
    if not quiet:
        _summarise(report)
    return report


def _in_words(outcome: EpochOutcome) -> str:
    if outcome.status == "refused":
        return f"[red]{_plain(outcome.epoch)}: refused[/]  {_plain(outcome.error)}"
    east, north = outcome.offset_arcsec
    return (
        f"{_plain(outcome.epoch)}: {outcome.n_sources} detections, {outcome.n_matched} matched, "
        f"{outcome.n_unmatched} unmatched, {outcome.n_ambiguous} ambiguous, "
        f"{outcome.n_duplicates} duplicates"
    ) + (f', offset {east:+.2f}" {north:+.2f}"' if east or north else "")


def _summarise(report: IngestReport) -> None:
    stored, refused = report.with_status("stored"), report.with_status("refused")
    out.print(
        f"{len(stored)} epochs stored, {len(report.with_status('unchanged'))} unchanged, "
        f"{len(refused)} refused; "
        f"{sum(outcome.n_matched for outcome in stored)} detections matched, "
        f"{sum(outcome.n_unmatched for outcome in stored)} unmatched, "
        f"{sum(outcome.n_ambiguous for outcome in stored)} ambiguous, "
        f"{sum(outcome.n_duplicates for outcome in stored)} duplicates",
        highlight=False,
    )
    for files, text in (
        (report.unmatched_files, "in the landing folder not matched by files.pattern, left out"),
        (report.missing_epochs, "in the store without files any more, kept"),
    ):
        if files:
            shown = ", ".join(files[:3]) + (", ..." if len(files) > 3 else "")  # noqa: PLR2004
            out.print(f"[yellow]note:[/] {len(files)} {text}: {_plain(shown)}", highlight=False)
    if refused:
        out.print(
            "[bold red]Refused (all others are in; mend the file, or name it in files.exclude):[/]",
            highlight=False,
        )
        for outcome in refused:
            out.print(f"  {_plain(outcome.error)}", highlight=False)
    if lonely := [
        outcome.epoch for outcome in stored if outcome.n_sources and not outcome.n_matched
    ]:
        out.print(
            f"[bold yellow]warning:[/] nothing at all was matched in {len(lonely)} epochs "
            f"({_plain(', '.join(lonely[:3]))}{', ...' if len(lonely) > 3 else ''}): is the match "  # noqa: PLR2004
            f"radius too small, are they shifted (matching.astrometric_offset), or are the keys "
            f"written otherwise than in the reference?",
            highlight=False,
        )
    if report.new_in_reference:
        out.print(
            f"[yellow]note:[/] the reference table has {report.new_in_reference} objects that the "
            f"store lacks: 'lc-pipeline add-objects' adds them",
            highlight=False,
        )


def _publish(survey: SurveyConfig, *, force: bool, as_json: bool) -> None:
    objects = publish(survey, force=force, progress=not as_json)
    current = objects or object_storage(survey)
    if as_json:
        _print_json({"published": objects is not None, "store": current.get_storage_info()})
    elif objects is None:
        out.print(f"Nothing new: version {current.snapshot.version} has every epoch.")
    else:
        out.print(f"Published version {current.snapshot.version} in {current.location}")


def _info(survey: SurveyConfig) -> dict[str, Any]:
    epochs, objects = epoch_storage(survey), object_storage(survey)
    return {
        "survey": survey.survey.name,
        "epoch_store": epochs.get_storage_info(),
        "object_store": objects.get_storage_info() if objects.is_there else None,
        "is_up_to_date": is_published(epochs, objects),
    }


def _show_info(survey: SurveyConfig) -> None:
    known = _info(survey)
    epochs, objects = known["epoch_store"], known["object_store"]
    sheet = Sheet(title=f"{survey.survey.name}: light curves", title_justify="left")
    sheet.add_column("")
    sheet.add_column("epoch store (written)")
    sheet.add_column("object store (read)")

    def row(name: str, show: Callable[[dict[str, Any]], str]) -> None:
        sheet.add_row(name, show(epochs), show(objects) if objects else "-")

    row("objects", lambda store: f"{store['n_objects']:,}")
    row("epochs", lambda store: f"{store['n_epochs']:,}")
    row("measurements", lambda store: _short(store["measurement_keys"]))
    row("values", lambda store: ", ".join(store["values"]))
    row("time (MJD)", _span)
    row("size", lambda store: _size(store["bytes_on_disk"]))
    row("version", lambda store: store["version"])
    out.print(sheet)
    for store in (epochs, objects):
        if store:
            out.print(f"{store['layout']} store: {_plain(store['path'])}", highlight=False)
    if not known["is_up_to_date"]:
        out.print("[yellow]The object store lacks epochs: lc-pipeline rechunk publishes them.[/]")


def _list_positions(
    storage: LightcurveStorage,
    keys: list[str],
    center: tuple[float, float] | None,
    *,
    as_json: bool,
) -> None:
    """Print objects with their positions, and their distances from `center` if there is one."""
    reference = storage.reference
    chosen = np.flatnonzero(np.isin(reference.key, keys))
    sheet = Table({name: getattr(reference, name)[chosen] for name in ("key", "ra", "dec")})
    sheet.rename_column("key", "object")
    sheet["ra"].format = sheet["dec"].format = ".6f"
    if center:
        sheet["separation_arcsec"] = separation_arcsec(sheet["ra"], sheet["dec"], *center)
        sheet["separation_arcsec"].format = ".3f"
        sheet.sort("separation_arcsec")
    if as_json:
        _print_json([{name: _json_number(row[name]) for name in sheet.colnames} for row in sheet])
    elif len(sheet):
        click.echo("\n".join(sheet.pformat(max_lines=-1, max_width=-1)))
    else:
        out.print("No objects there.")


def _object_summary(storage: LightcurveStorage) -> dict[str, Any]:
    """Number of values and median of each measurement, block by block."""
    value_name = storage.snapshot.value_names[0]
    n_objects, block = storage.snapshot.n_objects, storage.snapshot.object_block
    keys = storage.measurement_keys
    number = np.zeros((len(keys), n_objects), dtype=int)
    median = np.full((len(keys), n_objects), np.nan)
    for start in range(0, n_objects, block):
        these = slice(start, start + block)
        values = storage.lightcurves.isel(object=these, value=0).transpose(
            "measurement", "object", "epoch"
        )
        ordered = np.sort(values.values, axis=-1)  # NaN last
        count = np.isfinite(ordered).sum(axis=-1)
        number[:, these] = count
        pair = np.stack([np.maximum(count - 1, 0) // 2, count // 2], axis=-1)
        middle = np.take_along_axis(ordered, np.minimum(pair, ordered.shape[-1] - 1), axis=-1)
        median[:, these] = np.where(count > 0, middle.mean(axis=-1, dtype=float), np.nan)
    columns: dict[str, Any] = {}
    for place, key in enumerate(keys):
        columns[f"n_{key}"] = number[place]
        columns[f"median_{value_name}_{key}"] = median[place]
    return columns


def _readable(survey: SurveyConfig) -> LightcurveStorage:
    """The object store; before anything is published, the epoch store."""
    objects = object_storage(survey)
    return objects if objects.is_there else epoch_storage(survey)


def _resolve(storage: LightcurveStorage, name: str, radius: float) -> str:
    """An object's key from a key, or from a position."""
    reference = storage.reference
    try:
        ra, dec = (float(part) for part in name.replace(",", " ").split())
    except ValueError:
        return name
    separation = separation_arcsec(reference.ra, reference.dec, ra, dec)
    nearest = int(np.argmin(separation))
    if separation[nearest] > radius:
        raise NotInStoreError(
            f"{storage.location}: no object within {radius} arcsec of {name}; the nearest is "
            f"{reference.key[nearest]}, {separation[nearest]:.1f} arcsec away"
        )
    return str(reference.key[nearest])


def _plot(storage: LightcurveStorage, rows: TimeSeries, compare: str | None, output: Path) -> None:
    from lc_pipeline.analysis.comparison import choose_comparison  # noqa: PLC0415 (slow to import)
    from lc_pipeline.analysis.plots import save_lightcurve  # noqa: PLC0415

    comparison = None
    if compare == "auto":
        keys = storage.reference.key
        target = int(np.flatnonzero(keys == rows.meta["object"])[0])
        near = slice(max(0, target - 100), target + 101)
        magnitudes = storage.lightcurves.isel(object=near, measurement=0, value=0).values
        number = choose_comparison(magnitudes, target - near.start)
        if number is None:
            fail(f"no star of similar brightness near {rows.meta['object']} to compare it with")
        comparison = storage.to_timeseries(str(keys[near][number]))
    elif compare:
        comparison = storage.to_timeseries(compare)
    save_lightcurve(output, rows, comparison)


def _write_table(rows: TimeSeries, form: str, output: Path | None) -> None:
    if form == "ecsv":
        rows.write(output or sys.stdout, format="ascii.ecsv", overwrite=True)
    elif form == "parquet":
        rows.write(output, format="parquet", overwrite=True)
    elif form == "csv":
        flat = _flat(rows)
        flat.write(output or sys.stdout, format="ascii.csv", overwrite=True)
    else:
        flat = _flat(rows)
        document = {
            "meta": {key: value for key, value in rows.meta.items() if key != "flag_meanings"},
            "time_format": "mjd",
            "time_scale": rows["time"].scale,
            "rows": [{name: _json_number(row[name]) for name in flat.colnames} for row in flat],
        }
        text = json.dumps(document, indent=1, allow_nan=False)
        if output:
            output.write_text(text + "\n", encoding="utf-8")
        else:
            click.echo(text)


def _flat(rows: TimeSeries) -> Table:
    """Plain columns: the time as MJD, numbers without units, missing values masked."""
    flat = Table()
    flat[f"mjd_{rows['time'].scale}"] = rows["time"].mjd
    for name in rows.colnames[1:]:
        column = rows[name]
        values = getattr(column, "value", column)
        mask = getattr(column, "mask", None)
        flat[name] = np.ma.MaskedArray(
            np.asarray(getattr(values, "unmasked", values)), False if mask is None else mask
        )
    return flat


def _report_as_json(report: IngestReport) -> dict[str, Any]:
    return {
        "epochs": [outcome.__dict__ for outcome in report.outcomes],
        "stored": len(report.with_status("stored")),
        "unchanged": len(report.with_status("unchanged")),
        "refused": len(report.with_status("refused")),
        "unmatched_files": list(report.unmatched_files),
        "missing_epochs": list(report.missing_epochs),
    }


def _exit_for(report: IngestReport) -> None:
    if report.with_status("refused"):
        sys.exit(1)


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=1, allow_nan=False))


def _json_number(value: Any) -> Any:
    """A plain Python value; None for a missing one."""
    if np.ma.is_masked(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _short(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:4])}, ... ({len(names)})"  # noqa: PLR2004


def _span(store: dict[str, Any]) -> str:
    if store["first_time_mjd"] is None:
        return "-"
    return f"{store['first_time_mjd']:.4f} to {store['last_time_mjd']:.4f} ({store['time_scale']})"


def _size(n_bytes: int) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000:  # noqa: PLR2004
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000  # type: ignore[assignment]
    return f"{n_bytes:.3g} TB"
