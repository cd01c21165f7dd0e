"""One object's light curve as an astropy ``TimeSeries``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import astropy.units as u
import numpy as np
import xarray as xr
from astropy.table import MaskedColumn
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from numpy.typing import NDArray

from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.photometry.limits import LIMIT, detection_limits

_UNOBSERVED = MeasurementFlag.NOT_OBSERVED | MeasurementFlag.NOT_INGESTED
_LIMIT_MEANING = (
    "upper limit where nothing was measured: that of the object's row in the catalogue, or of the "
    "epoch (flag not_detected), the median of what its rows state"
)


def object_timeseries(
    one: xr.Dataset, measurement_keys: Sequence[str] | None = None, *, with_unobserved: bool = False
) -> TimeSeries:
    """Turn one object of a dataset into a table, one row per measurement and epoch.

    Parameters
    ----------
    one : xarray.Dataset
        :attr:`LightcurveStorage.dataset` at one object.
    measurement_keys : sequence of str, optional
        By default all.
    with_unobserved : bool
        Keep the rows in which nothing was observed.

    Returns
    -------
    TimeSeries
        See :meth:`LightcurveStorage.to_timeseries`.
    """
    if measurement_keys is not None:
        one = one.sel(measurement=list(measurement_keys))
    one = one.load()
    flags = one["flags"].transpose("epoch", "measurement").values
    kept = np.ones_like(flags, dtype=bool) if with_unobserved else (flags & _UNOBSERVED) == 0

    def per_epoch(values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.broadcast_to(values[:, np.newaxis], kept.shape)[kept])

    offset = np.zeros(flags.shape)
    if "time_offset" in one:
        offset = np.nan_to_num(one["time_offset"].transpose("epoch", "measurement").values)
    time = one["time"]
    rows = TimeSeries(
        time=Time(per_epoch(time.values), offset[kept], format="mjd", scale=time.attrs["scale"]),
    )
    rows["epoch"] = per_epoch(one["epoch"].values).astype(str)
    keys = np.broadcast_to(one["measurement"].values.astype(str), flags.shape)
    rows["measurement"] = keys[kept]
    units = set(one["unit"].values.tolist())
    unit = u.Unit(units.pop(), parse_strict="silent") if len(units) == 1 else None
    if isinstance(unit, u.UnrecognizedUnit):
        unit = None  # no number can have it: it stands in a column of its own
    for number, name in enumerate(one["value"].values.tolist()):
        is_limit = name == LIMIT
        values = detection_limits(one) if is_limit else one["lightcurves"].isel(value=number)
        values = values.transpose("epoch", "measurement").values[kept]
        rows[name] = _masked(values, unit if number < 2 or is_limit else None)  # noqa: PLR2004
        if is_limit:
            rows[name].info.description = _LIMIT_MEANING
    if unit is None:
        rows["unit"] = np.broadcast_to(one["unit"].values.astype(str), flags.shape)[kept]
    rows["separation"] = _masked(per_epoch(one["separation"].values), u.arcsec)
    rows["flags"] = flags[kept]
    if "catalog_flags" in one:
        rows["catalog_flags"] = one["catalog_flags"].transpose("epoch", "measurement").values[kept]
    rows.sort("time")
    rows.meta = {
        "object": str(one["object"].item()),
        "ra": float(one["ra"]),
        "dec": float(one["dec"]),
        "radesys": "ICRS",
        "survey": one.attrs["survey"],
        "time_refposition": time.attrs.get("refposition", "UNKNOWN"),
        "flag_meanings": {int(member): (member.name or "").lower() for member in MeasurementFlag},
    }
    return rows


def _masked(values: NDArray[Any], unit: u.UnitBase | None) -> Any:
    """NaN as masked, with the unit if there is one."""
    missing = np.isnan(values)
    if unit is None or unit == u.dimensionless_unscaled:
        return MaskedColumn(values, mask=missing)
    return Masked(values, mask=missing) * unit
