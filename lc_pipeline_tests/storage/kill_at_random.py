"""Kill a writer at random moments, again and again; see that the store is whole each time.

Started by the tests as a process of its own: ``python kill_at_random.py FOLDER KIND N_KILLS SEED``.
The writer is a fork of this process, which itself touches no store. A writer that is done before
its moment comes does not count, and tells how long the work takes.
"""

import datetime as dt
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import dask
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from lc_pipeline.errors import StorageError
from lc_pipeline.storage import LightcurveStorage, rechunk
from lc_pipeline.storage.parallel import EpochJob, ingest_parallel
from lc_pipeline_tests.storage.conftest import make_block, make_reference
from lc_pipeline_tests.storage.test_lightcurve_storage import assert_same
from lc_pipeline_tests.storage.test_upkeep import block_as_catalog

N_EPOCHS = 6


def in_fork(work):
    """Do the work in a fork; give its exit status."""
    return os.waitpid(start(work), 0)[1]


def start(work):
    """Start the work in a fork, which leads a group of its own: its workers are in it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setpgid(0, 0)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


def kill_in(work, moment, begun=None):
    """Kill the work after so many seconds, counted from when it has begun; None if it was done.

    `begun` is the end of a pipe that the work writes to; by default it begins at once.
    """
    pid = start(work)
    if begun is not None:
        os.read(begun, 1)
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < moment:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return elapsed
        time.sleep(min(5e-4, moment - elapsed))
    os.kill(pid, signal.SIGKILL)
    was_killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    # Workers notice that they are alone, and end.
    for _ in range(1000):
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return None if was_killed else moment
        time.sleep(0.01)
    raise AssertionError("workers of a killed ingest go on")


class Trial:
    def __init__(self, folder, kind):
        self.folder, self.kind = Path(folder), kind
        self.journal = self.folder / "committed"
        self.publishes = kind in ("rechunk", "publish")
        self.begun, self.begin = os.pipe() if kind == "publish" else (None, None)

    def storage(self):
        return LightcurveStorage(self.folder / "epochs")

    def blocks(self, n):
        return [make_block(f"n{number:03d}", number) for number in range(n)]

    def prepare(self):
        storage = self.storage().create_storage(make_reference(5), ["g", "r"])
        if self.publishes:
            storage.append_epochs(self.blocks(N_EPOCHS))
        self.journal.write_text(str(N_EPOCHS) if self.publishes else "0")

    def work(self):
        """What is killed: a few more epochs, each noted once it is committed; or a publication."""
        storage = self.storage().load_storage()
        if self.kind == "publish":
            # What comes after a version was built: all of it is here on the clock.
            commit = rechunk.commit
            rechunk.commit = lambda place: os.write(self.begin, b"!") and commit(place)
            # And old versions are removed as they come.
            remove_old = rechunk.remove_old_versions
            rechunk.remove_old_versions = lambda place: remove_old(
                place, keep=1, grace=dt.timedelta(0)
            )
        if self.publishes:
            storage.rechunk_to_object_optimized(self.folder / "objects", progress=False)
            return
        start = len(storage.epoch_keys)
        for number in range(start, start + N_EPOCHS, 2):
            pair = self.blocks(number + 2)[number:]
            if self.kind == "ingest":
                storage.append_epochs(pair)
            else:
                jobs = [EpochJob(block.epoch, block_as_catalog(block)) for block in pair]
                with dask.config.set({"multiprocessing.context": "fork"}):
                    results = ingest_parallel(storage.location, jobs, None, None, n_workers=2)
                assert all(result.record for result in results), results
            self.note(number + 2)

    def note(self, n_epochs):
        """Write down how many epochs are committed, at one stroke: it may be the last."""
        written = self.journal.with_suffix(".new")
        written.write_text(str(n_epochs))
        written.replace(self.journal)

    def check(self):
        """Every epoch that was noted is there, unchanged; nothing is half there."""
        storage = self.storage().load_storage()
        n_noted, n_there = int(self.journal.read_text()), len(storage.epoch_keys)
        assert n_noted <= n_there <= n_noted + 2, (n_noted, n_there)
        assert n_there % 2 == 0, "half a commit"
        if self.kind == "parallel":
            for block in self.blocks(n_there):
                stored = storage.get_epoch_data(block.epoch)
                stored = stored.transpose("measurement", "value", "object").values
                np.testing.assert_array_equal(stored[:, 0], block.lightcurves[:, 0])
        else:
            assert_same(storage.dataset, self.blocks(n_there))
        assert storage.verify() == []
        objects = LightcurveStorage(self.folder / "objects")
        try:
            objects.load_storage()
        except StorageError:
            assert not (self.folder / "objects" / "current.json").exists()
        else:
            assert_same(objects.dataset, self.blocks(N_EPOCHS))
            assert objects.verify(storage) == []


def main(folder, kind, n_kills, seed):
    trial = Trial(folder, kind)
    assert in_fork(trial.prepare) == 0
    moments = random.Random(seed)
    duration = kill_in(trial.work, 60.0, trial.begun)
    assert duration, "the command does not end by itself"
    n_killed = n_tried = 0
    while n_killed < n_kills and n_tried < 10 * n_kills:
        n_tried += 1
        done_after = kill_in(trial.work, moments.uniform(0, duration), trial.begun)
        assert in_fork(trial.check) == 0, f"kill {n_killed} left a store that is not whole"
        if done_after is None:
            n_killed += 1
        else:
            duration = max(min(duration, done_after), 0.001)
    assert in_fork(trial.work) == 0, "the repeated command does not complete it"
    assert in_fork(trial.check) == 0
    print(f"{n_killed} killed of {n_tried}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
