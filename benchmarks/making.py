"""Surveys to measure on, of any size, and what the cases have in common."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Size:
    """A survey to measure on."""

    n_objects: int
    n_measurements: int
    n_epochs: int

    def describe(self) -> str:
        """In words."""
        mega = self.n_objects * self.n_measurements * 2 * self.n_epochs * 4 / 1e6
        return (
            f"{self.n_objects} objects, {self.n_measurements} measurements of 2 values, "
            f"{self.n_epochs} epochs ({mega:.0f} MB uncompressed)"
        )


SIZES = {"small": Size(20_000, 2, 320), "large": Size(50_000, 2, 1600)}

Case = Callable[[Path, Size], dict[str, float]]


def make_epochs(folder: Path, size: Size) -> Path:
    """Make an epoch store of random photometry, 10 % of it missing."""
    from lc_pipeline import LightcurveStorage, ReferenceCatalog
    from lc_pipeline.matching.epoch_block import EpochBlock

    place = folder / "epochs"
    if place.exists():
        return place
    random = np.random.default_rng(1)
    number = np.arange(size.n_objects)
    reference = ReferenceCatalog(
        key=[f"star{n:07d}" for n in number], ra=10 + number % 300 / 500, dec=number // 300 / 500
    ).ordered()
    keys = tuple(f"band{n}" for n in range(size.n_measurements))
    storage = LightcurveStorage(place).create_storage(reference, keys)
    magnitude = random.uniform(14, 22, size.n_objects)
    for start in range(0, size.n_epochs, 32):
        blocks = []
        for epoch in range(start, min(start + 32, size.n_epochs)):
            shape = (size.n_measurements, 2, size.n_objects)
            values = random.normal(0, 0.02, shape).astype("float32")
            values[:, 0] += magnitude
            values[:, 1] = np.abs(values[:, 1])
            lost = random.random((size.n_measurements, size.n_objects)) < 0.1
            values.transpose(0, 2, 1)[lost] = np.nan
            blocks.append(
                EpochBlock(
                    epoch=f"e{epoch:05d}",
                    measurement_keys=keys,
                    value_names=("mag", "mag_err"),
                    lightcurves=values,
                    flags=np.where(lost, 4, 0).astype("uint16"),
                    separation=random.random(size.n_objects).astype("float32"),
                    time_offset=None,
                    catalog_flags=None,
                    time=60000.0 + epoch,
                    time_scale="utc",
                    time_refposition="TOPOCENTER",
                    exposure=30.0,
                    n_sources=size.n_objects,
                    n_matched=size.n_objects,
                    n_unmatched=0,
                    n_ambiguous=0,
                    n_duplicates=0,
                    offset_east_arcsec=0.0,
                    offset_north_arcsec=0.0,
                    n_offset_pairs=0,
                    n_detected=(~lost).sum(axis=1),
                )
            )
        storage.append_epochs(blocks)
    return place


def epoch_array(folder: Path) -> Any:
    """The light curves of the epoch store as a plain Zarr array."""
    import zarr

    place = next((folder / "epochs" / "versions").glob("v*.zarr"))
    return zarr.open_group(place, mode="r")["lightcurves"]


def object_array(folder: Path) -> Any:
    """The light curves of the object store as a plain Zarr array."""
    import zarr

    place = max((folder / "objects" / "versions").glob("v*.zarr"))
    return zarr.open_group(place, mode="r")["lightcurves"]


def zarr_array(target: Path, like: Any) -> None:
    """Create an empty array with the shape, chunks and codecs of another."""
    target.mkdir(parents=True)
    shutil.copy(
        Path(str(like.store_path).removeprefix("file://")) / "zarr.json", target / "zarr.json"
    )


def fresh(folder: Path, name: str) -> Path:
    """A place for an output, empty."""
    shutil.rmtree(folder / name, ignore_errors=True)
    return folder / name


def n_files(place: Path) -> int:
    """Files of an output."""
    return sum(1 for path in place.rglob("*") if path.is_file())


def medians(readings: list[dict[str, float]]) -> dict[str, float]:
    """Medians of several readings."""
    return {name: float(np.median([one[name] for one in readings])) for name in readings[0]}
