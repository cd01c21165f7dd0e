"""Claims about light curves at barycentric times."""

import dask.array as da
import numpy as np
import pytest
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time

from lc_pipeline.analysis.barycentric import barycentric, barycentric_rows
from lc_pipeline.analysis.blocks import read_block
from lc_pipeline.analysis.periods import period_search
from lc_pipeline.storage.timeseries import object_timeseries
from lc_pipeline.survey import PeriodsSection

CENTRE_OF_EARTH = EarthLocation.from_geocentric(0, 0, 0, unit="m")


def on_earth(dataset, **columns):
    dataset = dataset.assign_coords(columns)
    dataset["time"].attrs = {"scale": "utc", "refposition": "GEOCENTER"}
    return dataset


def expected(dataset, number):
    """BJD_TDB - 2400000.5 of one object, by astropy's own light travel time."""
    time = Time(dataset["time"].values, format="mjd", scale="utc", location=CENTRE_OF_EARTH)
    star = SkyCoord(float(dataset["ra"][number]), float(dataset["dec"][number]), unit="deg")
    return (time.tdb + time.light_travel_time(star, ephemeris="builtin")).tdb.mjd


def times_of(dataset, number):
    block = read_block(dataset, slice(0, None))
    offset = 0 if block.time_offset is None else block.time_offset[number, 0]
    return block.time + offset


def test_a_narrow_field_shares_the_times_of_its_centre(make_dataset):
    dataset = on_earth(make_dataset(n_objects=5, n_epochs=200))
    moved = barycentric(dataset)
    assert "time_offset" not in moved
    assert moved["time"].attrs["scale"] == "tdb"
    assert moved["time"].attrs["refposition"] == "BARYCENTER"
    for number in range(5):
        apart = (times_of(moved, number) - expected(dataset, number)) * 86400
        assert np.abs(apart).max() < 15
    # The very centre is right to the rounding of the times.
    assert np.ptp((moved["time"].values - dataset["time"].values) * 86400) > 100
    assert barycentric(moved) is moved


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize("has_own_times", [False, True])
def test_objects_of_a_wide_field_have_times_of_their_own(make_dataset, is_lazy, has_own_times):
    dataset = on_earth(
        make_dataset(n_objects=8, n_epochs=60, keys=("g", "r")),
        ra=("object", np.linspace(310, 410, 8) % 360),
        dec=("object", np.linspace(-5, 60, 8)),
    )
    own = np.zeros((8, 2, 60), dtype="float32")
    if has_own_times:
        own[:, 1] = 0.01
        dataset["time_offset"] = (dataset["flags"].dims, own)
    moved = barycentric(dataset.chunk({"object": 3}) if is_lazy else dataset)
    assert isinstance(moved["time_offset"].data, da.Array) == is_lazy
    assert moved["time_offset"].dims == ("object", "measurement", "epoch")
    block = read_block(moved, slice(0, None))
    for number in range(8):
        for place in range(2):
            apart = block.time + block.time_offset[number, place] - own[number, place]
            apart = (apart - expected(dataset, number)) * 86400
            assert np.abs(apart).max() < 0.002


@pytest.mark.parametrize(
    "clock", [{}, {"scale": "utc"}, {"scale": "utc", "refposition": "UNKNOWN"}]
)
def test_times_of_an_unknown_clock_stay_as_they_are(make_dataset, clock):
    dataset = make_dataset()
    dataset["time"].attrs = clock
    assert barycentric(dataset) is dataset


def test_a_barycentric_clock_of_another_scale_changes_its_scale_only(make_dataset):
    dataset = make_dataset()
    dataset["time"].attrs = {"scale": "utc", "refposition": "BARYCENTER"}
    moved = barycentric(dataset)
    late = (moved["time"].values - dataset["time"].values) * 86400
    np.testing.assert_allclose(late, 69.184, atol=0.003)


def test_rows_of_one_object_are_moved_alike(make_dataset):
    dataset = on_earth(make_dataset(n_objects=1, n_epochs=50))
    rows = object_timeseries(dataset.isel(object=0))
    moved = barycentric_rows(rows)
    np.testing.assert_allclose(moved["time"].mjd, expected(dataset, 0), atol=1e-8)
    np.testing.assert_allclose(moved["time"].mjd, barycentric(dataset)["time"].values, atol=1e-8)
    assert moved.meta["time_refposition"] == "BARYCENTER"
    assert rows.meta["time_refposition"] == "GEOCENTER"
    assert moved["time"].scale == "tdb"
    assert barycentric_rows(moved) is moved


def test_a_star_that_pulsates_in_half_an_hour_is_whole_at_barycentric_times(make_dataset):
    """On the ecliptic the clock of the earth smears it beyond recognition."""
    random = np.random.default_rng(3)
    dataset = on_earth(
        make_dataset(n_objects=1, n_epochs=400),
        ra=("object", [90.0]),
        dec=("object", [23.4]),
        time=("epoch", np.sort(60000 + random.uniform(0, 700, 400))),
    )
    frequency = 51.3
    phase = 2 * np.pi * frequency * expected(dataset, 0)
    dataset["lightcurves"][0, 0, 0] = 15 + 0.05 * np.sin(phase) + random.normal(0, 0.02, 400)
    dataset["lightcurves"][0, 0, 1] = 0.02
    settings = PeriodsSection(min_period=0.019, max_period=0.02, terms=1)
    there = period_search(dataset, settings)[0]
    dataset["time"].attrs["refposition"] = "UNKNOWN"
    seen = period_search(dataset, settings)[0]
    assert there["frequency"] == pytest.approx(frequency, abs=1e-4)
    assert there["power"] > 0.6
    assert seen["power"] < 0.4
