"""What speaks against a candidate is found, said, and ranks it below the others."""

import numpy as np
import pytest

from lc_pipeline.analysis.candidates import lightcurve_evidence
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.survey import VETOES

STAR = 33


@pytest.fixture
def survey(make_survey):
    made = make_survey(130)
    made.vary(99, 4.0)
    return made


def assert_ranked_below(survey, *, is_stronger=True, **options):
    """The doubted star stands below a clean one, even if its score is the higher one."""
    table = survey.candidates(**options)
    names = table["object"].tolist()
    score = dict(zip(names, table["score"], strict=True))
    assert (score[f"star{STAR}"] > score["star99"]) or not is_stronger
    assert names.index("star99") < names.index(f"star{STAR}")
    assert table["vetoes"][names.index("star99")] == ""


def without(veto):
    return tuple(one for one in VETOES if one != veto)


def test_a_blend(survey):
    survey.vary(STAR, 30.0)
    survey.ra[60], survey.dec[60] = survey.ra[STAR] + 2.0 / 3600, survey.dec[STAR]
    survey.value[60] += (survey.value[STAR].mean() - survey.value[60].mean()) + 1.0
    assert survey.doubt(STAR) == 'blend: star60 is 2.0" away'
    assert_ranked_below(survey)
    assert survey.doubt(STAR, vetoes=without("blend")) == ""
    assert survey.doubt(STAR, blend_radius_arcsec=1.5) == ""
    survey.value[60] += 3.0
    assert survey.doubt(STAR) == ""


def test_the_light_of_a_neighbour_that_varies_more(survey):
    survey.vary(STAR, 12.0)
    survey.vary(60, 40.0)
    survey.ra[60], survey.dec[60] = survey.ra[STAR], survey.dec[STAR] + 1.0 / 3600
    survey.value[STAR] += survey.value[60].mean() - survey.value[STAR].mean()
    assert survey.doubt(STAR) == 'blend: star60 is 1.0" away and varies more: it may be its light'


@pytest.mark.parametrize("flag", [MeasurementFlag.AMBIGUOUS, MeasurementFlag.DUPLICATED])
def test_ambiguous_matches(survey, flag):
    survey.vary(STAR, 30.0)
    survey.flags[STAR, 1, :15] = flag
    doubt = survey.doubt(STAR)
    assert doubt == "ambiguous: 25% of its points in r are ambiguous matches or duplicates"
    assert_ranked_below(survey)
    assert survey.doubt(STAR, max_ambiguous=0.3) == ""


def test_the_edge_of_the_field(survey):
    survey.vary(STAR, 30.0)
    survey.value[STAR, :, ::3] = np.nan
    survey.flags[STAR, :, ::3] = MeasurementFlag.NOT_OBSERVED
    assert survey.doubt(STAR).startswith("edge: not covered in 33% of the epochs in g")
    assert_ranked_below(survey)
    assert survey.doubt(STAR, vetoes=without("edge")) == ""


def test_a_half_of_the_field_that_was_left_out_for_some_time_is_no_edge(survey):
    survey.vary(STAR, 30.0)
    half = np.arange(len(survey.names)) % 2 == STAR % 2
    survey.value[np.ix_(half, range(2), range(0, 60, 3))] = np.nan
    survey.flags[np.ix_(half, range(2), range(0, 60, 3))] = MeasurementFlag.NOT_OBSERVED
    assert survey.doubt(STAR) == ""


def test_poor_coverage(survey):
    survey.vary(STAR, 60.0)
    survey.value[STAR, :, np.arange(60) % 3 > 0] = np.nan
    assert "coverage: 20 points, 33% of what similar objects have" in survey.doubt(STAR)
    assert_ranked_below(survey)
    assert survey.doubt(STAR, min_coverage=0.2) == ""


def test_what_comes_and_goes_is_no_gap(survey):
    survey.vary(STAR, 60.0)
    survey.value[STAR, :, :20] = np.nan
    survey.value[STAR, :, 45:] = np.nan
    table = survey.candidates()
    row = table[table["object"].tolist().index(f"star{STAR}")]
    assert "coverage" not in row["vetoes"]
    assert "a transient, or it moved" in row["reason"]
    # Where nobody looked, nothing went.
    survey.flags[STAR, :, :20] = MeasurementFlag.NOT_OBSERVED
    survey.flags[STAR, :, 45:] = MeasurementFlag.NOT_OBSERVED
    assert "coverage: 25 points" in survey.doubt(STAR)


def test_epochs_in_which_many_vary_at_once(survey):
    bad, hit = [7, 20, 33, 48], np.arange(0, 130, 4)
    random = np.random.default_rng(4)
    survey.value[np.ix_(hit, [0, 1], bad)] += (
        6 * survey.sigma[hit] * random.choice([-1, 1], len(hit))
    )[:, np.newaxis, np.newaxis]
    survey.value[STAR][:, bad] += 25 * survey.sigma[STAR]
    evidence = lightcurve_evidence(survey.dataset, workers=1)
    suspect = evidence.epochs[evidence.epochs["is_suspect"]]
    assert sorted(set(suspect["epoch"].tolist())) == sorted(f"e{number}" for number in bad)
    named = "e7 (g), e20 (g), e33 (g), e48 (g), e7 (r), ..."
    told = f"many objects are off at once in 8 epochs: {named}"
    assert told in survey.candidates().meta["notes"]
    doubt = survey.doubt(STAR)
    assert doubt.startswith("epochs: nothing remains without 4 in which many objects are off at")
    assert_ranked_below(survey, is_stronger=False)
    assert "epochs" not in survey.doubt(STAR, vetoes=without("epochs"))


