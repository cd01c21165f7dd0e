"""Light curves with a known period, for these tests."""

import numpy as np

from lc_pipeline.analysis.periods import Band
from lc_pipeline.simulate.shapes import RANGES, SHAPES

BANDS = {"g": 480.0, "r": 620.0, "i": 750.0}


def nights(random, n, years=3.0, season=0.6, spread=0.12):
    """Times of one visit a night, in seasons, when the field is up."""
    days = np.arange(int(years * 365.25))
    days = random.choice(days[days % 365.25 < season * 365.25], n, replace=False)
    return np.sort(days + 0.3 + random.uniform(-spread, spread, n))


def simulated(kind, random, *, n=120, bands=("g",), noise=0.02, outliers=0.02, years=3.0):
    """A variable star of a kind of `lc_pipeline.simulate`, and its period."""
    times, amplitudes = RANGES[kind].times, RANGES[kind].amplitudes
    period, t0 = np.exp(random.uniform(*np.log(times))), random.uniform(0, 500)
    amplitude = random.uniform(*amplitudes)
    found = []
    for band in bands:
        time = nights(random, n, years)
        size = amplitude * (BANDS[band] / 480) ** RANGES[kind].reddening
        error = noise * random.lognormal(0, 0.3, n)
        value = 16 + size * SHAPES[kind]((time - t0) / period) + random.normal(0, 1, n) * error
        bad = random.random(n) < outliers
        value[bad] += random.choice([-1, 1], bad.sum()) * random.uniform(0.3, 2, bad.sum())
        found.append(Band(time, value, np.hypot(error, np.median(error))))
    return period, found
