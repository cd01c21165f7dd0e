"""The highest peaks of periodograms that pass by piece after piece."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class PeakCollector:
    """Keeps the highest distinct local maxima of several periodograms, never these themselves.

    Parameters
    ----------
    n_series : int
        Periodograms.
    n_peaks : int
        How many to keep of each.
    width : float
        Of two maxima nearer than this, in steps of the grid, only the higher one counts.

    Examples
    --------
    >>> peaks = PeakCollector(1, 2, width=2)
    >>> peaks.add(0, np.array([[0.0, 3.0, 1.0]]))
    >>> peaks.add(3, np.array([[5.0, 4.0, 0.0, 2.0, 0.0]]))
    >>> peaks.best(0)[0].tolist()
    [3, 1]
    """

    def __init__(self, n_series: int, n_peaks: int, width: float) -> None:
        self._n_peaks, self._width = n_peaks, width
        self._places: list[NDArray[np.intp]] = [np.empty(0, dtype=np.intp)] * n_series
        self._heights: list[NDArray[np.float64]] = [np.empty(0)] * n_series
        # The lowest power may be the first: what comes before the grid is lower than all.
        self._tail = np.full((n_series, 2), -np.inf)
        self._stop = 0

    def add(self, start: int, power: NDArray[np.floating]) -> None:
        """Take the next piece: (n_series, n_piece), beginning at place `start` of the grid."""
        whole = np.concatenate([self._tail, power], axis=1)
        for number, one in enumerate(whole):
            heights = self._heights[number]
            least = heights[-1] if len(heights) >= 4 * self._n_peaks else -np.inf
            high = np.flatnonzero(one[1:-1] > least) + 1
            high = high[(one[high] > one[high - 1]) & (one[high] >= one[high + 1])]
            self._keep(number, high + start - 2, one[high])
        self._tail = whole[:, -2:]
        self._stop = start + power.shape[1]

    def _keep(self, number: int, places: NDArray[np.intp], heights: NDArray[np.floating]) -> None:
        places = np.concatenate([self._places[number], places])
        heights = np.concatenate([self._heights[number], heights])
        order = np.argsort(-heights, kind="stable")[: 4 * self._n_peaks]
        self._places[number] = places[order]
        self._heights[number] = heights[order].astype(np.float64)

    def best(self, number: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Places in the grid and heights of one periodogram's highest peaks, highest first."""
        if (last := self._tail[number, 1]) > self._tail[number, 0]:
            self._keep(number, np.array([self._stop - 1]), np.array([last]))
        kept: list[int] = []
        places = self._places[number]
        for rank, place in enumerate(places):
            if all(abs(place - places[other]) >= self._width for other in kept):
                kept.append(rank)
            if len(kept) == self._n_peaks:
                break
        return places[kept], self._heights[number][kept]
