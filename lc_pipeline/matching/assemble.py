"""An epoch's matched detections put in the order of the objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.catalogs.source_catalog import MeasurementColumns, SourceCatalog
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import ABSENT, MeasurementFlag
from lc_pipeline.matching.duplicates import Candidates, resolve_duplicates
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.footprint import inside_hull
from lc_pipeline.matching.match import NO_OBJECT, Match
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.matching.repeats import file_names, in_several_files, n_further, refuse_repeated
from lc_pipeline.photometry.limits import LIMIT, epoch_limit
from lc_pipeline.sky.geometry import unit_vectors
from lc_pipeline.survey import MatchingSection

#: Measurements closer in time than this to the epoch's time need no time of their own.
_SAME_TIME_DAYS = 0.001 / 86400


def assemble_epoch(
    catalog: SourceCatalog,
    match: Match,
    reference: ReferenceCatalog,
    measurement_keys: Sequence[str],
    value_names: Sequence[str],
    matching: MatchingSection,
    quantities: Mapping[str, str] | None = None,
) -> EpochBlock:
    """Put the measurements of one epoch in the order of the objects.

    The duplicate rule is applied per object and measurement, over all detections of the object in
    the epoch that carry this measurement: further ones in the same file, and those of other files.
    Values are the catalogue's, rounded to float32 and otherwise untouched.

    Parameters
    ----------
    catalog : SourceCatalog
    match : Match
        Of that catalogue.
    reference : ReferenceCatalog
        The objects, in the order of the object axis.
    measurement_keys : sequence of str
        Measurements along the axis, in order. One that the catalogue does not have is not observed.
    value_names : sequence of str
        Name of the value and of its error, then of extras: those of ``MeasurementColumns.extra``.
    matching : MatchingSection
        `duplicates` and `absence` are used.
    quantities : mapping of str to str, optional
        What the store holds, ``mag`` or ``flux``, by measurement key. A catalogue that has the
        other is refused.

    Returns
    -------
    EpochBlock

    Raises
    ------
    CatalogError
        If the rule is ``refuse`` and an object stands twice, or the catalogue measures another
        quantity than the store holds.

    Notes
    -----
    Where an object has no detection that carries a measurement, the flag says why: NOT_OBSERVED if
    the epoch does not have the measurement at all. Otherwise by ``matching.absence``: ``field``:
    NOT_DETECTED. ``rows``: NOT_OBSERVED. ``hull``: NOT_DETECTED inside the convex hull of the
    detections of the files that have the measurement, NOT_OBSERVED outside, and everywhere where
    there is no hull (see :func:`~lc_pipeline.matching.footprint.inside_hull`).

    Where the catalogue states limits, an object that was NOT_DETECTED has the median limit of all
    detections that carry the measurement; one that has a detection has the limit of that.

    Examples
    --------
    >>> from lc_pipeline.matching import ReferenceCatalog, match_catalog
    >>> one = np.zeros(1)
    >>> measured = MeasurementColumns(
    ...     value=one + 12.5, error=one + 0.01, flags=one.astype("uint16"), quantity="mag", unit="")
    >>> catalog = SourceCatalog(
    ...     epoch="a", ra=one + 10, dec=one, file_index=np.zeros(1, dtype=np.intp), key=None,
    ...     measurements={"V": measured}, time=60000.0, time_scale="utc",
    ...     time_refposition="TOPOCENTER", exposure=30.0, files=())
    >>> reference = ReferenceCatalog(key=["x", "y"], ra=[10.0, 20.0], dec=[0.0, 0.0])
    >>> matching = MatchingSection(footprint="field")
    >>> block = assemble_epoch(
    ...     catalog, match_catalog(catalog, reference, matching), reference, ["V"],
    ...     ["mag", "mag_err"], matching)
    >>> block.lightcurves[0, 0].tolist(), block.flags.tolist()
    ([12.5, nan], [[0, 4]])
    """
    n_measurements, n_values = len(measurement_keys), len(value_names)
    n_objects = len(reference)
    _refuse_other_quantity(catalog, measurement_keys, quantities or {})
    objects = reference.unit_vectors_at(catalog.time)
    lightcurves = np.full((n_measurements, n_values, n_objects), np.nan, dtype=np.float32)
    flags = np.full((n_measurements, n_objects), MeasurementFlag.NOT_OBSERVED, dtype=np.uint16)
    separation = np.full(n_objects, np.nan, dtype=np.float32)
    time_offset = np.full((n_measurements, n_objects), np.nan)
    catalog_flags = np.zeros((n_measurements, n_objects), dtype=np.int64)
    match_flags = _match_flags(match)
    row_times = _row_times(catalog)
    rows_of: dict[bytes, _Rows] = {}
    for number, key in enumerate(measurement_keys):
        measured = catalog.measurements.get(key)
        if measured is None:
            continue
        # Measurements of the same files have the same rows: sort those once.
        carries = (measured.flags & np.uint16(MeasurementFlag.NOT_OBSERVED)) == 0
        rows = rows_of.get(carries.tobytes())
        if rows is None:
            rows = _Rows.of(carries, catalog, match, matching, objects)
            rows_of[carries.tobytes()] = rows
        absence = rows.absence
        if measured.found_nothing and matching.absence == "field":
            absence = np.full_like(absence, MeasurementFlag.NOT_DETECTED)
        if matching.duplicates == "refuse" and len(rows.repeated):
            refuse_repeated(catalog, match, rows.repeated, key, reference.key)
        flags[number] = absence
        columns = _Columns.of(catalog, measured, match, match_flags, row_times, value_names)
        once = columns.candidates(rows.single)
        several = columns.candidates(rows.repeated)
        if len(rows.repeated):
            several = resolve_duplicates(several, matching.duplicates)
            several.flags[:] |= np.uint16(MeasurementFlag.DUPLICATED)
        for part in (once, several):
            lightcurves[number][:, part.object], flags[number, part.object] = _as_stored(part)
            catalog_flags[number, part.object] = part.catalog_flags.astype(np.int32)
            time_offset[number, part.object] = part.time - catalog.time
            separation[part.object] = np.fmin(separation[part.object], part.separation)
        _give_limit(lightcurves[number], flags[number], measured, value_names)
    found = [shift for shift in match.shifts if shift.found]
    n_duplicates = n_further(catalog, match, measurement_keys, n_objects)
    return EpochBlock(
        epoch=catalog.epoch,
        measurement_keys=tuple(measurement_keys),
        value_names=tuple(value_names),
        lightcurves=lightcurves,
        flags=flags,
        separation=separation,
        time_offset=_time_offset(time_offset),
        catalog_flags=catalog_flags if _has_flags(catalog, measurement_keys) else None,
        time=catalog.time,
        time_scale=catalog.time_scale,
        time_refposition=catalog.time_refposition,
        exposure=catalog.exposure,
        n_sources=match.n_sources,
        n_matched=match.n_sources - match.n_unmatched - n_duplicates,
        n_unmatched=match.n_unmatched,
        n_ambiguous=match.n_ambiguous,
        n_duplicates=n_duplicates,
        offset_east_arcsec=float(np.mean([s.east_arcsec for s in found])) if found else 0.0,
        offset_north_arcsec=float(np.mean([s.north_arcsec for s in found])) if found else 0.0,
        n_offset_pairs=sum(shift.n_pairs for shift in found),
        n_detected=np.count_nonzero((flags & np.uint16(ABSENT)) == 0, axis=1).astype(np.int64),
        files=(*catalog.files, *catalog.log_rows),
        notes=(
            *catalog.notes,
            *match.notes,
            *_left_out(catalog, measurement_keys),
            *in_several_files(catalog, match, measurement_keys, n_objects),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Rows:
    """The detections that carry a measurement, and why the others' objects have none."""

    single: NDArray[np.intp]
    """Rows of objects with one detection."""
    repeated: NDArray[np.intp]
    """Rows of objects with several."""
    absence: NDArray[np.uint16]
    """Flag of each object that has no detection."""

    @classmethod
    def of(
        cls,
        carries: NDArray[np.bool_],
        catalog: SourceCatalog,
        match: Match,
        matching: MatchingSection,
        objects: NDArray[np.float64],
    ) -> _Rows:
        rows = np.flatnonzero(carries & (match.object_index != NO_OBJECT))
        found = match.object_index[rows]
        n_detections = np.bincount(found, minlength=len(objects))
        alone = n_detections[found] == 1
        absent = np.flatnonzero(n_detections == 0)
        absence = np.full(len(objects), MeasurementFlag.NOT_OBSERVED, dtype=np.uint16)
        if matching.absence == "field" and carries.any():
            # Files in which all rows are of other bands say nothing of this one.
            absence[absent] = MeasurementFlag.NOT_DETECTED
        elif matching.absence == "hull" and len(absent):
            seen = inside_hull(_registered(catalog, match, carries), objects[absent])
            absence[absent[seen]] = MeasurementFlag.NOT_DETECTED
        return cls(rows[alone], rows[~alone], absence)


