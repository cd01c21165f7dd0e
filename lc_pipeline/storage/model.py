"""The data model: which arrays there are, on which axes, with which meaning.

Both stores are made from :data:`ARRAYS`, and so are the xarray attributes that people see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from lc_pipeline.errors import StorageError
from lc_pipeline.flags import MeasurementFlag, flag_attributes
from lc_pipeline.storage.codecs import compressors

FORMAT_VERSION = 1
CONVENTIONS = "lc_pipeline-1"


@dataclass(frozen=True)
class ArrayModel:
    """One array with an epoch axis. `dims` are in the order that people see."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    fill_value: float | int
    attributes: dict[str, Any]
    is_optional: bool = False
    """Made when the first epoch needs it; until then, and where absent, the fill value holds."""


ARRAYS = (
    ArrayModel(
        "lightcurves",
        ("object", "measurement", "value", "epoch"),
        "float32",
        np.nan,
        {"long_name": "measured value and its error", "missing": "NaN; see flags for the reason"},
    ),
    ArrayModel(
        "flags",
        ("object", "measurement", "epoch"),
        "uint16",
        int(MeasurementFlag.NOT_INGESTED),
        flag_attributes(),
    ),
    ArrayModel(
        "separation",
        ("object", "epoch"),
        "float32",
        np.nan,
        {
            "long_name": "distance of the detection from the reference position",
            "units": "arcsec",
            "ucd": "pos.angDistance",
        },
    ),
    ArrayModel(
        "time_offset",
        ("object", "measurement", "epoch"),
        "float32",
        np.nan,
        {
            "long_name": "the measurement's own time minus the epoch's time",
            "units": "d",
            "missing": "NaN: the epoch's time holds",
        },
        is_optional=True,
    ),
    ArrayModel(
        "catalog_flags",
        ("object", "measurement", "epoch"),
        "int64",
        0,
        {"long_name": "the catalogue's own flags", "ucd": "meta.code.qual"},
        is_optional=True,
    ),
)

COORDINATE_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "object": {"long_name": "object key", "ucd": "meta.id;meta.main"},
    "ra": {"long_name": "right ascension (ICRS)", "units": "deg", "ucd": "pos.eq.ra;meta.main"},
    "dec": {"long_name": "declination (ICRS)", "units": "deg", "ucd": "pos.eq.dec;meta.main"},
    "pm_ra_cosdec": {"long_name": "proper motion in RA times cos(Dec)", "units": "mas/yr"},
    "pm_dec": {"long_name": "proper motion in Dec", "units": "mas/yr"},
    "ref_epoch": {"long_name": "Julian year of the positions", "units": "yr"},
    "measurement": {"long_name": "band, aperture or channel"},
    "quantity": {"long_name": "mag or flux"},
    "unit": {"long_name": "unit of the value and its error"},
    "value": {"long_name": "what the number is"},
    "epoch": {"long_name": "epoch key"},
    "time": {
        "long_name": "time of mid-exposure",
        "units": "d",
        "format": "mjd",
        "ucd": "time.epoch",
    },
    "bjd_tdb": {
        "long_name": "barycentric Julian date of the field centre",
        "units": "d",
        "format": "jd",
        "scale": "tdb",
        "refposition": "BARYCENTER",
    },
    "exposure": {"long_name": "exposure time", "units": "s", "ucd": "time.duration;obs.exposure"},
    "n_sources": {"long_name": "detections in the epoch's catalogue"},
    "n_matched": {"long_name": "detections matched to an object"},
    "n_unmatched": {"long_name": "detections of no object"},
    "n_ambiguous": {"long_name": "detections with another candidate in the match radius"},
    "n_duplicates": {"long_name": "further detections of an object already matched"},
    "offset_east": {"long_name": "astrometric offset removed, to the east", "units": "arcsec"},
    "offset_north": {"long_name": "astrometric offset removed, to the north", "units": "arcsec"},
    "n_offset_pairs": {"long_name": "detections that the astrometric offset rests on"},
    "source_name": {"long_name": "catalogue files of the epoch"},
    "source_sha256": {"long_name": "SHA-256 of each catalogue file"},
    "ingested_at": {"long_name": "when the epoch was ingested (UTC)"},
}


def value_names(quantities: Sequence[str]) -> tuple[str, str]:
    """Names of a value and its error for measurements of these quantities.

    Examples
    --------
    >>> value_names(["mag", "mag"])
    ('mag', 'mag_err')
    >>> value_names(["mag", "flux"])
    ('value', 'error')
    """
    if set(quantities) == {"mag"}:
        return "mag", "mag_err"
    if set(quantities) == {"flux"}:
        return "flux", "flux_err"
    return "value", "error"


def create_array(
    group: zarr.Group,
    model: ArrayModel,
    dims: tuple[str, ...],
    sizes: dict[str, int],
    *,
    chunk: dict[str, int],
    shard: dict[str, int],
) -> zarr.Array[Any]:
    """Create one array of the model with its axes in the order `dims`."""
    return group.create_array(
        model.name,
        shape=tuple(sizes[dim] for dim in dims),
        chunks=tuple(chunk[dim] for dim in dims),
        shards=tuple(shard[dim] for dim in dims),
        dtype=model.dtype,
        fill_value=model.fill_value,
        compressors=compressors(),
        dimension_names=dims,
        attributes=model.attributes,
    )


def create_coordinate(
    group: zarr.Group,
    name: str,
    dims: tuple[str, ...],
    values: Any,
    *,
    chunk: int | None = None,
    attributes: dict[str, Any] | None = None,
) -> zarr.Array[Any]:
    """Create a small array and write `values`; strings are variable-length UTF-8.

    Parameters
    ----------
    chunk : int, optional
        Length of a chunk on the first axis; by default all of it.
    attributes : dict, optional
        Added to those of :data:`COORDINATE_ATTRIBUTES`.
    """
    values = np.asarray(values)
    is_text = values.dtype.kind in "OUT"
    array: zarr.Array[Any] = group.create_array(
        name,
        shape=values.shape,
        chunks=(chunk or max(1, values.shape[0]), *(max(1, n) for n in values.shape[1:])),
        dtype=str if is_text else values.dtype,
        fill_value="" if is_text else (np.nan if values.dtype.kind == "f" else 0),
        compressors=compressors()[1:] if is_text else compressors(),
        dimension_names=dims,
        attributes=COORDINATE_ATTRIBUTES.get(name, {}) | (attributes or {}),
        # A chunk that is not there is a chunk that was lost.
        config={"write_empty_chunks": True},
    )
    if values.size:
        array[...] = values.astype(np.dtypes.StringDType()) if is_text else values
    return array


def texts(array: zarr.Array[Any]) -> list[str]:
    """All strings of a coordinate; raises as :func:`read_coordinate`."""
    return [str(text) for text in read_coordinate(array).tolist()]


def read_coordinate(array: zarr.Array[Any]) -> NDArray[Any]:
    """All values of a small array.

    Raises
    ------
    StorageError
        If it is damaged; the message names it.
    """
    try:
        return np.asarray(array[...])
    except (ValueError, RuntimeError, OSError) as error:  # by the codec that notices
        place = str(array.store_path).removeprefix("file://")
        raise StorageError(
            f"{place}: cannot be read: damaged ({error}). 'lc-pipeline verify SURVEY' tells what "
            f"else is"
        ) from error


def dims_on_disk(array: zarr.Array[Any]) -> tuple[str, ...]:
    """Names of the axes in the order of the disk."""
    return tuple(str(name) for name in array.metadata.dimension_names or ())  # type: ignore[union-attr]
