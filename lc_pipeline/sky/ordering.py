"""An order of positions in which neighbours on the sky are neighbours in the list."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy_healpix import lonlat_to_healpix
from numpy.typing import ArrayLike, NDArray

#: The finest HEALPix order that 64 bits hold: pixels of 0.4 milliarcseconds.
HEALPIX_ORDER = 29


def healpix_pixel(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.int64]:
    """Find the nested HEALPix pixel of order 29 that holds each position.

    Parameters
    ----------
    ra, dec : (n,) array_like of float, deg

    Returns
    -------
    (n,) array of int

    Examples
    --------
    >>> healpix_pixel([45.0, 45.0], [85.0, -85.0]) // 4**29  # base pixels, north and south
    array([0, 8])
    """
    longitude = np.asarray(ra, dtype=np.float64) % 360.0
    latitude = np.asarray(dec, dtype=np.float64)
    pixel = lonlat_to_healpix(
        u.Quantity(longitude, u.deg), u.Quantity(latitude, u.deg), 2**HEALPIX_ORDER, order="nested"
    )
    return np.asarray(pixel, dtype=np.int64)


def healpix_order(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.intp]:
    """Sort positions along the nested HEALPix curve.

    A cone then touches a few runs of consecutive objects, also across RA 0 and over the poles,
    where an order by RA or by Dec would scatter it. Positions in the same pixel (0.4 mas) are
    ordered by RA, then Dec, then as they were given.

    Parameters
    ----------
    ra, dec : (n,) array_like of float, deg

    Returns
    -------
    (n,) array of int
        Indices that sort the positions (as of ``argsort``).

    Examples
    --------
    >>> healpix_order([10.0, 200.0, 10.001, 200.001], [20.0, -50.0, 20.0, -50.0]).tolist()
    [2, 0, 3, 1]
    """
    return np.lexsort(
        (
            np.asarray(dec, dtype=np.float64),
            np.asarray(ra, dtype=np.float64),
            healpix_pixel(ra, dec),
        )
    )
