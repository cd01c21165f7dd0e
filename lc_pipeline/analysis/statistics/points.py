"""The points of a block's light curves, packed, and what several indices need of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.blocks import LightcurveBlock
from lc_pipeline.analysis.statistics.pairing import Pairing, pair_up
from lc_pipeline.analysis.statistics.rows import (
    Booleans,
    Floats,
    pack,
    quantile_of_sorted,
    row_sum,
    row_total,
)

#: A robust scatter times this is a Gaussian's standard deviation.
MAD_TO_SIGMA = 1.482602218505602

#: Stetson's weights are renewed until the mean moves by less than 1e-6 of its error, at most as
#: often as this.
_MOST_REWEIGHTINGS = 500


@dataclass(frozen=True)
class PointRules:
    """What some indices need to be told; see :class:`~lc_pipeline.survey.StatisticsSection`."""

    pair_gap: float | None = None
    """Days between points of a pair; None: twice the lower quartile of the object's intervals."""
    abbe_window: float | None = None
    """Days; None: a tenth of the object's time span."""


class Remembering:
    """Keeps the results of indices that others build on."""

    def once(self, function: Callable[[Any], Floats]) -> Floats:
        """Result of an index; computed the first time it is asked for."""
        if function not in self._known:
            self._known[function] = function(self)
        return self._known[function]

    @cached_property
    def _known(self) -> dict[Callable[[Any], Floats], Floats]:
        return {}


@dataclass(frozen=True)
class Points(Remembering):
    """Light curves of some objects in one measurement: good points only, in order of time.

    Each row begins with the object's points and is filled up behind them. So a sum over a row of
    what is 0 behind the last point is the sum over the points, and neighbours in a row follow each
    other in time.
    """

    raw: NDArray[np.float32]
    """(n_objects, n_most) values as stored, NaN behind the last point."""
    error: Floats
    """(n_objects, n_most) standard deviations; NaN where none is given."""
    time: Floats
    """(n_objects, n_most) MJD with own times counted in; NaN where unknown."""
    n: NDArray[np.intp]
    """(n_objects,) number of points."""
    quantity: str = "mag"
    """``mag`` or ``flux``."""
    rules: PointRules = PointRules()

    # ------------------------------------------------------------------ which points

    @cached_property
    def is_point(self) -> Booleans:
        """(n_objects, n_most) False behind the last point."""
        return np.arange(self.raw.shape[1]) < self.n[:, np.newaxis]

    def restricted_to(self, is_wanted: Booleans) -> Points:
        """Only some of these points, packed again."""
        if is_wanted.sum() == self.n.sum():
            return self
        chosen = pack(is_wanted, self.raw, self.error, self.time)
        n = is_wanted.sum(axis=1)
        return replace(self, raw=chosen[0], error=chosen[1], time=chosen[2], n=n)

    def with_errors(self) -> Points:
        """Only points that have an error."""
        return self.restricted_to(self.is_point & has_error(self.error))

    def with_times(self) -> Points:
        """Only points whose time is known."""
        return self.restricted_to(self.is_point & np.isfinite(self.time))

    # ------------------------------------------------------------------ values

    @cached_property
    def value(self) -> Floats:
        """(n_objects, n_most) values, NaN behind the last point."""
        return self.raw.astype(np.float64)

    @cached_property
    def _ordered(self) -> NDArray[np.float32]:
        return np.sort(self.raw, axis=1)

    def quantile(self, fraction: float) -> Floats:
        """(n_objects,) quantile by the rule of Hazen, see :func:`quantile_of_sorted`."""
        return quantile_of_sorted(self._ordered, self.n, fraction)

    @cached_property
    def median(self) -> Floats:
        """(n_objects,) median."""
        return self.quantile(0.5)

    @cached_property
    def deviation(self) -> Floats:
        """(n_objects, n_most) value minus median, 0 behind the last point.

        Sums are made of these: 15.001 has lost its thousandths long before 0.001 has.
        """
        return np.where(self.is_point, self.value - self.median[:, np.newaxis], 0.0)

    @cached_property
    def median_absolute_deviation(self) -> Floats:
        """(n_objects,) median of the absolute deviations from the median."""
        distance = np.where(self.is_point, np.abs(self.deviation), np.nan)
        distance.sort(axis=1)
        return quantile_of_sorted(distance, self.n, 0.5)

    @cached_property
    def mean_deviation(self) -> Floats:
        """(n_objects,) mean minus median."""
        return row_total(self.deviation) / self.n

    @cached_property
    def residual(self) -> Floats:
        """(n_objects, n_most) value minus mean, 0 behind the last point."""
        return np.where(self.is_point, self.deviation - self.mean_deviation[:, np.newaxis], 0.0)

    @cached_property
    def sum_of_squares(self) -> Floats:
        """(n_objects,) of the residuals."""
        return row_sum(self.residual, self.residual)

    @cached_property
    def variance(self) -> Floats:
        """(n_objects,) with N - 1."""
        return self.sum_of_squares / (self.n - 1)

    # ------------------------------------------------------------------ weights

    @cached_property
    def inverse_error(self) -> Floats:
        """(n_objects, n_most) 1 / error, 0 behind the last point."""
        return np.where(self.is_point, 1 / self.error, 0.0)

    @cached_property
    def weight(self) -> Floats:
        """(n_objects, n_most) 1 / error², 0 behind the last point."""
        return self.inverse_error**2

    @cached_property
    def sum_of_weights(self) -> Floats:
        """(n_objects,)."""
        return row_total(self.weight)

    @cached_property
    def weighted_mean_deviation(self) -> Floats:
        """(n_objects,) weighted mean minus median."""
        return row_sum(self.weight, self.deviation) / self.sum_of_weights

    @cached_property
    def significance(self) -> Floats:
        """(n_objects, n_most) (value - weighted mean) / error, 0 behind the last point."""
        return (self.deviation - self.weighted_mean_deviation[:, np.newaxis]) * self.inverse_error

    @cached_property
    def stetson_residual(self) -> Floats:
        """(n_objects, n_most) Stetson's relative errors, 0 behind the last point.

        ``delta_i = sqrt(n / (n - 1)) (m_i - mean) / sigma_i`` about Stetson's mean: the weighted
        mean whose weights are lowered to ``(1 / sigma_i²) / (1 + (|delta_i| / 2)²)`` and renewed
        until the mean stands still (Stetson 1996, PASP 108, 851, doi:10.1086/133808, section 2).
        """
        scale = self.inverse_error * np.sqrt(self.n / (self.n - 1))[:, np.newaxis]
        mean = self.weighted_mean_deviation.copy()
        still = 1e-6 / np.sqrt(self.sum_of_weights)
        moving, before = np.arange(len(mean)), np.full(len(mean), np.nan)
        for turn in range(_MOST_REWEIGHTINGS):
            # Constant stars stand still soon; what goes on is for the variables alone.
            part = slice(None) if len(moving) == len(mean) else moving
            deviation = self.deviation[part]
            delta = (deviation - mean[part, np.newaxis]) * scale[part]
            weight = self.weight[part] / (1 + 0.25 * delta**2)
            move = row_sum(weight, deviation) / row_total(weight) - mean[part]
            is_moving = np.abs(move) > still[part]
            if turn % 3 == 2:  # noqa: PLR2004
                # Moves that shrink by a constant ratio go where their geometric series goes.
                ratio = move / before
                move = np.where((ratio > 0) & (ratio < 0.95), move / (1 - ratio), move)  # noqa: PLR2004
            mean[part] += move
            moving, before = moving[is_moving], move[is_moving]
            if not len(moving):
                break
        return (self.deviation - mean[:, np.newaxis]) * scale

    # ------------------------------------------------------------------ order of time

    @cached_property
    def is_step(self) -> Booleans:
        """(n_objects, n_most - 1) whether there is a next point."""
        return self.is_point[:, 1:]

    @cached_property
    def step(self) -> Floats:
        """(n_objects, n_most - 1) next value minus value, 0 behind the last point."""
        return np.where(self.is_step, np.diff(self.deviation, axis=1), 0.0)

    @cached_property
    def interval(self) -> Floats:
        """(n_objects, n_most - 1) days to the next point, NaN behind the last point."""
        return np.diff(self.time, axis=1)

    @cached_property
    def pairing(self) -> Pairing:
        """Which neighbours in time make a pair."""
        return pair_up(self.interval, self.n, self.rules.pair_gap)


