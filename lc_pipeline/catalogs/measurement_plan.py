"""Which measurements a file has: as configured, else by names and units; what they are called."""

from __future__ import annotations

import re

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.brightness import quantity_of, recognise_brightness
from lc_pipeline.catalogs.file_columns import FileColumns, listed
from lc_pipeline.catalogs.limits import find_limit
from lc_pipeline.catalogs.missing import texts_of
from lc_pipeline.catalogs.row_times import own_time
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import MeasurementSection, SurveyConfig


def plan_measurements(
    columns: FileColumns, survey: SurveyConfig, groups: dict[str, str]
) -> tuple[list[str], list[MeasurementSection]]:
    """Find the measurements of one file.

    Parameters
    ----------
    columns : FileColumns
        Takes up the notes.
    survey : SurveyConfig
    groups : dict of str to str
        Named groups of the file's name.

    Returns
    -------
    templates : list of str
        The key of each measurement as configured, before ``{name}`` was expanded.
    measurements : list of MeasurementSection
        With every column but the flags, quantity and unit resolved.

    Raises
    ------
    CatalogError
        If a column that is needed is not there, or rows of several bands would be mixed.
    """
    if survey.measurements:
        templates, measurements = _configured(columns, survey, groups)
    else:
        templates, measurements = _recognised(columns, survey, groups)
    for section in measurements:
        _refuse_several_bands(columns, section)
    _say_other_filter(columns, templates, groups)
    return templates, measurements


def _configured(
    columns: FileColumns, survey: SurveyConfig, groups: dict[str, str]
) -> tuple[list[str], list[MeasurementSection]]:
    """Return the configured measurements that this file has.

    A key with ``{group}`` belongs to the files that have the group. A literal key may be absent
    from a file if it is optional, or if files of several channels are told apart by the group
    ``measurement``.
    """
    templates, measurements = [], []
    absent: list[MeasurementSection] = []
    for section in survey.measurements:
        if any(
            name in survey.files.groups and name not in groups for name in names_in(section.key)
        ):
            continue
        channels = "{" not in section.key and "measurement" in groups
        value = section.value.removesuffix("_0")
        if (channels or section.optional) and not {section.value, value} & {*columns.names}:
            absent.append(section)
            continue
        for key, where in _expanded(columns, section.key, groups):
            templates.append(section.key)
            rows = section.model_copy(update={"where": {**(section.where or {}), **where}})
            measurements.append(_resolve(columns, rows if where else section, key, groups))
    if not measurements and absent:
        columns.require(absent[0].value, f"measurements ({absent[0].key}).value")
    columns.notes += [
        f"{section.key} is not observed: there is no column {section.value} (it is optional)"
        for section in absent
        if section.optional
    ]
    return templates, measurements


def names_in(template: str) -> list[str]:
    """Names between braces in a measurement's key."""
    return re.findall(r"\{(.*?)\}", template)


def needs_contents(template: str, groups: tuple[str, ...]) -> bool:
    """Say whether a key is told by what files hold, and not by their names alone."""
    return any(name not in groups for name in names_in(template))


def _expanded(
    columns: FileColumns, template: str, groups: dict[str, str]
) -> list[tuple[str, dict[str, str]]]:
    """Expand a key by the file's name, header and columns: keys, and the rows they are of."""
    by_column: list[str] = []
    for name in names_in(template):
        header = str(columns.table.meta.get(name.upper(), "")).strip()
        if (text := groups.get(name) or header) != "":
            template = template.replace(f"{{{name}}}", text)
        elif name in columns.names:
            by_column.append(name)
        else:
            has_keyword = name.upper() in columns.table.meta
            raise CatalogError(
                columns.path,
                f"measurements: {{{name}}} in key {template!r} is neither a group of files.pattern "
                f"(it has: {', '.join(groups)}), nor a keyword of this file's header"
                f"{' (it is empty there)' if has_keyword else ''}, nor a column. "
                f"Columns are: {listed(columns.names)}",
            )
    if not by_column:
        return [(template, {})]
    rows = sorted(set(zip(*(texts_of(columns.table[name]) for name in by_column), strict=True)))
    if nameless := [texts for texts in rows if not all(texts)]:
        columns.notes.append(
            f"{' and '.join(by_column)} empty in some rows: these are of no measurement"
        )
        rows = [texts for texts in rows if texts not in nameless]
    expanded = []
    for texts in rows:
        key, where = template, dict(zip(by_column, texts, strict=True))
        for name, text in where.items():
            key = key.replace(f"{{{name}}}", text)
        expanded.append((key, where))
    return expanded


