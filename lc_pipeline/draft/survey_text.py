"""The text of a ``survey.toml``, with comments for the person who corrects it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lc_pipeline.catalogs.measurement_plan import names_in
from lc_pipeline.catalogs.missing import numbers_of
from lc_pipeline.catalogs.positions import is_sexagesimal
from lc_pipeline.draft.epoch_times import FoundTime
from lc_pipeline.draft.file_names import NamePattern
from lc_pipeline.draft.identity import Identity
from lc_pipeline.draft.measurements import SEXTRACTOR_BAD, FoundMeasurements
from lc_pipeline.draft.samples import Sample, Samples
from lc_pipeline.draft.sentinels import Sentinels
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import MeasurementSection

_WIDTH = 96
_MOST_LISTED = 40
_TIME_LIKE = re.compile(r"(?i)time|date|jd|epoch|(?:^|_)t(?:_|$)")


@dataclass(frozen=True)
class Findings:
    """All that was found in the files."""

    name: str
    folder: str
    pattern: NamePattern
    n_files: int
    found: Samples
    measured: FoundMeasurements
    time: FoundTime
    identity: Identity
    sentinels: Sentinels

    @property
    def is_complete(self) -> bool:
        """Say whether the survey can be run as it is drafted."""
        has_position = "position" not in self.first.problems
        return bool(has_position and self.measured.sections and self.time.section)

    @property
    def first(self) -> Sample:
        """The file that is described."""
        return self.found.samples[0]


def write_survey(findings: Findings, to_do: Sequence[str]) -> str:
    """Write the ``survey.toml``.

    Parameters
    ----------
    findings : Findings
    to_do : sequence of str
        What a person must look at, for the head of the file.
    """
    lines = [
        *_comment(
            f"Drafted by 'lc-pipeline init' from {findings.n_files} "
            f"file{'s' * (findings.n_files > 1)}. Read it and correct it: it is the only thing "
            f"that is particular to your survey. Every setting is explained in docs/survey.md."
        ),
        *(line for one in to_do for line in _comment(f"TO DO: {one}")),
        "",
        "[survey]",
        _setting("name", findings.name),
        _setting("store", "store", "folder of the light curves, relative to this file"),
        "",
        *_files(findings),
        "",
        *_columns(findings),
        "",
        *_measurements(findings),
        *_time(findings),
        "",
        *_missing(findings.sentinels),
        "",
        *_reference(findings.identity),
        "",
        *_matching(findings.identity),
    ]
    return "\n".join(lines) + "\n"


def _files(findings: Findings) -> list[str]:
    first, found = findings.first, findings.found
    lines = ["[files]", _setting("folder", findings.folder, "relative to this file")]
    for note in findings.pattern.notes:
        lines += _comment(note)
    lines.append(f"pattern = {_literal(findings.pattern.pattern)}")
    lines.append('exclude = []  # files to leave out, as regular expressions like "pattern"')
    lines.append(_setting("format", "auto", f"{first.file.name} is {first.source.format}"))
    if found.hdu:
        lines.append(_setting("hdu", found.hdu, "the tables of one file are one catalogue"))
    if found.comment != "#":
        lines.append(_setting("comment", found.comment, "what comments begin with"))
    if found.decimal != ".":
        lines.append(_setting("decimal", found.decimal, "numbers are written like 17,25"))
    if any("files.hdu" in note for note in first.source.notes):
        lines += [*_comment(" ".join(first.source.notes)), "# hdu = 1"]
    if found.column_names:
        lines += _comment("TO DO: the files have no line of column names. Their columns are:")
        lines += [f"#   {_described(first, name)}" for name in found.column_names]
        lines.append(f"column_names = {_value(list(found.column_names))}")
    return lines


def _described(sample: Sample, name: str) -> str:
    """A column's name and what it holds."""
    column = sample.table[name]
    try:
        numbers = numbers_of(sample.file.path, name, column)
    except CatalogError:
        return f"{name:8} text, as {str(column[0])!r}"
    good = numbers[np.isfinite(numbers)]
    if not len(good):
        return f"{name:8} empty"
    return f"{name:8} {good.min():.8g} to {good.max():.8g}, median {np.median(good):.8g}"


