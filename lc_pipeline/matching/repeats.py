"""Objects that stand more than once in an epoch: counted, told of, or refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.catalogs.source_catalog import SourceCatalog
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.matching.match import NO_OBJECT, Match

_N_NAMED = 5


def n_further(
    catalog: SourceCatalog, match: Match, measurement_keys: Sequence[str], n_objects: int
) -> int:
    """Count the detections that are not the first of their object in any measurement.

    First is what is no duplicate within its file, then what is nearest.
    """
    found = match.object_index
    has_object = found != NO_OBJECT
    # One place more than there are objects: for those that have none, at the end.
    is_several = np.bincount(found[has_object], minlength=n_objects + 1) > 1
    further = has_object & is_several[found]
    rows = np.flatnonzero(further)
    place = np.empty(len(found), dtype=np.intp)
    order = rows[np.lexsort((match.separation_arcsec[rows], match.is_duplicate[rows]))]
    place[order] = np.arange(len(order))
    carried = np.zeros(len(found), dtype=np.bool_)
    for of_key in _carrying(catalog, match, measurement_keys).values():
        carrying = of_key[is_several[found[of_key]]]
        carried[carrying] = True
        first = np.full(n_objects, len(order), dtype=np.intp)
        np.minimum.at(first, found[carrying], place[carrying])
        further[order[first[first < len(order)]]] = False
    return int(np.count_nonzero(np.where(carried, further, match.is_duplicate)))


def in_several_files(
    catalog: SourceCatalog, match: Match, measurement_keys: Sequence[str], n_objects: int
) -> tuple[str, ...]:
    """Name the files that have the same measurement of the same objects."""
    notes = []
    for key, rows in _carrying(catalog, match, measurement_keys).items():
        files = catalog.file_index[rows]
        if not len(rows) or files.min() == files.max():
            continue
        found = match.object_index[rows]
        lowest = np.full(n_objects, len(catalog.files), dtype=np.intp)
        highest = np.full(n_objects, -1, dtype=np.intp)
        np.minimum.at(lowest, found, files)
        np.maximum.at(highest, found, files)
        several = np.unique(files[(lowest < highest)[found]]).tolist()
        if several:
            notes.append(
                f"{len(several)} files of this epoch have measurement {key} "
                f"({file_names(catalog, several)}): the duplicate rule is applied between them"
            )
    return tuple(notes)


def refuse_repeated(
    catalog: SourceCatalog,
    match: Match,
    rows: NDArray[np.intp],
    key: str,
    object_keys: NDArray[np.str_],
) -> None:
    """Name the objects that stand more than once, and their rows."""
    found = match.object_index[rows]
    objects = np.unique(found)
    start = np.searchsorted(catalog.file_index, catalog.file_index)
    several_files = len(catalog.files) > 1
    texts = []
    for number in objects[:_N_NAMED].tolist():
        name = repr(str(object_keys[number]))
        own = rows[found == number].tolist()
        places = [
            f"{row - start[row] + 1}"
            + (f" of {file_names(catalog, [catalog.file_index[row]])}" if several_files else "")
            for row in own
        ]
        texts.append(f"{name} (rows {', '.join(places)})")
    more = f" and {len(objects) - _N_NAMED} more" if len(objects) > _N_NAMED else ""
    raise CatalogError(
        file_names(catalog, np.unique(catalog.file_index[rows]).tolist()),
        f"epoch {catalog.epoch} has {key!r} more than once for {', '.join(texts)}{more}; choose "
        f"another rule than 'refuse' for matching.duplicates, or remove the rows",
    )


def _carrying(
    catalog: SourceCatalog, match: Match, measurement_keys: Sequence[str]
) -> dict[str, NDArray[np.intp]]:
    """Rows with an object that carry each measurement."""
    rows = {}
    for key in measurement_keys:
        if (measured := catalog.measurements.get(key)) is not None:
            carries = (measured.flags & np.uint16(MeasurementFlag.NOT_OBSERVED)) == 0
            rows[key] = np.flatnonzero(carries & (match.object_index != NO_OBJECT))
    return rows


def file_names(catalog: SourceCatalog, numbers: Sequence[int]) -> str:
    """Names of some files of an epoch, for a message."""
    names = [catalog.files[number].name for number in numbers if number < len(catalog.files)]
    return ", ".join(names) or f"epoch {catalog.epoch}"
