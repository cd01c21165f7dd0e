"""Claims about light curves of which every second minimum is deeper, and those of which none is."""

import numpy as np
import pytest
from light_curves import nights

from lc_pipeline.analysis.periods import Band, frequency_grid, search_object
from lc_pipeline.analysis.periods.choose import judge
from lc_pipeline.analysis.periods.minima import probability_of_like_minima

ERROR = 0.015


def eclipses(phase, depths, width=0.06):
    """Two V-shaped eclipses, half a cycle apart."""
    off = [np.abs((phase - start + 0.5) % 1 - 0.5) for start in (0.0, 0.5)]
    return sum(
        depth * np.clip(1 - each / (width / 2), 0, 1)
        for depth, each in zip(depths, off, strict=True)
    )


def observed(random, time, value, *, is_flux=False):
    value = value + random.normal(0, ERROR, len(time))
    value[random.random(len(time)) < 0.02] += 0.5  # some are wrong
    error = np.full(len(time), ERROR)
    if is_flux:
        value, error = 10 ** (-0.4 * (value - 20)), 1.0 * error * 10 ** (-0.4 * (value - 20))
    return Band(time, value, error, is_flux=is_flux)


@pytest.mark.parametrize("is_flux", [False, True])
@pytest.mark.parametrize("period", [1.7342, 3.3719])
def test_narrow_unlike_eclipses_have_the_period_of_both(period, is_flux):
    random = np.random.default_rng(11)
    time = np.sort(59000 + random.uniform(0, 400, 500))
    value = 14 + eclipses(time / period, (0.7, 0.35))
    band = observed(random, time, value, is_flux=is_flux)
    found = search_object([band], frequency_grid(time, min_period=0.1))
    assert 1 / found.frequency[0] == pytest.approx(period, rel=1e-3)


def test_bands_add_up():
    random = np.random.default_rng(12)
    bands = []
    for shift in (0.0, 0.01, 0.02):
        time = 59000 + np.sort(random.uniform(0, 300, 160)) + shift
        bands.append(observed(random, time, 14 + eclipses(time / 2.3, (0.5, 0.3))))
    at_half = judge(bands, np.array([2 / 2.3]), 1e-4)[0]
    alone = [
        probability_of_like_minima([band], judge([band], np.array([2 / 2.3]), 1e-4)[0])
        for band in bands
    ]
    assert probability_of_like_minima(bands, at_half) < min(alone)


@pytest.mark.parametrize("kind", ["steady", "changing", "like eclipses"])
def test_the_probability_is_one(kind):
    """Of light curves without even and odd cycles, one in twenty has one below 0.05, at most."""
    random = np.random.default_rng(13)
    found = []
    for _ in range(60):
        period = random.uniform(0.4, 0.8)
        time = nights(random, 150, years=1.0)
        phase = time / period
        if kind == "like eclipses":
            value = eclipses(phase / 2, (0.4, 0.4), width=0.3)
        else:
            change = 0.3 * np.sin(2 * np.pi * time / random.uniform(20, 90)) * (kind == "changing")
            value = -0.4 * (1 + change) * np.cos(2 * np.pi * phase + change)
        band = observed(random, time, 15 + value)
        verdict = judge([band], np.array([1 / period]), 1e-4)[0]
        found.append(probability_of_like_minima([band], verdict))
    found = np.array(found)
    assert np.mean(found < 0.05) < 0.15
    assert found.min() > 1e-4


def test_a_few_cycles_tell_nothing():
    random = np.random.default_rng(14)
    time = np.sort(59000 + random.uniform(0, 12, 200))
    band = observed(random, time, 14 + eclipses(time / 6, (0.7, 0.2), width=0.3))
    verdict = judge([band], np.array([1 / 3]), 1e-3)[0]
    assert probability_of_like_minima([band], verdict) == 1.0
