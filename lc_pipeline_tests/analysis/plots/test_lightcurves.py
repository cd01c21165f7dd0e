"""Claims about plots of single objects: light curves, folded ones, periodograms."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.container import ErrorbarContainer
from matplotlib.image import imread

from lc_pipeline.analysis import plots
from lc_pipeline.analysis.barycentric import barycentric_rows
from lc_pipeline.analysis.plots.figures import day_zero
from lc_pipeline.analysis.plots.folded import phase
from lc_pipeline.analysis.plots.periodograms import envelope
from lc_pipeline.analysis.plots.points import MOST_SPREAD, shifts
from lc_pipeline.errors import LightcurveError
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.storage.timeseries import object_timeseries


def drawn(panel):
    """Numbers of points with error bars by what they are called."""
    found = [each for each in panel.containers if isinstance(each, ErrorbarContainer)]
    return {each.get_label(): len(each.lines[0].get_xdata()) for each in found}


def legend_of(panel):
    return [text.get_text() for text in panel.get_legend().get_texts()]


def test_magnitudes_are_drawn_upward_and_fluxes_as_they_are(make_dataset):
    for quantity, is_inverted in (("mag", True), ("flux", False)):
        rows = object_timeseries(make_dataset(quantity=quantity).isel(object=0))
        for figure in (plots.plot_lightcurve(rows), plots.plot_folded(rows, 2.0)):
            assert figure.axes[0].yaxis_inverted() == is_inverted


def test_flagged_values_are_open_symbols_and_missing_ones_are_not_drawn(make_dataset):
    dataset = make_dataset(keys=("g", "r"))
    dataset.flags[0, 0, :3] = MeasurementFlag.CATALOG_FLAGGED
    dataset.lightcurves[0, 1, 0, 4] = np.nan
    panel = plots.plot_lightcurve(object_timeseries(dataset.isel(object=0))).axes[0]
    assert drawn(panel) == {"g": 17, "_flagged": 3, "r": 19}
    open_ones = next(each for each in panel.containers if each.get_label() == "_flagged")
    assert open_ones.lines[0].get_markerfacecolor() == "white"
    assert legend_of(panel) == ["g", "r", "flagged"]


def test_a_flagged_value_far_away_does_not_press_the_others_flat(make_dataset):
    dataset = make_dataset()
    dataset.lightcurves[0, 0, 0, 3] = 31.0
    dataset.flags[0, 0, 3] = MeasurementFlag.CATALOG_FLAGGED
    panel = plots.plot_lightcurve(object_timeseries(dataset.isel(object=0))).axes[0]
    assert max(panel.get_ylim()) < 20
    assert [text.get_text() for text in panel.texts] == ["beyond this range: 1 flagged"]


def test_limits_are_arrows_where_nothing_was_seen(make_dataset):
    dataset = make_dataset()
    dataset.lightcurves[0, 0, 0, :4] = np.nan
    rows = object_timeseries(dataset.isel(object=0))
    rows["limit"] = 17.5
    for figure, times in ((plots.plot_lightcurve(rows), 1), (plots.plot_folded(rows, 3.3), 2)):
        panel = figure.axes[0]
        arrows = [line for line in panel.lines if line.get_label() == "_upper limit"]
        assert [len(line.get_xdata()) for line in arrows] == [4 * times]
        assert drawn(panel) == {"g": 16 * times}
        assert legend_of(panel) == ["g", "upper limit"]


def arrows_of(panel):
    return [line for line in panel.lines if line.get_label() == "_upper limit"]


@pytest.mark.parametrize("quantity", ["mag", "flux"])
def test_limits_too_faint_for_the_range_stand_at_its_edge(make_dataset, quantity):
    dataset = make_dataset(quantity=quantity)
    dataset.lightcurves[0, 0, 0, :4] = np.nan
    rows = object_timeseries(dataset.isel(object=0))
    good = rows[quantity].value.unmasked[4:]
    fainter = 1 if quantity == "mag" else -1
    edge = good.max() if fainter == 1 else good.min()
    near, far = edge + 2 * fainter * np.ptp(good), edge + 20 * fainter * np.ptp(good)
    brighter = edge - 20 * fainter * np.ptp(good)
    rows["limit"] = [near, far, far, brighter] + [np.nan] * 16
    for figure, times in ((plots.plot_lightcurve(rows), 1), (plots.plot_folded(rows, 3.3), 2)):
        panel = figure.axes[0]
        [line] = arrows_of(panel)
        assert sorted(line.get_ydata()) == pytest.approx(
            sorted([near, near, near, brighter] * times)
        )
        assert np.ptp(panel.get_ylim()) < 4 * np.ptp(good)
        [text] = panel.texts
        assert text.get_text().splitlines() == [
            "beyond this range: 1 upper limit",
            "fainter than this range: 2 upper limits, at its edge",
        ]
        # On the page, the arrow points away from the good values.
        assert line.get_marker().vertices[:, 1].min() < 0
        ends = panel.transData.transform([(0, near), (0, good.mean())])
        assert ends[0, 1] < ends[1, 1]


def test_limits_alone_are_drawn(make_dataset):
    dataset = make_dataset()
    dataset.lightcurves[0, 0, 0] = np.nan
    rows = object_timeseries(dataset.isel(object=0))
    rows["limit"] = 17.5
    [line] = arrows_of(plots.plot_lightcurve(rows).axes[0])
    assert set(line.get_ydata()) == {17.5}


def test_on_one_axis_with_fluxes_limits_of_magnitudes_point_up(make_dataset):
    dataset = make_dataset(keys=("g", "f"))
    dataset.lightcurves[0, :, 0, :4] = np.nan
    dataset = dataset.assign_coords(
        value=np.array(["value", "error"], dtype=object),
        unit=("measurement", np.array(["mag", "uJy"], dtype=object)),
    )
    rows = object_timeseries(dataset.isel(object=0))
    rows["limit"] = 17.5
    panel = plots.plot_lightcurve(rows).axes[0]
    assert not panel.yaxis_inverted()
    ends = [line.get_marker().vertices[:, 1] for line in arrows_of(panel)]
    assert [end.max() > 0 for end in ends] == [True, False]


def test_an_arrow_is_seen_where_the_limit_is(make_dataset):
    dataset = make_dataset()
    dataset.lightcurves[0, 0, 0, 10] = np.nan
    rows = object_timeseries(dataset.isel(object=0))
    without = imread(io.BytesIO(plots.as_png(plots.plot_lightcurve(rows), 100)))
    rows["limit"] = float(np.nanmedian(rows["mag"].value.unmasked))
    figure = plots.plot_lightcurve(rows)
    panel = figure.axes[0]
    panel.get_legend().remove()
    picture = imread(io.BytesIO(plots.as_png(figure, 100)))
    start = np.floor(rows["time"].mjd.min())
    x, y = panel.transData.transform((rows["time"].mjd[10] - start, rows["limit"][10]))
    row, column = picture.shape[0] - round(y), round(x)
    assert without.shape == picture.shape
    around, below = picture[row - 3 : row + 3], picture[row + 4 : row + 10]
    for part in (around, below):
        dark = part[:, column - 2 : column + 3, :3].min(axis=(1, 2))
        assert (dark < 0.6).any()


def test_an_object_and_its_comparison_share_an_axis_and_their_difference_has_its_own(make_dataset):
    dataset = make_dataset()
    rows, other = (object_timeseries(dataset.isel(object=number)) for number in (0, 4))
    above, below = plots.plot_lightcurve(rows, other).axes
    assert drawn(above) == {"g": 20, "comparison star 4": 20}
    expected = dataset.lightcurves[0, 0, 0] - dataset.lightcurves[4, 0, 0]
    np.testing.assert_allclose(below.containers[0].lines[0].get_ydata(), expected, rtol=1e-5)


@given(
    st.lists(
        st.tuples(st.floats(-1e3, 1e3), st.floats(1e-2, 10), st.integers(2, 5)),
        min_size=1,
        max_size=7,
    ),
    st.booleans(),
)
def test_shifted_measurements_do_not_overlap_and_those_that_fit_are_left(bands, upward):
    values = [np.linspace(level, level + width, n) for level, width, n in bands]
    added = shifts(values, upward=upward)
    spans = [np.percentile(each, [1, 99]) for each in values]
    height = max(np.ptp(span) for span in spans)
    together = max(span[1] for span in spans) - min(span[0] for span in spans)
    if together <= MOST_SPREAD * height:
        assert added == [0.0] * len(bands)
        return
    shifted = [span + shift for span, shift in zip(spans, added, strict=True)]
    for one, other in itertools.pairwise(shifted):
        first, second = (one, other) if not upward else (other, one)
        assert first[1] < second[0]


@given(st.floats(-1e5, 1e5), st.floats(1e-2, 1e3), st.integers(-50, 50))
def test_a_whole_number_of_periods_changes_no_phase(time, period, cycles):
    one, other = phase([time, time + cycles * period], period, 123.0)
    assert 0 <= one < 1
    assert abs((one - other + 0.5) % 1 - 0.5) < 1e-6


@pytest.mark.parametrize("period", [0.0, -1.0, np.nan, np.inf])
def test_what_is_no_period_is_refused(make_dataset, period):
    with pytest.raises(LightcurveError, match="positive number of days"):
        plots.plot_folded(object_timeseries(make_dataset().isel(object=0)), period)


def test_phases_are_those_of_barycentric_times(make_dataset):
    """As in the table of periods; in half a year the clock of the earth moves by minutes."""
    dataset = make_dataset(n_epochs=120)
    dataset["time"].attrs = {"scale": "utc", "refposition": "GEOCENTER"}
    rows = object_timeseries(dataset.isel(object=0))
    there = barycentric_rows(rows)["time"].mjd
    panel = plots.plot_folded(rows, 0.02, there[3]).axes[0]
    x = panel.containers[0].lines[0].get_xdata()[: len(rows)]
    np.testing.assert_allclose(x, phase(there, 0.02, there[3]), atol=1e-9)
    assert f"phase 0 at BJD_TDB {there[3] + 2400000.5:.5f}" in panel.get_xlabel()


def test_a_folded_light_curve_is_drawn_twice_with_its_model(make_dataset):
    rows = object_timeseries(make_dataset().isel(object=0))
    model = {"g": (np.linspace(0, 1, 50), np.full(50, 17.0))}
    panel = plots.plot_folded(rows, 7.1, rows["time"].mjd[3], models=model).axes[0]
    x = panel.containers[0].lines[0].get_xdata()
    np.testing.assert_allclose(x[20:] - x[:20], 1)
    assert x[3] == pytest.approx(0, abs=1e-9)
    curve = next(line for line in panel.lines if line.get_gid() == "model")
    assert curve.get_xdata()[[0, -1]].tolist() == [0, 2]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=200), st.integers(1, 50))
def test_the_envelope_keeps_the_highest_peak(power, most):
    frequency = np.arange(float(len(power)))
    at, highest = envelope(frequency, np.array(power), most)
    assert len(at) <= most
    assert highest.max() == max(power)
    np.testing.assert_array_equal(np.array(power)[at.astype(int)], highest)


def test_peaks_aliases_and_levels_are_marked():
    frequency = np.linspace(0.01, 5, 90_000)
    power = np.exp(-(((frequency - 1.7) / 0.01) ** 2))
    above, below = plots.plot_periodogram(
        plots.Periodogram(
            frequency,
            power,
            window=power,
            peaks={"1.7 / d": 1.7},
            aliases={"a day less": 0.7},
            levels={"0.1 %": 0.4},
        )
    ).axes
    lines = {line.get_label(): line for line in above.lines}
    assert lines["1.7 / d"].get_xdata()[0] == 1.7
    assert lines["a day less"].get_xdata()[0] == 0.7
    assert lines["0.1 %"].get_ydata()[0] == 0.4
    assert lines["_power"].get_ydata().max() == power.max()
    assert below.get_ylabel() == "window"


@pytest.mark.parametrize("is_fitted", [True, False])
def test_nothing_is_drawn_as_nothing(make_dataset, is_fitted):
    rows = object_timeseries(make_dataset().isel(object=0))[:0]
    for figure in (
        plots.plot_lightcurve(rows, is_fitted=is_fitted),
        plots.plot_folded(rows, 1.0, is_fitted=is_fitted),
        plots.plot_periodogram(plots.Periodogram([], []), is_fitted=is_fitted),
    ):
        assert plots.as_png(figure)[:4] == b"\x89PNG"
        assert figure.axes[0].texts[0].get_text().startswith("no ")


@pytest.mark.parametrize("quantity", ["mag", "flux"])
def test_thirty_two_measurements_are_all_in_the_legend(make_dataset, quantity):
    keys = [f"ch{number}" for number in range(32)]
    dataset = make_dataset(keys=keys, n_epochs=1, quantity=quantity)
    for is_fitted in (True, False):
        rows = object_timeseries(dataset.isel(object=0))
        figure = plots.plot_lightcurve(rows, is_fitted=is_fitted)
        assert len(legend_of(figure.axes[0])) == 32
        plots.as_png(figure)
        legend = figure.axes[0].get_legend().get_window_extent()
        assert legend.y1 < figure.bbox.height


def test_fewer_colours_are_fewer_bytes_of_the_same_picture(make_dataset):
    figure = plots.plot_lightcurve(
        object_timeseries(make_dataset(keys=("g", "r", "i")).isel(object=0))
    )
    full, few = plots.as_png(figure, 100), plots.as_png(figure, 100, colours=64)
    assert len(few) < len(full)
    one, other = (imread(io.BytesIO(each))[..., :3] for each in (full, few))
    assert one.shape == other.shape
    assert np.abs(one - other).mean() < 0.02


def test_times_of_a_night_are_counted_from_its_day():
    assert day_zero(np.array([57021.2, 57021.3, np.nan])) == (57021.0, "MJD - 57021")
    assert day_zero(np.array([])) == (0.0, "MJD")
