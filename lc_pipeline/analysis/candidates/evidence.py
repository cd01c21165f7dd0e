"""What light curves themselves say for and against a variable, block by block.

Statistics tell how unusual an object is. Here it is asked what carries that: an epoch in which many
objects are off at once, one or two outlying points, doubtful matches, the conditions of the night.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import xarray as xr
from astropy.table import Column, Table
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.analysis.blocks import LightcurveBlock, map_blocks
from lc_pipeline.analysis.candidates.epochs import common_variance, epoch_table, suspect_epochs
from lc_pipeline.analysis.candidates.usual import usual_at_brightness
from lc_pipeline.analysis.statistics.brightness import judge_by_brightness
from lc_pipeline.analysis.statistics.points import MAD_TO_SIGMA
from lc_pipeline.analysis.statistics.table import Plan, block_statistics, make_plan
from lc_pipeline.analysis.summary import coordinate_column, sorted_median
from lc_pipeline.flags import MeasurementFlag
from lc_pipeline.progress import Progress
from lc_pipeline.survey import CandidatesSection, StatisticsSection

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: So many of the most deviant epochs may carry a single event or an artefact.
N_PEAKS = 2
_DOUBTFUL_MATCH = MeasurementFlag.AMBIGUOUS | MeasurementFlag.DUPLICATED
_CLIP = 3.0


@dataclass(frozen=True, eq=False)
class LightcurveEvidence:
    """What was found in the light curves of all objects.

    Attributes
    ----------
    epochs : Table
        One row per epoch and measurement: ``epoch``, ``measurement``, ``time``, ``n`` (objects),
        ``n_outlying`` (those that are far from their median), ``fraction``, ``is_suspect``.
    objects : Table
        One row per object: ``n_faint_m``, ``n_bright_m`` (points far below and above the median),
        ``ambiguous_m``, ``not_observed_m`` (fractions), how the points lie in time, the two most
        outlying epochs and by how much, correlations with conditions.
    without_peaks : Table
        Statistics of every object without its two most outlying epochs, and counts as above.
    without_suspects : Table or None
        Statistics without the suspect epochs; None if there are none.
    common : dict of str to float
        Per measurement, the fraction of the objects' variance that they have in common, epoch by
        epoch: near 0 where the zero points are right.
    """

    epochs: Table
    objects: Table
    without_peaks: Table
    without_suspects: Table | None
    common: dict[str, float] = field(default_factory=dict)


def lightcurve_evidence(
    dataset: xr.Dataset,
    settings: CandidatesSection | None = None,
    *,
    statistics: StatisticsSection | None = None,
    conditions: Mapping[str, ArrayLike] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> LightcurveEvidence:
    """Look through all light curves for what speaks for and against variability.

    They are read twice: once to find the suspect epochs, once to do without them.

    Parameters
    ----------
    dataset : xarray.Dataset
        Light curves, as ``LightcurveStorage.dataset`` gives them; calibrated ones, best.
    settings : CandidatesSection, optional
        The section ``[candidates]`` of ``survey.toml``.
    statistics : StatisticsSection, optional
        As for the statistics of all epochs.
    conditions : mapping of str to array_like, optional
        What may have changed the brightness of objects, by name (``seeing``, ``zero point``): of
        each epoch, shape (n_epochs,) or (n_measurements, n_epochs).
    workers : int, optional
        Threads; by default the number of cores.
    progress : callable, optional
        Called with (objects done, objects in all), in either of the two passes.
    """
    settings = settings or CandidatesSection()
    quantities = [str(quantity) for quantity in dataset["quantity"].values]
    sign = np.array([-1.0 if quantity == "flux" else 1.0 for quantity in quantities])
    shape = (dataset.sizes["measurement"], dataset.sizes["epoch"])
    counts = [np.zeros(shape) for _ in range(4)]
    medians, sigmas = [np.zeros((0, shape[0]))], [np.zeros((0, shape[0]))]
    look = partial(_look, sign, settings.excursion_sigma)
    for part in map_blocks(look, dataset, workers=workers, progress=progress):
        counts = [total + one for total, one in zip(counts, part.counts, strict=True)]
        medians.append(part.median)
        sigmas.append(part.sigma)
    n, n_outlying, clipped, clipped_square = counts
    is_suspect = suspect_epochs(n, n_outlying, settings.crowded_epoch)
    series = {
        name: np.broadcast_to(np.asarray(values, dtype=float), shape)
        for name, values in (conditions or {}).items()
    }
    names = settings.scatter_indices + settings.order_indices + settings.pair_indices
    chosen = (statistics or StatisticsSection()).model_copy(update={"indices": names})
    plan = make_plan(dataset, chosen)
    sigma = _at_least_usual(np.concatenate(medians), np.concatenate(sigmas))
    question = _Question(plan, sign, settings.excursion_sigma, is_suspect, series, sigma)
    parts = list(
        map_blocks(partial(_examine, question), dataset, workers=workers, progress=progress)
    )
    keys = list(plan.measurements)
    positions = [coordinate_column(dataset, name) for name in ("object", "ra", "dec")]
    tables = [
        _joined([part[number] for part in parts], positions, plan, chosen.neighbours)
        for number in range(3)
    ]
    return LightcurveEvidence(
        epochs=epoch_table(dataset, n, n_outlying, is_suspect),
        objects=tables[0],
        without_peaks=tables[1],
        without_suspects=tables[2] if is_suspect.any() else None,
        common=dict(zip(keys, common_variance(n, clipped, clipped_square).tolist(), strict=True)),
    )


@dataclass(frozen=True)
class _Question:
    plan: Plan
    sign: Floats
    """(n_measurements,) -1 where larger is brighter."""
    limit: float
    is_suspect: Booleans
    conditions: dict[str, Floats]
    sigma: Floats
    """(n_objects, n_measurements) robust scatter of all objects, at least what is usual."""


@dataclass(frozen=True)
class _FirstLook:
    counts: tuple[Floats, ...]
    """Per measurement and epoch: objects, outlying ones, sum and sum of squares of deviations."""
    median: Floats
    sigma: Floats
    """(n_objects, n_measurements) robust scatter."""


def standardised(block: LightcurveBlock, sign: Floats, sigma: Floats | None = None) -> Floats:
    """Deviations from each object's median in robust standard deviations; positive: fainter.

    Parameters
    ----------
    block : LightcurveBlock
    sign : (n_measurements,) array
        -1 where larger is brighter.
    sigma : (n_objects, n_measurements) array, optional
        By default each object's own.

    Returns
    -------
    (n_objects, n_measurements, n_epochs) array
        NaN where missing, or where most values are the same.
    """
    deviation = block.value - sorted_median(block.value)[..., np.newaxis]
    if sigma is None:
        sigma = MAD_TO_SIGMA * sorted_median(np.abs(deviation))
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = deviation / np.where(sigma > 0, sigma, np.nan)[..., np.newaxis]
    return np.asarray(scaled * sign[:, np.newaxis])


def _look(sign: Floats, limit: float, block: LightcurveBlock) -> _FirstLook:
    median = sorted_median(block.value)
    sigma = MAD_TO_SIGMA * sorted_median(np.abs(block.value - median[..., np.newaxis]))
    deviation = standardised(block, sign, sigma)
    is_there = np.isfinite(deviation)
    clipped = np.clip(np.nan_to_num(deviation), -_CLIP, _CLIP)
    counts = (
        is_there.sum(axis=0).astype(float),
        (is_there & (np.abs(deviation) > limit)).sum(axis=0).astype(float),
        clipped.sum(axis=0),
        (clipped**2).sum(axis=0),
    )
    return _FirstLook(counts, median, sigma)


def _at_least_usual(median: Floats, sigma: Floats) -> Floats:
    """Of few points, a scatter comes out too small at times: not less than of similar objects."""
    columns = [
        np.fmax(sigma[:, number], usual_at_brightness(sigma[:, number], median[:, number]))
        for number in range(sigma.shape[1])
    ]
    return np.stack(columns, axis=1)


Columns = dict[str, NDArray[np.generic]]


def _examine(question: _Question, block: LightcurveBlock) -> tuple[Columns, Columns, Columns]:
    """Facts about the objects of a block; its statistics without peaks, without suspect epochs."""
    deviation = standardised(block, question.sign, question.sigma[block.objects])
    n_objects, _, n_epochs = deviation.shape
    height = np.where(np.isfinite(deviation), np.abs(deviation), 0.0).max(axis=1)
    n_peaks = min(N_PEAKS, n_epochs)
    peaks = np.argsort(-height, axis=1, kind="stable")[:, :n_peaks]
    is_peak = np.zeros((n_objects, n_epochs), dtype=np.bool_)
    np.put_along_axis(is_peak, peaks, values=True, axis=1)

    facts = _counts(question, deviation) | _matches(question, block)
    facts |= _conditions(question, deviation)
    facts |= _span(block)
    medians = sorted_median(block.value)
    for place in range(N_PEAKS):
        is_there = place < n_peaks
        epoch = peaks[:, place] if is_there else np.zeros(n_objects, dtype=np.intp)
        facts[f"peak_epoch_{place + 1}"] = epoch
        for number, key in enumerate(question.plan.measurements):
            at = np.arange(n_objects), number, epoch
            nothing = np.full(n_objects, np.nan)
            facts[f"peak_sigma_{place + 1}_{key}"] = deviation[at] if is_there else nothing
            facts[f"peak_{place + 1}_{key}"] = (
                block.value[at] - medians[:, number] if is_there else nothing
            )
    variants = []
    for is_left_out in (is_peak[:, np.newaxis], question.is_suspect[np.newaxis]):
        kept = np.where(is_left_out, np.float32(np.nan), block.value)
        columns = dict(block_statistics(question.plan, replace(block, value=kept)).columns)
        remaining = np.where(is_left_out, np.nan, deviation)
        variants.append(columns | _counts(question, remaining))
    return facts, variants[0], variants[1]


def _counts(question: _Question, deviation: Floats) -> Columns:
    columns: Columns = {}
    for number, key in enumerate(question.plan.measurements):
        columns[f"n_faint_{key}"] = (deviation[:, number] > question.limit).sum(axis=-1)
        columns[f"n_bright_{key}"] = (deviation[:, number] < -question.limit).sum(axis=-1)
    return columns


def _matches(question: _Question, block: LightcurveBlock) -> Columns:
    columns: Columns = {}
    if block.flags is None:
        return columns
    for number, key in enumerate(question.plan.measurements):
        flags = block.flags[:, number]
        is_there = np.isfinite(block.value[:, number])
        is_doubtful = is_there & ((flags & _DOUBTFUL_MATCH) != 0)
        n_there = is_there.sum(axis=1)
        columns[f"ambiguous_{key}"] = np.where(
            n_there > 0, is_doubtful.sum(axis=1) / np.maximum(n_there, 1), np.nan
        )
        unseen = (flags & MeasurementFlag.NOT_OBSERVED) != 0
        columns[f"not_observed_{key}"] = unseen.sum(axis=1) / max(1, unseen.shape[1])
    return columns


def _conditions(question: _Question, deviation: Floats) -> Columns:
    """Correlation of each light curve with each condition."""
    columns: Columns = {}
    for name, series in question.conditions.items():
        for number, key in enumerate(question.plan.measurements):
            columns[f"follows_{name}_{key}"] = _correlation(
                np.clip(deviation[:, number], -5, 5), series[number]
            )
    return columns


def _correlation(rows: Floats, series: Floats) -> Floats:
    """Pearson's r of each row with the series, where both are known."""
    both = np.isfinite(rows) & np.isfinite(series)
    n = np.maximum(both.sum(axis=1), 1)[:, np.newaxis]
    x = np.where(both, rows, 0.0)
    y = np.where(both, series, 0.0)
    x = np.where(both, x - x.sum(axis=1, keepdims=True) / n, 0.0)
    y = np.where(both, y - y.sum(axis=1, keepdims=True) / n, 0.0)
    norm = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(norm > 0, (x * y).sum(axis=1) / norm, np.nan))


