"""The reference catalogue from catalogues whose rows name their objects."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.catalogs.source_catalog import SourceCatalog
from lc_pipeline.errors import MatchingError
from lc_pipeline.matching.keys import key_texts
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.progress import Progress
from lc_pipeline.sky.geometry import sky_coordinates, unit_vectors

#: Detections whose positions are in memory together, some 60 bytes each.
_BLOCK_DETECTIONS = 4_000_000


def build_from_keys(
    catalogs: Iterable[SourceCatalog],
    min_epochs: int,
    progress: Progress | None = None,
    known: NDArray[np.str_] | None = None,
) -> ReferenceCatalog:
    """Make one object of each key, at the median of its positions.

    Parameters
    ----------
    catalogs : iterable of SourceCatalog
        One per epoch, in any order; one is in memory at a time.
    min_epochs : int
        Keys in fewer epochs are left out (in fewer than all of them, where there are fewer).
    progress : callable, optional
        Called as ``progress(done, 0)``: how many epochs there are is not known.
    known : (n,) array of str, optional
        Keys to leave out.

    Returns
    -------
    ReferenceCatalog
        In HEALPix order; empty if no key is left. Positions are the medians of the components of
        the unit vectors, so that a wrong position in a few epochs does not matter. Rows without a
        finite position do not count.

    Raises
    ------
    MatchingError
        If a catalogue has no keys, or an epoch is given twice.
    """
    numbers: dict[str, int] = {}
    n_epochs = np.zeros(0, dtype=np.int64)
    known_keys = set() if known is None else set(known.tolist())
    epochs: dict[str, Path] = {}
    with TemporaryDirectory(prefix="lc_pipeline_reference_") as folder:
        for catalog in catalogs:
            if catalog.epoch in epochs:
                raise MatchingError(f"epoch {catalog.epoch} was given more than once")
            keys, vectors = _keys_and_vectors(catalog, known_keys)
            rows = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)
            n_epochs = np.concatenate([n_epochs, np.zeros(len(numbers) - len(n_epochs), np.int64)])
            n_epochs[np.unique(rows)] += 1
            epochs[catalog.epoch] = Path(folder) / f"{len(epochs)}.npz"
            np.savez(epochs[catalog.epoch], rows=rows, vectors=vectors)
            if progress:
                progress(len(epochs), 0)
        kept = np.flatnonzero(n_epochs >= min(min_epochs, len(epochs)))
        if not len(kept):
            return ReferenceCatalog.empty()
        # A block holds about as many detections, whatever their objects.
        blocks = np.cumsum(n_epochs[kept]) // _BLOCK_DETECTIONS
        parts = np.split(kept, np.flatnonzero(np.diff(blocks)) + 1)
        medians = np.concatenate([_medians(list(epochs.values()), part) for part in parts])
    names = np.array(list(numbers))[kept]
    ra, dec = sky_coordinates(medians)
    return ReferenceCatalog(key=names, ra=ra, dec=dec, n_epochs=n_epochs[kept]).ordered()


def _keys_and_vectors(
    catalog: SourceCatalog, known: set[str]
) -> tuple[list[str], NDArray[np.float64]]:
    """List the keys, and positions, of the rows that make objects."""
    if catalog.key is None:
        raise MatchingError(
            f"epoch {catalog.epoch}: matching.mode is 'key', and its catalogue has no column of "
            f"keys: name it as columns.key, or match by position"
        )
    texts = key_texts(catalog.key).tolist()
    vectors = unit_vectors(catalog.ra, catalog.dec)
    usable = np.isfinite(vectors).all(axis=1)
    usable &= np.array([key != "" and key not in known for key in texts], dtype=np.bool_)
    return [texts[row] for row in np.flatnonzero(usable).tolist()], vectors[usable]


def _medians(epochs: list[Path], objects: NDArray[np.intp]) -> NDArray[np.float64]:
    """Median vector of each of the (sorted) `objects`, from the rows of all epochs.

    Returns
    -------
    (n_objects, 3) array of float
        Not of unit length.
    """
    places, vectors = [], []
    for path in epochs:
        with np.load(path) as saved:
            rows = saved["rows"]
            place = np.searchsorted(objects, rows)
            mine = objects[np.minimum(place, len(objects) - 1)] == rows
            places.append(place[mine])
            vectors.append(saved["vectors"][mine])
    place, vector = np.concatenate(places), np.concatenate(vectors)
    count = np.bincount(place, minlength=len(objects))
    start = np.cumsum(count) - count
    medians = np.empty((len(objects), 3))
    for axis in range(3):
        ordered = vector[np.lexsort((vector[:, axis], place)), axis]
        middle = ordered[start + (count - 1) // 2] + ordered[start + count // 2]
        medians[:, axis] = middle / 2
    return medians
