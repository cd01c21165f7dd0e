"""The linear problem of relative photometry: all zero points at once, star means eliminated.

Every measured magnitude is a star's mean plus its epoch's zero point (Honeycutt 1992; Padmanabhan
et al. 2008; Ofek et al. 2011); optional terms multiply a number known of the star (its colour, its
place in the field) with a coefficient of the epoch. Measurements are lists of points, sorted by
star, so that memory goes with what was measured and not with stars times epochs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.csgraph import connected_components

Array = NDArray[np.float64]

#: Unknowns of one component up to which the covariance is computed in full.
MAX_EXACT = 3000
_BLOCK_OF_STARS = 512


@dataclass(frozen=True)
class Points:
    """Measurements of one band as lists, sorted by star."""

    star: NDArray[np.intp]
    """(n_points,) which star, ascending."""
    epoch: NDArray[np.intp]
    """(n_points,) which epoch."""
    value: Array
    """(n_points,) mag."""
    error: Array
    """(n_points,) mag; 0 where none is known."""
    n_stars: int
    n_epochs: int

    @cached_property
    def _rows(self) -> NDArray[np.intp]:
        return np.searchsorted(self.star, np.arange(self.n_stars + 1)).astype(np.intp)

    def matrix(self, weight: Array) -> sparse.csr_matrix:
        """Write numbers of the points as a sparse matrix, (n_stars, n_epochs)."""
        return sparse.csr_matrix(
            (weight, self.epoch, self._rows), shape=(self.n_stars, self.n_epochs)
        )

    def per_star(self, number: Array) -> Array:
        """Sum numbers of the points over each star."""
        return np.bincount(self.star, number, self.n_stars).astype(float)

    def per_epoch(self, number: Array) -> Array:
        """Sum numbers of the points over each epoch."""
        return np.bincount(self.epoch, number, self.n_epochs).astype(float)

    def taken(self, chosen: NDArray[np.bool_]) -> Points:
        """Some of the points; stars and epochs keep their numbers."""
        return Points(
            self.star[chosen],
            self.epoch[chosen],
            self.value[chosen],
            self.error[chosen],
            self.n_stars,
            self.n_epochs,
        )


class EpochSystem:
    r"""Normal equations of the epochs' unknowns, after the star means are eliminated.

    With weights :math:`w_{oe}` and :math:`f_{ok}` what is known of star `o` (:math:`f_{o0} = 1`),
    minimising :math:`\sum w_{oe} (m_{oe} - M_o - \sum_k f_{ok} z_{ek})^2` over the means `M` leaves
    a system in `z` alone (the Schur complement), whose matrix is applied, not formed.

    Parameters
    ----------
    points : Points
    weight : (n_points,) array
        Inverse variances, above 0.
    basis : (n_stars, n_terms) array
        What multiplies each coefficient; the first column is 1.
    prior_sigma : (n_terms,) array
        Scatter that coefficients are expected to have; infinite for the zero point. It keeps
        coefficients of an epoch with few stars near 0, and their mean over all epochs at 0, which
        otherwise could not be told from the star means.
    """

    def __init__(self, points: Points, weight: Array, basis: Array, prior_sigma: Array) -> None:
        self.points, self.basis = points, basis
        self.matrix = points.matrix(weight)
        self.transposed = self.matrix.T.tocsr()
        total = np.asarray(self.matrix.sum(axis=1)).ravel()
        self.inverse_total = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
        n_terms = basis.shape[1]
        products = (basis[:, :, np.newaxis] * basis[:, np.newaxis, :]).reshape(len(basis), -1)
        shape = (points.n_epochs, n_terms, n_terms)
        self.diagonal = np.asarray(self.transposed @ products).reshape(shape)
        self.diagonal += np.diag(1 / prior_sigma**2)
        self.preconditioner = np.linalg.pinv(self.diagonal, hermitian=True)

    def _minus_means(self, forced: Array, per_star: Array) -> Array:
        """Take off what the star means absorb."""
        absorbed = self.basis * (per_star * self.inverse_total)[:, np.newaxis]
        return np.asarray(forced - self.transposed @ absorbed)

    def apply(self, unknowns: Array) -> Array:
        """Multiply the matrix with unknowns of shape (n_epochs, n_terms)."""
        per_star = ((self.matrix @ unknowns) * self.basis).sum(axis=1)
        return self._minus_means(np.einsum("ekl,el->ek", self.diagonal, unknowns), per_star)

    def right_side(self, value: Array) -> Array:
        """Right side of the system, (n_epochs, n_terms), for values of the points."""
        weighted = self.points.matrix(self.matrix.data * value)
        per_star = np.asarray(weighted.sum(axis=1)).ravel()
        return self._minus_means(np.asarray(weighted.T @ self.basis), per_star)

    def solve(self, value: Array, start: Array | None = None, *, tolerance: float = 1e-10) -> Array:
        """Solve by preconditioned conjugate gradients; (n_epochs, n_terms), without a gauge.

        Where all epochs see the same stars it takes a few steps, where they hang together in a
        chain as many as there are epochs.
        """
        right = self.right_side(value)
        solution = np.zeros_like(right) if start is None else start.copy()
        residual = right - self.apply(solution)
        goal = tolerance * max(float(np.abs(right).max(initial=0.0)), np.finfo(float).tiny)
        ready = np.einsum("ekl,el->ek", self.preconditioner, residual)
        direction, product = ready.copy(), float((residual * ready).sum())
        for _ in range(10 * right.size + 10):
            if np.abs(residual).max(initial=0.0) <= goal or product <= 0:
                break
            image = self.apply(direction)
            curvature = float((direction * image).sum())
            if curvature <= 0:  # only what no star ties together is left
                break
            step = product / curvature
            solution += step * direction
            residual -= step * image
            ready = np.einsum("ekl,el->ek", self.preconditioner, residual)
            before, product = product, float((residual * ready).sum())
            direction = ready + product / before * direction
        return np.asarray(solution)

    def means(self, value: Array, unknowns: Array) -> Array:
        """Weighted mean of each star, the epochs' part taken off; NaN without a point."""
        rest = value - self.epoch_part(unknowns)
        total = self.points.per_star(self.matrix.data * rest)
        return np.where(self.inverse_total > 0, total * self.inverse_total, np.nan)

    def epoch_part(self, unknowns: Array) -> Array:
        """What the epochs' unknowns add to each point: zero point and terms."""
        part = unknowns[self.points.epoch, 0]
        for term in range(1, self.basis.shape[1]):
            part = part + self.basis[self.points.star, term] * unknowns[self.points.epoch, term]
        return np.asarray(part)

    def variances(self, component: NDArray[np.intp]) -> Array:
        """Variance of every unknown, (n_epochs, n_terms), the mean zero point held at 0.

        In full for components of up to :data:`MAX_EXACT` unknowns. For larger ones the star means'
        own errors are left out, which matters only where epochs share few stars.
        """
        n_epochs, n_terms = self.points.n_epochs, self.basis.shape[1]
        result = np.full((n_epochs, n_terms), np.nan)
        for number in range(component.max(initial=-1) + 1):
            epochs = np.flatnonzero(component == number)
            if len(epochs) * n_terms <= MAX_EXACT:
                result[epochs] = np.diag(self._inverse(epochs)).reshape(-1, n_terms)
            else:
                result[epochs] = np.diagonal(self.preconditioner[epochs], axis1=1, axis2=2)
        return result

    def _inverse(self, epochs: NDArray[np.intp]) -> Array:
        n_terms = self.basis.shape[1]
        size = len(epochs) * n_terms
        normal = np.zeros((len(epochs), n_terms, len(epochs), n_terms))
        columns = self.matrix[:, epochs].tocsr()
        stars = np.flatnonzero(np.diff(columns.indptr))
        for start in range(0, len(stars), _BLOCK_OF_STARS):
            chosen = stars[start : start + _BLOCK_OF_STARS]
            root = np.sqrt(self.inverse_total[chosen])[:, np.newaxis]
            block = columns[chosen].toarray() * root
            forms = (block[:, :, np.newaxis] * self.basis[chosen, np.newaxis, :]).reshape(-1, size)
            normal -= (forms.T @ forms).reshape(normal.shape)
        here = np.arange(len(epochs))
        normal[here, :, here, :] += self.diagonal[epochs]
        matrix = normal.reshape(size, size)
        # One direction is free, all zero points together: it is fixed, and taken out again.
        free = np.zeros(size)
        free[::n_terms] = 1 / np.sqrt(len(epochs))
        stiffness = np.trace(matrix) / size
        held = matrix + stiffness * np.outer(free, free)
        try:
            inverse = cho_solve(cho_factor(held, lower=True), np.eye(size))
        except np.linalg.LinAlgError:  # a term that no star tells of
            inverse = np.linalg.pinv(held, hermitian=True)
        return np.asarray(inverse - np.outer(free, free) / stiffness)


