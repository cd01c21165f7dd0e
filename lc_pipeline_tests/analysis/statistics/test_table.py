"""The table of variability statistics: columns, own times, pairs, clipping, one's own indices."""

import numpy as np
import pytest

from lc_pipeline.analysis.statistics import (
    INDICES,
    PAIR_INDICES,
    Index,
    variability_statistics,
)
from lc_pipeline.errors import LightcurveError
from lc_pipeline.survey import StatisticsSection, SurveyConfig
from lc_pipeline.tables import read_table, write_table

from . import oracle


@pytest.fixture
def two_bands(make_dataset):
    random = np.random.default_rng(0)
    shape = (30, 2, 50)
    error = np.full(shape, 0.02)
    value = (
        15 + np.linspace(0, 3, 30)[:, np.newaxis, np.newaxis] + error * random.normal(size=shape)
    )
    value[3] += 0.2 * np.sin(np.arange(50) / 4)
    return make_dataset(value, error, 58000 + np.arange(50.0), keys=["g", "r"])


def test_every_column_says_what_it_is_and_in_which_unit(two_bands, tmp_path):
    table = variability_statistics(two_bands)
    assert table.colnames[:3] == ["object", "ra", "dec"]
    wanted = ["n_g", "n_excluded_g", *(
        index.column("g", z=z) for index in INDICES if "mag" in index.quantities
        for z in ([False, True] if index.judged else [False])
    )]  # fmt: skip
    assert [name for name in table.colnames if "_g" in name and "_r" not in name] == wanted
    assert all(table[name].description for name in table.colnames[3:])
    assert str(table["iqr_g"].unit) == "mag"
    assert str(table["trend_g"].unit) == "mag / d"
    assert str(table["covariance_g_r"].unit) == "mag2"
    assert table["iqr_g_z"].unit is None
    back = read_table(write_table(table, tmp_path / "variability_statistics.parquet"))
    assert back.colnames == table.colnames
    assert str(back["trend_g"].unit) == "mag / d"
    assert back["iqr_g_z"].description == table["iqr_g_z"].description
    assert back.meta["statistics"] == StatisticsSection().model_dump(mode="json")


def test_what_varies_in_both_bands_stands_out_in_both_and_between_them(two_bands):
    table = variability_statistics(two_bands)
    names = ("iqr_g_z", "inverse_eta_r_z", "stetson_j_g_z", "stetson_j_g_r_z", "correlation_g_r_z")
    for name in names:
        assert np.argmax(table[name]) == 3, name
        assert table[name][3] > 5, name
    assert table["n_g_r"].tolist() == [50] * 30


def test_own_times_decide_the_order_and_the_pairs(make_dataset):
    random = np.random.default_rng(2)
    time = 58000 + np.arange(40.0)
    offset = random.uniform(-1.5, 1.5, (12, 40))
    moment = time + offset.astype("float32")
    value = 15 + 0.3 * np.sin(2 * np.pi * moment / 5) + random.normal(0, 0.01, moment.shape)
    error = random.uniform(0.01, 0.02, moment.shape)
    table = variability_statistics(make_dataset(value, error, time, offset=offset))
    for row in range(12):
        order = np.argsort(moment[row])
        arguments = [a[row].astype("float32").astype(float)[order].tolist() for a in (value, error)]
        t = moment[row][order].tolist()
        for index in INDICES:
            if "time" in index.needs and not index.is_scaled_by_coverage:
                found = table[f"{index.name}_g"][row]
                wanted = oracle.of_one(index.name, t, *arguments, "mag")
                assert found == pytest.approx(wanted, rel=1e-4, abs=1e-9), index.name


def test_points_of_unknown_time_are_left_out_where_time_matters(make_dataset):
    random = np.random.default_rng(2)
    value = random.normal(15, 0.1, (3, 20))
    error = np.full(value.shape, 0.1)
    time = 58000 + np.arange(20.0)
    unknown = time.copy()
    unknown[[4, 11]] = np.nan
    table = variability_statistics(make_dataset(value, error, unknown))
    assert table["n_g"].tolist() == [20] * 3
    all_times = variability_statistics(make_dataset(value, error, time))
    without = np.delete(np.arange(20), [4, 11])
    few = variability_statistics(make_dataset(value[:, without], error[:, without], time[without]))
    for index in INDICES:
        name = f"{index.name}_g"
        if name in table.colnames and not index.is_scaled_by_coverage:
            other = few if "time" in index.needs else all_times
            np.testing.assert_allclose(table[name], other[name], rtol=1e-12, err_msg=name)


