"""Mean colours of stars, for a term in colour."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lc_pipeline.analysis.blocks import LightcurveBlock, map_blocks
from lc_pipeline.analysis.summary import sorted_median
from lc_pipeline.errors import LightcurveError
from lc_pipeline.photometry.magnitudes import LOG_TO_MAG

Array = NDArray[np.float64]


def mean_colours(dataset: xr.Dataset, pair: tuple[str, str]) -> Array:
    """Colour of every object, mag: the difference of its medians in two measurements.

    Raises
    ------
    LightcurveError
        If there is no such measurement.
    """
    keys = dataset["measurement"].values.tolist()
    if missing := [key for key in pair if key not in keys]:
        raise LightcurveError(
            f"photometry.colour: there is no measurement {missing[0]!r}; "
            f"there are {', '.join(keys)}"
        )
    is_flux = [str(dataset["quantity"].values[keys.index(key)]) == "flux" for key in pair]
    work = partial(_colours, is_flux=is_flux)
    return np.concatenate([np.empty(0), *map_blocks(work, dataset, pair)])


def _colours(block: LightcurveBlock, is_flux: Sequence[bool]) -> Array:
    median = sorted_median(block.value)
    for number in np.flatnonzero(is_flux):
        positive = np.where(median[:, number] > 0, median[:, number], np.nan)
        median[:, number] = -LOG_TO_MAG * np.log(positive)
    return np.asarray(median[:, 0] - median[:, 1])


def median_colour(colour: Array) -> float:
    """Median of the colours that are known; 0 if none is."""
    known = colour[np.isfinite(colour)]
    return float(np.median(known)) if len(known) else 0.0
