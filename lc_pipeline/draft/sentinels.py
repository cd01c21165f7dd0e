"""Numbers in the files that stand for "no measurement"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import Column
from numpy.typing import NDArray

from lc_pipeline.catalogs.missing import numbers_of
from lc_pipeline.draft.samples import Sample
from lc_pipeline.survey import MeasurementSection, MissingSection

#: What surveys write for a flux that they do not have. A positive 99 may be a flux.
_FLUX_SENTINELS = (-99.0, -99.9, -99.99, -999.0, -999.9, -9999.0, -99999.0)
_HUGE = 1e20
_REPEATED = 2
_MOST_SHOWN = 4

#: Stars of one field leave no such gap in brightness; ASAS' 29.999 does.
_FAR_MAG = 4.0


@dataclass(frozen=True)
class Sentinels:
    """What was seen.

    Attributes
    ----------
    seen : tuple of str
        In words.
    values : tuple of float
        What must be listed as ``missing.values``, since no range leaves it out.
    """

    seen: tuple[str, ...] = ()
    values: tuple[float, ...] = ()


def find_sentinels(samples: Sequence[Sample], sections: Sequence[MeasurementSection]) -> Sentinels:
    """Look for sentinel values in the columns that are measured.

    Parameters
    ----------
    samples : sequence of Sample
    sections : sequence of MeasurementSection
    """
    ranges = MissingSection()
    seen: dict[str, list[str]] = {}
    values: set[float] = set()

    def say(name: str, what: str) -> None:
        seen.setdefault(what, []).append(name)

    quantity_of = {section.value: section.quantity for section in sections}
    error_of = {
        section.error: section.quantity
        for section in sections
        if section.error and section.error_is == "sigma"
    }
    for name, quantity in quantity_of.items():
        numbers = _column(samples, name)
        if quantity == "mag":
            low, high = ranges.magnitude_range
            outside = numbers[(numbers < low) | (numbers > high)]
            if len(outside):
                say(name, f"{_counted(outside)}: outside magnitude_range, so missing")
            found = _magnitude_sentinels(numbers[(numbers >= low) & (numbers <= high)])
        else:
            found = _flux_sentinels(numbers)
        if len(found):
            say(name, f"{_counted(found)}: listed in missing.values")
            values |= set(found.tolist())
    for name, quantity in error_of.items():
        numbers = _column(samples, name)
        low, high = ranges.error_range
        wrong = numbers[(numbers <= low) | (numbers >= (high if quantity == "mag" else np.inf))]
        if len(wrong):
            say(name, f"{_counted(wrong)}: no error")
    words = (f"{', '.join(names)}: {what}" for what, names in seen.items())
    return Sentinels(tuple(words), tuple(sorted(values)))


def _column(samples: Sequence[Sample], name: str) -> NDArray[np.float64]:
    parts = [
        numbers_of(sample.file.path, name, sample.table[name], {}) * _to_mag(sample.table[name])
        for sample in samples
        if name in sample.table.colnames
    ]
    numbers = np.concatenate(parts) if parts else np.empty(0)
    return numbers[np.isfinite(numbers)]


def _to_mag(column: Column) -> float:
    """Factor that brings millimagnitudes to magnitudes, which is how they are judged."""
    unit = u.Unit(str(column.unit or ""), parse_strict="silent")
    is_mag = isinstance(unit, u.UnitBase) and unit.is_equivalent(u.mag)
    return float(unit.to(u.mag)) if is_mag else 1.0


def _magnitude_sentinels(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take numbers that repeat exactly, and are 0 or stand far away from all others."""
    distinct, counts = np.unique(numbers, return_counts=True)
    gaps = np.diff(distinct, prepend=-np.inf, append=np.inf)
    far = np.minimum(gaps[:-1], gaps[1:]) > _FAR_MAG
    wrong = distinct[(counts >= _REPEATED) & (far | (distinct == 0.0))]
    return numbers[np.isin(numbers, wrong)] if len(wrong) < len(distinct) else numbers[:0]


def _flux_sentinels(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the huge numbers, and the well-known ones that repeat among numbers with decimals."""
    found = np.abs(numbers) >= _HUGE
    for sentinel in _FLUX_SENTINELS:
        same = (numbers == sentinel) | (numbers == np.float64(np.float32(sentinel)))
        if np.count_nonzero(same) >= _REPEATED:
            found |= same
    return numbers[found]


def _counted(numbers: NDArray[np.float64]) -> str:
    """Write ``99 (12 rows), -99.99 (3 rows)``."""
    common = Counter(f"{number:.6g}" for number in numbers.tolist()).most_common()
    shown = ", ".join(f"{text} ({count} rows)" for text, count in common[:_MOST_SHOWN])
    more = f" and {len(common) - _MOST_SHOWN} other values" if len(common) > _MOST_SHOWN else ""
    return shown.replace("(1 rows)", "(1 row)") + more
