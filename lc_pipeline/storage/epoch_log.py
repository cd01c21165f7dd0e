"""The epoch store: an append-only log of epochs whose consolidated metadata is the commit.

A row is one ingest of one epoch. To append, a writer grows the arrays, writes the new row's
shards, then the small per-epoch arrays, and last the group's consolidated metadata, in one rename.
Readers open the consolidated metadata and so see the rows of the last commit, whatever lies
behind them. A writer starts again from the committed length, so a crash leaves nothing to repair.

For each epoch key the last committed row counts; nothing that is committed is ever rewritten.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from lc_pipeline._version import __version__
from lc_pipeline.errors import StorageError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.storage.codecs import fast_pipeline
from lc_pipeline.storage.layout import (
    COORDINATE_OBJECTS,
    COORDINATE_ROWS,
    RECORD_ROWS,
    plan_epoch_layout,
)
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.model import (
    ARRAYS,
    CONVENTIONS,
    FORMAT_VERSION,
    ArrayModel,
    consolidate,
    create_array,
    create_coordinate,
)
from lc_pipeline.storage.snapshot import EpochRecord, Snapshot, open_snapshot
from lc_pipeline.survey import MatchingSection

LAYOUT = "epoch"


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
    """Create an empty epoch store; it appears at `location` complete or not at all."""
    staging = Location(location.path.with_name(f".{location.path.name}.new"))
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
                "store_id": uuid.uuid4().hex,
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
    consolidate(group.store)
    staging.publish_as(location)


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
    with location.writer_lock():
        committed = open_snapshot(location)
        for block in blocks:
            _check_fits(committed, block)
        store = location.zarr_store(read_only=False)
        group = zarr.open_group(store, mode="r+", use_consolidated=False)
        start, stop = committed.n_rows, committed.n_rows + len(blocks)
        arrays = _grown_row_arrays(group, committed, blocks, start, stop)
        for row, block in enumerate(blocks, start=start):
            _write_row(arrays, row, block, committed.measurement_keys)
        _small(group, "epoch")[start:stop] = _text([record.epoch for record in records])
        _small(group, "time")[start:stop] = np.array([block.time for block in blocks])
        _small(group, "record")[start:stop] = _text([record.to_json() for record in records])
        consolidate(store)


def append_objects(location: Location, reference: ReferenceCatalog) -> None:
    """Append objects to the object axis; every row and every object that is there stays.

    Parameters
    ----------
    reference : ReferenceCatalog
        The store's reference with the new objects at its end.
    """
    with location.writer_lock():
        committed = open_snapshot(location)
        known, n_known = committed.reference, committed.n_objects
        if list(known.key) != list(reference.key[:n_known]):
            raise StorageError(f"{location}: objects may only be added at the end of the reference")
        if ("pm_dec" in committed.group) != (reference.pm_dec is not None):
            raise StorageError(f"{location}: proper motions must be given for all objects or none")
        store = location.zarr_store(read_only=False)
        group = zarr.open_group(store, mode="r+", use_consolidated=False)
        for model in ARRAYS:
            if (array := group.get(model.name)) is not None:
                array.resize((*array.shape[:-1], len(reference)))  # type: ignore[union-attr]
        for name, column in reference_columns(reference).items():
            array = _small(group, name)
            array.resize((len(reference),))
            new = column[n_known:]
            array[n_known:] = _text(list(new)) if name == "object" else new
        consolidate(store)


def append_measurements(
    location: Location, keys: Sequence[str], quantities: Sequence[str], units: Sequence[str]
) -> None:
    """Append measurements to the measurement axis; in the rows that are there they are missing.

    Raises
    ------
    StorageError
        If a magnitude comes to a store of fluxes, or the reverse.
    """
    with location.writer_lock():
        committed = open_snapshot(location)
        known = committed.measurement_keys
        value_name = committed.value_names[0]
        for key, quantity in zip(keys, quantities, strict=True):
            if value_name not in ("value", quantity):
                raise StorageError(
                    f"{location}: measurement {key!r} is a {quantity} and the store keeps "
                    f"{value_name}. Make a store of its own for it (survey.store)."
                )
        store = location.zarr_store(read_only=False)
        group = zarr.open_group(store, mode="r+", use_consolidated=False)
        for model in ARRAYS:
            if "measurement" in model.dims and model.name in group:
                array = _small(group, model.name)
                shape = list(array.shape)
                shape[1] = len(known) + len(keys)
                array.resize(tuple(shape))
        for name, new in (("measurement", keys), ("quantity", quantities), ("unit", units)):
            array = _small(group, name)
            array.resize((len(known) + len(keys),))
            array[len(known) :] = _text(list(new))
        consolidate(store)


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


def _grown_row_arrays(
    group: zarr.Group,
    committed: Snapshot,
    blocks: Sequence[EpochBlock],
    start: int,
    stop: int,
) -> dict[str, zarr.Array[Any]]:
    """Make every array `stop` rows long, rid of what a crashed writer left behind `start`."""
    sizes = {
        "epoch": start,
        "measurement": len(committed.measurement_keys),
        "value": len(committed.value_names),
        "object": committed.n_objects,
    }
    for model in ARRAYS:
        is_needed = any(getattr(block, model.name, None) is not None for block in blocks)
        if model.is_optional and is_needed and model.name not in group:
            capacity = int(committed.attributes["object_capacity"])
            _create_row_array(group, model, sizes, committed.object_block, capacity)
    arrays: dict[str, zarr.Array[Any]] = {}
    with fast_pipeline():
        for name in (model.name for model in ARRAYS):
            if name in group:
                arrays[name] = group[name]  # type: ignore[assignment]
    for array in [*arrays.values(), *(_small(group, name) for name in ("epoch", "time", "record"))]:
        if array.shape[0] > start:
            array.resize((start, *array.shape[1:]))
        array.resize((stop, *array.shape[1:]))
    return arrays


def _write_row(
    arrays: dict[str, zarr.Array[Any]],
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
        arrays[model.name][row] = values


def _check_fits(committed: Snapshot, block: EpochBlock) -> None:
    where = f"{committed.location}: epoch {block.epoch!r}"
    if block.flags.shape[1] != committed.n_objects:
        raise StorageError(
            f"{where} was matched to {block.flags.shape[1]} objects and the store has "
            f"{committed.n_objects}: objects were added meanwhile. Ingest the epoch again."
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
        raise StorageError(f"{where} has no time; set [time] in survey.toml")
    if committed.records:
        first = committed.records[0]
        clock = (first.time_scale, first.time_refposition)
        if (block.time_scale, block.time_refposition) != clock:
            raise StorageError(
                f"{where} has its time in {block.time_scale} at {block.time_refposition}, the "
                f"epochs in the store in {clock[0]} at {clock[1]}; one store keeps one clock. "
                f"State it in [time] of survey.toml."
            )


def _small(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """One of the small arrays, whose chunks hold committed rows: always written whole, renamed."""
    return group[name]  # type: ignore[return-value]


def _text(values: list[str]) -> NDArray[Any]:
    return np.array(values, dtype=np.dtypes.StringDType())
