"""The periodogram of one object, to be looked at."""

from __future__ import annotations

import numpy as np
import xarray as xr
from astropy.table import Row

from lc_pipeline.analysis.barycentric import barycentric
from lc_pipeline.analysis.blocks import read_block
from lc_pipeline.analysis.periods.cadence import frequency_grid
from lc_pipeline.analysis.periods.least_squares import pooled_power, usable_terms
from lc_pipeline.analysis.periods.search import WINSORISED
from lc_pipeline.analysis.periods.sums import sums_on_grid
from lc_pipeline.analysis.periods.table import object_bands
from lc_pipeline.analysis.plots import Periodogram
from lc_pipeline.survey import PeriodsSection


def object_periodogram(
    dataset: xr.Dataset,
    number: int,
    settings: PeriodsSection | None = None,
    found: Row | None = None,
) -> Periodogram | None:
    """Power over all frequencies that were searched, with the window function of the times.

    Parameters
    ----------
    dataset : xarray.Dataset
        As ``LightcurveStorage.dataset`` gives it.
    number : int
        Position on the object axis.
    settings : PeriodsSection, optional
        As for the search.
    found : Row, optional
        Of the table of periods: its number of harmonics is drawn, and its frequencies are marked.

    Returns
    -------
    Periodogram or None
        Power is the fraction of the bands' common chi-squared that the model takes away. None
        where there are too few values.
    """
    settings = settings or PeriodsSection()
    block = read_block(
        barycentric(dataset), slice(number, number + 1), settings.measurements or None
    )
    quantities = dataset["quantity"].sel(measurement=list(block.measurement_keys)).values.tolist()
    bands = [
        band.winsorised(WINSORISED)
        for band in object_bands(block, 0, quantities)
        if usable_terms(len(band.time), 1) and np.ptp(band.value) > 0
    ]
    if not bands:
        return None
    time = np.concatenate([band.time for band in bands])
    grid = frequency_grid(
        time,
        min_period=settings.min_period,
        max_period=settings.max_period,
        samples_per_peak=settings.samples_per_peak,
    )
    if not grid.size:
        return None
    n_terms = (
        settings.terms if found is None else min(settings.terms, max(1, int(found["n_terms"])))
    )
    series = [band.series() for band in bands]
    power = np.empty(grid.size)
    for pieces in zip(
        *(one.power_on_grid(grid, n_terms, single=True) for one in series), strict=True
    ):
        start = pieces[0][0]
        joined = pooled_power([piece for _, piece in pieces], series)[n_terms - 1, 0]
        power[start : start + len(joined)] = joined
    window = np.empty(grid.size)
    one = np.full((1, len(time)), 1 / len(time))
    for start, (part,) in sums_on_grid(time, one, grid, [1], single=True):
        window[start : start + part.shape[-1]] = np.abs(part[0])
    harmonics = "1 harmonic" if n_terms == 1 else f"{n_terms} harmonics"
    return Periodogram(
        grid.frequencies,
        power,
        window,
        peaks={} if found is None else _peaks(found),
        power_name=f"power ({harmonics})",
    )


def _peaks(found: Row) -> dict[str, float]:
    """Frequencies of a row of the table of periods, by what they are called."""
    marked = {}
    for name in found.colnames:
        if not name.startswith("frequency") or not np.isfinite(found[name]):
            continue
        alias = found[f"alias{name.removeprefix('frequency')}"]
        marked[f"{1 / found[name]:.6g} d" + (f" ({alias})" if alias else "")] = float(found[name])
    return marked
