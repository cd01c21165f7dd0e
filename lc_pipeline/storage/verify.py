"""Read everything back: checksums, counts, and that the two stores agree.

Everything is read by zarr-python, so that two readers agree on every file.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from lc_pipeline.errors import LightcurveError, StorageError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.storage.commit import CHECKSUM, checksum, read_metadata
from lc_pipeline.storage.layout import cuts, runs
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.model import ARRAYS, dims_on_disk
from lc_pipeline.storage.snapshot import EpochRecord, Snapshot, open_snapshot

#: The row of an ingest that the epoch store no longer has.
LOST = -1

#: Objects, and epochs, of the sample that a version is compared in before it is published.
N_VERIFIED = 8

Report = Callable[[int, int], None]


def verify_epochs(location: Location, progress: Report | None = None) -> list[str]:
    """Read back every row of an epoch store that counts.

    Returns
    -------
    list of str
        What is wrong, each naming the epoch or the file; empty if all is well.
    """
    problems, snapshot = _open(location)
    if snapshot is None:
        return problems
    records = snapshot.current_records
    for number, (row, record) in enumerate(zip(snapshot.rows.tolist(), records, strict=True)):
        if progress:
            progress(number, len(records))
        where = f"{location}: epoch {record.epoch!r} (row {row})"
        problems += [f"{where}: {problem}" for problem in _check_row(snapshot, row, record)]
    if progress:
        progress(len(records), len(records))
    return problems


def _check_row(snapshot: Snapshot, row: int, record: EpochRecord) -> Iterator[str]:
    """Read one row; say what cannot be read or is not what was stored."""
    arrays: dict[str, NDArray[Any]] = {}
    for model in ARRAYS:
        try:
            array: Any = snapshot.group.get(model.name)
            if array is not None:
                arrays[model.name] = np.asarray(array[row])[..., : record.n_objects]
        except Exception as error:  # noqa: BLE001 (whatever a damaged chunk raises)
            yield f"{model.name} cannot be read ({error})"
    if "lightcurves" in arrays:
        count = np.isfinite(arrays["lightcurves"][:, 0]).sum(axis=-1)
        found = dict(zip(snapshot.measurement_keys, count.tolist(), strict=True))
        for key, expected in record.n_values.items():
            if found.get(key) != expected:
                yield f"{found.get(key)} values of {key}, and {expected} were stored"
    if "flags" in arrays and (arrays["flags"] == MeasurementFlag.NOT_INGESTED).all():
        yield "flags are missing"


def verify_objects(
    location: Location, epochs: Location, progress: Report | None = None
) -> list[str]:
    """Read back the current version of an object store, and compare it with the epoch store.

    Returns
    -------
    list of str
        What is wrong, each naming the object block or the file; empty if all is well.
    """
    problems, snapshot = _open(location)
    if snapshot is None:
        return problems
    try:
        source = open_snapshot(epochs)
    except LightcurveError:
        return problems  # verify_epochs has said it
    row_of = {record.ingest_id: row for row, record in enumerate(source.records) if record}
    # What was ingested again since, and compacted, is only read: the epoch store has it no longer.
    rows = np.array([row_of.get(ingest, LOST) for ingest in snapshot.ingest_ids], dtype=np.intp)
    blocks = cuts(snapshot.n_objects, snapshot.object_block)
    for number, block in enumerate(blocks):
        if progress:
            progress(number, len(blocks))
        problems += _compare_block(snapshot, source, rows, block)
    if progress:
        progress(len(blocks), len(blocks))
    return problems


def _compare_block(
    snapshot: Snapshot, source: Snapshot, rows: NDArray[np.intp], block: slice
) -> list[str]:
    """Compare one block of objects in the two stores."""
    target: Any
    origin: Any
    problems = []
    name = f"objects {block.start} to {block.stop - 1}"
    for model in ARRAYS:
        target, origin = snapshot.group.get(model.name), source.group.get(model.name)
        if target is None or origin is None:
            continue
        n_measurements = len(snapshot.measurement_keys)
        for epochs in cuts(len(rows), int(snapshot.attributes["segment"])):
            try:
                published = np.asarray(target[(block, ..., epochs)])
            except Exception as error:  # noqa: BLE001 (whatever a damaged chunk raises)
                problems.append(
                    f"{snapshot.location}: {name}: {model.name} cannot be read ({error})"
                )
                continue
            try:
                is_there = rows[epochs] != LOST
                committed = _rows(origin, rows[epochs][is_there], block)
            except Exception:  # noqa: BLE001, S112 (verify_epochs has said it)
                continue
            axes = [dims_on_disk(origin).index(dim) for dim in model.dims]
            expected = committed.transpose(axes)
            if "measurement" in model.dims:
                expected = expected[:, :n_measurements]
            found = published[..., is_there]
            if not np.array_equal(expected, found, equal_nan=expected.dtype.kind == "f"):
                problems.append(
                    f"{snapshot.location}: {name}: {model.name} differs from the epoch store"
                )
    return problems


def _rows(array: zarr.Array[Any], rows: NDArray[np.intp], block: slice) -> NDArray[Any]:
    """Read one block of objects of some rows, in their order."""
    order = np.argsort(rows)
    found = np.empty((len(rows), *array.shape[1:-1], block.stop - block.start), dtype=array.dtype)
    for place, run in runs(rows[order]):
        found[order[place]] = array[(run, ..., block)]
    return found


def verify_sample(snapshot: Snapshot, published: zarr.Group) -> None:
    """Compare a sample in the two stores: objects and epochs spread over the whole.

    It is read by zarr-python, as anybody would read it.
    """
    objects = _spread(snapshot.n_objects)
    epochs = _spread(len(snapshot.rows))
    rows = snapshot.rows[epochs].tolist()
    for model in ARRAYS:
        if model.name not in published:
            continue
        source: Any = snapshot.group[model.name]
        target: Any = published[model.name]
        axes = [dims_on_disk(source).index(dim) for dim in model.dims]
        everything = [slice(None)] * (len(axes) - 2)
        try:
            expected = source.oindex[(rows, *everything, objects)].transpose(axes)
            found = target.oindex[(objects, *everything, epochs)]
        except (ValueError, RuntimeError, OSError) as error:  # by the codec that notices
            raise StorageError(
                f"{snapshot.location}: {model.name} of the version just built cannot be read back "
                f"({error}); nothing was published. What it took over from the version before may "
                f"be damaged: 'lc-pipeline rechunk --force SURVEY' writes everything anew."
            ) from error
        for number, row in itertools.product(range(len(objects)), range(len(rows))):
            is_float = model.dtype == "float32"
            if not np.array_equal(
                expected[number, ..., row], found[number, ..., row], equal_nan=is_float
            ):
                raise StorageError(
                    f"{snapshot.location}: {model.name} of object number {objects[number]} in "
                    f"epoch {snapshot.current_records[epochs[row]].epoch!r} differs between the "
                    f"epoch store and the version just built; nothing was published. Check the "
                    f"disk and the memory of this machine, and run rechunk again."
                )


def _spread(length: int) -> list[int]:
    """Up to N_VERIFIED numbers from the first to the last of an axis."""
    return sorted(set(np.linspace(0, length - 1, N_VERIFIED).astype(int).tolist()))


def _open(location: Location) -> tuple[list[str], Snapshot | None]:
    """Check the metadata and the coordinates; open the store if it can be opened."""
    try:
        snapshot = open_snapshot(location)
        metadata = read_metadata(snapshot.place)
    except Exception as error:  # noqa: BLE001 (whatever damaged metadata raise)
        return [f"{location}: cannot be opened: {error}"], None
    problems = []
    is_readable = True
    if checksum(metadata) != metadata["attributes"]["lc_pipeline"].get(CHECKSUM):
        problems.append(f"{snapshot.place}: zarr.json: its checksum does not agree")
    for name, committed in metadata["consolidated_metadata"]["metadata"].items():
        try:
            own = read_metadata(snapshot.place / name)
        except LightcurveError as error:
            problems.append(str(error))
            continue
        if snapshot.layout == "epoch" and own["shape"][0] > committed["shape"][0]:
            # A writer at work, or one that was killed, may have made an array longer already.
            own["shape"][0] = committed["shape"][0]
        if own != committed:
            problems.append(f"{snapshot.place / name}: zarr.json differs from the last commit")
        if name not in {model.name for model in ARRAYS}:
            array: Any = snapshot.group[name]
            try:
                np.asarray(array[...])
                if array.nchunks_initialized < array.nchunks:
                    problems.append(f"{snapshot.place / name}: chunks are missing")
            except Exception as error:  # noqa: BLE001
                is_readable = False
                problems.append(f"{snapshot.place / name}: cannot be read ({error})")
    return problems, snapshot if is_readable else None
