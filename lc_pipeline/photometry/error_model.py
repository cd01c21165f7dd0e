"""The error model of a survey: scatter against magnitude, and what it says of the errors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import xarray as xr
from astropy.table import Column, Table
from numpy.typing import NDArray

from lc_pipeline.analysis.blocks import LightcurveBlock, map_blocks
from lc_pipeline.analysis.summary import sorted_median
from lc_pipeline.photometry.magnitudes import LOG_TO_MAG
from lc_pipeline.photometry.noise import NoiseModel, fit_noise
from lc_pipeline.progress import Progress

Array = NDArray[np.float64]

MIN_POINTS = 5
_MAD = 1.4826
_STARS_PER_BIN = 20
_MAX_BINS = 40
_MIN_SNR = 3.0

_COLUMNS = {
    "measurement": (None, "band, aperture or channel"),
    "magnitude": ("mag", "median magnitude of the stars of this bin (instrumental for fluxes)"),
    "n_stars": (None, "stars in the bin, constant and variable"),
    "rms": ("mag", "median robust scatter (1.4826 MAD) of a light curve"),
    "rms_16": ("mag", "16th percentile of the scatter"),
    "rms_84": ("mag", "84th percentile of the scatter"),
    "error": ("mag", "median stated error"),
    "model": ("mag", "scatter of a constant star by the model"),
    "scale": (None, "rms**2 = (scale * error)**2 + floor**2"),
    "floor": ("mag", "rms**2 = (scale * error)**2 + floor**2"),
}


def fit_error_model(dataset: xr.Dataset, *, progress: Progress | None = None) -> Table:
    """Fit floor and scale of the errors, and give the scatter against magnitude they rest on.

    Parameters
    ----------
    dataset : xarray.Dataset
        Calibrated, as ``LightcurveStorage.calibrated`` gives it. Read block by block.
    progress : callable, optional
        Called with (objects done, objects in all).

    Returns
    -------
    Table
        One row per measurement and bin of magnitude, bright to faint; ``scale`` and ``floor``
        are the same in all rows of a measurement, and stand in ``meta["error_model"]`` too.
        Relative errors of fluxes are written in magnitudes (times 2.5 / ln 10).

    Notes
    -----
    Stars with at least 5 good values are used. Half of them or more must be constant; see
    :func:`~lc_pipeline.photometry.noise.fit_noise`.
    """
    keys = dataset["measurement"].values.tolist()
    work = partial(star_noise, quantities=[str(q) for q in dataset["quantity"].values])
    parts = [np.empty((3, 0, len(keys))), *map_blocks(work, dataset, progress=progress)]
    magnitude, rms, error = np.concatenate(parts, axis=1)
    rows: list[tuple[object, ...]] = []
    models = {}
    for number, key in enumerate(keys):
        stars = magnitude[:, number], rms[:, number], error[:, number]
        model = fit_noise(stars[1], stars[2])
        models[key] = [model.scale, model.floor]
        rows += [(key, *row, model.scale, model.floor) for row in noise_curve(*stars, model)]
    table = Table()
    for (name, (unit, description)), values in zip(
        _COLUMNS.items(), zip(*rows, strict=True) if rows else [()] * len(_COLUMNS), strict=True
    ):
        table[name] = Column(list(values), unit=unit, description=description)
    table.meta = {"error_model": models, "version": str(dataset.attrs.get("version", ""))}
    return table


def star_noise(block: LightcurveBlock, quantities: Sequence[str]) -> Array:
    """Magnitude, robust scatter and stated error of each light curve.

    Returns
    -------
    (3, n_objects, n_measurements) array, mag
        NaN where there are fewer than 5 values, or a flux that is not significant.
    """
    count = np.isfinite(block.value).sum(axis=-1)
    median = sorted_median(block.value)
    deviation = np.abs(block.value - median[..., np.newaxis].astype(np.float32))
    # What the median takes from the scatter of few values.
    rms = _MAD * sorted_median(deviation) * np.sqrt(count / np.maximum(count - 1, 1))
    error = np.nan_to_num(sorted_median(block.error))
    magnitude = median.copy()
    for number, quantity in enumerate(quantities):
        if quantity == "flux":
            flux, flux_err = median[:, number].copy(), np.fmax(rms, error)[:, number]
            flux[~(flux > _MIN_SNR * flux_err)] = np.nan
            magnitude[:, number] = -LOG_TO_MAG * np.log(flux)
            rms[:, number] *= LOG_TO_MAG / flux
            error[:, number] *= LOG_TO_MAG / flux
    enough = (count >= MIN_POINTS) & np.isfinite(magnitude)
    return np.where(enough, np.stack([magnitude, rms, error]), np.nan)


def noise_curve(
    magnitude: Array, rms: Array, error: Array, model: NoiseModel
) -> list[tuple[float, ...]]:
    """Scatter against magnitude, in bins of equal numbers of stars.

    Returns
    -------
    list of (magnitude, n_stars, rms, rms_16, rms_84, error, model)
        Medians of the bin, and the 16th and 84th percentile of the scatter.

    Examples
    --------
    >>> magnitude = np.linspace(12, 16, 40)
    >>> curve = noise_curve(magnitude, np.full(40, 0.01), np.zeros(40), NoiseModel(1.0, 0.01))
    >>> [(round(row[0], 2), row[1], row[2]) for row in curve]
    [(12.97, 20, 0.01), (15.03, 20, 0.01)]
    """
    order = np.argsort(magnitude)
    order = order[np.isfinite(magnitude[order])]
    if not len(order):
        return []
    n_bins = int(np.clip(len(order) // _STARS_PER_BIN, 1, _MAX_BINS))
    curve = []
    for stars in np.array_split(order, n_bins):
        typical = float(np.median(error[stars]))
        curve.append(
            (
                float(np.median(magnitude[stars])),
                len(stars),
                *np.quantile(rms[stars], [0.5, 0.16, 0.84]).tolist(),
                typical,
                float(np.sqrt(model.variance(np.array(typical)))),
            )
        )
    return curve
