"""Probabilities: read off a survey, and combined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lc_pipeline.analysis.candidates.combining import of_dependent, of_independent
from lc_pipeline.analysis.candidates.scoring import known_from, sigma_of
from lc_pipeline.analysis.candidates.tails import NullDistribution, fit_null

GAUSSIAN = fit_null(np.random.default_rng(1).normal(size=100))


@given(st.floats(-5, 5), st.floats(0.1, 10), st.floats(0, 1), st.floats(0, 0.3), st.floats(-1, 7.5))
def test_a_deviate_is_that_of_its_quantile(location, scale, g, h, u):
    null = NullDistribution(location, scale, g, h, 0.0, 100)
    assert null.deviate(null.quantile(u)) == pytest.approx(u, abs=0.01)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
@settings(max_examples=25)
def test_what_lies_further_out_is_not_more_probable(values):
    log_p = GAUSSIAN.log_exceedance(np.sort(values))
    assert np.isfinite(log_p).all()
    assert (np.diff(log_p) <= 1e-9).all()


@pytest.mark.parametrize("n", [200, 5000])
@pytest.mark.parametrize("fraction", [0.0, 0.1])
def test_the_tail_of_a_skew_distribution_is_found_among_variables(n, fraction):
    random = np.random.default_rng(n)
    constant = stats.gamma(25).rvs(n, random_state=random)
    variable = 25 + 5 * 10 ** random.uniform(0, 2, int(fraction * n))
    null = fit_null(np.concatenate([constant, variable]))
    limit = stats.gamma(25).isf(1e-3)
    found = float(np.exp(null.log_exceedance(limit)))
    assert 1e-3 / 4 < found < 4e-3
    assert abs(null.variable - fraction / (1 + fraction)) < 0.06


def test_too_few_or_equal_values_say_nothing():
    for values in ([], [1.0] * 5, [np.nan] * 50, [2.0] * 50):
        assert fit_null(values).n_values == 0
        assert np.isnan(fit_null(values).log_exceedance(3.0))


@given(st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=6))
def test_independent_tests_are_combined_as_by_fisher(p):
    ours = of_independent([np.log([one]) for one in p])
    assert np.exp(ours[0]) == pytest.approx(stats.combine_pvalues(p).pvalue, rel=1e-6)


@given(st.lists(st.floats(1e-300, 1.0), min_size=1, max_size=6))
def test_dependent_tests_give_their_harmonic_mean(p):
    expected = min(1.0, 1 / np.mean(1 / np.array(p)))
    assert np.exp(of_dependent([np.log([one]) for one in p])[0]) == pytest.approx(expected)


def test_silent_tests_do_not_count_and_nothing_underflows():
    strong, silent = np.array([-1e4]), np.array([np.nan])
    assert of_dependent([strong, silent])[0] == pytest.approx(-1e4)
    assert of_independent([strong, silent])[0] == pytest.approx(-1e4)
    assert of_independent([strong, strong])[0] == pytest.approx(-2e4, rel=1e-3)
    assert np.isnan(of_independent([silent, silent])[0])
    assert np.isnan(of_dependent([silent, silent])[0])
    assert sigma_of(strong)[0] == pytest.approx(141.4, abs=0.1)


@pytest.mark.parametrize("freedom", [9.0, 50.0])
@pytest.mark.parametrize("u", [1.0, 4.0, 30.0])
def test_a_unit_known_from_few_values_is_that_of_student(freedom, u):
    exact = stats.norm.isf(stats.t(freedom).sf(u))
    assert known_from(np.array(u), freedom) == pytest.approx(exact, rel=0.03)
