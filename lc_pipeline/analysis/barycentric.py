"""Light curves at the times at which their light passed the barycentre of the solar system.

A clock on earth is up to 8.3 minutes early or late, with the season: enough to smear the light
curve of a star that pulsates in an hour. Definition: Eastman, Siverd & Gaudi (2010, PASP 122, 935,
doi:10.1086/655938).
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from astropy.time import Time
from astropy.timeseries import TimeSeries

from lc_pipeline.sky.barycenter import barycentric_julian_date, clock_positions
from lc_pipeline.sky.geometry import unit_vectors

#: What is added to a time of the dataset to make it a Julian date.
JD_OF_MJD = 2400000.5

#: Seconds: the objects of a field whose light times differ by less share the times of its centre.
SHARED_WITHIN = 15.0
_SECONDS = 86400.0
_THERE = {"scale": "tdb", "refposition": "BARYCENTER"}


def is_barycentric(lightcurves: xr.Dataset | TimeSeries) -> bool:
    """Whether the times of a dataset, or of the rows of one object, are BJD_TDB - 2400000.5."""
    if isinstance(lightcurves, TimeSeries):
        clock = {
            "scale": lightcurves["time"].scale,
            "refposition": str(lightcurves.meta.get("time_refposition")).upper(),
        }
    else:
        clock = {name: lightcurves["time"].attrs.get(name) for name in _THERE}
    return clock == _THERE


def barycentric(dataset: xr.Dataset) -> xr.Dataset:
    """Give a dataset barycentric times: BJD_TDB - 2400000.5.

    Parameters
    ----------
    dataset : xarray.Dataset
        As ``LightcurveStorage.dataset`` gives it.

    Returns
    -------
    xarray.Dataset
        The same, lazily, with another coordinate ``time``: that of the centre of its objects. Where
        objects are so far from it that theirs differs by more than 15 s, the variable
        ``time_offset`` has the rest, for each of them. It is `dataset` itself where it is not
        known where the clock stood (``refposition``), or the times are barycentric already.
    """
    clock = dataset["time"].attrs
    scale, refposition = clock.get("scale", ""), clock.get("refposition", "UNKNOWN").upper()
    if not scale or refposition == "UNKNOWN" or not dataset.sizes["object"]:
        return dataset
    if is_barycentric(dataset):
        return dataset
    mjd = dataset["time"].values
    toward = unit_vectors(dataset["ra"].values, dataset["dec"].values)
    center = toward.mean(axis=0)
    center /= np.linalg.norm(center) or 1.0
    ra, dec = np.degrees(np.arctan2(center[1], center[0])), np.degrees(np.arcsin(center[2]))
    bjd = barycentric_julian_date(mjd, scale, refposition, float(ra % 360), float(dec))
    if np.any(np.isnan(bjd) & np.isfinite(mjd)):
        return dataset
    there = dataset["time"].copy(data=bjd - JD_OF_MJD).assign_attrs(_THERE)
    moved = dataset.assign_coords(time=there)
    positions = clock_positions(mjd, scale, refposition)
    aside = toward - center
    reach = np.linalg.norm(aside, axis=1).max() * np.nanmax(np.linalg.norm(positions, axis=1))
    if reach * _SECONDS <= SHARED_WITHIN:
        return moved
    return moved.assign(time_offset=_own_offset(dataset, aside, positions))


def _own_offset(dataset: xr.Dataset, aside: np.ndarray, positions: np.ndarray) -> xr.DataArray:
    """Light times of the objects beside that of the center, and the offsets that were there."""
    by_object = xr.DataArray(aside, dims=("object", "axis"))
    by_epoch = xr.DataArray(positions, dims=("epoch", "axis"))
    flags = dataset["flags"]
    if flags.chunks is not None:
        chunks = dict(zip(flags.dims, flags.chunks, strict=True))
        by_object = by_object.chunk({"object": chunks["object"]})
    rest = xr.dot(by_object, by_epoch, dim="axis").astype("float32")
    if "time_offset" in dataset:
        rest = rest + dataset["time_offset"].fillna(0)
    found: xr.DataArray = rest.broadcast_like(flags).transpose(*flags.dims).astype("float32")
    return found


def barycentric_rows(rows: TimeSeries) -> TimeSeries:
    """Give the light curve of one object barycentric times.

    Parameters
    ----------
    rows : TimeSeries
        From :meth:`LightcurveStorage.to_timeseries`.

    Returns
    -------
    TimeSeries
        A copy, its ``time`` on the scale TDB at the barycentre; `rows` itself where it is not
        known where the clock stood, or its times are barycentric already.
    """
    refposition = str(rows.meta.get("time_refposition", "UNKNOWN")).upper()
    if refposition == "UNKNOWN" or is_barycentric(rows) or not len(rows):
        return rows
    bjd = barycentric_julian_date(
        rows["time"].mjd, rows["time"].scale, refposition, rows.meta["ra"], rows.meta["dec"]
    )
    if not np.isfinite(bjd).all():
        return rows
    moved = TimeSeries(time=Time(bjd - JD_OF_MJD, format="mjd", scale="tdb"))
    for name in rows.colnames:
        if name != "time":
            moved[name] = rows[name]
    moved.meta = rows.meta | {"time_refposition": "BARYCENTER"}
    return moved