def _columns(findings: Findings) -> list[str]:
    plan, table = findings.first.plan, findings.first.table
    lines = ["[columns]"]
    if findings.identity.key:
        lines.append(_setting("key", findings.identity.key, findings.identity.why_key))
    if "position" in findings.first.problems:
        lines += [
            *_comment("TO DO: no columns are recognised as RA and Dec. Name them here:"),
            '# ra = "..."',
            '# dec = "..."',
            *_comment(
                "If they name their objects and have no positions, say which column does, give "
                "a table of the objects as reference.file, and match by key:"
            ),
            '# key = "..."',
        ]
    else:
        guessed = "guessed from its range" if findings.found.column_names else ""
        for axis, name in (("ra", plan.ra), ("dec", plan.dec)):
            unit = _angle_unit(findings.first, name, is_ra=axis == "ra")
            lines += [_setting(axis, name, guessed), _setting(f"{axis}_unit", unit)]
        lines += [
            line
            for note in plan.notes
            if "0..24" in note
            for line in _comment(f"Please check: {note}")
        ]
    flags = {(one.flags, one.bad_flags) for one in findings.measured.sections}
    if len(flags) == 1 and (one := flags.pop())[0]:
        lines += _flags(*one)
    used = {findings.identity.key, time.name if (time := findings.time.section) else None}
    if "position" not in findings.first.problems:
        used |= {plan.ra, plan.dec}
    for section in findings.measured.sections:
        used |= {section.value, section.error, section.flags, section.time, section.limit}
        used |= {*names_in(section.key)}
    others = [name for name in table.colnames if name not in used]
    if others:
        lines += _comment(f"Not used: {_listed(others)}")
    return lines


def _angle_unit(sample: Sample, name: str, *, is_ra: bool) -> str:
    column = sample.table[name]
    unit = "" if column.unit is None else str(column.unit).strip().lower()
    if is_sexagesimal(column):
        return "deg" if not is_ra or unit in ("deg", "degree", "degrees") else "hourangle"
    if unit in ("", "deg", "degree", "degrees", "d"):
        return "deg"
    return "hourangle" if unit.startswith("h") or unit == '"h:m:s"' else unit


def _flags(flags: str | None, bad: int | str | None) -> list[str]:
    why = {
        SEXTRACTOR_BAD: "SExtractor: all bits but 1 (neighbours) and 2 (blended)",
        "any": "any bit means bad; or a number: the sum of the bits that do",
    }
    return [_setting("flags", flags), _setting("bad_flags", bad, why.get(bad or "", ""))]


def _measurements(findings: Findings) -> list[str]:
    measured = findings.measured
    if not measured.sections:
        return [
            *_comment("TO DO: say what is measured, once for each band or aperture:"),
            *("# [[measurements]]", '# key = "V"', '# value = "..."', '# error = "..."'),
            '# quantity = "mag"  # or "flux": any linear brightness, counts as well',
            "",
        ]
    same_flags = len({(one.flags, one.bad_flags) for one in measured.sections}) == 1
    lines = []
    for name in dict.fromkeys(n for section in measured.sections for n in names_in(section.key)):
        lines += _comment(f"{{{name}}} stands for {_place_of(name, findings)}.")
    for section in measured.sections:
        lines += [*_measurement(section, same_flags=same_flags), ""]
    return lines


def _place_of(name: str, findings: Findings) -> str:
    """Say where what a key's ``{name}`` stands for is found."""
    if name in findings.first.file.groups:
        return "the band or channel that the file's name tells"
    if name in findings.first.table.colnames:
        return f"what the column {name} says: one measurement for each of its texts"
    return f"what the header's {name} says"


def _measurement(section: MeasurementSection, *, same_flags: bool) -> list[str]:
    lines = ["[[measurements]]", _setting("key", section.key), _setting("value", section.value)]
    lines.append(
        _setting("error", section.error) if section.error else "# error: no column is recognised"
    )
    if section.optional:
        lines.append(_setting("optional", value=True, why="some of the files lack it"))
    if section.error_is != "sigma":
        lines.append(_setting("error_is", section.error_is))
    meaning = "any linear brightness: flux, counts, ADU" if section.quantity == "flux" else ""
    lines.append(_setting("quantity", section.quantity, meaning))
    if section.unit:
        lines.append(_setting("unit", section.unit))
    elif section.quantity == "flux":
        lines.append('# unit = "uJy"  # the file does not say')
    if section.quantity == "flux":
        lines.append("# to_magnitude = true, zero_point = 25.0 make magnitudes of it")
    if section.flags and not same_flags:
        lines += _flags(section.flags, section.bad_flags)
    if section.time:
        lines.append(_setting("time", section.time, "each row's own time"))
    if section.limit:
        in_cells = section.limit == section.value
        why = "its cells like >17.5 are" if in_cells else "how faint could be seen:"
        why += " upper limits where nothing was measured"
        lines.append(_setting("limit", section.limit, why))
    return lines


