"""Claims about the analysis of a whole survey: made once, made again when it has to be."""

import shutil

import numpy as np
import pytest

from lc_pipeline import SurveyConfig
from lc_pipeline.analyse import (
    STEPS,
    TABLES,
    analyse,
    read_result,
    report_path,
    tables_folder,
)
from lc_pipeline.errors import LightcurveError, StorageError
from lc_pipeline.ingest import epoch_storage, object_storage, publish
from lc_pipeline.sky.geometry import separation_arcsec

EY_UMA = (135.58650, 49.81926)


@pytest.fixture
def survey(ey_uma_survey, tmp_path):
    """A survey of its own that was run once; its folder."""
    return shutil.copytree(ey_uma_survey.parent, tmp_path / "survey")


def statuses(folder, *results, **options):
    """What becomes of each step."""
    config = SurveyConfig.read(folder)
    return {outcome.step: outcome.status for outcome in analyse(config, results, **options)}


def change(folder, text):
    with (folder / "survey.toml").open("a") as stream:
        stream.write(f"\n{text}\n")


def test_what_is_up_to_date_is_not_made_again(survey):
    before = {
        path: path.read_bytes() for path in tables_folder(SurveyConfig.read(survey)).iterdir()
    }
    made = statuses(survey)
    assert set(made.values()) == {"unchanged"}
    assert set(made) == {*(step.name for step in STEPS), "report"}
    assert before == {path: path.read_bytes() for path in before}


def test_a_setting_makes_just_what_depends_on_it_again(survey):
    change(survey, "[candidates]\nfalse_positive_rate = 0.01")
    made = statuses(survey)
    assert {name for name, status in made.items() if status == "made"} == {"variables", "report"}


@pytest.mark.parametrize("what", ["a setting", "a refused epoch", "a torn file", "force"])
def test_the_report_is_written_again_if_it_would_say_something_else(survey, what):
    path = report_path(SurveyConfig.read(survey))
    if what == "a setting":
        change(survey, "[report]\ncandidates = 3")
    elif what == "a refused epoch":
        (survey / "epochs" / "ey-uma-200R.fits").write_text("")
    elif what == "a torn file":
        path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    made = statuses(survey, "report", force=what == "force")
    assert made.pop("report") == "made"
    assert set(made.values()) == {"made" if what == "force" else "unchanged"}
    assert statuses(survey)["report"] == "unchanged"


def test_zero_points_of_other_settings_make_all_that_is_calibrated_again(survey):
    change(survey, '[photometry]\nzero_points = "off"')
    made = statuses(survey)
    assert made["coverage"] == "unchanged"
    assert set(made.values()) == {"made", "unchanged"}
    assert [made[name] for name in ("calibration", "statistics", "variables")] == ["made"] * 3
    assert not any(read_result(SurveyConfig.read(survey), "zero_points").in_force.values())


def test_new_light_curves_make_everything_again_and_the_same_ones_nothing(survey):
    config = SurveyConfig.read(survey)
    publish(config, force=True)
    assert "made" not in statuses(survey, *TABLES).values()
    (survey / "epochs" / "ey-uma-094R.fits").unlink()
    epoch_storage(config).remove_epoch("094")
    publish(config)
    assert set(statuses(survey, *TABLES).values()) == {"made"}


def test_only_what_is_wanted_and_what_it_needs_is_made(survey):
    shutil.rmtree(tables_folder(SurveyConfig.read(survey)))
    assert statuses(survey, "variability_statistics") == {
        "calibration": "made",
        "statistics": "made",
    }
    with pytest.raises(LightcurveError, match="no such table yet"):
        read_result(SurveyConfig.read(survey), "periods")


def test_force_makes_what_is_wanted_again_and_not_what_it_needs(survey):
    made = statuses(survey, "variability_statistics", force=True)
    assert made == {"calibration": "unchanged", "statistics": "made"}


def test_a_table_that_was_torn_is_made_again(survey):
    path = tables_folder(SurveyConfig.read(survey)) / "periods.parquet"
    path.write_bytes(path.read_bytes()[:100])
    assert statuses(survey, "periods")["variables"] == "made"
    assert len(read_result(SurveyConfig.read(survey), "periods")) == 41


def test_without_light_curves_one_is_told_what_to_run(survey):
    shutil.rmtree(survey / "store" / "objects")
    with pytest.raises(StorageError, match="lc-pipeline run"):
        next(analyse(SurveyConfig.read(survey)))


def test_ey_uma_is_the_first_candidate_and_the_only_one(ey_uma_survey):
    candidates = read_result(SurveyConfig.read(ey_uma_survey), "variable_candidates")
    assert separation_arcsec(candidates["ra"][0], candidates["dec"][0], *EY_UMA) < 2
    assert len(candidates) == 1


def test_calibrated_stars_scatter_less(ey_uma):
    raw = ey_uma.dataset.lightcurves.sel(measurement="R", value="mag").values
    calibrated = ey_uma.calibrated.lightcurves.sel(measurement="R", value="mag").values
    bright = np.argsort(np.median(raw, axis=1))[:15]
    scatter = [np.median(values[bright].std(axis=1)) for values in (raw, calibrated)]
    assert scatter[1] < 0.7 * scatter[0]


def test_the_report_is_there_and_names_the_star(ey_uma_survey):
    config = SurveyConfig.read(ey_uma_survey)
    best = read_result(config, "variable_candidates")["object"][0]
    assert best in report_path(config).read_text(encoding="utf-8")


def test_af_vel_is_found_with_its_period_and_brought_to_the_standards(
    af_vel, shared_data, tmp_path
):
    """Its field has one known variable, seven APASS stars, and zero points 2.9 mag apart."""
    _, storage = af_vel["raw"]
    folder = shutil.copytree(storage.location.path.parents[1], tmp_path / "af_vel")
    standards = shared_data / "af_vel" / "raw" / "catalogueSearch.csv"
    change(
        folder,
        f"""
        [photometry.standards]
        file = "{standards}"
        layout = "one row"
        column_names = ["ra", "dec", "V", "V_err", "V_again", "V_err_again"]
        ra = "ra"
        dec = "dec"
        values = {{ V = "V" }}
        errors = {{ V = "V_err" }}
        """,
    )
    config = SurveyConfig.read(folder)
    assert [outcome.step for outcome in analyse(config)][-1] == "report"
    best = read_result(config, "variable_candidates")[0]
    assert separation_arcsec(best["ra"], best["dec"], 163.260417, -49.906389) < 1.5
    # The General Catalogue of Variable Stars; 30 days tell frequencies apart by 1/30.
    assert abs(1 / best["period"] - 1 / 0.527398) < 1 / 29.6
    star = object_storage(config).get_object_lightcurve(best["object"], calibrated=True)
    magnitude = star.sel(measurement="V", value="mag").values
    assert 10.5 < np.nanmin(magnitude) < 10.9
    assert 11.6 < np.nanmax(magnitude) < 11.9
