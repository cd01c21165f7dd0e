"""P, 2 P, 3 P ...: which multiple is the period.

A multiple of the period fits as well as the period, and bends to whatever changes from cycle to
cycle. It has to earn its length:

* Within the family of the likeliest period the criterion decides that charges outliers: the deeper
  of two eclipses that lie upon each other is none to be forgiven.
* No star looks the same three times in a period. Where a third, a quarter ... of it explains four
  fifths as much, the rest is amplitudes and phases that change, and the short one is the period.
  The same holds of a half, where a few cycles cannot tell unlike minima from a slow change.
* Two unlike minima are real. Bands taken at one visit see the same changes of the star: they are
  no independent witnesses, and what a double period gains in all of them counts for the number of
  visits. A light curve of one shape in all bands, with a visit for a value, needs a fraction of
  the parameters, and sees small differences of minima that bands one by one do not.
* Narrow eclipses need more harmonics than values can bear: where every second cycle is deeper, the
  double is the period, whatever its Fourier series (:mod:`~lc_pipeline.analysis.periods.minima`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.periods.band import Band
from lc_pipeline.analysis.periods.choose import MOST_TERMS, Verdict, judge
from lc_pipeline.analysis.periods.least_squares import pooled_power
from lc_pipeline.analysis.periods.minima import probability_of_like_minima

Floats = NDArray[np.float64]

#: Share of what a period explains, from which on a third, quarter ... of it is the period.
SAME = 0.8
#: Differences of a criterion that are strong and decisive evidence (Kass & Raftery 1995, J. Am.
#: Stat. Assoc. 90, 773, doi:10.1080/01621459.1995.10476572).
STRONG, DECISIVE = 6.0, 10.0
#: Probability from which on down even and odd minima are unlike.
UNLIKE = 1e-4
#: Days, and cycles, within which values of several bands are one visit.
_VISIT, _VISIT_CYCLES = 0.02, 0.05
_FAMILY = (1 / 4, 1 / 3, 1 / 2, 1, 2, 3, 4)
_PARTS = (3, 4, 5, 6, 8)
#: In fewer cycles of a double period than this, slow changes look like unlike minima: they put
#: power as near to the star's own harmonics as odd ones are.
_FEW_CYCLES = 4.0
_LEAST_SHARED = 5
_ROUNDS = 6


def settled(verdicts: Sequence[Verdict], bands: Sequence[Band], step: float) -> list[Verdict]:
    """Put the right member of the likeliest period's family first.

    Parameters
    ----------
    verdicts : sequence of Verdict
        In any order.
    bands : sequence of Band
    step : float
        By about how much frequencies may be off.
    """
    if not verdicts:
        return []
    ranked = sorted(verdicts, key=lambda verdict: verdict.tailed)
    contest = _Contest(tuple(ranked), tuple(bands), step)
    best = contest.doubled(contest.undivided(contest.cheapest()))
    best = contest.alternating(best)
    return [best, *(verdict for verdict in ranked if verdict is not best)]


@dataclass(frozen=True)
class _Contest:
    """Verdicts, the likeliest first, on the periods of some bands."""

    ranked: tuple[Verdict, ...]
    bands: tuple[Band, ...]
    step: float

    @cached_property
    def slowest(self) -> float:
        """Frequency of a double period with too few cycles in the data."""
        return _FEW_CYCLES / float(np.ptp(np.concatenate([band.time for band in self.bands])))

    def near(self, frequency: float, ratio: float) -> Iterator[Verdict]:
        """Those at so many times a frequency, the likeliest first."""
        reach = 2 * self.step * max(ratio, 1)
        return (one for one in self.ranked if abs(one.frequency - ratio * frequency) < reach)

    def cheapest(self) -> Verdict:
        """Of the likeliest one's family the one that fits for the fewest terms."""
        first = self.ranked[0].frequency
        family = [one for ratio in _FAMILY for one in self.near(first, ratio)]
        return min(family, key=lambda one: one.criterion)

    def undivided(self, best: Verdict) -> Verdict:
        """Exchange a period for a third, a quarter ... of it that explains nearly as much."""
        same = self._as_good(best, _PARTS)
        if not same and best.frequency < self.slowest:
            same = self._as_good(best, (2,))
        return self.undivided(min(same, key=lambda one: one.tailed)) if same else best

    def _as_good(self, best: Verdict, ratios: Sequence[int]) -> list[Verdict]:
        """Those at multiples of a frequency that explain nearly as much.

        A model without the k-th harmonic does not repeat k times.
        """
        parts = [one for k in ratios if k <= best.n_terms for one in self.near(best.frequency, k)]
        if not parts:
            return []
        series = [band.series(used) for band, used in zip(self.bands, best.is_used, strict=True)]
        frequencies = np.array([one.frequency for one in (best, *parts)])
        n_terms = np.array([one.n_terms for one in (best, *parts)])
        powers = pooled_power([one.power_at(frequencies, MOST_TERMS) for one in series], series)
        power = powers[n_terms - 1, 0, np.arange(len(n_terms))]
        return [one for one, found in zip(parts, power[1:], strict=True) if found > SAME * power[0]]

    def doubled(self, best: Verdict) -> Verdict:
        """Decide between a period and its double by one light curve for all bands."""
        longer = next(self.near(best.frequency, 1 / 2), None)
        shorter = next(self.near(best.frequency, 2), None)
        if len(self.bands) == 1 or (longer is None and shorter is None):
            return best
        one = as_one_band(self.bands, min(_VISIT, _VISIT_CYCLES / best.frequency))
        if longer and longer.frequency >= self.slowest and self._gain(one, longer, best) > DECISIVE:
            return longer
        if shorter:
            independent = len(one.time) / sum(len(band.time) for band in self.bands)
            gain = independent * (shorter.criterion - best.criterion)
            if gain <= STRONG and self._gain(one, best, shorter) <= DECISIVE:
                return shorter
        return best

    def alternating(self, best: Verdict) -> Verdict:
        """Exchange a period for its double if every second minimum is deeper."""
        half = best.frequency / 2
        if half < self.slowest or probability_of_like_minima(self.bands, best) > UNLIKE:
            return best
        longer = next(self.near(best.frequency, 1 / 2), None)
        return longer or judge(self.bands, np.array([half]), self.step)[0]

    def _gain(self, band: Band, long: Verdict, short: Verdict) -> float:
        """By how much one light curve prefers a long period to a short one."""
        verdicts = judge([band], np.array([long.frequency, short.frequency]), self.step)
        of_long, of_short = (
            [one.tailed for one in verdicts if abs(one.frequency - wanted) < 4 * self.step]
            for wanted in (long.frequency, short.frequency)
        )
        return min(of_short) - min(of_long) if of_long and of_short else 0.0


