"""What belongs here: what a materialisation says in the user interface.

Numbers that Dagster draws over time, pictures, and how to open the result in a notebook.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import xarray as xr
from astropy.table import Column, Table
from astropy.time import Time

from lc_pipeline.analysis.plots import as_png, plot_epoch
from lc_pipeline.analysis.quality import Finding
from lc_pipeline.analysis.zero_points import epoch_shifts
from lc_pipeline.catalogs.landed_files import EpochFiles
from lc_pipeline.ingest import EpochOutcome
from lc_pipeline.ingest.arrivals import fingerprint, n_bytes
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.storage import LightcurveStorage
from lc_pipeline.storage.model import ARRAYS
from lc_pipeline.storage.snapshot import EpochRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Metadata = dict[str, Any]

MOST_ROWS = 50


def picture(figure: "Figure") -> dg.MarkdownMetadataValue:
    """A figure; the user interface calls it [Show Markdown] and opens it at a click."""
    import base64  # noqa: PLC0415 (only here)

    encoded = base64.b64encode(as_png(figure)).decode()
    return dg.MetadataValue.md(f"![](data:image/png;base64,{encoded})")


def how_to_open(storage: LightcurveStorage) -> Metadata:
    """Path of a store, and the lines of Python that open it."""
    place = str(storage.location)
    return {
        "store": dg.MetadataValue.path(place),
        "open in a notebook": dg.MetadataValue.md(
            "```python\n"
            "from lc_pipeline import LightcurveStorage\n"
            f'path = "{place}"\n'
            "lightcurves = LightcurveStorage(path).dataset\n"
            "```"
        ),
    }


def how_to_open_table(place: str | Path) -> Metadata:
    """Path of a table, and the lines of Python that open it."""
    return {
        "file": dg.MetadataValue.path(str(place)),
        "open in a notebook": dg.MetadataValue.md(
            "```python\n"
            "from lc_pipeline.tables import read_table\n"
            f'table = read_table("{place}")\n'
            "```"
        ),
    }


def arrays_of_the_store() -> dg.TableSchema:
    """The arrays of both stores, as the user interface shows the columns of a table."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                model.name,
                f"{model.dtype} [{', '.join(model.dims)}]",
                description=_joined(model.attributes["long_name"], model.attributes.get("units")),
            )
            for model in ARRAYS
        ]
    )


def about_files(files: EpochFiles) -> Metadata:
    """The catalogue files of one epoch."""
    return {
        "files": ", ".join(file.name for file in files.files),
        "number of files": len(files.files),
        "bytes": n_bytes(files),
        "fingerprint": fingerprint(files),
    }


def about_epoch(outcome: EpochOutcome, record: EpochRecord) -> Metadata:
    """What became of one epoch."""
    said: Metadata = {
        "time": None,
        "time (MJD)": record.time,
        "sources": record.n_sources,
        "matched": record.n_matched,
        "unmatched": record.n_unmatched,
        "ambiguous": record.n_ambiguous,
        "duplicates": record.n_duplicates,
        "match fraction": _rounded(record.match_fraction, 4),
        "files": ", ".join(record.source_name),
        "is new": outcome.status == "stored",
    }
    if record.time is not None:
        time = Time(record.time, format="mjd", scale=record.time_scale)
        said["time"] = f"{time.isot} {record.time_scale.upper()}"
    if record.n_offset_pairs:
        said |= {
            "offset east (arcsec)": _rounded(record.offset_east, 4),
            "offset north (arcsec)": _rounded(record.offset_north, 4),
        }
    if outcome.notes:
        said["notes"] = dg.MetadataValue.md("\n".join(f"- {note}" for note in outcome.notes))
    return {name: value for name, value in said.items() if value is not None}


def speed(n_bytes: int, seconds: float) -> Metadata:
    """How long it took, and how much that was a second."""
    return {"seconds": round(seconds, 3), "MB/s": round(n_bytes / 1e6 / max(seconds, 1e-6), 3)}


def look_at_epoch(storage: LightcurveStorage, epoch: str, *, with_plot: bool) -> Metadata:
    """Preview of an epoch's zero point, and a picture of its matches; reads the epoch."""
    dataset = storage.dataset
    this = dataset.sel(epoch=epoch)
    first = storage.epoch_keys[0]
    said: Metadata = {}
    if epoch != first:
        said |= {
            f"shift of {key} against {first} (mag)": round(shift, 5)
            for key, shift in epoch_shifts(this, dataset.sel(epoch=first)).items()
        }
    if with_plot:
        said["plot of the matches"] = picture(plot_epoch(this))
    return said


