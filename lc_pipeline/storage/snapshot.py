"""What a store holds as of one commit: its records, its objects, its arrays."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import uuid
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal, Self

import numpy as np
import zarr
from numpy.typing import NDArray

from lc_pipeline._version import __version__
from lc_pipeline.errors import StorageError
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.sky.barycenter import barycentric_julian_date
from lc_pipeline.storage import versions
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.model import FORMAT_VERSION, read_coordinate, texts
from lc_pipeline.storage.object_keys import ObjectKeys
from lc_pipeline.storage.shards import Shards
from lc_pipeline.survey import MatchingSection


@dataclass(frozen=True)
class EpochRecord:
    """What is remembered of one ingest: one line of JSON in the store, beside the row."""

    epoch: str
    time: float | None
    time_scale: str
    time_refposition: str
    exposure: float | None
    bjd_tdb: float | None
    n_sources: int
    n_matched: int
    n_unmatched: int
    n_ambiguous: int
    n_duplicates: int
    n_detected: dict[str, int]
    offset_east: float
    offset_north: float
    n_offset_pairs: int
    source_name: tuple[str, ...]
    source_sha256: tuple[str, ...]
    notes: tuple[str, ...] = ()
    n_values: dict[str, int] = field(default_factory=dict)
    """Values that are not missing, by measurement."""
    settings: str = ""
    """Fingerprint of the survey settings that the epoch was ingested with."""
    is_removed: bool = False
    """The epoch was removed: this row has nothing but this record."""
    ingest_id: str = ""
    """Names this ingest wherever its row is copied to."""
    n_objects: int = 0
    ingested_at: str = ""
    software: str = f"lc_pipeline {__version__}"

    @property
    def match_fraction(self) -> float | None:
        """Matched detections over all; None if there was none."""
        return self.n_matched / self.n_sources if self.n_sources else None

    @classmethod
    def of(cls, block: EpochBlock, reference: ReferenceCatalog, settings: str) -> Self:
        """Describe one epoch that is about to be stored, matched to `reference`."""
        bjd_tdb = barycentric_julian_date(
            block.time, block.time_scale, block.time_refposition, *reference.center
        )
        return cls(
            epoch=block.epoch,
            time=_or_none(block.time),
            time_scale=block.time_scale,
            time_refposition=block.time_refposition,
            exposure=_or_none(block.exposure),
            bjd_tdb=_or_none(bjd_tdb),
            n_sources=block.n_sources,
            n_matched=block.n_matched,
            n_unmatched=block.n_unmatched,
            n_ambiguous=block.n_ambiguous,
            n_duplicates=block.n_duplicates,
            n_detected=dict(
                zip(block.measurement_keys, map(int, block.n_detected), strict=True),
            ),
            n_values=dict(zip(block.measurement_keys, block.n_stored.tolist(), strict=True)),
            ingest_id=uuid.uuid4().hex,
            offset_east=block.offset_east_arcsec,
            offset_north=block.offset_north_arcsec,
            n_offset_pairs=block.n_offset_pairs,
            source_name=tuple(file.name for file in block.files),
            source_sha256=tuple(file.sha256 for file in block.files),
            notes=block.notes,
            settings=settings,
            n_objects=block.flags.shape[1],
            ingested_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        )

    def to_json(self) -> str:
        """One line of text."""
        return json.dumps(vars(self), ensure_ascii=False, allow_nan=False)

    @classmethod
    @lru_cache(maxsize=2**16)  # a writer reads all of them again after every commit
    def from_json(cls, text: str) -> Self:
        """Read it back, leaving out what a newer version may have added."""
        known = {entry.name for entry in dataclasses.fields(cls)}
        values = {name: value for name, value in json.loads(text).items() if name in known}
        for name in ("source_name", "source_sha256", "notes"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


def _or_none(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


@dataclass(frozen=True)
class Snapshot:
    """A store as of one commit or one published version; nothing later changes it."""

    location: Location
    """The folder of the store."""
    place: Location
    """The version that is open."""
    group: zarr.Group
    records: tuple[EpochRecord | None, ...]
    """One for each committed row; None for a row that was set aside and not used."""
    attributes: dict[str, Any] = field(repr=False)

    @property
    def layout(self) -> Literal["epoch", "object"]:
        """``epoch``: the log that is written. ``object``: a version that is read."""
        return self.attributes["layout"]  # type: ignore[no-any-return]

    @property
    def version(self) -> str:
        """Id of the version that is open."""
        return self.place.path.stem

    @property
    def n_rows(self) -> int:
        """Number of committed rows."""
        return len(self.records)

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """The row that counts for each epoch, epochs in order of time, then key."""
        last = {record.epoch: row for row, record in enumerate(self.records) if record}
        ordered = sorted(
            (_chronological(record), row)
            for row in last.values()
            if (record := self.records[row]) and not record.is_removed
        )
        return np.array([row for _, row in ordered], dtype=np.intp)

    @cached_property
    def current_records(self) -> tuple[EpochRecord, ...]:
        """The records of :attr:`rows`, in the same order."""
        records = (self.records[row] for row in self.rows.tolist())
        return tuple(record for record in records if record)

    @property
    def clock(self) -> tuple[str, str] | None:
        """Time scale and reference position of the epochs; None if there is no epoch yet."""
        for record in self.current_records[:1]:
            return record.time_scale, record.time_refposition
        return None

    @cached_property
    def ingest_ids(self) -> tuple[str, ...]:
        """Which ingests :attr:`rows` are, in the same order: what this store shows."""
        return tuple(record.ingest_id for record in self.current_records)

    @property
    def digest(self) -> str:
        """Digest of what this store shows: the same for two stores with the same light curves."""
        shown = (self.ingest_ids, self.n_objects, self.measurement_keys)
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]

    @cached_property
    def measurement_keys(self) -> tuple[str, ...]:
        """Keys of the measurement axis."""
        return tuple(texts(self.group["measurement"]))  # type: ignore[arg-type]

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """``mag`` or ``flux`` for each measurement."""
        return tuple(texts(self.group["quantity"]))  # type: ignore[arg-type]

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Unit of each measurement's value and error; empty where there is none."""
        return tuple(texts(self.group["unit"]))  # type: ignore[arg-type]

    @cached_property
    def value_names(self) -> tuple[str, ...]:
        """Names of the value axis."""
        return tuple(texts(self.group["value"]))  # type: ignore[arg-type]

    @cached_property
    def object_keys(self) -> ObjectKeys:
        """Keys of the object axis."""
        array: Any = self.group["object"]
        return ObjectKeys(self.place / "object", self.n_objects, array.chunks[0])

    @cached_property
    def object_columns(self) -> dict[str, NDArray[np.float64]]:
        """Positions and, where there are any, proper motions of the objects, by name."""
        names = ("ra", "dec", "pm_ra_cosdec", "pm_dec", "ref_epoch")
        return {name: read_coordinate(self.group[name]) for name in names if name in self.group}  # type: ignore[arg-type]

    @cached_property
    def reference(self) -> ReferenceCatalog:
        """The objects, in the order of the object axis."""
        return ReferenceCatalog.checked_before(self.object_keys.values, **self.object_columns)

    def share_reference(self, other: Snapshot) -> None:
        """Take over the objects of an earlier commit: none is ever changed, only added."""
        is_same = self.place.path == other.place.path and self.n_objects == other.n_objects
        if is_same:
            shared = ("object_keys", "object_columns", "reference")
            self.__dict__.update({k: v for k, v in other.__dict__.items() if k in shared})

    @cached_property
    def n_objects(self) -> int:
        """Length of the object axis."""
        return int(self.group["object"].shape[0])  # type: ignore[union-attr]

    @property
    def sizes(self) -> dict[str, int]:
        """Length of every axis; that of epochs has all committed rows."""
        return {
            "epoch": self.n_rows,
            "measurement": len(self.measurement_keys),
            "value": len(self.value_names),
            "object": self.n_objects,
        }

    @property
    def object_block(self) -> int:
        """Objects in an inner chunk."""
        return int(self.attributes["object_block"])

    @property
    def matching(self) -> MatchingSection:
        """How epochs are matched in this store."""
        return MatchingSection.model_validate(self.attributes["matching"])

    def shards(self, name: str) -> Shards | None:
        """Open one of the large arrays; None if the store has none."""
        array: Any = self.group.get(name)
        return None if array is None else Shards(array, self.place / name)


