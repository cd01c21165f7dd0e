"""Models of folded light curves, from the coefficients in the table of periods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy.table import Row
from numpy.typing import NDArray

from lc_pipeline.report.words import is_known

N_PHASES = 200

Model = tuple[NDArray[np.float64], NDArray[np.float64]]


def fourier_models(row: Row, measurement_keys: Sequence[str], start: float) -> dict[str, Model]:
    """Compute the models of one row of the table ``periods``.

    ``mean_m + sum_k ak_m cos(2 pi k frequency t) + bk_m sin(2 pi k frequency t)``, t in MJD.

    Parameters
    ----------
    row : Row
        With ``frequency``, and for measurements that have a model ``mean_m``, ``a1_m``,
        ``b1_m``, and so on.
    measurement_keys : sequence of str
    start : float
        MJD of phase 0.

    Returns
    -------
    dict
        Phases from 0 to 1 and values, for each measurement that has a model.
    """
    if "frequency" not in row.colnames or not is_known(row["frequency"]):
        return {}
    phase = np.linspace(0, 1, N_PHASES)
    cycles = float(row["frequency"]) * start + phase
    found = {}
    for key in measurement_keys:
        if f"mean_{key}" not in row.colnames or not is_known(row[f"mean_{key}"]):
            continue
        value = np.full(N_PHASES, float(row[f"mean_{key}"]))
        k = 1
        while f"a{k}_{key}" in row.colnames and is_known(row[f"a{k}_{key}"]):
            turn = 2 * np.pi * k * cycles
            value += float(row[f"a{k}_{key}"]) * np.cos(turn)
            value += float(row[f"b{k}_{key}"]) * np.sin(turn)
            k += 1
        if k > 1:
            found[key] = (phase, value)
    return found