def test_two_bands_of_an_epoch_are_compared_if_taken_within_the_gap(make_dataset):
    random = np.random.default_rng(5)
    shape = (4, 2, 30)
    value = random.normal(15, 0.1, shape)
    offset = np.zeros(shape)
    offset[:, 1, ::2] = 0.01
    offset[:, 1, 1::2] = 0.3
    dataset = make_dataset(value, np.full(shape, 0.1), 58000 + np.arange(30.0), offset=offset)
    near = variability_statistics(dataset, StatisticsSection(pair_gap=0.05))
    assert near["n_g_r"].tolist() == [15] * 4
    wanted = [np.corrcoef(*row[:, ::2].astype("float32"))[0, 1] for row in value]
    np.testing.assert_allclose(near["correlation_g_r"], wanted, rtol=1e-5)
    # By default twice the cadence, a day.
    assert variability_statistics(dataset)["n_g_r"].tolist() == [30] * 4


def test_measurements_that_share_no_epoch_make_no_pair(make_dataset):
    random = np.random.default_rng(5)
    value = random.normal(15, 0.1, (4, 2, 30))
    value[:, 0, ::2] = np.nan
    value[:, 1, 1::2] = np.nan
    table = variability_statistics(make_dataset(value, np.full(value.shape, 0.1), np.arange(30.0)))
    assert "n_r" in table.colnames
    assert not [name for name in table.colnames if "_g_r" in name]


def test_pairs_can_be_chosen_and_six_measurements_make_none_by_themselves(make_dataset):
    value = np.random.default_rng(0).normal(15, 0.1, (3, 6, 10))
    keys = [f"ch{number}" for number in range(6)]
    dataset = make_dataset(value, np.full(value.shape, 0.1), np.arange(10.0), keys=keys)
    table = variability_statistics(dataset, StatisticsSection(indices=["std"]))
    assert not [name for name in table.colnames if "_ch0_ch" in name]
    chosen = StatisticsSection(indices=["correlation"], pairs=[("ch4", "ch1")])
    assert "correlation_ch4_ch1" in variability_statistics(dataset, chosen).colnames


def test_the_gap_and_the_window_can_be_set(make_dataset):
    random = np.random.default_rng(8)
    time = np.sort(random.uniform(0, 30, 60))
    value = np.round(random.normal(15, 0.1, (1, 60)) * 1024) / 1024
    error = np.full(value.shape, 0.0625)
    found = variability_statistics(
        make_dataset(value, error, time), StatisticsSection(pair_gap=0.2, abbe_window=4.0)
    )
    m, e = value[0].tolist(), error[0].tolist()
    wanted = oracle.stetson_j(time.tolist(), m, e, gap=0.2)
    assert found["stetson_j_g"][0] == pytest.approx(wanted, rel=1e-6)
    wanted = oracle.excess_abbe(time.tolist(), m, window=4.0)
    assert found["excess_abbe_g"][0] == pytest.approx(wanted, rel=1e-9)


def test_clipping_leaves_out_outliers_and_counts_them(make_dataset):
    random = np.random.default_rng(4)
    value = random.normal(15, 0.1, (3, 50))
    clean = value.copy()
    value[0, 7] = 25.0
    value[1, [3, 30]] = 5.0
    clean[0, 7] = clean[1, 3] = clean[1, 30] = np.nan
    error = np.full(value.shape, 0.1)
    time = np.arange(50.0)
    assert "n_clipped_g" not in variability_statistics(make_dataset(value, error, time)).colnames
    found = variability_statistics(
        make_dataset(value, error, time), StatisticsSection(sigma_clip=8)
    )
    assert found["n_clipped_g"].tolist() == [1, 2, 0]
    assert found["n_g"].tolist() == [49, 48, 50]
    wanted = variability_statistics(make_dataset(clean, error, time))
    np.testing.assert_array_equal(found["std_g"], wanted["std_g"])


def largest_step(points):
    """Largest change from one point to the next."""
    return np.abs(points.step).max(axis=1, initial=0)


