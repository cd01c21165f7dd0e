"""The detections in one catalogue file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.catalogs.columns import ColumnPlan, plan_columns
from lc_pipeline.catalogs.landed_files import LandedFile
from lc_pipeline.catalogs.limits import limits_of, upper_limits_among
from lc_pipeline.catalogs.measurement_columns import MeasurementColumns
from lc_pipeline.catalogs.measurement_plan import names_in, rows_where
from lc_pipeline.catalogs.missing import (
    POGSON,
    catalog_flags_of,
    flag_missing,
    is_bad,
    is_listed,
    numbers_of,
    texts_of,
    to_magnitudes,
)
from lc_pipeline.catalogs.names import KEY_NAMES
from lc_pipeline.catalogs.positions import check_positions, normalise_ra, read_angles
from lc_pipeline.catalogs.reading import read_catalog_file
from lc_pipeline.catalogs.times import FileTimes, read_times
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import FLAG_DTYPE, MeasurementFlag
from lc_pipeline.photometry.limits import LIMIT
from lc_pipeline.survey import MeasurementSection, MissingSection, SurveyConfig

Floats = NDArray[np.float64]

_MOST_ROWS_NAMED = 10


@dataclass(frozen=True)
class FileDetections:
    """What one file contributes to an epoch; every array has one entry per row kept."""

    name: str
    sha256: str
    ra: Floats
    dec: Floats
    key: NDArray[np.str_] | None
    measurements: dict[str, MeasurementColumns]
    times: FileTimes
    plan: ColumnPlan
    notes: tuple[str, ...]


def read_detections(
    file: LandedFile, survey: SurveyConfig, *, needs_time: bool = True
) -> FileDetections:
    """Read one file, decide what its columns are, and clean what they hold.

    Parameters
    ----------
    file : LandedFile
    survey : SurveyConfig
    needs_time : bool
        Whether a file whose time cannot be recognised is refused; else its time is NaN.

    Raises
    ------
    CatalogError
        If the file cannot be used as configured.
    """
    source = read_catalog_file(file.path, survey.files, _kept_as_written(survey))
    table, path = source.table, file.path
    plan = plan_columns(path, table, survey, file.groups)
    notes = [*source.notes, *plan.notes]
    if not len(table):
        notes.append(f"{file.name} has no rows: an epoch without detections")
    by_key = survey.matching.mode == "key"
    names = np.array(texts_of(table[plan.key]), dtype=np.str_) if plan.key else None
    named = names != "" if by_key and names is not None else np.zeros(len(table), dtype=np.bool_)
    ra, dec, kept = _positions(path, table, plan, survey, named, notes)
    own = [section.time for section in plan.measurements if section.time]
    try:
        times = read_times(path, table, survey, file.groups, list(dict.fromkeys(own)), file.log)
    except CatalogError as error:
        if needs_time or survey.time:
            raise
        times = FileTimes(np.nan, "utc", "UNKNOWN", np.nan, notes=(error.reason,))
    notes += times.notes
    measurements = {
        section.key: _measure(file, table, section, survey.missing, times, kept, notes)
        for section in plan.measurements
    }
    key = None if names is None else names[kept]
    if by_key and np.any(kept & ~named):
        row = int(np.argmax(kept & ~named)) + 1
        raise CatalogError(
            path, f"column {plan.key!r}, row {row}: the object has no name; correct the row"
        )
    return FileDetections(
        file.name, source.sha256, ra, dec, key, measurements, times, plan, tuple(notes)
    )


def _kept_as_written(survey: SurveyConfig) -> list[str]:
    """Name the columns of which the cells of a text file are no numbers."""
    names = [survey.columns.key] if survey.columns.key else []
    if survey.matching.mode == "key" and not names:
        names = list(KEY_NAMES)
    for section in survey.measurements:
        names += [*(section.where or ()), *names_in(section.key)]
        if isinstance(section.bad_flags, tuple) and section.flags:
            names.append(section.flags)
    if isinstance(survey.columns.bad_flags, tuple) and survey.columns.flags:
        names.append(survey.columns.flags)
    if survey.time and survey.time.source == "column" and "%" in survey.time.format:
        names.append(survey.time.name)
    return names


def _positions(
    path: object,
    table: Table,
    plan: ColumnPlan,
    survey: SurveyConfig,
    named: NDArray[np.bool_],
    notes: list[str],
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """RA and Dec of the rows that are kept: those with a position, and those `named`."""
    section = survey.columns
    if not plan.ra:
        nowhere = np.full(len(table), np.nan)
        return nowhere, nowhere.copy(), np.ones(len(table), dtype=np.bool_)
    ra, note = read_angles(path, plan.ra, table[plan.ra], section.ra_unit, is_ra=True)
    dec, _ = read_angles(path, plan.dec, table[plan.dec], section.dec_unit, is_ra=False)
    if note:
        notes.append(note)
    for sentinel in survey.missing.values:
        ra = np.where(ra == sentinel, np.nan, ra)
        dec = np.where(dec == sentinel, np.nan, dec)
    check_positions(path, plan.ra, ra, plan.dec, dec)
    placed = np.isfinite(ra) & np.isfinite(dec)
    ra, dec = np.where(placed, ra, np.nan), np.where(placed, dec, np.nan)
    kept = placed | named
    for lost, what in ((~kept, "left out"), (kept & ~placed, "matched by key, unchecked")):
        if lost.any():
            rows = np.flatnonzero(lost) + 1
            numbers = ", ".join(str(row) for row in rows[:_MOST_ROWS_NAMED])
            more = ", ..." if len(rows) > _MOST_ROWS_NAMED else ""
            notes.append(
                f"{len(rows)} row{'s' * (len(rows) > 1)} without a position {what} "
                f"(row{'s' * (len(rows) > 1)} {numbers}{more})"
            )
    return normalise_ra(ra[kept]), dec[kept], kept


def _measure(
    file: LandedFile,
    table: Table,
    section: MeasurementSection,
    missing: MissingSection,
    times: FileTimes,
    kept: NDArray[np.bool_],
    notes: list[str],
) -> MeasurementColumns:
    path = file.path

    def numbers(name: str) -> Floats:
        return numbers_of(path, name, table[name])[kept]

    cells: dict[int, str] = {}
    value = numbers_of(path, section.value, table[section.value], cells)[kept]
    limits = upper_limits_among(cells, section, notes)
    error = numbers(section.error) if section.error else np.full(value.shape, np.nan)
    quantity = section.quantity or "flux"
    error = _as_sigma(section, value, error, missing)
    value, error, unit = _in_one_unit(table, section, value, error)
    value, error, flags = flag_missing(value, error, quantity, missing)
    zero_point = _zero_point(file, table, section.zero_point, missing, kept)
    if section.to_magnitude:
        value, error, flags = to_magnitudes(value, error, flags, zero_point)
        quantity, unit = "mag", "mag"
    elif quantity == "mag":
        value = value + zero_point
    no_zero = ~np.isfinite(zero_point) & (flags & int(MeasurementFlag.NON_POSITIVE_FLUX) == 0)
    value, error = np.where(no_zero, np.nan, value), np.where(no_zero, np.nan, error)
    flags = np.where(no_zero, FLAG_DTYPE.type(MeasurementFlag.BAD_VALUE), flags)
    catalog_flags = None
    if section.flags:
        column = table[section.flags]
        catalog_flags = catalog_flags_of(path, section.flags, column, section.bad_flags)[kept]
        # Where there is no value, the flag of the value has nothing to say.
        bad = is_bad(catalog_flags, section.bad_flags) & np.isfinite(value)
        flags |= FLAG_DTYPE.type(MeasurementFlag.CATALOG_FLAGGED) * bad
    time = None
    if name := section.time or times.general:
        time = times.columns[name][kept]
        no_time = ~np.isfinite(time) & np.isfinite(value)
        flags |= FLAG_DTYPE.type(MeasurementFlag.BAD_TIME) * no_time
    extra = {name: numbers(column) for name, column in section.extra.items()}
    if section.limit:
        extra[LIMIT] = limits_of(file, table, section, missing, limits, zero_point, kept)
    measured = MeasurementColumns(
        value,
        error,
        flags.astype(FLAG_DTYPE),
        quantity,
        unit,
        catalog_flags,
        time,
        extra,
        found_nothing=not len(table),
    )
    if not section.where:
        return measured
    mine = rows_where(table, section.where)[kept]
    if len(mine) and not mine.any():
        said = ", ".join(f"{column} = {text!r}" for column, text in section.where.items())
        notes.append(f"{section.key}: no row has {said}")
    return _only_where(measured, mine)


def _zero_point(
    file: LandedFile,
    table: Table,
    zero_point: float | str,
    missing: MissingSection,
    kept: NDArray[np.bool_],
) -> Floats:
    """Zero point of each row, NaN where there is none: a number, group, keyword or column."""
    if isinstance(zero_point, str) and zero_point in table.colnames:
        rows = numbers_of(file.path, zero_point, table[zero_point])[kept]
        return np.where(is_listed(rows, missing.values), np.nan, rows)
    found: object = zero_point
    if isinstance(zero_point, str):
        found = file.groups.get(zero_point, table.meta.get(zero_point.upper()))
        if found is None:
            raise CatalogError(
                file.path,
                f"zero_point: {zero_point!r} is neither a group of the file's name, a header "
                f"keyword nor a column",
            )
    try:
        number = float(str(found))
    except ValueError:
        number = np.nan
    if not np.isfinite(number) or is_listed(np.array([number]), missing.values)[0]:
        raise CatalogError(
            file.path,
            f"zero_point: {zero_point} is {found!r}, which is no magnitude; correct it, or leave "
            f"the file out with files.exclude",
        )
    return np.full(int(kept.sum()), number)


def _as_sigma(
    section: MeasurementSection, value: Floats, error: Floats, missing: MissingSection
) -> Floats:
    """Turn variances and signal to noise into standard deviations; see ``error_is``."""
    if section.error_is == "sigma":
        return error
    # What must be positive to have a standard deviation, and is no sentinel.
    good = (error > 0) & ~is_listed(error, (*missing.values, *missing.errors))
    error = np.where(good, error, np.nan)
    if section.error_is == "snr":
        return (POGSON if section.quantity == "mag" else np.abs(value)) / error
    return np.sqrt(error if section.error_is == "variance" else 1 / error)


def _only_where(measured: MeasurementColumns, mine: NDArray[np.bool_]) -> MeasurementColumns:
    """Take the rows that are of another band out of a measurement."""
    own = measured.catalog_flags
    return MeasurementColumns(
        np.where(mine, measured.value, np.nan),
        np.where(mine, measured.error, np.nan),
        np.where(mine, measured.flags, FLAG_DTYPE.type(MeasurementFlag.NOT_OBSERVED)),
        measured.quantity,
        measured.unit,
        None if own is None else np.where(mine, own, 0),
        None if measured.time is None else np.where(mine, measured.time, np.nan),
        {name: np.where(mine, extra, np.nan) for name, extra in measured.extra.items()},
        measured.found_nothing,
    )


def _in_one_unit(
    table: Table, section: MeasurementSection, value: Floats, error: Floats
) -> tuple[Floats, Floats, str]:
    """Bring the error to the unit of the value, and millimagnitudes to magnitudes."""
    unit = section.unit or ""
    parsed = u.Unit(unit, parse_strict="silent")
    power = {"sigma": 1.0, "variance": 0.5, "inverse_variance": -0.5}.get(section.error_is)
    if section.error and power and unit and table[section.error].unit is not None:
        of_error = u.Unit(str(table[section.error].unit), parse_strict="silent")
        if _is_linear(of_error):
            of_error = of_error**power
        same = _is_linear(parsed) and _is_linear(of_error) and parsed.is_equivalent(of_error)
        if same and (factor := float(of_error.to(parsed))) != 1:
            error = error * factor
    if section.quantity == "mag" and _is_linear(parsed) and parsed.is_equivalent(u.mag):
        factor = float(parsed.to(u.mag))
        if factor != 1:
            # Signal to noise has made it an error in magnitudes.
            return value * factor, error * (factor if power else 1.0), "mag"
    return value, error, unit


def _is_linear(unit: u.UnitBase) -> bool:
    return isinstance(unit, u.UnitBase) and not isinstance(unit, u.UnrecognizedUnit)
