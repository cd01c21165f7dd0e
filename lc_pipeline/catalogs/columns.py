"""Which column is what: as configured, else by UCD, else by well-known names.

Whatever is recognised rather than configured is said in a note; what cannot be decided is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Column, Table

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.file_columns import FileColumns, listed
from lc_pipeline.catalogs.measurement_plan import plan_measurements
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import MeasurementSection, SurveyConfig

#: SExtractor's bits 1 (neighbours) and 2 (blended) are a matter of course in crowded fields.
SEXTRACTOR_HARMLESS = 1 | 2


_OF_SEXTRACTOR = re.compile(
    r"NUMBER|X(?:WIN)?_IMAGE|ALPHA(?:WIN|PSF)?_J2000|"
    r"(?:MAG|FLUX)(?:ERR)?_(?:AUTO|APER|ISO|ISOCOR|BEST|PSF|PETRO|MODEL)(?:_\d+)?"
)


@dataclass(frozen=True)
class ColumnPlan:
    """What the columns of one file are.

    Attributes
    ----------
    ra, dec : str
        Empty where objects are matched by key and the file has no positions.
    key : str or None
    measurements : tuple of MeasurementSection
        With every column, quantity and unit resolved and keys expanded for this file.
    templates : tuple of str
        The measurements' keys before ``{name}`` was expanded.
    notes : tuple of str
    """

    ra: str
    dec: str
    key: str | None
    measurements: tuple[MeasurementSection, ...]
    templates: tuple[str, ...]
    notes: tuple[str, ...]


def plan_columns(
    path: object, table: Table, survey: SurveyConfig, groups: dict[str, str]
) -> ColumnPlan:
    """Decide which column of a file is what.

    Parameters
    ----------
    path : Path
        For messages.
    table : Table
        As :func:`~lc_pipeline.catalogs.reading.read_table` gives it.
    survey : SurveyConfig
    groups : dict of str to str
        Named groups of the file's name.

    Raises
    ------
    CatalogError
        If a configured column is not there, or a needed one is neither configured nor recognised.
    """
    columns = FileColumns(str(path), table)
    ra, dec = _find_position(columns, survey)
    key = _find_key(columns, survey)
    templates, measurements = plan_measurements(columns, survey, groups)
    measurements = [_with_flags(columns, section, survey) for section in measurements]
    return ColumnPlan(ra, dec, key, tuple(measurements), tuple(templates), tuple(columns.notes))


def _only(columns: FileColumns, found: Sequence[str], what: str, setting: str) -> str:
    if len(found) > 1:
        raise CatalogError(
            columns.path,
            f"{' and '.join(found)} could each be the {what}; say which as {setting}",
        )
    return found[0]


def _find_position(columns: FileColumns, survey: SurveyConfig) -> tuple[str, str]:
    section = survey.columns
    if section.ra and section.dec:
        return columns.require(section.ra, "columns.ra"), columns.require(
            section.dec, "columns.dec"
        )
    by_ucd = [_by_position_ucd(columns, axis) for axis in ("ra", "dec")]
    if all(by_ucd):
        pair = (
            _only(columns, by_ucd[0], "right ascension", "columns.ra"),
            _only(columns, by_ucd[1], "declination", "columns.dec"),
        )
        how = "by UCD"
    else:
        named = _by_position_name(columns)
        by_key = survey.matching.mode == "key" and not (section.ra or section.dec)
        if named is None and by_key and survey.reference.file:
            columns.notes.append(
                "no columns are recognised as RA and Dec: detections are matched by key, and "
                "their positions are not checked"
            )
            return "", ""
        if named is None:
            # Matched by key they need no positions, if the objects have them.
            or_else = " (or give the objects as reference.file)" if by_key else ""
            raise CatalogError(
                columns.path,
                f"no columns are recognised as RA and Dec; set columns.ra and columns.dec"
                f"{or_else}. Columns are: {listed(columns.names)}",
            )
        pair, how = named, "by name"
    if section.ra:
        pair = columns.require(section.ra, "columns.ra"), pair[1]
    if section.dec:
        pair = pair[0], columns.require(section.dec, "columns.dec")
    columns.notes.append(f"positions are {pair[0]}, {pair[1]} (recognised {how})")
    return pair


def _by_position_ucd(columns: FileColumns, axis: str) -> list[str]:
    old = f"pos_eq_{axis}_main"
    main = [
        name
        for name in columns.names
        if columns.ucd(name) in ([f"pos.eq.{axis}", "meta.main"], [old])
    ]
    return main or [name for name in columns.names if columns.ucd(name) == [f"pos.eq.{axis}"]][:1]


def _by_position_name(columns: FileColumns) -> tuple[str, str] | None:
    for ra, dec in known.POSITION_NAMES:
        found = known.same_names(ra, columns.names), known.same_names(dec, columns.names)
        if all(found):
            return (
                _only(columns, found[0], "right ascension", "columns.ra"),
                _only(columns, found[1], "declination", "columns.dec"),
            )
    pairs = [
        pair
        for pair in known.position_pairs(columns.names)
        if not all(_is_constant(columns.table[name]) for name in pair)
    ]
    return pairs[0] if len(pairs) == 1 else None


def _is_constant(column: Column) -> bool:
    """Say whether all rows are the same: the field's position and not the sources'."""
    return len(column) > 1 and bool(np.all(np.asarray(column) == np.asarray(column)[0]))


def _find_key(columns: FileColumns, survey: SurveyConfig) -> str | None:
    if survey.columns.key:
        return columns.require(survey.columns.key, "columns.key")
    if survey.matching.mode != "key":
        return None
    found = [name for name in columns.names if columns.ucd(name) == ["meta.id", "meta.main"]]
    for alias in known.KEY_NAMES:
        found = found or known.same_names(alias, columns.names)
    if not found:
        number = (
            " NUMBER counts the rows of one SExtractor catalogue; set columns.key = 'NUMBER' only "
            "if all epochs were measured with one detection image."
            if "NUMBER" in columns.names
            else ""
        )
        raise CatalogError(
            columns.path,
            f"matching.mode is 'key' and no column is recognised as the objects' name; set "
            f"columns.key.{number} Columns are: {listed(columns.names)}",
        )
    key = _only(columns, found, "object's name", "columns.key")
    columns.notes.append(f"objects are named by {key} (recognised)")
    return key


def _with_flags(
    columns: FileColumns, section: MeasurementSection, survey: SurveyConfig
) -> MeasurementSection:
    """Resolve the flag column, and the bits of it that mean bad."""
    name = section.flags
    bad = section.bad_flags if section.bad_flags is not None else survey.columns.bad_flags
    if name is None and survey.columns.flags:
        name = columns.require(survey.columns.flags, "columns.flags")
    if name is None:
        for alias in known.FLAG_NAMES:
            same = known.same_names(alias, columns.names)
            integers = [one for one in same if _is_flag(columns.table[one])]
            if integers:
                name = _only(columns, integers, "catalogue's flags", "columns.flags")
                columns.notes.append(f"catalogue flags are {name} (recognised by name)")
                break
    if name is None:
        by_ucd = [
            one
            for one in columns.names
            if columns.ucd(one)[0] == "meta.code.qual" and _is_flag(columns.table[one])
        ]
        if len(by_ucd) == 1:
            name = by_ucd[0]
            columns.notes.append(f"catalogue flags are {name} (recognised by UCD)")
    if name is None:
        return section
    if bad is None:
        bad = "any"
        if name == "FLAGS" and any(map(_OF_SEXTRACTOR.fullmatch, columns.names)):
            bad = int(np.iinfo("int64").max) & ~SEXTRACTOR_HARMLESS
            columns.notes.append("SExtractor flags 1 and 2 do not mean bad (columns.bad_flags)")
    return section.model_copy(update={"flags": name, "bad_flags": bad})


def _is_flag(column: Column) -> bool:
    if column.dtype.kind in "iub":
        return True
    if column.dtype.kind != "f":
        return False
    finite = np.asarray(column)[np.isfinite(np.asarray(column))]
    return bool(len(finite)) and bool(np.all(finite == np.round(finite)))
