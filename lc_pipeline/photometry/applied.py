"""The arithmetic of reading calibrated: an xarray backend array over another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from lc_pipeline.photometry.magnitudes import LOG_TO_MAG

Array = NDArray[np.float64]


class CalibratedArray(BackendArray):
    """Light curves that are calibrated when they are read; only what is selected is read.

    Parameters
    ----------
    raw : xarray.Variable
        Lazy or in memory, with the axes measurement, value, epoch and perhaps object.
    is_flux : (n_measurements,) array of bool
        Fluxes are multiplied by ``10**(0.4 z)``, their errors too; of magnitudes `z` is subtracted.
    zero_point : (n_measurements, n_epochs) array, mag
        NaN makes the values NaN.
    basis : (n_objects, n_terms) array, optional
        With `terms`: what multiplies them, for each object.
    terms : (n_measurements, n_epochs, n_terms) array, optional
        Coefficients of colour and position.
    noise : (n_measurements, 2) array, optional
        Scale of the errors, and floor in mag, to be added in quadrature.
    limit : int, optional
        Place along the value axis of the limits: they are calibrated as the values are.
    """

    def __init__(
        self,
        raw: xr.Variable,
        *,
        is_flux: NDArray[np.bool_],
        zero_point: Array,
        basis: Array | None = None,
        terms: Array | None = None,
        noise: Array | None = None,
        limit: int | None = None,
    ) -> None:
        self.limit = limit
        self.raw, self.is_flux, self.zero_point = raw, is_flux, zero_point
        self.basis, self.terms, self.noise = basis, terms, noise
        self.shape, self.dtype, self.dims = raw.shape, raw.dtype, tuple(map(str, raw.dims))

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read a selection (xarray's protocol for lazy arrays)."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Any:
        chosen = dict(zip(self.dims, map(_kept_axis, key), strict=True))
        wanted = np.arange(self.raw.sizes["value"])[chosen["value"]]
        read = wanted
        if self.noise is not None:  # the error of a flux with a floor needs the flux
            read = np.union1d(wanted, [0, 1])
            chosen["value"] = read
        part = self.raw.isel(chosen).values
        part = np.array(np.moveaxis(part, self.dims.index("value"), 0))  # a copy: raw stays raw
        self._calibrate(part, read.tolist(), chosen)
        if read is not wanted:
            part = part[np.searchsorted(read, wanted)]
        part = np.moveaxis(part, 0, self.dims.index("value"))
        return part[tuple(slice(None) if isinstance(k, slice) or np.ndim(k) else 0 for k in key)]

    def _calibrate(self, part: NDArray[Any], values: list[int], chosen: dict[str, Any]) -> None:
        """Calibrate a block in place; its first axis is the value, the others as in `dims`."""
        shift = self._shift(chosen).astype(part.dtype)
        value, error, limit = (
            part[values.index(n)] if n in values else None for n in (0, 1, self.limit)
        )
        is_flux = self.is_flux[chosen["measurement"]]
        if is_flux.any():
            flux = self._along_measurements(is_flux)
            factor = np.where(flux, np.power(10, 0.4 * shift), 1)
            shift = np.where(flux, 0 * shift, shift)
        for brightness in [each for each in (value, limit) if each is not None]:
            np.subtract(brightness, shift, out=brightness)
            if is_flux.any():
                np.multiply(brightness, factor, out=brightness)
        if error is not None:
            error += 0 * shift  # NaN without a zero point
            if is_flux.any():
                error *= factor
            if self.noise is not None and value is not None:
                noise = self.noise[chosen["measurement"]]
                scale, floor = map(self._along_measurements, noise.T)
                if is_flux.any():
                    floor = np.where(flux, floor / LOG_TO_MAG * np.abs(value), floor)
                error[:] = np.hypot(scale * error, floor)

    def _shift(self, chosen: dict[str, Any]) -> Array:
        """Zero point and terms, in the axes of a block without the value axis."""
        measurement, epoch = chosen["measurement"], chosen["epoch"]
        shift = self.zero_point[measurement][:, epoch]
        axes: tuple[str, ...] = ("measurement", "epoch")
        if "object" in self.dims or self.terms is not None:
            axes = ("object", *axes)
            shift = shift[np.newaxis]
        if self.terms is not None and self.basis is not None:
            basis = self.basis[chosen.get("object", slice(None))]
            shift = shift + np.einsum("ot,met->ome", basis, self.terms[measurement][:, epoch])
        if "object" not in self.dims and len(axes) == 3:  # noqa: PLR2004 (one object, no axis)
            shift, axes = shift[0], axes[1:]
        dims = [dim for dim in self.dims if dim != "value"]
        return np.asarray(shift.transpose([axes.index(dim) for dim in dims]))

    def _along_measurements(self, column: NDArray[Any]) -> NDArray[Any]:
        dims = [dim for dim in self.dims if dim != "value"]
        return column.reshape([-1 if dim == "measurement" else 1 for dim in dims])


def _kept_axis(key: Any) -> Any:
    """Write a number as a slice, so that its axis stays."""
    if isinstance(key, slice) or np.ndim(key):
        return key
    number = int(key)
    return slice(number, number + 1 if number != -1 else None)
