"""How large errors really are: a scale for the stated ones, and a floor beneath them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[np.float64]

_SOFTNESS = 0.2
"""Relative departure of a star's scatter from which it counts less: some variables are expected."""
_PRIOR = 0.5
"""How sure one is, in natural logarithms, that stated errors are right before looking at any."""


@dataclass(frozen=True)
class NoiseModel:
    """Variance of a point: ``(scale * error)**2 + floor**2``; errors in mag."""

    scale: float = 1.0
    floor: float = 0.0

    def variance(self, error: Array) -> Array:
        """Variance that the model gives to points with these stated errors."""
        return np.asarray((self.scale * error) ** 2 + self.floor**2)


def fit_noise(rms: Array, error: Array) -> NoiseModel:
    """Fit ``rms**2 = (scale * error)**2 + floor**2`` over stars, most of which are constant.

    Logarithms are fitted with a Cauchy loss, so that variable stars, which lie above, count little.
    Where the stars' errors are all alike the two numbers cannot be told apart; a weak prior on the
    scale then leaves it near 1.

    Parameters
    ----------
    rms : (n_stars,) array
        Robust scatter of each star, mag.
    error : (n_stars,) array
        Typical stated error of each star, mag.

    Examples
    --------
    >>> error = np.geomspace(0.001, 0.1, 50)
    >>> model = fit_noise(np.hypot(1.5 * error, 0.01), error)
    >>> round(model.scale, 2), round(model.floor, 3)
    (1.5, 0.01)
    """
    usable = (rms > 0) & np.isfinite(rms) & np.isfinite(error)
    rms, error = rms[usable], error[usable]
    if not len(rms):
        return NoiseModel()
    observed = np.log(rms)
    smallest = 1e-3 * float(np.exp(observed.min()))

    def misfit(unknowns: Array) -> Array:
        scale, floor = np.exp(unknowns)
        model = 0.5 * np.log((scale * error) ** 2 + floor**2)
        return np.append(observed - model, np.log(scale) * _SOFTNESS / _PRIOR)

    bright = float(np.median(rms[error <= np.quantile(error, 0.25)]))
    starts = [(0.0, np.log(floor)) for floor in (bright, 0.1 * bright)]
    fits = [
        least_squares(
            misfit,
            start,
            loss="cauchy",
            f_scale=_SOFTNESS,
            bounds=([-7.0, np.log(smallest)], [7.0, np.inf]),
        )
        for start in starts
    ]
    best = min(fits, key=lambda fit: float(fit.cost))
    scale, floor = np.exp(best.x)
    return NoiseModel(float(scale), float(floor))
