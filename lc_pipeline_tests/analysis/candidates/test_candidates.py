"""The table of candidates: right first, whatever the survey is like."""

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lc_pipeline.analysis.candidates import lightcurve_evidence, variable_candidates
from lc_pipeline.analysis.statistics import variability_statistics
from lc_pipeline.errors import LightcurveError, SurveyConfigError
from lc_pipeline.survey import CandidatesSection, StatisticsSection, SurveyConfig
from lc_pipeline.tables import read_table, write_table


@pytest.fixture(scope="module")
def survey(make_survey):
    made = make_survey(120)
    for star, amplitude in ((5, 30.0), (40, 12.0), (77, 8.0)):
        made.vary(star, amplitude)
    return made


def test_variables_come_first_with_a_reason_in_words(survey):
    table = survey.candidates()
    assert table["object"][:3].tolist() == ["star5", "star40", "star77"]
    assert table["rank"].tolist() == list(range(1, len(table) + 1))
    reason = table["reason"][0]
    assert "g and r vary together, correlation 0.9" in reason
    assert "times what objects of this brightness show" in reason
    assert "mag in" in reason
    assert "bands together g-r" in table["agreement"][0]
    assert (table["vetoes"][:3] == "").all()
    assert table["expected_false"][2] < 1e-3
    np.testing.assert_allclose(
        table["false_alarm_probability"], 10.0 ** -np.array(table["score"]), rtol=1e-9
    )


def test_columns_have_descriptions_and_survive_parquet(survey, tmp_path):
    table = survey.candidates()
    assert all(table[name].description for name in table.colnames[4:])
    again = read_table(write_table(table, tmp_path / "variable_candidates.parquet"))
    assert again.colnames == table.colnames
    assert again["reason"].tolist() == table["reason"].tolist()
    assert again.meta["notes"] == table.meta["notes"]


@given(st.randoms(use_true_random=False))
@settings(max_examples=2, phases=[Phase.generate])
def test_the_order_of_objects_does_not_matter(survey, random):
    order = list(range(120))
    random.shuffle(order)
    first, second = survey.candidates(), survey.rows(order).candidates()
    assert first["object"].tolist() == second["object"].tolist()
    np.testing.assert_allclose(first["score"], second["score"], rtol=1e-6)
    assert first["reason"].tolist() == second["reason"].tolist()


def test_fluxes_are_judged_as_magnitudes_are_negative_ones_as_well(make_survey):
    survey = make_survey(120)
    random = np.random.default_rng(3)
    survey.quantity = "flux"
    survey.value = random.normal(0.5, 1.0, survey.value.shape)
    survey.sigma[:] = 1.0
    survey.error[:] = 1.0
    survey.value[9] += np.where(np.arange(60) % 12 == 0, 9.0, 0.0)
    table = survey.candidates()
    assert table["object"][0] == "star9"
    assert "5 of 60 points in g are brighter" in table["reason"][0]
    survey.vary(20, 12.0)
    reasons = dict(zip(*survey.candidates()["object", "reason"].itercols(), strict=True))
    assert "uJy in g" in reasons["star20"]


def test_one_band_without_errors(make_survey):
    survey = make_survey(60, n_bands=1)
    survey.error[:] = np.nan
    survey.vary(11, 15.0)
    assert survey.candidates()["object"].tolist()[0] == "star11"


@pytest.mark.parametrize("n_epochs", [0, 1, 2, 7])
def test_few_epochs_give_no_candidates_and_say_why(make_survey, n_epochs):
    table = make_survey(30, n_epochs=n_epochs).candidates()
    assert len(table) == 0
    assert any("not judged by comparison" in note for note in table.meta["notes"])
    assert {"rank", "object", "score", "reason", "vetoes"} <= set(table.colnames)


@pytest.mark.parametrize("n_objects", [0, 1, 5])
def test_few_objects_give_no_candidates_and_say_why(make_survey, n_objects):
    table = make_survey(n_objects).candidates()
    assert len(table) == 0
    assert any("not judged by comparison" in note for note in table.meta["notes"])


def test_objects_without_values_are_left_out_and_harm_no_other(make_survey):
    survey = make_survey(120)
    survey.vary(40, 20.0)
    survey.value[::7] = np.nan
    survey.value[3, :, 4:] = np.nan
    survey.value[8, 0] = np.nan
    survey.ra[21] = np.nan
    table = survey.candidates()
    assert table["object"][0] == "star40"
    assert not {"star0", "star3"} & set(table["object"].tolist())


def test_statistics_alone_are_enough(survey):
    needed = StatisticsSection(indices=("iqr", "lag1"))
    table = variable_candidates(variability_statistics(survey.dataset, needed, workers=1))
    assert table["object"][0] == "star5"


def test_tables_of_other_objects_are_refused(survey):
    statistics = variability_statistics(survey.dataset, workers=1)
    other = lightcurve_evidence(survey.rows(list(range(119, -1, -1))).dataset, workers=1)
    with pytest.raises(LightcurveError, match="not of the same objects"):
        variable_candidates(statistics, evidence=other)


# ------------------------------------------------------------------ nothing to compare with


def test_a_survey_of_variables_only_is_told_by_its_bands(make_survey):
    survey = make_survey(80)
    for star in range(80):
        survey.vary(star, 20.0, period=1.5 + star / 30)
    table = survey.candidates()
    assert len(table) == 80
    notes = " ".join(table.meta["notes"])
    assert "bands of more than half of the objects vary together" in notes
    assert "candidates by their bands or their errors alone" in notes
    assert "g and r vary together (correlation 0.9" in table["reason"][-1]


