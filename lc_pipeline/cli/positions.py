"""Objects by name or by position, as people type them."""

from __future__ import annotations

import math
import re

import numpy as np
from astropy.coordinates import SkyCoord

from lc_pipeline.errors import NotInStoreError, RegionError
from lc_pipeline.ingest import epoch_storage, object_storage
from lc_pipeline.sky.geometry import separation_arcsec
from lc_pipeline.storage import LightcurveStorage
from lc_pipeline.survey import SurveyConfig

_LIKE_A_POSITION = re.compile(r"\s*[-+\d.]\S*[\d.hdms]\s+[-+\d:.hdms\s]+")
_NO_POSITION = (
    "this is no position. Give RA and Dec in degrees (135.5865 -49.8193), or in hours and degrees "
    "(09:02:20.76 -49:49:09.3), Dec within -90 and 90"
)


def readable_store(survey: SurveyConfig) -> LightcurveStorage:
    """The object store; before anything is published, the epoch store."""
    objects = object_storage(survey)
    return objects if objects.is_there else epoch_storage(survey)


def parse_position(text: str) -> tuple[float, float] | None:
    """RA and Dec (deg) from what was typed; None if it is no position.

    Two plain numbers are degrees. Sexagesimal coordinates are hours and degrees, in any form that
    astropy knows; ``d`` and ``h`` settle the unit.

    Raises
    ------
    RegionError
        If it is meant as a position and is none.

    Examples
    --------
    >>> parse_position("135.5865, -49.8193")
    (135.5865, -49.8193)
    >>> "%.4f %.5f" % parse_position("09:02:20.76 +49:49:09.3")
    '135.5865 49.81925'
    >>> parse_position("NGC 1234") is None
    True
    """
    typed = text.replace(",", " ")
    try:
        ra, dec = (float(part) for part in typed.split())
    except ValueError:
        try:
            position = SkyCoord(typed, unit=("hourangle", "deg"))
        except ValueError as error:
            if _LIKE_A_POSITION.fullmatch(typed):
                raise RegionError(f"{text}: {_NO_POSITION}") from error
            return None
        return float(position.ra.deg), float(position.dec.deg)
    if not (math.isfinite(ra) and -90 <= dec <= 90):  # noqa: PLR2004 (deg)
        raise RegionError(f"{text}: {_NO_POSITION}")
    return ra, dec


def find_object(storage: LightcurveStorage, name: str, radius: float) -> str:
    """An object's key from a key, or from a position: the nearest within `radius` arcsec.

    Raises
    ------
    NotInStoreError
        If there is none; the message names the nearest.
    """
    reference = storage.reference
    position = None if name in reference.key else parse_position(name)
    if position is None:
        return name
    separation = separation_arcsec(reference.ra, reference.dec, *position)
    nearest = int(np.argmin(separation))
    if separation[nearest] > radius:
        raise NotInStoreError(
            f"{storage.location}: no object within {radius} arcsec of {name} (RA "
            f"{position[0]:.6f}, Dec {position[1]:+.6f} degrees); the nearest is "
            f"{name_nearest(storage, *position)}"
        )
    return str(reference.key[nearest])


def name_nearest(storage: LightcurveStorage, ra: float, dec: float) -> str:
    """Say which object is the nearest to a position (deg), and how far away."""
    reference = storage.reference
    separation = separation_arcsec(reference.ra, reference.dec, ra, dec)
    nearest = int(np.argmin(separation))
    away = float(separation[nearest])
    unit, size = next(
        (unit, size)
        for unit, size in (("degrees", 3600), ("arcmin", 60), ("arcsec", 0))
        if away >= size
    )
    return f"{reference.key[nearest]}, {away / max(size, 1):.1f} {unit} away"
