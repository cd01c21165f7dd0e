"""An index judged against objects of similar brightness.

Faint objects scatter more than bright ones, so an index says little by itself. Here it is told how
far it lies from what is usual at its brightness, in robust standard deviations of the others'
distances. What is usual is a running median over the objects in order of brightness, or in a small
field, where a window of neighbours would span half of the magnitudes, a robust parabola.
"""

from __future__ import annotations

from bisect import insort

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from lc_pipeline.analysis.statistics.index import Judged
from lc_pipeline.analysis.statistics.points import MAD_TO_SIGMA
from lc_pipeline.analysis.statistics.rows import Booleans, Floats

#: Fewer objects than this cannot be judged.
LEAST_OBJECTS = 10
#: With fewer objects than this, a parabola says what is usual.
SMALL_FIELD = 100
#: The smallest and the largest number of neighbours; between them it is a tenth of the objects.
LEAST_NEIGHBOURS, MOST_NEIGHBOURS = 25, 501
#: In a small field, gaps in magnitude wider than so many mean gaps count as that wide: a star far
#: from all others would draw the parabola through itself.
_WIDEST_GAP = 4.0
#: A Gaussian's standard deviation over its mean absolute deviation.
_MEAN_DEVIATION_TO_SIGMA = float(np.sqrt(np.pi / 2))


