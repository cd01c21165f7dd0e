"""Real fields: what zero points do to them, with nothing tuned."""

from pathlib import Path

import numpy as np
import pytest

from lc_pipeline import SurveyConfig
from lc_pipeline.photometry.zero_points import solve_calibration
from lc_pipeline.sky.geometry import separation_arcsec

SURVEYS = Path(__file__).parents[1] / "surveys"
AF_VEL = (163.260417, -49.906389)
EY_UMA = (135.58650, 49.81926)

STANDARDS = """
[photometry.standards]
file = "@FOLDER@/../raw/catalogueSearch.csv"
layout = "one row"
column_names = ["ra", "dec", "V", "V_err", "V_again", "V_err_again"]
values = { V = "V" }
errors = { V = "V_err" }
"""


@pytest.fixture(scope="module")
def calibrated_af_vel(af_vel, shared_data):
    """Its light curves, and their calibration by settings alone."""
    text = (SURVEYS / "af_vel_ecsv.toml").read_text() + STANDARDS
    survey = SurveyConfig.from_toml(text.replace("@FOLDER@", str(shared_data / "af_vel" / "ecsv")))
    dataset = af_vel["ecsv"][1].dataset
    return dataset, solve_calibration(dataset, survey.photometry, folder=survey.folder)


def star_at(dataset, position):
    return int(separation_arcsec(dataset.ra.values, dataset.dec.values, *position).argmin())


def scatter(values):
    """Robust scatter of each light curve."""
    deviation = np.abs(values - np.nanmedian(values, axis=1)[:, np.newaxis])
    return 1.4826 * np.nanmedian(deviation, axis=1)


def test_the_field_of_af_vel_is_calibrated_to_a_few_hundredths_of_a_magnitude(calibrated_af_vel):
    dataset, calibration = calibrated_af_vel
    assert calibration.in_force == {"V": True}
    relative = np.array(calibration.zero_points["relative_zero_point"])
    assert np.ptp(relative) > 2.5
    calibrated = calibration.attach(dataset).lightcurves.values[:, 0, 0]
    complete = np.flatnonzero(np.isfinite(calibrated).sum(axis=1) >= 20)
    brightest = complete[np.argsort(np.nanmedian(calibrated[complete], axis=1))][:60]
    assert np.median(scatter(calibrated[brightest])) < 0.045
    assert np.median(scatter(dataset.lightcurves.values[brightest, 0, 0])) > 0.15


def test_af_vel_varies_by_what_it_is_known_to_do(calibrated_af_vel):
    dataset, calibration = calibrated_af_vel
    star = star_at(dataset, AF_VEL)
    calibrated = calibration.attach(dataset).lightcurves.values[star, 0, 0]
    # GCVS: V 10.68 to 11.78.
    assert np.nanmin(calibrated) == pytest.approx(10.72, abs=0.1)
    assert 0.9 < np.nanmax(calibrated) - np.nanmin(calibrated) < 1.05


def test_the_seven_standards_of_af_vel_are_used_by_configuration_alone(calibrated_af_vel):
    dataset, calibration = calibrated_af_vel
    table = calibration.zero_points
    assert table["n_standards"][0] == 7
    assert table["standards_offset_err"][0] < 0.03
    star = star_at(dataset, (163.19713600, -49.85222550))
    calibrated = calibration.attach(dataset).lightcurves.values[star, 0, 0]
    assert np.nanmedian(calibrated) == pytest.approx(12.207, abs=0.05)


def test_the_night_of_ey_uma_is_calibrated(ey_uma):
    dataset = ey_uma.dataset
    calibration = solve_calibration(dataset)
    assert calibration.in_force == {"R": True}
    calibrated = calibration.attach(dataset).lightcurves.values[:, 0, 0]
    raw = dataset.lightcurves.values[:, 0, 0]
    bright = np.argsort(np.median(raw, axis=1))[:10]
    assert np.median(scatter(calibrated[bright])) < 0.6 * np.median(scatter(raw[bright]))
    assert np.ptp(calibrated[star_at(dataset, EY_UMA)]) > 0.4


def test_a_survey_of_variables_only_that_is_calibrated_already_stays_as_it_is(stripe_82):
    dataset = stripe_82[1].dataset
    calibration = solve_calibration(dataset)
    assert calibration.in_force == dict.fromkeys("ugriz", False)
    calibrated = calibration.attach(dataset)
    np.testing.assert_array_equal(calibrated.lightcurves.values, dataset.lightcurves.values)