def test_a_real_variable_stands_without_the_bad_epochs(survey):
    hit = np.arange(0, 130, 3)
    survey.value[hit, :, 10] += 8 * survey.sigma[hit, np.newaxis]
    table = survey.candidates()
    assert table["object"][0] == "star99"
    assert table["vetoes"][0] == ""


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        ([30], "in g, in one epoch only: more likely an artefact than a transient"),
        ([30, 31], "in g, in two consecutive epochs: a transient candidate"),
        ([12, 31], "in g, in two epochs: eclipses, or artefacts"),
    ],
)
def test_few_outlying_points(make_survey, epochs, words):
    survey = make_survey(130, n_bands=1)
    survey.vary(99, 8.0)
    survey.value[STAR, 0, epochs] += 40 * survey.sigma[STAR]
    # The standard deviation is moved by a single point; by default quartiles are asked.
    options = {"scatter_indices": ("std",), "vetoes": ("outlier",)}
    doubt = survey.doubt(STAR, **options)
    assert doubt.startswith("outlier: the signal is that it is fainter by")
    assert " mag on MJD " in doubt
    assert doubt.endswith(words)
    assert_ranked_below(survey, is_stronger=False, **options)
    if len(epochs) == 1:
        assert f"star{STAR}" not in survey.candidates()["object"]


def test_an_outlying_epoch_in_all_bands_is_a_transient_candidate(survey):
    survey.value[STAR, :, 30] -= 40 * survey.sigma[STAR]
    doubt = survey.doubt(STAR, false_positive_rate=0.02)
    day = survey.time[30]
    assert doubt.startswith("outlier: the signal is that it is brighter by")
    assert f"on MJD {day:.4f} in g and r at once: a transient candidate" in doubt


def test_saturation_told_by_flags(survey):
    survey.vary(STAR, 30.0)
    survey.flags[STAR, 1, ::3] = MeasurementFlag.CATALOG_FLAGGED
    assert "saturation: the catalogue flags 33% of its values in r as bad" in survey.doubt(STAR)
    assert_ranked_below(survey)


def test_saturation_told_by_the_bright_end(make_survey):
    survey = make_survey(400, n_bands=1)
    order = np.argsort(survey.value.mean(axis=(1, 2)))
    bright = order[:60]
    noise = np.random.default_rng(8).normal(0, 0.05, (60, 1, 60))
    survey.value[bright] += noise
    survey.value[order[5]] += np.where(np.arange(60) % 9 < 4, 0.5, 0.0)
    survey.vary(order[200], 12.0)
    assert "saturation: at the bright end in g" in survey.doubt(order[5])
    assert survey.doubt(order[200]) == ""


def test_saturation_told_by_the_two_brightest_of_few(make_survey):
    survey = make_survey(120, n_bands=1)
    order = np.argsort(survey.value.mean(axis=(1, 2)))
    bright = order[:2]
    survey.value[bright] += np.random.default_rng(8).normal(0, 0.1, (2, 1, 60))
    survey.vary(order[50], 12.0)
    words = "saturation: one of the 2 brightest objects in g, all of which scatter more than"
    assert survey.doubt(bright[0]).startswith(words)
    assert survey.doubt(order[50]) == ""
    survey.value[bright[0]] = np.median(survey.value[bright[0]])
    assert survey.doubt(bright[1]) == ""


def test_of_few_points_it_is_not_said_that_two_of_them_are_all(make_survey):
    survey = make_survey(130, n_bands=1, n_epochs=8)
    survey.value[STAR, 0] += 60 * survey.sigma[STAR] * np.sign(np.arange(8) - 3.5)
    doubt = survey.doubt(STAR, vetoes=("outlier",))
    assert doubt == "outlier: of 8 points one or two may be it; too few are left to tell"


def test_following_the_seeing(survey):
    seeing = np.random.default_rng(6).lognormal(0.2, 0.3, 60)
    survey.value[STAR] += 8 * survey.sigma[STAR] * (seeing - seeing.mean()) / seeing.std()
    doubt = survey.doubt(STAR, conditions={"seeing": seeing})
    assert doubt.startswith("conditions: follows the seeing in g (9")
    assert_ranked_below(survey, conditions={"seeing": seeing})
    assert survey.doubt(STAR) == ""
    assert survey.doubt(99, conditions={"seeing": seeing}) == ""


def test_all_doubts_can_be_switched_off(survey):
    survey.vary(STAR, 30.0)
    survey.flags[STAR, 1, ::3] = MeasurementFlag.CATALOG_FLAGGED
    table = survey.candidates(vetoes=())
    assert table["object"][0] == f"star{STAR}"
    assert (table["vetoes"] == "").all()
