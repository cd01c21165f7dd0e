"""``variability_statistics``: all indices of all objects, as one table."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np
import xarray as xr
from astropy.table import Column, Table
from numpy.typing import NDArray

from lc_pipeline.analysis.blocks import LightcurveBlock, map_blocks, read_block
from lc_pipeline.analysis.statistics.brightness import judge_by_brightness
from lc_pipeline.analysis.statistics.index import Index, evaluate
from lc_pipeline.analysis.statistics.pairing import automatic_gap
from lc_pipeline.analysis.statistics.points import MAD_TO_SIGMA, PointRules, Points, points_of_block
from lc_pipeline.analysis.statistics.registry import INDICES, PAIR_INDICES
from lc_pipeline.analysis.statistics.rows import Booleans, Floats
from lc_pipeline.analysis.statistics.two_measurements import TwoMeasurements
from lc_pipeline.analysis.summary import coordinate_column
from lc_pipeline.errors import LightcurveError
from lc_pipeline.progress import Progress
from lc_pipeline.survey import StatisticsSection

#: Values of a measurement that are worked on at a time, so that they stay in the cache.
PIECE_VALUES = 2**16

#: Up to so many measurements, each makes a pair with each other one.
MOST_PAIRED = 5


@dataclass(frozen=True)
class Plan:
    """What is to be made of every block."""

    measurements: tuple[str, ...]
    quantities: tuple[str, ...]
    units: tuple[str | None, ...]
    indices: tuple[Index, ...]
    pairs: tuple[tuple[int, int], ...]
    """Measurements, by number."""
    pair_indices: tuple[Index, ...]
    rules: PointRules
    sigma_clip: float | None

    def indices_of(self, number: int) -> list[Index]:
        """Indices that make sense of a measurement."""
        return [index for index in self.indices if self.quantities[number] in index.quantities]


@dataclass(frozen=True)
class _BlockResult:
    objects: slice
    columns: dict[str, NDArray[np.generic]]
    observed: dict[tuple[int, ...], Booleans]
    """By measurement, or pair of them: (n_epochs,) whether any object has a point."""


def variability_statistics(
    dataset: xr.Dataset,
    settings: StatisticsSection | None = None,
    *,
    indices: Sequence[Index] = INDICES,
    pair_indices: Sequence[Index] = PAIR_INDICES,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Table:
    """Variability indices of every object in every measurement.

    Parameters
    ----------
    dataset : xarray.Dataset
        Light curves, as ``LightcurveStorage.dataset`` gives them; read block by block.
    settings : StatisticsSection, optional
        The section ``[statistics]`` of ``survey.toml``.
    indices, pair_indices : sequence of Index, optional
        Of one measurement, and of two; your own can be added: ``(*INDICES, my_index)``.
    workers : int, optional
        Threads; by default the number of cores.
    progress : callable, optional
        Called with (objects done, objects in all).

    Returns
    -------
    Table
        One row per object, in the order of the dataset: ``object``, ``ra``, ``dec``; for each
        measurement `m` ``n_m`` (points), ``n_excluded_m`` (values left out for their flags),
        ``n_clipped_m`` if clipping was asked for, and for each index ``index_m`` and ``index_m_z``,
        the index judged against objects of similar brightness; for each pair of measurements
        ``n_m1_m2`` and so on. NaN where there are too few points.

    Raises
    ------
    LightcurveError
        If the settings name an index or a measurement that does not exist.

    See Also
    --------
    lc_pipeline.analysis.statistics.brightness.judge_by_brightness : what ``_z`` means.
    """
    settings = settings or StatisticsSection()
    plan = make_plan(dataset, settings, indices, pair_indices)
    columns: dict[str, NDArray[np.generic]] = {}
    observed: dict[tuple[int, ...], Booleans] = {}
    function = partial(block_statistics, plan)
    results: Iterable[_BlockResult] = map_blocks(
        function, dataset, workers=workers, progress=progress
    )
    if not dataset.sizes["object"]:
        results = [function(read_block(dataset, slice(0, 0)))]
    for result in results:
        for name, values in result.columns.items():
            if name not in columns:
                columns[name] = np.zeros(dataset.sizes["object"], dtype=values.dtype)
            columns[name][result.objects] = values
        for key, seen in result.observed.items():
            observed[key] = seen | observed.get(key, np.zeros_like(seen))
    n_epochs = {key: int(seen.sum()) for key, seen in observed.items()}
    table = Table([coordinate_column(dataset, name) for name in ("object", "ra", "dec")])
    table.meta["statistics"] = settings.model_dump(mode="json")
    for number in range(len(plan.measurements)):
        _add_measurement(table, plan, (number,), columns, n_epochs, settings.neighbours)
    for pair in plan.pairs:
        if n_epochs[pair]:
            _add_measurement(table, plan, pair, columns, n_epochs, settings.neighbours)
    return table


def make_plan(
    dataset: xr.Dataset,
    settings: StatisticsSection,
    indices: Sequence[Index] = INDICES,
    pair_indices: Sequence[Index] = PAIR_INDICES,
) -> Plan:
    """Resolve the names in the settings.

    Raises
    ------
    LightcurveError
        If the settings name an index or a measurement that does not exist.
    """
    keys = tuple(str(key) for key in dataset["measurement"].values)
    known = {index.name for index in (*indices, *pair_indices)}
    for name in settings.indices:
        _require(name, sorted(known), "statistics.indices", "index")
    pairs = settings.pairs
    if pairs is None:
        pairs = tuple(combinations(keys, 2)) if len(keys) <= MOST_PAIRED else ()
    for key in (key for pair in pairs for key in pair):
        _require(key, keys, "statistics.pairs", "measurement")

    def chosen(some: Sequence[Index]) -> tuple[Index, ...]:
        return tuple(i for i in some if not settings.indices or i.name in settings.indices)

    return Plan(
        measurements=keys,
        quantities=tuple(str(quantity) for quantity in dataset["quantity"].values),
        units=tuple(str(unit) or None for unit in dataset["unit"].values),
        indices=chosen(indices),
        pairs=tuple((keys.index(first), keys.index(second)) for first, second in pairs),
        pair_indices=chosen(pair_indices),
        rules=PointRules(settings.pair_gap, settings.abbe_window),
        sigma_clip=settings.sigma_clip,
    )


def _require(name: str, known: Sequence[str], setting: str, kind: str) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise LightcurveError(
            f"{setting}: there is no {kind} {name!r}.{hint} There are: {', '.join(known)}"
        )


# ------------------------------------------------------------------ a block


def block_statistics(plan: Plan, block: LightcurveBlock) -> _BlockResult:
    """All indices of the objects of a block."""
    columns: dict[str, list[NDArray[np.generic]]] = {}
    measured = (*((number,) for number in range(len(plan.measurements))), *plan.pairs)
    observed = {key: np.zeros(len(block.time), dtype=np.bool_) for key in measured}
    for piece in _pieces(block):
        wanted = []
        for number, key in enumerate(plan.measurements):
            is_wanted, n_clipped = _wanted(plan, piece, number)
            wanted.append(is_wanted)
            columns.setdefault(f"n_excluded_{key}", []).append(piece.n_excluded[:, number])
            if n_clipped is not None:
                columns.setdefault(f"n_clipped_{key}", []).append(n_clipped)
            points = points_of_block(piece, number, plan.quantities[number], plan.rules, is_wanted)
            columns.setdefault(f"n_{key}", []).append(points.n)
            columns.setdefault(_brightness(key), []).append(points.median)
            for name, values in _of_one(plan.indices_of(number), points, key):
                columns.setdefault(name, []).append(values)
            observed[(number,)] |= is_wanted.any(axis=0)
        for pair in plan.pairs:
            is_wanted = _simultaneous(plan, piece, pair, wanted)
            for name, numbers in _of_two(plan, piece, pair, is_wanted):
                columns.setdefault(name, []).append(numbers)
            observed[pair] |= is_wanted.any(axis=0)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    return _BlockResult(block.objects, joined, observed)


def _pieces(block: LightcurveBlock) -> Iterator[LightcurveBlock]:
    n_objects, _, n_epochs = block.value.shape
    step = max(1, PIECE_VALUES // max(1, n_epochs))
    for start in range(0, max(1, n_objects), step):
        cut = slice(start, start + step)
        offset = None if block.time_offset is None else block.time_offset[cut]
        yield replace(
            block,
            time_offset=offset,
            value=block.value[cut],
            error=block.error[cut],
            n_excluded=block.n_excluded[cut],
        )


def _wanted(
    plan: Plan, piece: LightcurveBlock, number: int
) -> tuple[Booleans, NDArray[np.intp] | None]:
    """Which values become points, and how many were clipped, if that was asked for."""
    is_there = np.isfinite(piece.value[:, number])
    if plan.sigma_clip is None:
        return is_there, None
    points = points_of_block(piece, number, is_wanted=is_there)
    limit = plan.sigma_clip * MAD_TO_SIGMA * points.median_absolute_deviation[:, np.newaxis]
    distance = np.abs(piece.value[:, number] - points.median[:, np.newaxis])
    is_clipped = is_there & (distance > limit) & (limit > 0)
    return is_there & ~is_clipped, is_clipped.sum(axis=1)


def _of_one(indices: Sequence[Index], points: Points, key: str) -> Iterator[tuple[str, Floats]]:
    needed: dict[tuple[str, ...], Points] = {(): points}
    for index in indices:
        if index.needs not in needed:
            chosen = points.with_errors() if "error" in index.needs else points
            needed[index.needs] = chosen.with_times() if "time" in index.needs else chosen
        yield index.column(key), evaluate(index, needed[index.needs])


def _of_two(
    plan: Plan, piece: LightcurveBlock, pair: tuple[int, int], is_wanted: Booleans
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    keys = [plan.measurements[number] for number in pair]
    first, second = (
        points_of_block(
            piece, number, plan.quantities[number], plan.rules, is_wanted, is_ordered=False
        )
        for number in pair
    )
    both = TwoMeasurements(first, second)
    needed = {False: both, True: both.with_errors()}
    yield "_".join(("n", *keys)), both.n
    for index in plan.pair_indices:
        yield index.column(*keys), evaluate(index, needed["error" in index.needs])


def _simultaneous(
    plan: Plan, piece: LightcurveBlock, pair: tuple[int, int], wanted: Sequence[Booleans]
) -> Booleans:
    """Same epoch; where rows have times of their own, also no further apart than a pair's gap."""
    first, second = pair
    both = wanted[first] & wanted[second]
    if piece.time_offset is None:
        return both
    gap: float | Floats | None = plan.rules.pair_gap
    if gap is None:
        points = points_of_block(piece, first, is_wanted=wanted[first]).with_times()
        gap = automatic_gap(points.interval, points.n)[:, np.newaxis]
    apart = np.abs(piece.time_offset[:, first] - piece.time_offset[:, second])
    return both & (apart <= gap)


