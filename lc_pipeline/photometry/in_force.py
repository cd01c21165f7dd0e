"""Do zero points help? Judged by stars that had no part in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import ttest_1samp, wilcoxon

from lc_pipeline.photometry.least_squares import Array, Points, group_median
from lc_pipeline.photometry.robust import Solution

_MAD = 1.4826
_CHANCE = 1e-3
_SMALLEST_FREEDOM = 0.05
_MIN_POINTS = 3
_MIN_STARS = 3
_FEW_STARS = 20
_N_SHIFTS = 1999


@dataclass(frozen=True)
class Verdict:
    """What zero points do to the scatter of stars that they were not made from."""

    helps: bool
    scatter_raw: float
    """Median over stars of the robust scatter without zero points, mag."""
    scatter_calibrated: float
    """The same with zero points made without the star."""
    chance: float
    """Probability that zero points which are noise would do as well."""
    n_stars: int
    """Stars judged."""

    @property
    def reason(self) -> str:
        """In plain words."""
        if self.n_stars < _MIN_STARS:
            return f"only {self.n_stars} stars can be judged"
        verb = "lower" if self.helps else "do not surely lower"
        return (
            f"zero points {verb} the scatter of stars that had no part in them: "
            f"{self.scatter_raw:.4f} mag without, {self.scatter_calibrated:.4f} mag with them "
            f"(median of {self.n_stars} stars; by chance: {self.chance:.1g})"
        )


def judge(points: Points, solution: Solution) -> Verdict:
    r"""Compare every star with and without the zero points that the *other* stars make.

    A star's pull on the zero point of an epoch is its share `h` of the epoch's weight, so with
    the zero point of the others its residual is :math:`r / (1 - h)`: leave-one-out without solving
    again (Allen 1974, `doi:10.1080/00401706.1974.10489157
    <https://doi.org/10.1080/00401706.1974.10489157>`_). A star's gain is the mean drop of
    :math:`\log(1 + u^2 / 4)`, `u` in units of its own scatter. Zero points that are noise add to
    the scatter, so the gain is negative; they help if the gain over stars is above 0 with a chance
    of less than 0.001 by accident, in Student's test of the mean (strong for few stars that gain
    alike) or in Wilcoxon's of the ranks (strong where bright stars gain more than faint ones). Of
    fewer than 20 stars it is also asked whether they gain as much when each is shifted in time.
    """
    usable = np.isfinite(solution.zero_point)[points.epoch]
    share = solution.weight / points.per_epoch(solution.weight)[points.epoch]
    usable &= 1 - share > _SMALLEST_FREEDOM
    count = np.bincount(points.star[usable], minlength=points.n_stars)
    usable &= (count >= _MIN_POINTS)[points.star]
    if not usable.any():
        return Verdict(helps=False, scatter_raw=np.nan, scatter_calibrated=np.nan,
                       chance=np.nan, n_stars=0)  # fmt: skip
    some, star = points.taken(usable), points.star[usable]
    calibrated = solution.residual[usable] / (1 - share[usable])
    raw = some.value - solution.mean[star]
    own = np.sqrt(solution.noise.variance(some.error) + solution.excess[star] ** 2)
    departures = [
        values - group_median(values, star, points.n_stars)[star] for values in (raw, calibrated)
    ]
    loss = [np.log1p((departure / own) ** 2 / 4) for departure in departures]
    judged = np.bincount(star, minlength=points.n_stars) > 0
    gain = (some.per_star(loss[0] - loss[1])[judged]) / count[judged]
    scatter = [
        float(np.nanmedian(_MAD * group_median(np.abs(departure), star, points.n_stars)))
        for departure in departures
    ]
    chance = _chance(gain)
    if len(gain) < _FEW_STARS:
        chance = min(chance, _chance_by_shifts(departures[0], own, some))
    helps = len(gain) >= _MIN_STARS and chance < _CHANCE
    return Verdict(bool(helps), scatter[0], scatter[1], chance, len(gain))


def _chance(gain: Array) -> float:
    """Probability of gains like these, or higher ones, where there are none."""
    if len(gain) < _MIN_STARS or not gain.mean() > 0 or np.ptp(gain) == 0:
        return 1.0
    tests = (ttest_1samp(gain, 0, alternative="greater"), wilcoxon(gain, alternative="greater"))
    return float(min(test.pvalue for test in tests))


def _chance_by_shifts(departure: Array, own: Array, points: Points) -> float:
    """Probability of what few stars have in common, from shifting each along its own epochs.

    Stars that vary, each for itself, are as much alike when each is turned around in time by
    another number of epochs; what the epochs do to all of them is not.
    """
    random = np.random.default_rng(0)
    first = np.searchsorted(points.star, np.arange(points.n_stars))
    count = np.bincount(points.star, minlength=points.n_stars)
    place = np.arange(len(points.star)) - first[points.star]

    def common_gain(departure: Array, own: Array) -> float:
        weight = own**-2
        total = points.per_epoch(weight)[points.epoch] - weight
        others = points.per_epoch(weight * departure)[points.epoch] - weight * departure
        alone = total <= 1e-9 * weight
        shift = np.where(alone, 0, others / np.where(alone, 1, total))
        loss = [np.log1p((rest / own) ** 2 / 4) for rest in (departure, departure - shift)]
        return float(np.mean(loss[0] - loss[1]))

    found = common_gain(departure, own)
    if not found > 0:
        return 1.0
    as_good = 0
    for _ in range(_N_SHIFTS):
        # None by as much as the first: all by the same would change nothing.
        by = random.integers(1, np.maximum(count, 2))
        by[points.star[0]] = 0
        turned = first[points.star] + (place + by[points.star]) % count[points.star]
        as_good += common_gain(departure[turned], own[turned]) >= found
    return (1 + as_good) / (1 + _N_SHIFTS)
