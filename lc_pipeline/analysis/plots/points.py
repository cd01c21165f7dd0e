"""The points of a light curve, measurement by measurement, and how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
#: So many times what the good values span may be added to it on each side, for others to be seen.
ROOM_FOR_FLAGGED, ROOM_FOR_LIMITS = 1.0, 3.0
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

    @property
    def good(self) -> NDArray[np.float64]:
        """The values that are there and trusted."""
        return self.value[np.isfinite(self.value) & ~self.is_bad]

    def twice(self) -> Points:
        """All points, and all points again: for two cycles."""
        return Points(
            self.key,
            np.tile(self.time, 2),
            np.tile(self.value, 2),
            np.tile(self.error, 2),
            np.tile(self.is_bad, 2),
            np.tile(self.limit, 2),
        )

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
    return [
        Points(str(key), *(each[of == key] for each in (time, value, error, is_bad, limit)))
        for key in keys
    ]


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
            marker=_arrow(),
            linestyle="",
            color=colour,
            markerfacecolor="none",
            markersize=9,
            markeredgewidth=0.9,
            label=f"_{LIMIT}",
        )


def _arrow() -> Path:
    """Build a bar at the limit and an arrow down from it, to where the truth may be."""
    from matplotlib.path import Path  # noqa: PLC0415 (slow to import)

    strokes = [(-0.4, 0), (0.4, 0), (0, 0), (0, -1), (-0.25, -0.65), (0, -1), (0.25, -0.65)]
    move, line = Path.MOVETO, Path.LINETO
    return Path(strokes, [move, line, move, line, move, line, line])


def fit_axis(panel: Axes, points: Sequence[Points], shift: Sequence[float] | None = None) -> None:
    """Let the good points decide on the range; say how many others lie beyond it.

    One flagged value far away, or one error bar as long as the axis, would press all others flat.
    Limits may be further away: an object that was not seen far below its usual brightness is what
    they are for.
    """
    good, flagged, limits = [], [], []
    for each, added in zip(points, shift or [0.0] * len(points), strict=True):
        is_good = np.isfinite(each.value) & ~each.is_bad
        reach = np.nan_to_num(each.error[is_good])
        reach = np.minimum(reach, 3 * np.median(reach) if len(reach) else 0)
        good += [each.value[is_good] - reach + added, each.value[is_good] + reach + added]
        flagged += [each.value[np.isfinite(each.value) & each.is_bad] + added]
        limits += [each.limit[each.is_limit] + added]
    trusted = np.concatenate([[], *good])
    if not len(trusted):
        return
    low, high = float(trusted.min()), float(trusted.max())
    span = (high - low) or abs(high) * 0.01 or 1.0
    shown, beyond = [], []
    for parts, times, said, plural in (
        (flagged, ROOM_FOR_FLAGGED, FLAGGED, FLAGGED),
        (limits, ROOM_FOR_LIMITS, LIMIT, f"{LIMIT}s"),
    ):
        others, room = np.concatenate([[], *parts]), times * span
        is_near = (others > low - room) & (others < high + room)
        shown += others[is_near].tolist()
        if n_beyond := int((~is_near).sum()):
            beyond.append(f"{n_beyond} {said if n_beyond == 1 else plural}")
    low, high = min([low, *shown]), max([high, *shown])
    margin = 0.05 * ((high - low) or span)
    panel.set_ylim(low - margin, high + margin)
    if beyond:
        panel.text(
            0.01, 0.02, f"beyond this range: {', '.join(beyond)}", fontsize="small",
            color="#555555", transform=panel.transAxes,
        )  # fmt: skip


def legend(panel: Axes) -> int:
    """Name what is drawn: inside the panel if it is little, else above it, in so many rows."""
    handles, names = panel.get_legend_handles_labels()
    if not names:
        return 0
    drawn = {str(each.get_label()) for each in panel.containers}
    drawn |= {str(each.get_label()) for each in panel.lines}
    for said, marker in ((FLAGGED, "o"), (LIMIT, _arrow())):
        if f"_{said}" in drawn:
            look: dict[str, Any] = {"marker": marker, "color": "#555555", "linestyle": ""}
            handles += panel.plot([], [], markerfacecolor="white", markersize=5, **look)
            names.append(said)
    if len(names) <= 4:  # noqa: PLR2004
        panel.legend(handles, names, loc="best", fontsize="small", framealpha=0.85)
        return 0
    panel.legend(
        handles, names, loc="lower left", bbox_to_anchor=(0, 1.01), ncols=LEGEND_COLUMNS,
        fontsize="x-small", frameon=False, borderaxespad=0, handletextpad=0.2, columnspacing=1,
    )  # fmt: skip
    return -(-len(names) // LEGEND_COLUMNS)
