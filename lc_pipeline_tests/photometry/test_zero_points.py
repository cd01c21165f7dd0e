"""Claims about zero points, against what a simulated field was made from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lc_pipeline.analysis.plausible import missing_zero_points
from lc_pipeline.errors import LightcurveError
from lc_pipeline.photometry.in_force import judge
from lc_pipeline.photometry.robust import solve_robustly
from lc_pipeline.photometry.zero_points import solve_calibration, solve_zero_points
from lc_pipeline.survey import PhotometrySection

HARD = {"variables": 0.3, "outliers": 0.05, "missing": 0.2}


def departure(solution, truth):
    """Zero points minus the truth, the common constant taken off."""
    difference = solution.zero_point - truth
    return difference - np.nanmean(difference)


@pytest.mark.parametrize("troubles", [{}, {"missing": 0.3}, {"outliers": 0.3}, HARD])
def test_zero_points_are_the_true_ones_within_their_errors(field, troubles):
    simulated = field(120, 80, **troubles)
    solution = solve_robustly(simulated.points)
    pulls = departure(solution, simulated.zero_point) / solution.zero_point_err
    assert np.isfinite(pulls).all()
    assert 0.7 < pulls.std() < 1.3
    assert np.abs(pulls).max() < 5
    assert np.median(solution.zero_point_err) < 0.01


def test_thirty_percent_of_variables_cost_no_more_than_leaving_them_out(field):
    simulated = field(150, 60, variables=0.3)
    found = departure(solve_robustly(simulated.points), simulated.zero_point)
    simulated.value, simulated.error = simulated.value[45:], simulated.error[45:]
    best = departure(solve_robustly(simulated.points), simulated.zero_point)
    assert found.std() < 1.1 * best.std()


def test_clouds_over_a_third_of_the_stars_of_one_epoch_do_not_move_it(field):
    simulated = field(100, 50)
    simulated.value[:30, 10] += 0.5
    solution = solve_robustly(simulated.points)
    found = departure(solution, simulated.zero_point)[10]
    assert abs(found) < 4 * solution.zero_point_err[10]


def test_noise_floor_and_scale_are_found(field):
    simulated = field(300, 100, variables=0.2)
    simulated.error *= 0.5
    noise = solve_robustly(simulated.points).noise
    assert noise.scale == pytest.approx(2, rel=0.15)
    assert noise.floor == pytest.approx(0.008, rel=0.15)


def test_what_a_star_does_to_its_own_zero_point_is_not_taken_for_precision(as_points):
    """Eight stars in eight epochs: a fit of 16 numbers to 64 takes a quarter of the variance."""
    floors = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        value = random.uniform(14, 16, (8, 1)) + random.normal(0, 0.3, 8)
        points = as_points(value + random.normal(0, 0.02, (8, 8)), 0.0)
        floors.append(solve_robustly(points).noise.floor)
    assert np.mean(floors) == pytest.approx(0.02, rel=0.15)


def test_variables_lose_their_weight(field):
    simulated = field(100, 50, variables=0.2)
    solution = solve_robustly(simulated.points)
    assert solution.excess[:20].min() > 10 * np.median(solution.excess[20:])
    assert 75 <= np.median(solution.n_stars) <= 80


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), epoch=st.integers(0, 19), constant=st.floats(-3, 3))
def test_a_constant_added_to_one_epoch_shifts_its_zero_point_and_no_other(
    field, seed, epoch, constant
):
    simulated = field(25, 20, seed, **HARD)
    before = solve_robustly(simulated.points).zero_point
    simulated.value[:, epoch] += constant
    after = solve_robustly(simulated.points).zero_point
    shift = after - before
    others = np.delete(shift, epoch)
    assert np.nanmax(np.abs(others - np.nanmedian(others))) < 1e-4
    assert shift[epoch] - np.nanmedian(others) == pytest.approx(constant, abs=1e-4)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), random=st.randoms(use_true_random=False))
def test_the_order_of_objects_and_epochs_does_not_matter(field, seed, random):
    dataset = field(30, 15, seed, **HARD).dataset
    settings = PhotometrySection(max_stars=12)
    objects, epochs = list(range(30)), list(range(15))
    random.shuffle(objects)
    random.shuffle(epochs)
    before = solve_zero_points(dataset, settings)
    after = solve_zero_points(dataset.isel(object=objects, epoch=epochs), settings)
    for name in ("relative_zero_point", "relative_zero_point_err", "n_zero_point"):
        expected = np.array(before[name])[epochs]
        np.testing.assert_allclose(np.array(after[name]), expected, atol=1e-5)


def test_two_fields_without_a_common_star_are_each_gauged_by_themselves(field, as_points):
    first, second = field(40, 30, seed=1), field(40, 20, seed=2)
    value = np.full((80, 50), np.nan)
    value[:40, :30], value[40:, 30:] = first.value, second.value + 5
    solution = solve_robustly(as_points(value))
    assert solution.component.tolist() == [0] * 30 + [1] * 20
    for epochs, truth in ((slice(0, 30), first.zero_point), (slice(30, 50), second.zero_point)):
        assert np.median(solution.zero_point[epochs]) == pytest.approx(0, abs=1e-12)
        assert np.abs(solution.zero_point[epochs] - truth).max() < 0.03


def test_an_epoch_by_itself_and_one_with_few_stars_have_no_zero_point(field):
    simulated = field(40, 20)
    simulated.value[39, :] = np.nan
    simulated.value[:, 5] = np.nan
    simulated.value[39, 5] = 15.0
    simulated.value[2:, 6] = np.nan
    table = solve_zero_points(simulated.dataset)
    assert np.flatnonzero(np.isnan(table["zero_point"])).tolist() == [5, 6]
    assert table["note"][5] == "no star in common with other epochs"
    assert table["note"][6] == "too few stars"
    assert table["n_zero_point"][[5, 6]].tolist() == [0, 2]


def test_an_epoch_without_a_band_is_not_one_that_lacks_a_zero_point(field):
    simulated = field(40, 20)
    simulated.value[:, 10:] = np.nan
    calibration = solve_calibration(simulated.dataset)
    notes = np.array(calibration.zero_points["note"])
    assert notes.tolist() == [""] * 10 + ["not measured in this epoch"] * 10
    assert "have no zero point" not in calibration.reasons["g"]
    assert missing_zero_points(calibration) == []


def test_fluxes_have_the_zero_points_of_the_magnitudes(field, dataset_of):
    simulated = field(60, 30, missing=0.1)
    flux = 10 ** (-0.4 * (simulated.value - 25))
    error = flux * simulated.error / 1.0857
    faint = np.random.default_rng(0).normal(0, 1, (20, 30))  # no star at all: half are negative
    value, sigma = np.vstack([flux, faint]), np.vstack([error, np.ones((20, 30))])
    dataset = dataset_of(value[:, None], sigma[:, None], quantities=("flux",))
    table = solve_zero_points(dataset)
    np.testing.assert_allclose(table["zero_point"], simulated.zero_point, atol=0.02)
    assert table["n_zero_point"].max() <= 60


# ------------------------------------------------------------------ in force


def test_real_zero_points_are_in_force_and_needless_ones_are_not(field):
    for sigma, helps in ((0.3, True), (0.02, True), (0.0, False)):
        simulated = field(60, 40, sigma_zero_point=sigma, variables=0.1)
        assert judge(simulated.points, solve_robustly(simulated.points)).helps is helps


def test_one_cloudy_epoch_among_many_good_ones_is_enough(field):
    simulated = field(60, 100, sigma_zero_point=0)
    simulated.value[:, 50] += 0.7
    assert judge(simulated.points, solve_robustly(simulated.points)).helps


@pytest.mark.parametrize("seed", range(6))
def test_variables_alone_make_no_zero_points(field, seed):
    simulated = field(40, 60, seed, sigma_zero_point=0, variables=1.0, missing=0.8)
    solution = solve_robustly(simulated.points)
    assert not judge(simulated.points, solution).helps


@pytest.mark.parametrize("n_stars", [3, 5])
@pytest.mark.parametrize(("sigma", "helps"), [(0.3, True), (0.0, False)])
def test_few_comparison_stars_are_enough_to_see_clouds(field, n_stars, sigma, helps):
    simulated = field(n_stars, 60, seed=3, sigma_zero_point=sigma)
    assert judge(simulated.points, solve_robustly(simulated.points)).helps is helps


def test_settings_put_zero_points_in_force_or_out(field):
    helpful, needless = field(40, 20), field(40, 20, sigma_zero_point=0)
    for simulated, mode, expected in (
        (helpful, "auto", True), (needless, "auto", False), (needless, "on", True),
        (helpful, "off", False),
    ):  # fmt: skip
        settings = PhotometrySection(zero_points=mode)
        calibration = solve_calibration(simulated.dataset, settings)
        assert calibration.in_force == {"g": expected}
        applied = np.array(calibration.zero_points["zero_point"])
        assert bool(np.abs(applied).max() > 0) is expected
        assert calibration.reasons["g"]


def test_what_is_calibrated_cannot_be_solved_again(field):
    dataset = field(20, 10).dataset
    calibrated = solve_calibration(dataset).attach(dataset)
    with pytest.raises(LightcurveError, match="as they were measured"):
        solve_zero_points(calibrated)


@pytest.mark.parametrize("shape", [(0, 1, 5), (3, 1, 0), (1, 1, 5), (3, 2, 1)])
def test_next_to_nothing_is_solved_for_next_to_nothing(dataset_of, shape):
    dataset = dataset_of(np.full(shape, 15.0), np.full(shape, 0.01))
    table = solve_zero_points(dataset)
    assert len(table) == shape[1] * shape[2]
    assert not np.any(table["in_force"])
    assert (np.array(table["zero_point"]) == 0).all()


# ------------------------------------------------------------------ terms


def test_terms_in_colour_and_position_are_recovered(dataset_of):
    random = np.random.default_rng(5)
    n_stars, n_epochs = 150, 30
    colour = random.uniform(-0.5, 1.5, n_stars)
    ra, dec = random.uniform(9.9, 10.1, n_stars), random.uniform(-0.1, 0.1, n_stars)
    slope, tilt = random.normal(0, 0.05, n_epochs), random.normal(0, 0.05, n_epochs)
    mean = random.uniform(14, 16, n_stars)
    zero_point = random.normal(0, 0.2, n_epochs)
    x = (ra - ra.mean()) / 0.1
    red = mean[:, None] + zero_point + random.normal(0, 0.01, (n_stars, n_epochs))
    blue = red + colour[:, None]
    blue = blue + slope * (colour[:, None] - np.median(colour)) + tilt * x[:, None]
    value = np.stack([blue, red], axis=1)
    dataset = dataset_of(value, np.full_like(value, 0.01),
                         ra=("object", ra), dec=("object", dec))  # fmt: skip
    plain = solve_calibration(dataset)
    settings = PhotometrySection(colour=("g", "r"), position_degree=1, max_stars=150)
    calibration = solve_calibration(dataset, settings)
    table = calibration.zero_points[calibration.zero_points["measurement"] == "g"]
    for name, truth in (("colour_term", slope), ("x_term", tilt)):
        found = np.array(table[name])
        assert np.corrcoef(found, truth)[0, 1] > 0.98
        assert (found - truth - np.mean(found - truth)).std() < 0.01

    def scatter(calibrated):
        blue = calibrated.lightcurves.values[:, 0, 0]
        return np.median((blue - np.median(blue, axis=1)[:, None]).std(axis=1))

    assert scatter(plain.attach(dataset)) > 0.03
    assert scatter(calibration.attach(dataset)) < 0.012


def test_a_colour_of_an_unknown_measurement_is_named(field):
    with pytest.raises(LightcurveError, match="no measurement 'u'"):
        solve_zero_points(field(20, 10).dataset, PhotometrySection(colour=("u", "g")))
