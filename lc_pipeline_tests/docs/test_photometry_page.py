"""What docs/photometry.md shows works as it is printed there."""

import re
import shutil
from pathlib import Path

from lc_pipeline.photometry.zero_points import solve_zero_points
from lc_pipeline.survey import SurveyConfig

PAGE = (Path(__file__).parents[2] / "docs" / "photometry.md").read_text(encoding="utf-8")


def blocks_of(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_snippets_run_and_print_what_is_shown(ey_uma, tmp_path, monkeypatch, capsys):
    place = tmp_path / "data" / "ey_uma" / "store"
    place.mkdir(parents=True)
    shutil.copytree(ey_uma.location.path, place / "objects")
    monkeypatch.chdir(tmp_path)
    names = {}
    for snippet in blocks_of("python"):
        exec(snippet, names)  # noqa: S102
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == blocks_of("text")[0].strip()
    assert re.fullmatch(r"errors times \d\.\d\d, floor 0\.0\d\d\d mag", printed[1])


def test_the_section_of_standards_is_valid():
    head = "[survey]\nname = 'a'\n[files]\npattern = '(?P<epoch>.+)'\n"
    standards = SurveyConfig.from_toml(head + blocks_of("toml")[0]).photometry.standards
    assert standards.layout == "one_row"


def test_the_columns_of_the_table_are_those_on_the_page(ey_uma):
    table = solve_zero_points(ey_uma.dataset)
    rows = re.search(r"^## The table$(.*)", PAGE, re.MULTILINE | re.DOTALL)[1]
    described = set(re.findall(r"`(\w+)`", rows)) - {"colour_term", "x_term"}
    assert described == set(table.colnames) - {"epoch", "measurement", "time"}
