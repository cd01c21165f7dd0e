"""Claims about plots of many objects or epochs: indices, the sky, coverage, zero points."""

import subprocess
import sys

import numpy as np
import pytest
from astropy.table import Column, Table
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.analysis import plots
from lc_pipeline.analysis.plots.brightness import threshold_line
from lc_pipeline.analysis.plots.sky import SkyMap
from lc_pipeline.analysis.summary import epoch_coverage, object_summary


def line_of(panel, gid):
    return next(line for line in panel.lines if line.get_gid() == gid)


def statistics_of(n, unit="mag"):
    random = np.random.default_rng(n)
    return Table(
        {
            "object": [f"star {number}" for number in range(n)],
            "median_g": Column(14 + 6 * random.random(n), unit=unit),
            "iqr_g": Column(0.05 * random.lognormal(0, 0.2, n), unit=unit),
            "iqr_g_z": random.normal(0, 1, n),
        }
    )


@pytest.mark.parametrize("n", [40, 30_000])
def test_candidates_are_marked_where_they_are(n):
    statistics = statistics_of(n)
    candidates = statistics[["object"]][[3, 7]]
    panel = plots.plot_index(statistics, "iqr", ["g"], candidates).axes[0]
    marked = line_of(panel, "candidates")
    np.testing.assert_array_equal(marked.get_xdata(), statistics["median_g"][[3, 7]])
    np.testing.assert_array_equal(marked.get_ydata(), statistics["iqr_g"][[3, 7]])


def test_many_objects_are_drawn_as_their_density():
    few, many = (plots.plot_index(statistics_of(n), "iqr", ["g"]).axes[0] for n in (20_000, 20_001))
    assert (len(few.lines), len(few.collections)) == (1, 0)
    assert (len(many.lines), len(many.collections)) == (0, 1)
    assert many.collections[0].get_array().sum() == 20_001


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_density_loses_no_object_on_either_scale(scale):
    statistics = statistics_of(25_000)
    if scale == "log":
        statistics["iqr_g"] **= 3
    panel = plots.plot_index(statistics, "iqr", ["g"]).axes[0]
    assert panel.get_yscale() == scale
    assert panel.collections[0].get_array().sum() == 25_000


def test_an_index_of_both_signs_with_outliers_is_linear_around_zero():
    statistics = statistics_of(500)
    statistics["iqr_g_z"][:3] = 300.0
    figure = plots.plot_index(statistics, "iqr_z", ["g"], thresholds={"g": 4.0})
    assert figure.axes[0].get_yscale() == "symlog"
    assert {line.get_label() for line in figure.axes[0].lines} >= {"threshold"}


def test_the_threshold_line_parts_objects_as_z_does():
    random = np.random.default_rng(5)
    magnitude = np.sort(random.uniform(14, 20, 4000))
    usual, scatter = 0.01 * 10 ** (0.3 * (magnitude - 14)), 0.1 + 0.02 * (magnitude - 14)
    z = random.normal(0, 1.5, 4000)
    line = threshold_line(magnitude, usual * np.exp(scatter * z), z, 3.0)
    is_inside = (magnitude > line[0, 0]) & (magnitude < line[0, -1])
    above = usual * np.exp(scatter * z) > np.interp(magnitude, line[0], line[1])
    assert np.mean(above[is_inside] == (z > 3)[is_inside]) > 0.99


def test_scatter_has_a_panel_for_each_measurement(make_dataset):
    dataset = make_dataset(n_objects=30, keys=("g", "r", "i"))
    figure = plots.plot_scatter(object_summary(dataset))
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["g", "r", "i"]
    assert [len(panel.lines[0].get_xdata()) for panel in figure.axes] == [30, 30, 30]


@pytest.mark.parametrize("n_epochs", [0, 1, 30])
@pytest.mark.parametrize("n_keys", [1, 3, 32])
@pytest.mark.parametrize("quantity", ["mag", "flux"])
def test_any_number_of_epochs_and_measurements_can_be_drawn(
    make_dataset, n_epochs, n_keys, quantity
):
    keys = [f"m{number}" for number in range(n_keys)]
    dataset = make_dataset(n_epochs=n_epochs, keys=keys, quantity=quantity)
    coverage = epoch_coverage(dataset)
    figures = [
        plots.plot_coverage(coverage, keys, 5),
        plots.plot_epoch_quality(dataset),
        plots.plot_zero_points(zero_points_of(dataset)),
        plots.plot_sky(dataset.isel(object=slice(0, n_epochs))),
    ]
    if n_epochs:
        figures += [
            plots.plot_scatter(object_summary(dataset)),
            plots.plot_epoch(dataset[{"epoch": 0}]),
        ]
    for figure in figures:
        assert plots.as_png(figure, 30)[:4] == b"\x89PNG"


