"""The points of a light curve, measurement by measurement, and how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.analysis.colours import COLOURS, MARKERS
from lc_pipeline.analysis.plots.figures import numbers
from lc_pipeline.flags import BAD

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

_AXIS_NAMES = {"mag": "magnitude", "flux": "flux", "value": "value"}

#: With more points than this, symbols are small and error bars faint; with very many, more so.
MANY, VERY_MANY = 400, 1000
#: Measurements are drawn apart if together they span so many times what the widest spans.
MOST_SPREAD = 4.0
LEGEND_COLUMNS = 6
#: Of upper limits, in points; the arrow is half as long.
ARROW_SIZE = 18
#: What the legend calls them, whatever the measurement.
FLAGGED, LIMIT = "flagged", "upper limit"


@dataclass(frozen=True)
class Points:
    """What was measured of one object in one band, aperture or channel."""

    key: str
    time: NDArray[np.float64]
    """(n,) MJD."""
    value: NDArray[np.float64]
    """(n,); NaN where missing."""
    error: NDArray[np.float64]
    is_bad: NDArray[np.bool_]
    """(n,) whether its flags say not to trust the value."""
    limit: NDArray[np.float64]
    """(n,) how faint could be seen where nothing was measured; NaN where not known."""
    is_mag: bool = True
    """Whether fainter means more."""
    fades_down: bool = True
    """Whether fainter is down on the page: not for magnitudes on one axis with fluxes."""

    @property
    def good(self) -> NDArray[np.float64]:
        """The values that are there and trusted."""
        return self.value[np.isfinite(self.value) & ~self.is_bad]

    def twice(self) -> Points:
        """All points, and all points again: for two cycles."""
        return replace(
            self,
            time=np.tile(self.time, 2),
            value=np.tile(self.value, 2),
            error=np.tile(self.error, 2),
            is_bad=np.tile(self.is_bad, 2),
            limit=np.tile(self.limit, 2),
        )

    def not_fainter_than(self, edge: float) -> Points:
        """Take limits fainter than the edge of a plot as being there, which is as true."""
        nearest = np.minimum if self.is_mag else np.maximum
        return replace(self, limit=nearest(self.limit, edge))

    @property
    def is_limit(self) -> NDArray[np.bool_]:
        """Where there is a limit in place of a value."""
        return np.isnan(self.value) & np.isfinite(self.limit)


def points_of(rows: Table, measurement_keys: Sequence[str] | None = None) -> list[Points]:
    """Split the rows of ``LightcurveStorage.to_timeseries`` into measurements, in their order.

    A column ``limit``, if there is one, has the upper limits (in the unit of the value).
    """
    of = np.asarray(rows["measurement"]).astype(str)
    time = rows["time"].mjd if len(rows) else np.array([])
    value, error = numbers(rows[value_name(rows)]), numbers(rows[error_name(rows)])
    limit = numbers(rows["limit"]) if "limit" in rows.colnames else np.full(len(rows), np.nan)
    is_bad = (np.asarray(rows["flags"]) & BAD) != 0
    keys = list(dict.fromkeys(of.tolist())) if measurement_keys is None else measurement_keys
    found = []
    for key in map(str, keys):
        mine = of == key
        is_mag = is_magnitude(rows) or ("unit" in rows.colnames and "mag" in rows["unit"][mine])
        columns = (time[mine], value[mine], error[mine], is_bad[mine], limit[mine])
        found.append(Points(key, *columns, is_mag, is_magnitude(rows) or not is_mag))
    return found


def value_name(rows: Table) -> str:
    """``mag``, ``flux``, or ``value`` where a survey has both."""
    return next(name for name in ("mag", "flux", "value") if name in rows.colnames)


def error_name(rows: Table) -> str:
    """Name of the column of errors."""
    return {"mag": "mag_err", "flux": "flux_err", "value": "error"}[value_name(rows)]


def is_magnitude(rows: Table) -> bool:
    """Whether brighter means less."""
    return value_name(rows) == "mag"


def value_label(rows: Table) -> str:
    """Name the axis of the values."""
    unit = getattr(rows[value_name(rows)], "unit", None)
    name = _AXIS_NAMES[value_name(rows)]
    return f"{name} ({unit})" if unit is not None and str(unit) not in ("", name) else name


def colour_of(number: int) -> str:
    """Colour of the measurement with this number."""
    return COLOURS[number % len(COLOURS)]


def marker_of(number: int) -> str:
    """Symbol of the measurement with this number."""
    return MARKERS[(number // len(COLOURS)) % len(MARKERS)]


def shifts(values: Sequence[NDArray[np.float64]], *, upward: bool) -> list[float]:
    """What to add to each measurement so that all can be read on one axis; 0 where they can.

    They are left where they are unless together they span more than four times what the widest of
    them spans. Then they are stacked in their order from the top downward, each with the
    height of the widest, around the first.

    Parameters
    ----------
    values : sequence of (n,) array of float
        Good values, by measurement.
    upward : bool
        Whether values increase upward on the page (they do not for magnitudes).

    Examples
    --------
    >>> shifts([np.array([15.0, 15.3]), np.array([15.2, 15.4])], upward=False)
    [0.0, 0.0]
    >>> shifts([np.array([15.0, 15.3]), np.array([19.2, 19.4])], upward=False)
    [0.0, -3.768]
    """
    spans = [np.percentile(each, [1, 99]).tolist() if len(each) else None for each in values]
    known = [span for span in spans if span is not None]
    if not known:
        return [0.0] * len(values)
    height = max(high - low for low, high in known)
    together = max(high for _, high in known) - min(low for low, _ in known)
    if together <= MOST_SPREAD * height or height == 0:
        return [0.0] * len(values)
    step = 1.3 * height * (-1 if upward else 1)
    first = float(np.mean(known[0]))
    digits = max(0, 2 - int(np.floor(np.log10(height))))
    found, place = [], 0
    for span in spans:
        if span is None:
            found.append(0.0)
            continue
        found.append(round(first + place * step - float(np.mean(span)), digits))
        place += 1
    return found


def draw_points(
    panel: Axes,
    x: NDArray[np.float64],
    points: Points,
    *,
    colour: str,
    marker: str = "o",
    name: str = "",
    shift: float = 0.0,
) -> None:
    """Draw points with error bars, open symbols where not to be trusted, arrows for limits.

    `x` is where each of `points` stands; `name` stands in the legend (by default the
    measurement's key and its shift).
    """
    name = name or (points.key if not shift else f"{points.key} {shift:+.6g}")
    is_crowded = len(x) > MANY
    is_there = np.isfinite(points.value)
    for chosen, face, said in (
        (is_there & ~points.is_bad, colour, name),
        (is_there & points.is_bad, "white", f"_{FLAGGED}"),
    ):
        if chosen.any():
            panel.errorbar(
                x[chosen],
                points.value[chosen] + shift,
                np.nan_to_num(points.error[chosen]),
                fmt=marker,
                color=colour,
                ecolor=(colour, 0.2 if is_crowded else 0.6),
                markerfacecolor=face,
                markeredgewidth=0.8 if not is_crowded else 0.4,
                markersize=4 if not is_crowded else 2 if len(x) < VERY_MANY else 1.3,
                elinewidth=0.8 if len(x) < VERY_MANY else 0.4,
                label=said,
                rasterized=is_crowded,
            )
    if (chosen := points.is_limit).any():
        panel.plot(
            x[chosen],
            points.limit[chosen] + shift,
            marker=_arrow(down=points.fades_down),
            linestyle="",
            color=colour,
            markerfacecolor="none",
            markersize=ARROW_SIZE if not is_crowded else ARROW_SIZE / 2,
            markeredgewidth=0.9,
            label=f"_{LIMIT}",
        )


def _arrow(*, down: bool = True) -> Path:
    """Build a bar at the limit and an arrow from it to where the truth may be."""
    from matplotlib.path import Path  # noqa: PLC0415 (slow to import)

    strokes = [(-0.4, 0), (0.4, 0), (0, 0), (0, -1), (-0.25, -0.65), (0, -1), (0.25, -0.65)]
    move, line = Path.MOVETO, Path.LINETO
    strokes = strokes if down else [(x, -y) for x, y in strokes]
    return Path(strokes, [move, line, move, line, move, line, line])


def fit_axis(
    panel: Axes, points: Sequence[Points], shift: Sequence[float] | None = None
) -> list[Points]:
    """Let the good points decide on the range; say how many others lie beyond it.

    One flagged value far away, or one error bar as long as the axis, would press all others flat.
    A limit may be further away: an object that was not seen far below its usual brightness is what
    limits are for.

    Returns
    -------
    list of Points
        As they are to be drawn: limits that are too faint for the range stand at its edge.
    """
    shift = shift or [0.0] * len(points)
    good, flagged = [], []
    for each, added in zip(points, shift, strict=True):
        is_good = np.isfinite(each.value) & ~each.is_bad
        reach = np.nan_to_num(each.error[is_good])
        reach = np.minimum(reach, 3 * np.median(reach) if len(reach) else 0)
        good += [each.value[is_good] - reach + added, each.value[is_good] + reach + added]
        flagged += [each.value[np.isfinite(each.value) & each.is_bad] + added]
    trusted, others = np.concatenate([[], *good]), np.concatenate([[], *flagged])
    if not len(trusted):
        return list(points)
    limits = [each.limit[each.is_limit] + added for each, added in zip(points, shift, strict=True)]
    low, high = float(trusted.min()), float(trusted.max())
    span = (high - low) or abs(high) * 0.01 or 1.0
    near = [
        *_within(others, low, high, span),
        *_within(np.concatenate(limits), low, high, 3 * span),
    ]
    low, high = min([low, *near]), max([high, *near])
    margin = 0.05 * ((high - low) or span)
    panel.set_ylim(low - margin, high + margin)
    _say_beyond(panel, points, limits, others, (low, high))
    return [
        each.not_fainter_than((high if each.is_mag else low) - added)
        for each, added in zip(points, shift, strict=True)
    ]


def _within(
    values: NDArray[np.float64], low: float, high: float, room: float
) -> NDArray[np.float64]:
    return values[(values > low - room) & (values < high + room)]


def _say_beyond(
    panel: Axes,
    points: Sequence[Points],
    limits: Sequence[NDArray[np.float64]],
    flagged: NDArray[np.float64],
    edges: tuple[float, float],
) -> None:
    """Say in the panel how many flagged values and limits are not drawn where they are."""
    low, high = edges
    n_flagged = int(((flagged < low) | (flagged > high)).sum())
    n_fainter = n_brighter = 0
    for each, limit in zip(points, limits, strict=True):
        below, above = int((limit < low).sum()), int((limit > high).sum())
        n_fainter += above if each.is_mag else below
        n_brighter += below if each.is_mag else above
    counts = ((n_flagged, FLAGGED, FLAGGED), (n_brighter, LIMIT, f"{LIMIT}s"))
    beyond = [f"{n} {one if n == 1 else several}" for n, one, several in counts if n]
    said = [f"beyond this range: {', '.join(beyond)}"] if beyond else []
    if n_fainter:
        limits_are = f"{LIMIT}, at its edge" if n_fainter == 1 else f"{LIMIT}s, at its edge"
        said.append(f"fainter than this range: {n_fainter} {limits_are}")
    if said:
        # Above the arrows at the edge.
        panel.text(
            0.01, 0.1 if n_fainter else 0.02, "\n".join(said), fontsize="small", color="#555555",
            transform=panel.transAxes, bbox={"facecolor": (1, 1, 1, 0.8), "edgecolor": "none",
            "pad": 1},
        )  # fmt: skip


def legend(panel: Axes) -> int:
    """Name what is drawn: inside the panel if it is little, else above it, in so many rows."""
    handles, names = panel.get_legend_handles_labels()
    if not names:
        return 0
    drawn = {str(each.get_label()) for each in panel.containers}
    drawn |= {str(each.get_label()) for each in panel.lines}
    for said, marker, size in ((FLAGGED, "o", 5), (LIMIT, _arrow(), ARROW_SIZE)):
        if f"_{said}" in drawn:
            look: dict[str, Any] = {"marker": marker, "color": "#555555", "linestyle": ""}
            handles += panel.plot([], [], markerfacecolor="white", markersize=size, **look)
            names.append(said)
    if len(names) <= 4:  # noqa: PLR2004
        panel.legend(handles, names, loc="best", fontsize="small", framealpha=0.85)
        return 0
    panel.legend(
        handles, names, loc="lower left", bbox_to_anchor=(0, 1.01), ncols=LEGEND_COLUMNS,
        fontsize="x-small", frameon=False, borderaxespad=0, handletextpad=0.2, columnspacing=1,
    )  # fmt: skip
    return -(-len(names) // LEGEND_COLUMNS)
