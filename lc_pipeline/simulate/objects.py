"""The objects of a simulated field: where they are, what they are, how bright at any time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from lc_pipeline.simulate.settings import (
    VARIABLE_KINDS,
    Simulation,
    SimulationError,
    Stream,
)
from lc_pipeline.simulate.shapes import RANGES, SHAPES, transient_fading
from lc_pipeline.sky.geometry import ARCSEC_PER_RADIAN, sky_coordinates, tangent_basis, unit_vectors

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

REFERENCE_YEAR = 2016.0
#: Fainter than this is dark.
DARK = 45.0
#: Colour (480 minus 620 nm) at which colour terms vanish, mag.
PIVOT_COLOUR = 0.7

_J2000_MJD = 51544.5
_DAYS_PER_YEAR = 365.25
_MAX_DRAWS = 200
#: Effective wavelengths, nm.
_WAVELENGTHS = (
    dict(zip("ugrizy", (360.0, 480.0, 620.0, 750.0, 870.0, 970.0), strict=True))
    | dict(zip("UBVRI", (365.0, 440.0, 550.0, 640.0, 800.0), strict=True))
    | dict(zip("JHK", (1240.0, 1650.0, 2160.0), strict=True))
)


def wavelengths(bands: tuple[str, ...]) -> Floats:
    """Effective wavelengths, nm; bands that are not known are put from 480 nm upwards.

    Examples
    --------
    >>> wavelengths(("g", "clear")).tolist()
    [480.0, 620.0]
    """
    return np.array(
        [_WAVELENGTHS.get(band, 480.0 + 140.0 * place) for place, band in enumerate(bands)]
    )


@dataclass(frozen=True, eq=False)
class SimulatedObjects:
    """The objects, one per entry.

    Attributes
    ----------
    key : (n,) array of str
    ra, dec : (n,) arrays of float, deg
        ICRS at `REFERENCE_YEAR`.
    pm_ra_cosdec, pm_dec : (n,) arrays of float, mas/yr
        0 for those that do not move.
    kind : (n,) array of str
        ``constant``, or one of `VARIABLE_KINDS`.
    colour : (n,) array of float, mag
        Magnitude at 480 nm minus that at 620 nm.
    magnitude : (n_bands, n) array of float, mag
        Time average; of a transient the peak.
    amplitude : (n_bands, n) array of float, mag
        Peak to peak; of ``agn`` the long-term standard deviation; NaN for a transient, 0 for a
        constant star.
    period : (n,) array of float, d
        NaN where there is none.
    t0 : (n,) array of float, MJD
        Of maximum light; for ``ea`` and ``ew`` of the primary minimum.
    rise, fall : (n,) arrays of float, d
        Of a transient, in which the flux changes by a factor e; `fall` of ``agn`` is the damping
        time.
    partner : (n,) array of int
        The other one of a close pair; -1 for none.
    """

    key: NDArray[np.str_]
    ra: Floats
    dec: Floats
    pm_ra_cosdec: Floats
    pm_dec: Floats
    kind: NDArray[np.str_]
    colour: Floats
    magnitude: Floats
    amplitude: Floats
    period: Floats
    t0: Floats
    rise: Floats
    fall: Floats
    partner: Indices

    def __len__(self) -> int:
        return len(self.key)

    @property
    def primary(self) -> Indices:
        """The brighter one of each close pair."""
        here = np.arange(len(self))
        paired = self.partner >= 0
        mean = self.magnitude[0]
        brighter = paired & (
            (mean < mean[self.partner]) | ((mean == mean[self.partner]) & (here < self.partner))
        )
        return np.flatnonzero(brighter)

    @cached_property
    def members(self) -> dict[str, Indices]:
        """Which objects are of each variable kind that there is."""
        places = {kind: np.flatnonzero(self.kind == kind) for kind in VARIABLE_KINDS}
        return {kind: these for kind, these in places.items() if len(these)}

    @cached_property
    def _vectors(self) -> Floats:
        return unit_vectors(self.ra, self.dec)

    def vectors_at(self, mjd: float) -> Floats:
        """Unit vectors at a time, shape ``(n, 3)``."""
        years = 2000.0 + (mjd - _J2000_MJD) / _DAYS_PER_YEAR - REFERENCE_YEAR
        vectors = self._vectors.copy()
        moving = np.flatnonzero((self.pm_ra_cosdec != 0) | (self.pm_dec != 0))
        east, north = tangent_basis(vectors[moving])
        per_arcsec = years / 1000 / ARCSEC_PER_RADIAN
        moved = (
            vectors[moving]
            + (self.pm_ra_cosdec[moving] * per_arcsec)[:, np.newaxis] * east
            + (self.pm_dec[moving] * per_arcsec)[:, np.newaxis] * north
        )
        vectors[moving] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        return vectors

    def magnitudes_at(self, mjd: Floats, agn: Floats | None = None) -> Floats:
        """Magnitudes without noise.

        Parameters
        ----------
        mjd : (n_bands,) array of float
            When each band is looked at.
        agn : (n_agn,) array of float, optional
            What each ``agn``'s random walk is at, in standard deviations; see
            :func:`damped_random_walks`. By default 0.

        Returns
        -------
        (n_bands, n) array of float, mag
            At most `DARK`.
        """
        magnitudes = self.magnitude.copy()
        for kind, these in self.members.items():
            since = mjd[:, np.newaxis] - self.t0[these]
            if kind == "transient":
                magnitudes[:, these] += transient_fading(since, self.rise[these], self.fall[these])
            elif kind == "agn":
                walk = 0.0 if agn is None else agn
                magnitudes[:, these] += self.amplitude[:, these] * walk
            else:
                curve = SHAPES[kind](since / self.period[these])
                magnitudes[:, these] += self.amplitude[:, these] * curve
        return np.minimum(magnitudes, DARK)


def draw_objects(settings: Simulation, span: tuple[float, float]) -> SimulatedObjects:
    """Draw the objects of a survey.

    Parameters
    ----------
    settings : Simulation
    span : (float, float), MJD
        Transients peak within.

    Raises
    ------
    SimulationError
        If the field is too small for so many objects at their least separation.
    """
    random = settings.generator(Stream.OBJECTS)
    n = settings.n_objects
    kind, partner = _draw_kinds(settings, random)
    vectors = _draw_positions(settings, random, partner)
    ra, dec = sky_coordinates(vectors)
    bright, faint = settings.magnitudes
    first = _draw_magnitudes(random.random(n), bright, faint, settings.count_slope)
    companion = np.flatnonzero((partner >= 0) & (partner < np.arange(n)))
    first[companion] = first[partner[companion]] + random.uniform(0.0, 2.0, len(companion))
    colour = np.clip(random.normal(PIVOT_COLOUR, 0.3, n), -0.3, 1.6)
    blue = np.isin(kind, ("agn", "transient"))
    colour[blue] = np.clip(random.normal(0.2, 0.1, int(blue.sum())), -0.3, 1.6)
    moving = random.random(n) < settings.proper_motions
    # What lies behind the Galaxy does not move; pairs move together.
    moving &= ~blue
    motion = random.normal(0.0, 1.0, (2, n)) * settings.proper_motion * moving
    motion[:, companion] = motion[:, partner[companion]]
    length = wavelengths(settings.bands)
    per_colour = (1 / length[0] - 1 / length) / (1 / 480.0 - 1 / 620.0)
    magnitude = first - per_colour[:, np.newaxis] * colour
    shape = _draw_shapes(settings, random, kind, span)
    reddening = np.array([RANGES[k].reddening if k in RANGES else 0.0 for k in kind.tolist()])
    return SimulatedObjects(
        key=np.array([f"sim-{number:05d}" for number in range(1, n + 1)]),
        ra=ra,
        dec=dec,
        pm_ra_cosdec=motion[0],
        pm_dec=motion[1],
        kind=kind,
        colour=colour,
        magnitude=magnitude,
        amplitude=shape.pop("amplitude") * (length[:, np.newaxis] / 480.0) ** reddening,
        partner=partner,
        **shape,
    )


def damped_random_walks(settings: Simulation, objects: SimulatedObjects, times: Floats) -> Floats:
    """Damped random walks of unit variance, one per ``agn``.

    Exact for any spacing of the times (Kelly et al. 2009, ApJ 698, 895). The step into an epoch has
    a stream of its own: later epochs do not change earlier ones.

    Parameters
    ----------
    times : (n_epochs,) array of float, d
        Ascending.

    Returns
    -------
    (n_epochs, n_agn) array of float
    """
    damping = objects.fall[objects.kind == "agn"]
    walks = np.empty((len(times), len(damping)))
    for number in range(len(times) if len(damping) else 0):
        step = settings.generator(Stream.AGN, number).standard_normal(len(damping))
        if number == 0:
            walks[0] = step
            continue
        kept = np.exp(-(times[number] - times[number - 1]) / damping)
        walks[number] = kept * walks[number - 1] + np.sqrt(1 - kept**2) * step
    return walks


def _draw_kinds(
    settings: Simulation, random: np.random.Generator
) -> tuple[NDArray[np.str_], Indices]:
    """Kind and partner of each object; pairs are constant stars."""
    n = settings.n_objects
    order = random.permutation(n)
    kind = np.full(n, "constant", dtype="U9")
    start = 0
    for name in VARIABLE_KINDS:
        number = settings.count(name)
        kind[order[start : start + number]] = name
        start += number
    partner = np.full(n, -1, dtype=np.intp)
    n_pairs = min(settings.count("blends"), n - start) // 2
    pairs = np.sort(order[start : start + 2 * n_pairs].reshape(n_pairs, 2), axis=1)
    partner[pairs[:, 0]], partner[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    return kind, partner


def _draw_positions(settings: Simulation, random: np.random.Generator, partner: Indices) -> Floats:
    """Unit vectors: evenly over the field, pairs at 0.5 to 1.3 times the seeing."""
    n = settings.n_objects
    half = (settings.radius_arcmin + settings.dither_arcmin) * 60
    plane = random.uniform(-half, half, (n, 2))
    companion = np.flatnonzero((partner >= 0) & (partner < np.arange(n)))
    single = np.setdiff1d(np.arange(n), companion)
    closest = settings.min_separation_arcsec
    for _ in range(_MAX_DRAWS):
        pairs = scipy.spatial.KDTree(plane[single]).query_pairs(closest, output_type="ndarray")
        if closest == 0 or not len(pairs):
            break
        again = single[np.unique(pairs[:, 1])]
        plane[again] = random.uniform(-half, half, (len(again), 2))
    else:
        raise SimulationError(
            f"{n} objects do not fit into {half / 30:g} arcmin squared at {closest:g} arcsec from "
            f"each other: make radius_arcmin larger, or min_separation_arcsec smaller"
        )
    separation = random.uniform(0.5, 1.3, len(companion)) * settings.seeing
    angle = random.uniform(0, 2 * np.pi, len(companion))
    step = np.column_stack([np.sin(angle), np.cos(angle)]) * separation[:, np.newaxis]
    plane[companion] = plane[partner[companion]] + step
    return from_plane(plane, settings.center)


def from_plane(plane: Floats, center: tuple[float, float]) -> Floats:
    """Unit vectors of points in the tangent plane of `center` (gnomonic projection).

    Parameters
    ----------
    plane : (n, 2) array of float, arcsec
        East and north.
    center : (float, float), deg

    Examples
    --------
    >>> ra, dec = sky_coordinates(from_plane(np.array([[3600.0, 0.0]]), (0.0, 89.0)))
    >>> ra.round(2).tolist(), dec.round(2).tolist()
    ([45.0], [88.59])
    """
    middle = unit_vectors(*center)
    east, north = tangent_basis(middle)
    offsets = np.asarray(plane) / ARCSEC_PER_RADIAN
    vectors = middle + offsets[:, :1] * east + offsets[:, 1:] * north
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def to_plane(vectors: Floats, center: tuple[float, float]) -> Floats:
    """Undo :func:`from_plane`: east and north, arcsec, shape ``(n, 2)``."""
    middle = unit_vectors(*center)
    axes = np.column_stack([*tangent_basis(middle), middle])
    east, north, ahead = (vectors @ axes).T
    return np.column_stack([east / ahead, north / ahead]) * ARCSEC_PER_RADIAN


def _draw_magnitudes(uniform: Floats, bright: float, faint: float, slope: float) -> Floats:
    """Turn uniform numbers into magnitudes whose counts go as ``10**(slope * magnitude)``."""
    if slope == 0 or bright == faint:
        return bright + uniform * (faint - bright)
    growth = slope * np.log(10)
    above: Floats = np.log1p(uniform * np.expm1(growth * (faint - bright))) / growth
    return bright + above


def _draw_shapes(
    settings: Simulation,
    random: np.random.Generator,
    kind: NDArray[np.str_],
    span: tuple[float, float],
) -> dict[str, Floats]:
    n = len(kind)
    shape: dict[str, Floats] = {
        name: np.full(n, np.nan) for name in ("period", "t0", "rise", "fall")
    }
    shape["amplitude"] = np.zeros(n)
    for name in VARIABLE_KINDS:
        these = np.flatnonzero(kind == name)
        shortest, longest = RANGES[name].times
        times = shortest * (longest / shortest) ** random.random(len(these))
        shape["amplitude"][these] = random.uniform(*RANGES[name].amplitudes, len(these))
        if name == "transient":
            shape["amplitude"][these] = np.nan
            shape["t0"][these] = random.uniform(*span, len(these))
            shape["fall"][these] = times
            shape["rise"][these] = times / 4
        elif name == "agn":
            shape["fall"][these] = times
        else:
            shape["period"][these] = times
            shape["t0"][these] = settings.start + times * random.random(len(these))
    return shape
