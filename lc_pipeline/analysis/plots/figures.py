"""What all figures share: making one, its style, points when there are very many, PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

#: From here on it is the density of points that is drawn.
MOST_POINTS = 20_000
FEW = 1000
#: Inches left of, right of, below and above the panels of a figure that is not fitted.
MARGINS = (0.9, 0.2, 0.55, 0.12)
#: Cells of a map of density, across and upward.
BINS = (170, 120)
#: Days; the times of a longer survey are counted from MJD 0.
LONG = 20.0


def new_figure(width: float, height: float, *, is_fitted: bool = True) -> Figure:
    """Make a figure of so many inches, without pyplot and its global state.

    Margins are fitted to what is written in them, unless `is_fitted` is false: then they are wide
    enough for usual labels, and drawing takes half the time. That counts where there are hundreds.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 (slow to import)
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), layout="constrained" if is_fitted else None)
    FigureCanvasAgg(figure)
    if not is_fitted:
        left, right, bottom, top = MARGINS
        figure.subplots_adjust(
            left / width, bottom / height, 1 - right / width, 1 - top / height, hspace=0.08
        )
    return figure


def make_room(figure: Figure, legend_rows: int = 0) -> None:
    """Leave room above the panels of a figure that is not fitted, for its title and a legend."""
    if figure.get_layout_engine() is None:
        lines = legend_rows + (1.4 if figure.get_suptitle() else 0)
        figure.subplots_adjust(top=1 - (MARGINS[3] + 0.2 * lines) / figure.get_figheight())


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


def day_zero(time: NDArray[np.float64]) -> tuple[float, str]:
    """Day to count times from, and how the axis is called: short surveys show their hours.

    Examples
    --------
    >>> day_zero(np.array([57021.2, 57021.9])), day_zero(np.array([57021.2, 58021.9]))
    ((57021.0, 'MJD - 57021'), (0.0, 'MJD'))
    """
    known = time[np.isfinite(time)]
    if not len(known) or np.ptp(known) > LONG:
        return 0.0, "MJD"
    start = float(np.floor(known.min()))
    return start, f"MJD - {start:.0f}"


def draw_many(
    panel: Axes, x: NDArray[np.float64], y: NDArray[np.float64], colour: str, *, size: float = 4
) -> None:
    """Draw points, or their density where there are more than 20,000.

    Parameters
    ----------
    panel : Axes
        With the scales that it is to have.
    x, y : (n,) array of float
        Points that are not finite, or not positive on a logarithmic axis, are left out.
    colour, size
        Of single points.
    """
    u, v = panel.xaxis.get_transform().transform(x), panel.yaxis.get_transform().transform(y)
    shown = np.isfinite(u) & np.isfinite(v)
    if shown.sum() <= MOST_POINTS:
        size *= 1 if shown.sum() < FEW else 0.6
        panel.plot(x[shown], y[shown], ".", color=colour, markersize=size, alpha=0.7,
                   label="_objects", rasterized=True)  # fmt: skip
        return
    from matplotlib.colors import LogNorm  # noqa: PLC0415 (slow to import)

    count, u_edges, v_edges = np.histogram2d(u[shown], v[shown], bins=BINS)
    # White is nothing, so that single objects still show beside the crowd.
    drawn = panel.pcolormesh(
        panel.xaxis.get_transform().inverted().transform(u_edges),
        panel.yaxis.get_transform().inverted().transform(v_edges),
        np.ma.masked_equal(count.T, 0),
        cmap=_greys(),
        norm=LogNorm(vmin=0.5, vmax=max(2.0, count.max())),
        rasterized=True,
    )
    bar = panel.figure.colorbar(drawn, ax=panel, label="objects", pad=0.02, shrink=0.8)
    bar.ax.set_ylim(bottom=1)


def _greys() -> Colormap:
    """Greys that begin where they can be told from white."""
    import matplotlib as mpl  # noqa: PLC0415 (slow to import)
    from matplotlib.colors import ListedColormap  # noqa: PLC0415

    return ListedColormap(mpl.colormaps["Greys"](np.linspace(0.25, 1, 256)))


def outlined() -> list[Any]:
    """Effect that keeps letters legible on whatever is behind them."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415 (slow to import)

    return [withStroke(linewidth=2, foreground="white")]


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
    image.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        small, format="png"
    )
    return small.getvalue()
