"""Epochs in which many objects are off at once."""

from __future__ import annotations

import numpy as np
import xarray as xr
from astropy.table import Column, Table
from numpy.typing import NDArray
from scipy.special import bdtrc

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: At most this fraction of a measurement's epochs is called suspect: the worst ones.
MOST_SUSPECT = 0.25
#: Rate of outlying points that constant objects have at least: two tails of 3 sigma.
_LEAST_RATE = 0.003


def suspect_epochs(n: Floats, n_outlying: Floats, least_fraction: float) -> Booleans:
    """Epochs in which more objects are outlying at once than chance explains.

    Parameters
    ----------
    n, n_outlying : (n_measurements, n_epochs) arrays
        Objects, and those of them that are far from their median.
    least_fraction : float
        With fewer outlying an epoch is never suspect.

    Returns
    -------
    (n_measurements, n_epochs) array of bool

    Examples
    --------
    >>> suspect_epochs(np.full((1, 4), 50.0), np.array([[0.0, 1.0, 30.0, 0.0]]), 0.1)
    array([[False, False,  True, False]])
    """
    fraction = np.divide(n_outlying, n, out=np.full(n.shape, np.nan), where=n > 0)
    is_suspect = np.zeros(n.shape, dtype=np.bool_)
    for number, row in enumerate(fraction):
        seen = np.flatnonzero(np.isfinite(row))
        if not len(seen):
            continue
        usual = max(float(np.median(row[seen])), _LEAST_RATE)
        # Objects of one field are not independent: the limit is far out.
        n_seen = n[number, seen].astype(int)
        chance = bdtrc(np.maximum(n_outlying[number, seen] - 1, 0), n_seen, usual)
        found = seen[(chance < 1e-3 / n.size) & (row[seen] >= least_fraction)
                     & (n_outlying[number, seen] > 2)]  # fmt: skip  # noqa: PLR2004
        worst = found[np.argsort(-row[found], kind="stable")]
        is_suspect[number, worst[: int(MOST_SUSPECT * len(seen))]] = True
    return is_suspect


def common_variance(n: Floats, total: Floats, squares: Floats) -> Floats:
    """Fraction of the variance of all objects that is the same for all in an epoch.

    Parameters
    ----------
    n, total, squares : (n_measurements, n_epochs) arrays
        Number of standardised deviations, their sum and the sum of their squares.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        within = np.maximum(squares / n - mean**2, 0) / np.maximum(n - 1, 1)
        enough = n >= 5  # noqa: PLR2004
        between = np.where(enough, n * (mean**2 - within), 0).sum(axis=1)
        everything = np.where(enough, squares, 0).sum(axis=1)
        return np.asarray(np.clip(between / everything, 0, 1))


def epoch_table(dataset: xr.Dataset, n: Floats, n_outlying: Floats, is_suspect: Booleans) -> Table:
    """One row per epoch and measurement; counts are (n_measurements, n_epochs) arrays."""
    keys = dataset["measurement"].values.astype(str)
    n_epochs = dataset.sizes["epoch"]
    table = Table()
    table["epoch"] = Column(
        np.tile(dataset["epoch"].values.astype(str), len(keys)), description="epoch"
    )
    table["measurement"] = Column(np.repeat(keys, n_epochs), description="band or channel")
    table["time"] = Column(
        np.tile(dataset["time"].values, len(keys)), unit="d", description="MJD of mid-exposure"
    )
    table["n"] = Column(n.ravel().astype(int), description="objects with a good value")
    table["n_outlying"] = Column(
        n_outlying.ravel().astype(int), description="of these, far from their own median"
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = n_outlying.ravel() / n.ravel()
    table["fraction"] = Column(fraction, description="fraction of objects that are outlying")
    table["is_suspect"] = Column(
        is_suspect.ravel(), description="more objects are outlying at once than chance explains"
    )
    return table
