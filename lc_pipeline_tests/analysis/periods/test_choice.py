"""How candidates are fitted, and which multiple of a period is the period."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from light_curves import nights

from lc_pipeline.analysis.periods import Band, frequency_grid, search_object
from lc_pipeline.analysis.periods.choose import Verdict
from lc_pipeline.analysis.periods.fits import Fits, corrections
from lc_pipeline.analysis.periods.multiples import as_one_band, settled, visits


def noisy_wave(random, n=60, period=0.61):
    time = np.sort(random.uniform(0, 40, n)) + 55000
    phase = 2 * np.pi * time / period
    value = 15 + 0.3 * np.cos(phase) + 0.1 * np.sin(2 * phase) + random.normal(0, 0.03, n)
    return Band(time, value, random.uniform(0.02, 0.05, n))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_left_out_values_are_those_of_fits_without_them(seed, n_terms):
    """One fit and its leverages give what n fits of n - 1 values give."""
    random = np.random.default_rng(seed)
    band = noisy_wave(random)
    kept = random.random(len(band.time)) > 0.1
    frequencies = np.array([1 / 0.61, 1.234])
    fits = Fits(band, np.stack([kept, kept]), frequencies, 4)
    found = fits.left_out(np.array([n_terms, n_terms]))
    assert (found.n_terms == n_terms).all()
    for frequency, off in zip(frequencies, found.off, strict=True):
        turns = 2 * np.pi * frequency * (band.time - 55020)[:, np.newaxis] * np.arange(n_terms + 1)
        design = np.concatenate([np.cos(turns), np.sin(turns[:, 1:])], axis=1)
        for place in range(0, len(band.time), 7):
            others = kept & (np.arange(len(kept)) != place)
            weighted = design[others] / band.error[others, np.newaxis]
            model = np.linalg.lstsq(weighted, (band.value / band.error)[others], rcond=None)[0]
            expected = abs(band.value[place] - design[place] @ model)
            assert off[place] == pytest.approx(expected, abs=1e-4)


def test_frequencies_move_to_the_smallest_chi_squared():
    random = np.random.default_rng(4)
    bands = [noisy_wave(random), noisy_wave(random, 45)]
    tried = 1 / 0.61 + np.linspace(-1, 1, 2001) * 2e-3
    chi2 = np.zeros(len(tried))
    for band in bands:
        # At its best, each band's errors are right but for a factor: as in the criterion.
        power = band.series().power_at(tried, 2)[1, 0]
        chi2 += len(band.time) * np.log1p(-power)
    best = tried[chi2.argmin()]
    start = np.array([1 / 0.61 - 1.5e-3, 1 / 0.61 + 1e-3])
    frequencies = start
    for _ in range(3):
        fits = [Fits(band, np.ones((2, len(band.time)), bool), frequencies, 2) for band in bands]
        left_out = [one.left_out(np.array([2, 2])) for one in fits]
        frequencies = frequencies + corrections(left_out, 2e-3)
    np.testing.assert_allclose(frequencies, best, atol=1e-5)
    assert (np.abs(corrections(left_out, 1e-9)) <= 1e-9).all()


def test_a_band_is_in_a_visit_once():
    random = np.random.default_rng(5)
    time = np.sort(random.uniform(0, 3, 200))
    number = random.integers(0, 3, 200)
    found = visits(time, number, 0.02)
    for visit in range(found.max() + 1):
        members = found == visit
        assert np.ptp(time[members]) <= 0.02
        assert len(set(number[members])) == members.sum()
    assert (np.diff(found) >= 0).all()


def test_bands_of_one_shape_become_one_light_curve():
    random = np.random.default_rng(6)
    time = nights(random, 60)
    wave = np.cos(2 * np.pi * time / 0.7)
    errors = np.full(60, 0.01)
    bands = [Band(time + 0.003 * k, 15 + size * wave, errors) for k, size in enumerate((1, 0.5, 2))]
    flux = Band(time + 0.01, 50 - 3 * wave, errors, is_flux=True)
    bands[1].value[7] += 1.0  # outvoted by the others
    one = as_one_band([*bands, flux], 0.02)
    assert len(one.time) == 60
    slope, level = np.polyfit(wave, one.value, 1)
    assert slope > 0
    assert np.abs(one.value - level - slope * wave).max() < 0.05 * slope
    apart = as_one_band([bands[0], Band(time + 0.3, 15 + wave, errors)], 0.02)
    assert len(apart.time) == 120


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_a_star_that_changes_slowly_has_no_multiple_of_its_period(seed):
    """Two, four or six periods in one bend to the changes."""
    random = np.random.default_rng(seed)
    time = nights(random, 100, years=4.0)
    slow = 2 * np.pi * time / random.uniform(600, 1200)
    phase = time / 150 + 0.05 * np.sin(slow + 1)
    wave = (1 + 0.25 * np.sin(slow)) * np.cos(2 * np.pi * phase)
    value = 12 + 0.8 * wave + random.normal(0, 0.01, 100)
    found = search_object(
        [Band(time, value, np.full(100, 0.014))], frequency_grid(time, min_period=2.0)
    )
    assert 1 / found.frequency[0] == pytest.approx(150, rel=0.03)


def visited(depth, n_bands):
    """Bands at 50 visits, of a period of 0.4 d if there is a depth, else of 0.2 d."""
    random = np.random.default_rng(1)
    time, bands = nights(random, 50), []
    for k in range(n_bands):
        phase = 2 * np.pi * (time + 0.003 * k) / 0.4
        value = 15 + 0.3 * np.cos(2 * phase) + depth * np.cos(phase) + random.normal(0, 0.02, 50)
        bands.append(Band(time + 0.003 * k, value, np.full(50, 0.028)))
    return bands


@pytest.mark.parametrize(
    ("depth", "n_bands", "gain", "period"),
    [
        (0.0, 5, 20.0, 0.2),  # of 50 visits, not of 250 values: 4
        (0.0, 5, 80.0, 0.4),
        (0.0, 1, 1.0, 0.4),
        (0.03, 5, -20.0, 0.4),  # one light curve of all bands sees it
        (0.0, 5, -20.0, 0.2),
    ],
)
def test_a_double_period_is_earned_visit_by_visit(depth, n_bands, gain, period):
    """`gain` is what bands one by one say for 0.4 d."""
    bands = visited(depth, n_bands)
    used = tuple(np.ones(50, dtype=bool) for _ in bands)
    verdicts = [
        Verdict(1 / 0.2, 0.0, 0.0, (0.0,) * n_bands, 1, used),
        Verdict(1 / 0.4, -gain, -gain, (0.0,) * n_bands, 2, used),
    ]
    found = settled(verdicts, bands, step=1e-5)
    assert 1 / found[0].frequency == pytest.approx(period)
    assert len(found) == len(verdicts)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 13), min_size=1, max_size=3))
def test_few_values_of_which_some_are_far_off_are_searched_or_not_but_never_an_error(seed, counts):
    random = np.random.default_rng(seed)
    bands = []
    for n in counts:
        time = np.sort(59000 + random.uniform(0, 100, n))
        value = random.normal(15, 0.01, n) + random.choice([0, 0, 0, 2.0], n)
        bands.append(Band(time, value, np.full(n, 0.01)))
    found = search_object(bands, frequency_grid(np.concatenate([band.time for band in bands])))
    if max(counts) < 6:
        assert found is None
    elif found is not None:
        assert np.isfinite(found.log_fap).all()
        assert np.isfinite(found.power).all()
