"""Ingest many epochs side by side: workers read, match and write rows of their own; one commit.

The rows are set aside under the store's lock before the workers start. Each worker writes whole
shards of its own rows, which nobody can be reading yet. Rows of epochs that were refused stay
empty.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

import numpy as np
from dask import compute, delayed, multiprocessing, threaded
from dask.local import get_sync

from lc_pipeline.catalogs.source_catalog import SourceCatalog
from lc_pipeline.errors import CatalogError, LightcurveError
from lc_pipeline.matching.assemble import assemble_epoch
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.match import match_catalog
from lc_pipeline.storage.epoch_log import appending, check_fits, other_clock
from lc_pipeline.storage.layout import cuts
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.model import ARRAYS
from lc_pipeline.storage.row_arrays import open_row_arrays, write_row
from lc_pipeline.storage.snapshot import EpochRecord, Snapshot, open_version
from lc_pipeline.survey import MatchingSection

#: Measurements that one task extracts.
GROUP = 8

#: A catalogue, the path or paths of one, or something that reads one when it is called.
CatalogSource = SourceCatalog | str | Path | Sequence[str | Path] | Callable[[], SourceCatalog]


@dataclass(frozen=True)
class EpochJob:
    """One epoch to ingest."""

    epoch: str
    source: CatalogSource


@dataclass(frozen=True)
class EpochResult:
    """What became of it: a record, or the reason why it was refused."""

    epoch: str
    record: EpochRecord | None
    error: str = ""
    arrays: frozenset[str] = frozenset()
    """Names of the arrays that its row has."""
    unknown_measurements: tuple[str, ...] = ()
    """Measurements that the store does not have: it was not stored."""


def ingest_parallel(
    location: Location,
    jobs: Sequence[EpochJob],
    measurement_keys: Sequence[str] | None,
    matching: MatchingSection | None,
    *,
    settings: str = "",
    n_workers: int = 4,
) -> list[EpochResult]:
    """Ingest epochs on Dask workers, in one commit.

    Parameters
    ----------
    location : Location
        The epoch store.
    jobs : sequence of EpochJob
    measurement_keys : sequence of str or None
        What to store; None for every measurement of the store.
    matching : MatchingSection or None
        None: as the store was made.
    settings : str
        Fingerprint to keep with each epoch.
    n_workers : int
        Processes, where there is no ``dask.distributed`` client to use.

    Returns
    -------
    list of EpochResult
        In the order of `jobs`.
    """
    if not jobs:
        return []
    with appending(location, len(jobs)) as rows:
        # Any row may turn out to need an optional array; those that none needed go again.
        was_there = set(rows.documents)
        rows.grow(model.name for model in ARRAYS)
        keys = tuple(measurement_keys or rows.committed.measurement_keys)
        place = str(rows.committed.place)
        tasks = [
            delayed(_ingest_row)(
                str(location), place, row, job, keys, matching, settings, measurement_keys is None
            )
            for row, job in zip(rows.numbers, jobs, strict=True)
        ]
        results = list(compute(*tasks, **_scheduler(n_workers)))
        results = _of_one_clock(results, rows.committed.clock)
        needed = frozenset().union(*(result.arrays for result in results))
        for model in ARRAYS:
            if model.is_optional and model.name not in needed | was_there:
                rows.drop(model.name)
        if any(result.record for result in results):
            rows.commit([result.record for result in results])
    return results


def n_values_stored(location: Location, results: Sequence[EpochResult]) -> dict[str, int]:
    """Count the values that were stored, by epoch.

    Raises
    ------
    CatalogError
        If epochs were refused; the message has every reason.
    """
    if refused := [result for result in results if result.record is None]:
        reasons = "\n  ".join(f"{result.epoch}: {result.error}" for result in refused)
        raise CatalogError(
            location.path,
            f"{len(refused)} of {len(results)} epochs were refused, the others are stored:\n"
            f"  {reasons}",
        )
    return {
        result.epoch: sum(result.record.n_values.values()) for result in results if result.record
    }


def _of_one_clock(results: list[EpochResult], known: tuple[str, str] | None) -> list[EpochResult]:
    """Refuse epochs whose times are of another clock than the store's, or the first one's."""
    checked = []
    for result in results:
        record = result.record
        if record:
            clock = (record.time_scale, record.time_refposition)
            known = known or clock
            if clock != known:
                names = ", ".join(record.source_name)
                error = other_clock(f"epoch {record.epoch!r} ({names})", clock, known)
                checked.append(EpochResult(result.epoch, None, error))
                continue
        checked.append(result)
    return checked


def _scheduler(n_workers: int) -> dict[str, object]:
    """Choose where to compute: an existing cluster, processes, or right here."""
    # Whoever has a cluster has imported it; it is optional, and slow to import.
    if distributed := sys.modules.get("distributed"):
        with contextlib.suppress(ValueError):
            return {"scheduler": distributed.get_client()}
    if n_workers == 1:
        return {"scheduler": get_sync}
    return {
        "scheduler": multiprocessing.get,
        "num_workers": min(n_workers, 4 * (os.cpu_count() or 1)),
        "initializer": _end_with_parent,
        "chunksize": 1,  # by default a worker is given six epochs while others have none
    }


def _end_with_parent() -> None:
    """Have a worker end when the process that started it is killed, not wait for more work."""
    parent = parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()


def _ingest_row(
    location: str,
    place: str,
    row: int,
    job: EpochJob,
    measurement_keys: tuple[str, ...],
    matching: MatchingSection | None,
    settings: str,
    takes_all: bool,  # noqa: FBT001
) -> EpochResult:
    """Read and match one epoch and write its row; runs on a worker.

    With `takes_all` an epoch with measurements that the store does not have is left to the caller,
    who can widen the store.
    """
    try:
        committed = _committed(location, place)
        catalog = read_source(job.epoch, job.source)
        unknown = tuple(
            key for key in catalog.measurements if key not in committed.measurement_keys
        )
        if unknown and takes_all:
            return EpochResult(job.epoch, None, unknown_measurements=unknown)
        block = match_to_store(committed, catalog, measurement_keys, matching)
        check_fits(committed, block)
        names = frozenset(m.name for m in ARRAYS if getattr(block, m.name) is not None)
        arrays = open_row_arrays(committed.place)
        write_row(arrays, row, block, committed.measurement_keys)
        record = EpochRecord.of(block, committed.reference, settings)
    except LightcurveError as error:
        return EpochResult(job.epoch, None, str(error))
    return EpochResult(job.epoch, record, arrays=names)


@lru_cache(maxsize=1)
def _committed(location: str, place: str) -> Snapshot:
    """The store that this worker writes to: opened once, its objects read once."""
    return open_version(Location(location), Location(place))


def read_source(epoch: str, source: CatalogSource) -> SourceCatalog:
    """Read an epoch's catalogue, wherever it comes from, under the epoch's key."""
    if callable(source):
        source = source()
    if isinstance(source, SourceCatalog):
        return source.renamed(epoch)
    return SourceCatalog.read(source, epoch=epoch)


def match_to_store(
    committed: Snapshot,
    catalog: SourceCatalog,
    measurement_keys: Sequence[str],
    matching: MatchingSection | None,
) -> EpochBlock:
    """Match a catalogue to a store's reference, in the store's measurements and values."""
    matching = matching or committed.matching
    return assemble_epoch(
        catalog,
        match_catalog(catalog, committed.reference, matching),
        committed.reference,
        measurement_keys,
        committed.value_names,
        matching,
        dict(zip(committed.measurement_keys, committed.quantities, strict=True)),
    )


def extract_with_dask(
    committed: Snapshot, catalog: SourceCatalog, measurement_keys: tuple[str, ...]
) -> EpochBlock:
    """Match a catalogue once, and extract its measurements in groups, as Dask tasks."""
    matching = committed.matching
    match = match_catalog(catalog, committed.reference, matching)
    quantities = dict(zip(committed.measurement_keys, committed.quantities, strict=True))
    groups = [measurement_keys[cut] for cut in cuts(len(measurement_keys), GROUP)]
    blocks = compute(
        *(
            delayed(assemble_epoch)(
                catalog,
                match,
                committed.reference,
                group,
                committed.value_names,
                matching,
                quantities,
            )
            for group in groups
        ),
        scheduler=threaded.get,  # the name "threads" makes dask import distributed
    )
    # Each task would note that the other tasks' measurements are not kept.
    return dataclasses.replace(join_measurements(blocks), notes=(*catalog.notes, *match.notes))


def join_measurements(blocks: Sequence[EpochBlock]) -> EpochBlock:
    """Put blocks of one epoch, with measurements of their own each, into one."""

    def joined(name: str, fill: float) -> Any:
        parts = [getattr(block, name) for block in blocks]
        if all(part is None for part in parts):
            return None
        dtype = next(part.dtype for part in parts if part is not None)
        return np.concatenate(
            [
                np.full_like(block.flags, fill, dtype=dtype) if part is None else part
                for block, part in zip(blocks, parts, strict=True)
            ]
        )

    return dataclasses.replace(
        blocks[0],
        measurement_keys=tuple(key for block in blocks for key in block.measurement_keys),
        lightcurves=joined("lightcurves", np.nan),
        flags=joined("flags", 0),
        separation=np.fmin.reduce([block.separation for block in blocks]),
        time_offset=joined("time_offset", np.nan),
        catalog_flags=joined("catalog_flags", 0),
        n_detected=joined("n_detected", 0),
    )