def _span(block: LightcurveBlock) -> Columns:
    """How an object's points lie in time, in any measurement."""
    is_there = np.isfinite(block.value).any(axis=1) & np.isfinite(block.time)
    known = block.time[np.isfinite(block.time)]
    whole = float(np.ptp(known)) if len(known) else 0.0
    first = np.where(is_there, block.time, np.inf).min(axis=1, initial=np.inf)
    last = np.where(is_there, block.time, -np.inf).max(axis=1, initial=-np.inf)
    is_within = (block.time >= first[:, np.newaxis]) & (block.time <= last[:, np.newaxis])
    is_seen = np.zeros_like(is_there)
    if block.flags is not None:
        is_seen = ((block.flags & MeasurementFlag.NOT_DETECTED) != 0).any(axis=1) & ~is_there
    n_there = is_there.sum(axis=1)
    n_lost = (is_within & is_seen).sum(axis=1)
    with np.errstate(invalid="ignore"):
        span = np.where(n_there > 0, (last - first) / (whole or 1.0), np.nan)
    return {
        "span": span,
        "first": np.where(n_there > 0, first, np.nan),
        "last": np.where(n_there > 0, last, np.nan),
        "detected_within": n_there / np.maximum(n_there + n_lost, 1),
        "n_undetected_outside": (~is_within & is_seen).sum(axis=1),
    }


