"""Claims about docs/variable_star.md: what it prints is what is printed."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BLOCK = re.compile(r"```(console|python|text)\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def page(project):
    return (project / "docs" / "variable_star.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(project, tmp_path_factory):
    """A folder with data/ey_uma as it is in a fresh clone."""
    folder = tmp_path_factory.mktemp("page")
    source = project / "data" / "ey_uma"
    shutil.copytree(source, folder / "data" / "ey_uma", ignore=shutil.ignore_patterns("store"))
    return folder


def printed(command, folder):
    """What a command line of the page prints in that folder, paths and durations left out."""
    program = f'"{sys.executable}" -m lc_pipeline'
    finished = subprocess.run(  # noqa: S602 (a pipe is part of a command)
        re.sub(r"^lc-pipeline", program, command),
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "90"},
    )
    assert finished.returncode == 0, finished.stderr
    return usual(finished.stdout, folder)


def usual(text, folder):
    text = text.replace(f"{folder}{os.sep}", "").replace(str(folder), "")
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_what_the_page_shows_is_what_one_gets(page, folder, monkeypatch):
    said = None
    n_commands = 0
    for language, text in BLOCK.findall(page):
        if language == "console":
            for command, expected in re.findall(r"\$ (.*)\n((?:(?!\$ ).*\n)*)", text):
                assert printed(command, folder) == expected.rstrip("\n"), command
                n_commands += 1
        elif language == "python":
            monkeypatch.chdir(folder)
            with contextlib.redirect_stdout(io.StringIO()) as stream:
                exec(text, {})  # noqa: S102 (it is what people paste)
            said = stream.getvalue()
        else:
            assert text == said
    assert n_commands == 6
    assert Path(folder, "data/ey_uma/store/report.html").stat().st_size > 50_000
    assert Path(folder, "ey_uma.png").stat().st_size > 20_000
