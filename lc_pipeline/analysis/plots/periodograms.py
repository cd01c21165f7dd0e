"""Periodograms with their window, peaks and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.colours import COLOURS, ORDINARY, REMARKABLE
from lc_pipeline.analysis.plots.figures import make_room, new_figure, say, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Lines drawn across the width: some four for each dot on paper.
MOST_LINES = 4000


@dataclass(frozen=True)
class Periodogram:
    """Power over frequency, and what is to be marked in it."""

    frequency: ArrayLike
    """(n,) 1/d, ascending."""
    power: ArrayLike
    """(n,)."""
    window: ArrayLike | None = None
    """(n,) the window function at the same frequencies."""
    peaks: Mapping[str, float] = field(default_factory=dict)
    """Frequencies to mark, by what they are called, 1/d."""
    aliases: Mapping[str, float] = field(default_factory=dict)
    """The same for frequencies that a peak may be mistaken for."""
    levels: Mapping[str, float] = field(default_factory=dict)
    """Powers to draw lines at, e.g. for false-alarm probabilities."""
    power_name: str = "power"
    """What the power is, for the axis."""


def plot_periodogram(
    periodogram: Periodogram,
    *,
    size: tuple[float, float] = (7, 4.4),
    is_fitted: bool = True,
) -> Figure:
    """Draw power over frequency; below it the window function, if given.

    Of very many frequencies the highest power of each few is drawn, so that no peak is lost.

    Parameters
    ----------
    periodogram : Periodogram
    size : tuple of float
        Width and height in inches.
    is_fitted : bool
        Whether margins are fitted to the labels; without it is twice as quick.
    """
    frequency, power = (
        np.asarray(each, dtype=float) for each in (periodogram.frequency, periodogram.power)
    )
    levels = periodogram.levels
    figure = new_figure(*size, is_fitted=is_fitted)
    if periodogram.window is None:
        panels = [figure.subplots()]
    else:
        panels = list(figure.subplots(2, 1, sharex=True, height_ratios=[3, 1]))
        at, below = envelope(frequency, np.asarray(periodogram.window, dtype=float))
        panels[1].fill_between(at, below, color=ORDINARY, linewidth=0.3)
        panels[1].set_ylabel("window")
        panels[1].set_ylim(bottom=0)
    panel = panels[0]
    at, highest = envelope(frequency, power)
    panel.plot(at, highest, color="black", linewidth=0.7, label="_power")
    for marked, colour, line in (
        (periodogram.peaks, REMARKABLE, "-"),
        (periodogram.aliases, COLOURS[0], "--"),
    ):
        for name, place in marked.items():
            if np.isfinite(place):
                panel.axvline(place, color=colour, linestyle=line, linewidth=1, alpha=0.75,
                              zorder=0, label=name)  # fmt: skip
    for name, level in levels.items():
        panel.axhline(level, color=COLOURS[2], linestyle=":", linewidth=1.1, label=name)
    if np.isfinite(power).any():
        panel.set_xlim(0 if at[0] < 0.1 * at[-1] else at[0], at[-1])
        top = max([float(np.nanmax(power)), *levels.values()])
        panel.set_ylim(min(0.0, float(np.nanmin(power))), 1.08 * top)
    else:
        say(panel, "no periodogram")
    panel.set_ylabel(periodogram.power_name)
    panels[-1].set_xlabel("frequency (1/d)")
    for each in panels:
        style(each)
    make_room(figure, -(-len(panel.get_legend_handles_labels()[1]) // 4))
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