def test_wrong_zero_points_do_not_make_all_stars_variable(make_survey):
    survey = make_survey(80)
    survey.value += np.random.default_rng(5).normal(0, 0.5, 60)
    table = survey.candidates()
    assert len(table) < 40
    assert all("all objects have 9" in doubt for doubt in table["vetoes"])
    assert "variance in g in common" in " ".join(table.meta["notes"])


def test_in_one_band_variables_only_are_told_if_the_errors_are_right(make_survey):
    survey = make_survey(80, n_bands=1)
    for star in range(80):
        survey.vary(star, 20.0, period=1.5 + star / 30)
    table = survey.candidates()
    assert len(table) < 5
    assert "say trust_errors = true" in " ".join(table.meta["notes"])
    trusting = survey.candidates(trust_errors=True)
    assert len(trusting) == 80
    assert "times its errors in g" in trusting["reason"][-1]


# ------------------------------------------------------------------ periods


def periods_of(survey, star, period, fap, alias=""):
    n = len(survey.names)
    table = Table({"object": survey.names, "period": np.full(n, np.nan), "fap": np.full(n, np.nan)})
    table["alias"] = np.full(n, "", dtype="U40")
    table["fap_method"] = "baluev"
    table["period_2"] = 1.0
    table["period"][star], table["fap"][star], table["alias"][star] = period, fap, alias
    return table


def test_a_significant_period_adds_to_the_score_and_is_told(survey):
    before = survey.candidates()
    after = survey.candidates(periods=periods_of(survey, 77, 7.3, 1e-8))
    place = after["object"].tolist().index("star77")
    assert after["score"][place] > before["score"][2] + 3
    assert "period 7.3 d (false-alarm probability 1e-08, baluev)" in after["reason"][place]
    assert {"period", "fap", "alias", "period_2"} <= set(after.colnames)


def test_a_period_by_chance_changes_nothing(survey):
    before = survey.candidates()
    after = survey.candidates(periods=periods_of(survey, 77, 7.3, 0.4))
    assert after["score"].tolist() == before["score"].tolist()
    assert after["reason"].tolist() == before["reason"].tolist()


def test_of_few_stars_those_with_a_period_are_candidates(make_survey):
    survey = make_survey(5, n_bands=1)
    survey.vary(3, 40.0)
    assert len(survey.candidates()) == 0
    table = survey.candidates(periods=periods_of(survey, 3, 7.3, 1e-20))
    assert table["object"].tolist() == ["star3"]
    assert table["reason"][0] == "period 7.3 d (false-alarm probability 1e-20, baluev)"
    assert table["vetoes"][0] == ""
    assert table["score"][0] > 8
    assert "1 candidate among 5 objects, not judged by comparison" in table.meta["notes"][0]
    for fap, alias in ((0.01, ""), (1e-20, "solar day"), (1e-20, "fewer than 2 cycles")):
        assert len(survey.candidates(periods=periods_of(survey, 3, 7.3, fap, alias))) == 0


def test_a_sure_period_is_enough_where_comparison_is_not(survey):
    limit = survey.candidates()["object"].tolist()
    assert "star41" not in limit
    at_all = survey.candidates(periods=periods_of(survey, 41, 3.1, 1e-4))["object"].tolist()
    assert "star41" not in at_all
    table = survey.candidates(periods=periods_of(survey, 41, 3.1, 1e-9))
    assert set(table["object"]) == {*limit, "star41"}
    assert "1 found by the period alone" in " ".join(table.meta["notes"])


def test_where_many_have_a_period_it_is_that_of_the_noise(survey):
    before = survey.candidates()["object"].tolist()
    periods = periods_of(survey, 41, 3.1, 1e-9)
    periods["fap"][50:80] = 1e-30
    table = survey.candidates(periods=periods)
    assert sorted(table["object"]) == sorted(before)
    assert "the noise is correlated in time" in " ".join(table.meta["notes"])


def test_an_alias_of_the_cadence_is_doubted(survey):
    periods = periods_of(survey, 5, 0.99727, 1e-20, "1 sidereal day")
    table = survey.candidates(periods=periods)
    assert table["object"].tolist().index("star5") >= 2
    doubted = table["vetoes"][table["object"].tolist().index("star5")]
    assert doubted == "alias: the period 0.99727 d is one of the cadence (1 sidereal day)"


def test_a_period_longer_than_the_data_is_neither_doubted_nor_counted(survey):
    before = survey.candidates()
    after = survey.candidates(periods=periods_of(survey, 5, 55.0, 1e-20, "fewer than 2 cycles"))
    assert after["score"].tolist() == before["score"].tolist()
    assert after["vetoes"][0] == ""
    assert "changes slowly: fewer than 2 cycles in the data" in after["reason"][0]


# ------------------------------------------------------------------ settings


def test_settings_stand_in_survey_toml_and_change_no_fingerprint():
    text = '[survey]\nname = "x"\n[files]\npattern = "(?P<epoch>.+)[.]fits"\n'
    plain = SurveyConfig.from_toml(text)
    more = '[candidates]\nfalse_positive_rate = 0.01\nvetoes = ["blend"]\n'
    changed = SurveyConfig.from_toml(text + more)
    assert changed.candidates == CandidatesSection(false_positive_rate=0.01, vetoes=("blend",))
    assert changed.fingerprint == plain.fingerprint
    with pytest.raises(SurveyConfigError, match="Did you mean false_positive_rate"):
        SurveyConfig.from_toml(text + "[candidates]\nfalse_positive = 0.1\n")
    with pytest.raises(SurveyConfigError, match=r"candidates\.vetoes"):
        SurveyConfig.from_toml(text + '[candidates]\nvetoes = ["weather"]\n')
