"""Commands that study light curves: zero points, statistics, periods, candidates, report."""

from __future__ import annotations

from pathlib import Path

import click

from lc_pipeline.cli.common import json_option, print_json, survey_argument

_force = click.option("--force", is_flag=True, help="Make it again even if nothing has changed.")


@click.command("analyse")
@survey_argument
@_force
@json_option
def analyse_command(survey: Path, *, force: bool, as_json: bool) -> None:
    """Everything that is made of the published light curves: all tables, and the report.

    What is up to date is passed over. 'run' does this at its end.

    \b
    Example:
      lc-pipeline analyse data/ey_uma
    """
    from lc_pipeline.cli import findings
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    made = findings.make(config, (), force=force, quiet=as_json)
    if as_json:
        print_json(findings.as_json(made))
    else:
        findings.print_candidates(made["variable_candidates"], 10)


@click.command("calibrate")
@survey_argument
@_force
@json_option
def calibrate_command(survey: Path, *, force: bool, as_json: bool) -> None:
    """Solve for the zero points of all epochs, and say which are in force and why.

    Raw values stay as they are; 'lightcurve --calibrated' takes the zero points off.

    \b
    Example:
      lc-pipeline calibrate data/ey_uma
    """
    from lc_pipeline.cli import findings
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    made = findings.make(config, ("zero_points", "error_model"), force=force, quiet=as_json)
    if as_json:
        print_json(findings.calibration_as_json(made["zero_points"], made["error_model"]))
    else:
        findings.print_calibration(made["zero_points"], made["error_model"])


@click.command("statistics")
@survey_argument
@_force
@json_option
def statistics_command(survey: Path, *, force: bool, as_json: bool) -> None:
    """Make the table of variability indices of every object.

    \b
    Example:
      lc-pipeline statistics data/ey_uma
    """
    from lc_pipeline.cli import findings
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    made = findings.make(config, ("variability_statistics",), force=force, quiet=as_json)
    if as_json:
        print_json(findings.rows_as_json(made["variability_statistics"]))


@click.command("periods")
@survey_argument
@_force
@json_option
def periods_command(survey: Path, *, force: bool, as_json: bool) -> None:
    """Search for periods, and list the objects that have a significant one.

    Which objects are searched is set by periods.objects in survey.toml.

    \b
    Example:
      lc-pipeline periods data/ey_uma
    """
    from lc_pipeline.cli import findings
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    made = findings.make(config, ("periods",), force=force, quiet=as_json)
    if as_json:
        print_json(findings.rows_as_json(made["periods"]))
    else:
        findings.print_periods(made["periods"])


@click.command("candidates")
@survey_argument
@click.option("-n", "--number", type=click.IntRange(min=1), default=20, show_default=True)
@_force
@json_option
def candidates_command(survey: Path, number: int, *, force: bool, as_json: bool) -> None:
    """List the objects that vary, best first, each with the reason.

    \b
    Example:
      lc-pipeline candidates data/ey_uma -n 5
    """
    from lc_pipeline.cli import findings
    from lc_pipeline.survey import SurveyConfig

    config = SurveyConfig.read(survey)
    made = findings.make(config, ("variable_candidates",), force=force, quiet=as_json)
    if as_json:
        print_json(findings.rows_as_json(made["variable_candidates"]))
    else:
        findings.print_candidates(made["variable_candidates"], number)


@click.command("report")
@survey_argument
def report_command(survey: Path) -> None:
    """Write the report of the survey: one HTML file that needs nothing beside it.

    \b
    Example:
      lc-pipeline report data/ey_uma
    """
    from lc_pipeline.cli import findings
    from lc_pipeline.survey import SurveyConfig

    findings.make(SurveyConfig.read(survey), ("report",), force=False, quiet=False)
