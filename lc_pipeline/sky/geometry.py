"""Spherical geometry on unit vectors, where RA 0/360 and the poles are places like any other.

Angles come in as degrees (ICRS right ascension and declination) and separations go out as
arcseconds. In between, everything is a unit vector: ``x`` towards RA 0, Dec 0; ``y`` towards RA 90,
Dec 0; ``z`` towards the north pole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

ARCSEC_PER_RADIAN = 3600 * 180 / np.pi
FULL_CIRCLE = 360.0

#: Closer to the axis than this (2e-7 arcsec), a vector has no right ascension of its own.
_ON_THE_AXIS = 1e-12

Vectors = NDArray[np.float64]


def unit_vectors(ra: ArrayLike, dec: ArrayLike) -> Vectors:
    """Turn positions into unit vectors.

    Parameters
    ----------
    ra, dec : array_like of float, deg
        Any shape (``(n,)`` mostly); they are broadcast against each other.

    Returns
    -------
    (n, 3) array of float
        One unit vector per position, along the last axis.

    Examples
    --------
    >>> unit_vectors([0, 90], [0, 0]).round(6) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    alpha, delta = np.broadcast_arrays(
        np.radians(np.asarray(ra, dtype=np.float64)),
        np.radians(np.asarray(dec, dtype=np.float64)),
    )
    cos_delta = np.cos(delta)
    return np.stack([cos_delta * np.cos(alpha), cos_delta * np.sin(alpha), np.sin(delta)], axis=-1)


