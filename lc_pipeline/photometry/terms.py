"""What zero points may depend on beside the epoch: a star's colour and its place in the field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lc_pipeline.sky.geometry import mean_direction, sky_coordinates, tangent_basis, unit_vectors

Array = NDArray[np.float64]

COLOUR = "colour"
#: Powers of x and y, by name.
_POWERS = {"x": (1, 0), "y": (0, 1), "xx": (2, 0), "xy": (1, 1), "yy": (0, 2)}
_DEGREE = {0: 0, 1: 2, 2: 5}


def term_names(*, has_colour: bool, position_degree: int) -> tuple[str, ...]:
    """Names of the terms beside the zero point.

    Examples
    --------
    >>> term_names(has_colour=True, position_degree=1)
    ('colour', 'x', 'y')
    """
    return (COLOUR,) * has_colour + tuple(_POWERS)[: _DEGREE[position_degree]]


@dataclass(frozen=True)
class Frame:
    """The field's tangent plane: x to the east, y to the north, from -1 to 1 over the field."""

    ra: float
    dec: float
    radius_deg: float

    @classmethod
    def of(cls, ra: ArrayLike, dec: ArrayLike) -> Frame:
        """Fit the frame to positions (deg)."""
        vectors = unit_vectors(ra, dec)
        center = mean_direction(vectors)
        if center is None:
            return cls(0.0, 0.0, 1.0)
        center_ra, center_dec = sky_coordinates(center)
        frame = cls(float(center_ra), float(center_dec), 1.0)
        radius = float(np.max(np.abs(frame.coordinates(ra, dec)), initial=0.0))
        return cls(frame.ra, frame.dec, radius or 1.0)

    def coordinates(self, ra: ArrayLike, dec: ArrayLike) -> Array:
        """(n, 2) array of x and y; gnomonic, and held at the edge of the hemisphere."""
        vectors = unit_vectors(ra, dec)
        center = unit_vectors(self.ra, self.dec)
        east, north = tangent_basis(center)
        depth = np.maximum(vectors @ center, 0.05)
        plane = np.stack([vectors @ east, vectors @ north], axis=-1) / depth[..., np.newaxis]
        return np.asarray(np.rad2deg(plane) / self.radius_deg)


def star_terms(
    names: Sequence[str], coordinates: Array, colour: Array | None, center_colour: float = 0.0
) -> Array:
    """What multiplies each coefficient, (n_stars, n_terms).

    A star without a colour gets none of that term, as a star of the central colour.
    """
    columns = []
    for name in names:
        if name == COLOUR:
            assert colour is not None  # noqa: S101 (the caller has it where the term is)
            columns.append(np.nan_to_num(colour - center_colour))
        else:
            powers = _POWERS[name]
            columns.append(coordinates[:, 0] ** powers[0] * coordinates[:, 1] ** powers[1])
    return np.stack(columns, axis=-1) if columns else np.empty((len(coordinates), 0))
