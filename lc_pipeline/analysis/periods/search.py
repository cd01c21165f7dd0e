"""The periods of objects: peaks of the periodogram, judged one by one with better models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.periods.band import Band
from lc_pipeline.analysis.periods.box import box_peaks
from lc_pipeline.analysis.periods.cadence import name_cadence, name_relation, window_peaks
from lc_pipeline.analysis.periods.choose import (
    MOST_TERMS,
    Verdict,
    considered,
    judge,
    refined,
)
from lc_pipeline.analysis.periods.false_alarm import log_false_alarm_probability
from lc_pipeline.analysis.periods.grid import FrequencyGrid
from lc_pipeline.analysis.periods.least_squares import Series, pooled_power, usable_terms
from lc_pipeline.analysis.periods.models import (
    FourierModel,
    fourier_model,
    frequency_error,
    observed_range,
)
from lc_pipeline.analysis.periods.multiples import settled
from lc_pipeline.analysis.periods.peaks import PeakCollector
from lc_pipeline.analysis.periods.phase_order import string_significance, terms_below

Floats = NDArray[np.float64]

#: Where peaks are looked for, values further off the median than so many 1.4826 median absolute
#: deviations stand there: bad values cannot drown a period, and an eclipse remains one.
WINSORISED = 3.0
#: Peaks of each number of harmonics that are looked at closely.
N_CANDIDATES = 10


def find_peaks(
    bands: Sequence[Series], grid: FrequencyGrid, n_terms: int, n_peaks: int
) -> list[Floats]:
    """Frequencies of the highest peaks of 1, 2 ... `n_terms` harmonics, joined over the bands.

    Parameters
    ----------
    bands : sequence of Series
        Each with all the objects, on one axis of times.
    grid : FrequencyGrid
    n_terms, n_peaks : int
        So many peaks are taken for each number of harmonics.

    Returns
    -------
    list of arrays of float, 1/d
        One for each object, ascending, on the grid.
    """
    n_objects = len(bands[0].chi2)
    baseline = max((float(np.ptp(band.time)) for band in bands if len(band.time)), default=0.0)
    width = 1 / (baseline * grid.spacing) if baseline else 1.0
    peaks = PeakCollector(n_terms * n_objects, n_peaks, width)
    streams = [band.power_on_grid(grid, n_terms, single=True) for band in bands]
    for pieces in zip(*streams, strict=True):
        joined = pooled_power([power for _, power in pieces], bands)
        places = pieces[0][0] + np.arange(joined.shape[-1])
        bearable = terms_below(grid.nyquist, grid.minimum + grid.spacing * places)
        is_slower = np.arange(1, n_terms + 1)[:, np.newaxis] > np.maximum(bearable, 1)
        joined = np.where(is_slower[:, np.newaxis], 0.0, joined)
        peaks.add(pieces[0][0], joined.reshape(n_terms * n_objects, -1))
    return [
        grid.minimum
        + grid.spacing
        * np.unique(np.concatenate([peaks.best(k * n_objects + number)[0] for k in range(n_terms)]))
        for number in range(n_objects)
    ]


@dataclass(frozen=True)
class ObjectPeriods:
    """What was found for one object, the best period first.

    Attributes
    ----------
    frequency : (n,) array of float, 1/d
    power : (n,) array of float
        Fraction of the bands' common chi-squared that each one's model takes away.
    log_fap : (n,) array of float
        Natural logarithm of the false-alarm probability.
    frequency_error : float, 1/d
        Of the best one.
    n_terms : int
        Harmonics of the best model.
    models : tuple of FourierModel
        One for each band.
    amplitude : tuple of float
        Peak to peak, one for each band.
    brightest : float, MJD
        When the band with most values is brightest, next to the middle of its times.
    relation : tuple of str
        What observations or other periods may have to do with each frequency; mostly empty.
    string_ratio, significance : float
        See :func:`~lc_pipeline.analysis.periods.phase_order.string_significance`.
    n_points, n_outliers : int
    """

    frequency: Floats
    power: Floats
    log_fap: Floats
    frequency_error: float
    n_terms: int
    models: tuple[FourierModel, ...]
    amplitude: tuple[float, ...]
    brightest: float
    relation: tuple[str, ...]
    string_ratio: float
    significance: float
    n_points: int
    n_outliers: int


def search_object(
    bands: Sequence[Band],
    grid: FrequencyGrid,
    *,
    n_terms: int = 3,
    n_peaks: int = 3,
    peaks: Floats | None = None,
    method: Literal["lomb_scargle", "bls"] = "lomb_scargle",
) -> ObjectPeriods | None:
    """Search one object for periods.

    Parameters
    ----------
    bands : sequence of Band
        Its measurements.
    grid : FrequencyGrid
        See :func:`~lc_pipeline.analysis.periods.cadence.frequency_grid`.
    n_terms : int
        Harmonics of the periodogram, at most.
    n_peaks : int
        How many periods are wanted.
    peaks : array of float, optional
        Peaks on the grid that were found before, by :func:`find_peaks`.
    method : str
        ``bls``: box least squares instead.

    Returns
    -------
    ObjectPeriods or None
        None where there are too few values, or where all are the same.

    Examples
    --------
    >>> from lc_pipeline.analysis.periods import frequency_grid
    >>> random = np.random.default_rng(3)
    >>> time = np.sort(random.uniform(0, 60, 80))
    >>> value = 15 + 0.3 * np.sin(2 * np.pi * time / 0.7) + random.normal(0, 0.03, 80)
    >>> found = search_object([Band(time, value, np.full(80, 0.03))], frequency_grid(time))
    >>> round(float(1 / found.frequency[0]), 3), found.n_terms, bool(found.log_fap[0] < -50)
    (0.7, 1, True)
    """
    bands = [replace(band, nyquist=grid.nyquist) for band in bands]
    usable = [band for band in bands if usable_terms(len(band.time), 1) and np.ptp(band.value) > 0]
    if not usable or not grid.size:
        return None
    if method == "bls":
        return _boxes(usable, bands, grid, n_terms, n_peaks)
    tame = [band.winsorised(WINSORISED) for band in usable]
    if peaks is None:
        peaks = find_peaks([band.series() for band in tame], grid, n_terms, N_CANDIDATES)[0]
    if not len(peaks):
        return None
    times = np.unique(np.concatenate([band.time for band in usable]))
    resolution = 1 / float(np.ptp(times))
    family = considered(refined(tame, peaks, grid.spacing, n_terms), grid.minimum, grid.maximum)
    step = grid.spacing / 4
    verdicts = settled(judge(usable, family, step), usable, step)
    return _described(usable, bands, grid, distinct(verdicts, resolution)[:n_peaks])


def _boxes(
    usable: Sequence[Band],
    bands: Sequence[Band],
    grid: FrequencyGrid,
    n_terms: int,
    n_peaks: int,
) -> ObjectPeriods | None:
    frequencies, depth, log_fap = box_peaks(usable, grid, n_peaks)
    if not len(frequencies):
        return None
    everything = tuple(np.ones(len(band.time), dtype=bool) for band in usable)
    no_jitter = (0.0,) * len(usable)
    verdicts = [
        Verdict(one, 0.0, 0.0, no_jitter, n_terms, everything) for one in frequencies.tolist()
    ]
    found = _described(usable, bands, grid, verdicts)
    amplitude = tuple(float(depth[0]) if np.isfinite(one) else one for one in found.amplitude)
    return replace(found, log_fap=log_fap, amplitude=amplitude)


def distinct(verdicts: Sequence[Verdict], resolution: float) -> list[Verdict]:
    """Of frequencies nearer than the resolution keep the first."""
    kept: list[Verdict] = []
    for verdict in verdicts:
        if all(abs(verdict.frequency - other.frequency) >= resolution for other in kept):
            kept.append(verdict)
    return kept


def _described(
    usable: Sequence[Band],
    bands: Sequence[Band],
    grid: FrequencyGrid,
    verdicts: Sequence[Verdict],
) -> ObjectPeriods:
    best = verdicts[0]
    frequencies = np.array([verdict.frequency for verdict in verdicts])
    series = [band.series(used) for band, used in zip(usable, best.is_used, strict=True)]
    power, log_fap = significances(
        series, frequencies, grid, np.array([verdict.n_terms for verdict in verdicts])
    )
    models = [
        fourier_model(band, used, best.frequency, best.n_terms)
        for band, used in zip(usable, best.is_used, strict=True)
    ]
    kept = [
        (band.time[used], band.value[used]) for band, used in zip(usable, best.is_used, strict=True)
    ]
    ranges = [observed_range(model, time) for model, (time, _) in zip(models, kept, strict=True)]
    largest = int(np.argmax([len(time) for time, _ in kept]))
    ratio, significance = string_significance(kept, best.frequency)
    is_there = [any(band is other for other in usable) for band in bands]
    nothing = FourierModel(best.frequency, np.nan, np.empty(0), np.empty(0))
    model, size = iter(models), iter([high - low for low, high, _, _ in ranges])
    return ObjectPeriods(
        frequency=frequencies,
        power=power,
        log_fap=log_fap,
        frequency_error=frequency_error(usable, best, models),
        n_terms=best.n_terms,
        models=tuple(next(model) if there else nothing for there in is_there),
        amplitude=tuple(next(size) if there else np.nan for there in is_there),
        brightest=ranges[largest][3 if usable[largest].is_flux else 2],
        relation=relations(frequencies, np.concatenate([time for time, _ in kept]), grid),
        string_ratio=ratio,
        significance=significance,
        n_points=sum(len(band.time) for band in usable),
        n_outliers=sum(int((~used).sum()) for used in best.is_used),
    )


def significances(
    series: Sequence[Series],
    frequencies: Floats,
    grid: FrequencyGrid,
    n_terms: NDArray[np.intp],
) -> tuple[Floats, Floats]:
    """Joint power of some number of harmonics, and the logarithm of the false-alarm probability.

    The number of harmonics was chosen among `MOST_TERMS`: the probability is that of the number
    that makes it lowest, times all that could have been chosen.

    Parameters
    ----------
    series : sequence of Series
        One for each band.
    frequencies : (n,) array of float, 1/d
    grid : FrequencyGrid
        What was searched.
    n_terms : (n,) array of int
        Harmonics for the power of each frequency.

    Returns
    -------
    power, log_fap : (n,) arrays of float
    """
    power = pooled_power([one.power_at(frequencies, MOST_TERMS) for one in series], series)[:, 0]
    count = np.array([int(one.count[0]) for one in series])
    weight = np.concatenate([one.weight[0] * n for one, n in zip(series, count, strict=True)])
    time = np.concatenate([one.time for one in series])
    mean = (weight * time).sum() / weight.sum()
    scatter = float(np.sqrt((weight * (time - mean) ** 2).sum() / weight.sum()))
    most = int(usable_terms(count, MOST_TERMS).max())
    found = [
        log_false_alarm_probability(
            power[k - 1],
            n_points=int(count.sum()),
            n_means=len(series),
            n_terms=k,
            n_parameters=2 * int(usable_terms(count, k).sum()),
            bandwidth=grid.maximum - grid.minimum,
            time_scatter=scatter,
        )
        for k in range(1, most + 1)
    ]
    log_fap = np.minimum(np.min(found, axis=0) + np.log(most), 0.0)
    chosen = power[n_terms - 1, np.arange(len(frequencies))]
    return np.asarray(chosen, dtype=float), np.asarray(log_fap)


def relations(frequencies: Floats, time: Floats, grid: FrequencyGrid) -> tuple[str, ...]:
    """Name for each frequency the rhythm of the observations, or the kinship with the first one."""
    times = np.unique(time)
    resolution = 1 / float(np.ptp(times))
    window = window_peaks(times, grid)
    first = float(frequencies[0])
    return tuple(
        (name_relation(frequency, first, resolution, window) if rank else "")
        or few_cycles(frequency, resolution)
        or name_cadence(frequency, resolution, window)
        for rank, frequency in enumerate(frequencies.tolist())
    )


def few_cycles(frequency: float, resolution: float) -> str:
    """Say that there are fewer than two cycles in the data, if so."""
    return "fewer than 2 cycles" if frequency < 2 * resolution else ""
