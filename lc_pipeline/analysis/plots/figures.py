"""What all figures share: making one, its style, points when there are very many, PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: From here on it is the density of points that is drawn.
MOST_POINTS = 20_000


def new_figure(width: float, height: float) -> Figure:
    """Make a figure of so many inches, without pyplot and its global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 (slow to import)
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def style(panel: Axes) -> None:
    """Ticks on all sides, inward; a grid that stays behind."""
    panel.tick_params(which="both", direction="in", top=True, right=True)
    panel.grid(visible=True, alpha=0.25, linewidth=0.6)
    panel.set_axisbelow(True)


def say(panel: Axes, text: str) -> None:
    """Write into a panel that has nothing to show."""
    panel.text(0.5, 0.5, text, ha="center", va="center", transform=panel.transAxes, color="#555555")


def numbers(column: Any) -> NDArray[np.float64]:
    """A column of a table or a dataset as plain numbers, NaN where masked.

    Examples
    --------
    >>> numbers(np.ma.array([1, 2], mask=[False, True]))
    array([ 1., nan])
    """
    values = getattr(column, "value", column)
    found = np.array(getattr(values, "unmasked", values), dtype=float)
    found[np.asarray(getattr(column, "mask", np.zeros(len(found), dtype=bool)))] = np.nan
    return found


def label(name: str, unit: object = None) -> str:
    """Name an axis.

    Examples
    --------
    >>> label("flux", "uJy"), label("flux", "")
    ('flux (uJy)', 'flux')
    """
    return f"{name} ({unit})" if unit is not None and str(unit) else name


def draw_many(
    panel: Axes, x: NDArray[Any], y: NDArray[Any], colour: str, *, is_log: tuple[bool, bool]
) -> None:
    """Draw points, or their density where there are more than 20,000.

    Parameters
    ----------
    panel : Axes
    x, y : (n,) array of float
        Where either is not finite, or not positive on a logarithmic axis, nothing is drawn.
    colour : str
        Of single points.
    is_log : tuple of bool
        Whether x and y are on logarithmic axes, which the panel is given.
    """
    scales: list[Literal["log", "linear"]] = ["log" if each else "linear" for each in is_log]
    panel.set_xscale(scales[0])
    panel.set_yscale(scales[1])
    shown = np.isfinite(x) & np.isfinite(y)
    for values, is_logarithmic in zip((x, y), is_log, strict=True):
        if is_logarithmic:
            shown &= values > 0
    x, y = x[shown], y[shown]
    if len(x) <= MOST_POINTS:
        size = 4 if len(x) < 1000 else 2.5  # noqa: PLR2004
        panel.plot(x, y, ".", color=colour, markersize=size, alpha=0.7, rasterized=True)
        return
    # White is nothing, so that single objects still show beside the crowd.
    drawn = panel.hexbin(
        x,
        y,
        gridsize=110,
        mincnt=1,
        bins="log",
        cmap="cividis_r",
        xscale=scales[0],
        yscale=scales[1],
        linewidths=0.1,
        rasterized=True,
    )
    panel.figure.colorbar(drawn, ax=panel, label="objects", pad=0.02, aspect=30)


def as_png(figure: Figure, dpi: int = 70, *, colours: int | None = None) -> bytes:
    """Render a figure.

    Parameters
    ----------
    figure : Figure
    dpi : int
    colours : int, optional
        Keep so many colours only: a third of the bytes, and nothing that the eye misses at 64.
    """
    stream = io.BytesIO()
    if colours is None:
        figure.savefig(stream, format="png", dpi=dpi)
        return stream.getvalue()
    from PIL import Image  # noqa: PLC0415 (comes with matplotlib)

    figure.savefig(stream, format="rgba", dpi=dpi)
    width, height = (int(side) for side in figure.get_size_inches() * dpi)
    image = Image.frombytes("RGBA", (width, height), stream.getvalue()).convert("RGB")
    small = io.BytesIO()
    image.quantize(colours, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()
