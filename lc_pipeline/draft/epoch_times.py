"""Where the time of an epoch stands: header, column or file name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lc_pipeline.catalogs.row_times import LONGEST_EPOCH, row_times, stated_time
from lc_pipeline.catalogs.time_formats import EXPOSURE_KEYWORDS, HEADER_TIMES, seconds_of
from lc_pipeline.catalogs.times import FileTimes, read_times
from lc_pipeline.draft.file_names import NamePattern, NameTime
from lc_pipeline.draft.samples import Sample
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import (
    FilesSection,
    MissingSection,
    SurveyConfig,
    SurveySection,
    TimeSection,
)


@dataclass(frozen=True)
class FoundTime:
    """Where the time stands.

    Attributes
    ----------
    section : TimeSection or None
        None if no time is found in all of the files.
    why : str
        What it was recognised by.
    doubts : tuple of str
        What a person must look at.
    day_only : NameTime or None
        The names tell the day, which is not enough to be used unasked.
    """

    section: TimeSection | None
    why: str
    doubts: tuple[str, ...] = ()
    day_only: NameTime | None = None


def find_time(samples: Sequence[Sample], names: NamePattern) -> FoundTime:
    """Find where the time stands in all of the files, in the order that ``run`` looks for it.

    Parameters
    ----------
    samples : sequence of Sample
    names : NamePattern
        Used if neither headers nor columns have a time.
    """
    doubts: list[str] = []
    for settings, why in _candidates(samples, names):
        try:
            # A column of a file without rows tells no time.
            by_row = settings["from"] == "column"
            told = [sample for sample in samples if len(sample.table) or not by_row]
            times = [_read(sample, settings, names.pattern) for sample in told]
        except CatalogError as error:
            doubts.append(f"{why} was passed over: {error.reason}")
            continue
        if not times or any(not np.isfinite(time.mjd) for time in times):
            continue
        settings |= {"scale": times[0].scale, "refposition": times[0].refposition}
        if len({time.scale for time in times}) > 1:
            doubts.append("the files give times in different scales; set time.scale")
        doubts += _doubts(settings, times)
        return FoundTime(TimeSection(**settings), why, tuple(doubts))
    day_only = names.time if names.time and not names.time.has_clock else None
    return FoundTime(None, "", tuple(doubts), day_only)


def _candidates(
    samples: Sequence[Sample], names: NamePattern
) -> Iterator[tuple[dict[str, Any], str]]:
    exposure = _exposure(samples)
    if own := _band_times(samples):
        form = "jd" if "jd" in own.lower() and "mjd" not in own.lower() else "mjd"
        settings: dict[str, Any] = {"from": "column", "name": own, "format": form, "at": "mid"}
        if (counted := stated_time(samples[0].table, own)) is not None:
            settings |= {"format": "jd", "offset": counted.offset}
            settings |= _given(scale=counted.scale, refposition=counted.refposition)
        yield settings | exposure, f"column {own} and the like of the other bands (by name)"
    headers = [sample.table.meta for sample in samples]
    for keyword, form, at, scale, place in HEADER_TIMES:
        if all(str(header.get(keyword, "")).strip() not in ("", "0", "0.0") for header in headers):
            settings = {"from": "header", "name": keyword, "format": form, "at": at}
            implied = _given(scale=scale, refposition=place)
            yield settings | implied | exposure, f"header keyword {keyword} (by name)"
    common = [
        name
        for name in (samples[0].table.colnames if samples else ())
        if all(name in sample.table.colnames for sample in samples)
    ]
    filled = [sample for sample in samples if len(sample.table)] or samples[:1]
    for found in row_times(filled[0].file.path, filled[0].table, MissingSection().time_range):
        if found.name in common:
            settings = {"from": "column", "name": found.name, "format": found.format}
            settings["at"] = found.at
            # What is not given here is looked for in the header.
            implied = _given(scale=found.scale, refposition=found.refposition)
            offset = {"offset": found.offset} if found.offset else {}
            yield settings | implied | exposure | offset, f"column {found.name} ({found.why})"
    if names.time and names.time.has_clock:
        time = names.time
        settings = {"from": "filename", "name": time.group, "format": time.format, "at": "mid"}
        yield settings | {"replace": time.replace} | exposure, "the file names"


def _given(**settings: str | None) -> dict[str, str]:
    return {name: text for name, text in settings.items() if text}


def _band_times(samples: Sequence[Sample]) -> str | None:
    """Name the time column of the first band that has one."""
    own = [section.time for sample in samples for section in sample.plan.measurements]
    return next((name for name in own if name), None)


def _exposure(samples: Sequence[Sample]) -> dict[str, str]:
    """Name the first keyword of an exposure time that all headers have."""
    for keyword in EXPOSURE_KEYWORDS:
        try:
            exposures = [seconds_of(sample.table.meta[keyword]) for sample in samples]
        except (KeyError, ValueError, TypeError):
            continue
        if exposures:
            return {"exposure": keyword}
    return {}


def _read(sample: Sample, settings: dict[str, Any], pattern: str) -> FileTimes:
    survey = SurveyConfig(
        survey=SurveySection(name="draft"),
        files=FilesSection(pattern=pattern),
        time=TimeSection(**settings),
    )
    own = [section.time for section in sample.plan.measurements if section.time]
    time_columns = list(dict.fromkeys(own)) if settings["from"] == "column" else []
    return read_times(sample.file.path, sample.table, survey, sample.file.groups, time_columns)


def _doubts(settings: dict[str, Any], times: Sequence[FileTimes]) -> list[str]:
    doubts = []
    if settings["at"] == "start" and "exposure" not in settings:
        doubts.append(
            f"{settings['name']} is taken as the start of the exposure, and no header says how "
            f"long that was: set time.exposure (seconds), or at = 'mid'; until then times are "
            f"those of the start"
        )
    if settings["from"] == "filename":
        doubts.append(
            "the time in the file names is taken as UTC, at mid-exposure: names mostly tell the "
            "start, then set time.at = 'start' and time.exposure (seconds)"
        )
    for time in times:
        rows = time.columns.get(time.general or "")
        if rows is not None and np.nanmax(rows) - np.nanmin(rows) > LONGEST_EPOCH:
            doubts.append(
                f"rows of one file span {np.nanmax(rows) - np.nanmin(rows):.0f} days: is that a "
                f"table of light curves instead of the catalogue of one epoch? Every file is "
                f"taken as one epoch: 'lc-pipeline split' makes a file of each"
            )
            break
    return doubts
