"""Light curves out of a store: one, some, those of a cone, the first one of a large store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.making import (
    Size,
    make_epochs,
    medians,
)
from benchmarks.rechunking import rechunk_ours
from benchmarks.watch import Watch

N_READS = 50
N_MANY = 1_000_000


def prepare_reading(folder: Path, size: Size) -> dict[str, float]:
    """Both stores."""
    make_epochs(folder, size)
    rechunk_ours(folder, size)
    return {"seconds": 0.0}


def reading(read: Callable[[Any, np.random.Generator], Any], layout: str = "objects") -> Any:
    """Time per read of one of the stores, the first one left out."""

    def case(folder: Path, size: Size) -> dict[str, float]:
        from lc_pipeline import LightcurveStorage

        del size
        storage = LightcurveStorage(folder / layout).load_storage()
        random = np.random.default_rng(2)
        read(storage, random)
        times = []
        for _ in range(N_READS if layout == "objects" else 3):
            watch = Watch()
            read(storage, random)
            times.append(watch.read())
        return medians(times)

    return case


def one(storage: Any, random: np.random.Generator) -> Any:
    """Any one light curve."""
    number = random.integers(storage.snapshot.n_objects)
    return storage.get_object_lightcurve(f"star{number:07d}").values


def scattered(n: int) -> Callable[[Any, np.random.Generator], Any]:
    """Light curves of `n` objects, anywhere."""

    def read(storage: Any, random: np.random.Generator) -> Any:
        chosen = np.sort(random.choice(storage.snapshot.n_objects, n, replace=False))
        return storage.lightcurves.isel(object=chosen).values

    return read


def cone(storage: Any, random: np.random.Generator) -> Any:
    """Which objects are within an arcminute of any one, and their light curves."""
    place = random.integers(storage.snapshot.n_objects)
    reference = storage.reference
    keys = storage.get_objects_in_cone(reference.ra[place], reference.dec[place], 60)
    return storage.lightcurves.sel(object=keys).values


def prepare_opening(folder: Path, size: Size) -> dict[str, float]:
    """A store of a million objects."""
    del size
    many = Size(N_MANY, 1, 2)
    make_epochs(folder / "many", many)
    rechunk_ours(folder / "many", many)
    return {"seconds": 0.0}


def opening(folder: Path, size: Size) -> dict[str, float]:
    """Open the store and read its first light curve; lc_pipeline is imported already."""
    from lc_pipeline import LightcurveStorage

    del size
    watch = Watch()
    storage = LightcurveStorage(folder / "many" / "objects").load_storage()
    found = storage.get_object_lightcurve(f"star{N_MANY // 2:07d}").values
    return watch.read() if np.isfinite(found).any() else {}


def opening_zarr(folder: Path, size: Size) -> dict[str, float]:
    """The same with xarray alone, selecting by key."""
    import xarray as xr

    del size
    place = max((folder / "many" / "objects" / "versions").glob("v*.zarr"))
    watch = Watch()
    dataset = xr.open_zarr(place, chunks=None, consolidated=True)
    _ = dataset["lightcurves"].sel(object=f"star{N_MANY // 2:07d}").values
    return watch.read()