def _joined(
    parts: list[Columns], positions: list[Column], plan: Plan, neighbours: int | None
) -> Table:
    """Columns of all blocks as a table; indices are judged against objects of like brightness."""
    table = Table(positions)
    names = parts[0] if parts else {}
    joined = {name: np.concatenate([part[name] for part in parts]) for name in names}
    for name, values in joined.items():
        if not name.startswith("brightness of "):
            table[name] = Column(values, description=_describe(name))
    for number, key in enumerate(plan.measurements):
        _add_judged(table, plan, (number,), joined, neighbours)
        if (median := joined.get(f"brightness of {key}")) is not None:
            table[f"median_{key}"] = Column(median, description="median")
    for pair in plan.pairs:
        _add_judged(table, plan, pair, joined, neighbours)
    return table


def _add_judged(
    table: Table,
    plan: Plan,
    measured: tuple[int, ...],
    columns: Columns,
    neighbours: int | None,
) -> None:
    keys = tuple(plan.measurements[number] for number in measured)
    brightness = columns.get(f"brightness of {keys[0]}")
    indices = plan.pair_indices if len(keys) > 1 else plan.indices_of(measured[0])
    for index in indices:
        name = index.column(*keys)
        if brightness is not None and index.judged and name in columns:
            z = judge_by_brightness(
                columns[name].astype(float),
                brightness.astype(float),
                index.judged,
                quantity=plan.quantities[measured[0]],
                neighbours=neighbours,
            )
            table[index.column(*keys, z=True)] = Column(
                z, description=f"{index.name}, judged against objects of similar brightness"
            )


def _describe(name: str) -> str:
    for start, words in (
        ("n_faint", "points far below the median brightness"),
        ("n_bright", "points far above the median brightness"),
        ("ambiguous", "fraction of points from ambiguous matches or duplicates"),
        ("not_observed", "fraction of epochs that did not cover the object"),
        ("span", "time from the first to the last point, of that of the survey"),
        ("first", "time of the first point, MJD"),
        ("last", "time of the last point, MJD"),
        ("detected_within", "fraction of epochs between them in which it was detected"),
        ("n_undetected_outside", "epochs before and after in which it was not detected"),
        ("peak_epoch", "number of an epoch in which the object is most outlying"),
        ("peak_sigma", "deviation from the median there, in robust standard deviations"),
        ("peak", "deviation from the median there"),
        ("follows", "correlation with a condition of the epochs"),
    ):
        if name.startswith(start):
            return words
    return name.replace("_", " ")
