"""Periods of the objects of a store, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Column, Table
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.barycentric import barycentric, is_barycentric
from lc_pipeline.analysis.blocks import LightcurveBlock, map_blocks
from lc_pipeline.analysis.periods import box
from lc_pipeline.analysis.periods.band import Band
from lc_pipeline.analysis.periods.cadence import frequency_grid
from lc_pipeline.analysis.periods.choose import MOST_TERMS
from lc_pipeline.analysis.periods.false_alarm import METHOD
from lc_pipeline.analysis.periods.grid import FrequencyGrid
from lc_pipeline.analysis.periods.least_squares import Series
from lc_pipeline.analysis.periods.search import (
    N_CANDIDATES,
    WINSORISED,
    ObjectPeriods,
    find_peaks,
    search_object,
)
from lc_pipeline.progress import Progress
from lc_pipeline.survey import PeriodsSection

Floats = NDArray[np.float64]

#: Objects to a task: what is in the cache together, and what progress is told in.
_BATCH = 8
_TASK = 32


def period_search(
    dataset: xr.Dataset,
    settings: PeriodsSection | None = None,
    *,
    objects: ArrayLike | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Table:
    """Search light curves for periods.

    Parameters
    ----------
    dataset : xarray.Dataset
        As ``LightcurveStorage.dataset`` gives it. Its times are made barycentric, where it is
        known where the clock stood; see :func:`~lc_pipeline.analysis.barycentric.barycentric`.
    settings : PeriodsSection, optional
    objects : array_like of int, optional
        Positions on the object axis to search; by default all.
    workers : int, optional
        Threads, where there is no Dask cluster; by default the number of cores.
    progress : callable, optional
        Called with (objects done, objects to search).

    Returns
    -------
    Table
        One row for each object of the dataset, in its order; NaN and empty texts for those that
        were not searched or have too few values. Columns: see ``docs/periods.md``.

    Raises
    ------
    ValueError
        If a measurement of the settings is not in the dataset, or `objects` are not on its axis.
    """
    settings = settings or PeriodsSection()
    known = dataset["measurement"].values.tolist()
    if missing := [key for key in settings.measurements if key not in known]:
        raise ValueError(
            f"periods.measurements: there is no measurement {missing[0]!r} "
            f"(there are: {', '.join(known)})"
        )
    keys = list(settings.measurements) or known
    n_objects = dataset.sizes["object"]
    places = np.arange(n_objects) if objects is None else np.asarray(objects, dtype=int).ravel()
    if len(places) and not (places.min() >= 0 and places.max() < n_objects):
        raise ValueError(f"objects: expected positions from 0 to {n_objects - 1}")
    quantities = dataset["quantity"].sel(measurement=keys).values.tolist()
    found: list[ObjectPeriods | None] = [None] * n_objects
    if len(places):
        part = barycentric(dataset).isel(object=places)
        per_object = max(1, len(keys) * dataset.sizes["epoch"])
        results = map_blocks(
            partial(search_block, settings=settings, quantities=tuple(quantities)),
            part,
            keys,
            workers=workers,
            block_values=_TASK * per_object,
            progress=progress,
        )
        flat = [one for block in results for one in block]
        for place, one in zip(places.tolist(), flat, strict=True):
            found[place] = one
    return _table(dataset, keys, found, settings)


def search_block(
    block: LightcurveBlock, *, settings: PeriodsSection, quantities: Sequence[str]
) -> list[ObjectPeriods | None]:
    """Search the objects of a block."""
    found: list[ObjectPeriods | None] = []
    for start in range(0, len(block.value), _BATCH):
        numbers = range(start, min(start + _BATCH, len(block.value)))
        batch = [object_bands(block, number, tuple(quantities)) for number in numbers]
        found += _search_batch(batch, numbers, block, settings)
    return found


def object_bands(block: LightcurveBlock, number: int, quantities: Sequence[str] = ()) -> list[Band]:
    """One object's measurements, without what is missing.

    `quantities` says of each whether it is a ``flux``; by default none is.

    Errors enter the weights with the band's median error added in quadrature: an error that is
    said to be tiny cannot make one value decide. A value without an error has the median one;
    where there are no errors at all, all values weigh the same.
    """
    bands = []
    for place in range(len(block.measurement_keys)):
        offset = 0.0 if block.time_offset is None else block.time_offset[number, place]
        time = block.time + offset
        value = block.value[number, place].astype(float)
        error = block.error[number, place].astype(float)
        is_there = np.isfinite(value) & np.isfinite(time)
        time, value, error = time[is_there], value[is_there], error[is_there]
        is_error = np.isfinite(error) & (error > 0)
        usual = float(np.median(error[is_error])) if is_error.any() else 1.0
        weighed = np.hypot(np.where(is_error, error, usual), usual)
        bands.append(Band(time, value, weighed, is_flux=quantities[place : place + 1] == ("flux",)))
    return bands


def _search_batch(
    batch: Sequence[list[Band]],
    numbers: Sequence[int],
    block: LightcurveBlock,
    settings: PeriodsSection,
) -> list[ObjectPeriods | None]:
    """Objects on the epochs' axis of times share a grid and its sums; others have their own."""
    peaks: list[Floats | None] = [None] * len(batch)
    if block.time_offset is None:
        shared = _grid(block.time, settings)
        grids = [shared] * len(batch)
        if shared.size and settings.method != "bls":
            peaks = list(_shared_peaks(batch, numbers, block, shared, settings))
    else:
        grids = [_grid(np.concatenate([band.time for band in bands]), settings) for bands in batch]
    search = partial(
        search_object,
        n_terms=settings.terms,
        n_peaks=settings.n_peaks,
        method=settings.method,
    )
    return [
        search(bands, grid, peaks=found)
        for bands, grid, found in zip(batch, grids, peaks, strict=True)
    ]