def as_one_band(bands: Sequence[Band], window: float) -> Band:
    """Scale the bands to one amplitude and zero point, and average them visit by visit.

    Parameters
    ----------
    bands : sequence of Band
    window : float, d
        Values of several bands within this are one visit.

    Returns
    -------
    Band
        One value for each visit, in units of the variability's standard deviation, brighter
        meaning less.

    Examples
    --------
    >>> time = np.arange(20.0)
    >>> wave, error = np.sin(time), np.full(20, 0.01)
    >>> one = as_one_band([Band(time, 15 + wave, error), Band(time, 14 + 2 * wave, error)], 0.02)
    >>> len(one.time), bool(np.abs(np.corrcoef(one.value, wave)[0, 1]) > 0.9999)
    (20, True)
    """
    number = np.repeat(np.arange(len(bands)), [len(band.time) for band in bands])
    time = np.concatenate([band.time for band in bands])
    scaled = [_scaled(band) for band in bands]
    value = np.concatenate([one for one, _ in scaled])
    error = np.concatenate([one for _, one in scaled])
    visit = visits(time, number, window)
    is_shared = np.bincount(visit)[visit] > 1
    weight = error**-2
    offset = np.zeros(len(bands))
    for _ in range(_ROUNDS):
        level = value - offset[number]
        mean = np.bincount(visit, weight * level) / np.bincount(visit, weight)
        rest = level - mean[visit]
        if is_shared.any():
            # One bad value of a visit is outvoted by the others.
            scale = max(3 * 1.4826 * float(np.median(np.abs(rest[is_shared]))), 1e-9)
            weight = np.where(is_shared, 1 / (1 + (rest / scale) ** 2), 1.0) / error**2
        for place in range(len(bands)):
            chosen = is_shared & (number == place)
            if chosen.sum() >= _LEAST_SHARED:
                offset[place] += np.median(rest[chosen])
    when = np.bincount(visit, weight * time) / np.bincount(visit, weight)
    uncertain = np.bincount(visit, error**-2) ** -0.5
    nyquist = min(band.nyquist for band in bands)
    return Band(when, mean, np.hypot(uncertain, np.median(uncertain)), nyquist=nyquist)


def _scaled(band: Band) -> tuple[Floats, Floats]:
    """Values and errors in units of the variability's standard deviation, the median at 0."""
    centred = band.value - np.median(band.value)
    spread = float(np.std(band.winsorised(3.0).value))
    # Errors hold the median error twice.
    noise = float(np.median(band.error)) / np.sqrt(2)
    size = np.sqrt(max(spread**2 - noise**2, (0.1 * spread) ** 2, 1e-18))
    return (-centred if band.is_flux else centred) / size, band.error / size


def visits(time: Floats, number: NDArray[np.intp], window: float) -> NDArray[np.intp]:
    """Number the visits: values within a window, each band no more than once.

    Examples
    --------
    >>> time = np.array([1.0, 1.001, 1.002, 5.0, 5.001])
    >>> visits(time, np.array([0, 1, 0, 1, 0]), 0.02).tolist()
    [0, 0, 1, 2, 2]
    """
    found = np.empty(len(time), dtype=np.intp)
    current, seen, start = -1, set[int](), -np.inf
    for place in np.argsort(time, kind="stable").tolist():
        if time[place] - start > window or int(number[place]) in seen:
            current, seen, start = current + 1, set(), time[place]
        seen.add(int(number[place]))
        found[place] = current
    return found