def has_error(error: Floats) -> Booleans:
    """Whether a standard deviation is one."""
    return np.isfinite(error) & (error > 0)


def points_of_block(
    block: LightcurveBlock,
    number: int,
    quantity: str = "mag",
    rules: PointRules | None = None,
    is_wanted: Booleans | None = None,
    *,
    is_ordered: bool = True,
) -> Points:
    """Take the points of one measurement from a block.

    Parameters
    ----------
    block : LightcurveBlock
    number : int
        Of the measurement.
    quantity : {"mag", "flux"}
    rules : PointRules, optional
    is_wanted : (n_objects, n_epochs) array of bool, optional
        By default all that have a value.
    is_ordered : bool
        Bring points into the order of their own times. Two measurements of the same epochs stay
        column for column without.
    """
    value = block.value[:, number]
    error: Floats = block.error[:, number].astype(np.float64)
    if is_wanted is None:
        is_wanted = np.isfinite(value)
    time = np.broadcast_to(block.time, value.shape)
    if block.time_offset is not None:
        time = block.time + block.time_offset[:, number]
    raw, error, time = pack(is_wanted, value, error, time)
    n = is_wanted.sum(axis=1)
    if is_ordered and (order := _order_of_time(time)) is not None:
        raw, error, time = (np.take_along_axis(a, order, axis=1) for a in (raw, error, time))
    return Points(raw, error, time, n, quantity, rules or PointRules())


def _order_of_time(time: Floats) -> NDArray[np.intp] | None:
    """Order of each row, or None where all are in order; what is not known comes last."""
    is_falling = ~(time[:, 1:] >= time[:, :-1]) & ~np.isnan(time[:, 1:])
    if not is_falling.any():
        return None
    return np.argsort(time, axis=1, kind="stable")
