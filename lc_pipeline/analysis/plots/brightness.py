"""Scatter, or any index of variability, of every object against its brightness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Table
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.colours import ORDINARY, REMARKABLE
from lc_pipeline.analysis.plots.figures import draw_many, label, new_figure, numbers, say, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Panels in one figure; further measurements are only counted.
MOST_PANELS = 12
#: An index that goes beyond so many times what is usual is drawn on a logarithmic axis.
WIDE = 8.0


def plot_scatter(summary: Table, candidates: Table | None = None) -> Figure:
    """Scatter of every object over its median brightness: variables stand above the rest.

    Parameters
    ----------
    summary : Table
        From :func:`~lc_pipeline.analysis.summary.object_summary`.
    candidates : Table, optional
        Objects to mark, by their column ``object``.
    """
    names = [name for name in summary.colnames if name.startswith("median_")]
    pairs = {
        name.split("_", 2)[2]: (name, name.replace("median_", "scatter_", 1)) for name in names
    }
    return _plot_pairs(summary, pairs, candidates, {}, index_name="scatter")


def plot_index(
    statistics: Table,
    index: str,
    measurement_keys: Sequence[str],
    candidates: Table | None = None,
    *,
    thresholds: Mapping[str, ArrayLike] | None = None,
    index_name: str | None = None,
    panel_size: tuple[float, float] | None = None,
) -> Figure:
    """Draw an index of variability against brightness, a panel for each measurement.

    Parameters
    ----------
    statistics : Table
        ``object``, ``median_<m>`` and ``<index>_<m>`` for each measurement `m`.
    index : str
        E.g. ``iqr`` or ``iqr_z``: of the latter, ``iqr_<m>_z`` is taken.
    measurement_keys : sequence of str
    candidates : Table, optional
        Objects to mark, by their column ``object``.
    thresholds : mapping, optional
        By measurement, a value of the index to draw a line at; or (2, n) brightnesses, in
        order, and the value at each of them.
    index_name : str, optional
        Name on the axis, by default `index`.
    panel_size : tuple of float, optional
        Width and height in inches of each panel.
    """
    base = index.removesuffix("_z")
    pairs = {
        key: (brightness_column(statistics, key), f"{base}_{key}{index[len(base) :]}")
        for key in measurement_keys
    }
    pairs = {key: (x, y) for key, (x, y) in pairs.items() if x and y in statistics.colnames}
    return _plot_pairs(
        statistics,
        pairs,
        candidates,
        thresholds or {},
        index_name=index_name or index.replace("_", " "),
        panel_size=panel_size,
    )


def brightness_column(statistics: Table, measurement: str) -> str:
    """Name of the column that says how bright objects are; empty if there is none."""
    names = (f"{mean}_{measurement}" for mean in (
        "median", "median_mag", "median_flux", "median_value", "weighted_mean", "mean",
    ))  # fmt: skip
    return next((name for name in names if name in statistics.colnames), "")


def _plot_pairs(
    table: Table,
    pairs: Mapping[str, tuple[str, str]],
    candidates: Table | None,
    thresholds: Mapping[str, ArrayLike],
    *,
    index_name: str,
    panel_size: tuple[float, float] | None = None,
) -> Figure:
    """Draw a panel per measurement: `pairs` has the columns of brightness and index."""
    shown = list(pairs)[:MOST_PANELS]
    columns = {0: 1, 1: 1, 2: 2, 3: 3, 4: 2}.get(len(shown), 3 if len(shown) <= 9 else 4)  # noqa: PLR2004
    rows = max(1, -(-len(shown) // columns))
    if panel_size is None:
        panel_size = (8, 4) if len(shown) <= 1 else (3.6, 2.8)
    figure = new_figure(panel_size[0] * columns, panel_size[1] * rows + 0.2)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[max(1, len(shown)) :]:
        panel.remove()
    if not shown:
        say(panels[0], f"no {index_name}")
    marked = np.isin(table["object"], candidates["object"]) if candidates else None
    for panel, key in zip(panels, shown, strict=False):
        brightness, index = (numbers(table[name]) for name in pairs[key])
        x, y = (table[name].unit for name in pairs[key])
        draw_index(
            panel,
            brightness,
            index,
            is_magnitude=str(x) == "mag",
            is_candidate=marked,
            threshold=thresholds.get(key),
        )
        panel.set(xlabel=label("median", x), ylabel=label(index_name, y))
        if len(pairs) > 1 or key:
            panel.set_title(key, fontsize="small", loc="left", parse_math=False)
    if left := len(pairs) - len(shown):
        figure.suptitle(f"{left} more measurements are not shown", fontsize="small")
    return figure


def draw_index(
    panel: Axes,
    brightness: NDArray[np.float64],
    index: NDArray[np.float64],
    *,
    is_magnitude: bool,
    is_candidate: NDArray[np.bool_] | None = None,
    threshold: ArrayLike | None = None,
) -> None:
    """Draw one panel: all objects, those to be marked, and the line that they are above.

    Parameters
    ----------
    panel : Axes
    brightness, index : (n,) array of float
    is_magnitude : bool
        Fluxes are drawn on a logarithmic axis if nearly all are positive.
    is_candidate : (n,) array of bool, optional
    threshold : float or (2, n) array of float, optional
    """
    style(panel)
    if not is_magnitude and _is_mostly_positive(brightness):
        panel.set_xscale("log")
    _choose_scale(panel, index)
    ordinary = np.ones(len(index), dtype=bool) if is_candidate is None else ~is_candidate
    draw_many(panel, brightness[ordinary], index[ordinary], ORDINARY)
    if is_candidate is not None and is_candidate.any():
        panel.plot(
            brightness[is_candidate],
            index[is_candidate],
            "o",
            color=REMARKABLE,
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.5,
            label="candidates",
            gid="candidates",
        )
    if threshold is not None:
        line = np.asarray(threshold, dtype=float)
        if line.ndim:
            panel.plot(line[0], line[1], color="black", linewidth=1, linestyle="--",
                       label="threshold")  # fmt: skip
        else:
            panel.axhline(float(line), color="black", linewidth=1, linestyle="--",
                          label="threshold")  # fmt: skip
    if not (np.isfinite(brightness) & np.isfinite(index)).any():
        say(panel, "no object has enough values")
    if panel.get_legend_handles_labels()[1]:
        panel.legend(fontsize="small", framealpha=0.85)


def _is_mostly_positive(values: NDArray[np.float64]) -> bool:
    known = values[np.isfinite(values)]
    return len(known) > 0 and bool(np.mean(known > 0) > 0.95)  # noqa: PLR2004


def _choose_scale(panel: Axes, index: NDArray[np.float64]) -> None:
    """Logarithmic where an index spans much; where some are not positive, around zero linear."""
    known = index[np.isfinite(index)]
    if not len(known):
        return
    typical = float(np.percentile(np.abs(known), 75))
    low, high = np.percentile(known, [1, 99])
    if typical == 0 or max(known.max(), -known.min(), high) <= WIDE * typical:
        is_wide = _is_mostly_positive(known) and high > WIDE * max(low, 0)
        panel.set_yscale("log" if is_wide else "linear")
    elif _is_mostly_positive(known):
        panel.set_yscale("log")
    else:
        panel.set_yscale("symlog", linthresh=5 * typical, linscale=1.5)


def threshold_line(
    brightness: NDArray[np.float64],
    index: NDArray[np.float64],
    z: NDArray[np.float64],
    threshold: float,
    n_neighbours: int = 101,
) -> NDArray[np.float64]:
    """Which value an index has, at each brightness, where its normalised twin has a given value.

    Among objects of similar brightness `z` is a straight line of the index, or of its logarithm;
    the line is fitted to each group of neighbours and followed to `threshold`.

    Parameters
    ----------
    brightness, index, z : (n,) array of float
        Columns of the statistics: ``median_g``, ``iqr_g`` and ``iqr_g_z``.
    threshold : float
        Of `z`.
    n_neighbours : int
        Objects in a group.

    Returns
    -------
    (2, n_groups) array of float
        Brightness and index.

    Examples
    --------
    >>> magnitude = np.linspace(14.0, 20.0, 400)
    >>> z = np.tile([-1.0, 0.0, 1.0, 2.0], 100)
    >>> line = threshold_line(magnitude, 0.01 * np.exp(0.1 * z), z, threshold=5.0)
    >>> bool(np.allclose(line[1], 0.01 * np.exp(0.5)))
    True
    """
    usable = np.flatnonzero(np.isfinite(brightness) & np.isfinite(index) & np.isfinite(z))
    usable = usable[np.abs(z[usable]) < 2 * max(abs(threshold), 3.0)]
    is_log = bool(len(usable)) and bool((index[usable] > 0).all())
    groups = np.array_split(usable[np.argsort(brightness[usable])], len(usable) // n_neighbours + 1)
    found = []
    for group in groups:
        if len(group) > 2 and np.ptp(z[group]) > 0:  # noqa: PLR2004
            slope, middle = np.polyfit(
                z[group], np.log(index[group]) if is_log else index[group], 1
            )
            value = middle + slope * threshold
            found.append((np.median(brightness[group]), np.exp(value) if is_log else value))
    return np.array(found).reshape(-1, 2).T
