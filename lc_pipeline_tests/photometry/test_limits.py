"""Upper limits stand where nothing was measured, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lc_pipeline.errors import LightcurveError
from lc_pipeline.flags import MeasurementFlag as F
from lc_pipeline.photometry.limits import detection_limits, epoch_limit, upper_limits
from lc_pipeline.photometry.zero_points import solve_calibration
from lc_pipeline.storage.timeseries import object_timeseries
from lc_pipeline.survey import PhotometrySection


@pytest.fixture
def survey(dataset_of, field):
    """A field whose third value is the limit that every epoch states."""
    return with_limits(dataset_of, field)


def with_limits(dataset_of, field, quantity="mag"):
    simulated = field(20, 10)
    value, error = simulated.value, simulated.error
    limit = 19 + 0.1 * np.arange(10) + np.zeros((20, 10))
    if quantity == "flux":
        value, limit = 10 ** (-0.4 * (value - 22)), 10 ** (-0.4 * (limit - 22))
        error = error / 1.0857 * value
    dataset = dataset_of(value[:, None], error[:, None], quantities=(quantity,))
    cube = np.concatenate([dataset.lightcurves.values, limit[:, None, None]], axis=2)
    dataset = dataset.drop_vars(["lightcurves", "value"]).assign_coords(
        value=("value", np.array([quantity, f"{quantity}_err", "limit"], dtype=object)),
        unit=("measurement", np.array([{"mag": "mag", "flux": "uJy"}[quantity]], dtype=object)),
    )
    dataset["lightcurves"] = ("object", "measurement", "value", "epoch"), cube.astype("float32")
    return dataset


def mark(dataset, place, flag, *, limit=None):
    """Take a value out, say why, and state another limit there."""
    dataset.lightcurves.values[place[0], 0, :2, place[1]] = np.nan
    dataset.flags.values[place[0], 0, place[1]] = flag
    if limit is not None:
        dataset.lightcurves.values[place[0], 0, 2, place[1]] = limit


def test_a_detected_point_has_no_limit(survey):
    assert np.isnan(detection_limits(survey)).all()


@pytest.mark.parametrize("flag", [F.NOT_DETECTED, F.BAD_VALUE, F.NON_POSITIVE_FLUX])
def test_where_nothing_was_measured_the_stated_limit_is_one(survey, flag):
    mark(survey, (3, 4), flag)
    limits = detection_limits(survey)
    assert limits.dims == ("object", "measurement", "epoch")
    assert limits.values[3, 0, 4] == pytest.approx(19.4)
    assert np.isfinite(limits).sum() == 1


@pytest.mark.parametrize("flag", [F.NOT_OBSERVED, F.NOT_INGESTED, 0])
def test_what_was_not_observed_has_none(survey, flag):
    mark(survey, (3, 4), flag)
    assert np.isnan(detection_limits(survey)).all()


def test_a_value_that_is_flagged_bad_is_a_detection(survey):
    survey.flags.values[3, 0, 4] = F.CATALOG_FLAGGED | F.BAD_VALUE
    assert np.isnan(detection_limits(survey)).all()


def test_no_limit_is_stated_where_none_is(survey):
    mark(survey, (3, 4), F.NOT_DETECTED, limit=np.nan)
    assert np.isnan(detection_limits(survey)).all()


shape = (4, 2, 3)
numbers = st.one_of(st.just(np.nan), st.floats(-50, 50, width=32))
bits = st.sampled_from([int(flag) for flag in F] + [0, int(F.NOT_DETECTED | F.AMBIGUOUS)])


@given(
    arrays(np.float32, shape, elements=numbers),
    arrays(np.float32, shape, elements=numbers),
    arrays(np.uint16, shape, elements=bits),
)
def test_a_limit_is_a_stated_one_and_stands_beside_no_value(value, stated, flags):
    limits = upper_limits(value, stated, flags)
    assert limits.dtype == np.float32
    is_there = np.isfinite(limits)
    assert np.isnan(value[is_there]).all()
    assert (limits[is_there] == stated[is_there]).all()
    assert (flags[is_there] & (F.NOT_OBSERVED | F.NOT_INGESTED) == 0).all()


@given(st.lists(numbers, max_size=30), st.randoms())
def test_the_limit_of_an_epoch_is_the_median_whatever_the_order(stated, random):
    found = epoch_limit(np.array(stated, dtype=float))
    known = [number for number in stated if np.isfinite(number)]
    assert np.isnan(found) == (not known)
    if known:
        assert found == np.median(known)
        random.shuffle(stated)
        assert epoch_limit(np.array(stated, dtype=float)) == found


@pytest.mark.parametrize("quantity", ["mag", "flux"])
@pytest.mark.parametrize("degree", [0, 1])
def test_a_limit_moves_as_a_value_would_there(dataset_of, field, quantity, degree):
    survey = with_limits(dataset_of, field, quantity)
    settings = PhotometrySection(zero_points="on", position_degree=degree)
    calibration = solve_calibration(survey, settings)
    as_value = survey.copy(deep=True)
    mark(survey, (3, 4), F.NOT_DETECTED)
    as_value.lightcurves.values[3, 0, 0, 4] = survey.lightcurves.values[3, 0, 2, 4]
    expected = calibration.attach(as_value)["lightcurves"].values[3, 0, 0, 4]
    found = detection_limits(calibration.attach(survey))
    assert found.values[3, 0, 4] == pytest.approx(expected, rel=1e-6)
    assert found.values[3, 0, 4] != pytest.approx(survey.lightcurves.values[3, 0, 2, 4], rel=1e-3)
    # Whatever part of it is read.
    one = calibration.attach(survey).isel(object=3, epoch=slice(4, 5))
    assert detection_limits(one).values == pytest.approx(expected, rel=1e-6)
    only = calibration.attach(survey)["lightcurves"].isel(object=3, value=2, epoch=4).values
    assert only == pytest.approx(expected, rel=1e-6)


def test_an_epoch_without_a_zero_point_has_no_calibrated_limit(survey):
    calibration = solve_calibration(survey, PhotometrySection(zero_points="on"))
    mark(survey, (3, 4), F.NOT_DETECTED)
    row = np.flatnonzero(calibration.zero_points["epoch"] == "e004")
    calibration.zero_points["zero_point"][row] = np.nan
    assert np.isnan(detection_limits(calibration.attach(survey))).all()


def test_light_curves_without_limits_say_how_to_have_them(survey):
    with pytest.raises(LightcurveError, match=r"no limits; they have mag, mag_err.*limit = "):
        detection_limits(survey.isel(value=slice(2)))


@pytest.mark.parametrize("quantity", ["mag", "flux"])
def test_the_column_of_a_light_curve_has_unit_and_meaning(dataset_of, field, quantity):
    survey = with_limits(dataset_of, field, quantity)
    survey["separation"] = ("object", "epoch"), np.zeros((20, 10), dtype="float32")
    survey["time"].attrs["scale"] = "utc"
    mark(survey, (3, 4), F.NOT_DETECTED)
    survey.attrs["survey"] = "demo"
    rows = object_timeseries(survey.isel(object=3))
    assert rows["limit"].unit == rows[quantity].unit
    assert "upper limit" in rows["limit"].info.description
    is_limit = ~rows["limit"].mask
    assert rows["epoch"][is_limit].tolist() == ["e004"]
    assert rows[quantity].mask[is_limit].all()
    without = object_timeseries(survey.isel(object=3, value=slice(2)))
    assert "limit" not in without.colnames