@dataclass(frozen=True, eq=False)
class _Columns:
    """Everything that a measurement has for each detection, shape ``(n_sources,)``."""

    catalog: SourceCatalog
    match: Match
    values: tuple[NDArray[np.float64] | None, ...]
    flags: NDArray[np.uint16]
    catalog_flags: NDArray[np.int64] | None
    time: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        catalog: SourceCatalog,
        measured: MeasurementColumns,
        match: Match,
        match_flags: NDArray[np.uint16],
        row_times: NDArray[np.float64],
        value_names: Sequence[str],
    ) -> _Columns:
        flags = measured.flags | match_flags
        time = row_times
        if measured.time is not None:
            timeless = ~np.isfinite(measured.time)
            time = np.where(timeless, catalog.time, measured.time)
            # Where there is no value its time does not matter.
            bad = timeless & np.isfinite(measured.value)
            flags = flags | np.where(bad, MeasurementFlag.BAD_TIME, 0).astype(np.uint16)
        extras = [measured.extra.get(name) for name in value_names[2:]]
        values = (measured.value, measured.error, *extras)
        return cls(catalog, match, values, flags, measured.catalog_flags, time)

    def candidates(self, rows: NDArray[np.intp]) -> Candidates:
        values = np.full((len(self.values), len(rows)), np.nan)
        for number, column in enumerate(self.values):
            if column is not None:
                values[number] = column[rows]
        own_flags = self.catalog_flags
        return Candidates(
            object=self.match.object_index[rows],
            values=values,
            flags=self.flags[rows],
            catalog_flags=(
                np.zeros(len(rows), dtype=np.int64) if own_flags is None else own_flags[rows]
            ),
            separation=self.match.separation_arcsec[rows],
            time=self.time[rows],
            ra=self.catalog.ra[rows],
            dec=self.catalog.dec[rows],
        )


