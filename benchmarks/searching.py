"""Searches for periods: ours, and its peers on the same frequencies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.making import (
    SIZES,
    Case,
    Size,
)
from benchmarks.watch import Watch

#: Light curves, values in each, baseline in days, highest frequency per day; 5 samples to a peak.
PERIODS = {"small": (8, 500, 1450.0, 10.0), "large": (64, 500, 5800.0, 10.0)}
N_ASTROPY = 8
N_ASTROPY_TERMS = 1


def prepare_periods(folder: Path, size: Size) -> dict[str, float]:
    """Sinusoids in noise on one axis of times, a tenth of the values missing."""
    n_objects, n, baseline, _ = PERIODS["small" if size is SIZES["small"] else "large"]
    random = np.random.default_rng(1)
    time_axis = np.sort(random.uniform(0, baseline, n))
    period = random.uniform(0.2, 2, (n_objects, 1))
    value = (
        15 + 0.1 * np.sin(2 * np.pi * time_axis / period) + random.normal(0, 0.1, (n_objects, n))
    )
    value[random.random(value.shape) < 0.1] = np.nan
    error = random.uniform(0.05, 0.15, value.shape)
    np.savez(folder / "periods.npz", time=time_axis, value=value, error=error)
    return {"seconds": 0.0}


def periods(run: Callable[[Any, Any, Any, Any], int]) -> Case:
    """Time per object."""

    def case(folder: Path, size: Size) -> dict[str, float]:
        from lc_pipeline.analysis.periods import frequency_grid

        made = np.load(folder / "periods.npz")
        highest = PERIODS["small" if size is SIZES["small"] else "large"][-1]
        grid = frequency_grid(made["time"], min_period=1 / highest)
        watch = Watch()
        n = run(made["time"], made["value"], made["error"], grid)
        return watch.read_per(n)

    return case


def periods_ours(n_terms: int) -> Case:
    """Periodograms of 1 to `n_terms` harmonics at once, and their peaks."""

    def run(times: Any, value: Any, error: Any, grid: Any) -> int:
        from lc_pipeline.analysis.periods.least_squares import Series
        from lc_pipeline.analysis.periods.search import find_peaks

        for start in range(0, len(value), 4):
            part = slice(start, start + 4)
            find_peaks([Series.prepared(times, value[part], error[part] ** -2)], grid, n_terms, 10)
        return len(value)

    return periods(run)


def whole_search(times: Any, value: Any, error: Any, grid: Any) -> int:
    """Everything that is done to one object."""
    from lc_pipeline.analysis.periods import Band, search_object

    n = min(len(value), 32)
    for y, dy in zip(value[:n], error[:n], strict=True):
        there = np.isfinite(y)
        search_object([Band(times[there], y[there], dy[there])], grid)
    return n


def periods_astropy(times: Any, value: Any, error: Any, grid: Any) -> int:
    """One term, power only; of a few objects, it takes so long."""
    from astropy.timeseries import LombScargle

    n = min(len(value), N_ASTROPY)
    for y, dy in zip(value[:n], error[:n], strict=True):
        there = np.isfinite(y)
        LombScargle(times[there], y[there], dy[there]).power(
            grid.frequencies, method="fast", assume_regular_frequency=True
        )
    return n


def periods_astropy_terms(times: Any, value: Any, error: Any, grid: Any) -> int:
    """What the whole search begins with: a periodogram for each number of terms."""
    from astropy.timeseries import LombScargle

    n = min(len(value), N_ASTROPY_TERMS)
    for y, dy in zip(value[:n], error[:n], strict=True):
        there = np.isfinite(y)
        for n_terms in (1, 2, 3):
            LombScargle(times[there], y[there], dy[there], nterms=n_terms).power(
                grid.frequencies,
                method="fast" if n_terms == 1 else "fastchi2",
                assume_regular_frequency=True,
            )
    return n


def periods_nifty(times: Any, value: Any, error: Any, grid: Any) -> int:
    """One term, power only, four objects at a time."""
    import nifty_ls

    there = np.isfinite(value)
    dy = np.where(there, error, np.inf)
    y = np.where(there, value, 0.0)
    for start in range(0, len(y), 4):
        part = slice(start, start + 4)
        nifty_ls.lombscargle(
            times, y[part], dy[part], fmin=grid.minimum, fmax=grid.maximum, Nf=grid.size, nthreads=1
        )
    return len(y)
