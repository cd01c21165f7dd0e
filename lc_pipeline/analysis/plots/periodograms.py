"""Periodograms with their window, peaks and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.colours import COLOURS, ORDINARY, REMARKABLE
from lc_pipeline.analysis.plots.figures import new_figure, say, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Lines drawn across the width: some four for each dot on paper.
MOST_LINES = 4000


def plot_periodogram(
    frequency: ArrayLike,
    power: ArrayLike,
    *,
    window: ArrayLike | None = None,
    peaks: Mapping[str, float] | None = None,
    aliases: Mapping[str, float] | None = None,
    levels: Mapping[str, float] | None = None,
    power_name: str = "power",
    size: tuple[float, float] = (7, 4.4),
) -> Figure:
    """Draw power over frequency; below it the window function, if given.

    Of very many frequencies the highest power of each few is drawn, so that no peak is lost.

    Parameters
    ----------
    frequency : (n,) array of float, 1/d
    power : (n,) array of float
    window : (n,) array of float, optional
        The window function at the same frequencies.
    peaks : mapping of str to float, optional
        Frequencies to mark with what they are called, 1/d.
    aliases : mapping of str to float, optional
        The same for frequencies that a peak may be mistaken for.
    levels : mapping of str to float, optional
        Powers to draw lines at, e.g. for false-alarm probabilities.
    power_name : str
        How the power is normalised, for the axis.
    size : tuple of float
        Width and height in inches.
    """
    frequency, power = np.asarray(frequency, dtype=float), np.asarray(power, dtype=float)
    figure = new_figure(*size)
    if window is None:
        panels = [figure.subplots()]
    else:
        panels = list(figure.subplots(2, 1, sharex=True, height_ratios=[3, 1]))
        at, below = envelope(frequency, np.asarray(window, dtype=float))
        panels[1].fill_between(at, below, color=ORDINARY, linewidth=0.3)
        panels[1].set_ylabel("window")
        panels[1].set_ylim(bottom=0)
    panel = panels[0]
    at, highest = envelope(frequency, power)
    panel.plot(at, highest, color="black", linewidth=0.7, label="_power")
    for marked, colour, line in ((peaks, REMARKABLE, "-"), (aliases, COLOURS[0], "--")):
        for name, place in (marked or {}).items():
            if np.isfinite(place):
                panel.axvline(place, color=colour, linestyle=line, linewidth=1, alpha=0.75,
                              zorder=0, label=name)  # fmt: skip
    for name, level in (levels or {}).items():
        panel.axhline(level, color=COLOURS[2], linestyle=":", linewidth=1.1, label=name)
    if np.isfinite(power).any():
        panel.set_xlim(0 if at[0] < 0.1 * at[-1] else at[0], at[-1])
        top = max([float(np.nanmax(power)), *(levels or {}).values()])
        panel.set_ylim(min(0.0, float(np.nanmin(power))), 1.08 * top)
    else:
        say(panel, "no periodogram")
    panel.set_ylabel(power_name)
    panels[-1].set_xlabel("frequency (1/d)")
    for each in panels:
        style(each)
    if panel.get_legend_handles_labels()[1]:
        panel.legend(
            loc="lower left", bbox_to_anchor=(0, 1.01), ncols=4, fontsize="x-small", frameon=False,
            borderaxespad=0, handlelength=1.4, columnspacing=1.2,
        )  # fmt: skip
    return figure


def envelope(
    x: NDArray[np.float64], y: NDArray[np.float64], most: int = MOST_LINES
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keep the highest of each few values, with its place, if there are more than `most`.

    Examples
    --------
    >>> envelope(np.arange(6.0), np.array([1.0, 5, 2, 0, 3, 1]), most=2)
    (array([1., 4.]), array([5., 3.]))
    """
    shown = np.isfinite(x) & np.isfinite(y)
    x, y = x[shown], y[shown]
    if len(x) <= most:
        return x, y
    few = -(-len(x) // most)
    padded = np.concatenate([y, np.full(-len(y) % few, -np.inf)]).reshape(-1, few)
    chosen = padded.argmax(axis=1) + few * np.arange(len(padded))
    return x[chosen], y[chosen]