def about_table(table: Table) -> Metadata:
    """Rows, columns and the first few rows of a table."""
    return {
        "dagster/row_count": len(table),
        "dagster/column_schema": dg.TableSchema(
            [
                dg.TableColumn(
                    name,
                    "string" if table[name].dtype.kind in "UOS" else table[name].dtype.name,
                    description=_described(table[name]),
                )
                for name in table.colnames
            ]
        ),
        "first rows": dg.MetadataValue.md(as_markdown(table[:8])),
    }


def measurements_of(lightcurves: xr.Dataset) -> list[str]:
    """Measurement keys of light curves, in order."""
    return [str(key) for key in lightcurves["measurement"].values]


def about_calibration(calibration: Calibration) -> Metadata:
    """Whether zero points are in force, and why."""
    rows = [
        [key, "yes" if is_in_force else "no", calibration.reasons[key]]
        for key, is_in_force in calibration.in_force.items()
    ]
    return {
        "measurements calibrated": sum(calibration.in_force.values()),
        "in force": dg.MetadataValue.md(
            as_markdown(Table(rows=rows, names=["measurement", "in force", "why"]))
        ),
    }


def about_candidates(candidates: Table, most: int) -> Metadata:
    """How many objects vary, and the best of them."""
    names = ["rank", "object", "score", "period", "reason", "vetoes"]
    shown = candidates[[name for name in names if name in candidates.colnames]][:most]
    said: Metadata = {
        "candidates": len(candidates),
        "candidates without doubts": sum(not veto for veto in candidates["vetoes"]),
        "best candidates": dg.MetadataValue.md(as_markdown(shown)),
        "what holds for the survey": dg.MetadataValue.md(
            "\n".join(f"- {note}" for note in candidates.meta.get("notes", ()))
        ),
    }
    if len(candidates):
        said["best"] = str(candidates["object"][0])
    return said


def about_report(path: Path) -> Metadata:
    """Where the report is."""
    return {
        "report": dg.MetadataValue.path(path),
        "open": dg.MetadataValue.url(path.absolute().as_uri()),
        "bytes": path.stat().st_size,
    }


def as_markdown(table: Table) -> str:
    """A small table."""
    lines = [table.colnames, ["---"] * len(table.colnames)]
    lines += [[_short(row[name]) for name in table.colnames] for row in table[:MOST_ROWS]]
    left = len(table) - MOST_ROWS
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + (
        f"\n\n... and {left} more" if left > 0 else ""
    )


def _short(value: Any) -> str:
    if not isinstance(value, float | np.floating):
        return str(value).replace("|", "\\|")
    # A position or an MJD needs its five decimals.
    number = float(value)
    return f"{number:.5f}" if 1e-3 <= abs(number) < 1e6 else f"{number:.6g}"  # noqa: PLR2004


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)


def _described(column: Column) -> str | None:
    return _joined(column.description, column.unit)


def _joined(description: str | None, unit: Any) -> str | None:
    return " ".join(filter(None, (description, f"({unit})" if unit else ""))) or None


def listed(reasons: Mapping[str, str]) -> str | dg.MarkdownMetadataValue:
    """Epochs and what is the matter with them; one is shown at once, more after a click."""
    if len(reasons) <= 1:
        return next((f"{epoch}: {reason}" for epoch, reason in reasons.items()), "none")
    return dg.MetadataValue.md(
        as_markdown(Table([list(reasons), list(reasons.values())], names=["epoch", "reason"]))
    )


def judged(
    findings: Sequence[Finding],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
    **metadata: Any,
) -> dg.AssetCheckResult:
    """The result of a check that found these; it passes if it found nothing."""
    said: Metadata = {
        "number of findings": len(findings),
        "findings": listed({finding.epoch: finding.text for finding in findings}),
    }
    return dg.AssetCheckResult(
        passed=not findings,
        severity=severity,
        description=f"{findings[0].epoch}: {findings[0].text}" if findings else None,
        metadata=said | metadata,
    )


def doubted(doubts: Sequence[str], **metadata: Any) -> dg.AssetCheckResult:
    """The result of a check that has these doubts of a result; it passes if it has none."""
    said: Metadata = {"doubts": dg.MetadataValue.md("\n".join(f"- {doubt}" for doubt in doubts))}
    return dg.AssetCheckResult(
        passed=not doubts,
        severity=dg.AssetCheckSeverity.WARN,
        description=doubts[0] if doubts else None,
        metadata=(said if doubts else {}) | metadata,
    )
