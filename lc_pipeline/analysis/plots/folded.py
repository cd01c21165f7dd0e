"""Light curves folded with a period, drawn twice over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from astropy.timeseries import TimeSeries
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.barycentric import JD_OF_MJD, barycentric_rows, is_barycentric
from lc_pipeline.analysis.plots.figures import make_room, new_figure, say, style
from lc_pipeline.analysis.plots.points import (
    colour_of,
    draw_points,
    fit_axis,
    is_magnitude,
    legend,
    marker_of,
    points_of,
    shifts,
    value_label,
)
from lc_pipeline.errors import LightcurveError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def phase(time: ArrayLike, period: float, epoch_of_maximum: float = 0.0) -> NDArray[np.float64]:
    """Fold times: 0 at the epoch of maximum, below 1.

    Raises
    ------
    LightcurveError
        If the period is not a positive number of days.

    Examples
    --------
    >>> phase([10.0, 10.5, 13.0], period=2.0, epoch_of_maximum=10.0)
    array([0.  , 0.25, 0.5 ])
    """
    if not (np.isfinite(period) and period > 0):
        raise LightcurveError(f"a period is a positive number of days, not {period}")
    # A tiny negative remainder becomes 1 in rounding: that is phase 0.
    folded = (np.asarray(time, dtype=float) - epoch_of_maximum) / period % 1.0
    return np.where(folded == 1.0, 0.0, folded)


def plot_folded(
    rows: TimeSeries,
    period: float,
    epoch_of_maximum: float | None = None,
    *,
    models: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    measurement_keys: Sequence[str] | None = None,
    size: tuple[float, float] = (7, 4.4),
    is_fitted: bool = True,
) -> Figure:
    """Draw one object's light curve over phase, twice.

    Times are made barycentric first, where it is known where the clock stood.

    Parameters
    ----------
    rows : TimeSeries
        From :meth:`LightcurveStorage.to_timeseries`.
    period : float
        Days; any.
    epoch_of_maximum : float, optional
        Time of phase 0, as in the table of periods: BJD_TDB - 2400000.5 where times are made
        barycentric, else MJD. By default that of the brightest good value in the first
        measurement.
    models : mapping, optional
        By measurement, phases between 0 and 1 and the model's values there.
    measurement_keys : sequence of str, optional
        By default all that `rows` has.
    size : tuple of float
        Width and height in inches.
    is_fitted : bool
        Whether margins are fitted to the labels; without it is twice as quick.

    Raises
    ------
    LightcurveError
        If the period is not a positive number.
    """
    figure = new_figure(*size, is_fitted=is_fitted)
    panel = figure.subplots()
    rows = barycentric_rows(rows)
    measurements = points_of(rows, measurement_keys)
    if epoch_of_maximum is None or not np.isfinite(epoch_of_maximum):
        epoch_of_maximum = _brightest(rows, measurement_keys)
    shift = shifts([points.good for points in measurements], upward=not is_magnitude(rows))
    for number, points in enumerate(fit_axis(panel, measurements, shift)):
        once = phase(points.time, period, epoch_of_maximum)
        colour, marker = colour_of(number), marker_of(number)
        draw_points(panel, np.concatenate([once, once + 1]), points.twice(),
                    colour=colour, marker=marker,
                    shift=shift[number])  # fmt: skip
        if models and points.key in models:
            at, model = (np.asarray(each, dtype=float) for each in models[points.key])
            order = np.argsort(at)
            panel.plot(
                np.concatenate([at[order], at[order] + 1]),
                np.tile(model[order], 2) + shift[number],
                color=colour,
                linewidth=1.3,
                zorder=3,
                gid="model",
            )
    panel.set_xlim(0, 2)
    panel.axvline(1, color="#999999", linewidth=0.8, linestyle=":", zorder=0)
    zero = f"MJD {epoch_of_maximum:.5f} {rows['time'].scale.upper()}"
    if is_barycentric(rows):
        zero = f"BJD_TDB {epoch_of_maximum + JD_OF_MJD:.5f}"
    panel.set_xlabel(f"phase (period {period:.7g} d, phase 0 at {zero})")
    panel.set_ylabel(value_label(rows))
    if is_magnitude(rows):
        panel.invert_yaxis()
    style(panel)
    make_room(figure, legend(panel))
    if not panel.get_legend():
        say(panel, "no measurement")
    return figure


def _brightest(rows: TimeSeries, measurement_keys: Sequence[str] | None) -> float:
    for points in points_of(rows, measurement_keys):
        usable = np.isfinite(points.value) & ~points.is_bad
        if usable.any():
            value = points.value[usable] * (-1 if is_magnitude(rows) else 1)
            return float(points.time[usable][np.argmax(value)])
    return 0.0
