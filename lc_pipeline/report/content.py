"""What a report is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import xarray as xr
from astropy.table import Row, Table
from astropy.timeseries import TimeSeries

from lc_pipeline.analysis.plots import Periodogram
from lc_pipeline.analysis.quality import Finding
from lc_pipeline.storage.timeseries import object_timeseries
from lc_pipeline.survey import ReportSection

#: Measurements in one plot, unless the settings name them.
MOST_MEASUREMENTS = 6


@dataclass(frozen=True)
class Content:
    """Light curves, the tables made of them, and what is known of how they came to be."""

    dataset: xr.Dataset
    tables: Mapping[str, Table]
    survey: str
    provenance: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    periodogram: Callable[[str], Periodogram | None] | None = None
    settings: ReportSection = field(default_factory=ReportSection)

    def table(self, name: str) -> Table | None:
        """A table, if there is one and it has rows."""
        found = self.tables.get(name)
        return found if found is not None and len(found) else None

    @cached_property
    def measurement_keys(self) -> list[str]:
        """All measurements of the survey."""
        return [str(key) for key in self.dataset["measurement"].values]

    @cached_property
    def drawn_keys(self) -> list[str]:
        """Measurements to draw light curves of."""
        wanted = [key for key in self.settings.measurements if key in self.measurement_keys]
        return wanted or self.measurement_keys[:MOST_MEASUREMENTS]

    @cached_property
    def candidates(self) -> Table | None:
        """Candidates that have a section of their own, best first."""
        ranked = self.table("variable_candidates")
        return None if ranked is None else ranked[: self.settings.candidates]

    def lightcurve(self, object_key: str) -> TimeSeries | None:
        """Rows of one object's light curve; None if the store has no such object, or no epoch."""
        number = self._numbers.get(object_key)
        if number is None or not self.dataset.sizes["epoch"]:
            return None
        return object_timeseries(self.dataset.isel(object=number))

    def period_row(self, object_key: str) -> Row | None:
        """What was found of the object's period; None if nothing was."""
        periods = self.table("periods")
        number = self._period_numbers.get(object_key)
        if periods is None or number is None or not np.isfinite(float(periods["period"][number])):
            return None
        return periods[number]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {str(key): number for number, key in enumerate(self.dataset["object"].values)}

    @cached_property
    def _period_numbers(self) -> dict[str, int]:
        periods = self.table("periods")
        keys = () if periods is None else periods["object"]
        return {str(key): number for number, key in enumerate(keys)}
