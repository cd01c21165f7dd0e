"""The reference catalogue made from the epochs themselves.

The result is the same, to the last bit, whatever the order in which epochs come and whatever the
order of rows within them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.catalogs.source_catalog import SourceCatalog
from lc_pipeline.errors import MatchingError
from lc_pipeline.matching.assignment import assign_one_to_one
from lc_pipeline.matching.keyed import build_from_keys
from lc_pipeline.matching.match import NO_OBJECT, match_catalog
from lc_pipeline.matching.names import iau_names
from lc_pipeline.matching.offset import find_offset
from lc_pipeline.matching.pairs import find_pairs
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.matching.spill import SpilledFile, close_pairs, spilled_positions
from lc_pipeline.progress import Progress
from lc_pipeline.sky.geometry import (
    chord_length,
    mean_direction,
    shift_field,
    sky_coordinates,
    unit_vectors,
)
from lc_pipeline.survey import MatchingSection, ReferenceSection

#: In one file, detections closer than this part of the radius are one source listed twice.
LISTED_TWICE = 0.25

#: Objects closer than this part of the radius are one, unless they are mostly seen side by side.
SPLIT = 0.5

Catalogs = Callable[[], Iterable[SourceCatalog]]


def build_reference(
    catalogs: Catalogs,
    matching: MatchingSection,
    reference_section: ReferenceSection | None = None,
    progress: Progress | None = None,
) -> ReferenceCatalog:
    """Make the reference catalogue from the detections of all, or of chosen, epochs.

    Parameters
    ----------
    catalogs : callable
        Gives the catalogues, one per epoch, in any order; they are taken one at a time.
    matching : MatchingSection
        Mode, radius and whether to remove offsets.
    reference_section : ReferenceSection, optional
        `epochs`, `min_epochs` and `radius_arcsec` are used.
    progress : callable, optional
        Called as ``progress(done, in_all)``, in steps of one file and pass.

    Returns
    -------
    ReferenceCatalog
        In HEALPix order, with `n_epochs`. An object is kept if it was seen in `min_epochs` epochs,
        or in all of them where there are fewer.

    Raises
    ------
    MatchingError
        If there are no detections, no object is seen often enough, an epoch is given twice, or the
        mode is ``key`` and a catalogue has no keys.

    Notes
    -----
    *By key*: one object per key, at the median of its positions.

    *By position*, in three passes over the positions, which are read from the catalogues once and
    kept in a temporary file meanwhile:

    1. The epoch with most detections gives the first objects. Each further file, in a fixed order,
       is registered to the mean positions so far (if ``astrometric_offset``) and matched to them
       one-to-one within the radius; what is left over becomes new objects. Within one file,
       detections closer than a quarter of the radius are one source listed twice; others never
       join the same object.
    2. All files are matched to these objects, which now stay fixed, and mean positions taken anew.
       Objects closer than half the radius are parts of one, unless both were seen in at least half
       of the epochs of the rarer one; the less seen is dropped. So are those seen too seldom.
    3. The same against the objects that remain gives the positions and counts.

    The frame is that of the median registration: half of the epochs lie to either side of it.
    Objects are named after their positions by :func:`~lc_pipeline.matching.names.iau_names`.

    Examples
    --------
    >>> def epoch(name, ra):
    ...     ra = np.array(ra)
    ...     return SourceCatalog(
    ...         epoch=name, ra=ra, dec=np.zeros(len(ra)), file_index=np.zeros(len(ra), dtype=int),
    ...         key=None, measurements={}, time=60000.0, time_scale="utc",
    ...         time_refposition="TOPOCENTER", exposure=30.0, files=())
    >>> epochs = [epoch("a", [10.0, 11.0]), epoch("b", [10.0001, 12.0])]
    >>> reference = build_reference(lambda: epochs, MatchingSection())
    >>> reference.key.tolist(), reference.n_epochs.tolist()
    (['J004000.012+000000.00'], [2])
    """
    section = reference_section or ReferenceSection()
    if matching.mode == "key":
        keyed = build_from_keys(_chosen(catalogs, section), section.min_epochs, progress)
        if not len(keyed):
            raise MatchingError(f"no key stands in {section.min_epochs} epochs")
        return keyed
    radius = section.radius_arcsec or matching.radius_arcsec
    with spilled_positions(
        _chosen(catalogs, section), _all_vectors, LISTED_TWICE * radius
    ) as files:
        if not files:
            raise MatchingError("the epochs to build a reference catalogue from have no detections")
        objects = _cluster(files, radius, _search(matching), section.min_epochs, progress)
    if not len(objects.vectors):
        raise MatchingError(
            f"no object was seen in {section.min_epochs} epochs: is the match radius of "
            f"{radius:g} arcsec too small, or are the epochs shifted (matching.astrometric_offset)?"
        )
    return _named(objects)


def find_new_objects(
    catalogs: Catalogs,
    reference: ReferenceCatalog,
    matching: MatchingSection,
    reference_section: ReferenceSection | None = None,
    progress: Progress | None = None,
) -> ReferenceCatalog:
    """Make objects of the detections that have none in the reference catalogue.

    This is the explicit second pass: nothing is added to a reference while epochs are matched to
    it. :meth:`ReferenceCatalog.extended` appends the result.

    Parameters
    ----------
    catalogs, matching, reference_section, progress
        As for :func:`build_reference`, but for `reference_section.epochs`, which say what to build
        a reference from: here all epochs that are given are searched.
    reference : ReferenceCatalog
        The objects that exist; the epochs are registered to them.

    Returns
    -------
    ReferenceCatalog
        The new objects, by the rules of :func:`build_reference`; it may be empty. None of them is
        within the radius of an object that exists, none has a key that exists.

    Raises
    ------
    MatchingError
        As :func:`build_reference`, but not for want of objects.
    """
    section = reference_section or ReferenceSection()
    if matching.mode == "key":
        return build_from_keys(catalogs(), section.min_epochs, progress, known=reference.key)
    radius = section.radius_arcsec or matching.radius_arcsec

    def unmatched(catalog: SourceCatalog) -> NDArray[np.float64]:
        match = match_catalog(catalog, reference, matching)
        vectors = unit_vectors(catalog.ra, catalog.dec)
        for number, offset in enumerate(match.shifts):
            rows = catalog.file_index == number
            vectors[rows] = offset.remove_from(vectors[rows])
        vectors[match.object_index != NO_OBJECT] = np.nan
        return vectors

    with spilled_positions(catalogs(), unmatched, LISTED_TWICE * radius) as files:
        if not files:
            return ReferenceCatalog.empty()
        # They are in the frame of the reference already, and few: nothing to register by.
        objects = _cluster(files, radius, None, section.min_epochs, progress)
    known = reference.unit_vectors_at()
    apart = np.ones(len(objects.vectors), dtype=np.bool_)
    apart[find_pairs(objects.vectors, known, radius).detection] = False
    objects = objects.where(apart)
    return _named(objects, reference.key.tolist())


@dataclass(frozen=True)
class _Objects:
    """Mean positions as unit vectors, shape ``(n, 3)``, and number of epochs seen, ``(n,)``."""

    vectors: NDArray[np.float64]
    n_epochs: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> _Objects:
        return _Objects(self.vectors[chosen], self.n_epochs[chosen])


@dataclass
class _Sums:
    """Running sums of the unit vectors of the detections of each object."""

    vectors: NDArray[np.float64]

    def means(self) -> NDArray[np.float64]:
        return np.asarray(self.vectors / np.linalg.norm(self.vectors, axis=1, keepdims=True))


def _all_vectors(catalog: SourceCatalog) -> NDArray[np.float64]:
    return unit_vectors(catalog.ra, catalog.dec)


def _search(matching: MatchingSection) -> float | None:
    return matching.max_offset_arcsec if matching.astrometric_offset else None


def _chosen(catalogs: Catalogs, section: ReferenceSection) -> Iterator[SourceCatalog]:
    """Pass on the epochs to build from."""
    for catalog in catalogs():
        if not section.epochs or catalog.epoch in section.epochs:
            yield catalog


def _named(objects: _Objects, taken: Iterable[str] = ()) -> ReferenceCatalog:
    ra, dec = sky_coordinates(objects.vectors)
    names = np.array(iau_names(ra, dec, taken))
    return ReferenceCatalog(key=names, ra=ra, dec=dec, n_epochs=objects.n_epochs).ordered()


def _cluster(
    files: list[SpilledFile],
    radius: float,
    max_offset: float | None,
    min_epochs: int,
    progress: Progress | None,
) -> _Objects:
    """Run the three passes; see :func:`build_reference`."""
    n_passes = 3
    total = n_passes * len(files)

    def say(before: int, done: int) -> None:
        if progress:
            progress(before + done, total)

    center = mean_direction(files[0].vectors())
    min_epochs = min(min_epochs, len({file.epoch for file in files}))
    sums = _Sums(np.empty((0, 3)))
    for number, file in enumerate(files):
        vectors, _ = _registered(file, sums.means(), radius, max_offset, center)
        index = _assign(vectors, sums.means(), radius)
        matched = index != NO_OBJECT
        sums.vectors[index[matched]] += vectors[matched]
        sums.vectors = np.concatenate([sums.vectors, vectors[~matched]])
        say(0, number + 1)
    fixed = sums.means()
    frame = np.zeros(2)
    objects = _Objects(fixed, np.empty(0, dtype=np.int64))
    for pass_number in range(1, n_passes):
        close = close_pairs(objects.vectors, SPLIT * radius)
        objects, together, frame = _recount(
            files,
            objects.vectors,
            close,
            radius,
            max_offset,
            center,
            partial(say, pass_number * len(files)),
        )
        keep = objects.n_epochs >= min_epochs
        if pass_number == 1:
            keep = _without_splits(objects.n_epochs, close, together, min_epochs)
        objects = objects.where(keep)
    if center is None or not len(objects.vectors):
        return objects
    return _Objects(shift_field(objects.vectors, center, *frame.tolist()), objects.n_epochs)


def _registered(
    file: SpilledFile,
    objects: NDArray[np.float64],
    radius: float,
    max_offset: float | None,
    center: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Read a file's positions, shifted onto the objects; and the shift, if one was found."""
    vectors = file.vectors()
    if max_offset is None or not len(objects):
        return vectors, None
    offset = find_offset(
        vectors, objects, radius_arcsec=radius, max_offset_arcsec=max_offset, center=center
    )
    shift = np.array([offset.east_arcsec, offset.north_arcsec]) if offset.found else None
    return offset.remove_from(vectors), shift


