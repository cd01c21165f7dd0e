"""Fourier series fitted to one band at several frequencies, of all numbers of harmonics at once.

The columns of the model are made orthogonal by a Cholesky decomposition of the normal equations,
those of fewer harmonics first: every number of harmonics is then a sum over the first columns,
and so is how much each value pulls the model towards itself (its leverage).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.periods.band import Band
from lc_pipeline.analysis.periods.least_squares import usable_terms
from lc_pipeline.analysis.periods.phase_order import bearable_terms

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

#: A value that determines the model all by itself has a leverage of 1.
_LEAST_FREE = 0.05
#: Added to the normal equations, whose diagonal is 1: what the sampling does not tell stays small.
_RIDGE = 1e-6
#: Values to one matrix product: few enough that BLAS libraries do not start threads (see
#: ``sums.py``).
_PIECE = 256


def design_matrix(frequencies: Floats, time: Floats, n_terms: int) -> Floats:
    """(n_frequencies, n, 2 n_terms + 1): ones, and cosine and sine of each harmonic."""
    turns = np.multiply.outer(frequencies, time)
    turn = np.exp(2j * np.pi * (turns - np.floor(turns)))
    design = np.empty((*turn.shape, 2 * n_terms + 1))
    design[..., 0] = 1.0
    power = turn
    for k in range(1, n_terms + 1):
        design[..., 2 * k - 1], design[..., 2 * k] = power.real, power.imag
        power = power * turn
    return design


@dataclass(frozen=True)
class LeftOut:
    """How far off each value is from the fit to all others, at several frequencies.

    Attributes
    ----------
    off : (n_frequencies, n) array of float
        Absolute residuals, in units of the value.
    n_terms : (n_frequencies,) array of int
        Harmonics that were fitted.
    pull, stiffness : (n_frequencies,) arrays of float
        Chi-squared falls by ``pull**2 / stiffness`` when the frequency moves by ``pull /
        stiffness``, in units of the mean chi-squared of a value.
    """

    off: Floats
    n_terms: Integers
    pull: Floats
    stiffness: Floats


class Fits:
    """Fits to one band.

    Parameters
    ----------
    band : Band
    kept : (m, n) array of bool
        Values that are fitted, for each frequency.
    frequencies : (m,) array of float, 1/d
    n_terms : int
        Harmonics, at most.
    """

    def __init__(
        self, band: Band, kept: NDArray[np.bool_], frequencies: Floats, n_terms: int
    ) -> None:
        self._band, self._all_terms = band, n_terms
        self._root = kept / band.error
        self._n = kept.sum(axis=1)
        weight = self._root**2
        total = np.maximum(weight.sum(axis=1), 1e-300)
        self._centred = band.value - ((weight * band.value).sum(axis=1) / total)[:, np.newaxis]
        self._right = self._root * self._centred
        # What is left out stands where another value is: it fills no gap in phase.
        time = np.where(kept, band.time, band.time[kept.argmax(axis=1)][:, np.newaxis])
        usable = usable_terms(self._n, n_terms)
        self._bearable = np.minimum(
            bearable_terms(time, frequencies, n_terms, band.nyquist), usable
        )
        self._n_terms = int(usable.max(initial=0))
        if not self._n_terms:
            return
        self._design = design_matrix(frequencies, band.time, self._n_terms)
        weighted = self._design * self._root[..., np.newaxis]
        pieces = [slice(at, at + _PIECE) for at in range(0, len(band.time), _PIECE)]
        normal = sum(weighted[:, one].swapaxes(1, 2) @ weighted[:, one] for one in pieces)
        scale = 1 / np.sqrt(np.maximum(np.diagonal(normal, axis1=1, axis2=2), 1e-300))
        normal = normal * scale[:, :, np.newaxis] * scale[:, np.newaxis]
        normal += _RIDGE * np.eye(normal.shape[1])
        inverse = np.linalg.inv(np.linalg.cholesky(normal)).swapaxes(1, 2)
        #: Turns columns into orthogonal ones.
        self._turn = scale[:, :, np.newaxis] * inverse
        self._base = np.concatenate([weighted[:, one] @ self._turn for one in pieces], axis=1)
        self._solved = (self._right[:, np.newaxis] @ self._base)[:, 0]

    def criteria(self) -> Floats:
        """Bayesian information criterion of 1, 2 ... harmonics: (n_terms, n_frequencies).

        Up to a constant, with the residual of each value from the fit to all others.
        """
        criteria = np.zeros((self._all_terms, len(self._n)))
        if not self._n_terms:
            return criteria
        # (n_frequencies, n_terms, n): how much of the freedom and of the value is left.
        free, rest = (
            first[:, np.newaxis] - np.cumsum(parts[:, 1::2] + parts[:, 2::2], axis=1) - parts[:, :1]
            for first, parts in (
                (np.ones_like(self._right), (self._base**2).swapaxes(1, 2)),
                (self._right, (self._base * self._solved[:, np.newaxis]).swapaxes(1, 2)),
            )
        )
        left_out = rest / np.maximum(free, _LEAST_FREE)
        total = np.maximum((self._right**2).sum(axis=1), 1e-300)
        misfit = np.maximum((left_out**2).sum(axis=2) / total[:, np.newaxis], 1e-9).T
        terms = np.minimum(np.arange(1, self._all_terms + 1)[:, np.newaxis], self._bearable)
        fitted = np.take_along_axis(misfit, np.maximum(terms, 1) - 1, axis=0)
        criteria[:] = np.where(terms > 0, self._n * np.log(fitted) + price(terms, self._n), 0.0)
        return criteria

    def left_out(self, n_terms: Integers) -> LeftOut:
        """Judge some number of harmonics, one for each frequency, by values left out one by one."""
        band, terms = self._band, np.minimum(n_terms, self._bearable)
        if not self._n_terms:
            nothing = np.zeros(len(terms))
            return LeftOut(np.abs(self._centred), terms, nothing, nothing)
        is_fitted = np.arange(self._base.shape[2]) <= 2 * terms[:, np.newaxis]
        coefficients = (self._turn @ (self._solved * is_fitted)[..., np.newaxis])[..., 0]
        # Along the slope of the model against frequency, as far as no coefficient does the same.
        number = 2 * np.pi * np.arange(1, self._n_terms + 1)
        turned = np.zeros_like(coefficients)
        turned[:, 1::2] = number * coefficients[:, 2::2]
        turned[:, 2::2] = -number * coefficients[:, 1::2]
        model, slope = np.moveaxis(self._design @ np.stack([coefficients, turned], axis=-1), -1, 0)
        rest = self._centred - model
        slope = slope * self._root * (band.time - band.time.mean())
        base = self._base * is_fitted[:, np.newaxis]
        slope = slope - (base @ (slope[:, np.newaxis] @ base).swapaxes(1, 2))[..., 0]
        weighed = rest * self._root
        variance = np.maximum((weighed**2).sum(axis=1) / np.maximum(self._n, 1), 1e-300)
        return LeftOut(
            off=np.abs(rest) / np.maximum(1 - (base**2).sum(axis=2), _LEAST_FREE),
            n_terms=terms,
            pull=(slope * weighed).sum(axis=1) / variance,
            stiffness=(slope**2).sum(axis=1) / variance,
        )


def price(n_terms: Integers, n: ArrayLike) -> Floats:
    """What the parameters cost beyond what leaving values out has cost already."""
    cost: Floats = 2.0 * n_terms * np.maximum(np.log(np.maximum(n, 1)) - 2, 0)
    return cost


def corrections(left_out: Sequence[LeftOut], reach: float) -> Floats:
    """By how much each frequency has to move for all bands to fit best, within reach."""
    pull = np.sum([one.pull for one in left_out], axis=0)
    stiffness = np.sum([one.stiffness for one in left_out], axis=0)
    moves: Floats = np.clip(pull / np.maximum(stiffness, 1e-300), -reach, reach)
    return moves
