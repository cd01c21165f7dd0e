"""The epoch store: an append-only log of epochs whose consolidated metadata is the commit.

A row is one ingest of one epoch. To append, a writer grows the arrays, writes the new row's
shards, then the small per-epoch arrays, and last the group's consolidated metadata, in one rename.
Readers open the consolidated metadata and so see the rows of the last commit, whatever lies
behind them. A writer that died leaves rows that are never committed; the next one sets them aside
and starts behind them (workers of the dead one may be writing there still). There is nothing to
repair.

For each epoch key the last committed row counts; nothing that is committed is ever rewritten.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from lc_pipeline._version import __version__
from lc_pipeline.errors import NotInStoreError, StorageError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.storage import versions
from lc_pipeline.storage.commit import commit, committed_metadata, read_metadata
from lc_pipeline.storage.layout import (
    COORDINATE_OBJECTS,
    COORDINATE_ROWS,
    RECORD_ROWS,
    plan_epoch_layout,
)
from lc_pipeline.storage.location import GROUP_METADATA, Location, sync_all
from lc_pipeline.storage.model import (
    ARRAYS,
    CONVENTIONS,
    FORMAT_VERSION,
    ArrayModel,
    create_array,
    create_coordinate,
)
from lc_pipeline.storage.shards import Shards
from lc_pipeline.storage.snapshot import EpochRecord, Snapshot, open_snapshot
from lc_pipeline.survey import MatchingSection

LAYOUT = "epoch"
ARRAY_NAMES = frozenset(model.name for model in ARRAYS)

#: The small arrays with a value per row. Their chunks hold committed rows as well.
PER_ROW = ("epoch", "time", "record")
PER_EPOCH = ARRAY_NAMES | set(PER_ROW)


def create_epoch_log(
    location: Location,
    reference: ReferenceCatalog,
    measurement_keys: Sequence[str],
    value_names: Sequence[str],
    quantities: Sequence[str],
    units: Sequence[str],
    matching: MatchingSection,
    *,
    survey: str = "",
    settings: str = "",
) -> None:
    """Create an empty epoch store; it appears at `location` complete or not at all.

    Raises
    ------
    StorageError
        If there is a store already, or files that are not of one.
    """
    with location.writer_lock():
        if versions.is_store(location):
            raise StorageError(f"{location}: there is a store here already; it is left alone")
        if foreign := set(location.names()) - {"versions"}:
            raise StorageError(
                f"{location}: not empty, and what is there is not of a store "
                f"({', '.join(sorted(foreign)[:3])}). Choose another folder."
            )
        _create(
            location,
            reference,
            measurement_keys,
            value_names,
            quantities,
            units,
            matching,
            survey,
            settings,
        )


def _create(
    location: Location,
    reference: ReferenceCatalog,
    measurement_keys: Sequence[str],
    value_names: Sequence[str],
    quantities: Sequence[str],
    units: Sequence[str],
    matching: MatchingSection,
    survey: str,
    settings: str,
) -> None:
    """Build the first version and publish it."""
    version = versions.next_version(location)
    staging = versions.staging_location(location, version)
    staging.remove()
    n_objects = len(reference)
    layout = plan_epoch_layout(n_objects, len(measurement_keys), len(value_names))
    group = zarr.create_group(
        staging.zarr_store(read_only=False),
        attributes={
            "Conventions": CONVENTIONS,
            "radesys": "ICRS",
            "lc_pipeline": {
                "format": FORMAT_VERSION,
                "layout": LAYOUT,
                "survey": survey,
                "settings": settings,
                "object_block": layout.object_block,
                "object_capacity": layout.capacity,
                "matching": matching.model_dump(mode="json"),
                "created_by": f"lc_pipeline {__version__}",
            },
        },
    )
    for name, column in reference_columns(reference).items():
        create_coordinate(group, name, ("object",), column, chunk=COORDINATE_OBJECTS)
    create_coordinate(group, "measurement", ("measurement",), list(measurement_keys))
    create_coordinate(group, "quantity", ("measurement",), list(quantities))
    create_coordinate(group, "unit", ("measurement",), list(units))
    create_coordinate(group, "value", ("value",), list(value_names))
    no_text = np.array([], dtype=object)
    create_coordinate(group, "epoch", ("epoch",), no_text, chunk=COORDINATE_ROWS)
    create_coordinate(group, "time", ("epoch",), np.array([], dtype=float), chunk=COORDINATE_ROWS)
    create_coordinate(
        group,
        "record",
        ("epoch",),
        no_text,
        chunk=RECORD_ROWS,
        attributes={"long_name": "what is remembered of the ingest, as JSON"},
    )
    sizes = {
        "epoch": 0,
        "measurement": len(measurement_keys),
        "value": len(value_names),
        "object": n_objects,
    }
    for model in ARRAYS:
        if not model.is_optional:
            _create_row_array(group, model, sizes, layout.object_block, layout.capacity)
    commit(staging)
    versions.publish(location, version)


def reference_columns(reference: ReferenceCatalog) -> dict[str, NDArray[Any]]:
    """The object coordinates of a reference catalogue, by name."""
    columns: dict[str, NDArray[Any]] = {
        "object": np.asarray(reference.key, dtype=object),
        "ra": reference.ra,
        "dec": reference.dec,
    }
    if reference.pm_ra_cosdec is not None and reference.pm_dec is not None:
        columns |= {"pm_ra_cosdec": reference.pm_ra_cosdec, "pm_dec": reference.pm_dec}
        columns["ref_epoch"] = np.broadcast_to(
            np.asarray(reference.ref_epoch, dtype=float), reference.ra.shape
        )
    return columns


def append_epochs(
    location: Location, blocks: Sequence[EpochBlock], records: Sequence[EpochRecord]
) -> None:
    """Append one row for each block, in one commit.

    Raises
    ------
    StorageError
        If a block does not fit the store, or another writer keeps it locked.
    """
    if not blocks:
        return
    with appending(location, len(blocks)) as rows:
        for block in blocks:
            check_fits(rows.committed, block, blocks[0])
        rows.grow(
            model.name
            for model in ARRAYS
            if any(getattr(block, model.name) is not None for block in blocks)
        )
        for row, block in zip(rows.numbers, blocks, strict=True):
            write_row(rows.arrays, row, block, rows.committed.measurement_keys)
        rows.commit(records)


@dataclass
class NewRows:
    """Rows at the end of the log, being written; seen by nobody until :meth:`commit`."""

    committed: Snapshot
    documents: dict[str, dict[str, Any]]
    """Metadata of the arrays: of the last commit, and of what is left of a writer that died."""
    numbers: range
    arrays: dict[str, Shards] = field(default_factory=dict)

    def grow(
        self, needed: Iterable[str] = (), *, n_objects: int = 0, n_measurements: int = 0
    ) -> None:
        """Make every array as long as the new rows, and otherwise as the last commit has it.

        Parameters
        ----------
        needed : iterable of str
            Names of the arrays that the rows have; optional ones are made if they are not there.
        n_objects, n_measurements : int
            Longer than those of the last commit, if there are to be more.
        """
        place, attributes = self.committed.place, self.committed.attributes
        sizes = _sizes(self.committed) | {"epoch": self.numbers.stop}
        sizes["object"] = max(sizes["object"], n_objects)
        sizes["measurement"] = max(sizes["measurement"], n_measurements)
        _write_metadata(place, self.documents, sizes)
        needed = set(needed)
        for model in ARRAYS:
            if model.name in needed and model.name not in self.documents:
                _create_row_array(
                    zarr.open_group(place.zarr_store(read_only=False), use_consolidated=False),
                    model,
                    sizes,
                    int(attributes["object_block"]),
                    int(attributes["object_capacity"]),
                )
        self.arrays = open_row_arrays(place)

    def drop(self, name: str) -> None:
        """Take away an array that was made for these rows and turned out not to be needed."""
        del self.arrays[name]
        (self.committed.place / name).remove()

    def commit(self, records: Sequence[EpochRecord | None], changed: Iterable[str] = ()) -> None:
        """Write the records, make everything durable, publish it.

        Parameters
        ----------
        records : sequence of EpochRecord or None
            One for each new row; None sets the row aside.
        changed : iterable of str
            Names of the other small arrays that were written.
        """
        # Whatever a writer that died has left between the last commit and our rows is set aside.
        rows = slice(self.committed.n_rows, self.numbers.stop)
        records = [None] * (self.numbers.start - rows.start) + list(records)
        times = [np.nan if r is None or r.time is None else r.time for r in records]
        place = self.committed.place
        _small(place, "epoch")[rows] = _text([r.epoch if r else "" for r in records])
        _small(place, "time")[rows] = np.array(times)
        _small(place, "record")[rows] = _text([r.to_json() if r else "" for r in records])
        large = [place / name for name in self.arrays]
        sync_all(
            [
                *(array / "c" / str(row) for array in large for row in self.numbers),
                *(place / name for name in (*PER_ROW, *changed)),
            ],
            alone=[
                place,
                *large,
                *(array / "c" for array in large if (array / "c").exists()),
                *(array / GROUP_METADATA for array in large),
            ],
        )
        commit(place)


@contextlib.contextmanager
def appending(location: Location, n_rows: int) -> Iterator[NewRows]:
    """Hold the store's lock and give `n_rows` new rows, to be grown, written and committed."""
    with location.writer_lock():
        committed = open_snapshot(location)
        documents = committed_metadata(committed.place)
        # A writer that was killed may have workers that still write their rows: never use those.
        start = committed.n_rows
        for name in PER_EPOCH:
            with contextlib.suppress(StorageError):
                own = read_metadata(committed.place / name)
                start = max(start, own["shape"][0])
                documents.setdefault(name, own)
        yield NewRows(committed, documents, range(start, start + n_rows))