def _assign(
    vectors: NDArray[np.float64], objects: NDArray[np.float64], radius: float
) -> NDArray[np.intp]:
    pairs = find_pairs(vectors, objects, radius)
    return assign_one_to_one(pairs, len(vectors), len(objects), float(chord_length(radius)) ** 2)


def _recount(
    files: list[SpilledFile],
    fixed: NDArray[np.float64],
    close: NDArray[np.intp],
    radius: float,
    max_offset: float | None,
    center: NDArray[np.float64] | None,
    say: Callable[[int], None],
) -> tuple[_Objects, NDArray[np.int64], NDArray[np.float64]]:
    """Match all files to fixed objects: new means, counts, and the median registration.

    Also counts for each of the `close` pairs, shape ``(n_pairs, 2)``, the epochs that saw both.
    """
    n = len(fixed)
    sums = _Sums(np.zeros((n, 3)))
    n_epochs, together = np.zeros(n, dtype=np.int64), np.zeros(len(close), dtype=np.int64)
    seen = np.zeros(n, dtype=np.bool_)
    shifts: dict[str, list[NDArray[np.float64]]] = {}
    for number, file in enumerate(files):
        vectors, shift = _registered(file, fixed, radius, max_offset, center)
        if shift is not None:
            shifts.setdefault(file.epoch, []).append(shift)
        index = _assign(vectors, fixed, radius)
        matched = index != NO_OBJECT
        sums.vectors[index[matched]] += vectors[matched]
        seen[index[matched]] = True
        if number + 1 == len(files) or files[number + 1].epoch != file.epoch:
            n_epochs += seen
            together += seen[close].all(axis=1)
            seen[:] = False
        say(number + 1)
    unseen = n_epochs == 0
    sums.vectors[unseen] = fixed[unseen]
    epoch_shifts = [np.mean(shift, axis=0) for shift in shifts.values()]
    frame = np.median(epoch_shifts, axis=0) if epoch_shifts else np.zeros(2)
    return _Objects(sums.means(), n_epochs), together, frame


def _without_splits(
    n_epochs: NDArray[np.int64],
    close: NDArray[np.intp],
    together: NDArray[np.int64],
    min_epochs: int,
) -> NDArray[np.bool_]:
    """Choose which objects to keep: no split parts, none seen too seldom.

    The better seen part of a split object stays if the parts together were seen often enough; its
    other detections join it in the next pass.
    """
    keep = np.ones(len(n_epochs), dtype=np.bool_)
    total = n_epochs.copy()
    for (first, second), both in zip(close.tolist(), together.tolist(), strict=True):
        rarer = min(n_epochs[first], n_epochs[second])
        if not (keep[first] and keep[second]) or (rarer and 2 * both >= rarer):
            continue
        stays, goes = (first, second) if n_epochs[first] >= n_epochs[second] else (second, first)
        keep[goes] = False
        total[stays] += total[goes] - both
    return keep & (total >= min_epochs)
