"""The ensemble: which stars the zero points are made from, streamed out of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lc_pipeline.analysis.blocks import LightcurveBlock, map_blocks
from lc_pipeline.analysis.summary import sorted_median
from lc_pipeline.photometry.least_squares import Array, Points
from lc_pipeline.photometry.magnitudes import LOG_TO_MAG
from lc_pipeline.progress import Progress

_FLOOR = 0.015
_LIKE = 0.1
"""Stars that tell as much, to this part, come in random order: the brightest may be saturated."""
_STARS_AT_A_TIME = 16


@dataclass(frozen=True)
class Ensemble:
    """Stars of one measurement that zero points can be made from."""

    measurement: str
    objects: NDArray[np.intp]
    """(n_stars,) where they stand on the object axis."""
    points: Points
    is_measured: NDArray[np.bool_]
    """(n_epochs,) whether any object of the survey has a usable value."""


def magnitudes_of(
    block: LightcurveBlock, quantities: Sequence[str], min_snr: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Magnitudes and errors of a block, also where fluxes are stored; NaN where there is none.

    Fluxes are taken of objects with a median signal-to-noise ratio of at least `min_snr`, and of
    these, points of at least half of it: no logarithm is taken of noise. An error that is not known
    is the median of the star's others; 0 if it has none.

    Returns
    -------
    value, error : (n_objects, n_measurements, n_epochs) arrays, mag
    """
    value, error = block.value.copy(), block.error.copy()
    for number, quantity in enumerate(quantities):
        if quantity != "flux":
            continue
        flux, flux_err = value[:, number], error[:, number]
        known = np.isfinite(flux_err) & (flux_err > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            snr = np.where(known, flux / flux_err, np.where(flux > 0, np.inf, -np.inf))
            snr[~np.isfinite(flux)] = np.nan
            is_bright = sorted_median(snr) >= min_snr
            usable = (flux > 0) & (snr >= 0.5 * min_snr) & is_bright[:, np.newaxis]
            positive = np.where(usable, flux, np.nan)
            value[:, number] = -LOG_TO_MAG * np.log(positive)
            error[:, number] = LOG_TO_MAG * flux_err / positive
    typical = np.nan_to_num(sorted_median(error))[..., np.newaxis].astype(np.float32)
    error = np.where(np.isfinite(value), np.where(np.isfinite(error), error, typical), np.nan)
    return value, error


def read_ensembles(
    dataset: xr.Dataset,
    *,
    max_stars: int,
    min_snr: float,
    progress: Progress | None = None,
) -> list[Ensemble]:
    """Choose the stars of each measurement's ensemble and read their light curves.

    Stars are taken in the order of what they tell (number of points over variance) as long as
    one of their epochs has fewer than `max_stars` of them: every epoch gets its share, whatever
    field it is of, and memory goes with the number of epochs. Of an object that is not taken, it
    needs one bit per epoch.
    """
    keys, n_epochs = dataset["measurement"].values.tolist(), dataset.sizes["epoch"]
    none, no_points = _points([], n_epochs)
    if not n_epochs or not dataset.sizes["object"]:
        return [Ensemble(key, none, no_points, np.zeros(n_epochs, dtype=np.bool_)) for key in keys]
    quantities = [str(quantity) for quantity in dataset["quantity"].values]
    look = partial(_look, quantities=quantities, min_snr=min_snr)
    looks = list(map_blocks(look, dataset, progress=progress))
    information = np.concatenate([one[0] for one in looks])
    coverage = np.concatenate([one[1] for one in looks])
    del looks
    is_measured = np.unpackbits(
        np.bitwise_or.reduce(coverage, axis=0), axis=-1, count=n_epochs
    ).astype(np.bool_)
    lot = _lots(dataset["ra"].values, dataset["dec"].values)
    chosen = [
        _choose(information[:, number], lot, coverage[:, number], n_epochs, max_stars)
        for number in range(len(keys))
    ]
    wanted = np.unique(np.concatenate(chosen))
    if not len(wanted):
        return [Ensemble(key, none, no_points, is_measured[i]) for i, key in enumerate(keys)]
    read = partial(_read, quantities=quantities, min_snr=min_snr)
    parts = list(map_blocks(read, dataset.isel(object=wanted)))
    ensembles = []
    for number, key in enumerate(keys):
        objects, points = _points([part[number] for part in parts], n_epochs)
        stars, some = _only(wanted[objects], points, chosen[number])
        ensembles.append(Ensemble(key, stars, some, is_measured[number]))
    return ensembles


def _look(
    block: LightcurveBlock, quantities: Sequence[str], min_snr: float
) -> tuple[Array, NDArray[np.uint8]]:
    """What each star tells, and where it has points, as bits."""
    value, error = magnitudes_of(block, quantities, min_snr)
    is_there = np.isfinite(value)
    sigma = sorted_median(error)
    unknown = ~(sigma > 0)
    if unknown.any():
        deviation = np.abs(value - sorted_median(value)[..., np.newaxis])
        sigma = np.where(unknown, 1.4826 * sorted_median(deviation), sigma)
    count = is_there.sum(axis=-1)
    information = np.where(count > 1, count / np.fmax(sigma, _FLOOR) ** 2, 0)
    return information, np.packbits(is_there, axis=-1)


def _lots(ra: Array, dec: Array) -> Array:
    """A number from 0 to 1 for each star, as good as random, whatever the order of the stars."""
    return np.asarray(np.modf(np.abs(np.sin(np.deg2rad(ra)) + np.sin(np.deg2rad(dec))) * 1e7)[0])


def _choose(
    information: Array, lot: Array, coverage: NDArray[np.uint8], n_epochs: int, max_stars: int
) -> NDArray[np.intp]:
    """Numbers of the stars to take, ascending."""
    usable = np.flatnonzero(information > 0)
    order = usable[np.lexsort((lot[usable], -np.floor(np.log(information[usable]) / _LIKE)))]
    count = np.zeros(n_epochs, dtype=int)
    chosen = []
    for start in range(0, len(order), _STARS_AT_A_TIME):
        stars = order[start : start + _STARS_AT_A_TIME]
        is_there = np.unpackbits(coverage[stars], axis=-1, count=n_epochs).astype(bool)
        needed = (is_there & (count < max_stars)).any(axis=-1)
        chosen.append(stars[needed])
        count += is_there[needed].sum(axis=0)
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.intp)