def _time(findings: Findings) -> list[str]:
    section = findings.time.section
    if section is not None:
        lines = [
            *_comment(f"Recognised: {findings.time.why}."),
            "[time]",
            _setting("from", section.source),
            _setting("name", section.name),
            _setting("format", section.format),
            *([_setting("offset", section.offset, "days to add")] if section.offset else []),
            _setting("scale", section.scale),
            _setting("at", section.at, "of the exposure; the store keeps its middle"),
        ]
        if section.exposure is not None:
            lines.append(_setting("exposure", section.exposure, "seconds"))
        elif section.at != "mid":
            lines.append(
                "# exposure = 30.0  # TO DO: seconds, or the keyword or column that has it"
            )
        if section.replace:
            lines.append(f"replace = {{ {', '.join(_pairs(section.replace))} }}")
        lines.append(_setting("refposition", section.refposition, "where the clock stands"))
        for doubt in findings.time.doubts:
            lines += _comment(f"Please check: {doubt}")
        return lines
    day = findings.time.day_only
    if day is not None:
        return [
            *_comment(
                "TO DO: the file names tell the day and nothing tells the hour. Remove the # "
                "below if midnight UTC is good enough; else say where the time stands."
            ),
            *("# [time]", '# from = "filename"', f"# name = {_value(day.group)}"),
            f"# format = {_value(day.format)}",
        ]
    table = findings.first.table
    keywords = _listed([key for key in table.meta if not key.startswith("_")])
    columns = _listed([name for name in table.colnames if _TIME_LIKE.search(name)])
    return [
        *_comment(
            "TO DO: no time was found, and without one every epoch is refused. Say where it stands:"
        ),
        *("# [time]", '# from = "header"  # or "column", or "filename": a group of files.pattern'),
        '# or from = "log", log = "observing_log.csv": a table with a row for each epoch',
        *('# name = "MJD-OBS"', '# format = "mjd"  # or "jd", "isot", "unix", "%Y%m%dT%H%M%S"'),
        *('# scale = "utc"', '# at = "start"  # or "mid", "end" of the exposure'),
        "# exposure = 30.0  # seconds, or the keyword, column or group that has it",
        *(_comment(f"Keywords of the header: {keywords}") if keywords else []),
        *(_comment(f"Columns that may be times: {columns}") if columns else []),
    ]


def _pairs(table: dict[str, str]) -> Iterable[str]:
    return (f"{_value(key)} = {_value(text)}" for key, text in table.items())


def _missing(sentinels: Sentinels) -> list[str]:
    lines = ["[missing]"]
    for note in sentinels.seen:
        lines += _comment(f"Seen: {note}")
    lines.append(
        "magnitude_range = [-60.0, 60.0]  # a magnitude outside is missing: 99, -99.99, 100.2"
    )
    lines.append("error_range = [0.0, 10.0]  # the error of a magnitude outside is missing")
    numbers = "[" + ", ".join(repr(value) for value in sentinels.values) + "]"
    lines.append(f"values = {numbers}  # further numbers that mean 'no value', for fluxes as well")
    return lines


def _reference(identity: Identity) -> list[str]:
    how = "key" if identity.key else "position"
    return [
        *_comment(
            f"The objects are merged from the epochs by {how}. For a catalogue of your own add "
            f'file = "objects.fits".'
        ),
        "[reference]",
        "min_epochs = 2  # an object must be seen in so many epochs",
    ]


def _matching(identity: Identity) -> list[str]:
    lines = ["[matching]"]
    if identity.key:
        lines += [
            _setting("mode", "key", "by columns.key; or 'position'"),
            *_comment(
                f"A match further away than this is flagged 'off position': {identity.why_radius}"
            ),
        ]
    else:
        lines += [
            *_comment(f"By position, not by key: {identity.why_key}."),
            _setting("mode", "position"),
            *_comment(f"Radius: {identity.why_radius}."),
        ]
    lines.append(f"radius_arcsec = {identity.radius_arcsec}")
    lines += _comment(f"Shift of whole epochs: {identity.why_offset}.")
    lines.append(f"astrometric_offset = {'true' if identity.has_offset else 'false'}")
    lines.append(f"max_offset_arcsec = {identity.max_offset_arcsec}")
    if identity.listed_twice:
        lines += _comment(f"Seen: {identity.listed_twice}; what to do with those:")
    lines.append(_setting("duplicates", "nearest", "or best_error, weighted_mean, refuse"))
    return lines


def _setting(name: str, value: Any, why: str = "") -> str:
    line = f"{name} = {_value(value)}"
    return f"{line}  # {why}" if why else line


def _value(value: Any) -> str:
    # A JSON string is a TOML string, but for DEL, which no name of a column or file has.
    return json.dumps(value, ensure_ascii=False)


def _literal(text: str) -> str:
    """Write a string in which backslashes stand for themselves, where TOML allows that."""
    return f"'{text}'" if "'" not in text and text.isprintable() else _value(text)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _listed(names: Sequence[str]) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