def open_row_arrays(place: Location) -> dict[str, Shards]:
    """Open the large arrays for writing rows that nobody can be reading yet."""
    store = place.zarr_store(read_only=True)
    return {
        model.name: Shards(zarr.open_array(store, path=model.name, mode="r"), place / model.name)
        for model in ARRAYS
        if (place / model.name).has_group()
    }


def remove_epoch(location: Location, epoch: str) -> None:
    """Append a row that says that an epoch is removed; its rows stay until the next compaction.

    Raises
    ------
    NotInStoreError
        If the store has no such epoch.
    """
    with appending(location, 1) as rows:
        current = {record.epoch: record for record in rows.committed.current_records}
        if epoch not in current:
            raise NotInStoreError(f"{location}: there is no epoch {epoch!r} to remove")
        rows.grow(())
        removed = dataclasses.replace(
            current[epoch], is_removed=True, ingest_id=uuid.uuid4().hex, n_values={}, n_detected={}
        )
        rows.commit([removed])


def compact(location: Location) -> str | None:
    """Copy the rows that count into a fresh version; give its id, None if all rows count.

    Shards are linked, not copied, where the file system can; readers of the version before keep
    it until it is cleaned up.
    """
    with location.writer_lock():
        committed = open_snapshot(location)
        rows = np.sort(committed.rows)
        if len(rows) == committed.n_rows:
            return None
        version = versions.next_version(location)
        staging = versions.staging_location(location, version)
        staging.remove()
        with staging.removed_on_failure():
            _copy_rows(committed, rows, staging)
        versions.publish(location, version)
        versions.remove_old_versions(location, keep=1)
    return version


