"""Whether results look right: what a person should see before using them."""

from __future__ import annotations

from collections import Counter

import numpy as np
from astropy.table import Table

from lc_pipeline.photometry.calibration import NOT_MEASURED, Calibration

#: More candidates than this fraction of the objects are more than a field of stars has.
MOST_CANDIDATES = 0.2
#: So many objects with one and the same period have it from the observations.
MOST_OF_ONE_PERIOD = 3
#: And so large a part of all that have a period.
MOST_SHARING = 0.05
#: Frequencies nearer than this count as the same, 1/d.
SAME_FREQUENCY = 1e-3
#: A period with a false-alarm probability below this counts as found.
SIGNIFICANT = 1e-3
#: Errors that are wrong by more than this factor should not be trusted.
WRONG_ERRORS = 2.0


def missing_zero_points(calibration: Calibration) -> list[str]:
    """Measurements in force of which some epochs have no zero point, and so no calibrated value.

    Epochs in which the measurement was not made need none.

    Examples
    --------
    >>> table = Table({"measurement": ["g", "g"], "epoch": ["a", "b"], "zero_point": [0.1, np.nan]})
    >>> table.meta = {"in_force": {"g": True}}
    >>> missing_zero_points(Calibration(table))
    ['g: 1 of 2 epochs have no zero point, and no calibrated values (b)']
    """
    table, said = calibration.zero_points, []
    for key, is_in_force in calibration.in_force.items():
        own = table[np.asarray(table["measurement"]) == key]
        if "note" in own.colnames:
            own = own[np.asarray(own["note"]) != NOT_MEASURED]
        absent = own["epoch"][~np.isfinite(own["zero_point"])].tolist()
        if is_in_force and absent:
            some = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")  # noqa: PLR2004
            said.append(
                f"{key}: {len(absent)} of {len(own)} epochs have no zero point, and no calibrated "
                f"values ({some})"
            )
    return said


def wrong_errors(error_model: Table) -> list[str]:
    """Measurements whose values scatter by much more, or much less, than their errors say."""
    return [
        f"{key}: constant objects scatter by {scale:.2f} times the stated errors"
        for key, (scale, _) in error_model.meta["error_model"].items()
        if not 1 / WRONG_ERRORS <= scale <= WRONG_ERRORS
    ]


def unjudged_objects(statistics: Table) -> list[str]:
    """Measurements in which hardly any object has enough points for an index.

    Examples
    --------
    >>> unjudged_objects(Table({"n_g": [0, 2, 9], "iqr_g": [np.nan, np.nan, 0.1]}))
    ['g: 2 of 3 objects have too few points for their scatter to be known']
    """
    said = []
    for name in statistics.colnames:
        if not name.startswith("iqr_") or name.endswith("_z"):
            continue
        unknown = int((~np.isfinite(statistics[name])).sum())
        if unknown > len(statistics) / 2:
            said.append(
                f"{name.removeprefix('iqr_')}: {unknown:,} of {len(statistics):,} objects have too "
                f"few points for their scatter to be known"
            )
    return said


def shared_periods(periods: Table) -> list[str]:
    """Periods that several objects have in common: the observations' rather than theirs.

    Examples
    --------
    >>> periods = Table({"period": [0.9973, 0.9973, 0.9972, 0.5274], "fap": [1e-9] * 4})
    >>> shared_periods(periods)
    ['3 objects have one and the same period, 0.9973 d: it is that of the observations, perhaps']
    """
    found = np.isfinite(periods["period"]) & (np.asarray(periods["fap"]) < SIGNIFICANT)
    frequency = 1 / np.asarray(periods["period"])[found]
    place = np.round(frequency / (2 * SAME_FREQUENCY)).astype(int)
    said = []
    for shared, number in Counter(place.tolist()).most_common():
        if number < MOST_OF_ONE_PERIOD or number <= MOST_SHARING * len(place):
            break
        period = 1 / np.median(frequency[place == shared])
        said.append(
            f"{number} objects have one and the same period, {period:.4g} d: it is that of the "
            f"observations, perhaps"
        )
    return said


def many_candidates(candidates: Table, n_objects: int) -> list[str]:
    """Say so if more objects are called variable than a field of stars has.

    Examples
    --------
    >>> many_candidates(Table({"vetoes": ["", "", "blend"]}), n_objects=9)
    ['2 of 9 objects are called variable without a doubt: are they, or do all scatter together?']
    """
    undoubted = sum(not veto for veto in candidates["vetoes"]) if len(candidates) else 0
    if undoubted <= MOST_CANDIDATES * n_objects:
        return []
    said = f"{undoubted:,} of {n_objects:,} objects are called variable without a doubt"
    return [f"{said}: are they, or do all scatter together?"]