def components(points: Points) -> NDArray[np.intp]:
    """Which epochs hang together by stars in common: a number for each, the largest first.

    An epoch that has no star in common with another is by itself, and has the number -1.

    Examples
    --------
    >>> star, epoch = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 2, 3, 4])
    >>> components(Points(star, epoch, np.zeros(5), np.zeros(5), 3, 6))
    array([ 0,  0,  1,  1, -1, -1])
    """
    size = points.n_stars + points.n_epochs
    links = (np.ones(len(points.star)), (points.star, points.n_stars + points.epoch))
    _, label = connected_components(sparse.coo_matrix(links, shape=(size, size)), directed=False)
    label = label[points.n_stars :]
    names, first, count = np.unique(label, return_index=True, return_counts=True)
    order = np.lexsort((first, -count))
    number = np.full(label.max(initial=-1) + 1, -1, dtype=np.intp)
    ordered = names[order][count[order] > 1]
    number[ordered] = np.arange(len(ordered))
    return np.asarray(number[label])


def group_median(value: Array, group: NDArray[np.intp], n_groups: int) -> Array:
    """Median of numbers in each group; NaN for a group without any.

    Examples
    --------
    >>> group_median(np.array([3.0, 1.0, 2.0, 7.0]), np.array([0, 0, 0, 2]), 3)
    array([ 2., nan,  7.])
    """
    result = np.full(n_groups, np.nan)
    count = np.bincount(group, minlength=n_groups)
    ordered = value[np.lexsort((value, group))]
    first = np.cumsum(count) - count
    filled = count > 0
    middle = [ordered[(first + (count - shift) // 2)[filled]] for shift in (1, 0)]
    result[filled] = np.mean(middle, axis=0)
    return result
