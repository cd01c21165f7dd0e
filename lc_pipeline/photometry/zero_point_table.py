"""The table of zero points: its columns, and how solutions are written into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Column, Table
from numpy.typing import NDArray

from lc_pipeline.photometry.calibration import NOT_MEASURED, Calibration
from lc_pipeline.photometry.noise import NoiseModel
from lc_pipeline.photometry.robust import Solution
from lc_pipeline.photometry.standards import Offset
from lc_pipeline.photometry.terms import COLOUR

GAUGE = "the median relative zero point of the epochs that hang together is 0"

_COLUMNS: dict[str, tuple[str | None, str]] = {
    "zero_point": ("mag", "applied: calibrated = raw - zero_point, flux * 10**(0.4 zero_point)"),
    "zero_point_err": ("mag", "error of zero_point, without that of the standards"),
    "n_zero_point": (None, "stars that carry weight"),
    "scatter": ("mag", "robust scatter of these stars about their means"),
    "component": (None, "epochs that hang together by common stars have one number; -1: none"),
    "in_force": (None, "whether the relative zero point is applied"),
    "relative_zero_point": ("mag", "as solved from the ensemble, whether applied or not"),
    "relative_zero_point_err": ("mag", "error of relative_zero_point"),
    "standards_offset": ("mag", "added to reach the system of the standards"),
    "standards_offset_err": ("mag", "error of standards_offset, common to all epochs"),
    "n_standards": (None, "standard stars that it rests on"),
    "note": (None, "why there is no zero point"),
}


@dataclass(frozen=True)
class SolvedMeasurement:
    """One measurement: its solution, and whether that is in force."""

    measurement: str
    solution: Solution | None
    in_force: bool
    reason: str
    is_measured: NDArray[np.bool_] | None = None
    """(n_epochs,) whether any object has a value; None: not looked at."""


def write_calibration(
    dataset: xr.Dataset,
    solved: Sequence[SolvedMeasurement],
    version: str,
    *,
    about: Mapping[str, Any] | None = None,
    colour: NDArray[np.float64] | None = None,
) -> Calibration:
    """Write solutions down: a row for every measurement and epoch, and what they mean.

    Parameters
    ----------
    dataset : xarray.Dataset
        That was solved.
    solved : sequence of SolvedMeasurement
        One for each of its measurements.
    version : str
    about : mapping, optional
        More for the table's ``meta``: ``terms`` and what they refer to.
    colour : (n_objects,) array, optional
        Where there is a term in it.
    """
    about = dict(about or {})
    names = list(about.get("terms", ()))
    n_epochs = dataset.sizes["epoch"]
    rows = [_rows(one, n_epochs, len(names)) for one in solved]

    def per_epoch(values: NDArray[Any], description: str, unit: str | None = None) -> Column:
        return Column(np.tile(values, len(solved)), description=description, unit=unit)

    table = Table()
    table["epoch"] = per_epoch(dataset["epoch"].values.astype(str), "epoch key")
    measurement = np.repeat([one.measurement for one in solved], n_epochs).astype(str)
    table["measurement"] = Column(measurement, description="band, aperture or channel")
    table["time"] = per_epoch(dataset["time"].values.astype(float), "MJD of mid-exposure", "d")
    for name, (unit, description) in _COLUMNS.items():
        values = np.concatenate([row[name] for row in rows])
        table[name] = Column(values, unit=unit, description=description)
    for number, name in enumerate(names):
        values = np.concatenate([row["terms"][:, number] for row in rows])
        unit, words = None, "mag per mag of the star's colour"
        if name != COLOUR:
            unit, words = "mag", f"coefficient of {name}, -1 to 1 over the field"
        table[f"{name}_term"] = Column(values, unit=unit, description=words)
    ingested = np.full(n_epochs, "")
    if "ingested_at" in dataset.coords:
        ingested = dataset["ingested_at"].values.astype(str)
    table["ingested_at"] = per_epoch(ingested, "the ingest of the epoch that this holds for")
    noise = {
        one.measurement: one.solution.noise if one.solution else NoiseModel() for one in solved
    }
    table.meta = {
        "version": version,
        "gauge": GAUGE,
        "in_force": {one.measurement: one.in_force for one in solved},
        "reason": {one.measurement: one.reason for one in solved},
        "noise": {key: [model.scale, model.floor] for key, model in noise.items()},
        "constant": {one.measurement: 0.0 for one in solved},
        "terms": [],
    } | about
    if colour is None:
        return Calibration(table)
    colours = Table()
    colours["object"] = Column(dataset["object"].values.astype(str), description="object key")
    colours["colour"] = Column(colour, unit="mag", description="difference of calibrated medians")
    return Calibration(table, colours)


def _rows(one: SolvedMeasurement, n_epochs: int, n_terms: int) -> dict[str, NDArray[Any]]:
    """Columns of one measurement, in the order of the epochs."""
    nothing, zero = np.full(n_epochs, np.nan), np.zeros(n_epochs)
    none = np.zeros(n_epochs, dtype=np.int32)
    solution = one.solution
    if solution is None:
        relative = error = scatter = nothing
        count, component, terms = none, none - 1, np.full((n_epochs, n_terms), np.nan)
        reasons = np.full(n_epochs, "not solved")
    else:
        relative, error = solution.zero_point, solution.zero_point_err
        scatter, count = solution.scatter, solution.n_stars.astype(np.int32)
        component, terms = solution.component.astype(np.int32), solution.terms
        reasons = np.where(component < 0, "no star in common with other epochs", "too few stars")
    if one.is_measured is not None:
        reasons = np.where(one.is_measured, reasons, NOT_MEASURED)
    note = np.where(np.isfinite(relative), "", reasons)
    return {
        "zero_point": relative if one.in_force else zero,
        "zero_point_err": error if one.in_force else zero,
        "n_zero_point": count,
        "scatter": scatter,
        "component": component,
        "in_force": np.full(n_epochs, one.in_force),
        "relative_zero_point": relative,
        "relative_zero_point_err": error,
        "standards_offset": zero,
        "standards_offset_err": zero,
        "n_standards": none,
        "note": note,
        "terms": terms,
    }


def with_offsets(
    calibration: Calibration, offsets: Mapping[str, Mapping[int, Offset]], source: str
) -> Calibration:
    """Apply offsets to standards, per measurement and component, and record them.

    Epochs of a component in which no standard was measured have no zero point: they are not on
    the standards' system.
    """
    table = calibration.zero_points.copy()
    table.meta["standards"] = {"file": source}
    note = table["note"].astype(object)
    for key, per_component in offsets.items():
        in_force = calibration.in_force[key]
        for number, offset in per_component.items():
            rows = np.asarray(table["measurement"] == key)
            if in_force:
                rows &= np.asarray(table["component"] == number)
            else:
                table.meta["constant"][key] = -offset.value
            table["standards_offset"][rows] = offset.value
            table["standards_offset_err"][rows] = offset.error
            table["n_standards"][rows] = offset.n_stars
            if offset.n_stars == 0:
                note[rows & (note == "")] = "no standard star in these epochs"
            table.meta["standards"].setdefault(key, []).append(
                [number, offset.value, offset.error, offset.n_stars]
            )
    table["zero_point"] -= table["standards_offset"]
    described = Column(note.astype(str), description=table["note"].description)
    table.replace_column("note", described)
    return Calibration(table, calibration.colours)
