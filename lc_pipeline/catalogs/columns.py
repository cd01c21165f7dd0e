"""Which column is what: as configured, else by UCD, else by well-known names.

Whatever is recognised rather than configured is said in a note; what cannot be decided is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.brightness import quantity_of, recognise_brightness
from lc_pipeline.catalogs.file_columns import FileColumns, listed
from lc_pipeline.catalogs.landing import expand_key
from lc_pipeline.catalogs.missing import texts_of
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import MeasurementSection, SurveyConfig

#: SExtractor's bits 1 (neighbours) and 2 (blended) are a matter of course in crowded fields.
SEXTRACTOR_HARMLESS = 1 | 2


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
        The measurements' keys before ``{group}`` was expanded.
    names_a_filter : bool
        The keys come from this file's filter, so that other epochs may have others.
    notes : tuple of str
    """

    ra: str
    dec: str
    key: str | None
    measurements: tuple[MeasurementSection, ...]
    templates: tuple[str, ...]
    names_a_filter: bool
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
    by_filter = False
    if survey.measurements:
        templates, measurements = _configured(columns, survey, groups)
    else:
        templates, measurements, by_filter = _recognised(columns, survey, groups)
    for section in measurements:
        _refuse_several_bands(columns, section)
    if survey.measurements:
        _say_other_filter(columns, templates, groups)
    measurements = [_with_flags(columns, section, survey) for section in measurements]
    return ColumnPlan(
        ra, dec, key, tuple(measurements), tuple(templates), by_filter, tuple(columns.notes)
    )


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
        (name, f"{name.removesuffix('.ra')}.dec")
        for name in columns.names
        if name.endswith(".ra") and f"{name.removesuffix('.ra')}.dec" in columns.names
    ]
    return pairs[0] if len(pairs) == 1 else None


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


def _configured(
    columns: FileColumns, survey: SurveyConfig, groups: dict[str, str]
) -> tuple[list[str], list[MeasurementSection]]:
    """Return the configured measurements that this file has.

    A key with ``{group}`` belongs to the files that have the group. A literal key may be absent
    from a file only if files of several channels are told apart by the group ``measurement``.
    """
    templates, measurements = [], []
    absent: list[MeasurementSection] = []
    for section in survey.measurements:
        key = expand_key(section.key, groups)
        if key is None:
            continue
        literal = "{" not in section.key
        value = section.value.removesuffix("_0")
        if literal and "measurement" in groups and not {section.value, value} & {*columns.names}:
            absent.append(section)
            continue
        templates.append(section.key)
        measurements.append(_resolve(columns, section, key))
    if not measurements and absent:
        columns.require(absent[0].value, f"measurements ({absent[0].key}).value")
    return templates, measurements


def _resolve(columns: FileColumns, section: MeasurementSection, key: str) -> MeasurementSection:
    setting = f"measurements ({key})"
    value = columns.require(section.value, f"{setting}.value")
    error: str | None
    if section.error:
        error = columns.require(section.error, f"{setting}.error")
    else:
        error = known.find_error(value, columns.names)
        columns.notes.append(
            f"{key}: the error of {value} is {error} (recognised by name)"
            if error
            else f"{key}: {value} has no error column"
        )
    quantity = section.quantity or quantity_of(columns.unit(value), value)
    if quantity is None and not section.to_magnitude:
        raise CatalogError(
            columns.path,
            f"{setting}: neither unit nor name of column {value!r} says whether it is a magnitude "
            f"or a flux; set quantity = 'mag' or 'flux'",
        )
    changes = {
        "key": key,
        "value": value,
        "error": error,
        "quantity": "flux" if section.to_magnitude else quantity,
        "unit": section.unit or columns.unit(value) or ("mag" if quantity == "mag" else None),
        "flags": section.flags and columns.require(section.flags, f"{setting}.flags"),
        "time": section.time and columns.require(section.time, f"{setting}.time"),
        "where": section.where
        and {
            columns.require(column, f"{setting}.where"): text
            for column, text in section.where.items()
        },
        "extra": {
            name: columns.require(column, f"{setting}.extra.{name}")
            for name, column in section.extra.items()
        },
    }
    return section.model_copy(update=changes)


