"""Positions on the sphere: separations, regions, order along the sky, barycentric time."""

from lc_pipeline.sky.barycenter import barycentric_julian_date
from lc_pipeline.sky.geometry import (
    chord_length,
    separation_arcsec,
    sky_coordinates,
    tangent_basis,
    unit_vectors,
)
from lc_pipeline.sky.ordering import healpix_order
from lc_pipeline.sky.polygons import in_polygon
from lc_pipeline.sky.regions import in_box, in_cone
from lc_pipeline.sky.sky_index import SkyIndex

__all__ = [
    "SkyIndex",
    "barycentric_julian_date",
    "chord_length",
    "healpix_order",
    "in_box",
    "in_cone",
    "in_polygon",
    "separation_arcsec",
    "sky_coordinates",
    "tangent_basis",
    "unit_vectors",
]
