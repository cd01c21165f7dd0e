"""The linear problem against dense least squares, which is slow and obvious."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.photometry.least_squares import EpochSystem, Points, components, group_median


def dense_solution(points, weight, basis, prior):
    """Star means and epochs' unknowns by ``lstsq`` of the full design matrix, and covariance."""
    n_terms = basis.shape[1]
    size = points.n_stars + points.n_epochs * n_terms
    rows = np.zeros((len(points.star), size))
    number = np.arange(len(points.star))
    rows[number, points.star] = 1
    for term in range(n_terms):
        column = points.n_stars + points.epoch * n_terms + term
        rows[number, column] = basis[points.star, term]
    root = np.sqrt(weight)
    rows, right = rows * root[:, None], points.value * root
    held = np.zeros((points.n_epochs * n_terms, size))
    held[:, points.n_stars :] = np.diag(np.tile(1 / prior, points.n_epochs))
    rows, right = np.vstack([rows, held]), np.append(right, np.zeros(len(held)))
    solution = np.linalg.lstsq(rows, right, rcond=None)[0]
    return solution[points.n_stars :].reshape(-1, n_terms), rows


def random_points(seed, n_stars, n_epochs, fraction):
    random = np.random.default_rng(seed)
    there = random.random((n_stars, n_epochs)) < fraction
    there[:, 0] = there[0] = True  # all hang together
    star, epoch = np.nonzero(there)
    value = random.normal(0, 1, len(star))
    points = Points(star, epoch, value, np.full(len(star), 0.1), n_stars, n_epochs)
    return points, random.uniform(0.1, 10, len(star)), random


@given(
    st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 12), st.floats(0.05, 1),
    st.integers(0, 2),
)  # fmt: skip
def test_all_epochs_at_once_are_what_dense_least_squares_gives(
    seed, n_stars, n_epochs, fraction, n_more
):
    points, weight, random = random_points(seed, n_stars, n_epochs, fraction)
    basis = np.column_stack([np.ones(n_stars), random.normal(size=(n_stars, n_more))])
    prior = np.append(np.inf, np.full(n_more, 0.7))
    found = EpochSystem(points, weight, basis, prior).solve(points.value)
    expected, _ = dense_solution(points, weight, basis, prior)
    np.testing.assert_allclose(found[:, 0] - found[0, 0], expected[:, 0] - expected[0, 0],
                               atol=1e-6)  # fmt: skip
    np.testing.assert_allclose(found[:, 1:], expected[:, 1:], atol=1e-6)


@pytest.mark.parametrize("n_more", [0, 2])
def test_errors_are_those_of_dense_least_squares(n_more):
    points, weight, random = random_points(1, 30, 12, 0.4)
    basis = np.column_stack([np.ones(30), random.normal(size=(30, n_more))])
    prior = np.append(np.inf, np.full(n_more, 0.7))
    system = EpochSystem(points, weight, basis, prior)
    found = system.variances(components(points))
    _, rows = dense_solution(points, weight, basis, prior)
    # Hold the mean zero point at 0, as tightly as the arithmetic lets us.
    gauge = np.zeros(rows.shape[1])
    gauge[points.n_stars :: n_more + 1] = 1e4
    rows = np.vstack([rows, gauge])
    expected = np.diag(np.linalg.inv(rows.T @ rows))[points.n_stars :].reshape(12, -1)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_long_chain_of_epochs_is_solved_to_its_ends():
    """Every star is seen in two neighbouring epochs: neighbours alone tie the chain."""
    n_epochs = 300
    star = np.repeat(np.arange(n_epochs - 1), 2)
    epoch = np.stack([np.arange(n_epochs - 1), np.arange(1, n_epochs)], axis=1).ravel()
    truth = np.random.default_rng(0).normal(size=n_epochs)
    points = Points(star, epoch, truth[epoch], np.zeros(len(star)), n_epochs - 1, n_epochs)
    system = EpochSystem(points, np.ones(len(star)), np.ones((n_epochs - 1, 1)), np.array([np.inf]))
    found = system.solve(points.value)[:, 0]
    np.testing.assert_allclose(found - found[0], truth - truth[0], atol=1e-6)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-1e6, 1e6)), max_size=60))
def test_medians_of_groups_are_numpys(rows):
    group = np.array([row[0] for row in rows], dtype=int)
    value = np.array([row[1] for row in rows])
    found = group_median(value, group, 7)
    for number in range(7):
        mine = value[group == number]
        if len(mine):
            assert found[number] == np.median(mine)
        else:
            assert np.isnan(found[number])


def test_an_epoch_that_shares_no_star_has_no_component(as_points):
    value = np.full((4, 5), np.nan)
    value[0, [0, 1]] = value[1, [1, 2]] = value[2, 3] = 1.0
    assert components(as_points(value)).tolist() == [0, 0, 0, -1, -1]