def _recognised(
    columns: FileColumns, survey: SurveyConfig, groups: dict[str, str]
) -> tuple[list[str], list[MeasurementSection], bool]:
    pairs = recognise_brightness(columns)
    if not pairs:
        raise CatalogError(
            columns.path,
            f"no column is recognised as a magnitude or a flux; name one in [[measurements]]. "
            f"Columns are: {listed(columns.names)}",
        )
    stems = [known.band_of(value) or value.lower() for value, _, _ in pairs]
    bands = [known.band_of(value) is not None for value, _, _ in pairs]
    if len(set(stems)) < len(stems):
        stems = [value.lower() for value, _, _ in pairs]
    if len(set(stems)) < len(stems):
        stems = [value for value, _, _ in pairs]
    prefix: str | None = None
    by_filter = False
    if "measurement" in groups:
        prefix = "{measurement}"
    elif not any(bands) and (name := _filter_name(columns)):
        prefix, by_filter = name, True
        columns.notes.append(f"the measurements are named by the filter, {name}")
    templates = stems
    if prefix:
        templates = [prefix] if len(stems) == 1 else [f"{prefix}-{stem}" for stem in stems]
    measurements = []
    for template, (value, error, quantity) in zip(templates, pairs, strict=True):
        key = expand_key(template, groups) or template
        measurements.append(
            MeasurementSection(
                key=key,
                value=value,
                error=error,
                quantity=quantity,
                unit=columns.unit(value) or ("mag" if quantity == "mag" else None),
                # With [time] configured, only times that it names are read.
                time=None if survey.time else known.find_time(value, columns.names),
            )
        )
    said = ", ".join(
        f"{section.key} = {section.value} ± {section.error or 'no error'}"
        for section in measurements
    )
    columns.notes.append(f"measurements recognised: {said}")
    return templates, measurements, by_filter


def _filter_name(columns: FileColumns) -> str | None:
    """Name the filter of the whole file, by a column that says so in every row or by the header."""
    for alias in known.BAND_NAMES:
        for name in known.same_names(alias, columns.names):
            if columns.table[name].dtype.kind not in "US":
                continue
            bands = sorted({band for band in texts_of(columns.table[name]) if band})
            if len(bands) > 1:
                raise CatalogError(
                    columns.path,
                    f"column {name!r} says that rows are of several bands ({listed(bands, 8)}), "
                    f"which would be mixed in one light curve; {_HOW_TO_TELL_BANDS.format(name)}",
                )
            if bands:
                return bands[0]
    for keyword in known.BAND_KEYWORDS:
        if name := str(columns.table.meta.get(keyword, "")).strip():
            return name
    return None


_HOW_TO_TELL_BANDS = (
    "give each band its [[measurements]] with where = {{ {} = '...' }} (or write one file per "
    "band, or a column per band)"
)


def rows_where(table: Table, where: dict[str, str]) -> NDArray[np.bool_]:
    """Tell which rows have the given texts in the given columns.

    Examples
    --------
    >>> rows_where(Table({"fid": [1, 2, 1]}), {"fid": "1"})
    array([ True, False,  True])
    """
    mine = np.ones(len(table), dtype=np.bool_)
    for name, text in where.items():
        cells = np.array(texts_of(table[name]), dtype=np.str_)
        mine &= cells == text.strip()
    return mine


def _refuse_several_bands(columns: FileColumns, section: MeasurementSection) -> None:
    """Refuse a measurement whose rows are of several bands, as a column of theirs says.

    A value that is named after its band has the band of its column; ``where = {}`` says that the
    column says nothing of this measurement.
    """
    if section.where == {} or known.band_of(section.value):
        return
    for alias in (*known.BAND_NAMES, *known.BAND_NUMBERS):
        for name in known.same_names(alias, columns.names):
            if columns.table[name].dtype.kind not in "USiu":
                continue
            mine = rows_where(columns.table, section.where or {})
            bands = sorted({band for band in texts_of(columns.table[name][mine]) if band})
            if len(bands) > 1:
                raise CatalogError(
                    columns.path,
                    f"measurement {section.key!r}: column {name!r} says that rows are of several "
                    f"bands ({listed(bands, 8)}), which would be mixed in one light curve; "
                    f"{_HOW_TO_TELL_BANDS.format(name)}. With where = {{}} all rows are taken",
                )


def _say_other_filter(
    columns: FileColumns, templates: Sequence[str], groups: dict[str, str]
) -> None:
    """Say where the header has a filter that the measurement's key does not tell."""
    keyword = next((key for key in known.BAND_KEYWORDS if columns.table.meta.get(key)), None)
    if keyword is None:
        return
    band = str(columns.table.meta[keyword]).strip()
    blind = [
        template
        for template in templates
        if "{" not in template and band.lower() not in known.words_of(template)
    ]
    if band and blind and band not in groups.values() and len(templates) == len(blind):
        columns.notes.append(
            f"the file's {keyword} is {band}, and measurement {blind[0]!r} does not tell bands "
            f"apart: files of other bands would be mixed with it (name the band by a group "
            f"(?P<measurement>...) in files.pattern and write key = '{{measurement}}')"
        )


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
        if name == "FLAGS" and any(
            other in columns.names or f"{other}_J2000" in columns.names
            for other in ("NUMBER", "X_IMAGE", "MAG_AUTO", "FLUX_AUTO", "ALPHA", "ALPHAWIN")
        ):
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
