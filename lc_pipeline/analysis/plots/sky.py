"""Where objects are: maps that are right across RA 0, at the poles, and for the whole sky."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import xarray as xr
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.analysis.colours import COLOURS, ORDINARY, REMARKABLE
from lc_pipeline.analysis.plots.figures import (
    MOST_POINTS,
    draw_many,
    new_figure,
    outlined,
    say,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: A field wider than this in Dec, or in RA away from the poles, is no rectangle any more (degrees).
WIDE_DEC, WIDE_RA = 60.0, 180.0
#: So near (degrees) a pole is in the field, or as good as.
NEAR_POLE = 1.0
#: A field that is longer than this is stretched to be seen.
LONGEST = 5.0


@dataclass(frozen=True)
class SkyMap:
    """How positions on the sky are placed on paper: north up, east to the left."""

    projection: Literal["field", "pole", "mollweide"]
    centre: float
    """RA of the middle, degrees."""
    is_north: bool

    @classmethod
    def of(cls, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> Self:
        """Choose the map that shows these positions (degrees).

        Examples
        --------
        >>> SkyMap.of(np.array([359.0, 1.0]), np.array([20.0, 20.1]))
        SkyMap(projection='field', centre=0.0, is_north=True)
        >>> SkyMap.of(np.array([10.0, 130.0, 250.0]), np.array([-88.0, -89.5, -89.0])).projection
        'pole'
        """
        if not len(ra):
            return cls("field", 0.0, is_north=True)
        centre, is_north = circular_middle(ra), bool(np.median(dec) >= 0)
        is_wide = np.ptp(unwrap(ra, centre)) > WIDE_RA
        pole = 90.0 if is_north else -90.0
        if np.ptp(dec) > WIDE_DEC or (is_wide and np.abs(pole - dec).max() > WIDE_DEC):
            return cls("mollweide", centre, is_north)
        if is_wide or np.abs(pole - dec).min() < NEAR_POLE:
            return cls("pole", centre, is_north)
        return cls("field", centre, is_north)

    @property
    def subplot(self) -> dict[str, str]:
        """What matplotlib has to know when it makes the panel."""
        return {"projection": "mollweide"} if self.projection == "mollweide" else {}

    def place(
        self, ra: NDArray[np.float64], dec: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where positions (degrees) are on the map.

        Around a pole it is azimuthal and equidistant, and RA runs as it does on the sky: clockwise
        from the bottom in the north, counter-clockwise from the top in the south.
        """
        if self.projection == "field":
            return unwrap(ra, self.centre), dec
        if self.projection == "mollweide":
            return -np.radians(unwrap(ra, self.centre) - self.centre), np.radians(dec)
        distance = 90 - dec if self.is_north else 90 + dec
        angle = np.radians(-90 - ra if self.is_north else 90 + ra)
        return distance * np.cos(angle), distance * np.sin(angle)

    def frame(self, panel: Any, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> None:
        """Draw the axes and the legend around these positions."""
        if self.projection == "mollweide":
            self._frame_whole_sky(panel)
        elif self.projection == "pole":
            self._frame_pole(panel, float((90 - np.abs(dec)).max()))
        else:
            self._frame_field(panel, ra, dec)
        if panel.get_legend_handles_labels()[1]:
            # Above the panel: a field has stars everywhere.
            panel.legend(
                fontsize="small", loc="lower left", bbox_to_anchor=(0, 1.01), ncols=2,
                frameon=False, borderaxespad=0, handletextpad=0.2, columnspacing=1,
            )  # fmt: skip

    def _frame_field(self, panel: Axes, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> None:
        style(panel)
        panel.set(xlabel="RA (deg)", ylabel="Dec (deg)")
        if len(ra):
            shrink = float(np.cos(np.radians(np.median(dec))))
            width = np.ptp(unwrap(ra, self.centre)) * shrink
            if width < LONGEST * np.ptp(dec) and np.ptp(dec) < LONGEST * width:
                panel.set_aspect(1 / shrink, adjustable="box")
        panel.invert_xaxis()
        panel.ticklabel_format(axis="y", useOffset=False)
        panel.locator_params(axis="x", nbins=6)
        # The axis may run below 0 or beyond 360.
        panel.xaxis.set_major_formatter(lambda degrees, _number: f"{degrees % 360:.8g}")

    def _frame_pole(self, panel: Axes, radius: float) -> None:
        sign = 1 if self.is_north else -1
        angles = np.arange(0.0, 361.0)
        for distance in round_steps(radius):
            x, y = self.place(angles, np.full(361, sign * (90 - distance)))
            panel.plot(x, y, color="#999999", linewidth=0.5, zorder=0)
            panel.annotate(f"{sign * (90 - distance):+.6g}°", (0, distance), fontsize="x-small",
                           color="#555555", ha="center", va="bottom",
                           path_effects=outlined())  # fmt: skip
        for ra in range(0, 360, 30):
            x, y = self.place(np.full(2, float(ra)), np.array([90.0, 90 - radius]) * sign)
            panel.plot(x, y, color="#999999", linewidth=0.5, zorder=0)
            panel.annotate(f"{ra // 15} h", (1.08 * float(x[1]), 1.08 * float(y[1])), ha="center",
                           va="center", fontsize="x-small", color="#555555",
                           annotation_clip=False)  # fmt: skip
        panel.set_aspect("equal")
        panel.set_xlim(-1.15 * radius, 1.15 * radius)
        panel.set_ylim(-1.15 * radius, 1.15 * radius)
        panel.axis("off")

    def _frame_whole_sky(self, panel: Any) -> None:
        panel.grid(alpha=0.4)
        places = np.arange(-120, 121, 60)
        names = [f"{(self.centre - place) % 360:.0f}°" for place in places]
        panel.set_xticks(np.radians(places), names, fontsize="small", path_effects=outlined())
        panel.set(xlabel="RA", ylabel="Dec")


def plot_reference(reference: xr.Dataset | Table) -> Figure:
    """Where the objects are; `reference` has ``ra`` and ``dec`` in degrees."""
    return plot_sky(reference, size=(5, 4))


def plot_sky(
    objects: xr.Dataset | Table,
    candidates: Table | None = None,
    *,
    size: tuple[float, float] = (7, 5.5),
    most_numbered: int = 10,
) -> Figure:
    """Draw a map of all objects, north up and east to the left, with the candidates marked.

    A field is drawn in RA and Dec, with the scale of both the same at its centre unless it is a
    narrow strip; one that has a pole in it as seen from below the pole; a survey of much of the
    sky in Mollweide's projection.

    Parameters
    ----------
    objects : Dataset or Table
        ``ra`` and ``dec`` in degrees.
    candidates : Table, optional
        ``ra`` and ``dec`` in degrees, best first.
    size : tuple of float
        Width and height in inches.
    most_numbered : int
        How many candidates have their number beside them.
    """
    figure = new_figure(*size)
    ra, dec = _positions(objects)
    sky = SkyMap.of(ra, dec)
    panel: Any = figure.subplots(subplot_kw=sky.subplot)
    if not len(ra):
        say(panel, "no objects")
    x, y = sky.place(ra, dec)
    is_background = candidates is not None and len(candidates) > 0
    draw_many(panel, x, y, ORDINARY if is_background else COLOURS[0], size=5)
    if len(x):
        panel.plot([], [], ".", color=ORDINARY, label=f"{len(x):,} objects")
    if candidates is not None and len(candidates):
        x, y = sky.place(*_positions(candidates))
        panel.plot(x, y, "o", markerfacecolor="none", markeredgecolor=REMARKABLE, markersize=8,
                   markeredgewidth=1.3, label=f"{len(x):,} candidates",
                   gid="candidates")  # fmt: skip
        for number in range(min(most_numbered, len(x))):
            panel.annotate(str(number + 1), (x[number], y[number]), xytext=(5, 5),
                           textcoords="offset points", fontsize="small",
                           color=REMARKABLE, path_effects=outlined())  # fmt: skip
    sky.frame(panel, ra, dec)
    return figure


def draw_detections(
    figure: Figure, place: int, positions: xr.Dataset | Table, is_seen: NDArray[np.bool_]
) -> None:
    """Draw objects on the sky in a panel of its own; those not seen as grey crosses.

    `place` is the panel's, as in ``Figure.add_subplot``.
    """
    ra, dec = np.asarray(positions["ra"], dtype=float), np.asarray(positions["dec"], dtype=float)
    sky = SkyMap.of(ra, dec)
    panel: Any = figure.add_subplot(place, **sky.subplot)
    x, y = sky.place(ra, dec)
    step = max(1, len(ra) // MOST_POINTS)
    for chosen, marker, colour, said in (
        (is_seen, ".", COLOURS[0], "detected"),
        (~is_seen, "x", "#999999", "not detected"),
    ):
        if chosen.any():
            panel.plot(x[chosen][::step], y[chosen][::step], marker, color=colour,
                       markersize=3 if marker == "." else 4,
                       label=f"{said}: {int(chosen.sum()):,}", rasterized=True)  # fmt: skip
    sky.frame(panel, ra, dec)


def round_steps(length: float) -> NDArray[np.float64]:
    """Cut a length into two to five equal steps of a round number each.

    Examples
    --------
    >>> round_steps(0.4)
    array([0.1, 0.2, 0.3, 0.4])
    """
    step = 10.0 ** np.floor(np.log10(length / 2))
    step *= next(each for each in (1, 2, 5, 10) if length / (step * each) <= 5)  # noqa: PLR2004
    return np.asarray(step * np.arange(1, int(length / step * (1 + 1e-9)) + 1))


def circular_middle(ra: NDArray[np.float64]) -> float:
    """Middle of right ascensions, opposite of their widest gap.

    Examples
    --------
    >>> circular_middle(np.array([359.0, 3.0]))
    1.0
    """
    ordered = np.sort(ra % 360)
    gap = np.diff(ordered, append=ordered[0] + 360)
    widest = int(gap.argmax())
    return float((ordered[widest] + gap[widest] / 2 + 180) % 360)


def unwrap(ra: NDArray[np.float64], centre: float) -> NDArray[np.float64]:
    """Write right ascensions within 180 degrees of `centre`, across 0 if need be."""
    return np.asarray((ra - centre + 180) % 360 - 180 + centre)


def _positions(objects: xr.Dataset | Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ra, dec = (np.asarray(objects[name], dtype=float) for name in ("ra", "dec"))
    known = np.isfinite(ra) & np.isfinite(dec)
    return ra[known], dec[known]
