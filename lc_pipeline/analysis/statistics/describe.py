"""The tables of docs/statistics.md, made from the indices themselves.

``python -m lc_pipeline.analysis.statistics.describe docs/statistics.md`` renews them in the page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from lc_pipeline.analysis.statistics.index import Index
from lc_pipeline.analysis.statistics.registry import INDICES, PAIR_INDICES

_HEAD = ("column", "what it is", "formula", "unit", "needs", "least points", "`_z`", "reference")


def describe(indices: Sequence[Index]) -> str:
    """One row of Markdown for each index.

    Examples
    --------
    >>> from lc_pipeline.analysis.statistics import INDICES
    >>> print(describe(INDICES[:1]).splitlines()[0])
    | column | what it is | formula | unit | needs | least points | `_z` | reference |
    """
    lines = [_row(_HEAD), _row(["---"] * len(_HEAD))]
    lines += [_row(_cells(index)) for index in indices]
    return "\n".join(lines)


def _cells(index: Index) -> list[str]:
    words = index.words.rstrip(".")
    if index.quantities != ("mag", "flux"):
        words += f" (of {' and '.join(index.quantities)} only)"
    return [
        f"`{index.name}`",
        words,
        index.formula.replace("``", "`"),
        index.unit and f"`{index.unit}`",
        ", ".join(index.needs),
        str(index.min_points),
        index.judged or "",
        re.sub(r"doi:(\S+?)([,;)]|$)", r"[doi:\1](https://doi.org/\1)\2", index.reference),
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def renewed(page: str) -> str:
    """Put the tables between their marks in the text of the page."""
    for name, indices in (("indices", INDICES), ("pair indices", PAIR_INDICES)):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        head, _, rest = page.partition(begin)
        page = f"{head}{begin}{describe(indices)}\n{end}{rest.partition(end)[2]}"
    return page


def main() -> None:
    """Renew the tables of the page that is named."""
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
