"""A store as it was when it was opened: its light curves, its keys, its objects on the sky."""

from __future__ import annotations

import difflib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lc_pipeline.errors import LightcurveError, NotInStoreError, StorageError
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.sky.sky_index import SkyIndex
from lc_pipeline.storage import versions
from lc_pipeline.storage.dataset import open_dataset, with_object_index
from lc_pipeline.storage.snapshot import Snapshot

#: So many keys are compared with one that is not there, to say what may have been meant.
MOST_COMPARED = 100_000


class OpenStore:
    """What one commit, or one published version, shows; made when it is asked for, then kept.

    Parameters
    ----------
    snapshot : Snapshot
        What is shown; nothing later changes it.
    tables : Path
        Folder of the tables made from these light curves, zero points among them.
    """

    def __init__(self, snapshot: Snapshot, tables: Path) -> None:
        self.snapshot = snapshot
        self.tables = tables

    @cached_property
    def dataset(self) -> xr.Dataset:
        """Everything as one lazy dataset; objects can be selected by key."""
        return with_object_index(self._numbered, self.snapshot.object_keys)

    @cached_property
    def calibrated(self) -> xr.Dataset:
        """As :attr:`dataset`, calibrated when it is read."""
        return with_object_index(self._numbered_calibrated, self.snapshot.object_keys)

    @cached_property
    def calibration(self) -> Calibration:
        """The zero points, as they were when they were first asked for.

        Raises
        ------
        StorageError
            If there are none yet.
        """
        try:
            return Calibration.read(self.tables)
        except LightcurveError as error:
            raise StorageError(str(error)) from error

    def numbered(self, *, calibrated: bool = False) -> xr.Dataset:
        """As :attr:`dataset`, but objects can be selected by number only: quick to open."""
        return self._numbered_calibrated if calibrated else self._numbered

    @cached_property
    def _numbered(self) -> xr.Dataset:
        return open_dataset(self.snapshot)

    @cached_property
    def _numbered_calibrated(self) -> xr.Dataset:
        return self.calibration.attach(self._numbered)

    @cached_property
    def sky(self) -> SkyIndex:
        """Where the objects are."""
        place = self.snapshot.object_columns
        return SkyIndex(place["ra"], place["dec"])

    def object_keys(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> list[str]:
        """Keys of chosen objects, in the order of the object axis."""
        return list(self.snapshot.object_keys.values[chosen])

    def number(self, axis: Literal["object", "measurement", "epoch"], key: str) -> int:
        """Number of a key on its axis.

        Raises
        ------
        NotInStoreError
            If there is no such key; the message names the nearest ones.
        """
        keys = self.snapshot.object_keys
        try:
            if axis == "object":
                return keys.find(key)
            return int(self._numbered.indexes[axis].get_loc(key))
        except KeyError:
            index = keys.index if axis == "object" else self._numbered.indexes[axis]
            near = difflib.get_close_matches(str(key), list(index[:MOST_COMPARED]), n=3)
            raise NotInStoreError(
                f"{self.snapshot.location}: there is no {axis} {key!r}."
                + (f" Did you mean {' or '.join(near)}?" if near else f" There are {len(index)}.")
            ) from None

    def description(self) -> dict[str, Any]:
        """What is here, in plain types."""
        snapshot, records = self.snapshot, self.snapshot.current_records
        lightcurves = self._numbered["lightcurves"]
        times = [record.time for record in records if record.time is not None]
        known: dict[str, Any] = {
            "path": str(snapshot.location),
            "layout": snapshot.layout,
            "survey": snapshot.attributes["survey"],
            "n_objects": snapshot.n_objects,
            "n_epochs": len(snapshot.rows),
            "n_measurements": len(snapshot.measurement_keys),
            "measurement_keys": list(snapshot.measurement_keys),
            "values": list(snapshot.value_names),
            "first_time_mjd": min(times, default=None),
            "last_time_mjd": max(times, default=None),
            "time_scale": records[0].time_scale if times else None,
            "shape": list(lightcurves.shape),
            "bytes_uncompressed": int(lightcurves.nbytes),
            "bytes_on_disk": snapshot.place.n_bytes(),
            "version": snapshot.version,
            "versions": versions.list_versions(snapshot.location),
        }
        if snapshot.layout == "epoch":
            known["n_ingests"] = snapshot.n_rows
        else:
            known["published_at"] = snapshot.attributes["created_at"]
        return known
