"""One epoch's detections, whatever files they came in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.survey import Quantity, SurveyConfig


@dataclass(frozen=True)
class SourceFile:
    """Provenance of one catalogue file."""

    name: str
    """Path below the landing folder (or the file's name)."""
    sha256: str
    n_rows: int
    time: float
    """MJD of mid-exposure of this file."""


@dataclass(frozen=True)
class MeasurementColumns:
    """One measurement of every detection of a catalogue: arrays of shape ``(n_sources,)``."""

    value: NDArray[np.float64]
    """Magnitude or flux; NaN where there is none."""
    error: NDArray[np.float64]
    """Its error in the same unit; NaN where there is none."""
    flags: NDArray[np.uint16]
    """:class:`~lc_pipeline.flags.MeasurementFlag` bits; NOT_OBSERVED for the rows of files that
    do not have this measurement."""
    quantity: Quantity
    unit: str
    """An astropy unit string, ``""`` if unknown."""
    catalog_flags: NDArray[np.int64] | None = None
    """The catalogue's own flags as they came."""
    time: NDArray[np.float64] | None = None
    """MJD of each row where rows have times of their own; NaN where missing."""
    extra: dict[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceCatalog:
    """All detections of one epoch, in one or more files, with what was measured of each.

    Every array has one entry per row (shape ``(n_sources,)``), file after file, in file order.

    Attributes
    ----------
    epoch : str
        The epoch's key.
    ra, dec : (n_sources,) array of float, deg
        ICRS position, ``0 <= ra < 360``.
    file_index : (n_sources,) array of int
        Which of `files` the row came from. Each file is matched on its own.
    key : (n_sources,) array of str, or None
        The objects' own names, where the catalogue has them.
    measurements : dict of str to MeasurementColumns
    time : float
        MJD of mid-exposure (the median, where files or rows have times of their own).
    time_scale : str
        ``utc``, ``tt``, ``tdb``, ...
    time_refposition : str
        Where the clock stands: ``TOPOCENTER``, ``BARYCENTER``, ...
    exposure : float
        Seconds; NaN if unknown.
    files : tuple of SourceFile
    notes : tuple of str
        What was recognised rather than configured, in words.
    """

    epoch: str
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    file_index: NDArray[np.intp]
    key: NDArray[np.str_] | None
    measurements: dict[str, MeasurementColumns]
    time: float
    time_scale: str
    time_refposition: str
    exposure: float
    files: tuple[SourceFile, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ra)
