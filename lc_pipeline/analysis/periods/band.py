"""One measurement of one object."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.periods.least_squares import Series

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """One measurement of one object: what is there of it.

    Attributes
    ----------
    time, value, error : (n,) arrays of float
        Without missing values; the errors as they enter the weights.
    is_flux : bool
        Whether the largest value is the brightest; of magnitudes the smallest is.
    nyquist : float, 1/d
        No harmonic is fitted beyond; see :class:`~lc_pipeline.analysis.periods.grid.FrequencyGrid`.
    """

    time: Floats
    value: Floats
    error: Floats
    is_flux: bool = False
    nyquist: float = np.inf

    def series(self, is_used: NDArray[np.bool_] | None = None) -> Series:
        """Ready for fitting, of all values or of some."""
        weights = self.error**-2 if is_used is None else self.error**-2 * is_used
        series = Series.prepared(self.time, self.value[np.newaxis], weights[np.newaxis])
        return replace(series, nyquist=self.nyquist)

    def winsorised(self, n_sigma: float) -> Band:
        """Move values further off the median than so many 1.4826 median absolute deviations."""
        middle = np.median(self.value)
        reach = n_sigma * 1.4826 * np.median(np.abs(self.value - middle))
        return replace(self, value=np.clip(self.value, middle - reach, middle + reach))
