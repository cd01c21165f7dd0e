"""Regions of the sky: boxes and cones, right at RA 0 and on the poles.

The functions take positions and return a mask; :mod:`~lc_pipeline.sky.polygons` has one for
polygons. :class:`~lc_pipeline.sky.sky_index.SkyIndex` answers the same questions about objects that
keep their places, without looking at all of them.

Every border belongs to its region, and rounding does not push an object off a border: borders are
1e-9 arcsec wide, those of polygons about 1e-9 deg. A position that is NaN is in no region.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.errors import RegionError
from lc_pipeline.sky.geometry import ARCSEC_PER_RADIAN, FULL_CIRCLE

Mask = NDArray[np.bool_]

POLE = 90.0
_HALF_CIRCLE_ARCSEC = 180 * 3600.0

#: Width of a border. Positions near RA 360 are themselves rounded to 2e-10 arcsec.
_BORDER_ARCSEC = 1e-9


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
    start, width = ra_arc(ra_range)
    low, high = dec_limits(dec_range)
    alpha, delta = positions(ra, dec)
    inside = (delta >= low) & (delta <= high) & ~np.isnan(alpha)
    if width >= FULL_CIRCLE:
        return inside
    near = np.flatnonzero(inside)
    border = _BORDER_ARCSEC / 3600
    east_of_start = (alpha[near] - (start - border)) % FULL_CIRCLE
    inside[near] = (east_of_start <= width + 2 * border) | (np.abs(delta[near]) == POLE)
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
    check_cone(center_ra, center_dec, radius_arcsec)
    alpha, delta = positions(ra, dec)
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


def positions(ra: ArrayLike, dec: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take RA and Dec as arrays of one length."""
    alpha, delta = np.asarray(ra, dtype=np.float64), np.asarray(dec, dtype=np.float64)
    if alpha.ndim != 1 or alpha.shape != delta.shape:
        raise RegionError(
            f"ra has shape {alpha.shape} and dec {delta.shape}: give two lists of the same length"
        )
    return alpha, delta


def ra_arc(ra_range: tuple[float, float]) -> tuple[float, float]:
    """Start and width (deg) of a range of RA."""
    start, stop = ra_range
    if not (math.isfinite(start) and math.isfinite(stop)):
        raise RegionError(f"RA from {start} to {stop}: give two finite numbers, in degrees")
    return start, (stop - start if stop >= start else (stop - start) % FULL_CIRCLE)


def dec_limits(dec_range: tuple[float, float]) -> tuple[float, float]:
    """Lower and upper limit (deg) of a range of Dec."""
    low, high = dec_range
    if not -POLE <= low <= high <= POLE:
        raise RegionError(
            f"Dec from {low} to {high}: give the lower limit, then the upper one, both within "
            f"-90 and 90 degrees"
        )
    return low, high


def check_cone(center_ra: float, center_dec: float, radius_arcsec: float) -> None:
    """Raise RegionError if the centre is no position or the radius no angle."""
    if not (math.isfinite(center_ra) and -POLE <= center_dec <= POLE):
        raise RegionError(
            f"centre of the cone at RA {center_ra}, Dec {center_dec}: this is no position in "
            f"degrees"
        )
    if not 0.0 <= radius_arcsec <= _HALF_CIRCLE_ARCSEC:
        raise RegionError(
            f"radius of the cone {radius_arcsec}: give arcseconds, 0 to 648000 (180 degrees)"
        )
