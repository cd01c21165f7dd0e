"""Positions on the sphere: separations, ordering along the sky, barycentric time."""

from lc_pipeline.sky.barycenter import barycentric_julian_date
from lc_pipeline.sky.geometry import (
    chord_length,
    separation_arcsec,
    sky_coordinates,
    tangent_basis,
    unit_vectors,
)
from lc_pipeline.sky.ordering import healpix_order

__all__ = [
    "barycentric_julian_date",
    "chord_length",
    "healpix_order",
    "separation_arcsec",
    "sky_coordinates",
    "tangent_basis",
    "unit_vectors",
]
