"""An empty store: its objects, its measurements, its arrays.

Both layouts begin with :func:`create_group`; :func:`create_epoch_log` makes a whole epoch store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from lc_pipeline._version import __version__
from lc_pipeline.errors import StorageError
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.storage import versions
from lc_pipeline.storage.commit import commit
from lc_pipeline.storage.layout import (
    COORDINATE_OBJECTS,
    COORDINATE_ROWS,
    RECORD_ROWS,
    plan_epoch_layout,
)
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.model import ARRAYS, CONVENTIONS, FORMAT_VERSION, create_coordinate
from lc_pipeline.storage.row_arrays import create_row_array
from lc_pipeline.survey import MatchingSection


@dataclass(frozen=True)
class StoreAxes:
    """What a store is for: all axes but that of epochs."""

    reference: ReferenceCatalog
    measurement_keys: Sequence[str]
    quantities: Sequence[str]
    """``mag`` or ``flux`` for each measurement."""
    units: Sequence[str]
    value_names: Sequence[str]

    @property
    def sizes(self) -> dict[str, int]:
        """Length of every axis; there is no epoch yet."""
        return {
            "epoch": 0,
            "measurement": len(self.measurement_keys),
            "value": len(self.value_names),
            "object": len(self.reference),
        }


def create_epoch_log(
    location: Location,
    axes: StoreAxes,
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
        version = versions.next_version(location)
        staging = versions.staging_location(location, version)
        staging.remove()
        known = {
            "survey": survey,
            "settings": settings,
            "matching": matching.model_dump(mode="json"),
        }
        _create_rows(staging, axes, known)
        commit(staging)
        versions.publish(location, version)


def _create_rows(staging: Location, axes: StoreAxes, known: dict[str, Any]) -> None:
    """Create the group of an epoch store, with everything that has a row per ingest: none yet."""
    sizes = axes.sizes
    layout = plan_epoch_layout(sizes["object"], sizes["measurement"], sizes["value"])
    attributes = known | {
        "layout": "epoch",
        "object_block": layout.object_block,
        "object_capacity": layout.capacity,
    }
    group = create_group(staging, axes, attributes)
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
    for model in ARRAYS:
        if not model.is_optional:
            create_row_array(group, model, sizes, layout.object_block, layout.capacity)


def create_group(place: Location, axes: StoreAxes, attributes: dict[str, Any]) -> zarr.Group:
    """Create the group of a store of either layout, with all coordinates but those of epochs.

    Parameters
    ----------
    place : Location
        Where a version is built.
    axes : StoreAxes
    attributes : dict
        What is to be remembered of the store, beside its format.
    """
    software = {"format": FORMAT_VERSION, "created_by": f"lc_pipeline {__version__}"}
    group = zarr.create_group(
        place.zarr_store(read_only=False),
        attributes={
            "Conventions": CONVENTIONS,
            "radesys": "ICRS",
            "lc_pipeline": attributes | software,
        },
    )
    for name, column in reference_columns(axes.reference).items():
        create_coordinate(group, name, ("object",), column, chunk=COORDINATE_OBJECTS)
    create_coordinate(group, "measurement", ("measurement",), list(axes.measurement_keys))
    create_coordinate(group, "quantity", ("measurement",), list(axes.quantities))
    create_coordinate(group, "unit", ("measurement",), list(axes.units))
    create_coordinate(group, "value", ("value",), list(axes.value_names))
    return group


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
