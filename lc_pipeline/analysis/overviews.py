"""Small pictures of an epoch, of a field, of a whole survey, as shown beside a result."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from astropy.table import Table

from lc_pipeline.analysis.colours import COLOURS
from lc_pipeline.flags import MeasurementFlag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 20_000


def plot_epoch(epoch: xr.Dataset) -> Figure:
    """Where an epoch's objects were detected and where not, and how far off.

    Parameters
    ----------
    epoch : xarray.Dataset
        ``LightcurveStorage.dataset`` at one epoch.
    """
    # Margins that are known take half of the time of margins that are found.
    figure = _figure(8, 3.4, layout=None)
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.15, top=0.9, wspace=0.22)
    field, separations = figure.subplots(1, 2)
    unseen = (
        MeasurementFlag.NOT_INGESTED | MeasurementFlag.NOT_OBSERVED | MeasurementFlag.NOT_DETECTED
    )
    is_seen = ((epoch.flags.values & unseen) == 0).any(axis=-1)
    draw_field(field, epoch, is_seen)
    separation = epoch.separation.values
    separation = separation[np.isfinite(separation)]
    if len(separation):
        counts, edges = np.histogram(separation, bins=40)
        separations.stairs(counts, edges, fill=True, color=COLOURS[0])
        separations.set_title(f'median {np.median(separation):.3f}"', fontsize="small")
    separations.set_xlabel("separation from the reference (arcsec)")
    separations.set_ylabel("objects")
    return figure


def plot_reference(reference: xr.Dataset | Table) -> Figure:
    """Where the objects are; `reference` has ``ra`` and ``dec`` in degrees."""
    figure = _figure(5, 4)
    ra = np.asarray(reference["ra"])
    draw_field(figure.subplots(), reference, np.ones(len(ra), dtype=bool))
    return figure


def plot_coverage(coverage: Table, measurement_keys: list[str]) -> Figure:
    """How many objects have a good value, epoch by epoch.

    Parameters
    ----------
    coverage : Table
        From :func:`~lc_pipeline.analysis.summary.epoch_coverage`.
    measurement_keys : list of str
    """
    figure = _figure(8, 3.2)
    panel = figure.subplots()
    for number, key in enumerate(measurement_keys[: len(COLOURS)]):
        panel.plot(coverage["time"], coverage[f"n_{key}"], ".", color=COLOURS[number], label=key)
    panel.set_xlabel("MJD")
    panel.set_ylabel("objects with a good value")
    panel.set_ylim(bottom=0)
    panel.legend(fontsize="small")
    panel.grid(alpha=0.25)
    return figure


def plot_scatter(summary: Table) -> Figure:
    """Scatter of every object over its median brightness: variables stand above the rest.

    Parameters
    ----------
    summary : Table
        From :func:`~lc_pipeline.analysis.summary.object_summary`.
    """
    figure = _figure(8, 4)
    panel = figure.subplots()
    names = [name for name in summary.colnames if name.startswith("median_")]
    for median, colour in zip(names, COLOURS, strict=False):
        scatter = median.replace("median_", "scatter_", 1)
        is_positive = np.asarray(summary[scatter]) > 0
        panel.plot(
            summary[median][is_positive],
            summary[scatter][is_positive],
            ".",
            markersize=3,
            color=colour,
            label=median.removeprefix("median_"),
            rasterized=True,
        )
    panel.set_yscale("log")
    units = {str(summary[name].unit or "") for name in names} - {""}
    unit = f" ({', '.join(sorted(units))})" if units else ""
    panel.set_xlabel(f"median{unit}")
    panel.set_ylabel(f"scatter{unit}")
    panel.legend(fontsize="small")
    panel.grid(alpha=0.25)
    return figure


def draw_field(panel: Axes, positions: xr.Dataset | Table, is_seen: np.ndarray) -> None:
    """Objects on the sky, east to the left; those not seen as grey crosses."""
    ra, dec = np.asarray(positions["ra"]), np.asarray(positions["dec"])
    # Right ascensions around 0 h belong together.
    ra = np.where(ra - ra[:1] > 180, ra - 360, np.where(ra[:1] - ra > 180, ra + 360, ra))  # noqa: PLR2004
    step = max(1, len(ra) // MOST_POINTS)
    for chosen, marker, colour, label in (
        (is_seen, ".", COLOURS[0], "detected"),
        (~is_seen, "x", "#999999", "not detected"),
    ):
        if chosen.any():
            size = 3 if marker == "." else 4
            name = f"{label}: {int(chosen.sum()):,}"
            panel.plot(ra[chosen][::step], dec[chosen][::step], marker, color=colour,
                       markersize=size, linestyle="", label=name, rasterized=True)  # fmt: skip
    panel.invert_xaxis()
    panel.set_xlabel("RA (deg)")
    panel.set_ylabel("Dec (deg)")
    # Above the panel: a field has stars everywhere.
    panel.legend(fontsize="small", loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False,
                 borderaxespad=0, handletextpad=0.2, columnspacing=1)  # fmt: skip


def _figure(width: float, height: float, layout: str | None = "constrained") -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 (slow to import)
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), layout=layout)  # type: ignore[arg-type]
    FigureCanvasAgg(figure)
    return figure


def as_png(figure: Figure, dpi: int = 70) -> bytes:
    """Render a figure."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    return stream.getvalue()
