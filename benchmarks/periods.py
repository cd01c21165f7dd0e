"""How often the period search finds the period: ``python -m benchmarks.periods [--stars 6]``.

Variables of twelve kinds, among them stars whose amplitudes and phases change, in five kinds of
survey from the ground: one site, seasons, a visit a night. Shapes differ from band to band (light
lags in the red, minima of binaries have other depths), some values are missing and some are wrong.
What it gave is in docs/periods.md.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.periods import Band, frequency_grid, search_object
from lc_pipeline.simulate.shapes import RANGES, SHAPES

Floats = NDArray[np.float64]
Shape = Callable[[Floats], Floats]

WAVELENGTH = {"u": 360.0, "g": 480.0, "r": 620.0, "i": 750.0, "z": 870.0}
N_PROCESSES = 2


@dataclass(frozen=True)
class Survey:
    """Where and how often it looks; ``own_nights``: each band on nights of its own."""

    bands: str
    n_nights: int
    years: float
    noise: float
    own_nights: bool = False


SURVEYS = {
    "g, 90 nights": Survey("g", 90, 3.0, 0.02),
    "g, 150 nights, faint": Survey("g", 150, 4.0, 0.06),
    "g, r, i on nights of their own, 40 each": Survey("gri", 40, 4.0, 0.02, own_nights=True),
    "g, r, i, z at 50 visits": Survey("griz", 50, 6.0, 0.02),
    "g, r at 40 visits": Survey("gr", 40, 2.0, 0.02),
}


@dataclass(frozen=True)
class Kind:
    """A shape of `lc_pipeline.simulate`, and what it does beside its period.

    Attributes
    ----------
    shape : str
    amplitude_changes, phase_changes : float
        At most: relative, and in cycles.
    beat : (float, float), d
        Period of these changes.
    second_mode : bool
        Whether there is a second period.
    """

    shape: str
    amplitude_changes: float = 0.0
    phase_changes: float = 0.0
    beat: tuple[float, float] = (20.0, 1000.0)
    second_mode: bool = False


KINDS = {
    "rrab": Kind("rrab"),
    "rrab, Blazhko": Kind("rrab", 0.35, 0.05),
    "rrc": Kind("rrc"),
    "rrc, changing": Kind("rrc", 0.3, 0.08),
    "cepheid": Kind("cepheid"),
    "dsct": Kind("dsct"),
    "dsct, two modes": Kind("dsct", second_mode=True),
    "lpv, changing": Kind("lpv", 0.2, 0.05, (500.0, 2000.0)),
    "spots, changing": Kind("spots", 0.4, 0.08, (100.0, 800.0)),
    "ea": Kind("ea"),
    "eb": Kind("eb"),
    "ew": Kind("ew"),
}
BINARIES = ("ea", "eb", "ew")


def _beta_lyrae(phase: Floats, second: float) -> Floats:
    """Two unlike minima without flat parts, peak to peak about 1."""
    first, other = (0.5 - np.abs((phase + shift) % 1.0 - 0.5) for shift in (0.0, 0.5))
    return 0.8 * (
        np.exp(-0.5 * (first / 0.065) ** 2) + second * np.exp(-0.5 * (other / 0.065) ** 2)
    ) + 0.12 * np.cos(4 * np.pi * phase)


def _of_shape(name: str, random: np.random.Generator) -> tuple[float, float, float, Shape]:
    """Period, amplitude, reddening and light curve of one star."""
    if name == "eb":
        times, amplitudes, reddening = (0.4, 3.0), (0.3, 0.9), 0.0
        curve: Shape = partial(_beta_lyrae, second=random.uniform(0.3, 0.8))
    elif name == "spots":
        times, amplitudes, reddening, curve = (0.5, 25.0), (0.08, 0.25), -0.6, SHAPES["rrc"]
    else:
        known = RANGES[name]
        times, amplitudes, reddening, curve = (
            known.times, known.amplitudes, known.reddening, SHAPES[name],
        )  # fmt: skip
    return np.exp(random.uniform(*np.log(times))), random.uniform(*amplitudes), reddening, curve


def _nights(survey: Survey, random: np.random.Generator) -> Floats:
    """Nights of seasons, somewhat before or after midnight."""
    days = np.arange(int(survey.years * 365.25))
    days = random.choice(days[days % 365.25 < 0.6 * 365.25], survey.n_nights, replace=False)
    return np.sort(55000.3 + days + random.uniform(-0.12, 0.12, survey.n_nights))


def simulated(survey: Survey, kind: Kind, random: np.random.Generator) -> tuple[float, list[Band]]:
    """One star: its period in days, and what was seen of it."""
    period, amplitude, reddening, curve = _of_shape(kind.shape, random)
    size, shift = random.uniform(0.3, 1.0, 2) * (kind.amplitude_changes, kind.phase_changes)
    beat, phases = np.exp(random.uniform(*np.log(kind.beat))), random.uniform(0, 2 * np.pi, 2)
    second = random.uniform(0.1, 0.3) * kind.second_mode
    other_period = period * random.uniform(0.73, 0.8)
    lag, depth = random.uniform(-0.01, 0.05), random.uniform(-0.04, 0.04)
    night = _nights(survey, random)
    bands = []
    for place, name in enumerate(survey.bands):
        night = _nights(survey, random) if survey.own_nights else night
        time = (night + place * 0.003)[random.random(len(night)) > 0.08]
        redder = WAVELENGTH[name] / WAVELENGTH["g"] - 1
        slow = 2 * np.pi * time / beat
        phase = time / period + shift * np.sin(slow + phases[0])
        if kind.shape in BINARIES:
            wave = curve(phase) + depth * redder * np.cos(2 * np.pi * phase)
        else:
            wave = curve(phase - lag * redder)
        wave = wave * (1 + size * np.sin(slow + phases[1]))
        wave = wave + second * np.cos(2 * np.pi * time / other_period)
        error = survey.noise * random.lognormal(0, 0.3, len(time))
        value = 16 + amplitude * (1 + redder) ** reddening * wave
        value += error * random.standard_normal(len(time))
        wrong = random.random(len(time)) < 0.015
        value[wrong] += random.choice([-1, 1], wrong.sum()) * random.uniform(0.3, 2, wrong.sum())
        bands.append(Band(time, value, np.hypot(error, np.median(error))))
    return period, bands


def is_found(task: tuple[str, str, int]) -> bool:
    """Whether the first period is right, to half the resolution in frequency."""
    survey, kind, number = task
    random = np.random.default_rng([zlib.crc32(f"{survey}/{kind}".encode()), number])
    period, bands = simulated(SURVEYS[survey], KINDS[kind], random)
    time = np.concatenate([band.time for band in bands])
    found = search_object(bands, frequency_grid(time))
    return found is not None and abs(found.frequency[0] - 1 / period) < 0.5 / np.ptp(time)


def main() -> None:
    """Print a table: kinds in rows, surveys in columns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=6, help="of each kind in each survey")
    stars = parser.parse_args().stars
    tasks = [(survey, kind, n) for kind in KINDS for survey in SURVEYS for n in range(stars)]
    with ProcessPoolExecutor(N_PROCESSES) as pool:
        found = np.array(list(pool.map(is_found, tasks, chunksize=4)))
    table = found.reshape(len(KINDS), len(SURVEYS), stars).sum(axis=2)
    print(f"Found of {stars}:\n\n| kind | {' | '.join(SURVEYS)} | all |")
    print("|---" * (len(SURVEYS) + 2) + "|")
    for kind, row in zip(KINDS, table, strict=True):
        print(f"| {kind} | {' | '.join(map(str, row))} | {row.sum()} of {len(SURVEYS) * stars} |")
    print(f"| all | {' | '.join(map(str, table.sum(axis=0)))} | {table.sum()} of {len(tasks)} |")


if __name__ == "__main__":
    main()
