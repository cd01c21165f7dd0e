"""One epoch of a simulated survey observed: rows of a catalogue, and the truth of each value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import scipy
from numpy.typing import NDArray

from lc_pipeline.simulate.epochs import SimulatedEpoch, draw_epochs
from lc_pipeline.simulate.objects import (
    PIVOT_COLOUR,
    SimulatedObjects,
    damped_random_walks,
    draw_objects,
    from_plane,
    to_plane,
)
from lc_pipeline.simulate.settings import Simulation, Stream
from lc_pipeline.simulate.shapes import POGSON, relative_noise
from lc_pipeline.sky.geometry import (
    ARCSEC_PER_RADIAN,
    chord_length,
    shift_field,
    sky_coordinates,
    tangent_basis,
    unit_vectors,
)

Floats = NDArray[np.float64]

#: What is written where there is no value.
SENTINEL = 99.0
#: Catalogue flags, the bits of SExtractor.
FLAG_BLENDED = 2
FLAG_SATURATED = 4
FLAG_SPOILED = 16
#: Those of them that mean bad (with all higher bits).
BAD_FLAGS = 252

#: Closer than this many times the seeing, two objects are one detection.
MERGING = 0.8

_FWHM_PER_SIGMA = 2.3548
_SATURATED_SLOPE = 0.2
_DECIMALS = 5


class Fate(IntEnum):
    """What became of one object in one epoch and band."""

    GOOD = 0
    """A value with honest noise was written."""
    SPOILED = 1
    """A wrong value was written, with the catalogue's flag."""
    SATURATED = 2
    """Too bright: a value that is too faint was written, with the catalogue's flag."""
    SENTINEL = 3
    """99.0 was written: by chance, or because only another band was above its limit."""
    BLENDED = 4
    """The value is that of the object and its merged partner together."""
    MERGED = 5
    """No row of its own: it is in its partner's."""
    FAINT = 6
    """Below the limit, no row."""
    DROPPED = 7
    """Lost by chance, no row."""
    OUTSIDE = 8
    """Outside what the exposure saw."""
    NOT_TAKEN = 9
    """The epoch has no exposure in this band."""


