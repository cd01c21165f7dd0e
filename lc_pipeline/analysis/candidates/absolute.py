"""What can be said of an object without comparing it with others.

Where most objects vary, as in a survey of known variables, there is nothing to compare with. Two
things tell a variable all the same: bands that vary together, if nothing else is common to them,
and a scatter far above the errors, if the errors are right.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray
from scipy.special import betainc, gammaincc
from scipy.stats import chi2

from lc_pipeline.analysis.candidates.columns import measurement_keys, numbers, texts
from lc_pipeline.analysis.candidates.combining import of_dependent
from lc_pipeline.analysis.candidates.evidence import LightcurveEvidence
from lc_pipeline.analysis.candidates.scoring import Scores
from lc_pipeline.analysis.statistics.brightness import LEAST_OBJECTS
from lc_pipeline.survey import CandidatesSection

Floats = NDArray[np.float64]

#: Bands that vary together mean something by themselves only where objects have no more than this
#: fraction of their variance in common with each other.
MOST_COMMON_VARIANCE = 0.1
#: More variables than this, and objects cannot be judged by the others.
MOST_VARIABLE = 0.5
_LEAST_P = 1e-300
#: No false-alarm probability of a period is taken for smaller: it is one of white noise.
LEAST_FAP = 1e-10
_MOST_EPOCHS_NAMED = 5


def absolute_log_p(
    statistics: Table, settings: CandidatesSection, evidence: LightcurveEvidence | None
) -> Floats:
    """Logarithm of the probability of each object by tests that compare it with no other.

    The correlation of two bands counts only if that of more than half of the objects is
    significant, so that the others are no measure, and if the objects of an epoch do not move
    together, so that the zero points are not the reason (this needs `evidence`). Reduced
    chi-squared counts only if ``settings.trust_errors``.

    Returns
    -------
    (n_objects,) array of float
        NaN where no such test can be made.
    """
    tests = []
    together = correlation_log_p(statistics, settings)
    if _bands_can_be_trusted(evidence) and most_vary_together(together, settings):
        tests.append(together)
    if settings.trust_errors:
        tests += [chi2_log_p(statistics, key, settings) for key in measurement_keys(statistics)]
    if not tests:
        return np.full(len(statistics), np.nan)
    return of_dependent(tests)


def _bands_can_be_trusted(evidence: LightcurveEvidence | None) -> bool:
    if evidence is None:
        return False
    common = [value for value in evidence.common.values() if np.isfinite(value)]
    return bool(common) and max(common) <= MOST_COMMON_VARIANCE


def most_vary_together(log_p: Floats, settings: CandidatesSection) -> bool:
    """Whether the bands of more than half of the objects vary together."""
    known = log_p[np.isfinite(log_p)]
    limit = np.log(settings.false_positive_rate)
    return bool(len(known)) and float(np.mean(known <= limit)) > MOST_VARIABLE


def correlation_log_p(statistics: Table, settings: CandidatesSection) -> Floats:
    """Logarithm of the probability of Pearson's r of two bands, one-sided, were both noise."""
    keys = measurement_keys(statistics)
    tests = []
    for first, second in combinations(keys, 2):
        name = f"correlation_{first}_{second}"
        if name in statistics.colnames:
            r, n = numbers(statistics, name), numbers(statistics, f"n_{first}_{second}")
            is_judged = np.isfinite(r) & (n >= settings.min_points)
            freedom = np.where(is_judged, n - 2, 1.0)
            r = np.clip(np.where(is_judged, r, 0.0), -1.0, 1.0)
            # t with n - 2 degrees of freedom, by its incomplete beta function.
            tail = betainc(freedom / 2, 0.5, 1 - r**2) / 2
            p = np.where(r > 0, tail, 1 - tail)
            tests.append(np.where(is_judged, np.log(np.maximum(p, _LEAST_P)), np.nan))
    return of_dependent(tests) if tests else np.full(len(statistics), np.nan)


def chi2_log_p(statistics: Table, key: str, settings: CandidatesSection) -> Floats:
    """Logarithm of the probability of reduced chi-squared, if constant and the errors right."""
    n, reduced = numbers(statistics, f"n_{key}"), numbers(statistics, f"reduced_chi2_{key}")
    is_judged = np.isfinite(reduced) & (n >= settings.min_points)
    half = np.where(is_judged, (n - 1) / 2, 1.0)
    p = gammaincc(half, half * np.where(is_judged, reduced, 1.0))
    return np.where(is_judged, np.log(np.maximum(p, _LEAST_P)), np.nan)


