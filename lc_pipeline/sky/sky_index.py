"""An index of objects on the sky: their regions, without looking at all of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.sky.geometry import FULL_CIRCLE
from lc_pipeline.sky.polygons import flat_polygon, in_flat_polygon
from lc_pipeline.sky.regions import POLE, check_cone, dec_limits, in_box, in_cone, positions, ra_arc

Indices = NDArray[np.intp]

#: Objects per run of the index: with fewer there are more runs to look at, with more, more objects.
_RUN = 512
#: The index looks this much further (deg): near a pole, a border is up to 1e-6 deg of RA wide.
_INDEX_MARGIN = 1e-5


class SkyIndex:
    """Objects in which boxes, cones and polygons are found without looking at all of them.

    Of every run of 512 consecutive objects the smallest and the largest RA and Dec are kept. A
    region is looked for in the runs that it may touch: few, where neighbours on the sky are
    neighbours in the list, as in a reference catalogue (:func:`~lc_pipeline.sky.healpix_order`).
    In any other order the answers are the same, and take as long as without an index.

    Parameters
    ----------
    ra, dec : (n,) array_like of float, deg
        Not copied if they are arrays of float64: leave them as they are.

    Examples
    --------
    >>> index = SkyIndex([10.0, 10.5, 200.0], [0.0, 0.0, -45.0])
    >>> index.cone(10.1, 0.0, 1800.0)
    array([0, 1])
    >>> index.box((190, 210), (-90, 0))
    array([2])
    """

    def __init__(self, ra: ArrayLike, dec: ArrayLike) -> None:
        self.ra, self.dec = positions(ra, dec)
        first = np.arange(0, len(self.ra), _RUN)
        self._west, self._east = (f.reduceat(self.ra, first) for f in (np.fmin, np.fmax))
        self._south, self._north = (f.reduceat(self.dec, first) for f in (np.fmin, np.fmax))

    def __len__(self) -> int:
        return len(self.ra)

    def box(self, ra_range: tuple[float, float], dec_range: tuple[float, float]) -> Indices:
        """Find the objects in a box; parameters and errors are those of :func:`in_box`.

        Returns
        -------
        (n_found,) array of int, ascending
        """
        near = self._near(*ra_arc(ra_range), *dec_limits(dec_range))
        return near[in_box(self.ra[near], self.dec[near], ra_range, dec_range)]

    def cone(self, ra: float, dec: float, radius_arcsec: float) -> Indices:
        """Find the objects within a radius; parameters and errors are those of :func:`in_cone`.

        Returns
        -------
        (n_found,) array of int, ascending
        """
        near = self._near_cone(ra, dec, radius_arcsec)
        return near[in_cone(self.ra[near], self.dec[near], ra, dec, radius_arcsec)]

    def polygon(self, vertices: ArrayLike) -> Indices:
        """Find the objects in a polygon; parameters and errors are those of :func:`in_polygon`.

        Returns
        -------
        (n_found,) array of int, ascending
        """
        polygon = flat_polygon(vertices)
        near = self._near_cone(*polygon.cone)
        return near[in_flat_polygon(self.ra[near], self.dec[near], polygon)]

    def _near_cone(self, ra: float, dec: float, radius_arcsec: float) -> Indices:
        """Objects of all runs that a cone may touch, by the box around the cone."""
        check_cone(ra, dec, radius_arcsec)
        radius = radius_arcsec / 3600
        half_width = FULL_CIRCLE / 2
        if abs(dec) + radius < POLE - _INDEX_MARGIN:
            sine = math.sin(math.radians(radius)) / math.cos(math.radians(dec))
            half_width = math.degrees(math.asin(min(sine, 1.0)))
        return self._near(ra - half_width, 2 * half_width, dec - radius, dec + radius)

    def _near(self, start: float, width: float, low: float, high: float) -> Indices:
        """Objects of all runs whose own box touches this one (RA from `start`, `width` wide)."""
        touched = (self._north >= low - _INDEX_MARGIN) & (self._south <= high + _INDEX_MARGIN)
        run = np.flatnonzero(touched)
        if width < FULL_CIRCLE:
            west, east = self._west[run], self._east[run]
            start_in_run = (start - _INDEX_MARGIN - west) % FULL_CIRCLE <= east - west
            run_starts_in = (west - start + _INDEX_MARGIN) % FULL_CIRCLE
            has_pole = (self._north[run] == POLE) | (self._south[run] == -POLE)
            run = run[start_in_run | (run_starts_in <= width + 2 * _INDEX_MARGIN) | has_pole]
        objects = (run[:, np.newaxis] * _RUN + np.arange(_RUN)).ravel()
        return objects[objects < len(self)]
