"""The epochs of a simulated survey: when, how deep, and what was wrong with each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.simulate.settings import Simulation, Stream

Floats = NDArray[np.float64]

SECONDS = 86400.0
_DAYS_PER_YEAR = 365.25
_NIGHTS_AT_ONCE = 366


@dataclass(frozen=True, eq=False)
class SimulatedEpoch:
    """The conditions of one epoch.

    Attributes
    ----------
    number : int
        From 0.
    key : str
    start, mid : (n_bands,) arrays of float, MJD (UTC)
        Of the exposure in each band.
    exposure : float, s
    taken : (n_bands,) array of bool
        Whether the band was taken at all.
    seeing : float, arcsec
    cloud : float, mag
        Extinction by clouds; it is part of `zero_point`.
    zero_point : (n_bands,) array of float, mag
        Observed minus true magnitude.
    colour_term : (n_bands,) array of float
        Slope of observed minus true magnitude with colour.
    limit : (n_bands,) array of float, mag
        Five-sigma limit, as true magnitude.
    east, north : float, arcsec
        By which all positions are shifted.
    dither : (2,) array of float, arcsec
        East and north of the pointing from the field's centre.
    """

    number: int
    key: str
    start: Floats
    mid: Floats
    exposure: float
    taken: NDArray[np.bool_]
    seeing: float
    cloud: float
    zero_point: Floats
    colour_term: Floats
    limit: Floats
    east: float
    north: float
    dither: Floats


def draw_epochs(settings: Simulation) -> list[SimulatedEpoch]:
    """Draw the epochs, in order of time."""
    exposures = [
        settings.exposures[
            int(settings.generator(Stream.CONDITIONS, number, 0).integers(len(settings.exposures)))
        ]
        for number in range(settings.n_epochs)
    ]
    starts = _nightly(settings) if settings.cadence == "nightly" else _dense(settings, exposures)
    return [
        _conditions(settings, number, float(starts[number]), exposures[number])
        for number in range(settings.n_epochs)
    ]


def _nightly(settings: Simulation) -> Floats:
    """One start per clear night in season."""
    random = settings.generator(Stream.CADENCE)
    starts: list[float] = []
    night = 0
    while len(starts) < settings.n_epochs:
        for clear, hour in random.random((_NIGHTS_AT_ONCE, 2)).tolist():
            in_season = night % _DAYS_PER_YEAR < settings.season_days
            if in_season and clear >= settings.lost_nights:
                starts.append(settings.start + night + hour * settings.night_hours / 24)
            night += 1
    return np.array(starts[: settings.n_epochs])


def _dense(settings: Simulation, exposures: list[float]) -> Floats:
    """One exposure after the other, as many as a night holds."""
    n_exposures = len(settings.bands) if settings.layout == "files" else 1
    starts = []
    night, time = 0, 0.0
    for exposure in exposures:
        if time > settings.night_hours / 24:
            night, time = night + 1, 0.0
        starts.append(settings.start + night + time)
        time += n_exposures * (exposure + settings.overhead) / SECONDS
    return np.array(starts)


def _conditions(settings: Simulation, number: int, start: float, exposure: float) -> SimulatedEpoch:
    random = settings.generator(Stream.CONDITIONS, number, 1)
    n_bands = len(settings.bands)
    one_by_one = np.arange(n_bands) if settings.layout == "files" else np.zeros(n_bands)
    starts = start + one_by_one * (exposure + settings.overhead) / SECONDS
    # As a header has it: to a millisecond.
    starts = np.round(starts, 8).astype(np.float64)
    seeing = settings.seeing * float(np.exp(settings.seeing_scatter * random.standard_normal()))
    is_cloudy = random.random() < settings.clouds
    cloud = float(random.exponential()) * settings.cloud_extinction * is_cloudy
    zero_point = random.standard_normal(n_bands) * settings.zero_point + cloud
    colour_term = random.standard_normal(n_bands) * settings.colour_term
    taken = random.random(n_bands) >= settings.missing_band
    taken[0] = True
    length = settings.astrometric_offset * float(np.sqrt(random.random()))
    angle = 2 * np.pi * float(random.random())
    dither = random.uniform(-1, 1, 2) * settings.dither_arcmin * 60
    deeper = 1.25 * np.log10(exposure / settings.exposures[0])
    deeper -= 2.5 * np.log10(seeing / settings.seeing)
    return SimulatedEpoch(
        number=number,
        key=f"{number + 1:05d}",
        start=starts,
        mid=starts + exposure / 2 / SECONDS,
        exposure=exposure,
        taken=taken,
        seeing=seeing,
        cloud=cloud,
        zero_point=zero_point,
        colour_term=colour_term,
        limit=np.full(n_bands, settings.limiting_magnitude + deeper - cloud),
        east=length * float(np.sin(angle)),
        north=length * float(np.cos(angle)),
        dither=dither,
    )
