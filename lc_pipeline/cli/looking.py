"""Commands that look at light curves and at objects."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from lc_pipeline.cli.common import PositionCommand, err, json_option, out, survey_argument

FORMATS = ("ecsv", "csv", "parquet", "json", "png")


@click.command("objects")
@survey_argument
@json_option
def objects_command(survey: Path, *, as_json: bool) -> None:
    """List the objects: position, number of good values, median and scatter.

    \b
    Example:
      lc-pipeline objects data/ey_uma | head
    """
    from lc_pipeline.cli.positions import readable_store
    from lc_pipeline.cli.tables import list_objects
    from lc_pipeline.survey import SurveyConfig

    list_objects(readable_store(SurveyConfig.read(survey)), as_json=as_json)


@click.command("cone", cls=PositionCommand)
@survey_argument
@click.argument("position", nargs=-1, required=True, metavar="RA DEC")
@click.argument("radius_arcsec", type=float)
@json_option
def cone_command(
    survey: Path, position: tuple[str, ...], radius_arcsec: float, *, as_json: bool
) -> None:
    """List the objects within RADIUS_ARCSEC of a position, the nearest first.

    RA and DEC are degrees, or hours and degrees with colons.

    \b
    Examples:
      lc-pipeline cone data/ey_uma 135.5865 49.8193 300
      lc-pipeline cone data/ey_uma 09:02:20.76 +49:49:09.3 300
    """
    from lc_pipeline.cli.positions import name_nearest, parse_position, readable_store
    from lc_pipeline.cli.tables import list_positions
    from lc_pipeline.survey import SurveyConfig

    center = parse_position(" ".join(position))
    if center is None:
        raise click.UsageError(f"give RA DEC RADIUS_ARCSEC; {' '.join(position)!r} is no position")
    storage = readable_store(SurveyConfig.read(survey))
    keys = storage.get_objects_in_cone(*center, radius_arcsec)
    list_positions(storage, keys, center, as_json=as_json)
    if not keys:
        err.print(f"The nearest is {escape(name_nearest(storage, *center))}.")


@click.command("box", cls=PositionCommand)
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
    Example:
      lc-pipeline box data/ey_uma 135.5 135.6 49.7 49.9
    """
    from lc_pipeline.cli.positions import readable_store
    from lc_pipeline.cli.tables import list_positions
    from lc_pipeline.survey import SurveyConfig

    storage = readable_store(SurveyConfig.read(survey))
    keys = storage.get_objects_in_region((ra_min, ra_max), (dec_min, dec_max))
    list_positions(storage, keys, as_json=as_json)


@click.command("lightcurve", cls=PositionCommand)
@survey_argument
@click.argument("name", nargs=-1, required=True, metavar="OBJECT")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
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
@click.option("--calibrated", is_flag=True, help="Take off the zero points that are in force.")
@click.option(
    "--fold",
    metavar="DAYS",
    type=click.FloatRange(min=0, min_open=True),
    help="PNG: draw it over the phase of this period.",
)
def lightcurve_command(
    survey: Path,
    name: tuple[str, ...],
    form: str | None,
    output: Path | None,
    measurements: tuple[str, ...],
    compare: str | None,
    *,
    calibrated: bool,
    fold: float | None,
) -> None:
    """Write one object's light curve, as a table or as a plot.

    OBJECT is a key, or a position: the nearest object within the match radius is taken. RA and
    Dec are degrees, or hours and degrees with colons. Where nothing was measured, the column
    "limit", and an arrow in plots, is the upper limit that the survey states.

    \b
    Examples:
      lc-pipeline lightcurve data/ey_uma 135.5865,49.8193 -o ey_uma.ecsv
      lc-pipeline lightcurve data/ey_uma 09:02:20.76 +49:49:09.3 --compare auto -o ey_uma.png
      lc-pipeline lightcurve data/ey_uma 135.5865,49.8193 --calibrated --fold 0.549 -o folded.png
    """
    form = form or (output.suffix[1:].lower() if output else "") or "ecsv"
    if form not in FORMATS:
        raise click.UsageError(f"FILE ends in .{form}; say --format {', '.join(FORMATS)}")
    if form in ("parquet", "png") and output is None:
        raise click.UsageError(f"--format {form} needs -o FILE")
    if output and not output.parent.is_dir():
        raise click.UsageError(f"-o {output}: there is no folder {output.parent}")
    if compare and form != "png":
        raise click.UsageError("--compare is for plots: -o FILE.png")
    if fold and (form != "png" or compare):
        raise click.UsageError("--fold is for plots, without --compare: -o FILE.png")
    from lc_pipeline.cli.positions import find_object, readable_store
    from lc_pipeline.cli.tables import plot_fold, plot_lightcurve, write_table
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    storage = readable_store(config)
    radius = config.matching.radius_arcsec
    if compare and compare != "auto":
        compare = find_object(storage, compare, radius)
    key = find_object(storage, " ".join(name), radius)
    rows = storage.to_timeseries(key, measurements or None, calibrated=calibrated)
    if form == "png" and output and fold:
        plot_fold(rows, fold, output)
    elif form == "png" and output:
        plot_lightcurve(storage, rows, compare, output, calibrated=calibrated)
    else:
        write_table(rows, form, output)
    if output:
        out.print(escape(f"{output}: {len(rows)} rows of {key}"))