def judge_by_brightness(
    index: Floats,
    brightness: Floats,
    judged: Judged = "linear",
    *,
    quantity: str = "mag",
    neighbours: int | None = None,
    is_usual: Booleans | None = None,
) -> Floats:
    """How unusual an index is among objects of similar brightness, in robust sigmas.

    From 100 objects on, the usual value is the running median over the objects in order of
    brightness, and the scatter 1.4826 times the running median of the absolute differences from
    it. Towards the ends of the range of brightness the neighbours stay as many on either side,
    down to 25 in all; the 12 objects at either end are judged by a straight line through the
    outermost 25 (Tukey's resistant line).

    With 10 to 99 objects the usual value is a robust parabola over magnitude
    (:func:`robust_parabola`; where most objects have one and the same value, that value), and the
    scatter is that of the nearest 25. A gap in magnitude wider than four mean gaps counts as that
    wide there, so that a star far from all others does not draw the parabola through itself.

    Neither is moved by variables, as long as they are much less than half of the neighbours. Where
    the scatter is 0 (an index that is the same for most) the mean absolute difference takes its
    place (Iglewicz & Hoaglin 1993, How to Detect and Handle Outliers).

    Parameters
    ----------
    index : (n_objects,) array of float
    brightness : (n_objects,) array of float
        Magnitudes or fluxes, which may be negative.
    judged : {"linear", "log"}
        By its logarithm where an index is positive and its scatter grows with its value.
    quantity : {"mag", "flux"}
        What `brightness` is. It matters for the parabola only, which takes the logarithm of a
        flux, and all that are not positive together with the faintest that is.
    neighbours : int, optional
        By default a tenth of the objects, at least 25 and at most 501.
    is_usual : (n_objects,) array of bool, optional
        Objects that the others are judged by, where some are known to vary; by default all.

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
    judges = usable if is_usual is None else usable[is_usual[usable]]
    if len(judges) < LEAST_OBJECTS:
        return z
    order = judges[np.argsort(brightness[judges], kind="stable")]
    usual, sigma = _usual_and_scatter(index[order], brightness[order], quantity, neighbours)
    if len(judges) < len(usable):
        usual, sigma = (
            np.interp(brightness[usable], brightness[order], values) for values in (usual, sigma)
        )
        order = usable
    nothing = 1e-9 * np.abs(index[order]).max()
    is_judged = sigma > nothing
    difference = index[order] - usual
    z[order[is_judged]] = difference[is_judged] / sigma[is_judged]
    return z


def _usual_and_scatter(
    values: Floats, brightness: Floats, quantity: str, neighbours: int | None
) -> tuple[Floats, Floats]:
    """What is usual, and a robust standard deviation, of values in order of brightness."""
    if len(values) < SMALL_FIELD:
        half = _half_window(len(values), LEAST_NEIGHBOURS)
        usual = _smooth(_magnitudes(brightness, quantity), values)
        freedom = np.sqrt(len(values) / (len(values) - 3))
    else:
        half = _half_window(len(values), neighbours)
        usual = _running(values, half)
        freedom = 1.0
    distance = np.abs(values - usual)
    scatter = freedom * running_median(distance, half)
    mean = uniform_filter1d(distance, 2 * half + 1, mode="reflect")
    nothing = 1e-9 * np.abs(values).max()
    sigma = np.where(scatter > nothing, MAD_TO_SIGMA * scatter, _MEAN_DEVIATION_TO_SIGMA * mean)
    return usual, sigma


def _magnitudes(brightness: Floats, quantity: str) -> Floats:
    if quantity == "mag":
        return brightness
    positive = brightness[brightness > 0]
    if not len(positive):
        return np.arange(len(brightness), dtype=np.float64)
    magnitudes: Floats = -2.5 * np.log10(np.maximum(brightness, positive.min()))
    return magnitudes


def _smooth(magnitude: Floats, values: Floats) -> Floats:
    """What is usual in a small field; see :func:`judge_by_brightness`."""
    usual = np.median(values)
    if not np.median(np.abs(values - usual)):
        return np.full(len(values), usual)
    gap = np.minimum(np.abs(np.diff(magnitude)), _WIDEST_GAP * np.ptp(magnitude) / len(magnitude))
    return robust_parabola(np.concatenate([[0.0], np.cumsum(gap)]), values)


def robust_parabola(x: Floats, y: Floats) -> Floats:
    """Parabola y(x) that outliers do not move: weighted least squares with changing weights.

    Weights ``1 / |r_i|`` first, which is the least sum of absolute residuals r_i; then Tukey's
    biweight, ``(1 - (r_i / 4.685 S)^2)^2``, ``S = 1.4826 median |r_i|`` (Holland & Welsch 1977,
    Commun. Stat. A6, 813, doi:10.1080/03610927708827533).

    Returns
    -------
    (n,) array of float
        At each `x`.

    Examples
    --------
    >>> x = np.arange(12.0)
    >>> robust_parabola(x, np.where(x == 4, 1000, x**2)).round(3)[[0, 4, 11]] + 0.0
    array([  0.,  16., 121.])
    """
    span = np.ptp(x) or 1.0
    powers = np.vander((x - x.min()) / span - 0.5, 3)
    weight = np.ones(len(y))
    curve = np.zeros(len(y))
    smallest = 1e-9 * np.abs(y).max() or 1.0
    for turn in range(40):
        root = np.sqrt(weight)
        solution = np.linalg.lstsq(powers * root[:, np.newaxis], y * root, rcond=None)[0]
        curve = powers @ solution
        residual = np.abs(y - curve)
        sigma = max(MAD_TO_SIGMA * float(np.median(residual)), smallest)
        if turn < 15:  # noqa: PLR2004
            weight = 1 / np.maximum(residual, 1e-3 * sigma)
        else:
            weight = np.clip(1 - (residual / (4.685 * sigma)) ** 2, 1e-6, None) ** 2
    return curve


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
    running[:half] = _growing_median(values[: 2 * half + 1], least)
    running[n - half :] = _growing_median(values[::-1][: 2 * half + 1], least)[::-1]
    return running


def _growing_median(values: Floats, least: int) -> Floats:
    """Medians of the first 1, 3, 5, ... values (not of all); of no fewer than 2 `least` + 1."""
    medians = np.empty(len(values) // 2)
    seen: list[float] = sorted(values[: 2 * least + 1].tolist())
    medians[: least + 1] = seen[least]
    for reach in range(least + 1, len(medians)):
        for value in values[2 * reach - 1 : 2 * reach + 1].tolist():
            insort(seen, value)
        medians[reach] = seen[reach]
    return medians


def _running(values: Floats, half: int) -> Floats:
    usual = running_median(values, half)
    n, least = len(values), min(half, LEAST_NEIGHBOURS // 2)
    usual[:least] = resistant_line(values[: 2 * least + 1])[:least]
    usual[n - least :] = resistant_line(values[n - 1 - 2 * least :])[least + 1 :]
    return usual


def resistant_line(values: Floats) -> Floats:
    """Straight line through values at even distances that some outliers hardly move.

    Tukey 1977, Exploratory Data Analysis, chapter 10: the slope between the medians of the outer
    thirds, improved a few times from the residuals; the median of what remains is the height.

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
    for _ in range(5):
        left = values - line
        line = line + (np.median(left[-third:]) - np.median(left[:third])) / distance * place
    return line + np.median(values - line)
