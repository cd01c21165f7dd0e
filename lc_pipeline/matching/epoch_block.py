"""One epoch's measurements in the order of the objects: what is written into the store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.catalogs.observing_log import LogRow
from lc_pipeline.catalogs.source_catalog import SourceFile


@dataclass(frozen=True, eq=False)
class EpochBlock:
    """All measurements of all objects at one epoch.

    Attributes
    ----------
    epoch : str
        The epoch's key.
    measurement_keys : tuple of str
        Names along the axis ``n_measurements``.
    value_names : tuple of str
        Names along the axis ``n_values``: the value, its error, then extras.
    lightcurves : (n_measurements, n_values, n_objects) array of float32
        NaN where there is no value.
    flags : (n_measurements, n_objects) array of uint16
        :class:`~lc_pipeline.flags.MeasurementFlag` bits; 0 is good.
    separation : (n_objects,) array of float32, arcsec
        Between the object and the nearest of its adopted detections; NaN where there is none.
    time_offset : (n_measurements, n_objects) array of float32, day, or None
        Each measurement's own time minus `time`; NaN where there is no detection. None when every
        measurement was taken within 1 ms of `time`.
    catalog_flags : (n_measurements, n_objects) array of int32, or None
        The catalogue's own flags, their lowest 32 bits; 0 where there is no detection. None where
        it has no flags.
    time : float
        MJD of mid-exposure.
    time_scale, time_refposition : str
        Scale of `time`, and where the clock stands.
    exposure : float, s
        NaN if unknown.
    n_sources, n_matched, n_unmatched, n_ambiguous, n_duplicates : int
        Detections, as counted by :class:`~lc_pipeline.matching.match.Match`; but here a detection
        is a duplicate as well if all it measures stands in another file of the epoch.
    offset_east_arcsec, offset_north_arcsec : float, arcsec
        Shift removed before matching: the mean over the files where one was found, else 0.
    n_offset_pairs : int
        Pairs that the shift was taken from, of all files.
    n_detected : (n_measurements,) array of int
        Objects with a detection that carries the measurement, usable or not.
    files : tuple of SourceFile
    notes : tuple of str
        What a person should know, in words.
    """

    epoch: str
    measurement_keys: tuple[str, ...]
    value_names: tuple[str, ...]
    lightcurves: NDArray[np.float32]
    flags: NDArray[np.uint16]
    separation: NDArray[np.float32]
    time_offset: NDArray[np.float32] | None
    catalog_flags: NDArray[np.int64] | None
    time: float
    time_scale: str
    time_refposition: str
    exposure: float
    n_sources: int
    n_matched: int
    n_unmatched: int
    n_ambiguous: int
    n_duplicates: int
    offset_east_arcsec: float
    offset_north_arcsec: float
    n_offset_pairs: int
    n_detected: NDArray[np.int64]
    files: tuple[SourceFile | LogRow, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n_objects(self) -> int:
        """Length of the object axis."""
        return int(self.lightcurves.shape[2])

    @property
    def n_stored(self) -> NDArray[np.int64]:
        """Values that are not missing: ``(n_measurements,)`` array of int."""
        n_stored: NDArray[np.int64] = np.isfinite(self.lightcurves[:, 0]).sum(axis=-1)
        return n_stored
