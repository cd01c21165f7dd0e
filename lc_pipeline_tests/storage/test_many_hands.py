"""Claims about several processes at one survey: writers, readers, clean-up."""

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import pytest

from lc_pipeline.errors import StorageError
from lc_pipeline.ingest import epoch_storage, object_storage
from lc_pipeline.storage import LightcurveStorage, epoch_log
from lc_pipeline.survey import SurveyConfig

from .conftest import make_block

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def survey(ey_uma_survey, tmp_path):
    """The survey of data/ey_uma without a store."""
    ignore = shutil.ignore_patterns("store")
    shutil.copytree(ey_uma_survey.parent, tmp_path / "survey", ignore=ignore)
    return tmp_path / "survey"


def start(*arguments):
    command = [sys.executable, "-m", "lc_pipeline", *map(str, arguments), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    said, complaints = process.communicate(timeout=240)
    assert process.returncode == 0, complaints
    return json.loads(said)


def same_but_when(one, other):
    """Two datasets are the same, but for when their epochs were ingested."""
    return one.drop_vars("ingested_at").load().equals(other.drop_vars("ingested_at").load())


def test_two_ingests_started_at_once_lose_nothing(survey, ey_uma):
    """Both make the store, both take all epochs: whoever comes second commits behind the first."""
    reports = [finish(process) for process in [start("run", survey), start("run", survey)]]
    for report in reports:
        assert report["refused"] == 0
        assert report["stored"] + report["unchanged"] == 94
    config = SurveyConfig.read(survey)
    epochs, objects = epoch_storage(config), object_storage(config)
    assert same_but_when(objects.dataset, ey_uma.dataset)
    assert epochs.verify() == objects.verify(epochs) == []
    assert epochs.snapshot.n_rows == sum(report["stored"] for report in reports)


def test_two_ingests_of_different_epochs_at_once_keep_both(survey, ey_uma):
    finish(start("ingest", survey, "--epoch", "001"))
    halves = [[f"{n:03d}" for n in range(2, 48)], [f"{n:03d}" for n in range(48, 95)]]
    writers = [
        start("ingest", survey, *(word for key in half for word in ("--epoch", key)))
        for half in halves
    ]
    assert [finish(writer)["stored"] for writer in writers] == [46, 47]
    stored = epoch_storage(SurveyConfig.read(survey))
    # The reference was made from the same epochs, so every value must agree.
    np.testing.assert_array_equal(stored.lightcurves.values, ey_uma.lightcurves.values)
    assert stored.snapshot.n_rows == 94


@pytest.mark.parametrize("is_protected", [True, False])
def test_concurrent_appends_lose_epochs_unless_there_is_a_lock(storage, monkeypatch, is_protected):
    """Two writers that see the same commit write the same row: the one or the other is lost."""
    if not is_protected:
        both_have_looked = threading.Barrier(2, timeout=60)
        look = epoch_log.open_snapshot

        def look_together(location):
            snapshot = look(location)
            both_have_looked.wait()
            return snapshot

        monkeypatch.setattr(type(storage.location), "writer_lock", lambda _: threading.Lock())
        monkeypatch.setattr(epoch_log, "open_snapshot", look_together)

    def append(number):
        block = make_block(f"n{number}", number)
        record = epoch_log.EpochRecord.of(block, storage.reference, "")
        # Without the lock one may also fail, its file being renamed by the other.
        with nullcontext() if is_protected else suppress(OSError):
            epoch_log.append_epochs(storage.location, [block], [record])

    writers = [threading.Thread(target=append, args=(number,)) for number in (0, 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    monkeypatch.undo()
    kept = LightcurveStorage(storage.location.path).epoch_keys
    assert (kept == ["n0", "n1"]) == is_protected, kept


PUBLISH = """
import sys
import datetime as dt
from lc_pipeline.storage import LightcurveStorage, versions
from lc_pipeline_tests.storage.conftest import make_block

folder, first, last, keep, hours = sys.argv[1], *map(int, sys.argv[2:])
epochs = LightcurveStorage(f"{folder}/epochs")
for seed in range(first, last):
    epochs.append_epochs([make_block("a", seed, time=60000.0)])
    objects = epochs.rechunk_to_object_optimized(f"{folder}/objects", progress=False)
    versions.remove_old_versions(objects.location, keep=keep, grace=dt.timedelta(hours=hours))
"""


def reading_while_others_publish(read, folder, first, last, *, keep, hours):
    """Read again and again while another process publishes versions and cleans up."""
    arguments = [str(folder), *map(str, (first, last, keep, hours))]
    publisher = subprocess.Popen([sys.executable, "-c", PUBLISH, *arguments], cwd=PROJECT)
    while publisher.poll() is None:
        yield read()
        time.sleep(0.05)
    assert publisher.returncode == 0


@pytest.mark.usefixtures("storage")
def test_a_reader_sees_one_version_through_twenty_publications_and_their_clean_up(
    published, tmp_path
):
    blocks = {seed: make_block("a", seed, time=60000.0) for seed in (0, 20, 24)}
    objects = published(blocks[0])
    lazy = objects.lightcurves

    def read():
        one = lazy.isel(epoch=0).transpose("measurement", "value", "object")
        try:
            return one.values
        except StorageError as error:
            return str(error)

    for values in reading_while_others_publish(read, tmp_path, 1, 21, keep=3, hours=24):
        np.testing.assert_array_equal(values, blocks[0].lightcurves)
    assert len(objects.versions) == 21

    # Without the grace period its version goes: the reader is told, and never sees half of it.
    told = False
    for values in reading_while_others_publish(read, tmp_path, 21, 25, keep=1, hours=0):
        told = told or isinstance(values, str)
        if not told:
            np.testing.assert_array_equal(values, blocks[0].lightcurves)
    assert re.search("v000001.*removed by a clean-up.*load_storage", read())
    assert objects.versions == ["v000025"]
    assert objects.load_storage().snapshot.version == "v000025"
    lazy = objects.lightcurves
    np.testing.assert_array_equal(read(), blocks[24].lightcurves)
