"""Box least squares: periods of short, flat-bottomed dips, on request.

Kovács, Zucker & Mazeh (2002, A&A 391, 369, doi:10.1051/0004-6361:20020802), as astropy has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy.timeseries import BoxLeastSquares
from numpy.typing import NDArray
from scipy.stats import norm

from lc_pipeline.analysis.periods.band import Band
from lc_pipeline.analysis.periods.grid import FrequencyGrid
from lc_pipeline.analysis.periods.peaks import PeakCollector

Floats = NDArray[np.float64]

#: Name of the method, for tables.
METHOD = "box least squares: Gaussian tail of depth over error, times the boxes tried"
#: Days that a dip lasts; those shorter than a third of the shortest period are tried.
DURATIONS = (0.05, 0.1, 0.2)
#: Days. Boxes at short periods are many and have few values each.
SHORTEST_PERIOD = 0.6
_OVERSAMPLE = 5


def box_peaks(
    bands: Sequence[Band], grid: FrequencyGrid, n_peaks: int
) -> tuple[Floats, Floats, Floats]:
    """Find the periods at which dips of one depth in all bands explain most.

    Parameters
    ----------
    bands : sequence of Band
        Their medians are taken out; the depth is common to all.
    grid : FrequencyGrid
        Its range is searched, periods of less than 0.6 d left out; the steps follow the duration.
    n_peaks : int

    Returns
    -------
    frequency : (n,) array of float, 1/d
        Best first.
    depth : (n,) array of float
    log_fap : (n,) array of float
    """
    time = np.concatenate([band.time for band in bands])
    value = np.concatenate(
        [(1 if band.is_flux else -1) * (band.value - np.median(band.value)) for band in bands]
    )
    error = np.concatenate([band.error for band in bands])
    order = np.argsort(time, kind="stable")
    shortest = max(1 / grid.maximum, SHORTEST_PERIOD)
    longest = min(1 / grid.minimum, float(np.ptp(time)) / 2)
    durations = [one for one in DURATIONS if one < shortest / 3]
    if not durations or not shortest < longest:
        return np.empty(0), np.empty(0), np.empty(0)
    model = BoxLeastSquares(time[order], value[order], error[order])
    periods = model.autoperiod(durations, minimum_period=shortest, maximum_period=longest)
    found = model.power(periods, durations, objective="snr", oversample=_OVERSAMPLE)
    power = np.nan_to_num(np.asarray(found.power), nan=-np.inf)
    # Neighbouring periods see the same dips.
    peaks = PeakCollector(1, n_peaks, width=float(np.ptp(time)) / min(durations) / len(periods) * 2)
    peaks.add(0, power[np.newaxis])
    places, height = peaks.best(0)
    n_boxes = float((periods / min(durations) * _OVERSAMPLE).sum()) * len(durations)
    log_fap = np.minimum(norm.logsf(height) + np.log(n_boxes), 0.0)
    return 1 / np.asarray(periods)[places], np.asarray(found.depth)[places], log_fap
