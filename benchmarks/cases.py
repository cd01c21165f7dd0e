"""What is measured. ``python -m benchmarks.cases GROUP CASE SIZE FOLDER`` runs one case once."""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import indices
from benchmarks.ingesting import ingest_floor, ingest_ours, prepare_ingest
from benchmarks.making import SIZES, Case, Size
from benchmarks.reading import (
    cone,
    one,
    opening,
    opening_zarr,
    prepare_opening,
    prepare_reading,
    reading,
    scattered,
)
from benchmarks.rechunking import (
    N_SLICE,
    rechunk_dask,
    rechunk_floor,
    rechunk_one_chunk_per_object,
    rechunk_ours,
    rechunk_ours_values_only,
    rechunk_tensorstore,
    rechunk_xarray,
)
from benchmarks.searching import (
    periods,
    periods_astropy,
    periods_astropy_terms,
    periods_nifty,
    periods_ours,
    prepare_periods,
    whole_search,
)


def nothing_to_prepare(folder: Path, size: Size) -> dict[str, float]:
    """Light curves are made in memory."""
    del folder, size
    return {"seconds": 0.0}


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
        "one light curve, object store": reading(one),
        "one light curve, epoch store": reading(one, "epochs"),
        "100 light curves anywhere": reading(scattered(100)),
        "1,000 light curves anywhere": reading(scattered(1000)),
        "a cone of about 200 objects with their light curves": reading(cone),
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
        "lc_pipeline, periodogram and peaks, one term": periods_ours(1),
        "lc_pipeline, one, two and three terms at once": periods_ours(3),
        "lc_pipeline, the whole search of three terms": periods(whole_search),
        "nifty-ls, one term, power only": periods(periods_nifty),
        "astropy, method fast, one term, power only": periods(periods_astropy),
        "astropy, fast and fastchi2, one, two and three terms": periods(periods_astropy_terms),
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
