"""Claims about whole surveys of real catalogues, by configuration alone."""

import numpy as np
import pytest
from astropy.table import Table

from lc_pipeline.analysis.comparison import choose_comparison
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.sky.geometry import separation_arcsec

AF_VEL = (163.260417, -49.906389)
EY_UMA = (135.58650, 49.81926)


def index_at(storage, position):
    separation = separation_arcsec(storage.reference.ra, storage.reference.dec, *position)
    assert separation.min() < 1.5
    return int(separation.argmin())


def test_an_empty_file_is_refused_by_name_and_the_rest_goes_in(af_vel):
    finished, storage = af_vel["raw"]
    assert finished.returncode == 1
    assert "2019d03d31T03d41d55d561_1a0716664_30d284_kb26_alexhewett.psx: is empty (0 bytes)" in (
        finished.stdout
    )
    assert "29 epochs stored, 0 unchanged, 1 refused" in finished.stdout
    assert len(storage.epoch_keys) == 29


@pytest.mark.parametrize("form", ["raw", "ecsv"])
def test_af_vel_is_matched_in_nearly_every_epoch(af_vel, form):
    _, storage = af_vel[form]
    star = storage.lightcurves.isel(object=index_at(storage, AF_VEL), measurement=0, value=0)
    assert np.isfinite(star).sum() >= 28


def test_both_forms_of_the_same_catalogues_give_the_same_light_curves(af_vel):
    raw, ecsv = (storage.dataset.load() for _, storage in (af_vel["raw"], af_vel["ecsv"]))
    assert raw.object.values.tolist() == ecsv.object.values.tolist()
    np.testing.assert_array_equal(raw.flags.values, ecsv.flags.values)
    magnitude, error = (raw.lightcurves.sel(value=name).values for name in ("mag", "mag_err"))
    # The ECSV files have magnitudes of counts per second, and a rounded 2.5 / ln 10.
    per_second = magnitude + 2.5 * np.log10(raw.exposure.values)
    np.testing.assert_allclose(per_second, ecsv.lightcurves.sel(value="mag").values, atol=2e-5)
    np.testing.assert_allclose(error, ecsv.lightcurves.sel(value="mag_err").values, rtol=1e-4)


def test_all_stars_of_stripe_82_are_there_in_all_bands(stripe_82):
    finished, storage = stripe_82
    assert finished.returncode == 0, finished.stderr
    assert storage.dataset.sizes["object"] == 483
    assert storage.measurement_keys == tuple("ugriz")


def test_every_good_measurement_of_stripe_82_is_in_the_store_with_its_own_time(
    stripe_82, shared_data
):
    finished, storage = stripe_82
    dataset = storage.dataset.load()
    time = dataset.time.values + np.nan_to_num(dataset.time_offset.values)
    number = {key: place for place, key in enumerate(dataset.object.values.tolist())}
    epoch = {key: place for place, key in enumerate(dataset.epoch.values.tolist())}
    n_good = n_repeated_rows = n_good_repeated = n_compared = 0
    for path in sorted((shared_data / "s82_rrlyrae" / "epochs_wide").glob("*.fits")):
        rows = Table.read(path)
        night = epoch[path.stem.removeprefix("s82_")]
        names, counts = np.unique(rows["num"], return_counts=True)
        n_repeated_rows += int((counts - 1).sum())
        is_repeated = np.isin(rows["num"], names[counts > 1])
        star = np.array([number[str(name)] for name in rows["num"]])
        for band, key in enumerate("ugriz"):
            mag, error, mjd = (np.array(rows[f"{name}_{key}"]) for name in ("mag", "magerr", "mjd"))
            good = (mag > 5) & (mag < 30) & (error > 0) & (error < 10) & (mjd > 1000)
            n_good += int(good.sum())
            n_good_repeated += int((good & is_repeated).sum())
            once = good & ~is_repeated
            n_compared += int(once.sum())
            stored = dataset.lightcurves.values[star[once], band, :, night]
            np.testing.assert_array_equal(stored[:, 0], mag[once].astype("float32"))
            np.testing.assert_array_equal(stored[:, 1], error[once].astype("float32"))
            assert (dataset.flags.values[star[once], band, night] == 0).all()
            assert np.abs(time[star[once], band, night] - mjd[once]).max(initial=0) < 0.1 / 86400
    assert n_good == 136_137
    assert n_compared + n_good_repeated == n_good
    assert n_repeated_rows == 122
    assert dataset.n_duplicates.sum() == 122
    assert "122 duplicates" in finished.stdout
    # What is good in the store is just what was good in the catalogues: no sentinel came through.
    assert int((dataset.flags == 0).sum()) == n_compared
    magnitudes = dataset.lightcurves.sel(value="mag")
    assert magnitudes.min() > 5
    assert magnitudes.max() < 30


def test_repeated_stars_of_stripe_82_follow_the_rule(stripe_82, shared_data):
    """The survey says: of several, the one with the least error."""
    _, storage = stripe_82
    dataset = storage.dataset.load()
    is_repeated = (dataset.flags & MeasurementFlag.DUPLICATED) != 0
    assert int(is_repeated.sum()) > 500
    for night in dataset.epoch.values[is_repeated.any(("object", "measurement"))]:
        rows = Table.read(shared_data / "s82_rrlyrae" / "epochs_wide" / f"s82_{night}.fits")
        of_night = is_repeated.sel(epoch=night)
        for name in dataset.object.values[of_night.any("measurement")]:
            mine = rows[rows["num"] == int(name)]
            for key in dataset.measurement.values[of_night.sel(object=name)]:
                error = np.array(mine[f"magerr_{key}"])
                usable = np.array(mine[f"mag_{key}"] > 5) & (error > 0) & (error < 10)
                stored = dataset.lightcurves.sel(
                    object=name, measurement=key, epoch=night, value="mag_err"
                )
                expected = error[usable].min(initial=np.inf).astype("float32")
                assert stored == expected or (np.isinf(expected) and np.isnan(stored))


def test_the_demo_equals_its_input_files(ey_uma, project):
    storage = ey_uma
    dataset = storage.dataset.load()
    assert dataset.sizes["object"] == 41
    files = sorted((project / "data" / "ey_uma" / "epochs").glob("*.fits"))
    assert dataset.sizes["epoch"] == len(files) == 94
    for path in files:
        rows = Table.read(path)
        one = dataset.sel(epoch=path.stem.removeprefix("ey-uma-").removesuffix("R"))
        separation = separation_arcsec(
            rows["RA"][:, np.newaxis], rows["Dec"][:, np.newaxis], one.ra.values, one.dec.values
        )
        star = separation.argmin(axis=1)
        assert len(set(star)) == 41
        stored = one.lightcurves.values[star, 0]
        np.testing.assert_array_equal(stored[:, 0], np.float32(rows["mag_inst_R"]))
        np.testing.assert_array_equal(stored[:, 1], np.float32(rows["mag_error"]))
        middle = rows.meta["MJD_OBS"] + rows.meta["EXPTIME"] / 2 / 86400
        assert abs(one.time.item() - middle) * 86400 < 1e-3
    assert (dataset.flags == 0).all()


def test_the_demo_star_varies_and_its_comparison_does_not(ey_uma):
    magnitudes = ey_uma.lightcurves.isel(measurement=0, value=0).values
    target = index_at(ey_uma, EY_UMA)
    other = choose_comparison(magnitudes, target)
    ensemble = np.median(magnitudes - np.median(magnitudes, axis=1)[:, np.newaxis], axis=0)
    scatter = (magnitudes - ensemble).std(axis=1)
    assert scatter[target] > 0.1
    assert scatter[other] < 0.03
