"""Reading calibrated: what is subtracted, what stays, what is read."""

import pickle

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from lc_pipeline import LightcurveStorage
from lc_pipeline.analysis.blocks import map_blocks, read_block
from lc_pipeline.errors import LightcurveError, StorageError, SurveyConfigError
from lc_pipeline.photometry.calibration import Calibration, CalibrationWarning
from lc_pipeline.photometry.zero_points import solve_calibration
from lc_pipeline.survey import PhotometrySection, SurveyConfig


@pytest.fixture(scope="module")
def two_bands(field, dataset_of):
    """Magnitudes in g and fluxes in r, with missing values and negative fluxes."""
    blue, red = field(40, 20, seed=1, missing=0.2), field(40, 20, seed=2, missing=0.2)
    flux = 10 ** (-0.4 * (red.value - 25))
    flux_err = flux * red.error
    flux[:3] -= 2 * flux[:3]
    value = np.stack([blue.value, flux], axis=1)
    error = np.stack([blue.error, flux_err], axis=1)
    dataset = dataset_of(value, error, quantities=("mag", "flux"))
    return dataset, solve_calibration(dataset)


def test_magnitudes_are_subtracted_and_fluxes_scaled_with_their_errors(two_bands):
    dataset, calibration = two_bands
    calibrated = calibration.attach(dataset)
    zero_point = calibrated.zero_point.values.astype("float32")
    raw, found = dataset.lightcurves.values, calibrated.lightcurves.values
    assert np.abs(zero_point).max() > 0.1
    np.testing.assert_allclose(found[:, 0, 0], raw[:, 0, 0] - zero_point[0], rtol=1e-6)
    np.testing.assert_array_equal(found[:, 0, 1], raw[:, 0, 1])
    for value in (0, 1):
        expected = raw[:, 1, value] * 10 ** (0.4 * zero_point[1])
        np.testing.assert_allclose(found[:, 1, value], expected, rtol=1e-6)
    assert (found[:3, 1, 0] < 0).sum() == (raw[:3, 1, 0] < 0).sum() > 20


def test_nan_never_becomes_a_number_nor_a_number_nan(two_bands):
    dataset, calibration = two_bands
    raw, found = dataset.lightcurves.values, calibration.attach(dataset).lightcurves.values
    np.testing.assert_array_equal(np.isnan(raw), np.isnan(found))


def test_attaching_changes_nothing_of_the_raw_values(two_bands):
    dataset, calibration = two_bands
    before = dataset.lightcurves.values.copy()
    calibrated = calibration.attach(dataset)
    calibrated.lightcurves.load()
    np.testing.assert_array_equal(dataset.lightcurves.values, before)


# Of an empty slice that runs backwards xarray itself knows no first element.
slices = st.slices(5).filter(lambda cut: len(range(*cut.indices(20))) > 0)
selections = st.one_of(
    st.integers(-4, 4), slices, st.lists(st.integers(0, 4), min_size=1, max_size=4)
)


@settings(max_examples=40)
@given(
    object=selections, epoch=selections,
    measurement=st.one_of(st.integers(0, 1), st.just([1, 0]), st.just(slice(None))),
    value=st.one_of(st.integers(0, 1), st.just([1, 0]), st.just(slice(None))),
    noise=st.booleans(),
)  # fmt: skip
def test_any_selection_is_calibrated_as_the_whole(two_bands, noise, **selection):
    dataset, calibration = two_bands
    if noise:
        calibration = calibration.with_error_model({"g": (1.5, 0.01), "r": (2.0, 0.02)})
    calibrated = calibration.attach(dataset)
    whole = calibrated.lightcurves.copy(data=calibrated.lightcurves.values)
    part = calibrated.lightcurves.isel(selection)
    np.testing.assert_array_equal(part.values, whole.isel(selection).values)


def test_other_orders_of_the_axes_and_single_objects_are_calibrated_too(two_bands):
    dataset, calibration = two_bands
    expected = calibration.attach(dataset).lightcurves
    turned = dataset.transpose("epoch", "value", "object", "measurement")
    found = calibration.attach(turned).lightcurves.transpose(*expected.dims)
    np.testing.assert_array_equal(found.values, expected.values)
    one = calibration.attach(dataset.isel(object=4)).lightcurves
    np.testing.assert_array_equal(one.values, expected.isel(object=4).values)


