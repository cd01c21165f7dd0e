"""Ingest and publish, and say in words what became of it."""

from __future__ import annotations

import sys
from typing import Any

from rich.markup import escape

from lc_pipeline.cli.common import err, first_few, out, print_json
from lc_pipeline.ingest import EpochOutcome, IngestReport, ingest, object_storage, publish
from lc_pipeline.progress import progress_bar
from lc_pipeline.survey import SurveyConfig


def ingest_epochs(
    survey: SurveyConfig, epochs: tuple[str, ...], *, force: bool, workers: int, quiet: bool
) -> IngestReport:
    """Ingest with a progress bar; tell each epoch's outcome and the sum of them, unless `quiet`."""
    said: set[str] = set()

    def say(outcome: EpochOutcome) -> None:
        if quiet:
            return
        for note in outcome.notes:
            if note not in said:
                said.add(note)
                err.print(f"  [dim]note:[/] {escape(note)}")
        if outcome.status != "unchanged":
            err.print(_in_words(outcome))

    with progress_bar("epochs", not quiet, err) as progress:
        report = ingest(
            survey, epochs, force=force, n_workers=workers, progress=progress, report_epoch=say
        )
    if not quiet:
        _summarise(report)
    return report


def _in_words(outcome: EpochOutcome) -> str:
    if outcome.status == "refused":
        return f"[red]{escape(outcome.epoch)}: refused[/]  {escape(outcome.error)}"
    east, north = outcome.offset_arcsec
    return (
        f"{escape(outcome.epoch)}: {outcome.n_sources} detections, {outcome.n_matched} matched, "
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
    )
    for files, text in (
        (
            report.unmatched_files,
            "in the landing folder not matched by files.pattern (or links to nowhere), left out",
        ),
        (report.missing_epochs, "in the store without files any more, kept"),
    ):
        if files:
            out.print(f"[yellow]note:[/] {len(files)} {text}: {escape(first_few(files))}")
    if refused:
        out.print(
            "[bold red]Refused (all others are in; mend the file, or name it in files.exclude):[/]",
        )
        for outcome in refused:
            out.print(f"  {escape(outcome.error)}")
    if lonely := [
        outcome.epoch for outcome in stored if outcome.n_sources and not outcome.n_matched
    ]:
        out.print(
            f"[bold yellow]warning:[/] nothing at all was matched in {len(lonely)} epochs "
            f"({escape(first_few(lonely))}): is the match radius too small, are they shifted "
            f"(matching.astrometric_offset), is RA where Dec is meant, or are the keys written "
            f"otherwise than in the reference?"
        )
    if report.new_in_reference:
        out.print(
            f"[yellow]note:[/] the reference table has {report.new_in_reference} objects that the "
            f"store lacks: 'lc-pipeline add-objects' adds them",
        )


def publish_lightcurves(survey: SurveyConfig, *, force: bool, as_json: bool) -> None:
    """Publish if there is anything new, and say so."""
    objects = publish(survey, force=force, progress=not as_json)
    current = objects or object_storage(survey)
    if as_json:
        print_json({"published": objects is not None, "store": current.get_storage_info()})
    elif objects is None:
        out.print(f"Nothing new: version {current.snapshot.version} has every epoch.")
    else:
        out.print(f"Published version {current.snapshot.version} in {current.location}")


def report_as_json(report: IngestReport) -> dict[str, Any]:
    """The report in plain types."""
    return {
        "epochs": [outcome.__dict__ for outcome in report.outcomes],
        "stored": len(report.with_status("stored")),
        "unchanged": len(report.with_status("unchanged")),
        "refused": len(report.with_status("refused")),
        "unmatched_files": list(report.unmatched_files),
        "missing_epochs": list(report.missing_epochs),
    }


def exit_for(report: IngestReport) -> None:
    """Exit with 1 if an epoch was refused."""
    if report.with_status("refused"):
        sys.exit(1)
