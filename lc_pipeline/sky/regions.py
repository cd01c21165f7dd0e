"""Regions of the sky: boxes, cones and polygons, right at RA 0 and on the poles.

The functions take positions and return a mask. :class:`SkyIndex` answers the same questions about
objects that keep their places, without looking at all of them.

Every border belongs to its region, and rounding does not push an object off a border: borders are
1e-9 arcsec wide, those of polygons about 1e-9 deg. A position that is NaN is in no region.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.errors import RegionError
from lc_pipeline.sky.geometry import (
    ARCSEC_PER_RADIAN,
    FULL_CIRCLE,
    Vectors,
    mean_direction,
    sky_coordinates,
    tangent_basis,
    unit_vectors,
    vector_separation_arcsec,
)

Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

_POLE = 90.0
_HALF_CIRCLE_ARCSEC = 180 * 3600.0

#: Width of a border. Positions near RA 360 are themselves rounded to 2e-10 arcsec.
_BORDER_ARCSEC = 1e-9
#: Width of a polygon's border in radians (1e-9 deg).
_POLYGON_BORDER = np.radians(1e-9)
_POLYGON_BORDER_ARCSEC = 1e-9 * 3600

#: Polygons lie within a circle of this radius (deg): at 90 the projection ends.
_WIDEST_POLYGON = 89.0
#: Below this radius (deg) any centre will do; beyond it, the best one is looked for.
_WIDE_POLYGON = 60.0
_MIN_CORNERS = 3

#: Objects per run of the index: with fewer there are more runs to look at, with more, more objects.
_RUN = 512
#: The index looks this much further (deg): near a pole, a border is up to 1e-6 deg of RA wide.
_INDEX_MARGIN = 1e-5


def in_box(
    ra: ArrayLike,
    dec: ArrayLike,
    ra_range: tuple[float, float],
    dec_range: tuple[float, float],
) -> Mask:
    """Tell which objects are in a box of right ascension and declination.

    Parameters
    ----------
    ra, dec : (n,) array_like of float, deg
    ra_range : (float, float), deg
        From the first eastward to the second; any real numbers. ``(350, 10)``, ``(-10, 10)`` and
        ``(350, 370)`` are the same 20 degrees. A second number that is 360 or more above the first
        means every RA. Two equal numbers mean that one meridian.
    dec_range : (float, float), deg
        Lower and upper limit, within -90 to 90.

    Returns
    -------
    (n,) array of bool
        An object on a pole has every RA: it is in each box that reaches the pole.

    Raises
    ------
    RegionError
        If a limit is not a finite number, or the declinations descend or leave -90 to 90.

    Examples
    --------
    >>> in_box([359.0, 0.0, 2.0], [0, 0, 0], (358, 1), (-1, 1)).tolist()
    [True, True, False]
    >>> in_box([200.0], [90.0], (358, 1), (80, 90)).tolist()
    [True]
    """
    start, width = _ra_arc(ra_range)
    low, high = _dec_limits(dec_range)
    alpha, delta = _positions(ra, dec)
    inside = (delta >= low) & (delta <= high) & ~np.isnan(alpha)
    if width >= FULL_CIRCLE:
        return inside
    near = np.flatnonzero(inside)
    border = _BORDER_ARCSEC / 3600
    east_of_start = (alpha[near] - (start - border)) % FULL_CIRCLE
    inside[near] = (east_of_start <= width + 2 * border) | (np.abs(delta[near]) == _POLE)
    return inside


def in_cone(
    ra: ArrayLike, dec: ArrayLike, center_ra: float, center_dec: float, radius_arcsec: float
) -> Mask:
    """Tell which objects are within a radius of a position.

    Parameters
    ----------
    ra, dec : (n,) array_like of float, deg
    center_ra, center_dec : float, deg
    radius_arcsec : float, arcsec
        0 (that very position) to 648000 (180 deg, everything).

    Returns
    -------
    (n,) array of bool

    Raises
    ------
    RegionError
        If the centre is not a position, or the radius not within 0 to 648000 arcsec.

    Notes
    -----
    Compares the haversine of the separation, which keeps its digits at small angles, and beyond
    90 degrees that of the separation from the antipode.

    Examples
    --------
    >>> in_cone([0.0001, 359.9999, 0.0], [0.0, 0.0, 0.001], 0.0, 0.0, 0.5).tolist()
    [True, True, False]
    """
    _check_cone(center_ra, center_dec, radius_arcsec)
    alpha, delta = _positions(ra, dec)
    radius = radius_arcsec + _BORDER_ARCSEC
    # The difference in declination is never more than the separation, and costs no sines.
    inside = np.abs(delta - center_dec) <= radius / 3600
    near = np.flatnonzero(inside)
    half_east = np.radians(alpha[near] - center_ra % FULL_CIRCLE) / 2
    cosines = np.cos(np.radians(delta[near])) * math.cos(math.radians(center_dec))
    if radius_arcsec <= _HALF_CIRCLE_ARCSEC / 2:
        half_north = np.radians(delta[near] - center_dec) / 2
        haversine = np.sin(half_north) ** 2 + cosines * np.sin(half_east) ** 2
        inside[near] = haversine <= np.sin(radius / ARCSEC_PER_RADIAN / 2) ** 2
    else:
        half_north = np.radians(delta[near] + center_dec) / 2
        haversine = np.sin(half_north) ** 2 + cosines * np.cos(half_east) ** 2
        beyond = max(_HALF_CIRCLE_ARCSEC - radius, 0.0)
        inside[near] = haversine >= np.sin(beyond / ARCSEC_PER_RADIAN / 2) ** 2
    return inside


def in_polygon(ra: ArrayLike, dec: ArrayLike, vertices: ArrayLike) -> Mask:
    """Tell which objects are inside a polygon whose edges are arcs of great circles.

    Parameters
    ----------
    ra, dec : (n,) array_like of float, deg
    vertices : (n_vertices, 2) array_like of float, deg
        RA and Dec of the corners in either sense of rotation; the last may repeat the first. The
        polygon need not be convex; it may touch itself, but not cross itself. It may lie across
        RA 0 or around a pole. Its inside is the part that fits into a circle with it.

    Returns
    -------
    (n,) array of bool

    Raises
    ------
    RegionError
        If the vertices are not positions or fewer than three, lie all on one great circle, do not
        fit into a circle of 89 degrees radius, or if edges cross.

    Notes
    -----
    The gnomonic projection about the polygon's centre makes great circles straight lines; the
    winding number of the corners is then counted in the plane.

    Examples
    --------
    >>> around_the_pole = [(0, 89), (120, 89), (240, 89)]
    >>> in_polygon([10.0, 60.0, 60.0, 0.0], [90.0, 89.4, 89.6, 89.0], around_the_pole).tolist()
    [True, False, True, True]
    """
    return _in_flat_polygon(*_positions(ra, dec), _flat_polygon(vertices))


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
        self.ra, self.dec = _positions(ra, dec)
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
        near = self._near(*_ra_arc(ra_range), *_dec_limits(dec_range))
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
        polygon = _flat_polygon(vertices)
        near = self._near_cone(*polygon.cone)
        return near[_in_flat_polygon(self.ra[near], self.dec[near], polygon)]

    def _near_cone(self, ra: float, dec: float, radius_arcsec: float) -> Indices:
        """Objects of all runs that a cone may touch, by the box around the cone."""
        _check_cone(ra, dec, radius_arcsec)
        radius = radius_arcsec / 3600
        half_width = FULL_CIRCLE / 2
        if abs(dec) + radius < _POLE - _INDEX_MARGIN:
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
            has_pole = (self._north[run] == _POLE) | (self._south[run] == -_POLE)
            run = run[start_in_run | (run_starts_in <= width + 2 * _INDEX_MARGIN) | has_pole]
        objects = (run[:, np.newaxis] * _RUN + np.arange(_RUN)).ravel()
        return objects[objects < len(self)]


def _positions(ra: ArrayLike, dec: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    alpha, delta = np.asarray(ra, dtype=np.float64), np.asarray(dec, dtype=np.float64)
    if alpha.ndim != 1 or alpha.shape != delta.shape:
        raise RegionError(
            f"ra has shape {alpha.shape} and dec {delta.shape}: give two lists of the same length"
        )
    return alpha, delta


def _ra_arc(ra_range: tuple[float, float]) -> tuple[float, float]:
    """Start and width (deg) of a range of RA."""
    start, stop = ra_range
    if not (math.isfinite(start) and math.isfinite(stop)):
        raise RegionError(f"RA from {start} to {stop}: give two finite numbers, in degrees")
    return start, (stop - start if stop >= start else (stop - start) % FULL_CIRCLE)


def _dec_limits(dec_range: tuple[float, float]) -> tuple[float, float]:
    low, high = dec_range
    if not -_POLE <= low <= high <= _POLE:
        raise RegionError(
            f"Dec from {low} to {high}: give the lower limit, then the upper one, both within "
            f"-90 and 90 degrees"
        )
    return low, high


def _check_cone(center_ra: float, center_dec: float, radius_arcsec: float) -> None:
    if not (math.isfinite(center_ra) and -_POLE <= center_dec <= _POLE):
        raise RegionError(
            f"centre of the cone at RA {center_ra}, Dec {center_dec}: this is no position in "
            f"degrees"
        )
    if not 0.0 <= radius_arcsec <= _HALF_CIRCLE_ARCSEC:
        raise RegionError(
            f"radius of the cone {radius_arcsec}: give arcseconds, 0 to 648000 (180 degrees)"
        )


class _FlatPolygon(NamedTuple):
    """A polygon in the plane that touches the sphere at its centre."""

    #: Columns: east, north and centre, as unit vectors.
    axes: Vectors
    #: Shape (n_vertices, 2): east and north in the plane, no two consecutive ones the same.
    corners: NDArray[np.float64]
    #: RA and Dec (deg) of the centre, and radius (arcsec): a cone around the polygon.
    cone: tuple[float, float, float]


def _flat_polygon(vertices: ArrayLike) -> _FlatPolygon:
    """Check a polygon and project it."""
    sky = np.asarray(vertices, dtype=np.float64)
    if sky.ndim != 2 or sky.shape[1] != 2:  # noqa: PLR2004 (RA and Dec)
        raise RegionError(
            f"vertices of the polygon have shape {sky.shape}: give one pair of RA and Dec each"
        )
    no_position = ~(np.isfinite(sky[:, 0]) & (np.abs(sky[:, 1]) <= _POLE))
    if no_position.any():
        number = int(np.argmax(no_position))
        raise RegionError(f"vertex {number} of the polygon, {sky[number].tolist()}: no position")
    vectors = unit_vectors(sky[:, 0] % FULL_CIRCLE, sky[:, 1])
    step = np.linalg.norm(vectors - np.roll(vectors, 1, axis=0), axis=1)
    vectors = vectors[step > _POLYGON_BORDER]
    if len(vectors) < _MIN_CORNERS:
        raise RegionError("the polygon has fewer than 3 different vertices")
    center = _center_of_circle_around(vectors)
    axes = np.column_stack([*tangent_basis(center), center])
    x, y, z = (vectors @ axes).T
    corners = np.column_stack([x / z, y / z])
    _check_simple(corners)
    center_ra, center_dec = (angle.item() for angle in sky_coordinates(center))
    radius = vector_separation_arcsec(center, vectors).max() + 2 * _POLYGON_BORDER_ARCSEC
    return _FlatPolygon(axes, corners, (center_ra, center_dec, float(radius)))


def _center_of_circle_around(vectors: Vectors) -> Vectors:
    """Find the centre of a circle (less than 89 deg in radius) around unit vectors.

    For a wide polygon it is that of the smallest circle: the shortest vector `c` with
    ``vectors @ c >= 1``, by Lawson & Hanson (1974, Solving Least Squares Problems, ch. 23, LDP).
    """
    center = mean_direction(vectors)
    if center is not None and (vectors @ center).min() > np.cos(np.radians(_WIDE_POLYGON)):
        return center
    system = np.vstack([vectors.T, np.ones(len(vectors))])
    target = np.array([0.0, 0.0, 0.0, 1.0])
    residual = system @ scipy.optimize.nnls(system, target)[0] - target
    center = residual[:3]
    length = np.linalg.norm(center)
    if not (vectors @ center).min() > np.cos(np.radians(_WIDEST_POLYGON)) * length:
        raise RegionError(
            f"the polygon does not fit into a circle of {_WIDEST_POLYGON:g} degrees radius: which "
            f"side of it is inside would be a guess; split it"
        )
    return np.asarray(center / length)


def _check_simple(corners: NDArray[np.float64]) -> None:
    """Raise an error where edges cross, or enclose nothing."""
    starts, ends = corners, np.roll(corners, -1, axis=0)
    for i in range(len(corners) - 1):
        here, there = (starts[i], ends[i]), (starts[i + 1 :], ends[i + 1 :])
        parted = _are_parted(*there, *here) & _are_parted(*here, *there)
        if parted.any():
            other = i + 1 + int(np.argmax(parted))
            raise RegionError(
                f"the polygon crosses itself: the edge after its vertex {i} and the one after "
                f"vertex {other} (counted from 0, without repeated ones). Give the vertices in "
                f"order along the border"
            )
    if np.linalg.svd(corners - corners.mean(axis=0), compute_uv=False)[1] <= _POLYGON_BORDER:
        raise RegionError("the polygon encloses nothing: its vertices lie on one great circle")


def _are_parted(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
) -> Mask:
    """Tell whether two points are on different sides of a line, beyond rounding."""
    border = _POLYGON_BORDER * np.linalg.norm(end - start, axis=-1)
    left, also_left = (_cross(end - start, point - start) for point in (first, second))
    parted = (np.minimum(left, also_left) < -border) & (np.maximum(left, also_left) > border)
    return np.asarray(parted)


def _in_flat_polygon(
    ra: NDArray[np.float64], dec: NDArray[np.float64], polygon: _FlatPolygon
) -> Mask:
    inside = in_cone(ra, dec, *polygon.cone)
    near = np.flatnonzero(inside)
    x, y, z = (unit_vectors(ra[near], dec[near]) @ polygon.axes).T
    points = np.column_stack([x / z, y / z])
    # The projection stretches towards the rim, at most by this.
    border = _POLYGON_BORDER * (1 + np.sum(points**2, axis=1))
    winding = np.zeros(len(points), dtype=np.intp)
    on_border = np.zeros(len(points), dtype=np.bool_)
    for start, end in zip(polygon.corners, np.roll(polygon.corners, -1, axis=0), strict=True):
        length = np.linalg.norm(end - start)
        along_edge = (end - start) / length
        offset = points - start
        left = _cross(along_edge, offset)
        along = offset @ along_edge
        on_border |= (np.abs(left) <= border) & (along >= -border) & (along <= length + border)
        start_below, end_below = start[1] <= points[:, 1], end[1] <= points[:, 1]
        winding += start_below & ~end_below & (left > 0.0)
        winding -= ~start_below & end_below & (left < 0.0)
    inside[near] = (winding != 0) | on_border
    return inside


def _cross(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cross product in the plane: positive where `second` is to the left of `first`."""
    return np.asarray(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])
