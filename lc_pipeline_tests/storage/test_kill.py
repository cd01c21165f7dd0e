"""Claims about writers that are killed: the store opens every time, with every committed epoch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

N_KILLS = int(os.environ.get("LC_PIPELINE_KILLS", "4"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["ingest", "parallel", "rechunk", "publish"])
def test_a_killed_writer_leaves_a_whole_store(tmp_path, kind):
    script = Path(__file__).with_name("kill_at_random.py")
    finished = subprocess.run(
        [sys.executable, str(script), str(tmp_path), kind, str(N_KILLS), "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert int(finished.stdout.split()[0]) == N_KILLS, finished.stdout
