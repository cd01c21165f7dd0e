"""Plots of light curves: magnitudes upward, error bars, doubtful points drawn as such."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table
from astropy.timeseries import TimeSeries
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lc_pipeline.analysis.colours import COLOURS
from lc_pipeline.flags import BAD

_AXIS_NAMES = {"mag": "magnitude", "flux": "flux", "value": "value"}


def plot_lightcurve(rows: TimeSeries, comparison: TimeSeries | None = None) -> Figure:
    """Draw one object's light curve, a colour per measurement.

    Parameters
    ----------
    rows : TimeSeries
        From :meth:`LightcurveStorage.to_timeseries`.
    comparison : TimeSeries, optional
        A comparison star's: it is drawn below the object's, and the difference in a panel of its
        own, epoch by epoch, errors added in quadrature.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(9, 7.5 if comparison is not None else 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = (
        figure.subplots(2, 1, sharex=True) if comparison is not None else [figure.subplots(1, 1)]
    )
    start = _whole_day(rows)
    title = f"{rows.meta['object']}   {rows.meta['ra']:.5f} {rows.meta['dec']:+.5f}"
    panels[0].set_title(f"{rows.meta['survey']}: {title}" if rows.meta["survey"] else title)
    _draw(panels[0], rows, start)
    if comparison is not None:
        _draw(panels[0], comparison, start, label=f"comparison {comparison.meta['object']}",
              marker="s", colours=("#888888",))  # fmt: skip
        _draw(panels[1], difference(rows, comparison), start)
        panels[1].set_ylabel(f"object - comparison{_unit(rows)}")
    panels[0].set_ylabel(f"{_AXIS_NAMES[_value_name(rows)]}{_unit(rows)}")
    panels[-1].set_xlabel(f"MJD ({rows['time'].scale.upper()}) - {start:.0f}")
    for panel in panels:
        if _is_magnitude(rows):
            panel.invert_yaxis()
        panel.grid(alpha=0.25)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(loc="best", fontsize="small")
        else:
            panel.text(0.5, 0.5, "no measurement", ha="center", transform=panel.transAxes)
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
    value, error = _value_name(rows), _error_name(rows)
    together = Table(rows["time", "epoch", "measurement", "flags"][own])
    together[value] = _plain(rows, value)[own] - _plain(comparison, value)[other]
    together[error] = np.hypot(_plain(rows, error)[own], _plain(comparison, error)[other])
    together["flags"] = rows["flags"][own] | comparison["flags"][other]
    together.meta = rows.meta
    return together


def _draw(
    panel: Axes,
    rows: Table,
    start: float,
    *,
    label: str = "",
    marker: str = "o",
    colours: Sequence[str] = COLOURS,
) -> None:
    """Points with error bars; open symbols where a flag says not to trust the value."""
    value, error = _plain(rows, _value_name(rows)), _plain(rows, _error_name(rows))
    time = (rows["time"].mjd if len(rows) else np.array([])) - start
    is_bad = (np.asarray(rows["flags"]) & BAD) != 0
    keys = list(dict.fromkeys(np.asarray(rows["measurement"]).tolist()))
    for number, key in enumerate(keys):
        colour = colours[number % len(colours)]
        of_key = (np.asarray(rows["measurement"]) == key) & np.isfinite(value)
        for chosen, face, name in (
            (of_key & ~is_bad, colour, label or str(key)),
            (of_key & is_bad, "none", f"{label or key}, flagged"),
        ):
            if chosen.any():
                panel.errorbar(
                    time[chosen],
                    value[chosen],
                    np.nan_to_num(error[chosen]),
                    fmt=marker,
                    color=colour,
                    markerfacecolor=face,
                    markersize=4,
                    elinewidth=0.8,
                    label=name,
                )


def _plain(rows: Table, name: str) -> NDArray[np.float64]:
    """A column as plain numbers, NaN where masked."""
    column = rows[name]
    values = getattr(column, "value", column)
    plain = np.array(getattr(values, "unmasked", values), dtype=float)
    plain[np.asarray(getattr(column, "mask", np.zeros(len(plain), dtype=bool)))] = np.nan
    return plain


def _value_name(rows: Table) -> str:
    return next(name for name in ("mag", "flux", "value") if name in rows.colnames)


def _error_name(rows: Table) -> str:
    return {"mag": "mag_err", "flux": "flux_err", "value": "error"}[_value_name(rows)]


def _is_magnitude(rows: Table) -> bool:
    return _value_name(rows) == "mag"


def _unit(rows: Table) -> str:
    unit = getattr(rows[_value_name(rows)], "unit", None)
    return f" ({unit})" if unit is not None and str(unit) else ""


def _whole_day(rows: TimeSeries) -> float:
    return float(np.floor(rows["time"].mjd.min())) if len(rows) else 0.0
