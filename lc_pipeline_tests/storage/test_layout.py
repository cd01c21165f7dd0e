"""Claims about the plan of the stores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lc_pipeline.storage.layout import (
    ITEM_BYTES,
    READ_CHUNK_BYTES,
    SEGMENT,
    SMALLEST_BLOCK,
    TASK_BYTES,
    cuts,
    plan_epoch_layout,
    plan_object_layout,
    rechunk_tasks,
    runs,
)

counts = st.integers(1, 2000)


@given(st.integers(1, 10**7), st.integers(1, 64), st.integers(2, 6))
def test_one_task_stays_within_its_memory(n_objects, n_measurements, n_values):
    layout = plan_epoch_layout(n_objects, n_measurements, n_values)
    held = layout.object_block * n_measurements * n_values * SEGMENT * ITEM_BYTES
    assert held <= TASK_BYTES or layout.object_block == SMALLEST_BLOCK


@given(st.integers(1, 10**7), st.integers(1, 64), st.integers(2, 6))
def test_an_epoch_is_one_shard_with_room_for_twice_the_objects(n_objects, n_measurements, n_values):
    layout = plan_epoch_layout(n_objects, n_measurements, n_values)
    assert layout.capacity >= 2 * n_objects
    assert layout.capacity % layout.object_block == 0


@given(counts, st.integers(1, 2000), st.integers(1, 40))
def test_chunks_divide_shards_and_read_fast_or_are_one_object(n_epochs, bytes_per_epoch, blocks):
    layout = plan_object_layout(n_epochs, 16 * blocks)
    assert n_epochs <= layout.segment or layout.segment == SEGMENT
    n_objects = layout.objects_per_chunk(bytes_per_epoch)
    assert layout.object_block % n_objects == 0
    assert n_objects * bytes_per_epoch * layout.segment <= READ_CHUNK_BYTES or n_objects == 1


@given(counts, counts, st.integers(4, 8))
def test_tasks_cover_every_object_and_epoch_once(n_objects, n_epochs, exponent):
    layout = plan_object_layout(n_epochs, 2**exponent)
    seen = np.zeros((n_objects, n_epochs), dtype=int)
    for task in rechunk_tasks(n_objects, n_epochs, layout):
        seen[task.objects, task.epochs] += 1
        assert task.objects.start % layout.object_block == 0
        assert task.epochs.start % layout.segment == 0
    assert (seen == 1).all()


@given(st.integers(0, 100), st.integers(1, 30))
def test_cuts_join_to_the_whole_axis(length, size):
    assert [i for cut in cuts(length, size) for i in range(cut.start, cut.stop)] == [*range(length)]


@given(st.sets(st.integers(0, 60)), st.none() | st.integers(1, 9))
def test_runs_read_the_wanted_rows_and_no_other(wanted, longest):
    rows = np.array(sorted(wanted), dtype=int)
    gathered = np.full(len(rows), -1)
    for place, run in runs(rows, longest):
        assert longest is None or run.stop - run.start <= longest
        gathered[place] = np.arange(run.start, run.stop)
    assert gathered.tolist() == rows.tolist()


@pytest.mark.parametrize("n_epochs", [511, 512, 513, 5000])
def test_a_long_history_has_segments_of_one_length(n_epochs):
    assert plan_object_layout(n_epochs, 64).segment == SEGMENT
