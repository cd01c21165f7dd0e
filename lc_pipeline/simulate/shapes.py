"""Shapes of light curves: magnitude as a function of phase or time, without noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: Magnitudes per relative flux, 2.5 / ln 10 = 1.0857.
POGSON = 2.5 / np.log(10)

_GRID = 2**16


class PhasedShape:
    """A periodic light curve of amplitude 1 (peak to peak) and time-averaged magnitude 0.

    Parameters
    ----------
    raw : callable
        Magnitude of any scale and zero point as a function of phase in cycles.
    from_maximum : bool
        Phase 0 is maximum light, as is usual for pulsating stars; else minimum light, as for
        eclipsing ones.

    Examples
    --------
    >>> SHAPES["rrc"]([0.0, 0.25, 0.5]).round(6).tolist()
    [-0.5, -0.0, 0.5]
    """

    def __init__(self, raw: Callable[[Floats], Floats], *, from_maximum: bool) -> None:
        phase = np.arange(_GRID) / _GRID
        values = raw(phase)
        self._raw = raw
        self._scale = float(np.ptp(values))
        self._mean = float(values.mean())
        self._phase_0 = float(phase[values.argmin() if from_maximum else values.argmax()])

    def __call__(self, phase: ArrayLike) -> Floats:
        """Magnitude at `phase` (cycles, any shape), for an amplitude of 1."""
        phase = np.asarray(phase, dtype=np.float64) + self._phase_0
        return (self._raw(phase) - self._mean) / self._scale


def _sawtooth(steepness: float, n_harmonics: int) -> Callable[[Floats], Floats]:
    """Slow fading and fast rise; the Fourier amplitudes fall as steepness**k / k."""

    def raw(phase: Floats) -> Floats:
        total = np.zeros_like(phase)
        for k in range(1, n_harmonics + 1):
            total -= steepness**k / k * np.sin(2 * np.pi * k * phase)
        return total

    return raw


def _sinusoid(phase: Floats) -> Floats:
    return -np.cos(2 * np.pi * phase)


def _detached(phase: Floats) -> Floats:
    """Two eclipses of different depth, constant between them."""
    primary = (phase + 0.5) % 1.0 - 0.5
    secondary = phase % 1.0 - 0.5
    width = 0.025
    return np.exp(-0.5 * (primary / width) ** 2) + 0.4 * np.exp(-0.5 * (secondary / width) ** 2)


def _contact(phase: Floats) -> Floats:
    """Always changing, two nearly equal minima."""
    return np.cos(4 * np.pi * phase) + 0.08 * np.cos(2 * np.pi * phase)


#: Fourier amplitude ratios of ``rrab``, R21 = 0.48 and R31 = 0.30, are those of RRab stars
#: (Simon & Teays 1982, ApJ 261, 586).
SHAPES: dict[str, PhasedShape] = {
    "rrab": PhasedShape(_sawtooth(0.95, 8), from_maximum=True),
    "rrc": PhasedShape(_sinusoid, from_maximum=True),
    "cepheid": PhasedShape(_sawtooth(0.7, 6), from_maximum=True),
    "ea": PhasedShape(_detached, from_maximum=False),
    "ew": PhasedShape(_contact, from_maximum=False),
    "lpv": PhasedShape(_sinusoid, from_maximum=True),
    "dsct": PhasedShape(_sinusoid, from_maximum=True),
}


@dataclass(frozen=True)
class KindRange:
    """Where the parameters of one kind are drawn from.

    Attributes
    ----------
    times : (float, float), d
        Period, logarithmically uniform; of ``agn`` the damping time, of ``transient`` the time in
        which it fades by a factor e.
    amplitudes : (float, float), mag
        Peak to peak at 480 nm; of ``agn`` the long-term standard deviation.
    reddening : float
        The amplitude goes as wavelength to the power of this.
    """

    times: tuple[float, float]
    amplitudes: tuple[float, float]
    reddening: float


RANGES = {
    "rrab": KindRange((0.40, 0.80), (0.5, 1.2), -1.3),
    "rrc": KindRange((0.22, 0.42), (0.3, 0.6), -1.3),
    "cepheid": KindRange((3.0, 40.0), (0.5, 1.2), -1.3),
    "ea": KindRange((0.8, 10.0), (0.3, 1.5), 0.0),
    "ew": KindRange((0.25, 0.60), (0.2, 0.8), 0.0),
    "lpv": KindRange((80.0, 500.0), (0.5, 3.0), -1.0),
    "dsct": KindRange((0.03, 0.20), (0.05, 0.4), -1.3),
    "agn": KindRange((100.0, 1000.0), (0.1, 0.3), -0.5),
    "transient": KindRange((10.0, 40.0), (0.0, 0.0), 0.0),
}


def transient_fading(days: ArrayLike, rise: ArrayLike, fall: ArrayLike) -> Floats:
    """Magnitudes below the peak of a transient that rises and falls exponentially.

    Parameters
    ----------
    days : array_like of float, d
        Time since the peak.
    rise, fall : array_like of float, d
        Times in which the flux changes by a factor e.

    Returns
    -------
    array of float, mag

    Examples
    --------
    >>> transient_fading([-10.0, 0.0, 10.0], 5.0, 20.0).round(3).tolist()
    [2.171, 0.0, 0.543]
    """
    since = np.asarray(days, dtype=np.float64)
    return np.asarray(
        POGSON * np.where(since < 0, -since / np.asarray(rise), since / np.asarray(fall))
    )


def relative_noise(faintness: ArrayLike) -> Floats:
    """Relative flux error from photons of source and sky.

    Parameters
    ----------
    faintness : array_like of float, mag
        Magnitude minus the five-sigma limit.

    Returns
    -------
    array of float
        0.2 at the limit: ``sqrt((0.04 - g) x + g x**2)`` with ``x = 10**(0.4 faintness)`` and
        ``g = 0.039`` (Ivezic et al. 2019, ApJ 873, 111, eq. 5).

    Examples
    --------
    >>> relative_noise([0.0, -5.0]).round(4).tolist()
    [0.2, 0.0037]
    """
    x = 10 ** (0.4 * np.asarray(faintness, dtype=np.float64))
    sky = 0.039
    return np.sqrt((0.04 - sky) * x + sky * x**2)