_Part = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]


def _read(block: LightcurveBlock, quantities: Sequence[str], min_snr: float) -> list[_Part]:
    """Points of each measurement: object, epoch, value, error."""
    value, error = magnitudes_of(block, quantities, min_snr)
    parts = []
    for number in range(len(quantities)):
        row, epoch = np.nonzero(np.isfinite(value[:, number]))
        found = value[row, number, epoch], error[row, number, epoch]
        parts.append((row + block.objects.start, epoch, *found))
    return parts


def _points(parts: Sequence[_Part], n_epochs: int) -> tuple[NDArray[np.intp], Points]:
    """Join points, stars numbered without gaps; give also which object each star is."""
    if not parts:
        nothing = np.empty(0)
        none = nothing.astype(np.intp)
        return none, Points(none, none, nothing, nothing, 0, n_epochs)
    row, epoch, value, error = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    objects, star = np.unique(row, return_inverse=True)
    return objects, Points(
        star, epoch, value.astype(float), error.astype(float), len(objects), n_epochs
    )


def _only(
    objects: NDArray[np.intp], points: Points, chosen: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Points]:
    """Keep the chosen stars with at least two points."""
    count = np.bincount(points.star, minlength=points.n_stars)
    kept = np.isin(objects, chosen) & (count > 1)
    number = np.cumsum(kept) - 1
    mine = kept[points.star]
    some = points.taken(mine)
    return objects[kept], Points(
        number[some.star], some.epoch, some.value, some.error, int(kept.sum()), points.n_epochs
    )