def clean_period_log_p(periods: Table, settings: CandidatesSection) -> Floats:
    """Logarithm of the false-alarm probability of significant periods that are no alias."""
    fap = numbers(periods, "fap")
    is_clean = np.array([not alias for alias in texts(periods, "alias")], dtype=np.bool_)
    counts = is_clean & (fap <= settings.false_positive_rate)
    return np.where(counts, np.log(np.clip(fap, LEAST_FAP, 1.0)), np.nan)


def describe_survey(
    statistics: Table,
    settings: CandidatesSection,
    scores: Scores,
    evidence: LightcurveEvidence | None,
    *,
    n_candidates: int,
    n_doubted: int,
    n_absolute: int,
    n_by_period: int,
    is_red: bool,
) -> list[str]:
    """What holds for the survey as a whole, in sentences."""
    n, rate = scores.n_judged, settings.false_positive_rate
    found = "1 candidate" if n_candidates == 1 else f"{n_candidates:,} candidates"
    doubted = f" ({n_doubted:,} of them doubted)" if n_doubted else ""
    among = f"{found}{doubted} among {len(statistics):,} object" + "s" * (len(statistics) != 1)
    if scores.has_comparison:
        judged = "all" if n == len(statistics) else f"{n:,} of them"
        first = (
            f"{among}; {judged} could be compared with others. If all were constant, "
            f"{rate * n:.2g} would be called variable by chance"
        )
    else:
        first = (
            f"{among}, not judged by comparison: that takes at least {LEAST_OBJECTS} objects with "
            f"{settings.min_points} points each (candidates.min_points). What has a significant "
            f"period is a candidate all the same"
        )
    notes = [first]
    if evidence is not None:
        notes += _notes_on_epochs(evidence.epochs)
        notes += [
            f"objects have {share:.0%} of their variance in {key} in common, epoch by epoch: the "
            f"zero points are not all that was wrong, and small variations drown in it"
            for key, share in evidence.common.items()
            if share > MOST_COMMON_VARIANCE
        ]
    if most_vary_together(correlation_log_p(statistics, settings), settings):
        notes.append(
            "the bands of more than half of the objects vary together: most are variable, or the "
            "zero points are wrong; objects cannot be judged by the others"
        )
    if is_red:
        notes.append(
            f"{n_by_period:,} objects that do not stand out have a significant period: the noise "
            f"is correlated in time, and a period alone makes no candidate"
        )
    elif n_by_period:
        notes.append(f"{n_by_period} found by the period alone")
    if n_absolute:
        notes.append(
            f"{n_absolute:,} are candidates by their bands or their errors alone, not by "
            f"comparison with others"
        )
    notes += _notes_on_errors(statistics, settings)
    return notes


def _notes_on_epochs(epochs: Table) -> list[str]:
    suspect = epochs[np.asarray(epochs["is_suspect"])]
    if not len(suspect):
        return []
    named = [
        f"{epoch} ({key})"
        for epoch, key in zip(texts(suspect, "epoch"), texts(suspect, "measurement"), strict=True)
    ]
    some = ", ".join(named[:_MOST_EPOCHS_NAMED]) + ", ..." * (len(named) > _MOST_EPOCHS_NAMED)
    return [f"many objects are off at once in {len(named)} epoch{'s' * (len(named) > 1)}: {some}"]


def _notes_on_errors(statistics: Table, settings: CandidatesSection) -> list[str]:
    notes = []
    for key in measurement_keys(statistics):
        n, reduced = numbers(statistics, f"n_{key}"), numbers(statistics, f"reduced_chi2_{key}")
        known = np.isfinite(reduced) & (n >= settings.min_points)
        if not known.any():
            continue
        middle = float(np.median(reduced[known]))
        expected = chi2.median(np.median(n[known]) - 1) / (np.median(n[known]) - 1)
        ratio = float(np.sqrt(middle / expected))
        if ratio > 2 and not settings.trust_errors:  # noqa: PLR2004
            notes.append(
                f"half of the objects scatter more than {ratio:.1f} times their errors in {key}: "
                f"the errors are too small, or most objects vary; if the errors are right, say "
                f"trust_errors = true"
            )
    return notes
