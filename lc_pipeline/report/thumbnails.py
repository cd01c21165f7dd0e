"""Light curves as small as a word, drawn as SVG."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.timeseries import TimeSeries
from numpy.typing import NDArray

from lc_pipeline.analysis.barycentric import barycentric_rows
from lc_pipeline.analysis.plots.folded import phase
from lc_pipeline.analysis.plots.points import Points, is_magnitude, points_of
from lc_pipeline.report.html import Html, tag

WIDTH, HEIGHT, MARGIN = 130, 42, 4
MOST_POINTS = 300


def thumbnail(
    rows: TimeSeries, period: float | None = None, epoch_of_maximum: float = 0.0
) -> Html | None:
    """Draw the measurement that has most good values; None if there is none.

    Parameters
    ----------
    rows : TimeSeries
        From :meth:`LightcurveStorage.to_timeseries`.
    period : float, optional
        Fold with it, and draw it twice over.
    epoch_of_maximum : float
        Time of phase 0, as in the table of periods.
    """
    if period:
        rows = barycentric_rows(rows)
    best = max(points_of(rows), key=lambda points: len(points.good), default=None)
    if best is None or not len(best.good):
        return None
    x, y = _good(best)
    step = -(-len(x) // MOST_POINTS)
    x, y = x[::step], y[::step]
    if period:
        once = phase(x, period, epoch_of_maximum)
        x, y = np.concatenate([once, once + 1]), np.tile(y, 2)
    low, high = np.percentile(y, [1, 99])
    y = np.clip(y, low, high)
    across = _stretched(x, x.min(), x.max(), WIDTH)
    down = _stretched(y, low, high, HEIGHT)
    if not is_magnitude(rows):
        down = HEIGHT - down
    dots = "".join(f"M{a:.4g} {b:.3g}h0" for a, b in zip(across, down, strict=True))
    kind = "folded light curve" if period else "light curve"
    picture: dict[str, Any] = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "class": "thumbnail"}
    return tag("svg", tag("path", d=dots), role="img", aria_label=f"{kind} in {best.key}",
               width=WIDTH, height=HEIGHT, **picture)  # fmt: skip


def _good(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    chosen = np.isfinite(points.value) & ~points.is_bad & np.isfinite(points.time)
    return points.time[chosen], points.value[chosen]


def _stretched(
    values: NDArray[np.float64], low: float, high: float, length: int
) -> NDArray[np.float64]:
    if high <= low:
        return np.full(len(values), length / 2)
    return np.asarray(MARGIN + (length - 2 * MARGIN) * (values - low) / (high - low))
