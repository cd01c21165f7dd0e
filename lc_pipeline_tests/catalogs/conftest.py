"""Surveys and catalogue files for tests of reading."""

import pytest

from lc_pipeline.survey import SurveyConfig


@pytest.fixture
def make_survey(tmp_path):
    """Make a survey whose landing folder is the test's own folder."""

    def make(rest="", *, files="pattern = '(?P<epoch>[^.]+)[.].+'"):
        text = f"[survey]\nname = 'test'\n[files]\n{files}\n{rest}"
        return SurveyConfig.from_toml(text, tmp_path / "survey.toml")

    return make
