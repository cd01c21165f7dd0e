"""What an index is: one description, from which columns, units, words and the docs are made."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from astropy.units import Unit

from lc_pipeline.analysis.statistics.rows import Floats

Judged = Literal["linear", "log"]
Needs = tuple[Literal["time", "error"], ...]


@dataclass(frozen=True)
class Index:
    """One number per object, made from its points in one measurement, or in two.

    Examples
    --------
    An index of one's own; the first line of the docstring describes its columns:

    >>> def brightest(points):
    ...     '''Brightest value.'''
    ...     return points.quantile(0 if points.quantity == "mag" else 1)
    >>> index = Index("brightest", brightest, unit="value", min_points=1)
    >>> index.words
    'Brightest value.'
    """

    name: str
    """Begin of its columns' names."""
    function: Callable[[Any], Floats]
    """Takes :class:`~lc_pipeline.analysis.statistics.Points` (of a pair of measurements
    :class:`~lc_pipeline.analysis.statistics.TwoMeasurements`), gives (n_objects,) floats."""
    unit: str = ""
    """In terms of ``value``, the measurement's own: ``value``, ``value / d``, ``value2``; empty
    for a plain number."""
    min_points: int = 2
    """With fewer points it is NaN."""
    needs: Needs = ()
    """Points without these are left out for this index."""
    judged: Judged | None = None
    """How it is judged against objects of similar brightness: as it is, by its log, or not."""
    quantities: tuple[str, ...] = ("mag", "flux")
    """Measurements of which it makes sense."""
    is_scaled_by_coverage: bool = False
    """Whether it is multiplied by N / N_all: the object's points over the epochs in which the
    measurement was made of any object."""

    @property
    def words(self) -> str:
        """One line of description: the first of the function's docstring."""
        return (inspect.getdoc(self.function) or self.name).partition("\n")[0]

    @property
    def formula(self) -> str:
        """As it stands in the function's docstring."""
        paragraphs = (inspect.getdoc(self.function) or "").split("\n\n")
        found = [part for part in paragraphs[1:] if "``" in part]
        return re.sub(r"\s+", " ", found[0]) if found else ""

    @property
    def reference(self) -> str:
        """Where it was published, as it stands in the function's docstring."""
        paragraphs = (inspect.getdoc(self.function) or "").split("\n\n")
        found = [part for part in paragraphs[1:] if "``" not in part]
        return re.sub(r"\s+", " ", found[-1]) if found else ""

    def unit_for(self, *values: str | None) -> Unit | None:
        """Its unit, for a measurement (two of them) in these units.

        Examples
        --------
        >>> Index("slope", len, unit="value / d").unit_for("mag")
        Unit("mag / d")
        >>> Index("covariance", len, unit="value2").unit_for("mag", "uJy")
        Unit("mag uJy")
        """
        if not self.unit:
            return None
        base = [Unit(value or "", parse_strict="silent") for value in values]
        if self.unit == "value2":
            return base[0] * base[-1]
        per = self.unit.partition("/")[2].strip()
        return base[0] / Unit(per) if per else base[0]

    def column(self, *measurements: str, z: bool = False) -> str:
        """Name of its column.

        Examples
        --------
        >>> Index("iqr", len).column("g", z=True)
        'iqr_g_z'
        """
        return "_".join((self.name, *measurements, *(("z",) if z else ())))


def evaluate(index: Index, points: Any) -> Floats:
    """Apply an index to points that have what it needs; NaN where there are too few.

    What is not finite (a ratio of nothing to nothing, of something to nothing) becomes NaN.
    """
    with np.errstate(all="ignore"):
        result = np.asarray(points.once(index.function), dtype=np.float64)
    if result.shape != points.n.shape:
        raise ValueError(
            f"index {index.name!r}: its function gave an array of shape {result.shape}, expected "
            f"one number for each of {len(points.n)} objects"
        )
    return np.where((points.n >= index.min_points) & np.isfinite(result), result, np.nan)
