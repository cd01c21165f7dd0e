"""Figures, ready to print: tables and arrays in, a matplotlib ``Figure`` out.

Importing this does not import matplotlib: the definitions of a pipeline name these functions long
before one of them draws.
"""

from lc_pipeline.analysis.plots.brightness import plot_index, plot_scatter
from lc_pipeline.analysis.plots.epochs import (
    plot_coverage,
    plot_epoch,
    plot_epoch_quality,
    plot_zero_points,
)
from lc_pipeline.analysis.plots.figures import as_png
from lc_pipeline.analysis.plots.folded import plot_folded
from lc_pipeline.analysis.plots.lightcurves import difference, plot_lightcurve, save_lightcurve
from lc_pipeline.analysis.plots.periodograms import Periodogram, plot_periodogram
from lc_pipeline.analysis.plots.sky import plot_reference, plot_sky

__all__ = [
    "Periodogram",
    "as_png",
    "difference",
    "plot_coverage",
    "plot_epoch",
    "plot_epoch_quality",
    "plot_folded",
    "plot_index",
    "plot_lightcurve",
    "plot_periodogram",
    "plot_reference",
    "plot_scatter",
    "plot_sky",
    "plot_zero_points",
    "save_lightcurve",
]