def _as_stored(part: Candidates) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    """Round values to float32; what has no value there is missing, and says so."""
    with np.errstate(over="ignore"):
        values = part.values.astype(np.float32)
    values[np.isinf(values)] = np.nan
    missing = np.isnan(values[0])
    explained = MeasurementFlag.BAD_VALUE | MeasurementFlag.NON_POSITIVE_FLUX
    unexplained = missing & ((part.flags & np.uint16(explained)) == 0)
    lost_error = np.isnan(values[1]) & np.isfinite(part.values[1])
    flags = part.flags.copy()
    flags[unexplained] |= np.uint16(MeasurementFlag.BAD_VALUE)
    flags[lost_error] |= np.uint16(MeasurementFlag.BAD_ERROR)
    return values, flags


def _give_limit(
    values: NDArray[np.float32],
    flags: NDArray[np.uint16],
    measured: MeasurementColumns,
    value_names: Sequence[str],
) -> None:
    """Give objects that were in the field and have no detection the limit of the epoch."""
    if LIMIT in value_names and LIMIT in measured.extra:
        absent = (flags & np.uint16(MeasurementFlag.NOT_DETECTED)) != 0
        values[value_names.index(LIMIT), absent] = epoch_limit(measured.extra[LIMIT])


def _match_flags(match: Match) -> NDArray[np.uint16]:
    ambiguous = np.where(match.ambiguous, MeasurementFlag.AMBIGUOUS, 0)
    off_position = np.where(match.off_position, MeasurementFlag.OFF_POSITION, 0)
    return (ambiguous | off_position).astype(np.uint16)


def _row_times(catalog: SourceCatalog) -> NDArray[np.float64]:
    """Time of each row's file, or the epoch's where that is unknown; MJD."""
    times = np.array([file.time for file in catalog.files] or [catalog.time])
    times = np.where(np.isfinite(times), times, catalog.time)
    return times[catalog.file_index]


def _registered(
    catalog: SourceCatalog, match: Match, carries: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Find where the detections that carry a measurement are, each file's shift taken out."""
    vectors = unit_vectors(catalog.ra, catalog.dec)
    for number, shift in enumerate(match.shifts):
        if shift.found:
            rows = catalog.file_index == number
            vectors[rows] = shift.remove_from(vectors[rows])
    vectors = vectors[carries]
    return vectors[np.isfinite(vectors).all(axis=1)]


def _time_offset(time_offset: NDArray[np.float64]) -> NDArray[np.float32] | None:
    largest = np.nanmax(np.abs(time_offset), initial=0.0)
    return time_offset.astype(np.float32) if largest > _SAME_TIME_DAYS else None


def _has_flags(catalog: SourceCatalog, measurement_keys: Sequence[str]) -> bool:
    measured = [catalog.measurements.get(key) for key in measurement_keys]
    return any(m is not None and m.catalog_flags is not None for m in measured)


def _left_out(catalog: SourceCatalog, measurement_keys: Sequence[str]) -> tuple[str, ...]:
    unknown = [key for key in catalog.measurements if key not in measurement_keys]
    return tuple(f"measurement {key!r} is not kept in the store" for key in unknown)


def _refuse_other_quantity(
    catalog: SourceCatalog, measurement_keys: Sequence[str], quantities: Mapping[str, str]
) -> None:
    for key in measurement_keys:
        measured = catalog.measurements.get(key)
        held = quantities.get(key)
        if measured is not None and held and measured.quantity != held:
            raise CatalogError(
                file_names(catalog, range(len(catalog.files))),
                f"measurement {key!r} is a {measured.quantity}, and the store holds a {held}: "
                f"set measurements.to_magnitude or measurements.quantity",
            )
