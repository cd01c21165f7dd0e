"""How the same object is told in two files: by a key, or by its position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.missing import texts_of
from lc_pipeline.draft.samples import Sample
from lc_pipeline.matching.offset import Offset, find_offset, median_offset
from lc_pipeline.matching.pairs import sky_tree
from lc_pipeline.sky.geometry import chord_arcsec, vector_separation_arcsec

#: Columns that may name an object. Those that SExtractor and others count rows in may as well:
#: what decides is whether equal keys stand at equal positions in several files.
_KEY_NAMES = (*known.KEY_NAMES, "oid", "NUMBER", "num", "number", "star_no", "label", "src")
_KEY_WORDS = frozenset(("id", "name", "star", "source", "object", "target", "tic", "kic", "epic"))

_NO_ID = ("mid", "fid", "grid", "centroid", "valid")

_SAME_PLACE_ARCSEC = 2.0
_ONE_PLACE_ARCSEC = 0.2
_MIN_COMMON = 3
_RADII = (0.2, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_USUAL_RADIUS = 1.0
_SEARCH_ARCSEC = 20.0


@dataclass(frozen=True)
class Identity:
    """How objects are told, and why.

    Attributes
    ----------
    key : str or None
        The column of the key; None to match by position.
    radius_arcsec : float
    max_offset_arcsec : float
    has_offset : bool
        Files are shifted against each other.
    why_key, why_radius, why_offset, listed_twice : str
        In words, for the comments.
    """

    key: str | None
    radius_arcsec: float
    max_offset_arcsec: float
    has_offset: bool
    why_key: str
    why_radius: str
    why_offset: str
    listed_twice: str = ""


def find_identity(samples: Sequence[Sample]) -> Identity:
    """Compare files of the same band pairwise, and choose key or radius.

    Parameters
    ----------
    samples : sequence of Sample
    """
    usable = [sample for sample in samples if len(sample.vectors)]
    if not usable and len(samples) > 1:
        unknown = "positions are not known yet"
        return Identity(
            None,
            _USUAL_RADIUS,
            5.0,
            has_offset=False,
            why_key=f"{unknown}, by which a name of the objects could be told",
            why_radius=f"a guess: {unknown}",
            why_offset=f"not known: {unknown}",
        )
    pairs = [
        (first, other)
        for number, first in enumerate(usable)
        for other in usable[number + 1 :]
        if first.band == other.band
    ]
    key, why_key = _find_key(pairs)
    if key and any(
        _renames(key, first, other)
        for number, first in enumerate(usable)
        for other in usable[number + 1 :]
    ):
        why_key = (
            f"in some files other {key} stand at the same positions, a name for each band, say"
        )
        key = None
    offsets = [offset for first, other in pairs if (offset := _offset(first, other)) is not None]
    spacing = [_spacing(sample.vectors) for sample in usable]
    spacing = [distance for distance in spacing if np.isfinite(distance)]
    # Of all files the typical one: in some, stars may be listed twice.
    crowding = float(np.median(spacing)) if spacing else np.inf
    if not offsets:
        return Identity(
            key,
            _largest(_USUAL_RADIUS, crowding / 2),
            5.0,
            has_offset=False,
            why_key=why_key,
            why_radius=f"a guess: {_no_pairs(pairs)}",
            why_offset="not known: no two files could be compared",
        )
    scatter = float(np.median([offset.scatter_arcsec for offset in offsets]))
    # What is nearer than positions scatter is the same star listed twice, and no neighbour.
    apart = [_spacing(sample.vectors, more_than=3 * scatter) for sample in usable]
    apart = [distance for distance in apart if np.isfinite(distance)]
    crowding = float(np.median(apart)) if apart else np.inf
    shift = max(float(np.hypot(one.east_arcsec, one.north_arcsec)) for one in offsets)
    wanted = next((radius for radius in _RADII if radius >= 5 * scatter), _RADII[-1])
    radius = _largest(max(wanted, _USUAL_RADIUS), crowding / 2)
    why_radius = (
        f'between files, positions scatter by {scatter:.2g}" (one coordinate); in one file the '
        f'nearest neighbours are {crowding:.3g}" apart'
    )
    has_offset = shift > 0.2 * radius
    twice = sum(distance < 3 * scatter for distance in spacing)
    return Identity(
        key,
        radius,
        5.0 if shift < 2.5 else float(np.ceil(2 * shift)),  # noqa: PLR2004
        has_offset=has_offset,
        why_key=why_key,
        why_radius=why_radius,
        why_offset=f'the largest shift of one file against another was {shift:.2f}"',
        listed_twice=f"in {twice} of {len(spacing)} files some stars are listed twice"
        if twice
        else "",
    )


def separate_fields(samples: Sequence[Sample]) -> list[str]:
    """Say where files fall into groups of fields that do not even touch each other.

    One file alone makes no group: strips of a drift scan may lie anywhere along it.
    """
    names, centers, radii = [], [], []
    for sample in samples:
        stars = _finite(sample.vectors)
        if len(stars) and "detector" not in sample.file.groups:
            center = stars.mean(axis=0) / np.linalg.norm(stars.mean(axis=0))
            names.append(sample.file.name)
            centers.append(center)
            radii.append(vector_separation_arcsec(stars, center).max())
    if not names:
        return []
    apart = vector_separation_arcsec(np.array(centers)[:, np.newaxis], np.array(centers))
    touches = apart <= np.add.outer(radii, radii) + _SEARCH_ARCSEC
    n_groups, group = connected_components(touches, directed=False)
    if n_groups == 1 or np.bincount(group).min() == 1:
        return []
    first, other = (int(np.flatnonzero(group == one)[0]) for one in (0, 1))
    said = (
        f"{names[first]} and {names[other]} show different fields, "
        f"{apart[first, other] / 3600:.3g} degrees apart: if these are two surveys, give each a "
        f"survey.toml with a files.pattern of its own"
    )
    return [said]


def _no_pairs(pairs: Sequence[tuple[Sample, Sample]]) -> str:
    if pairs:
        return "the files that were looked at have too few stars in common to tell"
    return "it takes two files of one band to tell"


def _find_key(pairs: Sequence[tuple[Sample, Sample]]) -> tuple[str | None, str]:
    if not pairs:
        return None, "it takes two files to see whether a column names the objects"
    columns = set.intersection(*({*sample.table.colnames} for pair in pairs for sample in pair))
    ordered = [name for name in pairs[0][0].table.colnames if name in columns]
    wanted = [
        name
        for name in ordered
        if str(pairs[0][0].table[name].meta.get("ucd", "")).lower() == "meta.id;meta.main"
    ]
    for alias in _KEY_NAMES:
        wanted += [name for name in known.same_names(alias, ordered) if name not in wanted]
    wanted += [name for name in ordered if name not in wanted and _may_name_objects(name)]
    refuted = []
    for name in wanted:
        agreement = [_agreement(name, first, other) for first, other in pairs]
        if all(part is None for part in agreement):
            continue
        if all(part is None or part for part in agreement):
            return name, f"equal {name} stand at equal positions in the files"
        refuted.append(name)
    if refuted:
        listed = " and ".join(refuted)
        return None, f"equal {listed} stand at different positions, so that is no name of an object"
    return None, "no column names the same objects in several files"


def _may_name_objects(name: str) -> bool:
    """Say whether a column reads like a name: ``TICID``, ``ps1_id``, ``Star name``."""
    words = known.words_of(name)
    is_id = any(word.endswith("id") and word not in _NO_ID for word in words)
    return is_id or bool(_KEY_WORDS.intersection(words))


def _agreement(name: str, first: Sample, other: Sample) -> bool | None:
    """Say whether equal keys stand at equal positions; None if there are too few to tell."""
    rows = []
    for sample in (first, other):
        texts = texts_of(sample.table[name])
        found: dict[str, int] = {}
        for row, text in enumerate(texts):
            if text:
                found.setdefault(text, row)
        # Rows of one name in one file are of one place as well: two bands, or two visits.
        again = [row for row, text in enumerate(texts) if text and found[text] != row]
        firsts = [found[texts[row]] for row in again]
        apart = vector_separation_arcsec(sample.vectors[again], sample.vectors[firsts])
        if len(found) == 1 < len(texts) or np.any(apart > _SAME_PLACE_ARCSEC):
            return False  # it names groups of rows, or counts those of each part of the file
        if _is_of_several_names(sample, texts):
            return False
        rows.append(found)
    common = [text for text in rows[0] if text in rows[1]]
    if len(common) < _MIN_COMMON:
        return None
    here = first.vectors[[rows[0][text] for text in common]]
    there = other.vectors[[rows[1][text] for text in common]]
    shift = median_offset(there, here, 60.0)
    apart = vector_separation_arcsec(shift.remove_from(there), here)
    apart = apart[np.isfinite(apart)]
    return bool(len(apart)) and bool(np.mean(apart < _SAME_PLACE_ARCSEC) > 0.9)  # noqa: PLR2004


def _renames(name: str, first: Sample, other: Sample) -> bool:
    """Say whether what stands at the same places has mostly other names in another file."""
    if not all(np.isfinite(one.vectors).all() for one in (first, other)):
        return False
    if name not in first.table.colnames or name not in other.table.colnames:
        return False
    chord, nearest = sky_tree(first.vectors).query(other.vectors)
    same_place = chord_arcsec(chord) < _ONE_PLACE_ARCSEC
    fewer = min(len(first.vectors), len(other.vectors))
    if np.count_nonzero(same_place) < max(_MIN_COMMON, fewer / 2):
        return False
    here = np.array(texts_of(first.table[name]))[nearest[same_place]]
    there = np.array(texts_of(other.table[name]))[same_place]
    return bool(np.mean(here != there) > 0.5)  # noqa: PLR2004


def _is_of_several_names(sample: Sample, texts: Sequence[str]) -> bool:
    """Say whether most rows stand where one of another name does: a name for each band, say."""
    if len(texts) < _MIN_COMMON or not np.isfinite(sample.vectors).all():
        return False
    chord, nearest = sky_tree(sample.vectors).query(sample.vectors, k=2)
    other = np.where(nearest[:, 0] == np.arange(len(texts)), nearest[:, 1], nearest[:, 0])
    names = np.array(texts)
    is_shared = (chord_arcsec(chord[:, 1]) < _ONE_PLACE_ARCSEC) & (names != names[other])
    return bool(2 * np.count_nonzero(is_shared) > len(texts))


def _offset(first: Sample, other: Sample) -> Offset | None:
    """Find the shift between two files, if they show the same stars."""
    here, there = _finite(first.vectors), _finite(other.vectors)
    if min(len(here), len(there)) < _MIN_COMMON:
        return None
    for radius in (1.0, 3.0):
        offset = find_offset(there, here, radius_arcsec=radius, max_offset_arcsec=_SEARCH_ARCSEC)
        if offset.found:
            return offset
    # Too few stars to stand out from chance: take the nearest, if they are clearly the same.
    chord, nearest = sky_tree(here).query(there)
    close = chord_arcsec(chord) < 0.1 * min(_spacing(here), _spacing(there))
    if np.count_nonzero(close) < max(_MIN_COMMON, len(there) // 2):
        return None
    offset = median_offset(there[close], here[nearest[close]], _SEARCH_ARCSEC)
    return offset if offset.found else None


def _finite(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors[np.isfinite(vectors).all(axis=1)]


def _spacing(vectors: NDArray[np.float64], more_than: float = 0.0) -> float:
    """Distance to the nearest neighbour in one file that 95 of 100 stars exceed, arcsec.

    Stars whose nearest neighbour is nearer than `more_than` are left out.
    """
    vectors = np.unique(_finite(vectors), axis=0)
    if len(vectors) < _MIN_COMMON:
        return float("inf")
    chord, _ = sky_tree(vectors).query(vectors, k=2)
    distance = chord_arcsec(chord[:, 1])
    distance = distance[distance > more_than]
    return float(np.percentile(distance, 5)) if len(distance) else float("inf")


def _largest(radius: float, most: float) -> float:
    """Take the largest customary radius that is neither more than wanted nor than allowed."""
    return max((one for one in _RADII if one <= min(radius, most)), default=_RADII[0])
