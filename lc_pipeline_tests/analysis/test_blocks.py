"""Blocks of light curves: nothing lost, nothing bad, whoever works on them."""

import pickle

import numpy as np
import pytest

from lc_pipeline.analysis.blocks import map_blocks, object_blocks, read_block
from lc_pipeline.flags import ABSENT, BAD


def test_blocks_hold_every_good_value_and_no_bad_one(ey_uma):
    values, flags = ey_uma.lightcurves.values, ey_uma.flags.values
    blocks = list(map_blocks(lambda block: block, ey_uma.dataset, block_values=500))
    assert len(blocks) > 5
    assert [block.objects.start for block in blocks[1:]] == [b.objects.stop for b in blocks[:-1]]
    value = np.concatenate([block.value for block in blocks])
    is_good = (flags & BAD) == 0
    np.testing.assert_array_equal(value, np.where(is_good, values[:, :, 0], np.nan))
    error = np.concatenate([block.error for block in blocks])
    np.testing.assert_array_equal(error, np.where(is_good, values[:, :, 1], np.nan))
    left_out = ~is_good & np.isfinite(values[:, :, 0]) & ((flags & ABSENT) == 0)
    n_excluded = np.concatenate([block.n_excluded for block in blocks])
    np.testing.assert_array_equal(n_excluded, left_out.sum(axis=-1))


def test_blocks_of_a_selection_have_its_measurements_only(ey_uma):
    block = read_block(ey_uma.dataset, slice(3, 5), ["R"])
    assert block.value.shape == (2, 1, 94)
    assert block.measurement_keys == ("R",)


def test_cutting_leaves_no_object_out(ey_uma):
    cut = [number for piece in object_blocks(ey_uma.dataset, block_values=300)
           for number in range(piece.start, piece.stop)]  # fmt: skip
    assert cut == list(range(41))


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_order_and_progress_is_told(ey_uma, workers):
    told = []
    starts = list(
        map_blocks(
            lambda block: block.objects.start,
            ey_uma.dataset,
            workers=workers,
            block_values=94 * 4,
            progress=lambda done, total: told.append((done, total)),
        )
    )
    assert starts == list(range(0, 41, 4))
    assert told[-1] == (41, 41)


def test_a_part_of_a_store_travels_to_another_process(ey_uma):
    part = pickle.loads(pickle.dumps(ey_uma.dataset.isel(object=slice(0, 2))))  # noqa: S301
    np.testing.assert_array_equal(part.lightcurves.values, ey_uma.lightcurves.values[:2])
