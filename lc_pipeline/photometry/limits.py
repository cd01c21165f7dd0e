"""Upper limits of what was not detected, where the survey states them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lc_pipeline.errors import LightcurveError
from lc_pipeline.flags import MeasurementFlag

_WITHOUT_VALUE = (
    MeasurementFlag.NOT_DETECTED | MeasurementFlag.BAD_VALUE | MeasurementFlag.NON_POSITIVE_FLUX
)


def detection_limits(dataset: xr.Dataset, name: str) -> xr.DataArray:
    """Limits of the points without a value, from an extra value that the survey keeps.

    A point has the limit that its own row states (forced photometry, ``99`` with a limit beside
    it). A point without a row (flag NOT_DETECTED) has the median of the limits that the other rows
    of its epoch state, if there are any in `dataset`: give the whole field, or enough of it.

    Parameters
    ----------
    dataset : xarray.Dataset
        As ``LightcurveStorage.dataset`` or ``.calibrated`` gives it. All of `name` is read.
    name : str
        Of the extra value: the limiting magnitude or flux, in the unit of the value.

    Returns
    -------
    xarray.DataArray
        Dims object, measurement, epoch; float32. NaN where there is a value, where it was not
        observed, and where no limit is stated. Of calibrated light curves it is calibrated too.

    Raises
    ------
    LightcurveError
        If there is no such value.
    """
    names = dataset["value"].values.tolist()
    if name not in names:
        raise LightcurveError(
            f"these light curves have no value {name!r}; they have {', '.join(names)}. "
            f"Keep the limit with extra = {{ {name} = 'COLUMN' }} in [[measurements]]"
        )
    axes = ("object", "measurement", "epoch")
    lightcurves = dataset["lightcurves"]
    stated = lightcurves.isel(value=names.index(name)).transpose(*axes).values
    value = lightcurves.isel(value=0).transpose(*axes).values
    flags = dataset["flags"].transpose(*axes).values
    limit = stated_limits(value, stated, flags)
    if "zero_point" in dataset.coords:
        zero_point = dataset["zero_point"].transpose(*axes[1:]).values
        is_flux = (dataset["quantity"].values == "flux")[:, np.newaxis]
        with np.errstate(invalid="ignore"):
            limit = np.where(is_flux, limit * 10 ** (0.4 * zero_point), limit - zero_point)
    attributes = {
        "long_name": f"upper limit of what was not detected, from {name}",
        "missing": "NaN: detected, not observed, or no limit stated",
    }
    coordinates = {key: dataset.coords[key] for key in axes if key in dataset.coords}
    return xr.DataArray(limit.astype(np.float32), coordinates, axes, "limit", attributes)


def stated_limits(
    value: NDArray[np.float32], stated: NDArray[np.float32], flags: NDArray[np.uint16]
) -> NDArray[np.float32]:
    """Limits of points without a value; arrays of shape (n_objects, n_measurements, n_epochs).

    Examples
    --------
    >>> value, stated = np.array([[[20.0]], [[np.nan]]]), np.array([[[21.5]], [[np.nan]]])
    >>> flags = np.array([[[0]], [[MeasurementFlag.NOT_DETECTED]]], dtype="uint16")
    >>> stated_limits(value, stated, flags).ravel()
    array([ nan, 21.5])
    """
    observed = np.isnan(value) & ((flags & _WITHOUT_VALUE) != 0)
    own = np.where(np.isfinite(stated), stated, np.nan)
    absent = (flags & MeasurementFlag.NOT_DETECTED) != 0
    ordered = np.sort(own, axis=0)
    count = np.isfinite(ordered).sum(axis=0, keepdims=True)
    middle = [np.maximum(count - shift, 0) // 2 for shift in (1, 0)]
    last = max(len(ordered) - 1, 0)
    pair = [np.take_along_axis(ordered, np.minimum(m, last), axis=0) for m in middle]
    typical = np.where(count > 0, np.mean(pair, axis=0), np.nan)
    limit = np.where(np.isfinite(own), own, np.where(absent, typical, np.nan))
    return np.where(observed, limit, np.nan)
