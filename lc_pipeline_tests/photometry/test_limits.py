"""Upper limits stand where nothing was detected, and nowhere else."""

import numpy as np
import pytest

from lc_pipeline.errors import LightcurveError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.photometry.limits import detection_limits
from lc_pipeline.photometry.zero_points import solve_calibration
from lc_pipeline.survey import PhotometrySection


@pytest.fixture
def survey(dataset_of, field):
    """A field whose third value is the limit that every row states."""
    simulated = field(20, 10)
    dataset = dataset_of(simulated.value[:, None], simulated.error[:, None])
    limit = 19 + 0.1 * np.arange(10) + np.zeros((20, 10))
    cube = np.concatenate([dataset.lightcurves.values, limit[:, None, None]], axis=2)
    dataset = dataset.drop_vars(["lightcurves", "value"]).assign_coords(
        value=("value", np.array(["mag", "mag_err", "limit"], dtype=object))
    )
    dataset["lightcurves"] = ("object", "measurement", "value", "epoch"), cube.astype("float32")
    return dataset


def mark(dataset, place, flag, *, keeps_limit=False):
    dataset.lightcurves.values[place[0], 0, : 2 if keeps_limit else 3, place[1]] = np.nan
    dataset.flags.values[place[0], 0, place[1]] = flag


def test_a_detected_point_has_no_limit(survey):
    assert np.isnan(detection_limits(survey, "limit")).all()


def test_what_was_not_detected_has_the_limit_of_its_epoch(survey):
    mark(survey, (3, 4), MeasurementFlag.NOT_DETECTED)
    limits = detection_limits(survey, "limit")
    assert limits.values[3, 0, 4] == pytest.approx(19.4)
    assert np.isfinite(limits).sum() == 1


def test_a_row_without_a_value_has_its_own_limit(survey):
    survey.lightcurves.values[3, 0, 2, 4] = 17.5
    mark(survey, (3, 4), MeasurementFlag.BAD_VALUE, keeps_limit=True)
    assert detection_limits(survey, "limit").values[3, 0, 4] == 17.5


def test_what_was_not_observed_has_none(survey):
    mark(survey, (3, 4), MeasurementFlag.NOT_OBSERVED)
    mark(survey, (5, 6), MeasurementFlag.NOT_INGESTED)
    assert np.isnan(detection_limits(survey, "limit")).all()


def test_limits_of_calibrated_light_curves_are_calibrated(survey):
    mark(survey, (3, 4), MeasurementFlag.NOT_DETECTED)
    calibrated = solve_calibration(survey, PhotometrySection(zero_points="on")).attach(survey)
    found = detection_limits(calibrated, "limit").values[3, 0, 4]
    assert found == pytest.approx(19.4 - calibrated.zero_point.values[0, 4], abs=1e-5)


def test_a_survey_that_states_no_limits_is_told_how(survey):
    with pytest.raises(LightcurveError, match=r"no value 'depth'.*extra"):
        detection_limits(survey, "depth")
