"""One measurement of every detection of a catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.survey import Quantity


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
    found_nothing: bool = False
    """A file that has this measurement has no rows: it was observed, and nothing was detected."""
