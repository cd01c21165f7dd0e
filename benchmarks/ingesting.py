"""One catalogue into a store: ours, and the least that it can take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.making import (
    Size,
    fresh,
    medians,
)
from benchmarks.watch import Watch

N_INGESTS = 12


def prepare_ingest(folder: Path, size: Size) -> dict[str, float]:
    """A catalogue of 50,000 rows, and an empty store for it."""
    from astropy.table import Table

    from lc_pipeline import LightcurveStorage, ReferenceCatalog

    del size
    random = np.random.default_rng(1)
    ra, dec = random.uniform(10, 11, 50_000), random.uniform(0, 1, 50_000)
    scatter = random.normal(0, 0.1 / 3600, (2, 50_000))
    columns = {"ra": ra + scatter[0], "dec": dec + scatter[1]}
    for name in ("g", "r"):
        columns |= {f"mag_{name}": random.uniform(14, 22, 50_000)}
        columns |= {f"magerr_{name}": random.uniform(0, 0.1, 50_000)}
    Table(columns, meta={"MJD-OBS": 60000.0}).write(folder / "epoch.fits", overwrite=True)
    reference = ReferenceCatalog(key=np.arange(50_000).astype(str), ra=ra, dec=dec).ordered()
    LightcurveStorage(fresh(folder, "ingest")).create_storage(reference, ["g", "r"])
    np.savez(folder / "reference.npz", ra=ra, dec=dec)
    return {"seconds": 0.0}


def ingest_ours(folder: Path, size: Size) -> dict[str, float]:
    """Read, check, match one-to-one, flag, store and commit."""
    from lc_pipeline import LightcurveStorage, SourceCatalog

    del size
    storage = LightcurveStorage(folder / "ingest").load_storage()
    times = []
    for number in range(N_INGESTS):
        watch = Watch()
        storage.populate_epoch_from_catalog(f"e{number}", SourceCatalog.read(folder / "epoch.fits"))
        times.append(watch.read())
    return medians(times[1:])


def ingest_floor(folder: Path, size: Size) -> dict[str, float]:
    """Table.read, one KD-tree query for nearest neighbours, numpy.save."""
    from astropy.table import Table
    from scipy.spatial import KDTree

    del size
    reference = np.load(folder / "reference.npz")

    def vectors(ra: Any, dec: Any) -> Any:
        ra, dec = np.radians(ra), np.radians(dec)
        return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)

    places = vectors(reference["ra"], reference["dec"])
    times = []
    for _ in range(N_INGESTS):
        watch = Watch()
        table = Table.read(folder / "epoch.fits")
        _, index = KDTree(places).query(vectors(table["ra"], table["dec"]))
        values = np.full((2, 2, len(places)), np.nan, dtype="float32")
        for number, name in enumerate(("g", "r")):
            values[number, 0, index] = table[f"mag_{name}"]
            values[number, 1, index] = table[f"magerr_{name}"]
        np.save(folder / "epoch.npy", values)
        times.append(watch.read())
    return medians(times[1:])
