"""Variability indices: how much a light curve varies, and whether that is unusual.

:func:`variability_statistics` makes a table of all of them. Each index is one
:class:`Index` in :data:`INDICES` (of one measurement) or :data:`PAIR_INDICES` (of two), with a
function of :class:`Points` (of :class:`TwoMeasurements`) whose docstring has the formula and the
paper.
"""

from lc_pipeline.analysis.statistics.brightness import judge_by_brightness
from lc_pipeline.analysis.statistics.index import Index
from lc_pipeline.analysis.statistics.points import PointRules, Points
from lc_pipeline.analysis.statistics.registry import INDICES, PAIR_INDICES
from lc_pipeline.analysis.statistics.table import variability_statistics
from lc_pipeline.analysis.statistics.two_measurements import TwoMeasurements

__all__ = [
    "INDICES",
    "PAIR_INDICES",
    "Index",
    "PointRules",
    "Points",
    "TwoMeasurements",
    "judge_by_brightness",
    "variability_statistics",
]
