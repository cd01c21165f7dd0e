"""The report as a file."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import astropy
import numpy as np
import xarray as xr
from astropy.table import Table

from lc_pipeline._version import __version__
from lc_pipeline.analysis.plots import Periodogram
from lc_pipeline.analysis.quality import Finding
from lc_pipeline.report import overview
from lc_pipeline.report.candidates import candidate_section, candidates_of, ranked_list
from lc_pipeline.report.content import Content
from lc_pipeline.report.html import Cell, Html, join, table, tag
from lc_pipeline.survey import ReportSection

#: The browser is told as well that nothing is to be loaded.
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)


_MARK = "made-from"
#: Characters in which the mark stands.
_HEAD = 2000


def write_report(
    path: str | Path,
    dataset: xr.Dataset,
    tables: Mapping[str, Table],
    *,
    survey: str,
    provenance: Mapping[str, str],
    findings: Sequence[Finding] = (),
    refused: Mapping[str, str] | None = None,
    periodogram: Callable[[str], Periodogram | None] | None = None,
    settings: ReportSection | None = None,
    made_from: str = "",
) -> Path:
    """Write all that is known of a survey as one HTML file that needs nothing beside it.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder is made if need be. Readers see the old one or the new one.
    dataset : xarray.Dataset
        As ``LightcurveStorage.dataset`` gives it; of calibrated values where it is calibrated.
        Only the candidates' light curves are read.
    tables : mapping of str to Table
        ``coverage``, ``zero_points``, ``variability_statistics``, ``periods`` and
        ``variable_candidates``. Where one is absent its section says so. A candidate table's
        ``meta["thresholds"]`` maps columns (``iqr_g_z``) to the values above which candidates were
        looked for; they are drawn.
    survey : str
        Its name.
    provenance : mapping of str to str
        What the tables and light curves are made from: file names, settings, versions.
    findings : sequence of Finding, optional
        From :func:`lc_pipeline.analysis.quality.odd_epochs`.
    refused : mapping of str to str, optional
        Epochs whose catalogues were refused, and why.
    periodogram : callable, optional
        Gives the periodogram of an object by its key, or None.
    settings : ReportSection, optional
    made_from : str
        Digest of what it is made from; :func:`read_mark` finds it again.

    Returns
    -------
    Path
        `path`.
    """
    content = Content(
        dataset,
        tables,
        survey,
        provenance,
        findings,
        refused or {},
        periodogram,
        settings or ReportSection(),
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        partial.write_text(compose(content, made_from), encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def read_mark(path: Path) -> str:
    """Digest of what a report was made from; empty if there is none, or no report."""
    try:
        with path.open(encoding="utf-8") as stream:
            found = re.search(rf'<meta name="{_MARK}" content="(\w+)">', stream.read(_HEAD))
    except (OSError, UnicodeDecodeError):
        return ""
    return found[1] if found else ""


def compose(content: Content, made_from: str = "") -> str:
    """Put the page together."""
    candidates = candidates_of(content)
    sections = {
        "input": ("What went in", overview.what_went_in(content)),
        "epochs": ("Epochs", overview.epochs(content)),
        "variability": ("Variability", overview.variability(content)),
        "sky": ("Sky", overview.sky(content)),
        "candidates": ("Candidates", ranked_list(content, candidates)),
        "provenance": ("Provenance", _provenance(content)),
    }
    each = join(candidate_section(content, one) for one in candidates)
    body = [
        tag("section", tag("h2", title), part, each if name == "candidates" else None, id=name)
        for name, (title, part) in sections.items()
    ]
    links = [tag("a", title, href=f"#{name}") for name, (title, _) in sections.items()]
    made = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    # The policy must come first, and the widths of a phone be its own.
    page_head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=f"lc_pipeline {__version__}"),
        tag("meta", name=_MARK, content=made_from) if made_from else None,
        tag("title", f"{content.survey}: light curves"),
        tag("style", _own("page.css")),
    )
    page_body = tag(
        "body",
        tag("header", tag("h1", content.survey), tag("p", f"Light curves and variables, {made}")),
        tag("nav", *links, aria_label="sections"),
        tag("main", *body),
        tag("script", _own("sort.js")),
    )
    return "<!doctype html>\n" + tag("html", page_head, page_body, lang="en") + "\n"


def _own(name: str) -> Html:
    return Html((files("lc_pipeline.report") / name).read_text(encoding="utf-8"))


def _provenance(content: Content) -> Html:
    """Say what this was made of, by what, and when."""
    said = dict(content.provenance)
    version = content.dataset.attrs.get("version")
    said.setdefault("version of the light curves", str(version) if version else "unknown")
    said.setdefault("lc_pipeline", __version__)
    said.setdefault(
        "other software",
        f"Python {platform.python_version()}, NumPy {np.__version__}, "
        f"astropy {astropy.__version__}, xarray {xr.__version__}",
    )
    said.setdefault("report written", dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
    facts = [tag("div", tag("dt", name), tag("dd", str(value))) for name, value in said.items()]
    rows: list[list[str | Cell]] = [
        [name, Cell(f"{len(each):,}", float(len(each))), ", ".join(each.colnames)]
        for name, each in content.tables.items()
    ]
    heads = [("table", ""), ("rows", ""), ("columns", "")]
    return join(
        [
            tag("dl", *facts, class_="wide"),
            tag("h3", "Tables"),
            table(heads, rows, "tables", class_="compact")
            if rows
            else tag("p", "There are no tables.", class_="absent"),
        ]
    )
