"""Upper limits of what was not detected, where the survey states them.

The store keeps what a catalogue states (``measurements.limit`` of ``survey.toml``) beside the
value and its error, under the name :data:`LIMIT`: the limit of the object's own row, or that of
the epoch where the object was in the field and has no row. It is a limit of the object only where
nothing was measured.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lc_pipeline.errors import LightcurveError
from lc_pipeline.flags import MeasurementFlag

#: Name along the value axis.
LIMIT = "limit"

_WITHOUT_VALUE = (
    MeasurementFlag.NOT_DETECTED | MeasurementFlag.BAD_VALUE | MeasurementFlag.NON_POSITIVE_FLUX
)


def upper_limits(
    value: NDArray[np.float32], stated: NDArray[np.float32], flags: NDArray[np.uint16]
) -> NDArray[np.float32]:
    """Take what is stated as a limit where nothing was measured; NaN elsewhere.

    Nothing was measured where there is no value, and a flag says that this is not for want of an
    observation: NOT_DETECTED, BAD_VALUE (``99`` and the like), NON_POSITIVE_FLUX.

    Parameters
    ----------
    value, stated : arrays of float, of one shape
        NaN where missing.
    flags : array of uint16, of the same shape

    Examples
    --------
    >>> seen, unseen = 0, MeasurementFlag.NOT_DETECTED
    >>> upper_limits(np.array([20.0, np.nan]), np.array([21.5, 21.5]), np.array([seen, unseen]))
    array([ nan, 21.5])
    """
    unseen = np.isnan(value) & ((flags & _WITHOUT_VALUE) != 0)
    return np.where(unseen, stated, np.nan).astype(stated.dtype)


def epoch_limit(stated: NDArray[np.float64]) -> float:
    """Limit of an epoch: the median of what its rows state; NaN if none does.

    Examples
    --------
    >>> epoch_limit(np.array([20.5, np.nan, 20.5, 20.1]))
    20.5
    """
    known = stated[np.isfinite(stated)]
    return float(np.median(known)) if len(known) else np.nan


def detection_limits(dataset: xr.Dataset) -> xr.DataArray:
    """Limits of all points without a value.

    Parameters
    ----------
    dataset : xarray.Dataset
        As ``LightcurveStorage.dataset`` or ``.calibrated`` gives it, or part of it.

    Returns
    -------
    xarray.DataArray
        Dims object, measurement, epoch, as far as `dataset` has them; float32, in the unit of the
        value. NaN where there is a value, where it was not observed, and where no limit is stated.
        Of calibrated light curves it is calibrated too.

    Raises
    ------
    LightcurveError
        If the survey states no limits.
    """
    names = dataset["value"].values.tolist()
    if LIMIT not in names:
        raise LightcurveError(
            f"these light curves have no limits; they have {', '.join(names)}. Say what states "
            f"them as limit = 'COLUMN' in [[measurements]] of survey.toml, and make the store anew"
        )
    lightcurves = dataset["lightcurves"]
    value = lightcurves.isel(value=0, drop=True)
    stated = lightcurves.isel(value=names.index(LIMIT), drop=True)
    flags = dataset["flags"].transpose(*value.dims)
    limits = value.copy(data=upper_limits(value.values, stated.values, flags.values))
    limits.name = LIMIT
    limits.attrs = {
        "long_name": "upper limit where nothing was measured",
        "missing": "NaN: measured, not observed, or no limit stated",
    }
    axes = [axis for axis in ("object", "measurement", "epoch") if axis in limits.dims]
    return limits.transpose(*axes)
