"""Compact the epoch store: a fresh version that has only the rows that count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.storage import versions
from lc_pipeline.storage.commit import commit, committed_metadata
from lc_pipeline.storage.location import GROUP_METADATA, Location
from lc_pipeline.storage.row_arrays import ARRAY_NAMES, PER_ROW, open_small, write_metadata
from lc_pipeline.storage.snapshot import Snapshot, open_snapshot


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
    write_metadata(staging, documents, committed.sizes | {"epoch": len(rows)})
    for name in PER_ROW:
        values: Any = committed.group[name]
        open_small(staging, name)[...] = np.asarray(values[...])[rows]
    commit(staging)