def _copy_rows(committed: Snapshot, rows: NDArray[np.intp], staging: Location) -> None:
    """Build the version that has only these rows of a commit."""
    documents = committed_metadata(committed.place)
    (committed.place / GROUP_METADATA).copy_file_to(staging / GROUP_METADATA)
    for name in documents:
        old, new = committed.place / name, staging / name
        if name in ARRAY_NAMES:
            for number, row in enumerate(rows.tolist()):
                (old / "c" / str(row)).link_to(new / "c" / str(number))
        elif name not in PER_ROW:
            # Small, and written to again: a copy of its own.
            old.copy_to(new)
    _write_metadata(staging, documents, _sizes(committed) | {"epoch": len(rows)})
    for name in PER_ROW:
        values: Any = committed.group[name]
        _small(staging, name)[...] = np.asarray(values[...])[rows]
    commit(staging)


def append_objects(location: Location, reference: ReferenceCatalog) -> None:
    """Append objects to the object axis; every row and every object that is there stays.

    Parameters
    ----------
    reference : ReferenceCatalog
        The store's reference with the new objects at its end.
    """
    with appending(location, 0) as rows:
        committed, n_known = rows.committed, rows.committed.n_objects
        if list(committed.reference.key) != list(reference.key[:n_known]):
            raise StorageError(f"{location}: objects may only be added at the end of the reference")
        if ("pm_dec" in committed.group) != (reference.pm_dec is not None):
            raise StorageError(f"{location}: proper motions must be given for all objects or none")
        rows.grow(n_objects=len(reference))
        columns = reference_columns(reference)
        for name, column in columns.items():
            new = column[n_known:]
            array = _small(committed.place, name)
            array[n_known:] = _text(list(new)) if name == "object" else new
        rows.commit([], changed=columns)


def append_measurements(
    location: Location, keys: Sequence[str], quantities: Sequence[str], units: Sequence[str]
) -> None:
    """Append measurements to the measurement axis; in the rows that are there they are missing.

    Raises
    ------
    StorageError
        If a magnitude comes to a store of fluxes, or the reverse.
    """
    with appending(location, 0) as rows:
        place, n_known = rows.committed.place, len(rows.committed.measurement_keys)
        value_name = rows.committed.value_names[0]
        for key, quantity in zip(keys, quantities, strict=True):
            if value_name not in ("value", quantity):
                raise StorageError(
                    f"{location}: measurement {key!r} is a {quantity} and the store keeps "
                    f"{value_name}. Make a store of its own for it (survey.store)."
                )
        rows.grow(n_measurements=n_known + len(keys))
        columns = {"measurement": keys, "quantity": quantities, "unit": units}
        for name, new in columns.items():
            _small(place, name)[n_known:] = _text(list(new))
        rows.commit([], changed=columns)


