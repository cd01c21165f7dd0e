"""One epoch's detections matched to the objects of a fixed reference catalogue.

Every epoch is matched to the same reference, on its own: the result depends neither on the order in
which epochs arrive nor on the order of rows within them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from lc_pipeline.catalogs.source_catalog import SourceCatalog
from lc_pipeline.errors import MatchingError
from lc_pipeline.matching.assignment import assign_one_to_one
from lc_pipeline.matching.keys import key_texts
from lc_pipeline.matching.offset import Offset, find_offset, median_offset, no_offset
from lc_pipeline.matching.pairs import find_pairs
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.sky.geometry import chord_length, unit_vectors, vector_separation_arcsec
from lc_pipeline.survey import MatchingSection

NO_OBJECT = -1


@dataclass(frozen=True, eq=False)
class Match:
    """Which object each detection of one epoch belongs to.

    Attributes
    ----------
    object_index : (n_sources,) array of int
        Row of the reference catalogue; -1 for none.
    separation_arcsec : (n_sources,) array of float, arcsec
        Between detection (its file's offset removed) and object; NaN where there is none.
    is_duplicate : (n_sources,) array of bool
        A further detection of an object that another detection of the same file was matched to.
    ambiguous : (n_sources,) array of bool
        By position: another object lies within the radius of this detection, or another detection
        of the same file within the radius of its object. Never by key.
    off_position : (n_sources,) array of bool
        By key: the position disagrees with the object's by more than the radius.
    shifts : tuple of Offset
        The shift that was removed from each file; 0 where none was asked for or found.
    notes : tuple of str
        What a person should know, in words.
    """

    object_index: NDArray[np.intp]
    separation_arcsec: NDArray[np.float64]
    is_duplicate: NDArray[np.bool_]
    ambiguous: NDArray[np.bool_]
    off_position: NDArray[np.bool_]
    shifts: tuple[Offset, ...]
    notes: tuple[str, ...] = ()

    @property
    def offsets(self) -> NDArray[np.float64]:
        """Shift (east, north) removed from each file: shape ``(n_files, 2)``, arcsec."""
        pairs = [(shift.east_arcsec, shift.north_arcsec) for shift in self.shifts]
        return np.array(pairs, dtype=np.float64).reshape(-1, 2)

    @property
    def offset_scatter_arcsec(self) -> NDArray[np.float64]:
        """Robust standard deviation of one coordinate of one pair, per file; NaN if no shift."""
        return np.array([shift.scatter_arcsec for shift in self.shifts])

    @property
    def n_offset_pairs(self) -> NDArray[np.intp]:
        """Pairs that each file's shift was taken from; 0 if no shift."""
        return np.array([shift.n_pairs for shift in self.shifts], dtype=np.intp)

    @property
    def n_sources(self) -> int:
        """All detections; each is matched, a duplicate or unmatched."""
        return len(self.object_index)

    @property
    def n_matched(self) -> int:
        """Detections that are the one of their object in their file."""
        return self.n_sources - self.n_unmatched - self.n_duplicates

    @property
    def n_duplicates(self) -> int:
        """Further detections of objects that have one in the same file."""
        return int(np.count_nonzero(self.is_duplicate))

    @property
    def n_unmatched(self) -> int:
        """Detections without an object."""
        return int(np.count_nonzero(self.object_index == NO_OBJECT))

    @property
    def n_ambiguous(self) -> int:
        """Detections, matched or duplicates, for which there was a choice."""
        return int(np.count_nonzero(self.ambiguous))


def match_catalog(
    catalog: SourceCatalog, reference: ReferenceCatalog, matching: MatchingSection
) -> Match:
    """Match the detections of one epoch to the objects of the reference catalogue.

    Each file of the epoch is matched on its own, and each band of a file that has a row for every
    band (``measurements.where``). *By position*: among all one-to-one assignments
    within ``radius_arcsec`` the one with the least sum of squared separations, where each unmatched
    detection costs the radius squared. A detection that this leaves alone although its nearest
    object is within the radius is a duplicate of that object. *By key*: equal keys match, whatever
    the position; of several rows with one key the nearest is the match, the others are duplicates.

    Parameters
    ----------
    catalog : SourceCatalog
        Detections without a finite position are matched by key only.
    reference : ReferenceCatalog
        Its objects are moved to the epoch's time where they have proper motions.
    matching : MatchingSection
        Of ``survey.toml``.

    Returns
    -------
    Match

    Raises
    ------
    MatchingError
        If the mode is ``key`` and the catalogue has no keys; if the reference has proper motions
        and the epoch has no time; if the radius is far too large for the field.

    Examples
    --------
    >>> catalog = SourceCatalog(
    ...     epoch="a", ra=np.array([10.0, 20.0]), dec=np.array([0.0001, 5.0]),
    ...     file_index=np.zeros(2, dtype=np.intp), key=None, measurements={}, time=60000.0,
    ...     time_scale="utc", time_refposition="TOPOCENTER", exposure=30.0, files=())
    >>> reference = ReferenceCatalog(key=np.array(["star"]), ra=np.array([10.0]), dec=np.zeros(1))
    >>> match = match_catalog(catalog, reference, MatchingSection())
    >>> match.object_index.tolist(), match.separation_arcsec.round(2).tolist()
    ([0, -1], [0.36, nan])
    """
    objects = reference.unit_vectors_at(catalog.time)
    tree = reference.tree_at(catalog.time) if matching.mode != "key" else None
    return match_vectors(catalog, objects, matching, reference.key, tree)


def match_vectors(
    catalog: SourceCatalog,
    objects: NDArray[np.float64],
    matching: MatchingSection,
    keys: NDArray[np.str_],
    tree: scipy.spatial.KDTree | None = None,
) -> Match:
    """Match as :func:`match_catalog`, to objects whose places at the epoch are known already.

    Parameters
    ----------
    catalog : SourceCatalog
    objects : (n_objects, 3) array of float
        Unit vectors at the time of the epoch.
    matching : MatchingSection
    keys : (n_objects,) array of str
        Used only to match by key.
    tree : scipy.spatial.KDTree, optional
        Of `objects`, where there is one already.
    """
    n = len(catalog)
    files, parts = catalog.file_index, catalog.part_index
    n_files = max(len(catalog.files), int(files.max(initial=-1)) + 1)
    vectors = unit_vectors(catalog.ra, catalog.dec)
    by_key = matching.mode == "key"
    found_by_key = _find_keys(catalog, keys) if by_key else None
    index = np.full(n, NO_OBJECT, dtype=np.intp)
    separation = np.full(n, np.nan)
    duplicate, ambiguous = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    shifts = [no_offset()] * n_files
    # Everything below sees the detections in an order that only their content decides.
    order = content_order(catalog)
    for number in range(n_files):
        rows = order[files[order] == number]
        if found_by_key is not None:
            known = rows[found_by_key[rows] != NO_OBJECT]
            found = found_by_key[known]
            shifts[number] = _key_offset(vectors[known], objects[found], matching)
            index[known] = found
            moved = shifts[number].remove_from(vectors[known])
            separation[known] = vector_separation_arcsec(moved, objects[found])
            for part in _parts(parts[known]):
                mine = known[part]
                duplicate[mine] = _all_but_nearest(index[mine], separation[mine])
        else:
            rows = rows[np.isfinite(catalog.ra[rows]) & np.isfinite(catalog.dec[rows])]
            shifts[number] = _position_offset(vectors[rows], objects, matching)
            moved = shifts[number].remove_from(vectors[rows])
            for part in _parts(parts[rows]):
                mine = rows[part]
                index[mine], duplicate[mine], ambiguous[mine] = _match_positions(
                    moved[part], objects, matching.radius_arcsec, tree
                )
            has_object = index[rows] != NO_OBJECT
            separation[rows[has_object]] = vector_separation_arcsec(
                moved[has_object], objects[index[rows[has_object]]]
            )
    off_position = separation > matching.radius_arcsec if by_key else np.zeros(n, dtype=np.bool_)
    return Match(
        object_index=index,
        separation_arcsec=separation,
        is_duplicate=duplicate,
        ambiguous=ambiguous,
        off_position=off_position,
        shifts=tuple(shifts),
        notes=_notes(catalog, shifts, matching),
    )


def _parts(part: NDArray[np.intp]) -> list[slice | NDArray[np.intp]]:
    """Divide rows of one file into the bands that they are of; see ``SourceCatalog.part_index``."""
    if not len(part) or part.min() == part.max():
        return [slice(None)]
    return [np.flatnonzero(part == number) for number in np.unique(part).tolist()]


def content_order(catalog: SourceCatalog) -> NDArray[np.intp]:
    """Sort detections by file, then position, then whatever else tells them apart.

    Rows that are equal in every respect stay in their order, and may be exchanged at will.

    Returns
    -------
    (n_sources,) array of int
        Indices that sort the detections.
    """
    files = catalog.file_index
    if len(catalog) and files.min() == files.max():
        # Mostly there is one file, and no right ascension twice in it.
        order = np.argsort(catalog.ra)
        if not _equals_next(catalog.ra[order]).any():
            return order
    order = np.lexsort((catalog.dec, catalog.ra, files))
    ra, dec, files = catalog.ra[order], catalog.dec[order], files[order]
    same = _equals_next(ra) & _equals_next(dec) & _equals_next(files)
    if not same.any():
        return order
    # Only repeated positions need the costly comparison of all columns.
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    rows = order[tied]
    columns: list[NDArray[np.generic]] = []
    for name in sorted(catalog.measurements):
        measured = catalog.measurements[name]
        columns += [measured.value[rows], measured.error[rows], measured.flags[rows]]
        columns += [measured.extra[extra][rows] for extra in sorted(measured.extra)]
        columns += [c[rows] for c in (measured.catalog_flags, measured.time) if c is not None]
    if catalog.key is not None:
        columns.append(np.unique(catalog.key[rows], return_inverse=True)[1])
    place = np.cumsum(np.append(False, ~same))[tied]
    order[tied] = rows[np.lexsort((*columns, place))]
    return order


def _equals_next(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Compare each value with the one behind it; NaN equals NaN."""
    first, second = values[:-1], values[1:]
    return np.asarray((first == second) | ((first != first) & (second != second)))  # noqa: PLR0124


def _find_keys(catalog: SourceCatalog, keys: NDArray[np.str_]) -> NDArray[np.intp]:
    """Row of the reference that has each detection's key; -1 for none."""
    if catalog.key is None:
        raise MatchingError(
            f"epoch {catalog.epoch}: matching.mode is 'key', and its catalogue has no column of "
            f"keys: name it as columns.key, or match by position"
        )
    row_of_key = {key: row for row, key in enumerate(keys.tolist())}
    wanted = key_texts(catalog.key).tolist()
    return np.array([row_of_key.get(key, NO_OBJECT) for key in wanted], dtype=np.intp)


def _position_offset(
    vectors: NDArray[np.float64], objects: NDArray[np.float64], matching: MatchingSection
) -> Offset:
    if not matching.astrometric_offset:
        return no_offset()
    return find_offset(
        vectors,
        objects,
        radius_arcsec=matching.radius_arcsec,
        max_offset_arcsec=matching.max_offset_arcsec,
    )


def _key_offset(
    vectors: NDArray[np.float64], objects: NDArray[np.float64], matching: MatchingSection
) -> Offset:
    if not matching.astrometric_offset:
        return no_offset()
    finite = np.isfinite(vectors).all(axis=1)
    return median_offset(vectors[finite], objects[finite], matching.max_offset_arcsec)


def _match_positions(
    detections: NDArray[np.float64],
    objects: NDArray[np.float64],
    radius_arcsec: float,
    tree: scipy.spatial.KDTree | None,
) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.bool_]]:
    """Match one file: the object, whether it is a duplicate, whether there was a choice."""
    n, n_objects = len(detections), len(objects)
    pairs = find_pairs(detections, objects, radius_arcsec, tree)
    max_chord_squared = float(chord_length(radius_arcsec)) ** 2
    index = assign_one_to_one(pairs, n, n_objects, max_chord_squared)
    # Any detection with a candidate that was left alone lost it to another detection.
    alone = np.flatnonzero((index == NO_OBJECT)[pairs.detection])
    nearest_last = alone[np.lexsort((-pairs.object[alone], -pairs.chord_squared[alone]))]
    duplicate = np.zeros(n, dtype=np.bool_)
    duplicate[pairs.detection[alone]] = True
    # Of several assignments to one element the last one counts: the nearest object.
    index[pairs.detection[nearest_last]] = pairs.object[nearest_last]
    n_candidates = np.bincount(pairs.detection, minlength=n)
    if not n_objects:
        return index, duplicate, np.zeros(n, dtype=np.bool_)
    n_suitors = np.bincount(pairs.object, minlength=n_objects)
    has_rival = n_suitors[index] > 1
    ambiguous = (n_candidates > 1) | ((index != NO_OBJECT) & has_rival)
    return index, duplicate, ambiguous


def _all_but_nearest(found: NDArray[np.intp], separation: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Of the detections of one object, mark all but the nearest, or the first of equals."""
    order = np.lexsort((separation, found))
    repeated = np.zeros(len(found), dtype=np.bool_)
    repeated[order[1:]] = np.diff(found[order]) == 0
    return repeated


def _notes(
    catalog: SourceCatalog, shifts: list[Offset], matching: MatchingSection
) -> tuple[str, ...]:
    """Say for which files a shift was asked for and not found."""
    if not matching.astrometric_offset:
        return ()
    names = [file.name for file in catalog.files]
    names += [f"file {number + 1}" for number in range(len(names), len(shifts))]
    return tuple(
        f"{name}: no astrometric offset within {matching.max_offset_arcsec:g} arcsec stands out "
        f"of the chance pairs; none was removed"
        for name, shift in zip(names, shifts, strict=True)
        if not shift.found
    )
