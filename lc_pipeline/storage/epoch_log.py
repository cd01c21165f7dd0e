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
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import zarr

from lc_pipeline.errors import NotInStoreError, StorageError
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.storage.commit import commit, committed_metadata, read_metadata
from lc_pipeline.storage.location import GROUP_METADATA, Location, sync_all
from lc_pipeline.storage.model import ARRAYS
from lc_pipeline.storage.new_store import reference_columns
from lc_pipeline.storage.row_arrays import (
    PER_EPOCH,
    PER_ROW,
    as_text,
    create_row_array,
    open_row_arrays,
    open_small,
    write_metadata,
    write_row,
)
from lc_pipeline.storage.shards import Shards
from lc_pipeline.storage.snapshot import EpochRecord, Snapshot, open_snapshot


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
        sizes = self.committed.sizes | {"epoch": self.numbers.stop}
        sizes["object"] = max(sizes["object"], n_objects)
        sizes["measurement"] = max(sizes["measurement"], n_measurements)
        write_metadata(place, self.documents, sizes)
        needed = set(needed)
        for model in ARRAYS:
            if model.name in needed and model.name not in self.documents:
                create_row_array(
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
        open_small(place, "epoch")[rows] = as_text([r.epoch if r else "" for r in records])
        open_small(place, "time")[rows] = np.array(times)
        open_small(place, "record")[rows] = as_text([r.to_json() if r else "" for r in records])
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
            array = open_small(committed.place, name)
            array[n_known:] = as_text(list(new)) if name == "object" else new
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
            open_small(place, name)[n_known:] = as_text(list(new))
        rows.commit([], changed=columns)


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
