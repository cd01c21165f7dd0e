r"""Fluxes and magnitudes, with their errors, zero points and systems.

.. math:: m = m_0 - 2.5 \log_{10} f, \qquad
          \sigma_m = \frac{2.5}{\ln 10} \frac{\sigma_f}{f}

A flux that is not positive has no magnitude. The zero point :math:`m_0` is the magnitude of the
unit flux: 31.4 for AB magnitudes and nJy, 8.9 for Jy (Oke & Gunn 1983,
`doi:10.1086/160817 <https://doi.org/10.1086/160817>`_).
"""

from __future__ import annotations

from typing import Literal

import astropy.units as u
import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.errors import LightcurveError

System = Literal["AB", "Vega", "instrumental"]
Array = NDArray[np.float64]

#: 2.5 / ln 10: magnitudes per natural logarithm, and so the error in mag of a relative error 1.
LOG_TO_MAG = 2.5 / np.log(10)

_AB_ZERO_FLUX = 10 ** (-0.4 * 48.6) * u.erg / u.s / u.cm**2 / u.Hz


def magnitude_zero_point(
    unit: str | u.UnitBase = "",
    system: System = "AB",
    *,
    zero_flux: u.Quantity | None = None,
    zero_point: float = 0.0,
) -> float:
    """Magnitude of the unit flux.

    Parameters
    ----------
    unit : str or Unit
        Of the fluxes.
    system : {'AB', 'Vega', 'instrumental'}
        ``AB`` needs a flux density per frequency; ``Vega`` needs `zero_flux`; ``instrumental``
        takes `zero_point` as it is, whatever the unit.
    zero_flux : Quantity, optional
        Flux of a star of magnitude 0 in this band.
    zero_point : float
        For ``instrumental`` magnitudes.

    Raises
    ------
    LightcurveError
        If the unit does not belong to the system, or `zero_flux` is missing or not positive.

    Examples
    --------
    >>> round(magnitude_zero_point("nJy"), 3)
    31.4
    >>> round(magnitude_zero_point("mJy", "Vega", zero_flux=3631 * u.Jy), 3)
    16.4
    >>> magnitude_zero_point("adu", "instrumental", zero_point=25.0)
    25.0
    """
    if system == "instrumental":
        return float(zero_point)
    if system == "AB":
        zero_flux = _AB_ZERO_FLUX
    elif zero_flux is None or not zero_flux.value > 0:
        raise LightcurveError("Vega magnitudes need the flux of magnitude 0 in this band, above 0")
    try:
        return float(2.5 * np.log10(zero_flux.to_value(u.Unit(unit))))
    except (u.UnitConversionError, ValueError) as error:
        raise LightcurveError(
            f"fluxes in {str(unit) or 'no unit'!r} have no {system} magnitudes: {error}"
        ) from error


def magnitudes_from_fluxes(
    flux: ArrayLike, flux_err: ArrayLike, zero_point: float = 0.0
) -> tuple[Array, Array]:
    """Turn fluxes into magnitudes; NaN where a flux is not positive or not known.

    Parameters
    ----------
    flux, flux_err : array_like
        In the same unit.
    zero_point : float
        Magnitude of the unit flux, see :func:`magnitude_zero_point`.

    Returns
    -------
    magnitude, magnitude_err : arrays of float, mag

    Examples
    --------
    >>> magnitudes_from_fluxes([100.0, -1.0], [1.0, 1.0], 25.0)
    (array([20., nan]), array([0.01085736,        nan]))
    """
    flux, flux_err = np.asarray(flux, dtype=float), np.asarray(flux_err, dtype=float)
    positive = np.where(flux > 0, flux, np.nan)
    error = np.where(flux_err >= 0, flux_err, np.nan)
    return zero_point - LOG_TO_MAG * np.log(positive), LOG_TO_MAG * error / positive


def fluxes_from_magnitudes(
    magnitude: ArrayLike, magnitude_err: ArrayLike, zero_point: float = 0.0
) -> tuple[Array, Array]:
    """Turn magnitudes into fluxes, the way back of :func:`magnitudes_from_fluxes`.

    Examples
    --------
    >>> fluxes_from_magnitudes([20.0, np.nan], [0.01, 0.01], 25.0)
    (array([100.,  nan]), array([0.92103404,        nan]))
    """
    flux = np.exp((zero_point - np.asarray(magnitude, dtype=float)) / LOG_TO_MAG)
    error = np.asarray(magnitude_err, dtype=float)
    return flux, flux * np.where(error >= 0, error, np.nan) / LOG_TO_MAG
