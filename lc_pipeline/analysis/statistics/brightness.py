"""An index judged against objects of similar brightness.

Faint objects scatter more than bright ones, so an index says little by itself. Objects are ranked
by brightness; what is usual is the running median of the index over the rank, and how far objects
differ from it is told in robust standard deviations of the neighbours' differences. Ranks, not
magnitudes, so that fluxes and their magnitudes are judged alike, and negative fluxes as well.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from lc_pipeline.analysis.statistics.index import Judged
from lc_pipeline.analysis.statistics.points import MAD_TO_SIGMA
from lc_pipeline.analysis.statistics.rows import Floats

#: Fewer objects than this cannot be judged.
LEAST_OBJECTS = 10
#: The smallest and the largest number of neighbours; between them it is a tenth of the objects.
LEAST_NEIGHBOURS, MOST_NEIGHBOURS = 25, 501
#: A Gaussian's standard deviation over its mean absolute deviation.
_MEAN_DEVIATION_TO_SIGMA = float(np.sqrt(np.pi / 2))


def judge_by_brightness(
    index: Floats, brightness: Floats, judged: Judged = "linear", neighbours: int | None = None
) -> Floats:
    """How unusual an index is among objects of similar brightness, in robust sigmas.

    The usual value is the running median over the objects in order of brightness, the scatter
    1.4826 times the running median of the absolute differences from it. Neither is moved by
    variables, as long as they are less than half of the neighbours. Where the scatter is 0 (an
    index that is the same for most) the mean absolute difference takes its place (Iglewicz &
    Hoaglin 1993, How to Detect and Handle Outliers).

    Towards the ends of the range of brightness, the neighbours stay as many on either side, down
    to 25 in all; the 12 objects at either end are judged by a straight line through the outermost
    25 (Tukey's resistant line). Up to 25 objects are judged by such a line through all of them.

    Parameters
    ----------
    index : (n_objects,) array of float
    brightness : (n_objects,) array of float
        Magnitudes or fluxes; only their order counts.
    judged : {"linear", "log"}
        By its logarithm where an index is positive and its scatter grows with its value.
    neighbours : int, optional
        By default a tenth of the objects, at least 25 and at most 501.

    Returns
    -------
    (n_objects,) array of float
        Positive where the index is larger than usual. NaN where the index or the brightness is
        missing, where the index has no logarithm, where all neighbours are the same, or with fewer
        than 10 objects.
    """
    index = np.asarray(index, dtype=np.float64)
    if judged == "log":
        index = np.log(np.where(index > 0, index, np.nan))
    usable = np.nonzero(np.isfinite(index) & np.isfinite(brightness))[0]
    z = np.full(index.shape, np.nan)
    if len(usable) < LEAST_OBJECTS:
        return z
    order = usable[np.argsort(brightness[usable], kind="stable")]
    values = index[order]
    half = _half_window(len(order), neighbours)
    difference = values - _usual(values, half)
    distance = np.abs(difference)
    scatter = MAD_TO_SIGMA * running_median(distance, half)
    is_flat = scatter <= 1e-9 * np.abs(values).max()
    mean = uniform_filter1d(distance, 2 * half + 1, mode="reflect")
    scatter[is_flat] = _MEAN_DEVIATION_TO_SIGMA * mean[is_flat]
    is_judged = scatter > 1e-9 * np.abs(values).max()
    z[order[is_judged]] = difference[is_judged] / scatter[is_judged]
    return z


def _half_window(n_objects: int, neighbours: int | None) -> int:
    wanted = neighbours or int(np.clip(n_objects // 10, LEAST_NEIGHBOURS, MOST_NEIGHBOURS))
    return (min(wanted, n_objects) - 1) // 2


def running_median(values: Floats, half: int) -> Floats:
    """Median of `half` neighbours on either side; towards the ends of as many as there are.

    The neighbours stay as many on either side, down to 12, and the ends are those of the outermost
    25.

    Examples
    --------
    >>> running_median(np.arange(100.0), 20)[[0, 13, 50, 99]]
    array([12., 13., 50., 87.])
    """
    n = len(values)
    least = min(half, LEAST_NEIGHBOURS // 2)
    running: Floats = median_filter(values, 2 * half + 1, mode="nearest")
    for reach in range(least, half):
        running[reach] = np.median(values[: 2 * reach + 1])
        running[n - 1 - reach] = np.median(values[n - 1 - 2 * reach :])
    running[:least] = np.median(values[: 2 * least + 1])
    running[n - least :] = np.median(values[n - 1 - 2 * least :])
    return running


def _usual(values: Floats, half: int) -> Floats:
    usual = running_median(values, half)
    n, least = len(values), min(half, LEAST_NEIGHBOURS // 2)
    if n <= LEAST_NEIGHBOURS:
        return resistant_line(values)
    usual[:least] = resistant_line(values[: 2 * least + 1])[:least]
    usual[n - least :] = resistant_line(values[n - 1 - 2 * least :])[least + 1 :]
    return usual


def resistant_line(values: Floats) -> Floats:
    """Straight line through values at even distances that a third of outliers do not move much.

    Tukey 1977, Exploratory Data Analysis, chapter 10: the slope between the medians of the outer
    thirds, improved once from the residuals; the median of what remains is the height.

    Examples
    --------
    >>> resistant_line(np.array([0.0, 1.0, 2.0, 99.0, 4.0, 5.0, 6.0, 7.0, 8.0]))[[0, 3]]
    array([0., 3.])
    """
    n = len(values)
    third = (n + 1) // 3
    place = np.arange(n, dtype=np.float64)
    distance = np.median(place[-third:]) - np.median(place[:third])
    line = np.zeros(n)
    for _ in range(2):
        left = values - line
        line = line + (np.median(left[-third:]) - np.median(left[:third])) / distance * place
    return line + np.median(values - line)
