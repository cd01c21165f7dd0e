"""``variable_candidates``: the table of objects that vary, best first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from lc_pipeline.analysis.candidates.absolute import (
    absolute_log_p,
    clean_period_log_p,
    describe_survey,
)
from lc_pipeline.analysis.candidates.columns import (
    measurement_keys,
    quantity_of,
    texts,
    unit_of,
)
from lc_pipeline.analysis.candidates.combining import of_independent
from lc_pipeline.analysis.candidates.doubts import Candidates, find_doubts
from lc_pipeline.analysis.candidates.evidence import LightcurveEvidence
from lc_pipeline.analysis.candidates.scoring import variability_scores
from lc_pipeline.analysis.candidates.words import agreeing, find_reasons
from lc_pipeline.errors import LightcurveError
from lc_pipeline.survey import CandidatesSection

Floats = NDArray[np.float64]

#: Constant objects that become candidates by their periods alone, of those that do in all.
_MORE_BY_PERIOD = 0.01
#: Where more objects than this, and than this part of them, have a period though they do not stand
#: out, the noise is correlated in time, and their periods say nothing.
_FEW = 3
_MOST_BY_PERIOD = 0.05
_PERIOD_COLUMNS = ("fap", "log10_fap", "fap_method", "n_terms", "significance")
_PERIOD_PREFIXES = ("period", "alias", "amplitude_", "epoch_of_")


def variable_candidates(
    statistics: Table,
    settings: CandidatesSection | None = None,
    *,
    evidence: LightcurveEvidence | None = None,
    periods: Table | None = None,
    quantities: Mapping[str, str] | None = None,
) -> Table:
    """Objects that vary, ranked, each with its reason and with what speaks against it.

    An object is a candidate if the probability that a constant object of its brightness looks as
    variable is at most ``settings.false_positive_rate``. So this is the fraction of constant
    objects among those judged that become candidates by chance, whatever the size of the survey:
    by 0.001, one of a thousand. Candidates that nothing speaks against come first; among them, and
    below them, the one with the highest score is first.

    One that has a period, no alias, is a candidate by that alone if its false-alarm probability is
    a hundredth of that rate, or where there are too few objects to compare with, that rate; but
    not where so many objects have one that the noise must be correlated in time.

    Parameters
    ----------
    statistics : Table
        From :func:`~lc_pipeline.analysis.statistics.variability_statistics`, of calibrated light
        curves, best.
    settings : CandidatesSection, optional
        The section ``[candidates]`` of ``survey.toml``.
    evidence : LightcurveEvidence, optional
        From :func:`~lc_pipeline.analysis.candidates.lightcurve_evidence`, of the same objects.
        Without it eclipses are hardly seen, and the doubts that need light curves are not raised.
    periods : Table, optional
        With ``period``, ``fap`` and ``alias`` of the same objects; NaN or empty for those that were
        not searched. A significant period that is no alias adds to the score.
    quantities : mapping of str to str, optional
        ``mag`` or ``flux`` of each measurement; by default those with units of fluxes are.

    Returns
    -------
    Table
        One row per candidate: ``rank``, ``object``, ``ra``, ``dec``, ``score`` (-log10 of the
        probability), ``false_alarm_probability``, ``expected_false`` (how many constant objects of
        this survey are expected to score as high), ``agreement``, ``reason``, ``vetoes``, for each
        measurement ``n_m``, ``median_m``, ``robust_amplitude_m`` and the indices that were used,
        and the columns of `periods`. ``meta["notes"]`` says in words what holds for the survey.

    Raises
    ------
    LightcurveError
        If the tables are not of the same objects.

    Examples
    --------
    >>> from lc_pipeline import LightcurveStorage
    >>> from lc_pipeline.analysis.statistics import variability_statistics
    >>> dataset = LightcurveStorage("store/objects").dataset  # doctest: +SKIP
    >>> statistics = variability_statistics(dataset)  # doctest: +SKIP
    >>> evidence = lightcurve_evidence(dataset)  # doctest: +SKIP
    >>> variable_candidates(statistics, evidence=evidence)[0]["reason"]  # doctest: +SKIP
    'scatter 0.11 mag in R, 9.6 times what objects of this brightness show (6.8 sigma); ...'
    """
    settings = settings or CandidatesSection()
    _require_same_objects(statistics, evidence, periods)
    keys = measurement_keys(statistics)
    units = {key: unit_of(statistics, key) for key in keys}
    quantities = dict(quantities or {key: quantity_of(statistics, key) for key in keys})
    scores = variability_scores(statistics, settings, evidence.objects if evidence else None)
    absolute = absolute_log_p(statistics, settings, evidence)
    limit = np.log(settings.false_positive_rate)
    by_period = np.full(len(statistics), np.nan)
    if periods is not None:
        by_period = clean_period_log_p(periods, settings)
        surely = limit + (np.log(_MORE_BY_PERIOD) if scores.has_comparison else 0.0)
        by_period = np.where(by_period <= surely, by_period, np.nan)
    by_others = _at_most(scores.log_p, limit) | _at_most(absolute, limit)
    only_by_period = _at_most(by_period, limit) & ~by_others
    n_by_period = int(only_by_period.sum())
    is_red = scores.has_comparison and n_by_period > max(_FEW, _MOST_BY_PERIOD * len(statistics))
    if is_red:
        by_period, only_by_period = np.full_like(by_period, np.nan), np.zeros_like(by_others)
    rows = np.flatnonzero(by_others | only_by_period)
    candidates = Candidates(
        rows,
        keys,
        statistics,
        scores,
        settings,
        evidence,
        periods,
        quantities,
        absolute[rows],
        by_period[rows],
    )
    vetoes = find_doubts(candidates) if len(rows) else []
    log_p = np.fmin(candidates.log_p, candidates.absolute)
    if periods is not None:
        log_p = _with_periods(log_p, periods[rows], settings)
    is_doubted = np.array([bool(veto) for veto in vetoes], dtype=np.bool_)
    # Objects with the same score are in order of their names: nothing hangs on the order of rows.
    names = np.array(texts(statistics, "object"), dtype=str)[rows]
    order = np.lexsort((names, log_p, is_doubted))
    reasons = find_reasons(candidates, units)
    table = Table()
    table["rank"] = Column(np.arange(1, len(rows) + 1), description="1 is the best")
    for name in ("object", "ra", "dec"):
        table[name] = statistics[name][rows[order]]
    n_tested = scores.n_judged if scores.has_comparison else len(statistics)
    _add_scores(table, log_p[order], n_tested)
    for name, words, description in (
        ("agreement", agreeing(candidates), "tests that by themselves call it variable"),
        ("reason", reasons, "why it is thought to vary"),
        ("vetoes", vetoes, "what speaks against it; empty if nothing does"),
    ):
        table[name] = Column([words[number] for number in order], dtype=str,
                             description=description)  # fmt: skip
    _add_measurements(table, statistics, rows[order], settings, keys)
    if periods is not None:
        for name in periods.colnames:
            if name in _PERIOD_COLUMNS or name.startswith(_PERIOD_PREFIXES):
                table[name] = periods[name][rows[order]]
    table.meta["candidates"] = settings.model_dump(mode="json")
    table.meta["notes"] = describe_survey(
        statistics, settings, scores, evidence,
        n_candidates=len(rows), n_doubted=int(is_doubted.sum()),
        n_absolute=int((~_at_most(scores.log_p, limit) & _at_most(absolute, limit)).sum()),
        n_by_period=n_by_period, is_red=is_red,
    )  # fmt: skip
    return table


def _at_most(log_p: Floats, limit: float) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(log_p) & (log_p <= limit))


def _require_same_objects(
    statistics: Table, evidence: LightcurveEvidence | None, periods: Table | None
) -> None:
    for name, other in (
        ("the evidence", evidence.objects if evidence else None),
        ("the periods", periods),
    ):
        if other is not None and (
            len(other) != len(statistics) or texts(other, "object") != texts(statistics, "object")
        ):
            raise LightcurveError(
                f"{name} and the statistics are not of the same objects in the same order "
                f"({len(other)} and {len(statistics)} rows): make both from one dataset"
            )


def _with_periods(log_p: Floats, periods: Table, settings: CandidatesSection) -> Floats:
    """A significant period says something of its own: the scale is not in it."""
    log_fap = clean_period_log_p(periods, settings)
    return np.fmin(of_independent([log_p, log_fap]), log_p)


def _add_scores(table: Table, log_p: Floats, n_judged: int) -> None:
    table["score"] = Column(
        -log_p / np.log(10),
        description="-log10 of the probability that a constant object looks as variable",
    )
    probability = np.exp(log_p)
    table["false_alarm_probability"] = Column(
        probability, description="probability that a constant object looks as variable"
    )
    table["expected_false"] = Column(
        probability * n_judged,
        description="number of constant objects expected to look as variable, in this survey",
    )


def _add_measurements(
    table: Table,
    statistics: Table,
    rows: NDArray[np.intp],
    settings: CandidatesSection,
    keys: list[str],
) -> None:
    indices = (*settings.scatter_indices, *settings.order_indices)
    wanted = [
        name
        for key in keys
        for name in (
            *(f"{start}_{key}" for start in ("n", "median", "robust_amplitude")),
            *(f"{index}_{key}{end}" for index in indices for end in ("", "_z")),
        )
    ]
    pairs = [
        f"{index}_{first}_{second}{end}"
        for place, first in enumerate(keys)
        for second in keys[place + 1 :]
        for index in settings.pair_indices
        for end in ("", "_z")
    ]
    for name in dict.fromkeys((*wanted, *pairs)):
        if name in statistics.colnames:
            table[name] = statistics[name][rows]