def _chronological(record: EpochRecord) -> tuple[float, str]:
    return (np.inf if record.time is None else record.time, record.epoch)


def open_snapshot(location: Location, *, consolidated: bool = True) -> Snapshot:
    """Open the last commit of an epoch store, or the current version of an object store.

    Parameters
    ----------
    location : Location
        The folder of the store.
    consolidated : bool
        False opens an epoch store by its arrays' own metadata, committed or not.

    Raises
    ------
    StorageError
        If there is no store, it is damaged, or it is of a newer format.
    """
    return open_version(location, versions.resolve(location), consolidated=consolidated)


def open_version(location: Location, place: Location, *, consolidated: bool = True) -> Snapshot:
    """Open one version of a store; see :func:`open_snapshot`."""
    try:
        group = zarr.open_group(
            place.zarr_store(read_only=True), mode="r", use_consolidated=consolidated
        )
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise StorageError(
            f"{place}: the metadata are missing or damaged ({error}). 'lc-pipeline verify SURVEY' "
            f"tells what is left."
        ) from error
    attributes: Any = group.attrs.get("lc_pipeline")
    if not isinstance(attributes, dict) or "layout" not in attributes:
        raise StorageError(f"{location}: a Zarr group, but not a store of lc_pipeline")
    if attributes["format"] > FORMAT_VERSION:
        raise StorageError(
            f"{location}: written in format {attributes['format']}, and this lc_pipeline "
            f"({__version__}) knows {FORMAT_VERSION}. Install a newer lc_pipeline."
        )
    lines = texts(group["record"])  # type: ignore[arg-type]
    records = tuple(EpochRecord.from_json(line) if line else None for line in lines)
    return Snapshot(location, place, group, records, attributes)
