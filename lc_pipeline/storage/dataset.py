"""A store as an xarray dataset: lazy arrays, coordinates in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.core import indexing
from xarray.indexes import PandasIndex

from lc_pipeline.storage.model import ARRAYS, CONVENTIONS, COORDINATE_ATTRIBUTES
from lc_pipeline.storage.object_keys import ObjectKeys
from lc_pipeline.storage.snapshot import EpochRecord, Snapshot
from lc_pipeline.storage.view import LazyRows


def open_dataset(snapshot: Snapshot) -> xr.Dataset:
    """Show a store: dims object, measurement, value, epoch, whatever the order on disk.

    Epochs are in order of time. No array with an epoch axis is read. The axis of objects has no
    index yet: see :func:`with_object_index`.
    """
    coordinates: dict[str, xr.Variable] = {}

    def add(name: str, dim: str, values: Any, attributes: dict[str, str] | None = None) -> None:
        described = COORDINATE_ATTRIBUTES.get(name, {}) | (attributes or {})
        coordinates[name] = xr.Variable((dim,), values, described)

    add("object", "object", indexing.LazilyIndexedArray(snapshot.object_keys))
    for name, column in snapshot.object_columns.items():
        if name != "ref_epoch":
            add(name, "object", column)
    add("measurement", "measurement", np.array(snapshot.measurement_keys, dtype=object))
    add("quantity", "measurement", np.array(snapshot.quantities, dtype=object))
    add("unit", "measurement", np.array(snapshot.units, dtype=object))
    add("value", "value", np.array(snapshot.value_names, dtype=object))
    for name, (column, attributes) in epoch_coordinates(snapshot.current_records).items():
        add(name, "epoch", column, attributes)

    arrays = {}
    for model in ARRAYS:
        shards = snapshot.shards(model.name)
        if shards is not None:
            lazy = LazyRows(shards, model.dims, snapshot.rows, snapshot.place)
            arrays[model.name] = xr.Variable(
                model.dims, indexing.LazilyIndexedArray(lazy), model.attributes
            )
    units = set(snapshot.units)
    if len(units) == 1 and (unit := units.pop()):
        arrays["lightcurves"].attrs = arrays["lightcurves"].attrs | {"units": unit}
    indexes = {
        name: PandasIndex(coordinates[name].values, name)
        for name in ("measurement", "value", "epoch")
    }
    return xr.Dataset(
        arrays,
        xr.Coordinates(coordinates, indexes),
        {
            "Conventions": CONVENTIONS,
            "radesys": "ICRS",
            "survey": snapshot.attributes["survey"],
            "layout": snapshot.layout,
            "version": snapshot.version,
            "digest": snapshot.digest,
        },
    )


def with_object_index(dataset: xr.Dataset, keys: ObjectKeys) -> xr.Dataset:
    """Read all keys, so that objects can be selected by them."""
    index = xr.Coordinates.from_xindex(PandasIndex(keys.index, "object"))
    index["object"].attrs = COORDINATE_ATTRIBUTES["object"]
    return dataset.assign_coords(index)


def epoch_coordinates(
    records: Sequence[EpochRecord],
) -> dict[str, tuple[NDArray[Any], dict[str, str]]]:
    """Per-epoch coordinates from the records of the ingests: values and attributes by name."""

    def numbers(name: str) -> NDArray[np.float64]:
        values = [getattr(record, name) for record in records]
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    def counts(name: str) -> NDArray[np.int32]:
        return np.array([getattr(record, name) for record in records], dtype=np.int32)

    def words(name: str) -> NDArray[Any]:
        values = [getattr(record, name) for record in records]
        return np.array(
            [", ".join(value) if isinstance(value, tuple) else value for value in values],
            dtype=object,
        )

    clock = (
        {"scale": records[0].time_scale, "refposition": records[0].time_refposition}
        if records
        else {}
    )
    columns: dict[str, NDArray[Any]] = {"epoch": words("epoch")}
    columns |= {name: numbers(name) for name in ("time", "bjd_tdb", "exposure")}
    columns |= {
        name: counts(name)
        for name in ("n_sources", "n_matched", "n_unmatched", "n_ambiguous", "n_duplicates")
    }
    columns |= {name: numbers(name) for name in ("offset_east", "offset_north")}
    columns["n_offset_pairs"] = counts("n_offset_pairs")
    columns |= {name: words(name) for name in ("source_name", "source_sha256", "ingested_at")}
    return {name: (column, clock if name == "time" else {}) for name, column in columns.items()}
