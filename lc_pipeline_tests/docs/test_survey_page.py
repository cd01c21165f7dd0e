"""docs/survey.md knows every setting, and no others."""

import re
import tomllib
from pathlib import Path

import pytest

from lc_pipeline.survey import SurveyConfig

PAGE = (Path(__file__).parents[2] / "docs" / "survey.md").read_text(encoding="utf-8")


def sections_of_survey():
    """Names of all sections, with the names of their settings as they are in the file."""
    for section, field in SurveyConfig.model_fields.items():
        if section != "path":
            yield section, settings_of(field)
    photometry = SurveyConfig.model_fields["photometry"].annotation
    yield "photometry.standards", settings_of(photometry.model_fields["standards"])


def settings_of(field):
    """Settings of a section, by their names in the file."""
    model = field.annotation
    while not hasattr(model, "model_fields"):
        model = next(part for part in model.__args__ if part not in (type(None), Ellipsis))
    return {inner.alias or name: inner for name, inner in model.model_fields.items()}


def rows_of_page(section):
    """The table of a section: setting to the cells of its row."""
    heading = re.search(rf"^##+ \[+{section}\]+$(.*?)(?=^##+ |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert heading, f"docs/survey.md has no section [{section}]"
    rows = {}
    for line in heading[1].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for name in re.findall(r"`(\w+)`", cells[0]) if cells else ():
            rows[name] = cells
    return rows


@pytest.mark.parametrize(("section", "settings"), list(sections_of_survey()))
def test_every_setting_is_documented_and_no_other(section, settings):
    assert rows_of_page(section).keys() == settings.keys()


@pytest.mark.parametrize(("section", "settings"), list(sections_of_survey()))
def test_defaults_on_the_page_are_those_of_the_code(section, settings):
    rows = rows_of_page(section)
    for name, field in settings.items():
        default = rows[name][2]
        if field.is_required():
            assert default.startswith("required"), name
        elif re.fullmatch(r"`[^`]+`( \(.*\))?", default):
            value = tomllib.loads(f"x = {default.split('`')[1]}")["x"]
            given = field.get_default(call_default_factory=True)
            assert value == (list(given) if isinstance(given, tuple) else given), name


def test_the_first_example_is_valid():
    text = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
    assert SurveyConfig.from_toml(text).files.folder == "nights"
