"""False-alarm probabilities against noise."""

import numpy as np
import pytest
from astropy.timeseries.periodograms.lombscargle._statistics import fap_baluev
from light_curves import nights

from lc_pipeline.analysis.periods import FrequencyGrid, frequency_grid
from lc_pipeline.analysis.periods.false_alarm import log_false_alarm_probability
from lc_pipeline.analysis.periods.least_squares import Series, pooled_power
from lc_pipeline.analysis.periods.search import significances


def test_for_one_sinusoid_it_is_baluevs():
    time = nights(np.random.default_rng(1), 60)
    power = np.array([0.05, 0.2, 0.5, 0.9])
    found = log_false_alarm_probability(
        power, n_points=60, n_means=1, n_terms=1, n_parameters=2, bandwidth=10,
        time_scatter=time.std(),
    )  # fmt: skip
    theirs = fap_baluev(power, 10.0, time, np.zeros(60), np.ones(60))
    np.testing.assert_allclose(np.exp(found), theirs, rtol=1e-6)


def test_what_is_too_small_for_a_float_has_a_logarithm():
    arguments = {"n_points": 900, "n_means": 1, "n_terms": 2, "n_parameters": 4,
                 "bandwidth": 10.0, "time_scatter": 100.0}  # fmt: skip
    found = log_false_alarm_probability([0.3, 0.6, 0.9, 0.999], **arguments)
    assert (np.diff(found) < -50).all()
    assert found[-1] < -2000


@pytest.mark.parametrize(("n_bands", "n_terms"), [(1, 1), (1, 3), (3, 1), (3, 2)])
def test_noise_has_the_false_alarms_that_are_announced(n_bands, n_terms):
    """The highest peak of noise has a probability below p in p of all cases, or somewhat fewer."""
    random = np.random.default_rng(10 * n_bands + n_terms)
    grid = FrequencyGrid(minimum=0.05, spacing=0.002, size=1500)
    n_series, n = 300, 50
    bands = [
        Series.prepared(
            np.sort(random.uniform(0, 60, n)),
            random.normal(0, 1, (n_series, n)),
            np.ones((n_series, n)),
        )
        for _ in range(n_bands)
    ]
    powers = [next(band.power_on_grid(grid, n_terms, single=True))[1] for band in bands]
    highest = pooled_power(powers, bands)[n_terms - 1].max(axis=-1)
    time = np.concatenate([band.time for band in bands])
    found = np.exp(
        log_false_alarm_probability(
            highest, n_points=n * n_bands, n_means=n_bands, n_terms=n_terms,
            n_parameters=2 * n_terms * n_bands, bandwidth=3.0, time_scatter=time.std(),
        )
    )  # fmt: skip
    for level in (0.1, 0.3):
        rate = (found < level).mean()
        # An upper limit that is sharp: three standard deviations of the count above, a third below.
        assert rate < level + 3 * np.sqrt(level * (1 - level) / n_series)
        assert rate > level / 3


def test_trying_several_numbers_of_terms_has_its_price():
    random = np.random.default_rng(4)
    time = np.sort(random.uniform(0, 60, 50))
    grid = frequency_grid(time, min_period=0.3)
    series = Series.prepared(time, random.normal(0, 1, (1, 50)), np.ones((1, 50)))
    _, log_fap = significances([series], np.array([1.0, 1.3]), grid, np.array([1, 2]))
    assert (log_fap == 0).all()
