"""Probabilities of several tests of one object, made one.

All are natural logarithms: those of variables are too small for floats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

Floats = NDArray[np.float64]


def of_dependent(log_p: Sequence[Floats]) -> Floats:
    """Probability by several tests of the same thing: the harmonic mean.

    It holds however much the tests depend on each other: two of the same give that of one
    (Wilson 2019, PNAS 116, 1195, doi:10.1073/pnas.1814092116).

    Parameters
    ----------
    log_p : sequence of (n_objects,) arrays
        NaN where a test says nothing.

    Examples
    --------
    >>> one = np.log([1e-6])
    >>> np.exp(of_dependent([one, one])).round(9).tolist()
    [1e-06]
    """
    stacked = np.stack(list(log_p))
    known = np.isfinite(stacked)
    n = known.sum(axis=0)
    total = logsumexp(np.where(known, -stacked, 0.0), b=known | (n == 0), axis=0)
    return np.asarray(np.where(n > 0, np.minimum(np.log(np.maximum(n, 1)) - total, 0.0), np.nan))


def of_independent(log_p: Sequence[Floats]) -> Floats:
    """Probability by several independent tests (Fisher 1925): agreement makes it small.

    Parameters
    ----------
    log_p : sequence of (n_objects,) arrays
        NaN where a test says nothing.

    Examples
    --------
    >>> tests = [np.log([0.05, 0.05]), np.log([0.05, np.nan])]
    >>> np.exp(of_independent(tests)).round(4).tolist()
    [0.0175, 0.05]
    """
    stacked = np.stack(list(log_p))
    known = np.isfinite(stacked)
    n = known.sum(axis=0)
    x = -np.where(known, stacked, 0.0).sum(axis=0)
    # The tail of chi-squared with 2n degrees of freedom, without underflow:
    # exp(-x) (1 + x + ... + x^(n-1) / (n-1)!).
    power = np.arange(len(stacked))[:, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(power == 0, 0.0, power * np.log(x)) - gammaln(power + 1)
    terms = np.where(power < n, terms, -np.inf)
    return np.asarray(np.where(n > 0, logsumexp(terms, axis=0) - x, np.nan))
