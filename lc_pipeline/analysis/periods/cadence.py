"""What the times of observation can tell, and what they confuse: grids, windows, aliases."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.periods.grid import FrequencyGrid
from lc_pipeline.analysis.periods.peaks import PeakCollector
from lc_pipeline.analysis.periods.sums import sums_on_grid

Floats = NDArray[np.float64]

#: Days. Few delta Scuti stars are faster; what is, is searched by setting the shortest period.
SHORTEST_PERIOD = 0.025
#: A window function that comes back to so much of its height shows times on a raster.
RASTER = 0.999
#: Frequencies that nights, the Moon and the seasons put into light curves, cycles a day.
CALENDAR = {
    "solar day": 1.0,
    "sidereal day": 1.00273791,
    "half day": 2.0,
    "third of a day": 3.0,
    "synodic month": 1 / 29.530589,
    "year": 1 / 365.2422,
    "half year": 2 / 365.2422,
}


def frequency_grid(
    time: ArrayLike,
    *,
    min_period: float | None = None,
    max_period: float | None = None,
    samples_per_peak: float = 5.0,
) -> FrequencyGrid:
    """Choose frequencies that fit the baseline and the cadence of some times.

    A peak of a periodogram is about as wide as one over the baseline T: the spacing is 1 /
    (`samples_per_peak` T). The lowest frequency is 1 / T, one cycle in the data, unless
    `max_period` asks for another. The highest is that of `min_period`, by default 0.025 d. Times
    on a regular raster carry no information beyond half its frequency (Eyer & Bartholdi 1999,
    A&AS 135, 1, doi:10.1051/aas:1999102): by default the grid ends there. A raster is recognised
    by a window function that comes back to 99.9 % of its height: nightly visits within some ten
    minutes do that, visits within an hour do not.

    Parameters
    ----------
    time : array_like of float, d
        Times of observation, in any order; what is not finite is left out.
    min_period, max_period : float, d, optional
        The shortest and the longest period to search.
    samples_per_peak : float
        Frequencies to the width of a peak.

    Examples
    --------
    >>> grid = frequency_grid([0.0, 3.3, 19.1, 100.0], min_period=0.5)
    >>> grid.minimum, grid.spacing, round(grid.maximum, 3)
    (0.01, 0.002, 2.0)
    >>> round(frequency_grid(np.arange(1000) * 0.1).maximum, 1)
    5.0
    """
    times = np.asarray(time, dtype=float)
    times = np.unique(times[np.isfinite(times)])
    baseline = float(np.ptp(times)) if len(times) else 0.0
    if baseline <= 0:
        return FrequencyGrid(minimum=0.0, spacing=1.0, size=0)
    spacing = 1 / (samples_per_peak * baseline)
    lowest = 1 / (max_period or baseline)
    highest = 1 / (min_period or SHORTEST_PERIOD)
    nyquist = raster_limit(times, highest)
    if min_period is None:
        highest = min(highest, nyquist)
    size = max(0, int(np.floor((highest - lowest) / spacing + 1e-6)) + 1)
    return FrequencyGrid(minimum=lowest, spacing=spacing, size=size, nyquist=nyquist)


def raster_limit(time: Floats, highest: float) -> float:
    """Half the frequency of the raster that times stand on; infinite if they stand on none.

    Looked for are rasters of up to twice the `highest` frequency, and that of the usual distance
    from one time to the next.
    """
    baseline = float(np.ptp(time))
    # Nearer to zero frequency every window is high.
    spacing = 1 / (8 * baseline)
    grid = FrequencyGrid(2 / baseline, spacing, max(0, int((2 * highest) / spacing) - 16))
    one = np.full((1, len(time)), 1 / len(time))
    for start, (window,) in sums_on_grid(time, one, grid, [1], single=True):
        # Halfway between two frequencies of the grid a peak is 0.987 of its height.
        if len(high := np.flatnonzero(np.abs(window[0]) > RASTER - 0.015)):
            place = grid.minimum + spacing * (start + high[0])
            if raster := _raster_near(time, place + spacing * np.linspace(-1, 3, 81)):
                return raster / 2
    usual = 1 / float(np.median(np.diff(time)))
    return _raster_near(time, usual + spacing * np.linspace(-8, 8, 161)) / 2 or np.inf


def _raster_near(time: Floats, frequencies: Floats) -> float:
    """The frequency of a raster among some; 0 if it is none of them."""
    height = np.abs(np.exp(2j * np.pi * frequencies[:, np.newaxis] * time).mean(axis=1))
    return float(frequencies[height.argmax()]) if height.max() > RASTER else 0.0


def window_peaks(
    time: Floats, grid: FrequencyGrid, n_peaks: int = 8, least: float = 0.3
) -> list[tuple[float, float]]:
    """The frequencies at which the sampling itself is periodic.

    Parameters
    ----------
    time : (n,) array of float, d
    grid : FrequencyGrid
    n_peaks : int
        How many at most.
    least : float
        Amplitude of the window function, 1 at zero frequency, from which on a peak counts: it
        carries that part of a signal's amplitude to its aliases.

    Returns
    -------
    list of (float, float)
        Frequency and amplitude, highest first.
    """
    if not len(time) or not grid.size:
        return []
    # Zero frequency has a peak of its own.
    skip = int(max(0, np.ceil((1.5 / np.ptp(time) - grid.minimum) / grid.spacing)))
    grid = FrequencyGrid(grid.minimum + skip * grid.spacing, grid.spacing, max(0, grid.size - skip))
    peaks = PeakCollector(1, n_peaks, width=1 / np.ptp(time) / grid.spacing)
    one = np.full((1, len(time)), 1 / len(time))
    for start, (window,) in sums_on_grid(time, one, grid, [1], single=True):
        peaks.add(start, np.abs(window))
    places, heights = peaks.best(0)
    return [
        (grid.minimum + grid.spacing * place, float(height))
        for place, height in zip(places.tolist(), heights, strict=True)
        if height >= least
    ]


def name_cadence(frequency: float, resolution: float, window: list[tuple[float, float]]) -> str:
    """Say which rhythm of the observations a frequency coincides with; empty if with none.

    Examples
    --------
    >>> name_cadence(1.0026, 0.001, [])
    'sidereal day'
    >>> name_cadence(1.3, 0.001, [(0.65, 0.8)])
    ''
    >>> name_cadence(15.2, 0.001, [(15.2002, 0.8)])
    'sampling (0.06579 d)'
    """
    # Half the width of a peak: what is further off is another frequency.
    near = [
        (abs(frequency - rhythm), name)
        for name, rhythm in CALENDAR.items()
        if abs(frequency - rhythm) < resolution / 2
    ]
    if near:
        return min(near)[1]
    for rhythm, _ in window:
        if abs(frequency - rhythm) < resolution:
            return f"sampling ({1 / rhythm:.4g} d)"
    return ""


def name_relation(
    frequency: float, other: float, resolution: float, window: list[tuple[float, float]]
) -> str:
    """Say how a frequency may come from another one; empty if no way is known.

    Examples
    --------
    >>> name_relation(2.8028, 1.8, 0.001, [])
    'f1 + sidereal day'
    >>> name_relation(0.9, 1.8, 0.001, [])
    'f1 / 2'
    """
    for number in (2, 3, 4):
        if abs(frequency - other / number) < resolution:
            return f"f1 / {number}"
        if abs(frequency - other * number) < number * resolution:
            return f"f1 x {number}"
    found = []
    names = CALENDAR | {f"sampling ({1 / rhythm:.4g} d)": rhythm for rhythm, _ in window}
    for name, rhythm in names.items():
        for sign, start, words in ((1, other, "f1 +"), (-1, other, "f1 -"), (1, -other, "-f1 +")):
            if (difference := abs(frequency - start - sign * rhythm)) < resolution:
                found.append((difference, f"{words} {name}"))
    return min(found)[1] if found else ""