def zero_points_of(dataset):
    keys, epochs = dataset.measurement.values, dataset.epoch.values
    n = len(keys) * len(epochs)
    return Table(
        {
            "epoch": np.repeat(epochs.astype(str), len(keys)),
            "measurement": np.tile(keys.astype(str), len(epochs)),
            "time": np.repeat(dataset.time.values, len(keys)),
            "zero_point": np.linspace(-0.1, 0.4, n),
            "zero_point_err": np.full(n, 0.01),
            "scatter": np.full(n, 0.02),
        }
    )


def test_zero_points_have_errors_and_clear_nights_are_above(make_dataset):
    zero_points = zero_points_of(make_dataset(keys=("g", "r")))
    above, below = plots.plot_zero_points(zero_points).axes
    assert above.yaxis_inverted()
    assert not below.yaxis_inverted()
    assert [len(each.lines[0].get_xdata()) for each in above.containers] == [20, 20]
    assert all(each.has_yerr for each in above.containers)


def test_coverage_is_an_image_of_epochs_and_measurements(make_dataset):
    dataset = make_dataset(keys=("g", "r"))
    dataset.lightcurves[:2, 1, 0, 5] = np.nan
    points, image = plots.plot_coverage(epoch_coverage(dataset), ["g", "r"], 5).axes[:2]
    assert [len(line.get_xdata()) for line in points.lines] == [20, 20]
    counts = image.images[0].get_array()
    assert counts.shape == (2, 20)
    assert counts[1, 5] == 3
    assert counts.sum() == 2 * 20 * 5 - 2
    assert len(plots.plot_coverage(epoch_coverage(dataset), ["g"]).axes) == 1


def test_the_match_fraction_is_drawn_in_percent_and_offsets_where_there_are_any(make_dataset):
    dataset = make_dataset()
    dataset["n_matched"][3] = 1
    (panel,) = plots.plot_epoch_quality(dataset).axes
    assert panel.lines[0].get_ydata()[[2, 3]].tolist() == [100, 20]
    dataset["offset_east"][:] = 0.3
    assert len(plots.plot_epoch_quality(dataset).axes) == 2


@given(st.floats(0, 360), st.floats(-80, 80))
def test_neighbours_on_the_sky_are_neighbours_on_the_map(ra, dec):
    around = (ra + np.array([-0.2, 0.0, 0.2])) % 360
    sky = SkyMap.of(around, np.full(3, dec))
    x, y = sky.place(around, np.full(3, dec))
    assert sky.projection == "field"
    np.testing.assert_allclose(np.diff(x), 0.2, atol=1e-9)
    np.testing.assert_array_equal(y, dec)


@given(st.floats(0, 360), st.sampled_from([-1, 1]), st.lists(st.floats(0, 360), min_size=3))
def test_around_a_pole_distances_are_kept_and_east_is_left(ra, sign, others):
    ras = np.array([ra, *others])
    decs = sign * (90 - np.linspace(0.1, 0.5, len(ras)))
    sky = SkyMap.of(ras, decs)
    x, y = sky.place(ras, decs)
    assert sky.projection == "pole"
    np.testing.assert_allclose(np.hypot(x, y), 90 - np.abs(decs), atol=1e-9)
    # A little to the east, seen with the north up, is a turn to the left of the north.
    x0, y0 = sky.place(np.array([ra]), decs[:1])
    x1, y1 = sky.place(np.array([ra + 1.0]), decs[:1])
    north = -sign * np.array([x0[0], y0[0]])
    east = np.array([x1[0] - x0[0], y1[0] - y0[0]])
    assert north[0] * east[1] - north[1] * east[0] > 0


def test_a_map_of_a_field_across_ra_0_has_east_on_the_left_and_equal_scales():
    objects = Table({"ra": [359.9, 0.1, 0.0, 0.0], "dec": [60.0, 60.0, 59.9, 60.1]})
    panel = plots.plot_sky(objects, objects[:1]).axes[0]
    assert panel.xaxis_inverted()
    assert max(panel.get_xlim()) - min(panel.get_xlim()) < 0.5
    assert panel.get_aspect() == pytest.approx(2, rel=0.01)
    marked = line_of(panel, "candidates")
    assert marked.get_xdata() % 360 == pytest.approx([359.9])


def test_much_of_the_sky_is_drawn_as_such_and_a_strip_is_stretched():
    random = np.random.default_rng(1)
    ra, dec = 360 * random.random(100), np.degrees(np.arcsin(2 * random.random(100) - 1))
    assert plots.plot_sky(Table({"ra": ra, "dec": dec})).axes[0].name == "mollweide"
    strip = Table({"ra": (310 + ra / 3) % 360, "dec": dec / 90})
    panel = plots.plot_sky(strip).axes[0]
    assert (panel.name, panel.get_aspect()) == ("rectilinear", "auto")


def test_naming_the_plots_does_not_import_matplotlib():
    program = "import sys, lc_pipeline.analysis.plots; print('matplotlib' in sys.modules)"
    command = [sys.executable, "-c", program]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "False"
