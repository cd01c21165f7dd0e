"""How much brighter or fainter a whole epoch is than another: a first look at its zero point."""

from __future__ import annotations

import numpy as np
import xarray as xr

from lc_pipeline.analysis.summary import sorted_median
from lc_pipeline.flags import BAD


def epoch_shifts(epoch: xr.Dataset, other: xr.Dataset) -> dict[str, float]:
    """Median over the objects of their magnitudes in `epoch` minus those in `other`.

    Fluxes are compared as -2.5 log10 of their ratio, where both are positive. It is a preview:
    colours, and objects that vary, are not taken into account.

    Parameters
    ----------
    epoch, other : xarray.Dataset
        ``LightcurveStorage.dataset`` at one epoch each.

    Returns
    -------
    dict of str to float
        Magnitudes by measurement; measurements without a common good object are left out.
    """
    one, two = (
        np.where((each.flags.values & BAD) == 0, each.lightcurves.isel(value=0).values, np.nan)
        for each in (epoch, other)
    )
    is_flux = epoch.quantity.values == "flux"
    is_log = is_flux[np.newaxis] & (one > 0) & (two > 0)
    shift = np.where(is_flux[np.newaxis], np.nan, one - two)
    shift[is_log] = -2.5 * np.log10(one[is_log] / two[is_log])
    median = sorted_median(shift.T)
    return {
        str(key): float(value)
        for key, value in zip(epoch.measurement.values, median, strict=True)
        if np.isfinite(value)
    }
