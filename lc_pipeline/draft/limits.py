"""Which column, keyword or cells of some files state how faint could be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.limits import quantity_of_limit
from lc_pipeline.catalogs.missing import LIMIT, numbers_of, texts_of
from lc_pipeline.draft.samples import Sample
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import MeasurementSection, Quantity

#: Without case and signs. ``uplim`` and the like are often flags and not limits.
_NAMES = frozenset(
    (
        *("limit", "diffmaglim", "limitmag", "limmag", "maglim", "maglimit", "limitingmag"),
        *("limitingmagnitude", "limmagnitude", "maglimiting", "mag5sig", "mag5sigma"),
        *("fluxlim", "fluxlimit", "limflux", "limitflux", "limitingflux"),
    )
)
#: Limiting magnitudes that a telescope may have.
_BRIGHTEST, _FAINTEST = 5.0, 35.0
#: Most of what was seen is brighter than the limit, or fainter by no more than this.
_MOST, _FAINTER_MAG, _FAINTER_FACTOR = 0.9, 1.0, 0.4
_HALF = 0.5


def find_limit(section: MeasurementSection, samples: Sequence[Sample]) -> str | None:
    """Find what states the limit of a measurement in all of the files, if that is sure.

    It is sure of a column or keyword with a well-known name, that of the band beside it where the
    value is named after one, in which most rows have a number that can be a limit, and nearly all
    that was seen is brighter than that; and of cells like ``>17.5`` in the column of the value.

    Parameters
    ----------
    section : MeasurementSection
        As recognised, with its quantity.
    samples : sequence of Sample
        Files that have the measurement.
    """
    tables = [sample.table for sample in samples]
    for name in map(str, tables[0].colnames if tables else ()):
        everywhere = all(name in table.colnames for table in tables)
        if everywhere and _is_name(name, section) and _agrees(name, section, samples):
            return name
    for keyword in tables[0].meta if tables else ():
        if _is_name(keyword, section) and all(
            _is_limit(np.array([_number(table.meta.get(keyword))]), _quantity(section)).all()
            for table in tables
        ):
            return str(keyword)
    columns = [table[section.value] for table in tables]
    signs = "<>" if _quantity(section) == "mag" else "<"
    in_cells = any(
        LIMIT.fullmatch(cell) and cell[0] in signs
        for column in columns
        if column.dtype.kind in "US"
        for cell in texts_of(column)
    )
    return section.value if in_cells else None


def _quantity(section: MeasurementSection) -> Quantity:
    return section.quantity or "flux"


def _is_name(name: str, section: MeasurementSection) -> bool:
    """Say whether a name is that of this measurement's limit."""
    band = known.band_of(section.value)
    spellings = {known.squeeze(name)}
    if band is not None:
        # u, g, r and U, B, V are different bands, so their case counts.
        rest = {name.removesuffix(f"_{band}"), name.removeprefix(f"{band}_")} - {name}
        spellings = {known.squeeze(one) for one in rest}
    quantity = quantity_of_limit("", name)
    # Beside a flux, "limit" may be either.
    fits = quantity == section.quantity or (quantity is None and section.quantity == "mag")
    return fits and bool(spellings & _NAMES)


def _agrees(name: str, section: MeasurementSection, samples: Sequence[Sample]) -> bool:
    """Say whether the numbers of a column can be limits of what was seen."""
    quantity = _quantity(section)
    try:
        limits, values = (
            np.concatenate(
                [numbers_of(one.file.path, column, one.table[column], {}) for one in samples]
            )
            for column in (name, section.value)
        )
    except CatalogError:
        return False
    stated = _is_limit(limits, quantity)
    if stated.sum() < max(1, _HALF * len(limits)):
        return False
    seen = stated & np.isfinite(values)
    if quantity == "mag":
        seen &= (values > -_FAINTEST) & (values < _FAINTEST)
        fainter = values[seen] > limits[seen] + _FAINTER_MAG
    else:
        fainter = values[seen] < limits[seen] * _FAINTER_FACTOR
    return bool(not seen.any() or np.mean(~fainter) >= _MOST)


def _is_limit(numbers: NDArray[np.float64], quantity: Quantity) -> NDArray[np.bool_]:
    if quantity == "mag":
        return np.asarray((numbers > _BRIGHTEST) & (numbers < _FAINTEST))
    return np.asarray(np.isfinite(numbers) & (numbers > 0))


def _number(card: object) -> float:
    try:
        return float(str(card))
    except ValueError:
        return np.nan
