"""docs/statistics.md lists the indices as they are, and its examples run."""

import re
from pathlib import Path

import numpy as np
import pytest

from lc_pipeline.analysis.statistics import INDICES, PAIR_INDICES
from lc_pipeline.analysis.statistics.describe import renewed

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


def test_the_tables_are_those_of_the_code():
    text = PAGE.read_text(encoding="utf-8")
    assert text == renewed(text), (
        f"renew it: python -m lc_pipeline.analysis.statistics.describe {PAGE}"
    )


@pytest.mark.parametrize("index", [*INDICES, *PAIR_INDICES], ids=lambda index: index.name)
def test_every_index_says_what_it_is_its_formula_and_its_source(index):
    assert index.words.endswith(".")
    assert "``" in index.formula or index.formula.startswith("As ")
    if index.judged and index.name != "trend":
        assert re.search(r"doi:10[.]\d{4,}/\S+", index.reference)


def test_the_examples_run(ey_uma_survey, capsys):
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    known = {}
    for block in code:
        store = str(ey_uma_survey.parent / "store" / "objects")
        exec(block.replace("data/ey_uma/store/objects", store), known)  # noqa: S102
    printed = capsys.readouterr().out.splitlines()
    assert "J0902" in next(line for line in printed if re.search(r"\d", line))
    assert np.isfinite(known["table"]["largest_step_R_z"]).all()
