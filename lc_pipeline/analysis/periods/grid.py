"""The frequencies that are searched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FrequencyGrid:
    """Equally spaced frequencies, in cycles per day.

    Attributes
    ----------
    minimum, spacing : float
    size : int
    nyquist : float
        Half the frequency of the raster that the times stand on. A harmonic beyond looks like a
        slower wave.

    Examples
    --------
    >>> FrequencyGrid(minimum=0.1, spacing=0.05, size=3).frequencies.round(2).tolist()
    [0.1, 0.15, 0.2]
    """

    minimum: float
    spacing: float
    size: int
    nyquist: float = np.inf

    @property
    def maximum(self) -> float:
        """The last of them."""
        return self.minimum + self.spacing * max(0, self.size - 1)

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """All of them, (size,)."""
        return self.minimum + self.spacing * np.arange(self.size, dtype=np.float64)