def test_blocks_of_a_calibrated_dataset_are_calibrated(two_bands):
    dataset, calibration = two_bands
    calibrated = pickle.loads(pickle.dumps(calibration.attach(dataset)))  # noqa: S301
    expected = calibration.attach(dataset).lightcurves.values[:, :, 0]
    blocks = list(map_blocks(lambda block: block.value, calibrated, block_values=200))
    assert len(blocks) > 3
    np.testing.assert_array_equal(np.concatenate(blocks), expected)


def test_errors_follow_the_error_model_when_it_is_applied(two_bands):
    dataset, calibration = two_bands
    models = {"g": (1.5, 0.01), "r": (2.0, 0.02)}
    plain = calibration.attach(dataset).lightcurves.values
    found = calibration.with_error_model(models).attach(dataset).lightcurves.values
    np.testing.assert_array_equal(found[:, :, 0], plain[:, :, 0])
    expected = np.hypot(1.5 * plain[:, 0, 1], 0.01)
    np.testing.assert_allclose(found[:, 0, 1], expected, rtol=1e-5)
    floor = 0.02 * np.log(10) / 2.5 * np.abs(plain[:, 1, 0])
    np.testing.assert_allclose(found[:, 1, 1], np.hypot(2 * plain[:, 1, 1], floor), rtol=1e-5)


def test_the_error_model_is_applied_by_setting(two_bands):
    dataset, calibration = two_bands
    scaled = solve_calibration(dataset, PhotometrySection(apply_error_model=True))
    assert scaled.zero_points.meta["error_model"].keys() == {"g", "r"}
    before, after = (each.attach(dataset).lightcurves.values for each in (calibration, scaled))
    np.testing.assert_array_equal(after[:, :, 0], before[:, :, 0])
    assert np.nanmedian(after[:, 0, 1] / before[:, 0, 1]) > 1.05


def test_a_calibration_is_the_same_after_it_was_written_and_read(two_bands, tmp_path):
    dataset, calibration = two_bands
    calibration.write(tmp_path)
    again = Calibration.read(tmp_path)
    assert again.version == "v000001"
    assert again.in_force == calibration.in_force == {"g": True, "r": True}
    assert again.reasons == calibration.reasons
    xr.testing.assert_identical(again.attach(dataset).load(), calibration.attach(dataset).load())


def test_terms_survive_writing_and_need_only_the_objects_that_are_there(two_bands, tmp_path):
    dataset, _ = two_bands
    settings = PhotometrySection(colour=("g", "r"), position_degree=2)
    calibration = solve_calibration(dataset, settings)
    calibration.write(tmp_path)
    whole = calibration.attach(dataset).lightcurves
    part = Calibration.read(tmp_path).attach(dataset.isel(object=[7, 3])).lightcurves
    np.testing.assert_array_equal(part.values, whole.isel(object=[7, 3]).values)
    single = Calibration.read(tmp_path).attach(dataset.isel(object=7)).lightcurves
    np.testing.assert_array_equal(single.values, whole.isel(object=7).values)


def test_newer_epochs_and_ones_ingested_again_have_no_zero_point_and_that_is_said(two_bands):
    dataset, _ = two_bands
    calibration = solve_calibration(dataset.isel(epoch=slice(0, 18)))
    again = dataset.ingested_at.values.copy()
    again[3] = "2026-02-02"
    newer = dataset.assign_coords(ingested_at=("epoch", again))
    with pytest.warns(CalibrationWarning, match="3 of 20 epochs .* e003, e018, e019"):
        calibrated = calibration.attach(newer)
    missing = np.isnan(calibrated.zero_point.values)
    assert np.flatnonzero(missing.all(axis=0)).tolist() == [3, 18, 19]
    assert np.isnan(calibrated.lightcurves.values[..., [3, 18, 19]]).all()
    assert calibrated.n_zero_point.values[0, [3, 18, 19]].tolist() == [0, 0, 0]


