"""The whole way of a store, and why each step is as it is: create, populate, rechunk, analyse.

Run it from the top folder: ``python examples/rechunking_workflow.py [FOLDER]``. It makes a small
survey with a known truth, and says what it does.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.table import Table

from lc_pipeline import LightcurveStorage, ReferenceCatalog, SourceCatalog

N_STARS, N_NIGHTS = 200, 40


def write_night(folder: Path, night: int, reference: ReferenceCatalog) -> Path:
    """Write one night's catalogue: constant stars, star 0 varies; some stars are missed."""
    random = np.random.default_rng(night)
    magnitude = np.linspace(14, 20, N_STARS)
    magnitude[0] += 0.5 * np.sin(night)
    seen = random.random(N_STARS) < 0.9
    seen[0] = True
    scatter = random.normal(0, 0.1 / 3600, (2, N_STARS))
    columns = {
        "ra": (reference.ra + scatter[0])[seen],
        "dec": (reference.dec + scatter[1])[seen],
        "mag_g": magnitude[seen],
        "magerr_g": np.full(seen.sum(), 0.02),
    }
    path = folder / f"night{night:02d}.ecsv"
    Table(columns, meta={"MJD-OBS": 60000.0 + night}).write(path, overwrite=True)
    return path


def main(folder: Path) -> None:
    """Walk the whole way."""
    number = np.arange(N_STARS)
    reference = ReferenceCatalog(
        key=[f"star{n:03d}" for n in number], ra=30 + number % 20 / 100, dec=number // 20 / 100
    ).ordered()
    files = [write_night(folder, night, reference) for night in range(N_NIGHTS)]

    print("1. Create an epoch store. Its objects are fixed: every night is matched to the same")
    print("   reference, so nights can come in any order and be done again one at a time.")
    epochs = LightcurveStorage(folder / "epochs").create_storage(reference, ["g"])

    print("2. Populate it night by night. Each night is appended as one row and committed by one")
    print("   rename: a crash loses the night that was being written, and nothing else.")
    for night, path in enumerate(files[:5]):
        stored = epochs.populate_epoch_from_catalog(f"n{night:02d}", SourceCatalog.read(path))
        print(f"   n{night:02d}: {stored} measurements")

    print("3. The rest in parallel: workers read and match, each writes rows of its own, and one")
    print("   commit publishes them all.")
    pairs = [(f"n{night:02d}", path) for night, path in enumerate(files)][5:]
    epochs.populate_all_epochs_parallel(pairs, n_workers=2)
    print(f"   {epochs!r}")

    print("4. A corrected night is ingested again. Its first row stays until compaction; readers")
    print("   see the last one.")
    epochs.populate_epoch_from_catalog("n03", SourceCatalog.read(files[3]))
    print(f"   {epochs.snapshot.n_rows} rows for {len(epochs.epoch_keys)} nights", end="; ")
    epochs.compact()
    print(f"{epochs.snapshot.n_rows} after compaction")

    print("5. In the epoch store a night is one file, and one star's light curve is in every file.")
    print("   Rechunk turns it round: each task reads one block of stars of all nights and writes")
    print("   one shard. The version is compared with the epoch store, then published.")
    objects = epochs.rechunk_to_object_optimized(folder / "objects", progress=False)
    print(f"   {objects!r}, version {objects.snapshot.version}")

    print("6. Analyse: all stars at once, lazily, as xarray.")
    magnitude = objects.lightcurves.sel(measurement="g", value="mag")
    scatter = magnitude.std("epoch")
    star = scatter.object[int(scatter.argmax())].item()
    print(f"   the most variable star is {star}, scatter {float(scatter.max()):.2f} mag")

    print("7. Or one star, as an astropy time series; or the stars in a cone.")
    print(f"   {objects.to_timeseries(star)[:2]}")
    near = objects.get_objects_in_cone(30.0, 0.0, 60)
    print(f"   within 1 arcmin of 30 0: {', '.join(near)}")

    print(f"8. Verify reads everything back: {len(objects.verify(epochs))} problems")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