def test_an_index_of_ones_own_is_one_small_object(two_bands):
    mine = Index("largest_step", largest_step, "value", 2, ("time",), "log")
    table = variability_statistics(two_bands, indices=(*INDICES, mine))
    values = two_bands.lightcurves.values[:, 0, 0].astype(float)
    np.testing.assert_allclose(
        table["largest_step_g"], np.abs(np.diff(values)).max(axis=1), rtol=1e-9
    )
    assert str(table["largest_step_r"].unit) == "mag"
    assert table["largest_step_r"].description == ("Largest change from one point to the next, r")
    assert np.isfinite(table["largest_step_g_z"]).all()
    alone = variability_statistics(two_bands, indices=[mine], pair_indices=[])
    np.testing.assert_array_equal(alone["largest_step_g_z"], table["largest_step_g_z"])


def test_an_index_that_gives_the_wrong_shape_is_named(two_bands):
    wrong = Index("wrong", lambda points: points.value)
    with pytest.raises(ValueError, match=r"index 'wrong'.*expected one number for each of"):
        variability_statistics(two_bands, indices=[wrong], workers=1)


def test_only_what_is_asked_for_is_made(two_bands):
    table = variability_statistics(two_bands, StatisticsSection(indices=["iqr", "stetson_j"]))
    assert [name for name in table.colnames if name.endswith("_g")] == [
        "n_g", "n_excluded_g", "iqr_g", "stetson_j_g",
    ]  # fmt: skip
    assert "stetson_j_g_r_z" in table.colnames
    everything = variability_statistics(two_bands)
    np.testing.assert_array_equal(table["iqr_g_z"], everything["iqr_g_z"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"indices": ["iqrr"]}, r"statistics.indices: .*'iqrr'. Did you mean iqr\?"),
        ({"pairs": [("g", "i")]}, r"statistics.pairs: there is no measurement 'i'"),
    ],
)
def test_a_name_that_does_not_exist_is_refused(two_bands, settings, message):
    with pytest.raises(LightcurveError, match=message):
        variability_statistics(two_bands, StatisticsSection(**settings))


def test_the_section_does_not_ask_for_another_ingest():
    text = "[survey]\nname = 'x'\n[files]\npattern = '(?P<epoch>.+)'\n"
    plain = SurveyConfig.from_toml(text)
    other = SurveyConfig.from_toml(text + "[statistics]\npair_gap = 0.5\nsigma_clip = 5\n")
    assert other.statistics.pair_gap == 0.5
    assert other.fingerprint == plain.fingerprint


def test_names_of_columns_do_not_clash():
    for indices in (INDICES, PAIR_INDICES):
        names = [index.column("g", z=z) for index in indices for z in (False, True)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("shape", [(0, 5), (2, 0), (0, 0)])
@pytest.mark.parametrize("n_measurements", [1, 2])
def test_no_objects_or_no_epochs_make_a_table_of_the_same_columns(
    make_dataset, shape, n_measurements
):
    nothing = np.zeros((shape[0], n_measurements, shape[1]))
    table = variability_statistics(make_dataset(nothing, nothing, np.arange(float(shape[1]))))
    assert len(table) == shape[0]
    assert "iqr_g_z" in table.colnames
    assert table["n_g"].tolist() == [0] * shape[0]
    assert np.isnan(table["stetson_j_g"]).all()


# ------------------------------------------------------------------ a real field


def without_the_ensemble(dataset):
    """Subtract what most stars do in each epoch."""
    values = dataset.lightcurves.values.copy()
    departure = values[:, :, 0] - np.nanmedian(values[:, :, 0], axis=-1, keepdims=True)
    common = np.zeros_like(departure[0])
    for _ in range(3):
        scatter = np.nanstd(departure - common, axis=-1)[:, 0]
        common = np.nanmedian(departure[scatter < np.nanmedian(scatter)], axis=0)
    values[:, :, 0] -= common
    return dataset.assign(lightcurves=dataset.lightcurves.copy(data=values))


def test_ey_uma_comes_first_in_its_field(ey_uma):
    dataset = without_the_ensemble(ey_uma.dataset)
    table = variability_statistics(dataset)
    ra, dec = (table["ra"] - 135.58650) * np.cos(np.radians(49.8)), table["dec"] - 49.81926
    star = np.argmin(np.hypot(ra, dec))
    for name in ("iqr", "inverse_eta", "std", "reduced_chi2", "stetson_j_time", "s_b", "lag1"):
        z = np.asarray(table[f"{name}_R_z"])
        order = np.argsort(z)
        assert order[-1] == star, name
        assert z[star] > 4, name
        assert z[order[-2]] < z[star] / 1.5, name
    assert len(table) == 41
    assert np.isfinite(table["iqr_R_z"]).all()
