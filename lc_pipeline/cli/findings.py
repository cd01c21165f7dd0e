"""What was found in the light curves, in words and in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import Row, Table
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table as Sheet
from rich.text import Text

from lc_pipeline.analyse import analyse
from lc_pipeline.cli.common import err, out
from lc_pipeline.cli.tables import json_number
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.progress import progress_bar
from lc_pipeline.survey import SurveyConfig

#: A period is listed as significant if chance gives it to fewer objects than one in so many.
SIGNIFICANT = 1e-3
#: A smaller floor of the errors, mag, is as good as none.
_LEAST_FLOOR = 5e-5


def make(
    survey: SurveyConfig, results: tuple[str, ...], *, force: bool, quiet: bool
) -> dict[str, Any]:
    """Make results that are out of date, with a bar for each step; give all of them by name."""
    made: dict[str, Any] = {}
    steps = analyse(
        survey, results, force=force, progress=lambda text: progress_bar(text, not quiet, err)
    )
    for outcome in steps:
        made |= outcome.results
        if not quiet:
            files = ", ".join(str(file) for file in outcome.files)
            took = "up to date" if outcome.status == "unchanged" else f"{outcome.seconds:.1f} s"
            err.print(f"{outcome.step}: {took}  [dim]{escape(files)}[/]")
    return made


def print_calibration(calibration: Calibration, error_model: Table) -> None:
    """Say for each measurement whether zero points are in force, and how large errors are."""
    reasons, models = calibration.reasons, error_model.meta["error_model"]
    table = calibration.zero_points
    for key, is_in_force in calibration.in_force.items():
        state = "[green]in force[/]" if is_in_force else "[yellow]not in force[/]"
        out.print(f"[bold]{escape(key)}[/]: zero points are {state}: {escape(reasons[key])}")
        own = error_model[np.asarray(error_model["measurement"]) == key]
        if len(own):
            out.print(f"   errors: {errors_in_words(own, *models[key])}")
        tied = table[(np.asarray(table["measurement"]) == key) & (table["n_standards"] > 0)]
        if len(tied):
            out.print(
                f"   standards: {tied['standards_offset'][0]:+.4f} mag (error "
                f"{tied['standards_offset_err'][0]:.4f}), from {tied['n_standards'][0]} stars"
            )


def errors_in_words(curve: Table, scale: float, floor: float) -> str:
    """Say how large errors are, given the scatter of stars and a measurement's error model.

    Examples
    --------
    >>> curve = Table({"rms": [0.01, 0.02, 0.03], "error": [0.0, 0.0, 0.0]})
    >>> errors_in_words(curve, 1.0, 0.012)
    'none are stated; stars scatter by 0.02 mag (median)'
    >>> curve["error"] = 0.01
    >>> errors_in_words(curve, 1.13, 0.002)
    'constant stars scatter by 1.13 times the stated error, and by 0.0020 mag at least'
    >>> errors_in_words(curve, 1.13, 1e-6)
    'constant stars scatter by 1.13 times the stated error'
    """
    if not np.any(np.asarray(curve["error"]) > 0):
        return f"none are stated; stars scatter by {np.median(curve['rms']):.2g} mag (median)"
    at_least = f", and by {floor:.4f} mag at least" if floor >= _LEAST_FLOOR else ""
    return f"constant stars scatter by {scale:.2f} times the stated error{at_least}"


def calibration_as_json(calibration: Calibration, error_model: Table) -> dict[str, Any]:
    """The zero points, and what holds for each measurement, in plain types."""
    return {
        "version": calibration.version,
        "in_force": calibration.in_force,
        "reason": calibration.reasons,
        "error_model": error_model.meta["error_model"],
        "zero_points": rows_as_json(calibration.zero_points),
    }


def print_candidates(candidates: Table, number: int) -> None:
    """List the best candidates, what speaks for each, and what against."""
    for note in candidates.meta.get("notes", ()):
        out.print(f"[dim]{escape(str(note))}[/]")
    if not len(candidates):
        out.print("No object stands out as variable.")
        return
    for row in candidates[:number]:
        period = found_period(row) if "period" in candidates.colnames else np.nan
        out.print(
            f"[bold]{row['rank']:>3}  {escape(row['object'])}[/]  {row['ra']:.5f} {row['dec']:+.5f}"
            f"  score {row['score']:.1f}" + (f"  period {period:.7g} d" if period > 0 else "")
        )
        for words, style in ((row["reason"], ""), (row["vetoes"], "yellow")):
            if words:
                said = Text(f"but: {words}" if style else words, style)
                out.print(Padding(said, (0, 0, 0, 5)), soft_wrap=False)
    if len(candidates) > number:
        out.print(f"... and {len(candidates) - number} more")


def found_period(row: Mapping[str, Any] | Row) -> float:
    """Period of a candidate (d), if it is more than chance and no alias; else NaN.

    Examples
    --------
    >>> found_period({"period": 0.55, "fap": 1e-9, "alias": ""})
    0.55
    >>> found_period({"period": 0.0253, "fap": 0.4, "alias": ""})
    nan
    """
    is_found = not row["alias"] and row["fap"] < SIGNIFICANT
    return float(row["period"]) if is_found else float("nan")


def print_periods(periods: Table) -> None:
    """List the objects with a significant period."""
    searched = np.isfinite(periods["period"])
    chosen = periods[searched & (np.asarray(periods["fap"]) < SIGNIFICANT)]
    out.print(
        f"{int(searched.sum())} of {len(periods)} objects searched, {len(chosen)} with a period "
        f"of false-alarm probability below {SIGNIFICANT}"
    )
    sheet = Sheet(box=None, padding=(0, 1))
    for name in ("object", "period (d)", "false alarm", "beware"):
        sheet.add_column(name, overflow="fold")
    chosen.sort("fap")
    for row in chosen:
        sheet.add_row(
            escape(row["object"]), f"{row['period']:.7g}", f"{row['fap']:.1e}", escape(row["alias"])
        )
    if len(chosen):
        out.print(sheet)


def rows_as_json(table: Table) -> list[dict[str, Any]]:
    """Rows in plain types, None where nothing is known."""
    return [{name: json_number(row[name]) for name in table.colnames} for row in table]


def as_json(made: Mapping[str, Any]) -> dict[str, Any]:
    """What an analysis found, in plain types."""
    calibration = made["zero_points"]
    return {
        "zero_points_in_force": calibration.in_force,
        "objects": len(made["variability_statistics"]),
        "periods": int(np.isfinite(made["periods"]["period"]).sum()),
        "candidates": rows_as_json(made["variable_candidates"]),
    }
