"""Plots of light curves: magnitudes upward, error bars, doubtful points drawn as such."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Table
from astropy.timeseries import TimeSeries

from lc_pipeline.analysis.plots.figures import make_room, new_figure, numbers, say, style
from lc_pipeline.analysis.plots.points import (
    Points,
    colour_of,
    draw_points,
    error_name,
    fit_axis,
    is_magnitude,
    legend,
    marker_of,
    points_of,
    shifts,
    value_label,
    value_name,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_lightcurve(
    rows: TimeSeries,
    comparison: TimeSeries | None = None,
    *,
    measurement_keys: Sequence[str] | None = None,
    size: tuple[float, float] | None = None,
    is_fitted: bool = True,
) -> Figure:
    """Draw one object's light curve, a colour per measurement.

    Measurements that are too far apart to be read on one axis are shifted, and the legend says by
    how much. Flagged values are open symbols, upper limits arrows down from the limit; the range is
    that of the good values, and a limit that is too faint for it stands at its edge.

    Parameters
    ----------
    rows : TimeSeries
        From :meth:`LightcurveStorage.to_timeseries`; a column ``limit`` has the upper limits.
    comparison : TimeSeries, optional
        A comparison star's: it is drawn below the object's, and the difference in a panel of its
        own, epoch by epoch, errors added in quadrature.
    measurement_keys : sequence of str, optional
        By default all that `rows` has.
    size : tuple of float, optional
        Width and height in inches.
    is_fitted : bool
        Whether margins are fitted to the labels; without it is twice as quick.

    Returns
    -------
    matplotlib.figure.Figure
    """
    size = size or (9, 7.5 if comparison is not None else 4.8)
    figure = new_figure(*size, is_fitted=is_fitted)
    panels = (
        figure.subplots(2, 1, sharex=True) if comparison is not None else [figure.subplots(1, 1)]
    )
    start = _whole_day(rows)
    title = f"{rows.meta['object']}   {rows.meta['ra']:.5f} {rows.meta['dec']:+.5f}"
    title = f"{rows.meta['survey']}: {title}" if rows.meta["survey"] else title
    figure.suptitle(title, fontsize="medium", parse_math=False)
    own = points_of(rows, measurement_keys)
    if comparison is None:
        shift = shifts([points.good for points in own], upward=not is_magnitude(rows))
        _draw(panels[0], fit_axis(panels[0], own, shift), start, shift)
    else:
        # Not shifted: that would hide how far apart the object and its comparison are.
        other = points_of(comparison, measurement_keys)
        fitted = fit_axis(panels[0], [*own, *other])
        _draw(panels[0], fitted[: len(own)], start)
        for points in fitted[len(own) :]:
            draw_points(panels[0], points.time - start, points, colour="#888888", marker="s",
                        name=f"comparison {comparison.meta['object']}")  # fmt: skip
        apart = points_of(difference(rows, comparison), measurement_keys)
        _draw(panels[1], fit_axis(panels[1], apart), start)
        panels[1].set_ylabel(f"object - comparison\n{value_label(rows)}")
    panels[0].set_ylabel(value_label(rows))
    panels[-1].set_xlabel(f"MJD ({rows['time'].scale.upper()}) - {start:.0f}")
    legend_rows = 0
    for panel in panels:
        if is_magnitude(rows):
            panel.invert_yaxis()
        style(panel)
        legend_rows = max(legend_rows, legend(panel))
        if not panel.get_legend():
            say(panel, "no measurement")
    make_room(figure, legend_rows)
    return figure


def save_lightcurve(path: Path, rows: TimeSeries, comparison: TimeSeries | None = None) -> None:
    """Write :func:`plot_lightcurve` as PNG."""
    plot_lightcurve(rows, comparison).savefig(path, dpi=120, format="png")


def difference(rows: TimeSeries, comparison: TimeSeries) -> Table:
    """Object minus comparison where both were measured in the same epoch and measurement.

    Returns
    -------
    Table
        Columns as in `rows`; values are differences, errors added in quadrature, flags united.
        For fluxes, too, it is the difference.
    """
    place = {
        key: number
        for number, key in enumerate(
            zip(comparison["epoch"], comparison["measurement"], strict=True)
        )
    }
    pairs = [
        (number, place[key])
        for number, key in enumerate(zip(rows["epoch"], rows["measurement"], strict=True))
        if key in place
    ]
    own, other = np.array(pairs, dtype=int).reshape(-1, 2).T
    value, error = value_name(rows), error_name(rows)
    together = Table(rows["time", "epoch", "measurement", "flags"][own])
    together[value] = numbers(rows[value])[own] - numbers(comparison[value])[other]
    together[error] = np.hypot(numbers(rows[error])[own], numbers(comparison[error])[other])
    together["flags"] = rows["flags"][own] | comparison["flags"][other]
    together.meta = rows.meta
    return together


def _draw(
    panel: Axes, measurements: Sequence[Points], start: float, shift: Sequence[float] | None = None
) -> None:
    for number, points in enumerate(measurements):
        draw_points(
            panel,
            points.time - start,
            points,
            colour=colour_of(number),
            marker=marker_of(number),
            shift=shift[number] if shift else 0.0,
        )


def _whole_day(rows: TimeSeries) -> float:
    times = rows["time"].mjd if len(rows) else np.array([])
    known = times[np.isfinite(times)]
    return float(np.floor(known.min())) if len(known) else 0.0
