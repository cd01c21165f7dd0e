"""What a period says of an object: the Fourier model of each band, amplitude, maximum, error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.periods.band import Band
from lc_pipeline.analysis.periods.choose import Verdict
from lc_pipeline.analysis.periods.fits import design_matrix
from lc_pipeline.analysis.periods.phase_order import bearable_terms

Floats = NDArray[np.float64]

_PHASES = np.arange(256) / 256
_NEAR = 0.03


@dataclass(frozen=True)
class FourierModel:
    """``mean + sum_k a_k cos(2 pi k f t) + b_k sin(2 pi k f t)``, t in MJD.

    Attributes
    ----------
    frequency : float, 1/d
    mean : float
    cosine, sine : (n_terms,) arrays of float
    """

    frequency: float
    mean: float
    cosine: Floats
    sine: Floats

    def __call__(self, time: Floats) -> Floats:
        """Values at some times."""
        design = design_matrix(np.array([self.frequency]), np.asarray(time), len(self.cosine))[0]
        pairs = np.stack([self.cosine, self.sine], axis=-1).ravel()
        values: Floats = design @ np.concatenate([[self.mean], pairs])
        return values


def fourier_model(
    band: Band, is_used: NDArray[np.bool_], frequency: float, n_terms: int
) -> FourierModel:
    """Fit a Fourier series by weighted least squares; fewer harmonics where values are few."""
    seen = band.time[is_used]
    n_terms = int(bearable_terms(seen, np.array([frequency]), n_terms, band.nyquist)[0])
    root = is_used / band.error
    # Phases counted from the middle of the data, and turned to MJD 0 afterwards, lose no digits.
    design = design_matrix(np.array([frequency]), band.time, n_terms)[0] * root[:, np.newaxis]
    found = np.linalg.lstsq(design, band.value * root, rcond=1e-3)[0]
    return FourierModel(frequency, float(found[0]), found[1::2], found[2::2])


def observed_range(model: FourierModel, time: Floats) -> tuple[float, float, float, float]:
    """Smallest and largest value near phases that were observed, and when they are reached.

    Between its data a Fourier series may do as it likes: phases further than 0.03 from any
    observed one do not count.

    Returns
    -------
    smallest, largest : float
    time_of_smallest, time_of_largest : float, d
        Those next to the middle of the times.
    """
    observed = np.sort(np.mod(model.frequency * time, 1.0))
    around = np.concatenate([observed[-1:] - 1, observed, observed[:1] + 1])
    place = np.searchsorted(around, _PHASES)
    nearest = np.minimum(
        np.abs(_PHASES - around[place - 1]),
        np.abs(around[np.minimum(place, len(around) - 1)] - _PHASES),
    )
    phases = np.concatenate([_PHASES[nearest < _NEAR], observed])
    values = model(phases / model.frequency)
    middle = 0.5 * (time.min() + time.max())
    ends = []
    for best in (values.argmin(), values.argmax()):
        cycles = np.round(middle * model.frequency - phases[best])
        ends.append(float((cycles + phases[best]) / model.frequency))
    return float(values.min()), float(values.max()), ends[0], ends[1]


def frequency_error(
    bands: Sequence[Band], verdict: Verdict, models: Sequence[FourierModel]
) -> float:
    """One standard deviation of the frequency, from the slope of the model against time.

    With residuals of variance s**2 (whose scale is taken from the data), ``sigma_f**-2 = sum
    (dm/df)**2 / s**2``, the times counted from their mean because phase and frequency are fitted
    together.
    """
    information = 0.0
    for band, is_used, model in zip(bands, verdict.is_used, models, strict=True):
        n_terms = len(model.cosine)
        if not n_terms or is_used.sum() <= 2 * n_terms + 2:
            continue
        weight = is_used / band.error**2
        centre = (weight * band.time).sum() / weight.sum()
        turn = 2 * np.pi * np.mod(model.frequency * band.time, 1.0)
        slope = np.zeros(len(band.time))
        for k, (cosine, sine) in enumerate(zip(model.cosine, model.sine, strict=True), start=1):
            slope += k * (sine * np.cos(k * turn) - cosine * np.sin(k * turn))
        slope *= 2 * np.pi * (band.time - centre)
        rest = (weight * (band.value - model(band.time)) ** 2).sum()
        scale = rest / max(int(is_used.sum()) - 2 * n_terms - 2, 1)
        information += (weight * slope**2).sum() / max(scale, 1e-300)
    return float(1 / np.sqrt(information)) if information > 0 else np.nan
