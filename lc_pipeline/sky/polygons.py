"""Polygons of great circles, projected onto the plane that touches the sphere at their centre."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.errors import RegionError
from lc_pipeline.sky.geometry import (
    FULL_CIRCLE,
    Vectors,
    mean_direction,
    sky_coordinates,
    tangent_basis,
    unit_vectors,
    vector_separation_arcsec,
)
from lc_pipeline.sky.regions import POLE, Mask, in_cone, positions

#: Width of a polygon's border in radians (1e-9 deg).
_POLYGON_BORDER = np.radians(1e-9)
_POLYGON_BORDER_ARCSEC = 1e-9 * 3600

#: Polygons lie within a circle of this radius (deg): at 90 the projection ends.
_WIDEST_POLYGON = 89.0
#: Below this radius (deg) any centre will do; beyond it, the best one is looked for.
_WIDE_POLYGON = 60.0
_MIN_CORNERS = 3


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
    return in_flat_polygon(*positions(ra, dec), flat_polygon(vertices))


class FlatPolygon(NamedTuple):
    """A polygon in the plane that touches the sphere at its centre."""

    #: Columns: east, north and centre, as unit vectors.
    axes: Vectors
    #: Shape (n_vertices, 2): east and north in the plane, no two consecutive ones the same.
    corners: NDArray[np.float64]
    #: RA and Dec (deg) of the centre, and radius (arcsec): a cone around the polygon.
    cone: tuple[float, float, float]


def flat_polygon(vertices: ArrayLike) -> FlatPolygon:
    """Check a polygon and project it."""
    sky = np.asarray(vertices, dtype=np.float64)
    if sky.ndim != 2 or sky.shape[1] != 2:  # noqa: PLR2004 (RA and Dec)
        raise RegionError(
            f"vertices of the polygon have shape {sky.shape}: give one pair of RA and Dec each"
        )
    no_position = ~(np.isfinite(sky[:, 0]) & (np.abs(sky[:, 1]) <= POLE))
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
    return FlatPolygon(axes, corners, (center_ra, center_dec, float(radius)))


def in_flat_polygon(
    ra: NDArray[np.float64], dec: NDArray[np.float64], polygon: FlatPolygon
) -> Mask:
    """Tell which positions (deg) are inside."""
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


def _cross(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cross product in the plane: positive where `second` is to the left of `first`."""
    return np.asarray(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])
