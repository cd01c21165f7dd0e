"""Zero points from stars that are mostly constant: outliers and variables lose their weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.photometry.least_squares import (
    Array,
    EpochSystem,
    Points,
    components,
    group_median,
)
from lc_pipeline.photometry.noise import NoiseModel, fit_noise

_MAD = 1.4826
_DEGREES = 4.0
"""Degrees of freedom of the Student's t that residuals are taken to follow."""
_LEAST_SIGMA = 1e-6
"""Magnitudes: no point is known better, even where no errors are stated and nothing scatters."""
_FIRST_FLOOR = 0.01
_FEW_POINTS = 3.0
_CARRIES_WEIGHT = 0.25
_SMALLEST_FREEDOM = 0.05
_TERM_SIGMA = 0.3


@dataclass(frozen=True)
class Solution:
    """Zero points of one measurement, and how well they are known."""

    zero_point: Array
    """(n_epochs,) mag; NaN where too few stars carry weight."""
    zero_point_err: Array
    """(n_epochs,) mag."""
    terms: Array
    """(n_epochs, n_terms - 1) coefficients of colour and position."""
    n_stars: NDArray[np.intp]
    """(n_epochs,) stars that carry weight."""
    scatter: Array
    """(n_epochs,) robust scatter of those stars' residuals, mag."""
    component: NDArray[np.intp]
    """(n_epochs,) which epochs hang together; -1: the epoch by itself."""
    mean: Array
    """(n_stars,) mag, calibrated."""
    excess: Array
    """(n_stars,) scatter of each star beyond the noise, mag."""
    noise: NoiseModel
    weight: Array
    """(n_points,) final weights."""
    residual: Array
    """(n_points,) mag."""


def solve_robustly(
    points: Points,
    basis: Array | None = None,
    *,
    min_stars: int = 3,
    n_iterations: int = 30,
    tolerance: float = 0.01,
) -> Solution:
    r"""Solve for all zero points, weights found from the residuals until nothing changes.

    A point's variance is :math:`y_e ((s\,\sigma)^2 + f^2 + x_o^2)`: the stated error, scaled; a
    floor, which keeps the brightest stars from deciding alone; what its star scatters beyond that;
    all of it times what the epoch scatters more than its stars' noise. Its weight is the inverse,
    times that of Student's t with 4 degrees of freedom
    (Lange et al. 1989, `doi:10.1080/01621459.1989.10478852
    <https://doi.org/10.1080/01621459.1989.10478852>`_), which an outlier loses. Residuals are
    judged after division by what the star's own pull on its epoch and its mean leaves of them, so
    that a star which alone makes a zero point does not pass for a constant one.

    Parameters
    ----------
    points : Points
        At least two points of every star; others tell nothing and have no say.
    basis : (n_stars, n_terms) array, optional
        See :class:`EpochSystem`; by default zero points only.
    min_stars : int
        An epoch in which fewer stars carry weight has no zero point.
    n_iterations : int
        At most so many rounds.
    tolerance : float
        It has converged when no zero point moves by more than this times its error.
    """
    basis = np.ones((points.n_stars, 1)) if basis is None else basis
    prior = np.append(np.inf, np.full(basis.shape[1] - 1, _TERM_SIGMA))
    weight = 1 / (points.error**2 + _FIRST_FLOOR**2)
    typical = group_median(points.error, points.star, points.n_stars)
    unknowns: Array | None = None
    state = None
    for _ in range(n_iterations):
        system = EpochSystem(points, weight, basis, prior)
        before = unknowns
        unknowns = system.solve(points.value, before)
        residual = points.value - system.epoch_part(unknowns)
        residual -= system.means(points.value, unknowns)[points.star]
        state = _judge(points, typical, weight, residual)
        weight = state.weight
        if before is not None and _has_settled(unknowns, before, system, tolerance):
            break
        prior = _term_sigma(unknowns, prior)
    assert state is not None  # noqa: S101 (there is a first round)
    assert unknowns is not None  # noqa: S101
    return _finish(points, system, unknowns, residual, state, min_stars)


