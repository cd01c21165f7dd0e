"""Positions of all epochs, kept on disk while a reference catalogue is built from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import scipy
from numpy.typing import NDArray

from lc_pipeline.catalogs.source_catalog import SourceCatalog
from lc_pipeline.errors import MatchingError
from lc_pipeline.matching.pairs import find_pairs, sky_tree
from lc_pipeline.sky.geometry import chord_length


@dataclass(frozen=True)
class SpilledFile:
    """The positions of one catalogue file, on disk."""

    epoch: str
    path: Path

    def vectors(self) -> NDArray[np.float64]:
        """Read the unit vectors, shape ``(n, 3)``, sorted by content."""
        return np.asarray(np.load(self.path))


@contextmanager
def spilled_positions(
    catalogs: Iterable[SourceCatalog],
    chosen: Callable[[SourceCatalog], NDArray[np.float64]],
    merge_arcsec: float,
) -> Iterator[list[SpilledFile]]:
    """Read every catalogue once, and keep its positions in a temporary folder.

    Parameters
    ----------
    catalogs : iterable of SourceCatalog
        In any order; one is in memory at a time.
    chosen : callable
        Gives the unit vectors, shape ``(n_sources, 3)``, of a catalogue; a row of NaN leaves the
        detection out.
    merge_arcsec : float, arcsec
        Detections of one file (and one band of it, where rows have bands) closer than this are one
        source listed twice.

    Yields
    ------
    list of SpilledFile
        The epoch with most detections first, then by key; file after file. 24 bytes a detection.

    Raises
    ------
    MatchingError
        If two catalogues have the same epoch.
    """
    with TemporaryDirectory(prefix="lc_pipeline_reference_") as folder:
        sizes: dict[str, int] = {}
        files: list[tuple[int, SpilledFile]] = []
        for catalog in catalogs:
            if catalog.epoch in sizes:
                raise MatchingError(f"epoch {catalog.epoch} was given more than once")
            vectors = chosen(catalog)
            sizes[catalog.epoch] = 0
            part = catalog.part_index
            for number in np.unique(part).tolist():
                kept = listed_once(vectors[part == number], merge_arcsec)
                if len(kept):
                    path = Path(folder) / f"{len(files)}.npy"
                    np.save(path, kept)
                    files.append((number, SpilledFile(catalog.epoch, path)))
                    sizes[catalog.epoch] += len(kept)
        files.sort(key=lambda f: (-sizes[f[1].epoch], f[1].epoch, f[0]))
        yield [file for _, file in files]


def listed_once(vectors: NDArray[np.float64], merge_arcsec: float) -> NDArray[np.float64]:
    """Sort positions, leave out those that are not finite, and merge repeated ones.

    Parameters
    ----------
    vectors : (n, 3) array of float
        Unit vectors of one file.
    merge_arcsec : float, arcsec
        Positions closer than this are replaced by their mean.

    Returns
    -------
    (m, 3) array of float
        The same for any order of the rows.

    Examples
    --------
    >>> from lc_pipeline.sky.geometry import unit_vectors
    >>> listed_once(unit_vectors([10, 10, np.nan, 9], [0, 0, 0, 0]), 0.1).shape
    (2, 3)
    """
    finite = vectors[np.isfinite(vectors).all(axis=1)]
    ordered = finite[np.lexsort(finite.T)]
    if not len(ordered):
        return ordered
    close = sky_tree(ordered).query_pairs(float(chord_length(merge_arcsec)), output_type="ndarray")
    if not len(close):
        return ordered
    n = len(ordered)
    graph = scipy.sparse.coo_array(
        (np.ones(len(close), dtype=np.int8), (close[:, 0], close[:, 1])), (n, n)
    )
    n_sources, source = scipy.sparse.csgraph.connected_components(graph, directed=False)
    sums = np.column_stack([np.bincount(source, axis, n_sources) for axis in ordered.T])
    merged = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    single = np.bincount(source, minlength=n_sources)[source] == 1
    merged[source[single]] = ordered[single]
    return np.asarray(merged[np.lexsort(merged.T)])


def close_pairs(vectors: NDArray[np.float64], radius_arcsec: float) -> NDArray[np.intp]:
    """Find pairs of objects closer than a radius, the closest first.

    Parameters
    ----------
    vectors : (n, 3) array of float
    radius_arcsec : float, arcsec

    Returns
    -------
    (n_pairs, 2) array of int
        The first index is the smaller one.

    Examples
    --------
    >>> from lc_pipeline.sky.geometry import unit_vectors
    >>> close_pairs(unit_vectors([10, 20, 10.0001], [0, 0, 0]), 1.0).tolist()
    [[0, 2]]
    """
    pairs = find_pairs(vectors, vectors, radius_arcsec)
    pairs = pairs.where(pairs.detection < pairs.object)
    order = np.lexsort((pairs.object, pairs.detection, pairs.chord_squared))
    return np.column_stack([pairs.detection[order], pairs.object[order]])
