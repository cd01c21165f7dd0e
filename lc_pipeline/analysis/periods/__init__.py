"""Periods: Lomb-Scargle of several harmonics and bands, and the choice among its peaks."""

from lc_pipeline.analysis.periods.band import Band
from lc_pipeline.analysis.periods.cadence import frequency_grid
from lc_pipeline.analysis.periods.grid import FrequencyGrid
from lc_pipeline.analysis.periods.least_squares import periodogram
from lc_pipeline.analysis.periods.search import ObjectPeriods, search_object
from lc_pipeline.analysis.periods.table import period_search

__all__ = [
    "Band",
    "FrequencyGrid",
    "ObjectPeriods",
    "frequency_grid",
    "period_search",
    "periodogram",
    "search_object",
]