#: Fates of which a row tells.
IN_A_ROW = (Fate.GOOD, Fate.SPOILED, Fate.SATURATED, Fate.SENTINEL, Fate.BLENDED)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The rows of one file. Rows are shuffled.

    Attributes
    ----------
    bands : tuple of int
        Which bands the file has.
    ra, dec : (n_rows,) arrays of float, deg
    value, error : (n_file_bands, n_rows) arrays of float32, mag
    flags : (n_file_bands, n_rows) array of int16
    object : (n_rows,) array of int
        Number of the object; -1 for a spurious detection.
    """

    bands: tuple[int, ...]
    ra: Floats
    dec: Floats
    value: NDArray[np.float32]
    error: NDArray[np.float32]
    flags: NDArray[np.int16]
    object: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Observation:
    """One epoch: its catalogues, and what became of every object.

    Attributes
    ----------
    epoch : SimulatedEpoch
    catalogues : tuple of Catalogue
    fate : (n_bands, n_objects) array of uint8
        Of :class:`Fate`.
    magnitude : (n_bands, n_objects) array of float, mag
        Without noise, zero point and partner.
    value, error : (n_bands, n_objects) arrays of float32, mag
        As written; NaN where the object has no row.
    true_error : (n_bands, n_objects) array of float32, mag
        Standard deviation of the noise, for what is brighter than the limit.
    """

    epoch: SimulatedEpoch
    catalogues: tuple[Catalogue, ...]
    fate: NDArray[np.uint8]
    magnitude: Floats
    value: NDArray[np.float32]
    error: NDArray[np.float32]
    true_error: NDArray[np.float32]

    @property
    def n_spurious(self) -> int:
        """Detections that are no object, in all files."""
        return sum(int(np.count_nonzero(one.object < 0)) for one in self.catalogues)

    @property
    def n_rows(self) -> int:
        """Rows in all files."""
        return sum(len(one.ra) for one in self.catalogues)


class SimulatedSky:
    """Objects and epochs of a survey, drawn; every epoch can be observed on its own.

    Parameters
    ----------
    settings : Simulation

    Raises
    ------
    SimulationError
        If the objects do not fit into the field.

    Examples
    --------
    >>> sky = SimulatedSky(Simulation(n_objects=20, n_epochs=3))
    >>> first, again = sky.observe(2), sky.observe(2)
    >>> bool((first.catalogues[0].value == again.catalogues[0].value).all())
    True
    """

    def __init__(self, settings: Simulation) -> None:
        self.settings = settings
        self.epochs = draw_epochs(settings)
        span = float(self.epochs[0].mid.min()), float(self.epochs[-1].mid.max())
        self.objects: SimulatedObjects = draw_objects(settings, span)
        times = np.array([epoch.mid[0] for epoch in self.epochs])
        self._walks = damped_random_walks(settings, self.objects, times)
        vectors = unit_vectors(self.objects.ra, self.objects.dec)
        self._tree = scipy.spatial.KDTree(vectors)
        primary = self.objects.primary
        companion = self.objects.partner[primary]
        apart = np.linalg.norm(vectors[primary] - vectors[companion], axis=1)
        self._pair_separation = apart * ARCSEC_PER_RADIAN

    def magnitudes(self, number: int) -> Floats:
        """Magnitudes without noise in epoch `number`, shape ``(n_bands, n_objects)``."""
        return self.objects.magnitudes_at(self.epochs[number].mid, self._walks[number])

    def observe(self, number: int) -> Observation:
        """Observe epoch `number` (from 0)."""
        settings, objects, epoch = self.settings, self.objects, self.epochs[number]
        random = settings.generator(Stream.OBSERVATION, number)
        n, n_bands = len(objects), len(settings.bands)
        vectors = objects.vectors_at(float(epoch.mid[0]))
        magnitude = self.magnitudes(number)
        is_inside = self._is_inside(vectors, epoch)
        blend = self._merge(vectors, magnitude, is_inside, epoch)
        faintness = blend.magnitude - epoch.limit[:, np.newaxis]
        noise = np.hypot(relative_noise(faintness), settings.systematic / POGSON)
        with np.errstate(over="ignore"):
            flux = 10 ** (-0.4 * faintness) * (1 + noise * random.standard_normal((n_bands, n)))
        is_seen = flux > 1.0
        apparent = epoch.limit[:, np.newaxis] - 2.5 * np.log10(np.where(is_seen, flux, 1.0))
        moved = epoch.zero_point[:, np.newaxis] + epoch.colour_term[:, np.newaxis] * (
            objects.colour - PIVOT_COLOUR
        )
        value = apparent + moved
        fate = np.full((n_bands, n), Fate.GOOD, dtype=np.uint8)
        fate[:, blend.primary] = Fate.BLENDED
        chance = random.random((2, n_bands, n))
        wrong = random.uniform(0.5, 2.0, (n_bands, n)) * random.choice([-1.0, 1.0], (n_bands, n))
        is_saturated = is_seen & (blend.magnitude + moved < settings.saturation)
        too_bright = (value - settings.saturation)[is_saturated]
        value[is_saturated] = settings.saturation + _SATURATED_SLOPE * too_bright
        fate[is_saturated] = Fate.SATURATED
        is_spoiled = chance[0] < settings.spoiled
        value[is_spoiled] += wrong[is_spoiled]
        fate[is_spoiled] = Fate.SPOILED
        fate[chance[1] < settings.sentinels] = Fate.SENTINEL
        fate[~is_seen] = Fate.FAINT
        is_lost = random.random((n_bands, n)) < settings.dropouts
        if settings.layout == "columns":
            is_lost[:] = is_lost[0]
        fate[is_lost & is_seen] = Fate.DROPPED
        fate[:, blend.companion] = Fate.MERGED
        fate[:, ~is_inside] = Fate.OUTSIDE
        fate[~epoch.taken] = Fate.NOT_TAKEN
        if settings.layout == "columns":
            has_row = np.isin(fate, IN_A_ROW).any(axis=0)
            fate[np.ix_(epoch.taken, has_row)] = np.where(
                fate[np.ix_(epoch.taken, has_row)] == Fate.FAINT,
                Fate.SENTINEL,
                fate[np.ix_(epoch.taken, has_row)],
            )
        return self._written(random, epoch, vectors, fate, magnitude, value, POGSON * noise, blend)

    def _is_inside(self, vectors: Floats, epoch: SimulatedEpoch) -> NDArray[np.bool_]:
        """Whether an exposure sees each object."""
        plane = to_plane(vectors, self.settings.center) - epoch.dither
        inside: NDArray[np.bool_] = np.abs(plane).max(axis=1) <= self.settings.radius_arcmin * 60
        return inside

    def _merge(
        self,
        vectors: Floats,
        magnitude: Floats,
        is_inside: NDArray[np.bool_],
        epoch: SimulatedEpoch,
    ) -> _Blend:
        """Pairs that this epoch's seeing makes one: joint brightness and position."""
        primary = self.objects.primary
        companion = self.objects.partner[primary]
        merged = self._pair_separation < MERGING * epoch.seeing
        merged &= is_inside[primary] & is_inside[companion]
        primary, companion = primary[merged], companion[merged]
        flux = 10 ** (-0.4 * magnitude[:, primary])
        added = 10 ** (-0.4 * magnitude[:, companion])
        together = magnitude.copy()
        together[:, primary] = -2.5 * np.log10(flux + added)
        share = (added[0] / (flux[0] + added[0]))[:, np.newaxis]
        centroid = (1 - share) * vectors[primary] + share * vectors[companion]
        return _Blend(primary, companion, together, centroid)

    def _written(
        self,
        random: np.random.Generator,
        epoch: SimulatedEpoch,
        vectors: Floats,
        fate: NDArray[np.uint8],
        magnitude: Floats,
        value: Floats,
        true_error: Floats,
        blend: _Blend,
    ) -> Observation:
        """Put what is seen into rows."""
        settings = self.settings
        n_bands = len(settings.bands)
        in_a_row = np.isin(fate, IN_A_ROW)
        is_missing = fate == Fate.SENTINEL
        error = np.maximum(true_error * settings.error_scale, 10.0**-_DECIMALS)
        value = np.where(is_missing, SENTINEL, value)
        error = np.where(is_missing, SENTINEL, error)
        kept_value, kept_error = (
            np.where(in_a_row, np.round(one, _DECIMALS), np.nan).astype(np.float32)
            for one in (value, error)
        )
        flags = np.zeros(fate.shape, dtype=np.int16)
        flags[:, blend.primary] |= FLAG_BLENDED
        flags[fate == Fate.SATURATED] |= FLAG_SATURATED
        flags[fate == Fate.SPOILED] |= FLAG_SPOILED
        places = vectors.copy()
        places[blend.primary] = blend.centroid
        by_file = (
            [tuple(np.flatnonzero(epoch.taken).tolist())]
            if settings.layout == "columns"
            else [(band,) for band in range(n_bands) if epoch.taken[band]]
        )
        catalogues = []
        for bands in by_file:
            file_bands = np.array(bands, dtype=np.intp)
            rows = np.flatnonzero(in_a_row[file_bands].any(axis=0))
            chosen = np.ix_(file_bands, rows)
            found = self._spurious(random, epoch, bands)
            scatter = random.standard_normal((2, len(vectors)))[:, rows]
            noise = np.where(is_missing, np.inf, true_error)[chosen].min(axis=0, initial=0.2)
            photon = epoch.seeing / _FWHM_PER_SIGMA * noise / POGSON
            scatter = scatter * np.hypot(settings.astrometric_noise, photon)
            ra, dec = sky_coordinates(
                np.concatenate([self._shifted(places[rows], scatter, epoch), found.vectors])
            )
            order = random.permutation(len(ra))
            catalogues.append(
                Catalogue(
                    bands=bands,
                    ra=ra[order],
                    dec=dec[order],
                    value=np.hstack([kept_value[chosen], found.value])[:, order],
                    error=np.hstack([kept_error[chosen], found.error])[:, order],
                    flags=np.hstack([flags[chosen], np.zeros(found.value.shape, np.int16)])[
                        :, order
                    ],
                    object=np.append(rows, np.full(len(found.vectors), -1))[order],
                )
            )
        return Observation(
            epoch=epoch,
            catalogues=tuple(catalogues),
            fate=fate,
            magnitude=magnitude,
            value=kept_value,
            error=kept_error,
            true_error=true_error.astype(np.float32),
        )

    def _shifted(self, vectors: Floats, scatter: Floats, epoch: SimulatedEpoch) -> Floats:
        """Detections where the catalogue has them: scattered, and the epoch's shift."""
        east, north = tangent_basis(vectors)
        step = scatter[0][:, np.newaxis] * east + scatter[1][:, np.newaxis] * north
        center = unit_vectors(*self.settings.center)
        return shift_field(vectors + step / ARCSEC_PER_RADIAN, center, epoch.east, epoch.north)

    def _spurious(
        self, random: np.random.Generator, epoch: SimulatedEpoch, bands: tuple[int, ...]
    ) -> _Spurious:
        """Detections near the limit that are no object, and not near one."""
        settings = self.settings
        number = int(random.poisson(settings.spurious))
        half = settings.radius_arcmin * 60
        plane = random.uniform(-half, half, (number, 2)) + epoch.dither
        brightness = np.abs(random.normal(0.0, 0.3, (len(bands), number)))
        vectors = from_plane(plane, settings.center)
        distance, _ = self._tree.query(vectors) if number else (np.empty(0), None)
        kept = distance > chord_length(settings.min_separation_arcsec)
        vectors, brightness = vectors[kept], brightness[:, kept]
        center = unit_vectors(*settings.center)
        limit = (epoch.limit + epoch.zero_point)[list(bands), np.newaxis]
        error = POGSON * relative_noise(-brightness) * settings.error_scale
        return _Spurious(
            vectors=shift_field(vectors, center, epoch.east, epoch.north),
            value=np.round(limit - brightness, _DECIMALS).astype(np.float32),
            error=np.round(error, _DECIMALS).astype(np.float32),
        )


@dataclass(frozen=True, eq=False)
class _Blend:
    """Pairs that are one detection in an epoch."""

    primary: NDArray[np.intp]
    companion: NDArray[np.intp]
    magnitude: Floats
    """Of all objects, partners included, (n_bands, n_objects)."""
    centroid: Floats
    """Unit vectors of the pairs."""


@dataclass(frozen=True, eq=False)
class _Spurious:
    """Detections that are no object."""

    vectors: Floats
    value: NDArray[np.float32]
    error: NDArray[np.float32]