@dataclass(frozen=True)
class _Judgement:
    weight: Array
    noise: NoiseModel
    excess: Array
    carries_weight: NDArray[np.bool_]
    freed: Array


def _judge(points: Points, typical: Array, weight: Array, residual: Array) -> _Judgement:
    """Find weights from residuals: noise, then stars' and epochs' excess, then outliers."""
    own = points.per_epoch(weight)[points.epoch], points.per_star(weight)[points.star]
    freedom = np.maximum(1 - weight / own[0], 0) * np.maximum(1 - weight / own[1], 0)
    tells = freedom > _SMALLEST_FREEDOM
    freed = residual / np.sqrt(np.maximum(freedom, _SMALLEST_FREEDOM))
    size = np.abs(freed[tells])
    star, epoch = points.star[tells], points.epoch[tells]

    count = np.bincount(star, minlength=points.n_stars)
    rms = _MAD * group_median(size, star, points.n_stars)
    judged = count >= min(5, int(count.max(initial=0)))
    noise = fit_noise(rms[judged], typical[judged])
    expected = noise.variance(typical)
    excess = np.maximum(np.nan_to_num(rms**2 - expected), 0) * count / (count + _FEW_POINTS)

    base = noise.variance(points.error)
    base = np.maximum(base, _LEAST_SIGMA**2)
    with_star = base + excess[points.star]
    ratio = _MAD**2 * group_median(size**2 / with_star[tells], epoch, points.n_epochs)
    n_here = np.bincount(epoch, minlength=points.n_epochs)
    inflation = 1 + np.maximum(np.nan_to_num(ratio) - 1, 0) * n_here / (n_here + _FEW_POINTS)
    total = with_star * inflation[points.epoch]
    robust = (_DEGREES + 1) / (_DEGREES + freed**2 / total)
    return _Judgement(
        weight=robust / total,
        noise=noise,
        excess=np.sqrt(excess),
        carries_weight=robust * base > _CARRIES_WEIGHT * with_star,
        freed=freed,
    )


def _term_sigma(unknowns: Array, prior: Array) -> Array:
    """Expect of each term the scatter that it was found to have."""
    found = _MAD * np.median(np.abs(unknowns[:, 1:]), axis=0)
    return np.append(prior[:1], np.clip(found, 1e-3, _TERM_SIGMA))


def _has_settled(now: Array, before: Array, system: EpochSystem, tolerance: float) -> bool:
    moved = (now - before)[:, 0]
    error = np.sqrt(system.preconditioner[:, 0, 0])
    tied = error > 0
    moved = moved - (np.median(moved[tied]) if tied.any() else 0)
    return bool(np.all(np.abs(moved[tied]) <= tolerance * error[tied] + 1e-9))


def _finish(
    points: Points,
    system: EpochSystem,
    unknowns: Array,
    residual: Array,
    state: _Judgement,
    min_stars: int,
) -> Solution:
    component = components(points)
    n_stars = np.bincount(points.epoch[state.carries_weight], minlength=points.n_epochs)
    solved = (component >= 0) & (n_stars >= min_stars)
    gauged = unknowns[:, 0].copy()
    mean = system.means(points.value, unknowns)
    star_component = np.full(points.n_stars, -1)
    star_component[points.star] = component[points.epoch]
    for number in range(component.max(initial=-1) + 1):
        here = solved & (component == number)
        if here.any():
            shift = np.median(gauged[here])
            gauged[component == number] -= shift
            mean[star_component == number] += shift
    size = np.abs(state.freed[state.carries_weight])
    scatter = _MAD * group_median(size, points.epoch[state.carries_weight], points.n_epochs)
    variance = np.maximum(system.variances(component), 0)
    nothing = np.where(solved, 0.0, np.nan)
    return Solution(
        zero_point=gauged + nothing,
        zero_point_err=np.sqrt(variance[:, 0]) + nothing,
        terms=unknowns[:, 1:] + nothing[:, np.newaxis],
        n_stars=n_stars,
        scatter=scatter,
        component=component,
        mean=mean,
        excess=state.excess,
        noise=state.noise,
        weight=np.asarray(system.matrix.data),
        residual=residual,
    )