def sky_coordinates(vectors: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn vectors into positions; their length does not matter.

    Parameters
    ----------
    vectors : (n, 3) array_like of float

    Returns
    -------
    ra, dec : (n,) arrays of float, deg
        ``0 <= ra < 360``.

    Examples
    --------
    >>> ra, dec = sky_coordinates([[0.0, -1.0, 0.0], [1.0, 0.0, 1.0]])
    >>> ra.tolist(), dec.tolist()
    ([270.0, 0.0], [0.0, 45.0])
    """
    x, y, z = np.moveaxis(np.asarray(vectors, dtype=np.float64), -1, 0)
    ra = np.degrees(np.arctan2(y, x)) % FULL_CIRCLE
    # A tiny negative angle becomes 360.0 exactly under the modulus.
    ra = np.where(ra >= FULL_CIRCLE, 0.0, ra)
    dec = np.degrees(np.arctan2(z, np.hypot(x, y)))
    return ra, dec


def vector_separation_arcsec(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Angle between unit vectors.

    Written as ``2 atan2(|a - b|, |a + b|)``, which keeps its digits at every angle; the arc cosine
    of a dot product has lost them all at 0.01 arcsec, the arc sine of the chord at 180 degrees.

    Parameters
    ----------
    first, second : (n, 3) array_like of float
        Unit vectors; they are broadcast against each other.

    Returns
    -------
    (n,) array of float, arcsec

    Examples
    --------
    >>> vector_separation_arcsec([1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]).item() / 3600
    180.0
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    chord = np.linalg.norm(a - b, axis=-1)
    co_chord = np.linalg.norm(a + b, axis=-1)
    return np.asarray(2 * np.arctan2(chord, co_chord) * ARCSEC_PER_RADIAN)


def separation_arcsec(
    ra1: ArrayLike, dec1: ArrayLike, ra2: ArrayLike, dec2: ArrayLike
) -> NDArray[np.float64]:
    """Great-circle separation of positions, good to about 1e-10 arcsec at every angle.

    Parameters
    ----------
    ra1, dec1, ra2, dec2 : array_like of float, deg
        They are broadcast against each other.

    Returns
    -------
    array of float, arcsec

    Examples
    --------
    >>> separation_arcsec(359.9999, 0.0, 0.0001, 0.0).round(9).item()
    0.72
    """
    return vector_separation_arcsec(unit_vectors(ra1, dec1), unit_vectors(ra2, dec2))


def chord_length(radius_arcsec: ArrayLike) -> NDArray[np.float64]:
    """Straight-line distance of two unit vectors that are `radius_arcsec` apart.

    Parameters
    ----------
    radius_arcsec : array_like of float, arcsec
        0 to 648000 (180 deg).

    Returns
    -------
    array of float
        0 to 2.

    Examples
    --------
    >>> chord_length(60 * 3600).round(12).item()
    1.0
    """
    return np.asarray(
        2 * np.sin(np.asarray(radius_arcsec, dtype=np.float64) / ARCSEC_PER_RADIAN / 2)
    )


def chord_arcsec(chord: ArrayLike) -> NDArray[np.float64]:
    """Separation of two unit vectors that are a straight line of length `chord` apart.

    The inverse of :func:`chord_length`. Meant for small angles: near 180 degrees (`chord` = 2) use
    :func:`vector_separation_arcsec`.

    Examples
    --------
    >>> chord_arcsec(chord_length([0.001, 1.0])).round(12).tolist()
    [0.001, 1.0]
    """
    half = np.clip(np.asarray(chord, dtype=np.float64) / 2, 0.0, 1.0)
    return np.asarray(2 * np.arcsin(half) * ARCSEC_PER_RADIAN)


def tangent_basis(vectors: ArrayLike) -> tuple[Vectors, Vectors]:
    """Find east and north in the plane that touches the sphere at a point.

    On the pole itself, where every direction is south (or north), the basis is that of RA 0.

    Parameters
    ----------
    vectors : (n, 3) array_like of float
        Unit vectors, or one of shape ``(3,)``.

    Returns
    -------
    east, north : (n, 3) arrays of float

    Examples
    --------
    >>> east, north = tangent_basis([1.0, 0.0, 0.0])
    >>> (east + 0.0).tolist(), (north + 0.0).tolist()
    ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    """
    points = np.asarray(vectors, dtype=np.float64)
    x, y = points[..., 0], points[..., 1]
    distance_from_axis = np.hypot(x, y)
    polar = distance_from_axis < _ON_THE_AXIS
    scale = np.where(polar, 1.0, distance_from_axis)
    cos_ra, sin_ra = np.where(polar, 1.0, x / scale), np.where(polar, 0.0, y / scale)
    east = np.stack([-sin_ra, cos_ra, np.zeros_like(cos_ra)], axis=-1)
    return east, np.cross(points, east)


def mean_direction(vectors: ArrayLike) -> Vectors | None:
    """Mean of unit vectors as a unit vector, or None where there is none.

    There is none for no vectors, and for vectors that balance each other: positions from all over
    the sky have no centre.

    Parameters
    ----------
    vectors : (n, 3) array_like of float

    Returns
    -------
    (3,) array of float, or None

    Examples
    --------
    >>> mean_direction(unit_vectors([80, 100], [0, 0])).round(6).tolist()
    [0.0, 1.0, 0.0]
    >>> mean_direction(unit_vectors([0, 180], [0, 0])) is None
    True
    """
    points = np.asarray(vectors, dtype=np.float64)
    if not len(points):
        return None
    mean = points.mean(axis=0)
    length = np.linalg.norm(mean)
    too_short = 1e-3
    return None if length < too_short else mean / length


def shift_field(vectors: ArrayLike, center: ArrayLike, east: float, north: float) -> Vectors:
    """Move a whole field rigidly, so that its centre moves by `east` and `north`.

    The shift is a rotation of the sphere: it means the same on both sides of RA 0 and on the poles,
    and no separation within the field changes.

    Parameters
    ----------
    vectors : (n, 3) array_like of float
        Unit vectors of the field.
    center : (3,) array_like of float
        Unit vector of the point that moves by exactly `east` and `north`.
    east, north : float, arcsec
        Direction and length of the shift, in the tangent plane of `center`.

    Returns
    -------
    (n, 3) array of float

    Examples
    --------
    >>> moved = shift_field(unit_vectors([10.0], [60.0]), unit_vectors(10.0, 60.0), 1.0, 0.0)
    >>> ra, dec = sky_coordinates(moved)
    >>> ((ra - 10.0) * 3600).round(6).tolist()  # 1 arcsec is 2 arcsec of RA at Dec 60
    [2.0]
    """
    points = np.asarray(vectors, dtype=np.float64)
    middle = np.asarray(center, dtype=np.float64)
    angle = np.hypot(east, north) / ARCSEC_PER_RADIAN
    if angle == 0.0:
        return points.copy()
    east_axis, north_axis = tangent_basis(middle)
    direction = (east * east_axis + north * north_axis) / np.hypot(east, north)
    axis = np.cross(middle, direction)
    # Rodrigues' formula, with 1 - cos(angle) in the form that keeps its digits.
    along = points @ axis
    return np.asarray(
        points
        + np.sin(angle) * np.cross(axis, points)
        + 2 * np.sin(angle / 2) ** 2 * (along[..., np.newaxis] * axis - points)
    )
