"""The bands, apertures and channels of some files, as ``[[measurements]]``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.missing import numbers_of
from lc_pipeline.draft.file_names import NamePattern
from lc_pipeline.draft.limits import find_limit
from lc_pipeline.draft.samples import Sample, Samples
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import MeasurementSection

#: SExtractor's eight flag bits but 1 (neighbours) and 2 (blended).
SEXTRACTOR_BAD = 252

_FLAG_WORDS = ("flags", "flag", "qflag", "quality", "qual")


@dataclass(frozen=True)
class FoundMeasurements:
    """What is measured.

    Attributes
    ----------
    sections : tuple of MeasurementSection
        Keys may hold ``{measurement}``, or the header keyword or column that tells the band.
        Empty if nothing is recognised.
    doubts : tuple of str
        What a person must look at.
    """

    sections: tuple[MeasurementSection, ...]
    doubts: tuple[str, ...] = ()


def find_measurements(found: Samples, names: NamePattern) -> FoundMeasurements:
    """Find what is measured in all of the files.

    Parameters
    ----------
    found : Samples
    names : NamePattern
    """
    bands = {band: _common(samples) for band, samples in found.of_each_band().items()}
    every = [sections for sections in bands.values() if sections]
    if not every:
        return FoundMeasurements(())
    doubts: list[str] = []
    shared = set.intersection(*({section.value for section in part} for part in every))
    if len(every) == 1 or shared:
        sections = [section for section in every[0] if section.value in shared]
        if "measurement" in found.samples[0].file.groups and len(sections) == 1:
            sections = [sections[0].model_copy(update={"key": "{measurement}"})]
        left = sorted({section.value for part in every for section in part} - shared)
        if left:
            doubts.append(
                f"only some of the files have {', '.join(left)}; left out of [[measurements]]"
            )
    else:
        # Every band has columns of its own names.
        sections = [
            section.model_copy(update={"key": section.key.replace("{measurement}", band or "")})
            for band, part in bands.items()
            for section in part
        ]
    return FoundMeasurements(tuple(_named(sections, names)), doubts=tuple(doubts))


def _common(samples: Sequence[Sample]) -> list[MeasurementSection]:
    """Find the measurements that these files have; those that some lack are optional."""
    usable = [sample for sample in samples if "measurements" not in sample.problems]
    if not usable:
        return []
    sections: dict[str, MeasurementSection] = {}
    for sample in usable:
        # A key of a column of bands stands for all of them.
        of_template = dict(zip(sample.plan.templates, sample.plan.measurements, strict=True))
        for template, section in of_template.items():
            lacking = [
                other
                for other in usable
                if all(section.value != one.value for one in other.plan.measurements)
            ]
            # Where the column is there, it was passed over for a reason.
            if template in sections or any(
                section.value in other.table.colnames for other in lacking
            ):
                continue
            changes: dict[str, object] = {"key": template, "where": None}
            changes["optional"] = bool(lacking)
            if not section.error and (
                other_error := known.find_other_error(section.value, sample.table.colnames)
            ):
                changes |= dict(zip(("error", "error_is"), other_error, strict=True))
            if section.bad_flags is not None and section.bad_flags != "any":
                changes["bad_flags"] = SEXTRACTOR_BAD
            if own := _band_flags(section.value, sample):
                changes |= {"flags": own, "bad_flags": "any"}
            has_it = [one for one in usable if section.value in one.table.colnames]
            changes["limit"] = find_limit(section, has_it)
            sections[template] = section.model_copy(update=changes)
    return list(sections.values())


def _named(sections: list[MeasurementSection], names: NamePattern) -> list[MeasurementSection]:
    """Name measurements by the band in the file names where the files do not tell theirs."""
    tells_band = any(known.band_of(section.value) for section in sections)
    if names.band is None or tells_band or any("{" in section.key for section in sections):
        return sections
    if len(sections) == 1:
        return [sections[0].model_copy(update={"key": names.band})]
    return [
        section.model_copy(update={"key": f"{names.band}-{section.key}"}) for section in sections
    ]


def _band_flags(value: str, sample: Sample) -> str | None:
    """Find the flag column of one band: ``flags_g`` or ``g_flag`` for ``mag_g``."""
    band = known.band_of(value)
    if band is None:
        return None
    for word in _FLAG_WORDS:
        for candidate in (f"{word}_{band}", f"{band}_{word}"):
            for name in map(str, sample.table.colnames):
                # u, g, r and U, B, V are different bands, so their case counts.
                is_same = name.lower() == candidate.lower() and band in name
                if is_same and _is_whole(sample, name):
                    return name
    return None


def _is_whole(sample: Sample, name: str) -> bool:
    """Say whether a column holds whole numbers or truth values."""
    column = sample.table[name]
    if column.dtype.kind in "iub":
        return True
    try:
        numbers = numbers_of(sample.file.path, name, column)
    except CatalogError:
        return False
    return bool((numbers == numbers.round())[numbers == numbers].all())  # noqa: PLR0124 (NaN)
