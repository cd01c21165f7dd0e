"""Barycentric times of observation, BJD_TDB, without network and without tables to download.

The definition is that of Eastman, Siverd & Gaudi (2010, PASP 122, 935,
doi:10.1086/655938): the moment at which the wave front that was observed passes the barycentre of
the solar system, as a Julian date in Barycentric Dynamical Time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import astropy.units as u
import numpy as np
from astropy.constants import c as speed_of_light
from astropy.coordinates import get_body_barycentric
from astropy.time import Time
from astropy.utils.iers import IERS_B
from numpy.typing import NDArray

from lc_pipeline.sky.geometry import unit_vectors

#: The body whose barycentric position stands for the clock's, per IVOA reference position.
_CLOCK_BODY = {"TOPOCENTER": "earth", "GEOCENTER": "earth", "HELIOCENTER": "sun"}


@overload
def barycentric_julian_date(
    mjd: float, scale: str, refposition: str, ra: float, dec: float
) -> float: ...
@overload
def barycentric_julian_date(
    mjd: Sequence[float] | NDArray[np.float64], scale: str, refposition: str, ra: float, dec: float
) -> NDArray[np.float64]: ...
def barycentric_julian_date(
    mjd: float | Sequence[float] | NDArray[np.float64],
    scale: str,
    refposition: str,
    ra: float,
    dec: float,
) -> float | NDArray[np.float64]:
    """Turn times of observation into BJD_TDB for one direction on the sky.

    Parameters
    ----------
    mjd : float or array_like of float
        Modified Julian dates, any shape; NaN stays NaN.
    scale : str
        Their time scale: ``utc``, ``tai``, ``tt``, ``tdb``, ``tcb``, ``tcg`` or ``ut1``.
    refposition : str
        Where the clock stands. ``TOPOCENTER`` and ``GEOCENTER``: the earth's centre stands for
        both, and is good to the light time of one earth radius, 21 ms. ``HELIOCENTER``: times
        referred to the sun's centre. ``BARYCENTER``: only the scale changes. ``UNKNOWN``: NaN.
    ra, dec : float, deg
        Direction, ICRS. Over a field of 10 arcmin radius the light times differ by up to 3 s, over
        1 degree by 17 s: wide fields need one call per object.

    Returns
    -------
    float or array of float, day
        BJD_TDB as a Julian date: float64 resolves it to 40 microseconds.

    Raises
    ------
    ValueError
        If `refposition` or `scale` is not one of those above.

    Notes
    -----
    The ephemeris is the analytical one built into astropy (ERFA ``epv00``), good to some 10 km or
    0.05 ms. Leap seconds come with astropy. ``ut1`` uses the IERS B table that comes with astropy;
    a time outside of it gives NaN.

    Examples
    --------
    Light from a star near the ecliptic arrives up to 8.3 minutes early or late:

    >>> bjd = barycentric_julian_date([57000.0, 57182.5], "tdb", "GEOCENTER", 80.0, 23.0)
    >>> ((bjd - 2400000.5 - [57000.0, 57182.5]) * 86400).round().astype(int).tolist()
    [490, -506]
    """
    refposition, scale = refposition.upper(), scale.lower()
    dates = np.asarray(mjd, dtype=np.float64)
    if refposition == "UNKNOWN":
        bjd = np.full(dates.shape, np.nan)
        return bjd if bjd.ndim else float(bjd)
    if refposition != "BARYCENTER" and refposition not in _CLOCK_BODY:
        raise ValueError(
            f"refposition {refposition!r}: expected TOPOCENTER, GEOCENTER, HELIOCENTER, "
            f"BARYCENTER or UNKNOWN"
        )
    bjd = np.full(dates.shape, np.nan)
    known = np.isfinite(dates)
    time = Time(dates[known], format="mjd", scale=scale)
    if scale == "ut1":
        time, covered = _with_earth_rotation(time)
        known[known] = covered
    if known.any():
        time = time.tdb
        light_time = _clock(time, refposition) @ unit_vectors(ra, dec)
        bjd[known] = time.jd1 + (time.jd2 + light_time)
    return bjd if bjd.ndim else float(bjd)


def clock_positions(
    mjd: Sequence[float] | NDArray[np.float64], scale: str, refposition: str
) -> NDArray[np.float64]:
    """Where the clock is, seen from the barycentre of the solar system.

    The light of a star at the unit vector ``n`` passes the barycentre ``positions @ n`` days after
    it passed the clock.

    Parameters
    ----------
    mjd : (n,) array_like of float
        Modified Julian dates; NaN gives NaN.
    scale, refposition : str
        As of :func:`barycentric_julian_date`; not ``UNKNOWN``.

    Returns
    -------
    (n, 3) array of float, light days
        ICRS axes.
    """
    dates = np.asarray(mjd, dtype=np.float64)
    positions = np.full((*dates.shape, 3), np.nan)
    known = np.isfinite(dates)
    # That UT1 is up to 0.9 s from UTC moves the earth by 0.1 ms of light.
    time = Time(dates[known], format="mjd", scale="utc" if scale == "ut1" else scale)
    positions[known] = _clock(time.tdb, refposition)
    return positions


def _clock(time: Time, refposition: str) -> NDArray[np.float64]:
    if refposition not in _CLOCK_BODY:
        return np.zeros((*time.shape, 3))
    body = get_body_barycentric(_CLOCK_BODY[refposition], time, ephemeris="builtin")
    path = np.moveaxis(body.xyz / speed_of_light, 0, -1)
    return np.asarray(path.to_value(u.day))


def _with_earth_rotation(time: Time) -> tuple[Time, NDArray[np.bool_]]:
    """Give UT1 times their UT1-UTC from the table at hand; drop those that it does not cover."""
    table = IERS_B.open()
    limits = table["MJD"][[0, -1]].to_value(u.day)
    covered = np.asarray((time.mjd >= limits[0]) & (time.mjd <= limits[1]))
    time = time[covered]
    # The table is tabulated in UTC: taking UT1 for it is wrong by less than a millisecond's drift.
    time.delta_ut1_utc = table.ut1_utc(time.jd1, time.jd2).to_value(u.s)
    return time, covered
