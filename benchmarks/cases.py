"""What is measured. ``python -m benchmarks.cases GROUP CASE SIZE FOLDER`` runs one case once."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import indices
from benchmarks.watch import Watch

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
N_READS = 50
N_INGESTS = 12
N_SLICE = 500
N_MANY = 1_000_000


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


# ------------------------------------------------------------------------------ making surveys


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


# ------------------------------------------------------------------------------ rechunk


def rechunk_ours(folder: Path, size: Size) -> dict[str, float]:
    """Values, flags and separations, verified, synced to disk and published."""
    from lc_pipeline import LightcurveStorage

    del size
    storage = LightcurveStorage(folder / "epochs").load_storage()
    target = fresh(folder, "objects")
    watch = Watch()
    storage.rechunk_to_object_optimized(target, progress=False)
    return watch.read() | {"files": n_files(target)}


def rechunk_ours_values_only(folder: Path, size: Size) -> dict[str, float]:
    """The work that the others do: values only, not compared, not synced to disk."""
    from lc_pipeline import LightcurveStorage
    from lc_pipeline.storage import location, rechunk

    del size
    rechunk.ARRAYS = rechunk.ARRAYS[:1]
    rechunk._verify = lambda *_: None  # noqa: SLF001
    location._sync = location._sync_folder = lambda _: None  # noqa: SLF001
    storage = LightcurveStorage(folder / "epochs").load_storage()
    target = fresh(folder, "values")
    watch = Watch()
    storage.rechunk_to_object_optimized(target, progress=False)
    return watch.read() | {"files": n_files(target)}


def rechunk_dask(folder: Path, size: Size) -> dict[str, float]:
    """dask.array.rechunk and to_zarr; values only."""
    import dask.array as da

    source = epoch_array(folder)
    target = fresh(folder, "dask")
    watch = Watch()
    lazy = da.from_array(source, chunks=(32, *source.shape[1:])).transpose(3, 1, 2, 0)
    lazy.rechunk((2048, size.n_measurements, 2, 512)).to_zarr(str(target))
    return watch.read() | {"files": n_files(target)}


def rechunk_xarray(folder: Path, size: Size) -> dict[str, float]:
    """Xarray chunk and to_zarr; values only."""
    import dask.array as da
    import xarray as xr

    source = epoch_array(folder)
    target = fresh(folder, "xarray")
    watch = Watch()
    lazy = da.from_array(source, chunks=(32, *source.shape[1:]))
    array = xr.DataArray(lazy, dims=("epoch", "measurement", "value", "object"), name="x")
    array = array.transpose("object", "measurement", "value", "epoch")
    array.chunk(object=2048, measurement=size.n_measurements, value=2, epoch=512).to_zarr(target)
    return watch.read() | {"files": n_files(target)}


def rechunk_tensorstore(folder: Path, size: Size) -> dict[str, float]:
    """Tensorstore, shard by shard, two at a time, into the layout that we write; values only."""
    import tensorstore

    source, target = epoch_array(folder), fresh(folder, "tensorstore")
    ours = object_array(folder)
    zarr_array(target, ours)
    n_blocks = ours.shape[0] // ours.shards[0] + 1, ours.shape[-1] // ours.shards[-1] + 1
    watch = Watch()

    def opened(path: str) -> Any:
        kvstore = {"driver": "file", "path": path}
        return tensorstore.open({"driver": "zarr3", "kvstore": kvstore}).result()

    rows = opened(str(source.store_path).removeprefix("file://"))
    shards = opened(str(target))
    del size

    def copy(place: tuple[int, int]) -> None:
        objects, epochs = (
            slice(number * length, min((number + 1) * length, whole))
            for number, length, whole in zip(
                place,
                (ours.shards[0], ours.shards[-1]),
                (ours.shape[0], ours.shape[-1]),
                strict=True,
            )
        )
        if objects.start < objects.stop and epochs.start < epochs.stop:
            block = rows[epochs, ..., objects].read().result()
            shards[objects, ..., epochs].write(block.transpose(3, 1, 2, 0)).result()

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(copy, np.ndindex(n_blocks)))
    return watch.read() | {"files": n_files(target)}


def rechunk_one_chunk_per_object(folder: Path, size: Size) -> dict[str, float]:
    """Write one file per object with zarr-python; a few objects, scaled; nothing is read."""
    import zarr

    shape = (N_SLICE, size.n_measurements, 2, size.n_epochs)
    values = np.random.default_rng(3).normal(18, 1, shape).astype("float32")
    target = fresh(folder, "per-object")
    watch = Watch()
    array = zarr.create_array(target, shape=shape, chunks=(1, *shape[1:]), dtype="float32")
    array[...] = values
    scaled = {name: value * size.n_objects / N_SLICE for name, value in watch.read().items()}
    return scaled | {"files": size.n_objects}


def rechunk_floor(folder: Path, size: Size) -> dict[str, float]:
    """Copying the store, and decoding and encoding all its chunks with the bare codec."""
    import zarr
    from numcodecs import Blosc, blosc

    del size
    source, target = folder / "epochs", fresh(folder, "copy")
    watch = Watch()
    shutil.copytree(source, target)
    found = watch.read()
    # One thread for each chunk, as many chunks at a time as there are cores.
    blosc.use_threads = False
    bare = Blosc(cname="lz4", clevel=1, shuffle=Blosc.BITSHUFFLE)
    group = zarr.open_group(next((source / "versions").glob("v*.zarr")), mode="r")
    for name in ("lightcurves", "flags", "separation"):
        array: Any = group[name]
        times = []
        for row in np.linspace(0, array.shape[0] - 1, 32).astype(int).tolist():
            chunk = np.ascontiguousarray(array[row][..., : array.chunks[-1]])
            decoded = np.empty_like(chunk)
            start = time.perf_counter()
            bare.decode(bare.encode(chunk), decoded)
            times.append(time.perf_counter() - start)
        n_chunks = array.shape[0] * array.shape[-1] / array.chunks[-1]
        codec = float(np.median(times)) * n_chunks
        found["seconds"] += codec / CORES
        found["processor"] += codec
    return found | {"files": n_files(target)}


# ------------------------------------------------------------------------------ ingest


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


# ------------------------------------------------------------------------------ reading


def prepare_reading(folder: Path, size: Size) -> dict[str, float]:
    """Both stores."""
    make_epochs(folder, size)
    rechunk_ours(folder, size)
    return {"seconds": 0.0}


def _reading(read: Callable[[Any, np.random.Generator], Any], layout: str = "objects") -> Any:
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


def _one(storage: Any, random: np.random.Generator) -> Any:
    number = random.integers(storage.snapshot.n_objects)
    return storage.get_object_lightcurve(f"star{number:07d}").values


def _scattered(n: int) -> Callable[[Any, np.random.Generator], Any]:
    def read(storage: Any, random: np.random.Generator) -> Any:
        chosen = np.sort(random.choice(storage.snapshot.n_objects, n, replace=False))
        return storage.lightcurves.isel(object=chosen).values

    return read


def _cone(storage: Any, random: np.random.Generator) -> Any:
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


def nothing_to_prepare(folder: Path, size: Size) -> dict[str, float]:
    """Light curves are made in memory."""
    del folder, size
    return {"seconds": 0.0}


# ------------------------------------------------------------------------------ periods

Case = Callable[[Path, Size], dict[str, float]]

#: Light curves, values in each, baseline in days, highest frequency per day; 5 samples to a peak.
PERIODS = {"small": (8, 500, 1450.0, 10.0), "large": (64, 500, 5800.0, 10.0)}
N_ASTROPY = 8
N_ASTROPY_TERMS = 1


def prepare_periods(folder: Path, size: Size) -> dict[str, float]:
    """Sinusoids in noise on one axis of times, a tenth of the values missing."""
    n_objects, n, baseline, _ = PERIODS["small" if size is SIZES["small"] else "large"]
    random = np.random.default_rng(1)
    time_axis = np.sort(random.uniform(0, baseline, n))
    period = random.uniform(0.2, 2, (n_objects, 1))
    value = (
        15 + 0.1 * np.sin(2 * np.pi * time_axis / period) + random.normal(0, 0.1, (n_objects, n))
    )
    value[random.random(value.shape) < 0.1] = np.nan
    error = random.uniform(0.05, 0.15, value.shape)
    np.savez(folder / "periods.npz", time=time_axis, value=value, error=error)
    return {"seconds": 0.0}


def _periods(run: Callable[[Any, Any, Any, Any], int]) -> Case:
    """Time per object."""

    def case(folder: Path, size: Size) -> dict[str, float]:
        from lc_pipeline.analysis.periods import frequency_grid

        made = np.load(folder / "periods.npz")
        highest = PERIODS["small" if size is SIZES["small"] else "large"][-1]
        grid = frequency_grid(made["time"], min_period=1 / highest)
        watch = Watch()
        n = run(made["time"], made["value"], made["error"], grid)
        return watch.read_per(n)

    return case


def _periods_ours(n_terms: int) -> Case:
    def run(times: Any, value: Any, error: Any, grid: Any) -> int:
        from lc_pipeline.analysis.periods.least_squares import Series
        from lc_pipeline.analysis.periods.search import find_peaks

        for start in range(0, len(value), 4):
            part = slice(start, start + 4)
            find_peaks([Series.prepared(times, value[part], error[part] ** -2)], grid, n_terms, 10)
        return len(value)

    return _periods(run)


def _whole_search(times: Any, value: Any, error: Any, grid: Any) -> int:
    from lc_pipeline.analysis.periods import Band, search_object

    n = min(len(value), 32)
    for y, dy in zip(value[:n], error[:n], strict=True):
        there = np.isfinite(y)
        search_object([Band(times[there], y[there], dy[there])], grid)
    return n


def _periods_astropy(times: Any, value: Any, error: Any, grid: Any) -> int:
    from astropy.timeseries import LombScargle

    n = min(len(value), N_ASTROPY)
    for y, dy in zip(value[:n], error[:n], strict=True):
        there = np.isfinite(y)
        LombScargle(times[there], y[there], dy[there]).power(
            grid.frequencies, method="fast", assume_regular_frequency=True
        )
    return n


def _periods_astropy_terms(times: Any, value: Any, error: Any, grid: Any) -> int:
    """What the whole search begins with: a periodogram for each number of terms."""
    from astropy.timeseries import LombScargle

    n = min(len(value), N_ASTROPY_TERMS)
    for y, dy in zip(value[:n], error[:n], strict=True):
        there = np.isfinite(y)
        for n_terms in (1, 2, 3):
            LombScargle(times[there], y[there], dy[there], nterms=n_terms).power(
                grid.frequencies,
                method="fast" if n_terms == 1 else "fastchi2",
                assume_regular_frequency=True,
            )
    return n


def _periods_nifty(times: Any, value: Any, error: Any, grid: Any) -> int:
    import nifty_ls

    there = np.isfinite(value)
    dy = np.where(there, error, np.inf)
    y = np.where(there, value, 0.0)
    for start in range(0, len(y), 4):
        part = slice(start, start + 4)
        nifty_ls.lombscargle(
            times, y[part], dy[part], fmin=grid.minimum, fmax=grid.maximum, Nf=grid.size, nthreads=1
        )
    return len(y)


PREPARE: dict[str, Callable[[Path, Size], dict[str, float]]] = {
    "rechunk": prepare_reading,
    "ingest": prepare_ingest,
    "read": prepare_reading,
    "open": prepare_opening,
    "statistics, per object": nothing_to_prepare,
    "periods, per object": prepare_periods,
}

GROUPS: dict[str, dict[str, Case]] = {
    "rechunk": {
        "lc_pipeline (values, flags, separations; verified, synced)": rechunk_ours,
        "lc_pipeline, values only, not verified, not synced": rechunk_ours_values_only,
        "floor: copy; decode and encode ÷ cores": rechunk_floor,
        "dask rechunk + to_zarr (values only)": rechunk_dask,
        "xarray chunk + to_zarr (values only)": rechunk_xarray,
        "tensorstore, shard by shard (values only)": rechunk_tensorstore,
        f"zarr, one chunk per object (writing {N_SLICE}, scaled)": rechunk_one_chunk_per_object,
    },
    "ingest": {
        "lc_pipeline, one 50,000-row FITS catalogue": ingest_ours,
        "floor: Table.read + KD-tree + numpy.save": ingest_floor,
    },
    "read": {
        "one light curve, object store": _reading(_one),
        "one light curve, epoch store": _reading(_one, "epochs"),
        "100 light curves anywhere": _reading(_scattered(100)),
        "1,000 light curves anywhere": _reading(_scattered(1000)),
        "a cone of about 200 objects with their light curves": _reading(_cone),
    },
    "open": {
        "lc_pipeline, a store of 1,000,000 objects and one light curve": opening,
        "xarray alone, the same": opening_zarr,
    },
    "statistics, per object": {
        name: case
        for name, case in indices.CASES.items()
        if name not in indices.NEEDS or importlib.util.find_spec(indices.NEEDS[name])
    },
    "periods, per object": {
        "lc_pipeline, periodogram and peaks, one term": _periods_ours(1),
        "lc_pipeline, one, two and three terms at once": _periods_ours(3),
        "lc_pipeline, the whole search of three terms": _periods(_whole_search),
        "nifty-ls, one term, power only": _periods(_periods_nifty),
        "astropy, method fast, one term, power only": _periods(_periods_astropy),
        "astropy, fast and fastchi2, one, two and three terms": _periods(_periods_astropy_terms),
    },
}
if importlib.util.find_spec("nifty_ls") is None:
    del GROUPS["periods, per object"]["nifty-ls, one term, power only"]
if importlib.util.find_spec("tensorstore") is None:
    del GROUPS["rechunk"]["tensorstore, shard by shard (values only)"]


def main() -> None:
    """Run one case and print what it took."""
    group, case, size, folder = sys.argv[1:]
    run = PREPARE[group] if case == "prepare" else GROUPS[group][case]
    found = run(Path(folder), SIZES[size])
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


if __name__ == "__main__":
    main()
