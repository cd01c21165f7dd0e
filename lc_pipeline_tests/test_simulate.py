"""Claims about simulated surveys, and about what the pipeline makes of their known truth."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time
from click.testing import CliRunner
from scipy.spatial import Delaunay

from lc_pipeline import LightcurveStorage, MeasurementFlag, SourceCatalog, SurveyConfig
from lc_pipeline.cli import main
from lc_pipeline.simulate import Simulation, SimulationError, Truth, simulate_survey
from lc_pipeline.simulate.epochs import draw_epochs
from lc_pipeline.simulate.objects import damped_random_walks, draw_objects, to_plane
from lc_pipeline.simulate.observing import MERGING, Fate, SimulatedSky
from lc_pipeline.simulate.settings import VARIABLE_KINDS
from lc_pipeline.sky.geometry import separation_arcsec, unit_vectors

PERIODIC = [kind for kind in VARIABLE_KINDS if kind not in ("agn", "transient")]
NOTHING_BAD = dict.fromkeys(
    ("blends", "dropouts", "spoiled", "sentinels", "spurious", "proper_motions"), 0.0
)
ALL_CONSTANT = dict.fromkeys(VARIABLE_KINDS, 0.0)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


# ------------------------------------------------------------------------------ reproducibility


@pytest.mark.parametrize("form", ["fits", "csv"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_values(tmp_path, form):
    settings = Simulation(n_objects=30, n_epochs=4, format=form, radius_arcmin=3.0)
    for name, seed in (("one", 5), ("again", 5), ("other", 6)):
        simulate_survey(tmp_path / name, replace(settings, seed=seed), measurements=True)
    one, again, other = (contents(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again
    assert len(one) == 4 + 5
    for name in one:
        assert name == "survey.toml" or one[name] != other[name]


def test_workers_change_nothing(tmp_path):
    settings = Simulation(n_objects=20, n_epochs=5, layout="files")
    simulate_survey(tmp_path / "one", settings, measurements=True)
    simulate_survey(tmp_path / "two", settings, measurements=True, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_an_epoch_depends_neither_on_the_order_of_epochs_nor_on_how_many_follow():
    settings = Simulation(n_objects=50, n_epochs=4, transient=0.0, agn=0.2)
    alone = SimulatedSky(settings).observe(3)
    longer = SimulatedSky(replace(settings, n_epochs=9))
    for number in (8, 0, 3):
        observed = longer.observe(number)
    np.testing.assert_array_equal(observed.value, alone.value)
    np.testing.assert_array_equal(observed.catalogues[0].ra, alone.catalogues[0].ra)
    assert not np.array_equal(longer.observe(4).value, alone.value, equal_nan=True)


# ---------------------------------------------------------------------------------- brightness


@pytest.fixture(scope="module")
def variables():
    """Ten objects of every periodic kind."""
    each = dict.fromkeys(PERIODIC, 0.1)
    settings = Simulation(n_objects=100, agn=0.0, transient=0.0, blends=0.0, **each)
    return draw_objects(replace(settings, blends=0.0), (59000.0, 59100.0))


@pytest.mark.parametrize("kind", PERIODIC)
def test_periodic_variables_have_the_stated_period_amplitude_mean_and_phase(variables, kind):
    these = np.flatnonzero(variables.kind == kind)
    assert len(these) == 10
    for number in these[:2]:
        phase = np.arange(1200) / 1200

        def curve(time, number=number):
            pair = np.full(2, time)
            return variables.magnitudes_at(pair)[:, number]

        period, t0 = variables.period[number], variables.t0[number]
        one = np.array([curve(t0 + period * p) for p in phase])
        amplitude = variables.amplitude[:, number]
        np.testing.assert_allclose(np.ptp(one, axis=0), amplitude, rtol=1e-3)
        np.testing.assert_allclose(one.mean(axis=0), variables.magnitude[:, number], atol=1e-4)
        extreme = one.max(axis=0) if kind in ("ea", "ew") else one.min(axis=0)
        np.testing.assert_allclose(one[0], extreme, atol=1e-4)
        later = np.array([curve(t0 + period * (p + 371)) for p in phase[::50]])
        np.testing.assert_allclose(later, one[::50], atol=1e-5)
        # No shorter period will do: half of it, or a third.
        for part in (2, 3):
            shifted = np.roll(one, 1200 // part, axis=0)
            assert (np.abs(shifted - one).max(axis=0) > 0.05 * amplitude).all()


def test_pulsating_stars_change_more_in_the_blue(variables):
    g, r = variables.amplitude
    pulsating = np.isin(variables.kind, ("rrab", "rrc", "cepheid", "dsct", "lpv"))
    assert (g[pulsating] > r[pulsating]).all()
    eclipsing = np.isin(variables.kind, ("ea", "ew"))
    np.testing.assert_array_equal(g[eclipsing], r[eclipsing])
    assert (g[variables.kind == "constant"] == 0).all()


def test_rrab_stars_rise_faster_than_they_fade(variables):
    number = np.flatnonzero(variables.kind == "rrab")[0]
    times = variables.t0[number] + variables.period[number] * np.arange(200) / 200
    curve = np.array([variables.magnitudes_at(np.full(2, time))[0, number] for time in times])
    assert np.count_nonzero(np.diff(curve) > 0) > 0.7 * len(curve)


def test_random_walks_have_the_stated_variance_and_damping_time():
    settings = Simulation(n_objects=2000, n_epochs=40, blends=0.0, **(ALL_CONSTANT | {"agn": 1.0}))
    objects = draw_objects(settings, (59000.0, 59100.0))
    times = np.sort(np.random.default_rng(1).uniform(0, 400, 40))
    walks = damped_random_walks(settings, objects, times)
    assert np.var(walks[-1]) == pytest.approx(1.0, abs=5 * np.sqrt(2 / 2000))
    for first, last in ((0, 5), (3, 30)):
        product = walks[first] * walks[last]
        expected = np.exp(-(times[last] - times[first]) / objects.fall)
        assert np.mean(product - expected) == pytest.approx(0.0, abs=5 * np.sqrt(2 / 2000))


def test_transients_are_seen_around_their_peak_alone():
    settings = Simulation(
        n_objects=40, n_epochs=300, magnitudes=(16.0, 17.0), dither_arcmin=0.0, clouds=0.0,
        **(NOTHING_BAD | ALL_CONSTANT | {"transient": 1.0}),
    )  # fmt: skip
    sky = SimulatedSky(settings)
    seen = np.array([sky.observe(n).fate[0] == Fate.GOOD for n in range(0, 300, 3)])
    since = np.array([epoch.mid[0] for epoch in sky.epochs[::3]])[:, np.newaxis] - sky.objects.t0
    assert seen[np.abs(since) < 2].all()
    assert not seen[since < -7 * sky.objects.rise].any()
    assert not seen[since > 7 * sky.objects.fall].any()
    assert (since < -7 * sky.objects.rise).any()


def deviations(settings):
    """(value - truth) / error of bright good detections of constant stars."""
    sky = SimulatedSky(settings)
    found = []
    for number in range(settings.n_epochs):
        one = sky.observe(number)
        expected = one.magnitude + one.epoch.zero_point[:, np.newaxis]
        # Near the limit only what noise made brighter is seen.
        bright = (one.fate == Fate.GOOD) & (one.magnitude < one.epoch.limit.min() - 2.5)
        found.append(((one.value - expected) / one.error)[bright])
    return np.concatenate(found)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_noise_of_constant_stars_has_the_chi2_that_the_errors_say(scale):
    settings = Simulation(n_objects=200, n_epochs=30, error_scale=scale, **ALL_CONSTANT)
    found = deviations(settings) * scale
    assert len(found) > 4000
    assert np.mean(found**2) == pytest.approx(1.0, abs=5 * np.sqrt(2 / len(found)))
    assert np.mean(found) == pytest.approx(0.0, abs=5 / np.sqrt(len(found)))


def test_faint_stars_are_detected_at_five_sigma():
    settings = Simulation(n_objects=500, n_epochs=1, systematic=0.0, magnitudes=(18.0, 23.0))
    one = SimulatedSky(settings).observe(0)
    good = one.fate == Fate.GOOD
    at_limit = np.abs(one.magnitude - one.epoch.limit[:, np.newaxis]) < 0.05
    assert one.true_error[at_limit & good] == pytest.approx(1.0857 * 0.2, rel=0.06)
    assert not good[one.magnitude > one.epoch.limit[:, np.newaxis] + 1.5].any()
    assert good[one.magnitude < one.epoch.limit[:, np.newaxis] - 1.0].mean() > 0.9


# ---------------------------------------------------------------------------------------- places


def test_proper_motions_are_those_of_astropy():
    settings = Simulation(n_objects=20, proper_motions=1.0, proper_motion=500.0, center=(0.0, 85.0))
    objects = draw_objects(settings, (59000.0, 59100.0))
    start = SkyCoord(
        objects.ra * u.deg,
        objects.dec * u.deg,
        distance=100 * u.pc,
        pm_ra_cosdec=objects.pm_ra_cosdec * u.mas / u.yr,
        pm_dec=objects.pm_dec * u.mas / u.yr,
        obstime=Time(2016.0, format="jyear", scale="tt"),
    )
    moved = start.apply_space_motion(new_obstime=Time(62000.0, format="mjd", scale="tt"))
    expected = unit_vectors(moved.ra.deg, moved.dec.deg)
    away = np.linalg.norm(objects.vectors_at(62000.0) - expected, axis=1) * 206265
    assert away.max() < 1e-5
    assert separation_arcsec(objects.ra, objects.dec, moved.ra.deg, moved.dec.deg).max() > 5


@pytest.mark.parametrize("center", [(0.0, 0.0), (12.0, 90.0), (200.0, -89.95), (359.99, 60.0)])
def test_fields_across_ra_0_and_on_the_poles_are_like_any_other(center):
    settings = Simulation(n_objects=200, n_epochs=2, center=center, dither_arcmin=0.0)
    sky = SimulatedSky(settings)
    plane = to_plane(unit_vectors(sky.objects.ra, sky.objects.dec), center)
    assert np.abs(plane).max() <= 600 + 3  # a companion may stand out
    for quadrant in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        assert 30 <= np.count_nonzero((plane * quadrant > 0).all(axis=1)) <= 70
    one = sky.observe(1)
    catalogue = one.catalogues[0]
    assert ((catalogue.ra >= 0) & (catalogue.ra < 360)).all()
    real = catalogue.object >= 0
    blended = (one.fate == Fate.BLENDED).any(axis=0)
    real[real] &= ~blended[catalogue.object[real]]
    true = to_plane(sky.objects.vectors_at(one.epoch.mid[0])[catalogue.object[real]], center)
    seen = to_plane(unit_vectors(catalogue.ra[real], catalogue.dec[real]), center)
    shift = seen - true - (one.epoch.east, one.epoch.north)
    scatter = np.hypot(settings.astrometric_noise, one.epoch.seeing / 2.3548 * 0.2)
    assert np.abs(shift).max() < 5 * scatter
    assert np.median(np.abs(shift)) == pytest.approx(0.6745 * settings.astrometric_noise, rel=0.3)


def test_pairs_are_one_detection_in_bad_seeing_and_two_in_good():
    settings = Simulation(
        n_objects=40, n_epochs=40, seeing_scatter=0.4, magnitudes=(15.0, 17.0), dither_arcmin=0.0,
        **(NOTHING_BAD | ALL_CONSTANT | {"blends": 1.0}),
    )  # fmt: skip
    sky = SimulatedSky(settings)
    objects, primary = sky.objects, sky.objects.primary
    companion = objects.partner[primary]
    assert len(primary) == 20
    apart = separation_arcsec(
        objects.ra[primary], objects.dec[primary], objects.ra[companion], objects.dec[companion]
    )
    n_merged = 0
    for number in range(40):
        one = sky.observe(number)
        merged = apart < MERGING * one.epoch.seeing
        n_merged += np.count_nonzero(merged)
        expected = np.where(merged, Fate.MERGED, Fate.GOOD)
        inside = one.fate[0, companion] != Fate.OUTSIDE
        inside &= one.fate[0, primary] != Fate.OUTSIDE
        np.testing.assert_array_equal(one.fate[0, companion][inside], expected[inside])
        flux = 10 ** (-0.4 * one.magnitude[0])
        together = -2.5 * np.log10(flux[primary] + flux[companion] * merged)
        there = np.isin(one.fate[0, primary], (Fate.GOOD, Fate.BLENDED))
        away = one.value[0, primary] - one.epoch.zero_point[0] - together
        assert (np.abs(away / one.true_error[0, primary])[there] < 5.5).all()
    assert 100 < n_merged < 700


def test_a_field_that_is_too_small_is_refused_with_what_to_change():
    with pytest.raises(SimulationError, match="radius_arcmin larger, or min_separation_arcsec"):
        SimulatedSky(Simulation(n_objects=5000, radius_arcmin=1.0))


# ----------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("form", "layout"),
    [("fits", "columns"), ("ecsv", "columns"), ("csv", "files"), ("parquet", "files")],
)
def test_every_format_is_read_back_to_the_last_digit(tmp_path, form, layout):
    settings = Simulation(
        n_objects=40, n_epochs=2, format=form, layout=layout, radius_arcmin=3.0, sentinels=0.1
    )
    simulate_survey(tmp_path / "s", settings)
    survey = SurveyConfig.read(tmp_path / "s")
    one = SimulatedSky(settings).observe(1)
    for catalogue in one.catalogues:
        bands = [settings.bands[band] for band in catalogue.bands]
        name = "00002" + (f"_{bands[0]}" if layout == "files" else "")
        read = SourceCatalog.read(tmp_path / "s" / "epochs" / f"{name}.{form}", survey)
        np.testing.assert_array_equal(read.ra, catalogue.ra)
        np.testing.assert_array_equal(read.dec, catalogue.dec)
        assert read.time == pytest.approx(one.epoch.mid[catalogue.bands[0]], abs=1e-9)
        for place, band in enumerate(bands):
            measured = read.measurements[band]
            missing = catalogue.value[place] == 99
            expected = np.where(missing, np.nan, catalogue.value[place])
            np.testing.assert_array_equal(measured.value.astype(np.float32), expected)
            np.testing.assert_array_equal(
                (measured.flags & MeasurementFlag.BAD_VALUE) != 0, missing
            )
            assert measured.unit == "mag"


def test_the_truth_is_read_back_with_its_settings(tmp_path):
    settings = Simulation(n_objects=10, n_epochs=3, bands=("V",), exposures=(30.0, 120.0))
    made = simulate_survey(tmp_path / "s", settings)
    read = Truth.read(tmp_path / "s")
    assert read.settings == settings
    assert read.objects.colnames == made.objects.colnames
    assert read.epochs["mjd_V"].tolist() == made.epochs["mjd_V"].tolist()
    with pytest.raises(SimulationError, match="measurements=True"):
        read.measurements()


# ------------------------------------------------------------------------------------ whole chain


@pytest.fixture(scope="module", params=["columns", "files"])
def chain(request, tmp_path_factory):
    """A survey with much that is bad, run by the command line: its truth and its light curves."""
    folder = tmp_path_factory.mktemp("simulated") / "survey"
    settings = Simulation(
        n_objects=60, n_epochs=25, seed=11, radius_arcmin=4.0, dither_arcmin=0.5, blends=0.1,
        dropouts=0.04, spoiled=0.04, sentinels=0.03, proper_motions=0.3,
        proper_motion=100.0, center=(0.01, 0.0), magnitudes=(13.8, 20.0), transient=0.05,
        layout=request.param, missing_band=0.1 if request.param == "files" else 0.0,
    )  # fmt: skip
    truth = simulate_survey(folder, settings, measurements=True)
    command = [sys.executable, "-m", "lc_pipeline", "run", str(folder), "--no-analysis"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return truth, LightcurveStorage(folder / "store" / "objects").dataset.load()


@pytest.fixture(scope="module")
def values(chain):
    """Truth and store side by side, one row per object, epoch and band."""
    truth, stored = chain
    rows = truth.measurements()
    places = [
        stored.get_index(dim).get_indexer(np.asarray(rows[name]))
        for dim, name in (("object", "object"), ("measurement", "band"), ("epoch", "epoch"))
    ]
    assert min(place.min() for place in places) >= 0
    for number, name in enumerate(("mag", "mag_err")):
        cube = stored["lightcurves"].isel(value=number)
        cube = cube.transpose("object", "measurement", "epoch").values
        rows[f"stored_{name}"] = cube[tuple(places)]
    flags = stored["flags"].transpose("object", "measurement", "epoch").values
    rows["stored_flags"] = flags[tuple(places)]
    single = truth.objects["key"][truth.objects["blend_partner"] == ""]
    rows["single"] = np.isin(np.asarray(rows["object"]), np.asarray(single))
    return rows


def of_fate(values, *fates):
    chosen = values[values["single"] & np.isin(np.asarray(values["fate"]), fates)]
    assert len(chosen) > 10
    return chosen


def test_the_reference_has_every_true_object(chain):
    truth, stored = chain
    assert sorted(stored["object"].values) == sorted(truth.objects["key"])


def test_every_value_has_the_time_of_its_exposure(chain):
    truth, stored = chain
    times = np.column_stack([truth.epochs["mjd_g"], truth.epochs["mjd_r"]])
    np.testing.assert_allclose(
        stored["time"].values, np.nanmedian(times, axis=1), rtol=0, atol=1e-8
    )
    if truth.settings.layout == "columns":
        assert "time_offset" not in stored
        return
    own = stored["time"] + stored["time_offset"].fillna(0.0)
    own = own.transpose("object", "measurement", "epoch")
    for number, band in enumerate("gr"):
        value = stored["lightcurves"].sel(measurement=band, value="mag")
        there = np.isfinite(value.transpose("object", "epoch").values)
        away = own.sel(measurement=band).values - times[:, number]
        assert np.abs(away[there]).max() < 1e-9
        assert there.sum() > 500


@pytest.mark.parametrize(
    ("fates", "flag"),
    [(["good"], 0), (["spoiled", "saturated"], MeasurementFlag.CATALOG_FLAGGED)],
)
def test_every_single_detection_is_stored_at_its_object_to_the_last_digit(values, fates, flag):
    rows = of_fate(values, *fates)
    np.testing.assert_array_equal(rows["stored_mag"], rows["value"])
    np.testing.assert_array_equal(rows["stored_mag_err"], rows["error"])
    assert set(np.asarray(rows["stored_flags"]).tolist()) == {int(flag)}


def test_separations_are_the_scatter_of_the_detections(chain, values):
    truth, stored = chain
    separation = stored["separation"].transpose("object", "epoch").values
    rows = of_fate(values, "good")
    places = stored.get_index("object").get_indexer(rows["object"])
    epochs = stored.get_index("epoch").get_indexer(rows["epoch"])
    bright = np.asarray(rows["true_error"]) < 0.01
    away = separation[places, epochs][bright]
    # A Rayleigh distribution; of an object's files the store keeps the least separation.
    n_files = 2 if truth.settings.layout == "files" else 1
    assert np.median(away) == pytest.approx(1.1774 * 0.03 / np.sqrt(n_files), rel=0.15)
    assert away.max() < 5.5 * 0.035


def test_sentinels_are_missing_and_bad(values):
    rows = of_fate(values, "sentinel")
    assert set(np.asarray(rows["value"]).tolist()) == {99.0}
    assert np.isnan(rows["stored_mag"]).all()
    assert np.isnan(rows["stored_mag_err"]).all()
    assert set(np.asarray(rows["stored_flags"]).tolist()) == {int(MeasurementFlag.BAD_VALUE)}


def test_what_no_exposure_saw_was_not_observed(chain, values):
    fates = set(np.asarray(values["fate"]))
    assert ("not_taken" in fates) == (chain[0].settings.layout == "files")
    for fate in fates & {"outside", "not_taken"}:
        rows = of_fate(values, fate)
        assert np.isnan(rows["stored_mag"]).all()
        assert set(np.asarray(rows["stored_flags"]).tolist()) == {int(MeasurementFlag.NOT_OBSERVED)}


def test_what_was_too_faint_or_lost_was_not_detected_inside_the_outline_of_the_epoch(chain, values):
    truth, _ = chain
    objects = {str(row["key"]): dict(zip(row.colnames, row, strict=True)) for row in truth.objects}
    epochs = {str(row["epoch"]): dict(zip(row.colnames, row, strict=True)) for row in truth.epochs}
    n_inside = 0
    rows = of_fate(values, "faint", "dropped")
    columns = ("object", "epoch", "band", "stored_mag", "stored_flags")
    for key, name, band, stored, flags in zip(*(rows[c].tolist() for c in columns), strict=True):
        place, epoch = objects[key], epochs[name]
        ending = f"_{band}" if truth.settings.layout == "files" else ""
        corners = outline_of(truth.folder / "epochs" / f"{name}{ending}.fits")
        years = 2000 + (epoch["mjd_g"] - 51544.5) / 365.25 - 2016
        motion = np.array([place["pm_ra_cosdec"], place["pm_dec"]]) * years / 1000
        shifted = flat(place["ra"], place["dec"]) + motion
        shifted += (epoch["offset_east"], epoch["offset_north"])
        is_inside = corners.find_simplex(shifted) >= 0
        n_inside += is_inside
        expected = MeasurementFlag.NOT_DETECTED if is_inside else MeasurementFlag.NOT_OBSERVED
        assert flags == expected
        assert np.isnan(stored)
    assert n_inside > 10


@cache
def outline_of(path):
    catalogue = fits.getdata(path, 1)
    return Delaunay(flat(catalogue["ra"], catalogue["dec"]))


def flat(ra, dec):
    """East and north, arcsec, of places near RA 0, Dec 0: good to 1e-6 there."""
    ra = (np.asarray(ra) + 180) % 360 - 180
    return np.column_stack([ra, np.asarray(dec)]) * 3600


def test_pairs_that_merged_are_stored_once(chain, values):
    truth, _ = chain
    partner = dict(zip(truth.objects["key"], truth.objects["blend_partner"], strict=True))
    by_place = {(str(v["object"]), str(v["epoch"]), str(v["band"])): v for v in values}
    n_seen = 0
    for (key, epoch, band), row in by_place.items():
        if row["fate"] != "blended":
            continue
        pair = [row, by_place[partner[key], epoch, band]]
        there = [one for one in pair if not np.isnan(one["stored_mag"])]
        # An equal pair's centroid can lie outside of both match radii.
        assert len(there) <= 1
        n_seen += len(there)
        for one in there:
            assert one["stored_mag"] == row["value"]
    assert n_seen > 10


def test_spurious_detections_belong_to_no_object(chain, values):
    truth, stored = chain
    fates = np.asarray(values["fate"])
    epochs = np.asarray(values["epoch"])
    blended = set(epochs[fates == "blended"])
    n_compared = 0
    for number, epoch in enumerate(truth.epochs):
        assert stored["n_sources"].values[number] == epoch["n_rows"]
        if epoch["epoch"] not in blended:
            assert stored["n_unmatched"].values[number] == epoch["n_spurious"]
            n_compared += epoch["n_spurious"]
    assert n_compared > 5


def test_the_shift_of_every_epoch_is_recovered(chain):
    truth, stored = chain
    scatter = np.hypot(0.03, 0.1)
    for name in ("offset_east", "offset_north"):
        away = stored[name].values - truth.epochs[name].value
        assert np.abs(away).max() < 5 * 1.2533 * scatter / np.sqrt(40)
        assert np.ptp(truth.epochs[name]) > 1.0


def test_the_pipeline_finds_the_objects_itself(tmp_path):
    settings = Simulation(
        n_objects=40, n_epochs=8, radius_arcmin=4.0, reference="epochs", dither_arcmin=0.0,
        magnitudes=(15.0, 18.5), center=(120.0, 80.0), **(NOTHING_BAD | {"spurious": 3.0} |
        ALL_CONSTANT),
    )  # fmt: skip
    truth = simulate_survey(tmp_path / "s", settings)
    result = CliRunner().invoke(main, ["run", str(tmp_path / "s"), "--no-analysis"])
    assert result.exit_code == 0, result.output
    reference = LightcurveStorage(tmp_path / "s" / "store" / "objects").reference
    assert len(reference) == 40
    true = to_plane(unit_vectors(truth.objects["ra"].value, truth.objects["dec"].value), (120, 80))
    found = to_plane(unit_vectors(reference.ra, reference.dec), (120, 80))
    # The frame is that of the epochs, so all may be shifted alike.
    away = found[:, np.newaxis] - true
    nearest = np.hypot(*np.moveaxis(away, -1, 0)).argmin(axis=1)
    assert sorted(nearest) == list(range(40))
    shift = away[np.arange(40), nearest]
    assert np.abs(shift - np.median(shift, axis=0)).max() < 0.2


# ---------------------------------------------------------------------------------- command line


@pytest.fixture
def invoke():
    def run(*arguments):
        return CliRunner().invoke(main, ["simulate", *(str(argument) for argument in arguments)])

    return run


def test_the_command_says_what_it_made_and_what_to_type_next(invoke, tmp_path):
    folder = tmp_path / "demo"
    result = invoke(
        folder, "--objects", 50, "--epochs", 2, "--bands", "g,r,i", "--center", "0,-90",
        "--radius-arcmin", 4, "--variables", 0.36, "--set", "clouds=0", "--seed", 7,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert f"lc-pipeline run {folder}" in result.stdout
    assert "50 objects, 2 epochs in g, r, i" in result.stdout
    settings = Truth.read(folder).settings
    assert (settings.rrab, settings.clouds, settings.center) == (0.04, 0.0, (0.0, -90.0))
    assert (settings.bands, settings.seed, settings.radius_arcmin) == (("g", "r", "i"), 7, 4.0)


def test_one_star_is_simulated_with_a_word_of_warning(invoke, tmp_path):
    assert "astrometric_offset=0" in invoke(tmp_path / "one", "--objects", 1, "--epochs", 1).stdout
    assert "Note" not in invoke(tmp_path / "many", "--objects", 30, "--epochs", 1).stdout


def test_a_folder_with_something_in_it_is_left_alone(invoke, tmp_path):
    (tmp_path / "precious").write_text("")
    result = invoke(tmp_path, "--epochs", 1)
    assert result.exit_code == 1
    assert "not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--objects", "0"], "n_objects: expected a whole number, 1 or more"),
        (["--objects", "many"], "n_objects: expected a whole number"),
        (["--center", "10"], "center: expected RA, 0 to 360, and Dec"),
        (["--center", "10,95"], "center: expected RA, 0 to 360, and Dec"),
        (["--format", "xls"], "format: expected one of fits, ecsv, csv, parquet"),
        (["--bands", "g,g"], "bands: expected one or several different names"),
        (["--variables", "3"], "variables: expected a fraction"),
        (["--set", "clowds=1"], "clowds: there is no such setting"),
        (["--set", "clouds"], "expected NAME=VALUE"),
        (["--set", "systematic=nan"], "systematic: expected a number, 0 or more"),
        (["--set", "agn=0.9", "--set", "rrc=0.9"], "expected at most 1"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(invoke, tmp_path, arguments, said):
    result = invoke(tmp_path / "s", *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (tmp_path / "s").exists()


def test_epochs_come_in_nights_and_seasons_or_one_after_the_other():
    nightly = draw_epochs(Simulation(n_epochs=300))
    times = np.array([epoch.mid[0] for epoch in nightly])
    nights = np.floor(times - 59000)
    assert len(set(nights)) == 300
    assert (nights % 365.25 < 200).all()
    assert nights.max() > 365
    assert np.count_nonzero(np.diff(nights) > 150) >= 1
    dense = draw_epochs(Simulation(n_epochs=300, cadence="dense", layout="files"))
    gaps = np.diff([epoch.start[0] for epoch in dense]) * 86400
    assert np.median(gaps) == pytest.approx(2 * 80, abs=0.01)
    assert dense[0].start[1] - dense[0].start[0] == pytest.approx(80 / 86400, abs=1e-8)
