"""Calibrated light curves: zero points joined to a dataset, applied when values are read.

Stands below the stores, as `sky` does: it changes numbers, and knows no store.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Table
from numpy.typing import NDArray
from xarray.core import indexing

from lc_pipeline.errors import LightcurveError, TableNotFoundError
from lc_pipeline.photometry.applied import CalibratedArray
from lc_pipeline.photometry.limits import LIMIT
from lc_pipeline.photometry.terms import COLOUR, Frame, star_terms
from lc_pipeline.tables import read_table, write_table

ZERO_POINTS_FILE = "zero_points.parquet"
COLOURS_FILE = "zero_point_colours.parquet"

_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "zero_point": {
        "long_name": "zero point: calibrated = raw - zero_point for magnitudes, "
        "raw * 10**(0.4 zero_point) for fluxes",
        "units": "mag",
    },
    "zero_point_err": {"long_name": "error of the zero point", "units": "mag"},
    "n_zero_point": {"long_name": "stars that the zero point rests on"},
}

#: The note of an epoch that has no value of a measurement, as where nights have a band each.
NOT_MEASURED = "not measured in this epoch"


class CalibrationWarning(UserWarning):
    """Some of what was asked for has no calibration."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Zero points of a survey, as solved from one version of its light curves.

    Parameters
    ----------
    zero_points : Table
        One row per epoch and measurement, as
        :func:`~lc_pipeline.photometry.zero_points.solve_calibration` makes it; its ``meta`` says
        the version, and what is in force.
    colours : Table, optional
        ``object`` and ``colour``, where there is a term in colour.
    """

    zero_points: Table
    colours: Table | None = field(default=None)

    @classmethod
    def read(cls, folder: str | Path) -> Calibration:
        """Read the calibration in a folder of tables.

        Raises
        ------
        LightcurveError
            If there is none.
        """
        try:
            zero_points = read_table(f"{folder}/{ZERO_POINTS_FILE}")
        except TableNotFoundError as error:
            raise LightcurveError(
                f"{folder}: these light curves have no calibration yet; 'lc-pipeline calibrate "
                f"SURVEY' solves for the zero points. Without calibrated=True values are read as "
                f"measured."
            ) from error
        has_colours = COLOUR in zero_points.meta["terms"]
        return cls(zero_points, read_table(f"{folder}/{COLOURS_FILE}") if has_colours else None)

    def write(self, folder: str | Path) -> str:
        """Write it where :meth:`read` finds it; the zero points last, as they are what counts.

        Parameters
        ----------
        folder : str or Path
            Or a URL that fsspec knows.

        Returns
        -------
        str
            Path or URL of the zero points.
        """
        if self.colours is not None:
            write_table(self.colours, f"{folder}/{COLOURS_FILE}")
        return write_table(self.zero_points, f"{folder}/{ZERO_POINTS_FILE}")

    @property
    def version(self) -> str:
        """Version of the object store that it was solved from."""
        return str(self.zero_points.meta["version"])

    @property
    def in_force(self) -> dict[str, bool]:
        """For each measurement whether its zero points are applied."""
        return {str(key): bool(value) for key, value in self.zero_points.meta["in_force"].items()}

    @property
    def reasons(self) -> dict[str, str]:
        """Why, in plain words."""
        return {str(key): str(value) for key, value in self.zero_points.meta["reason"].items()}

    def with_error_model(self, models: Mapping[str, tuple[float, float]]) -> Calibration:
        """Let errors be read as ``sqrt((scale * error)**2 + floor**2)``: scale and floor (mag).

        Parameters
        ----------
        models : mapping of str to (float, float)
            Scale and floor of each measurement; others keep their errors.
        """
        table = self.zero_points.copy()
        table.meta["error_model"] = {key: list(map(float, pair)) for key, pair in models.items()}
        return Calibration(table, self.colours)

    def attach(self, dataset: xr.Dataset) -> xr.Dataset:
        """Let a dataset's ``lightcurves`` be read calibrated; what is on disk never changes.

        Nothing is read here. Epochs that the calibration does not know (newer ones, or ones that
        were ingested again since) have no zero point in the measurements where zero points are
        in force: their calibrated values are NaN, and a warning says which they are.

        Parameters
        ----------
        dataset : xarray.Dataset
            As ``LightcurveStorage.dataset`` gives it, or part of it with the axes measurement,
            value and epoch.

        Returns
        -------
        xarray.Dataset
            With the coordinates ``zero_point``, ``zero_point_err`` and ``n_zero_point``
            (measurement, epoch).

        Raises
        ------
        LightcurveError
            If the dataset is calibrated already.
        """
        if "zero_point" in dataset.coords:
            raise LightcurveError("these light curves are calibrated already")
        rows = self._rows(dataset)
        joined = self._joined(dataset, rows)
        self._tell(dataset, rows)
        values = dataset["lightcurves"].variable
        names = dataset["value"].values.tolist()
        array = CalibratedArray(
            values,
            is_flux=dataset["quantity"].values == "flux",
            zero_point=joined["zero_point"],
            basis=self._basis(dataset) if self._names else None,
            terms=self._terms(rows) if self._names else None,
            noise=self._noise(dataset),
            limit=names.index(LIMIT) if LIMIT in names else None,
        )
        attributes = values.attrs | {"calibration": f"calibrated, zero points of {self.version}"}
        lazy = xr.Variable(values.dims, indexing.LazilyIndexedArray(array), attributes)
        dims = ("measurement", "epoch")
        coordinates = {
            name: xr.Variable(dims, numbers, _ATTRIBUTES[name]) for name, numbers in joined.items()
        }
        return dataset.assign(lightcurves=lazy).assign_coords(coordinates)

    # ------------------------------------------------------------------ joining

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.zero_points.meta["terms"])

    def _rows(self, dataset: xr.Dataset) -> NDArray[np.intp]:
        """Row of the table for each measurement and epoch; -1 where there is none."""
        table = self.zero_points
        ingested = _texts(dataset, "ingested_at")
        columns = (table[name].tolist() for name in ("measurement", "epoch", "ingested_at"))
        place = {
            (measurement, epoch): (row, at)
            for row, (measurement, epoch, at) in enumerate(zip(*columns, strict=True))
        }
        epochs = dataset["epoch"].values.tolist()
        rows = np.full((dataset.sizes["measurement"], len(epochs)), -1, dtype=np.intp)
        for m, measurement in enumerate(dataset["measurement"].values.tolist()):
            for e, epoch in enumerate(epochs):
                row, at = place.get((measurement, epoch), (-1, ""))
                rows[m, e] = row if ingested is None or at in ("", ingested[e]) else -1
        return rows

    def _joined(self, dataset: xr.Dataset, rows: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        joined: dict[str, NDArray[Any]] = {}
        for name, missing in (
            ("zero_point", np.nan),
            ("zero_point_err", np.nan),
            ("n_zero_point", 0),
        ):
            column = np.append(np.asarray(self.zero_points[name]), missing)
            joined[name] = column[rows]
        joined["n_zero_point"] = joined["n_zero_point"].astype(np.int32)
        in_force, constant = self.in_force, self.zero_points.meta["constant"]
        for number, key in enumerate(dataset["measurement"].values.tolist()):
            if not in_force.get(key, True):  # one number, which holds for all epochs
                joined["zero_point"][number] = constant[key]
                joined["zero_point_err"][number] = 0.0
        return joined

    def _tell(self, dataset: xr.Dataset, rows: NDArray[np.intp]) -> None:
        in_force = self.in_force
        keys = dataset["measurement"].values.tolist()
        if strange := [key for key in keys if key not in in_force]:
            warnings.warn(
                f"measurements that are not part of the calibration of version "
                f"{self.version or '?'}, and have no calibrated values: {', '.join(strange)}",
                CalibrationWarning,
                stacklevel=3,
            )
        matters = np.array([in_force.get(key, False) for key in keys], dtype=bool)
        unknown = ((rows < 0) & matters[:, np.newaxis]).any(axis=0)
        if unknown.any():
            names = dataset["epoch"].values[unknown].tolist()
            some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")  # noqa: PLR2004
            warnings.warn(
                f"{len(names)} of {len(unknown)} epochs are not part of the calibration, which is "
                f"of version {self.version or '?'}: {some}. Their calibrated values are missing "
                f"until the zero points are solved again ('lc-pipeline calibrate').",
                CalibrationWarning,
                stacklevel=3,
            )

    def _basis(self, dataset: xr.Dataset) -> NDArray[np.float64]:
        """What multiplies each term, for each object of the dataset."""
        frame = Frame(**self.zero_points.meta["frame"])
        ra, dec = np.atleast_1d(dataset["ra"].values), np.atleast_1d(dataset["dec"].values)
        colour = None
        if self.colours is not None:
            keys = self.colours["object"].tolist()
            number = dict(zip(keys, self.colours["colour"].tolist(), strict=True))
            objects = np.atleast_1d(dataset["object"].values).tolist()
            colour = np.array([number.get(key, np.nan) for key in objects])
        center = float(self.zero_points.meta.get("center_colour", 0.0))
        return star_terms(self._names, frame.coordinates(ra, dec), colour, center)

    def _terms(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Coefficients, (n_measurements, n_epochs, n_terms); 0 where no zero point is in force."""
        columns = [np.asarray(self.zero_points[f"{name}_term"]) for name in self._names]
        table = np.vstack([np.stack(columns, axis=-1), np.zeros(len(columns))])
        in_force = np.append(np.asarray(self.zero_points["in_force"]), False)
        return np.where(in_force[rows][..., np.newaxis], np.nan_to_num(table[rows]), 0.0)

    def _noise(self, dataset: xr.Dataset) -> NDArray[np.float64] | None:
        models = self.zero_points.meta.get("error_model") or {}
        if not models:
            return None
        keys: Sequence[str] = dataset["measurement"].values.tolist()
        return np.array([models.get(key, (1.0, 0.0)) for key in keys], dtype=float)


def _texts(dataset: xr.Dataset, name: str) -> list[str] | None:
    return dataset[name].values.tolist() if name in dataset.coords else None
