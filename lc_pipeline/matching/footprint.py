"""Which objects an epoch could have seen: the convex hull of its detections."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from lc_pipeline.sky.geometry import mean_direction, tangent_basis

#: Detections further than this from their mean direction have no hull in a plane: cos(60 deg).
_MIN_COSINE = 0.5
_MIN_CORNERS = 3


def inside_hull(detections: NDArray[np.float64], objects: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which objects lie inside the convex hull of some detections.

    The hull is taken in the gnomonic projection about the mean direction of the detections, where
    great circles are straight lines: its edges are great circles, on the poles as elsewhere.

    Parameters
    ----------
    detections : (n_detections, 3) array of float
        Unit vectors.
    objects : (n_objects, 3) array of float
        Unit vectors.

    Returns
    -------
    (n_objects,) array of bool
        The edge is inside. All false where there is no hull: for fewer than three detections, for
        detections on one line, and for a field that reaches more than 60 degrees from its centre.

    Examples
    --------
    >>> from lc_pipeline.sky.geometry import unit_vectors
    >>> corners = unit_vectors([359, 1, 1, 359], [-1, -1, 1, 1])
    >>> inside_hull(corners, unit_vectors([0, 2, 180], [0, 0, 0])).tolist()
    [True, False, False]
    """
    nowhere = np.zeros(len(objects), dtype=np.bool_)
    center = mean_direction(detections)
    if len(detections) < _MIN_CORNERS or center is None:
        return nowhere
    if (detections @ center).min() < _MIN_COSINE:
        return nowhere
    axes = np.column_stack([*tangent_basis(center), center])
    corners, points = detections @ axes, objects @ axes
    corners = corners[:, :2] / corners[:, 2:]
    # Fields of arcseconds and of degrees alike fill the unit square, and rounding is relative.
    scale = np.abs(corners).max()
    if scale == 0.0:
        return nowhere
    try:
        hull = scipy.spatial.ConvexHull(corners / scale)
    except scipy.spatial.QhullError:  # on one line
        return nowhere
    ahead = points[:, 2] > 0.0
    plane = points[ahead, :2] / points[ahead, 2:] / scale
    rounding = 1e-12
    inside = np.ones(len(plane), dtype=np.bool_)
    for a, b, c in hull.equations.tolist():
        inside &= a * plane[:, 0] + b * plane[:, 1] + c <= rounding
    nowhere[ahead] = inside
    return nowhere
