"""The whole way of a store, and why each step is as it is: create, populate, rechunk, analyse.

Run it from the top folder: ``python examples/rechunking_workflow.py [FOLDER]``. It makes a small
survey in which one star varies, and says what it does with it.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.table import Table

from lc_pipeline import LightcurveStorage, ReferenceCatalog, SourceCatalog

N_STARS, N_NIGHTS = 200, 40
VARIABLE, AMPLITUDE, PERIOD = "star123", 0.5, 7.0


def make_reference() -> ReferenceCatalog:
    """Make 200 stars on a grid, 36 arcsec apart, in their order on the sky."""
    number = np.arange(N_STARS)
    keys = [f"star{n:03d}" for n in number]
    return ReferenceCatalog(keys, ra=30 + number % 20 / 100, dec=number // 20 / 100).ordered()


def write_night(folder: Path, night: int, reference: ReferenceCatalog) -> Path:
    """Write one night's catalogue: one star varies, a tenth of the others is missed."""
    random = np.random.default_rng(night)
    varies = reference.key == VARIABLE
    magnitude = np.linspace(14, 20, N_STARS) + random.normal(0, 0.02, N_STARS)
    magnitude[varies] += AMPLITUDE * np.sin(2 * np.pi * night / PERIOD)
    seen = varies | (random.random(N_STARS) < 0.9)
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


def n_files(storage: LightcurveStorage) -> int:
    """Count the files that have the magnitudes."""
    folder = storage.snapshot.place.path / "lightcurves" / "c"
    return sum(file.is_file() for file in folder.rglob("*"))


def main(folder: Path) -> None:
    """Walk the whole way."""
    reference = make_reference()
    files = [write_night(folder, night, reference) for night in range(N_NIGHTS)]
    print(f"{N_NIGHTS} nights of {N_STARS} stars; {VARIABLE} varies by +-{AMPLITUDE} mag.\n")

    print("1. CREATE an epoch store. Its objects are fixed: every night is matched to the same")
    print("   reference, so nights can come in any order and be done again one at a time.")
    epochs = LightcurveStorage(folder / "epochs").create_storage(reference, ["g"])
    print(f"   {len(reference)} objects, {len(epochs.epoch_keys)} epochs\n")

    print("2. POPULATE it night by night. A night becomes one row, which readers see all at once:")
    print("   a crash loses the night that was being written, and nothing else.")
    for night, path in enumerate(files[:5]):
        stored = epochs.populate_epoch_from_catalog(f"n{night:02d}", SourceCatalog.read(path))
        print(f"   n{night:02d}: {stored} measurements")
    print("   The rest side by side: each worker reads and matches a night and writes its row; one")
    print("   commit shows them all.")
    pairs = [(f"n{night:02d}", path) for night, path in enumerate(files)][5:]
    counts = epochs.populate_all_epochs_parallel(pairs, n_workers=2)
    print(f"   n05 to n{N_NIGHTS - 1}: {sum(counts.values())} measurements\n")

    print("3. CORRECT a night: ingest it again. Nothing is rewritten: the new row counts, the old")
    print("   one is dropped by the next compaction.")
    epochs.populate_epoch_from_catalog("n03", SourceCatalog.read(files[3]))
    print(f"   {epochs.snapshot.n_rows} rows for {len(epochs.epoch_keys)} nights", end="; ")
    epochs.compact()
    print(f"{epochs.snapshot.n_rows} after compaction\n")

    print(
        "4. RECHUNK. In the epoch store a night is a file, so that a light curve is in every file."
    )
    print("   The object store is the same turned round: each task reads a block of stars of all")
    print("   nights and writes one file. It is compared with the epoch store, then published.")
    objects = epochs.rechunk_to_object_optimized(folder / "objects", progress=False)
    print(f"   A light curve is spread over {n_files(epochs)} files of the epoch store, and is in")
    print(f"   {n_files(objects)} of the object store, version {objects.snapshot.version}.\n")

    print("5. ANALYSE. Everything is one lazy xarray: what is computed is read, nothing else.")
    scatter = objects.lightcurves.sel(measurement="g", value="mag").std("epoch").compute()
    star = scatter.idxmax("object").item()
    print(f"   the most variable star is {star}, scatter {float(scatter.max()):.2f} mag")
    print("   One star as an astropy TimeSeries, with units, masks and flags:")
    series = objects.to_timeseries(star)
    for name in ("mag", "mag_err"):
        series[name].info.format = ".3f"
    print(
        "   " + str(series["time", "epoch", "mag", "mag_err", "flags"][:3]).replace("\n", "\n   ")
    )
    near = objects.get_objects_in_cone(*reference_position(objects, star), 40)
    print(f"   Within 40 arcsec of it: {', '.join(key for key in near if key != star)}\n")

    print(
        "6. VERIFY reads everything back: checksums, counts, and the two stores against each other."
    )
    print(f"   {len(epochs.verify()) + len(objects.verify(epochs))} problems")


def reference_position(storage: LightcurveStorage, key: str) -> tuple[float, float]:
    """RA and Dec of one object."""
    one = storage.dataset.sel(object=key)
    return float(one.ra), float(one.dec)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
