"""Variability indices against others, on the same light curves: processor time per object.

The light curves are in memory, and the others are given theirs without missing values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.watch import Watch

N_OBJECTS, N_SLOW = 2000, 100

#: Ours, and what makes the same with light-curve.
SHARED: dict[str, Callable[[Any], Any]] = {
    "mean": lambda lc: lc.Mean(),
    "weighted_mean": lambda lc: lc.WeightedMean(),
    "median": lambda lc: lc.Median(),
    "std": lambda lc: lc.StandardDeviation(),
    "mad": lambda lc: lc.MedianAbsoluteDeviation(),
    "iqr": lambda lc: lc.InterPercentileRange(0.25),
    "reduced_chi2": lambda lc: lc.ReducedChi2(),
    "roms": lambda lc: lc.Roms(),
    "nxs": lambda lc: lc.ExcessVariance(),
    "amplitude": lambda lc: lc.Amplitude(),
    "robust_amplitude": lambda lc: lc.InterPercentileRange(0.05),
    "skew": lambda lc: lc.Skew(),
    "kurtosis": lambda lc: lc.Kurtosis(),
    "beyond_1_sigma": lambda lc: lc.BeyondNStd(1),
    "beyond_2_sigma": lambda lc: lc.BeyondNStd(2),
    "beyond_3_sigma": lambda lc: lc.BeyondNStd(3),
    "eta": lambda lc: lc.Eta(),
    "eta_e": lambda lc: lc.EtaE(),
    "stetson_k": lambda lc: lc.StetsonK(),
    "trend": lambda lc: lc.LinearTrend(),
}
#: Those that cesium has as well.
SHARED_CESIUM = ("amplitude", "mad", "median", "skew", "std", "stetson_k", "weighted_mean")


def _dataset(n_objects: int, n_epochs: int) -> Any:
    """Noise as its errors say, a tenth of the points missing, one star in a hundred variable."""
    import xarray as xr

    random = np.random.default_rng(1)
    magnitude = random.uniform(14, 20, (n_objects, 1))
    error = 0.003 * 10 ** (0.2 * (magnitude - 14)) * random.uniform(0.8, 1.25, (1, n_epochs))
    moment = 60000 + np.sort(random.uniform(0, 1000, n_epochs))
    wave = np.sin(2 * np.pi * moment / random.uniform(0.2, 100, (n_objects, 1)))
    value = magnitude + error * random.normal(size=error.shape)
    value += np.where(np.arange(n_objects)[:, np.newaxis] % 100, 0, 0.3 * wave)
    lost = random.random(value.shape) < 0.1
    both = np.stack([np.where(lost, np.nan, values) for values in (value, error)], axis=1)
    dims = ("object", "measurement", "value", "epoch")
    return xr.Dataset(
        {
            "lightcurves": (dims, both[:, np.newaxis].astype("float32")),
            "flags": (
                ("object", "measurement", "epoch"),
                np.where(lost, 4, 0).astype("uint16")[:, np.newaxis],
            ),
        },
        {
            "object": np.arange(n_objects).astype(str),
            "ra": ("object", np.zeros(n_objects)),
            "dec": ("object", np.zeros(n_objects)),
            "time": ("epoch", moment),
            "measurement": ["g"],
            "quantity": ("measurement", ["mag"]),
            "unit": ("measurement", ["mag"]),
        },
    )


def ours(_folder: Path, size: Any, names: tuple[str, ...] = ()) -> dict[str, float]:
    """Indices and their `_z`."""
    from lc_pipeline.analysis.statistics import variability_statistics
    from lc_pipeline.survey import StatisticsSection

    dataset = _dataset(N_OBJECTS, size.n_epochs)
    settings = StatisticsSection(indices=names)
    variability_statistics(dataset.isel(object=slice(0, 20)), settings, workers=1)
    watch = Watch()
    variability_statistics(dataset, settings, workers=1)
    return watch.read_per(N_OBJECTS)


def _light_curves(n_objects: int, n_epochs: int) -> list[tuple[Any, Any, Any]]:
    dataset = _dataset(n_objects, n_epochs)
    moment = dataset["time"].values
    curves = []
    for value, error in dataset["lightcurves"].values[:, 0].astype(float):
        is_there = np.isfinite(value)
        curves.append((moment[is_there], value[is_there], error[is_there]))
    return curves


def light_curve_package(_folder: Path, size: Any) -> dict[str, float]:
    """Its batch mode, one thread."""
    import light_curve

    extractor = light_curve.Extractor(*(make(light_curve) for make in SHARED.values()))
    curves = _light_curves(N_OBJECTS, size.n_epochs)
    watch = Watch()
    extractor.many(curves, sorted=True, check=False, n_jobs=1)
    return watch.read_per(N_OBJECTS)


def cesium_package(_folder: Path, size: Any) -> dict[str, float]:
    """Its functions, without its graph of tasks."""
    from cesium.features.graphs import dask_feature_graph

    names = ("amplitude", "median_absolute_deviation", "median", "skew", "std")
    of_values = [dask_feature_graph[name][0] for name in names]
    of_both = [dask_feature_graph[name][0] for name in ("stetson_k", "weighted_average")]
    curves = _light_curves(N_SLOW, size.n_epochs)
    watch = Watch()
    for _, value, error in curves:
        for function in of_values:
            function(value)
        for function in of_both:
            function(value, error)
    return watch.read_per(N_SLOW)


def feets_package(_folder: Path, size: Any) -> dict[str, float]:
    """Its extractors of the quartiles and of Con (our `iqr` and `cssd`)."""
    from feets import extractors

    curves = _light_curves(N_SLOW, size.n_epochs)
    quartiles, con = extractors.Q31(), extractors.Con()
    watch = Watch()
    for _, value, _ in curves:
        quartiles.extract(magnitude=value)
        con.extract(magnitude=value)
    return watch.read_per(N_SLOW)


CASES: dict[str, Any] = {
    "lc_pipeline, all indices with `_z`": ours,
    f"lc_pipeline, the {len(SHARED)} shared with light-curve": partial(ours, names=tuple(SHARED)),
    "light-curve, the same": light_curve_package,
    f"lc_pipeline, the {len(SHARED_CESIUM)} shared with cesium": partial(ours, names=SHARED_CESIUM),
    "cesium, the same": cesium_package,
    "lc_pipeline, iqr and cssd": partial(ours, names=("iqr", "cssd")),
    "feets, Q31 and Con": feets_package,
}
#: Which package a case needs.
NEEDS = {
    "light-curve, the same": "light_curve",
    "cesium, the same": "cesium",
    "feets, Q31 and Con": "feets",
}