def _resolve(
    columns: FileColumns, section: MeasurementSection, key: str, groups: dict[str, str]
) -> MeasurementSection:
    setting = f"measurements ({key})"
    try:
        value = columns.require(section.value, f"{setting}.value")
    except CatalogError as absent:
        hint = ". If some epochs lack this measurement, set optional = true"
        raise CatalogError(absent.path, absent.reason + hint) from None
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
    if quantity == "flux" and section.zero_point != 0 and not section.to_magnitude:
        raise CatalogError(
            columns.path,
            f"{setting}: {value!r} is a flux, of which zero_point makes a magnitude only with "
            f"to_magnitude = true; set it, or quantity = 'mag' if it is a magnitude",
        )
    changes = {
        "key": key,
        "value": value,
        "error": error,
        "quantity": "flux" if section.to_magnitude else quantity,
        "unit": known.standard_unit(section.unit or columns.unit(value))
        or ("mag" if quantity == "mag" else None),
        "flags": section.flags and columns.require(section.flags, f"{setting}.flags"),
        "time": section.time and columns.require(section.time, f"{setting}.time"),
        "limit": section.limit and find_limit(columns, section.limit, f"{setting}.limit", groups),
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
) -> tuple[list[str], list[MeasurementSection]]:
    pairs = recognise_brightness(columns)
    if not pairs:
        raise CatalogError(
            columns.path,
            f"no column is recognised as a magnitude or a flux; name one in [[measurements]]. "
            f"Columns are: {listed(columns.names)}",
        )
    stems = [known.band_of(value) or known.without_unit(value).lower() for value, _, _ in pairs]
    bands = [known.band_of(value) is not None for value, _, _ in pairs]
    if len(set(stems)) < len(stems):
        stems = [value.lower() for value, _, _ in pairs]
    if len(set(stems)) < len(stems):
        stems = [value for value, _, _ in pairs]
    prefix: str | None = None
    if "measurement" in groups:
        prefix = "{measurement}"
    elif not any(bands) and (prefix := _filter_template(columns)):
        columns.notes.append(f"the measurements are named by the filter, {prefix}")
    templates = stems
    if prefix:
        templates = [prefix] if len(stems) == 1 else [f"{prefix}-{stem}" for stem in stems]
    expanded_templates, measurements = [], []
    for template, (value, error, quantity) in zip(templates, pairs, strict=True):
        expanded = _expanded(columns, template, groups) if prefix else [(template, {})]
        for key, where in expanded:
            expanded_templates.append(template)
            measurements.append(
                MeasurementSection(
                    key=key,
                    value=value,
                    error=error,
                    quantity=quantity,
                    unit=columns.unit(value) or ("mag" if quantity == "mag" else None),
                    # With [time] configured, only times that it names are read.
                    time=None if survey.time else own_time(columns.table, value),
                    where=where or None,
                )
            )
    said = ", ".join(
        f"{section.key} = {section.value} ± {section.error or 'no error'}"
        for section in measurements
    )
    columns.notes.append(f"measurements recognised: {said}")
    return expanded_templates, measurements


def _filter_template(columns: FileColumns) -> str | None:
    """Name what tells the filter: a column with a text in every row, or a keyword of the header."""
    for alias in known.BAND_NAMES:
        for name in known.same_names(alias, columns.names):
            column = columns.table[name]
            if not len(column) or (column.dtype.kind in "US" and any(texts_of(column))):
                return f"{{{name}}}"
    if of_bands := _texts_of_bands(columns):
        return f"{{{of_bands[0]}}}"
    for alias in known.BAND_NUMBERS:
        for name in known.same_names(alias, columns.names):
            column = columns.table[name]
            if column.dtype.kind in "USiu" and len({text for text in texts_of(column) if text}) > 1:
                return f"{name}{{{name}}}"
    for keyword in known.BAND_KEYWORDS:
        if str(columns.table.meta.get(keyword, "")).strip():
            return f"{{{keyword}}}"
    return None


def _texts_of_bands(columns: FileColumns) -> list[str]:
    """Columns of bands by a word of their name, whose texts are well-known bands."""
    return [
        name
        for name in columns.names
        if known.tells_band(name)
        and columns.table[name].dtype.kind in "US"
        and (bands := {text for text in texts_of(columns.table[name]) if text})
        and all(map(known.is_band, bands))
    ]


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
    for alias in (*known.BAND_NAMES, *known.BAND_NUMBERS, *_texts_of_bands(columns)):
        for name in known.same_names(alias, columns.names):
            if columns.table[name].dtype.kind not in "USiu":
                continue
            mine = rows_where(columns.table, section.where or {})
            bands = sorted({band for band in texts_of(columns.table[name][mine]) if band})
            if len(bands) > 1:
                raise CatalogError(
                    columns.path,
                    f"measurement {section.key!r}: column {name!r} says that rows are of several "
                    f"bands ({listed(bands, 8)}), which would be mixed in one light curve; write "
                    f"key = '{{{name}}}' to make each a measurement, or give each band its "
                    f"[[measurements]] with where = {{ {name} = '...' }}. With where = {{}} all "
                    f"rows are taken",
                )


def _say_other_filter(columns: FileColumns, templates: list[str], groups: dict[str, str]) -> None:
    """Say where header or column have a filter that the measurement's key does not tell."""
    name, band = _only_filter(columns)
    blind = [
        template
        for template in templates
        if "{" not in template and band.lower() not in known.words_of(template)
    ]
    if band and blind and band not in groups.values() and len(templates) == len(blind):
        columns.notes.append(
            f"the file's {name} is {band}, and measurement {blind[0]!r} does not tell bands "
            f"apart: files of other bands would be mixed with it (write key = '{{{name}}}', or "
            f"'{{{name}}}-{blind[0]}')"
        )


def _only_filter(columns: FileColumns) -> tuple[str, str]:
    """Find the keyword or column that tells the one filter of a file, and the filter."""
    for keyword in known.BAND_KEYWORDS:
        if band := str(columns.table.meta.get(keyword, "")).strip():
            return keyword, band
    for alias in (*known.BAND_NAMES, *known.BAND_NUMBERS):
        for name in known.same_names(alias, columns.names):
            column = columns.table[name]
            bands = set(texts_of(column)) if column.dtype.kind in "USiu" else set()
            if len(bands) == 1 and (band := bands.pop()):
                return name, band
    return "", ""