def test_a_measurement_that_was_not_solved_has_no_calibrated_values_and_that_is_said(two_bands):
    dataset, _ = two_bands
    calibration = solve_calibration(dataset.isel(measurement=[0]))
    with pytest.warns(CalibrationWarning, match="measurements .* v000001.*: r"):
        calibrated = calibration.attach(dataset)
    assert np.isnan(calibrated.lightcurves.values[:, 1]).all()
    assert np.isfinite(calibrated.zero_point.values[0]).all()


def test_where_nothing_is_in_force_newer_epochs_are_read_as_measured(field):
    dataset = field(30, 20, sigma_zero_point=0).dataset
    calibrated = solve_calibration(dataset.isel(epoch=slice(0, 15))).attach(dataset)
    np.testing.assert_array_equal(calibrated.lightcurves.values, dataset.lightcurves.values)
    assert (calibrated.zero_point.values == 0).all()


def test_a_dataset_is_not_calibrated_twice(two_bands):
    dataset, calibration = two_bands
    with pytest.raises(LightcurveError, match="already"):
        calibration.attach(calibration.attach(dataset))


def test_settings_of_photometry_ingest_nothing_again():
    head = "[survey]\nname = 'a'\n[files]\npattern = '(?P<epoch>.+)'\n"
    plain, other = (
        SurveyConfig.from_toml(head + more) for more in ("", "[photometry]\nzero_points = 'off'\n")
    )
    assert plain.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zero_point = 'on'", "photometry.zero_point: .* Did you mean zero_points?"),
        ("standards = { fil = 'a', values = { V = 'V' } }", "standards.fil: .* Did you mean file?"),
        ("colour = ['g', 'g']", "photometry.colour: expected two different measurements"),
    ],
)
def test_a_mistaken_setting_is_named(text, message):
    head = "[survey]\nname = 'a'\n[files]\npattern = '(?P<epoch>.+)'\n[photometry]\n"
    with pytest.raises(SurveyConfigError, match=message):
        SurveyConfig.from_toml(head + text)


# ------------------------------------------------------------------ in a store


@pytest.fixture
def store(ey_uma, tmp_path):
    """The demo's store with a calibration beside it, in a folder of its own."""
    place = tmp_path / "store"
    place.mkdir()
    (place / "objects").symlink_to(ey_uma.location.path)
    return LightcurveStorage(place / "objects")


def test_a_store_without_calibration_says_so(store):
    for read in (
        lambda: store.calibrated,
        lambda: store.get_object_lightcurve(store.reference.key[0], calibrated=True),
        lambda: store.to_timeseries(store.reference.key[0], calibrated=True),
    ):
        with pytest.raises(StorageError, match="no calibration yet"):
            read()


def test_a_store_reads_calibrated_light_curves_in_every_way(store):
    solve_calibration(store.dataset).write(store.tables)
    key = store.reference.key[5]
    zero_point = store.calibrated.zero_point.values[0]
    raw = store.get_object_lightcurve(key).values
    found = store.get_object_lightcurve(key, calibrated=True)
    np.testing.assert_allclose(found.values[0, 0], raw[0, 0] - zero_point, atol=1e-5)
    np.testing.assert_array_equal(store.calibrated.lightcurves.sel(object=key), found)
    rows = store.to_timeseries(key, calibrated=True)
    np.testing.assert_array_equal(rows["mag"].value, found.values[0, 0])
    assert store.calibration.version == store.snapshot.version


def test_one_calibrated_light_curve_reads_the_chunks_of_one(store, monkeypatch):
    solve_calibration(store.dataset).write(store.tables)
    reads = []
    shards = type(store.calibrated.lightcurves.variable._data.array.raw._data.array.shards)
    read = shards.read
    monkeypatch.setattr(shards, "read", lambda self, key: reads.append(key) or read(self, key))
    store.get_object_lightcurve(store.reference.key[5], calibrated=True).values  # noqa: B018
    assert len(reads) == 1
    assert [axis for axis in reads[0] if axis in (slice(5, 6), slice(5, 6, 1))]


def test_a_block_of_a_store_is_read_calibrated(store):
    solve_calibration(store.dataset).write(store.tables)
    calibrated = store.calibrated
    block = read_block(calibrated, slice(10, 20))
    np.testing.assert_array_equal(block.value, calibrated.lightcurves.values[10:20, :, 0])