def _sizes(committed: Snapshot) -> dict[str, int]:
    """Length of every axis as of a commit."""
    return {
        "epoch": committed.n_rows,
        "measurement": len(committed.measurement_keys),
        "value": len(committed.value_names),
        "object": committed.n_objects,
    }


def _write_metadata(
    place: Location, documents: dict[str, dict[str, Any]], sizes: dict[str, int]
) -> None:
    """Make the arrays what `documents` says, as long as `sizes` says."""
    for name, document in documents.items():
        shape = [sizes[dim] for dim in document["dimension_names"]]
        contents = json.dumps(document | {"shape": shape}).encode()
        metadata = place / name / GROUP_METADATA
        if metadata.read_bytes() != contents:
            metadata.replace_bytes(contents, is_durable=False)


def _create_row_array(
    group: zarr.Group, model: ArrayModel, sizes: dict[str, int], block: int, capacity: int
) -> None:
    """Create an array whose rows are epochs: reversed axes, one shard a row."""
    dims = tuple(reversed(model.dims))
    if "value" in dims:
        dims = ("epoch", "measurement", "value", "object")
    whole = {name: max(1, size) for name, size in sizes.items()}
    chunk = whole | {"epoch": 1, "object": block}
    create_array(group, model, dims, sizes, chunk=chunk, shard=chunk | {"object": capacity})


def write_row(
    arrays: dict[str, Shards],
    row: int,
    block: EpochBlock,
    measurement_keys: tuple[str, ...],
) -> None:
    """Write one row; measurements that the block does not have are not observed."""
    place = [measurement_keys.index(key) for key in block.measurement_keys]
    is_whole = place == list(range(len(measurement_keys)))
    for model in ARRAYS:
        values = getattr(block, model.name, None)
        if values is None:
            continue
        if "measurement" in model.dims and not is_whole:
            fill = MeasurementFlag.NOT_OBSERVED if model.name == "flags" else model.fill_value
            shape = (len(measurement_keys), *values.shape[1:])
            partial, values = values, np.full(shape, fill, dtype=model.dtype)
            values[place] = partial
        arrays[model.name].write([row, *[0] * values.ndim], values[np.newaxis])


def check_fits(committed: Snapshot, block: EpochBlock, first: EpochBlock | None = None) -> None:
    """Raise StorageError if a block does not belong into this store.

    `first` is the first of the blocks that are to be committed together.
    """
    where = f"epoch {block.epoch!r} ({', '.join(file.name for file in block.files)})"
    if block.flags.shape[1] != committed.n_objects:
        raise StorageError(
            f"{where} was matched to {block.flags.shape[1]} objects and the store "
            f"{committed.location} has {committed.n_objects}: objects were added meanwhile. "
            f"Ingest the epoch again."
        )
    if unknown := sorted(set(block.measurement_keys) - set(committed.measurement_keys)):
        raise StorageError(
            f"{where} has measurements that the store does not have: {', '.join(unknown)} "
            f"(it has: {', '.join(committed.measurement_keys)})"
        )
    if block.value_names != committed.value_names:
        raise StorageError(
            f"{where} has values {', '.join(block.value_names)} and the store has "
            f"{', '.join(committed.value_names)}"
        )
    if not np.isfinite(block.time):
        raise StorageError(
            f"{where} has no time: the catalogue has no rows to take one from, or [time] of "
            f"survey.toml does not say where it is"
        )
    known = committed.clock or (first and (first.time_scale, first.time_refposition))
    if known and (block.time_scale, block.time_refposition) != known:
        raise StorageError(other_clock(where, (block.time_scale, block.time_refposition), known))


def other_clock(where: str, found: tuple[str, str], known: tuple[str, str]) -> str:
    """Say that an epoch's times are of another clock than the store's."""
    return (
        f"{where} has its time in {found[0]} at {found[1]}, the other epochs in {known[0]} at "
        f"{known[1]}; one store keeps one clock. State it in [time] of survey.toml."
    )


def _small(place: Location, name: str) -> zarr.Array[Any]:
    """One of the small arrays, whose chunks hold committed rows: always written whole, renamed."""
    with zarr.config.set({"array.write_empty_chunks": True}):
        return zarr.open_array(place.zarr_store(read_only=False), path=name, mode="r+")


def _text(values: list[str]) -> NDArray[Any]:
    return np.array(values, dtype=np.dtypes.StringDType())
