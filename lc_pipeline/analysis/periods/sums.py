"""Trigonometric sums over light curves: on a regular grid by NUFFT, elsewhere term by term.

``sum w exp(2 pi i k f t)`` and ``sum w y exp(2 pi i k f t)`` are all that a least-squares fit of
harmonics needs to know. On a grid FINUFFT makes them (Barnett, Magland & af Klinteberg 2019, SIAM
J. Sci. Comput. 41, C479, doi:10.1137/18M120885X), some thousand frequencies at a time: memory does
not grow with the grid, and what is worked on stays in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import finufft
import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.periods.grid import FrequencyGrid

Floats = NDArray[np.float64]
Sums = NDArray[np.complexfloating]

#: Frequencies to a piece. In single precision the phases are then good to some 1e-4 cycles.
PIECE = 2**13
_FFTW_ESTIMATE = 64
#: Multiplications to one matrix product. BLAS libraries start threads for larger ones, which wait
#: for each other: on a busy machine that took ten times as long as the product.
_PRODUCT = 2**15


def sums_on_grid(
    time: Floats,
    strengths: Floats,
    grid: FrequencyGrid,
    n_rows: Sequence[int],
    *,
    single: bool = False,
) -> Iterator[tuple[int, list[Sums]]]:
    """Sums of ``strength exp(2 pi i k f t)`` over a grid of f, piece by piece.

    Parameters
    ----------
    time : (n,) array of float, d
    strengths : (n_series, n) array of float
        0 where a series has no value.
    grid : FrequencyGrid
    n_rows : sequence of int
        For k = 1, 2 ...: of how many series, from the first, the sums are wanted.
    single : bool
        In single precision: a third faster, relative errors of some 1e-5.

    Yields
    ------
    start : int
        Place of the piece's first frequency in the grid.
    sums : list of (n_rows[k - 1], n_piece) arrays of complex
        One for each k.
    """
    precision, real = (np.complex64, np.float32) if single else (np.complex128, np.float64)
    size = min(PIECE, max(grid.size, 2))
    middle = 0.5 * (time.min() + time.max()) if len(time) else 0.0
    since = time - middle
    plans = []
    for k, rows in enumerate(n_rows, start=1):
        plan = finufft.Plan(
            1,
            (size,),
            n_trans=rows,
            eps=1e-5 if single else 1e-9,
            dtype=precision,
            nthreads=1,
            upsampfac=1.25,
            fftw=_FFTW_ESTIMATE,
        )
        turns = k * grid.spacing * since
        plan.setpts((2 * np.pi * (turns - np.round(turns))).astype(real))
        plans.append(plan)
    for start in range(0, grid.size, size):
        # FINUFFT's modes run from -size/2.
        centre = grid.minimum + grid.spacing * (start + size // 2)
        turn = np.exp(2j * np.pi * np.mod(centre * since, 1.0))
        phase = np.ones_like(turn)
        n = min(size, grid.size - start)
        sums = []
        for plan, rows in zip(plans, n_rows, strict=True):
            phase = phase * turn
            turned = strengths[:rows] * phase
            found = plan.execute(np.ascontiguousarray(turned.astype(precision)))
            sums.append(found.reshape(rows, size)[:, :n])
        yield start, sums


def sums_at(
    time: Floats, strengths: Floats, frequencies: Floats, n_multiples: int
) -> list[NDArray[np.complex128]]:
    """As :func:`sums_on_grid`, at any frequencies, in double precision.

    Returns
    -------
    list of (n_series, n_frequencies) arrays of complex
    """
    middle = 0.5 * (time.min() + time.max()) if len(time) else 0.0
    right = np.ascontiguousarray(strengths.T, dtype=np.complex128)
    sums = np.empty((n_multiples, len(strengths), len(frequencies)), dtype=np.complex128)
    step = max(1, _PRODUCT // max(1, strengths.size))
    for start in range(0, len(frequencies), step):
        part = slice(start, start + step)
        turns = np.multiply.outer(frequencies[part], time - middle)
        turn = np.exp(2j * np.pi * (turns - np.floor(turns)))
        power = np.ones_like(turn)
        for k in range(n_multiples):
            power *= turn
            sums[k, :, part] = (power @ right).T
    return list(sums)
