"""Kill a writer at random moments, again and again; see that the store is whole each time.

Started by the tests as a process of its own: ``python kill_at_random.py FOLDER KIND N_KILLS SEED``.
The writer is a fork of this process, which itself touches no store.
"""

import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from lc_pipeline.errors import StorageError
from lc_pipeline.storage import LightcurveStorage
from lc_pipeline.storage.parallel import EpochJob, ingest_parallel
from lc_pipeline_tests.storage.conftest import make_block, make_reference
from lc_pipeline_tests.storage.test_lightcurve_storage import assert_same
from lc_pipeline_tests.storage.test_upkeep import block_as_catalog

N_EPOCHS = 6


def in_fork(work, kill_after=None):
    """Do the work in a fork; kill it after so many seconds. Give its exit status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


class Trial:
    def __init__(self, folder, kind):
        self.folder, self.kind = Path(folder), kind
        self.journal = self.folder / "committed"

    def storage(self):
        return LightcurveStorage(self.folder / "epochs")

    def blocks(self, n):
        return [make_block(f"n{number:03d}", number) for number in range(n)]

    def prepare(self):
        storage = self.storage().create_storage(make_reference(5), ["g", "r"])
        if self.kind == "rechunk":
            storage.append_epochs(self.blocks(N_EPOCHS))
        self.journal.write_text("0" if self.kind != "rechunk" else str(N_EPOCHS))

    def work(self):
        """What is killed: a few more epochs, each noted once it is committed; or a publication."""
        storage = self.storage().load_storage()
        if self.kind == "rechunk":
            storage.rechunk_to_object_optimized(self.folder / "objects", progress=False)
            return
        start = len(storage.epoch_keys)
        for number in range(start, start + N_EPOCHS, 2):
            pair = self.blocks(number + 2)[number:]
            if self.kind == "ingest":
                storage.append_epochs(pair)
            else:
                jobs = [EpochJob(block.epoch, block_as_catalog(block)) for block in pair]
                results = ingest_parallel(storage.location, jobs, None, None, n_workers=1)
                assert all(result.record for result in results), results
            self.journal.write_text(str(number + 2))

    def check(self):
        """Every epoch that was noted is there, unchanged; nothing is half there."""
        storage = self.storage().load_storage()
        n_noted, n_there = int(self.journal.read_text() or 0), len(storage.epoch_keys)
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
    started = time.perf_counter()
    assert in_fork(trial.work) == 0, "the command fails even when nobody kills it"
    duration = time.perf_counter() - started
    moments = random.Random(seed)
    n_killed = 0
    for number in range(n_kills):
        status = in_fork(trial.work, kill_after=moments.uniform(0, duration))
        n_killed += os.WIFSIGNALED(status)
        assert in_fork(trial.check) == 0, f"kill {number} left a store that is not whole"
    assert in_fork(trial.work) == 0, "the repeated command does not complete it"
    assert in_fork(trial.check) == 0
    print(f"{n_killed} of {n_kills} killed")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
