"""Zero points of a survey: solved from its light curves, and what of them is in force."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.errors import LightcurveError
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.photometry.colours import mean_colours, median_colour
from lc_pipeline.photometry.ensemble import Ensemble, read_ensembles
from lc_pipeline.photometry.error_model import fit_error_model
from lc_pipeline.photometry.in_force import judge
from lc_pipeline.photometry.robust import solve_robustly
from lc_pipeline.photometry.standards import (
    Offset,
    match_standards,
    offset_to_standards,
    read_standards,
)
from lc_pipeline.photometry.terms import Frame, star_terms, term_names
from lc_pipeline.photometry.zero_point_table import (
    SolvedMeasurement,
    with_offsets,
    write_calibration,
)
from lc_pipeline.progress import Progress
from lc_pipeline.survey import PhotometrySection, StandardsSection

Array = NDArray[np.float64]


def solve_zero_points(
    dataset: xr.Dataset,
    settings: PhotometrySection | None = None,
    *,
    version: str = "",
    folder: str | Path = ".",
    progress: Progress | None = None,
) -> Table:
    """Solve for the zero points of all epochs; see :func:`solve_calibration`.

    Returns
    -------
    Table
        One row per measurement and epoch, epochs in the order of the dataset.
    """
    return solve_calibration(
        dataset, settings, version=version, folder=folder, progress=progress
    ).zero_points


def solve_calibration(
    dataset: xr.Dataset,
    settings: PhotometrySection | None = None,
    *,
    version: str = "",
    folder: str | Path = ".",
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
    folder : str or Path
        Where a relative path of standards starts: the survey's folder.
    progress : callable, optional
        Called with (objects done, objects in all).

    Returns
    -------
    Calibration

    Raises
    ------
    LightcurveError
        If the dataset is calibrated already, a setting names a measurement that is not there, or
        no standard star matches.
    """
    settings = settings or PhotometrySection()
    version = version or str(dataset.attrs.get("version", ""))
    if "zero_point" in dataset.coords:
        raise LightcurveError("zero points are solved from light curves as they were measured")
    calibration = _solve_relative(dataset, settings, version, progress)
    if settings.standards:
        calibration = _to_standards(calibration, dataset, settings.standards, folder)
    if settings.apply_error_model:
        model = fit_error_model(calibration.attach(dataset), progress=progress)
        calibration = calibration.with_error_model(model.meta["error_model"])
    return calibration


def _solve_relative(
    dataset: xr.Dataset, settings: PhotometrySection, version: str, progress: Progress | None
) -> Calibration:
    if settings.zero_points == "off":
        reason = 'zero_points = "off" in [photometry]'
        keys = dataset["measurement"].values.tolist()
        solved = [SolvedMeasurement(key, None, in_force=False, reason=reason) for key in keys]
        return write_calibration(dataset, solved, version)
    ensembles = read_ensembles(
        dataset, max_stars=settings.max_stars, min_snr=settings.min_snr, progress=progress
    )
    solved = [_solve(ensemble, None, settings) for ensemble in ensembles]
    names = term_names(
        has_colour=settings.colour is not None, position_degree=settings.position_degree
    )
    if not names:
        return write_calibration(dataset, solved, version)
    frame = Frame.of(dataset["ra"].values, dataset["dec"].values)
    about: dict[str, Any] = {"terms": list(names), "frame": vars(frame)}
    colour = None
    if settings.colour is not None:
        calibrated = write_calibration(dataset, solved, version).attach(dataset)
        colour = mean_colours(calibrated, settings.colour)
        about |= {"colour": list(settings.colour), "center_colour": median_colour(colour)}
    coordinates = frame.coordinates(dataset["ra"].values, dataset["dec"].values)
    basis = star_terms(names, coordinates, colour, about.get("center_colour", 0.0))
    basis = np.column_stack([np.ones(len(basis)), basis])
    again = []
    for ensemble in ensembles:
        some = _of_known_colour(ensemble, colour)
        again.append(_solve(some, basis[some.objects], settings))
    return write_calibration(dataset, again, version, about=about, colour=colour)


def _solve(
    ensemble: Ensemble, basis: Array | None, settings: PhotometrySection
) -> SolvedMeasurement:
    points, is_measured = ensemble.points, ensemble.is_measured
    solved = partial(SolvedMeasurement, ensemble.measurement, is_measured=is_measured)
    if not len(points.star):
        return solved(None, in_force=False, reason="no star has two good values")
    solution = solve_robustly(points, basis, min_stars=settings.min_stars)
    if not np.isfinite(solution.zero_point).any():
        reason = f"no epoch has {settings.min_stars} constant stars in common with others"
        return solved(solution, in_force=False, reason=reason)
    verdict = judge(points, solution)
    reason = verdict.reason
    if n_without := int((np.isnan(solution.zero_point) & is_measured).sum()):
        reason += f"; {n_without} of {int(is_measured.sum())} epochs have no zero point"
    if settings.zero_points == "on":
        return solved(solution, in_force=True, reason=f'zero_points = "on"; {reason}')
    return solved(solution, in_force=verdict.helps, reason=reason)


def _of_known_colour(ensemble: Ensemble, colour: Array | None) -> Ensemble:
    """Leave out stars without a colour, where there is a term in it."""
    if colour is None:
        return ensemble
    known = np.isfinite(colour[ensemble.objects])
    points = ensemble.points.taken(known[ensemble.points.star])
    number = np.cumsum(known) - 1
    points = replace(points, star=number[points.star], n_stars=int(known.sum()))
    return replace(ensemble, objects=ensemble.objects[known], points=points)


def _to_standards(
    calibration: Calibration, dataset: xr.Dataset, section: StandardsSection, folder: str | Path
) -> Calibration:
    """Bring every measurement that has standards to their system, each component by itself."""
    keys = dataset["measurement"].values.tolist()
    if strange := sorted(section.values.keys() - set(keys)):
        raise LightcurveError(
            f"photometry.standards.values: there is no measurement {strange[0]!r}; "
            f"there are {', '.join(keys)}"
        )
    standards = read_standards(section, folder)
    matched = match_standards(
        standards, dataset["ra"].values, dataset["dec"].values, section.radius_arcsec
    )
    calibrated = calibration.attach(dataset)
    table = calibration.zero_points
    offsets: dict[str, dict[int, Offset]] = {}
    for key in section.values:
        rows = table["measurement"] == key
        component = np.array(table["component"])[rows]
        # Without relative zero points all epochs are on one system already.
        group = component if calibration.in_force[key] else np.zeros_like(component)
        offsets[key] = {
            int(number): offset_to_standards(
                calibrated.isel(epoch=np.flatnonzero(group == number)), key, standards, matched
            )
            for number in np.unique(group[group >= 0])
        }
        if not any(offset.n_stars for offset in offsets[key].values()):
            raise LightcurveError(
                f"{standards.path}: none of {len(matched)} standards is an object that was "
                f"measured in {key!r} ({int((matched >= 0).sum())} match one within "
                f"{section.radius_arcsec:g} arcsec); correct [photometry.standards]"
            )
    return with_offsets(calibration, offsets, standards.path)