def _grid(time: Floats, settings: PeriodsSection) -> FrequencyGrid:
    return frequency_grid(
        time,
        min_period=settings.min_period,
        max_period=settings.max_period,
        samples_per_peak=settings.samples_per_peak,
    )


def _shared_peaks(
    batch: Sequence[list[Band]],
    numbers: Sequence[int],
    block: LightcurveBlock,
    grid: FrequencyGrid,
    settings: PeriodsSection,
) -> list[Floats]:
    """Peaks of all objects of a batch at once."""
    series = []
    for place in range(len(block.measurement_keys)):
        value = np.full((len(batch), len(block.time)), np.nan)
        weight = np.full_like(value, np.nan)
        for row, (bands, number) in enumerate(zip(batch, numbers, strict=True)):
            band = bands[place]
            if len(band.time):
                where = np.isfinite(block.value[number, place]) & np.isfinite(block.time)
                value[row, where] = band.winsorised(WINSORISED).value
                weight[row, where] = band.error**-2
        series.append(Series.prepared(block.time, value, weight))
    return find_peaks(series, grid, settings.terms, N_CANDIDATES)


def _table(
    dataset: xr.Dataset,
    keys: Sequence[str],
    found: Sequence[ObjectPeriods | None],
    settings: PeriodsSection,
) -> Table:
    method = box.METHOD if settings.method == "bls" else METHOD
    units = dict(zip(dataset["measurement"].values, dataset["unit"].values, strict=True))
    table = Table(meta={"settings": settings.model_dump_json()})
    table["object"] = Column(dataset["object"].values.astype(str), description="object key")

    def add(name: str, values: Any, description: str, unit: str | None = None) -> None:
        table[name] = Column(values, unit=unit or None, description=description)

    def number(get: Any) -> Floats:
        return np.array([np.nan if one is None else get(one) for one in found], dtype=float)

    def count(get: Any) -> NDArray[np.intp]:
        return np.array([0 if one is None else get(one) for one in found], dtype=int)

    def of_peak(rank: int, get: Any) -> Floats:
        return number(lambda one: get(one)[rank] if rank < len(one.frequency) else np.nan)

    add("period", 1 / of_peak(0, lambda one: one.frequency), "best period", "d")
    add(
        "period_err",
        number(lambda one: one.frequency_error / one.frequency[0] ** 2),
        "standard deviation of the period, if it is no alias",
        "d",
    )
    for rank in range(settings.n_peaks):
        end, words = ("", "best period") if not rank else (f"_{rank + 1}", f"period {rank + 1}")
        if rank:
            add(f"period{end}", 1 / of_peak(rank, lambda one: one.frequency), words, "d")
        add(f"frequency{end}", of_peak(rank, lambda one: one.frequency), f"1 / {words}", "1 / d")
        add(
            f"power{end}",
            of_peak(rank, lambda one: one.power),
            f"fraction of chi-squared that the harmonics of the {words} take away",
        )
        log_fap = of_peak(rank, lambda one: one.log_fap)
        add(f"fap{end}", np.exp(log_fap), f"false-alarm probability of the {words}")
        add(f"log10_fap{end}", log_fap / np.log(10), f"logarithm of fap{end}, which may be 0")
        relation = [one.relation[rank] if one and rank < len(one.relation) else "" for one in found]
        about = "kinship with f1 = frequency, or" if rank else "the"
        add(
            f"alias{end}",
            np.array(relation, dtype=str),
            f"{about} rhythm of the observations that the {words} may come from; empty if none",
        )
    add(
        "fap_method",
        np.array([method if one else "" for one in found], dtype=str),
        "how the false-alarm probability was found",
    )
    add("n_terms", count(lambda one: one.n_terms), "harmonics of the best model")
    add(
        "string_ratio",
        number(lambda one: one.string_ratio),
        "second method: string length in the order of phase, over that of shuffled values",
    )
    add(
        "significance",
        number(lambda one: one.significance),
        "standard deviations of shuffled values' string length by which the string is shorter",
    )
    add("n_points", count(lambda one: one.n_points), "values searched, all measurements")
    add("n_outliers", count(lambda one: one.n_outliers), "of these, left out of the models")
    add(
        "epoch_of_maximum",
        number(lambda one: one.brightest),
        "of the brightest phase, of the measurement with most values, amid the data: "
        + ("BJD_TDB - 2400000.5" if is_barycentric(barycentric(dataset)) else "MJD"),
        "d",
    )
    for place, key in enumerate(keys):
        _add_model(table, found, place, key, str(units[key]))
    return table


def _add_model(
    table: Table, found: Sequence[ObjectPeriods | None], place: int, key: str, unit: str
) -> None:
    """Columns of one measurement's model."""

    def add(name: str, values: Any, description: str) -> None:
        table[name] = Column(values, unit=unit or None, description=description)

    models = [one.models[place] if one else None for one in found]
    amplitude = [one.amplitude[place] if one else np.nan for one in found]
    add(f"amplitude_{key}", np.array(amplitude), "peak to peak, of the model near observed phases")
    mean = [model.mean if model else np.nan for model in models]
    add(f"mean_{key}", np.array(mean), "constant of the model")
    for k in range(MOST_TERMS):
        for part, letter in (("cosine", "a"), ("sine", "b")):
            harmonics = [getattr(model, part) if model else () for model in models]
            add(
                f"{letter}{k + 1}_{key}",
                np.array([one[k] if k < len(one) else np.nan for one in harmonics]),
                f"{part} amplitude at {k + 1} times frequency, phases from time 0",
            )