# ------------------------------------------------------------------ the table


def _brightness(key: str) -> str:
    """Where the medians are kept that objects are ranked by, whatever indices were asked for."""
    return f"brightness of {key}"


def _add_measurement(
    table: Table,
    plan: Plan,
    numbers: tuple[int, ...],
    columns: dict[str, NDArray[np.generic]],
    n_epochs: dict[tuple[int, ...], int],
    neighbours: int | None,
) -> None:
    keys = tuple(plan.measurements[number] for number in numbers)
    units = [plan.units[number] for number in numbers]
    label = " and ".join(keys)
    for name, words in (
        ("n", "good points" if len(keys) == 1 else "epochs with good points in both"),
        ("n_excluded", "values left out for their flags"),
        ("n_clipped", "values clipped"),
    ):
        column = "_".join((name, *keys))
        if column in columns:
            table[column] = Column(columns[column], description=f"{words}, {label}")
    count = columns["_".join(("n", *keys))].astype(np.float64)
    brightness = columns[_brightness(keys[0])].astype(np.float64)
    indices = plan.indices_of(numbers[0]) if len(keys) == 1 else plan.pair_indices
    for index in indices:
        values = columns[index.column(*keys)].astype(np.float64)
        if index.is_scaled_by_coverage:
            values = values * count / max(1, n_epochs[numbers])
        words = index.words.rstrip(".")
        table[index.column(*keys)] = Column(
            values, unit=index.unit_for(*units), description=f"{words}, {label}"
        )
        if index.judged:
            name = f"{index.name}, {label}"
            how = ", by its logarithm" if index.judged == "log" else ""
            z = judge_by_brightness(
                values,
                brightness,
                index.judged,
                quantity=plan.quantities[numbers[0]],
                neighbours=neighbours,
            )
            table[index.column(*keys, z=True)] = Column(
                z.astype(np.float32),
                description=f"{name}, judged against objects of similar brightness{how}: robust "
                "sigmas above what is usual",
            )
