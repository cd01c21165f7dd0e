"""Zero points of a survey: solved from its light curves, written down as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Column, Table
from numpy.typing import NDArray

from lc_pipeline.analysis.blocks import LightcurveBlock, map_blocks
from lc_pipeline.analysis.summary import sorted_median
from lc_pipeline.errors import LightcurveError
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.photometry.ensemble import Ensemble, read_ensembles
from lc_pipeline.photometry.in_force import judge
from lc_pipeline.photometry.magnitudes import LOG_TO_MAG
from lc_pipeline.photometry.noise import NoiseModel
from lc_pipeline.photometry.robust import Solution, solve_robustly
from lc_pipeline.photometry.terms import COLOUR, Frame, star_terms, term_names
from lc_pipeline.progress import Progress
from lc_pipeline.survey import PhotometrySection

Array = NDArray[np.float64]

GAUGE = "the median zero point of each component is 0"


@dataclass(frozen=True)
class _Solved:
    """One measurement: its solution, and whether it is in force."""

    measurement: str
    solution: Solution | None
    in_force: bool
    reason: str


def solve_zero_points(
    dataset: xr.Dataset,
    settings: PhotometrySection | None = None,
    *,
    version: str = "",
    progress: Progress | None = None,
) -> Table:
    """Solve for the zero points of all epochs; see :func:`solve_calibration`.

    Returns
    -------
    Table
        One row per measurement and epoch, epochs in the order of the dataset.
    """
    return solve_calibration(dataset, settings, version=version, progress=progress).zero_points


def solve_calibration(
    dataset: xr.Dataset,
    settings: PhotometrySection | None = None,
    *,
    version: str = "",
    progress: Progress | None = None,
) -> Calibration:
    """Solve for the zero points of all epochs and measurements, and decide what is in force.

    Parameters
    ----------
    dataset : xarray.Dataset
        As ``LightcurveStorage.dataset`` gives it: as measured, not calibrated. Read block by block.
    settings : PhotometrySection, optional
        ``[photometry]`` of ``survey.toml``.
    version : str, optional
        What the calibration is to be known by; by default the dataset's version.
    progress : callable, optional
        Called with (objects done, objects in all).

    Returns
    -------
    Calibration

    Raises
    ------
    LightcurveError
        If the dataset is calibrated already, or a term in colour names a measurement that is not
        there.
    """
    settings = settings or PhotometrySection()
    version = version or str(dataset.attrs.get("version", ""))
    if "zero_point" in dataset.coords:
        raise LightcurveError("zero points are solved from light curves as they were measured")
    keys = dataset["measurement"].values.tolist()
    if settings.zero_points == "off":
        reason = 'zero_points = "off" in [photometry]'
        return _table(dataset, [_Solved(key, None, False, reason) for key in keys], version, {})  # noqa: FBT003
    ensembles = read_ensembles(
        dataset, max_stars=settings.max_stars, min_snr=settings.min_snr, progress=progress
    )
    solved = [_solve(ensemble, None, settings) for ensemble in ensembles]
    names = term_names(
        has_colour=settings.colour is not None, position_degree=settings.position_degree
    )
    if not names:
        return _table(dataset, solved, version, {})
    frame = Frame.of(dataset["ra"].values, dataset["dec"].values)
    coordinates = frame.coordinates(dataset["ra"].values, dataset["dec"].values)
    about: dict[str, Any] = {"terms": list(names), "frame": vars(frame)}
    colour = None
    if settings.colour is not None:
        calibrated = _table(dataset, solved, version, {}).attach(dataset)
        colour = mean_colours(calibrated, settings.colour)
        about["colour"] = list(settings.colour)
        about["center_colour"] = float(np.nan_to_num(sorted_median(colour[np.newaxis])[0]))
    again = []
    for ensemble, first in zip(ensembles, solved, strict=True):
        some = _of_known_colour(ensemble, colour)
        basis = star_terms(
            names,
            coordinates[some.objects],
            None if colour is None else colour[some.objects],
            about.get("center_colour", 0.0),
        )
        basis = np.column_stack([np.ones(len(basis)), basis])
        again.append(_solve(some, basis, settings) if first.solution else first)
    return _table(dataset, again, version, about, colour)


def _solve(ensemble: Ensemble, basis: Array | None, settings: PhotometrySection) -> _Solved:
    points, key = ensemble.points, ensemble.measurement
    if not len(points.star):
        return _Solved(key, None, in_force=False, reason="no star has two good values")
    solution = solve_robustly(points, basis, min_stars=settings.min_stars)
    if not np.isfinite(solution.zero_point).any():
        reason = f"no epoch has {settings.min_stars} constant stars in common with others"
        return _Solved(key, solution, in_force=False, reason=reason)
    verdict = judge(points, solution)
    if settings.zero_points == "on":
        return _Solved(key, solution, True, f'zero_points = "on"; {verdict.reason}')  # noqa: FBT003
    return _Solved(key, solution, verdict.helps, verdict.reason)


def _of_known_colour(ensemble: Ensemble, colour: Array | None) -> Ensemble:
    """Leave out stars without a colour, where there is a term in it."""
    if colour is None:
        return ensemble
    known = np.isfinite(colour[ensemble.objects])
    points = ensemble.points.taken(known[ensemble.points.star])
    number = np.cumsum(known) - 1
    points = replace(points, star=number[points.star], n_stars=int(known.sum()))
    return Ensemble(ensemble.measurement, ensemble.objects[known], points)


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
            f"photometry.colour: there is no measurement {missing[0]!r}; there are {', '.join(keys)}"
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


def _table(
    dataset: xr.Dataset,
    solved: Sequence[_Solved],
    version: str,
    about: Mapping[str, Any],
    colour: Array | None = None,
) -> Calibration:
    """Write solutions down: rows of every measurement and epoch, and what they mean."""
    n_epochs = dataset.sizes["epoch"]
    names = list(about.get("terms", ()))
    rows = [_rows(one, n_epochs, len(names)) for one in solved]
    columns = (
        {name: np.concatenate([row[name] for row in rows]) for name in rows[0]} if rows else {}
    )
    repeated = {
        "epoch": dataset["epoch"].values.astype(str),
        "time": dataset["time"].values.astype(float),
        "ingested_at": _coordinate(dataset, "ingested_at"),
    }
    table = Table()
    table["epoch"] = Column(np.tile(repeated["epoch"], len(solved)), description="epoch key")
    measurement = np.repeat([one.measurement for one in solved], n_epochs).astype(str)
    table["measurement"] = Column(measurement, description="band, aperture or channel")
    table["time"] = Column(
        np.tile(repeated["time"], len(solved)), unit="d", description="MJD of mid-exposure"
    )
    for name, (unit, description) in _COLUMNS.items():
        table[name] = Column(columns[name], unit=unit, description=description)
    for number, name in enumerate(names):
        unit = None if name == COLOUR else "mag"
        words = "mag per mag of colour" if name == COLOUR else f"coefficient of {name} in the field"
        table[f"{name}_term"] = Column(columns["terms"][:, number], unit=unit, description=words)
    table["ingested_at"] = Column(
        np.tile(repeated["ingested_at"], len(solved)),
        description="the ingest of the epoch that this holds for",
    )
    noise = {
        one.measurement: one.solution.noise if one.solution else NoiseModel() for one in solved
    }
    table.meta = {
        "version": version,
        "gauge": GAUGE,
        "in_force": {one.measurement: one.in_force for one in solved},
        "reason": {one.measurement: one.reason for one in solved},
        "noise": {key: [model.scale, model.floor] for key, model in noise.items()},
        "constant": {one.measurement: [0.0, 0.0] for one in solved},
        "terms": [],
    } | dict(about)
    return Calibration(table, _colour_table(dataset, colour) if colour is not None else None)


_COLUMNS = {
    "zero_point": ("mag", "applied: calibrated = raw - zero_point, flux * 10**(0.4 zero_point)"),
    "zero_point_err": ("mag", "error of zero_point"),
    "n_zero_point": (None, "stars that carry weight"),
    "scatter": ("mag", "robust scatter of these stars about their means"),
    "component": (None, "epochs that share stars have the same number; -1: shares none"),
    "in_force": (None, "whether the relative zero point is applied"),
    "relative_zero_point": ("mag", "as solved from the ensemble, whether applied or not"),
    "relative_zero_point_err": ("mag", "error of relative_zero_point"),
    "note": (None, "why there is no zero point"),
}


def _rows(one: _Solved, n_epochs: int, n_terms: int) -> dict[str, NDArray[Any]]:
    """Columns of one measurement, in the order of the epochs."""
    nothing = np.full(n_epochs, np.nan)
    solution = one.solution
    if solution is None:
        solved = {"relative_zero_point": nothing, "relative_zero_point_err": nothing}
        solved |= {"scatter": nothing, "n_zero_point": np.zeros(n_epochs, dtype=np.int32)}
        solved |= {"component": np.full(n_epochs, -1, dtype=np.int32)}
        note = np.full(n_epochs, "not solved")
        terms = np.full((n_epochs, n_terms), np.nan)
    else:
        solved = {
            "relative_zero_point": solution.zero_point,
            "relative_zero_point_err": solution.zero_point_err,
            "scatter": solution.scatter,
            "n_zero_point": solution.n_stars.astype(np.int32),
            "component": solution.component.astype(np.int32),
        }
        note = np.full(n_epochs, "too few constant stars")
        note[solution.component < 0] = "shares no star with other epochs"
        note[np.isfinite(solution.zero_point)] = ""
        terms = solution.terms if solution.terms.shape[1] == n_terms else nothing[:, np.newaxis]
        terms = np.broadcast_to(terms, (n_epochs, n_terms))
    zero = np.zeros(n_epochs)
    return solved | {
        "zero_point": solved["relative_zero_point"] if one.in_force else zero,
        "zero_point_err": solved["relative_zero_point_err"] if one.in_force else zero,
        "in_force": np.full(n_epochs, one.in_force),
        "note": note.astype(str),
        "terms": terms,
    }


def _coordinate(dataset: xr.Dataset, name: str) -> NDArray[Any]:
    if name in dataset.coords:
        return dataset[name].values.astype(str)
    return np.full(dataset.sizes["epoch"], "")


def _colour_table(dataset: xr.Dataset, colour: Array) -> Table:
    table = Table()
    table["object"] = Column(dataset["object"].values.astype(str), description="object key")
    table["colour"] = Column(colour, unit="mag", description="difference of calibrated medians")
    return table
