"""Epochs: what one of them saw, and how all of them compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from astropy.table import Table

from lc_pipeline.analysis.colours import COLOURS, SEQUENTIAL
from lc_pipeline.analysis.plots.figures import day_zero, new_figure, numbers, say, style
from lc_pipeline.analysis.plots.points import colour_of, legend, marker_of
from lc_pipeline.analysis.plots.sky import draw_detections
from lc_pipeline.flags import ABSENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: So many measurements can be told apart as points; an image shows any number.
MOST_AS_POINTS = 7


def plot_epoch(epoch: xr.Dataset) -> Figure:
    """Where an epoch's objects were detected and where not, and how far off.

    Parameters
    ----------
    epoch : xarray.Dataset
        ``LightcurveStorage.dataset`` at one epoch.
    """
    figure = new_figure(8, 3.4)
    is_seen = ((epoch.flags.values & ABSENT) == 0).any(axis=-1)
    draw_detections(figure, 121, epoch, is_seen)
    separations = figure.add_subplot(122)
    separation = epoch.separation.values
    separation = separation[np.isfinite(separation)]
    if len(separation):
        separations.hist(separation, bins=40, color=COLOURS[0])
        separations.set_title(f'median {np.median(separation):.3f}"', fontsize="small")
    separations.set_xlabel("separation from the reference (arcsec)")
    separations.set_ylabel("objects")
    style(separations)
    return figure


def plot_coverage(
    coverage: Table,
    measurement_keys: Sequence[str],
    n_objects: int | None = None,
    *,
    width: float = 8,
) -> Figure:
    """How many objects have a good value: over time, and as an image of epoch by measurement.

    Over time up to seven measurements are drawn; the image is drawn of two and more.

    Parameters
    ----------
    coverage : Table
        From :func:`~lc_pipeline.analysis.summary.epoch_coverage`.
    measurement_keys : sequence of str
    n_objects : int, optional
        Objects in all, for the scale of the image.
    width : float
        Inches.
    """
    n_keys = len(measurement_keys)
    heights = [3.2] if n_keys <= MOST_AS_POINTS else []
    if n_keys > 1:
        heights.append(1.3 + min(4.5, 0.22 * n_keys))
    figure = new_figure(width, sum(heights))
    panels = list(figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False).ravel())
    if n_keys <= MOST_AS_POINTS:
        panel = panels[0]
        time = numbers(coverage["time"])
        start, name = day_zero(time)
        for number, key in enumerate(measurement_keys):
            panel.plot(time - start, coverage[f"n_{key}"], marker_of(number), markersize=3,
                       color=colour_of(number), label=key)  # fmt: skip
        panel.set(xlabel=name, ylabel="objects with a good value")
        panel.set_ylim(bottom=0)
        style(panel)
        legend(panel)
    if n_keys > 1:
        _draw_coverage(panels[-1], coverage, measurement_keys, n_objects)
    if not len(coverage):
        say(panels[0], "no epochs")
    return figure


def _draw_coverage(
    panel: Axes, coverage: Table, measurement_keys: Sequence[str], n_objects: int | None
) -> None:
    count = np.array([np.asarray(coverage[f"n_{key}"], dtype=float) for key in measurement_keys])
    count = count.reshape(len(measurement_keys), -1)
    if not count.size:
        say(panel, "no epochs")
        return
    # White is none at all, which the eye should not take for few.
    drawn = panel.imshow(
        np.where(count > 0, count, np.nan),
        aspect="auto",
        origin="upper",
        interpolation="nearest",
        cmap=f"{SEQUENTIAL}_r",
        vmin=0,
        vmax=n_objects or max(1.0, float(count.max())),
        extent=(0.5, count.shape[1] + 0.5, count.shape[0] - 0.5, -0.5),
    )
    panel.set_yticks(range(len(measurement_keys)), measurement_keys, parse_math=False)
    if len(measurement_keys) > MOST_AS_POINTS:
        panel.tick_params(axis="y", labelsize="x-small")
    panel.set_xlabel("number of the epoch, in order of time")
    panel.locator_params(axis="x", integer=True)
    panel.figure.colorbar(drawn, ax=panel, label="objects", pad=0.02)


def plot_epoch_quality(epochs: Table | xr.Dataset, *, width: float = 8) -> Figure:
    """How much of each epoch's catalogue was matched, and how far it was shifted.

    Parameters
    ----------
    epochs : Table or Dataset
        Per epoch ``time`` (MJD), ``n_sources`` and ``n_matched``; optionally ``offset_east`` and
        ``offset_north`` (arcsec).
    width : float
        Inches.
    """
    names = epochs.colnames if isinstance(epochs, Table) else set(epochs.variables)
    time = numbers(epochs["time"])
    start, axis = day_zero(time)
    time = time - start
    sources, matched = (
        np.asarray(epochs[name], dtype=float) for name in ("n_sources", "n_matched")
    )
    offsets = [name for name in ("offset_east", "offset_north") if name in names]
    offsets = [name for name in offsets if np.any(numbers(epochs[name]) != 0)]
    figure = new_figure(width, 3.0 + (2.2 if offsets else 0))
    panels = figure.subplots(1 + bool(offsets), 1, sharex=True, squeeze=False).ravel()
    fraction = np.divide(matched, sources, out=np.full(len(sources), np.nan), where=sources > 0)
    panels[0].plot(time, 100 * fraction, "o", markersize=3, color=COLOURS[0], label="_matched")
    panels[0].set_ylabel("detections matched (%)")
    panels[0].set_ylim(0, 104)
    for number, name in enumerate(offsets):
        panels[1].plot(time, numbers(epochs[name]), marker_of(7 * number), markersize=3,
                       color=colour_of(number),
                       label="to the " + name.removeprefix("offset_"))  # fmt: skip
    if offsets:
        panels[1].axhline(0, color="#999999", linewidth=0.8, zorder=0)
        panels[1].set_ylabel("offset (arcsec)")
        legend(panels[1])
    if not len(time):
        say(panels[0], "no epochs")
    panels[-1].set_xlabel(axis)
    for panel in panels:
        style(panel)
    return figure


def plot_zero_points(
    zero_points: Table, measurement_keys: Sequence[str] | None = None, *, width: float = 8
) -> Figure:
    """Zero points over time with their errors, transparent nights above; and their residuals.

    Parameters
    ----------
    zero_points : Table
        One row an epoch and measurement: ``time``, ``measurement``, ``zero_point``,
        ``zero_point_err`` (mag), and optionally ``scatter``, of the stars they rest on.
    measurement_keys : sequence of str, optional
        By default all in the table.
    width : float
        Inches.
    """
    of = np.asarray(zero_points["measurement"]).astype(str)
    keys = list(dict.fromkeys(of.tolist())) if measurement_keys is None else list(measurement_keys)
    has_scatter = "scatter" in zero_points.colnames
    figure = new_figure(width, 3.2 + (1.8 if has_scatter else 0))
    panels: Any = figure.subplots(
        1 + has_scatter, 1, sharex=True, squeeze=False, height_ratios=[3, 2][: 1 + has_scatter]
    ).ravel()
    time = numbers(zero_points["time"])
    start, axis = day_zero(time)
    time = time - start
    zero_point, error = (numbers(zero_points[name]) for name in ("zero_point", "zero_point_err"))
    for number, key in enumerate(keys):
        chosen = of == key
        look: dict[str, Any] = {"color": colour_of(number), "markersize": 3}
        panels[0].errorbar(time[chosen], zero_point[chosen], np.nan_to_num(error[chosen]),
                           fmt=marker_of(number), elinewidth=0.7, label=key, **look)  # fmt: skip
        if has_scatter:
            panels[1].plot(time[chosen], numbers(zero_points["scatter"])[chosen],
                           marker_of(number), label=key, **look)  # fmt: skip
    panels[0].axhline(0, color="#999999", linewidth=0.8, zorder=0)
    panels[0].invert_yaxis()
    panels[0].set_ylabel("zero point (mag)")
    if has_scatter:
        panels[1].set_ylabel("scatter (mag)")
        panels[1].set_ylim(bottom=0)
    if not np.isfinite(zero_point).any():
        say(panels[0], "no zero points")
    panels[-1].set_xlabel(axis)
    for panel in panels:
        style(panel)
    if keys:
        legend(panels[0])
    return figure
