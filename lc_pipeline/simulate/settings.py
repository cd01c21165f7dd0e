"""What a simulated survey is like: every effect is a number, and 0 switches it off."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any, Literal, Self, get_args, get_type_hints

import numpy as np

from lc_pipeline.errors import LightcurveError

CatalogueFormat = Literal["fits", "ecsv", "csv", "parquet"]
Layout = Literal["columns", "files"]
Cadence = Literal["nightly", "dense"]
ReferenceSource = Literal["file", "epochs"]

#: Fields of :class:`Simulation` that are the fraction of objects of one kind.
VARIABLE_KINDS = ("rrab", "rrc", "cepheid", "ea", "ew", "lpv", "dsct", "agn", "transient")

_MAX_RADIUS_ARCMIN = 600.0


class SimulationError(LightcurveError):
    """A survey cannot be simulated as asked."""


class Stream(IntEnum):
    """Independent streams of random numbers; the epoch's number makes further ones of each."""

    OBJECTS = 0
    CADENCE = 1
    CONDITIONS = 2
    AGN = 3
    OBSERVATION = 4


@dataclass(frozen=True)
class Simulation:
    """What to simulate. Fractions are 0 to 1; a magnitude is larger where it is fainter.

    Parameters
    ----------
    n_objects, n_epochs : int
        Companions of blends are among the objects.
    bands : tuple of str
        Well-known ones (``ugrizy``, ``UBVRI``, ``JHK``) have their wavelength.
    seed : int
        The same seed and settings give the same files. Each epoch has a stream of its own: it does
        not depend on the order of the work, on the number of workers, or on how many epochs follow
        (except that transients peak between the first and the last).
    center : (float, float), deg
        RA and Dec of the field.
    radius_arcmin : float, arcmin
        Half the side of the square that one exposure sees.
    min_separation_arcsec : float, arcsec
        Objects other than blends keep this distance, and spurious detections as well.
    format : {"fits", "ecsv", "csv", "parquet"}
    layout : {"columns", "files"}
        All bands in one catalogue, or one file per band, exposed one after the other.
    cadence : {"nightly", "dense"}
        One epoch per clear night in seasons, or one exposure after the other.
    reference : {"file", "epochs"}
        Give the pipeline the objects (with proper motions), or let it build them.
    start : float, d
        MJD (UTC) of the first evening.
    exposures : tuple of float, s
        One is drawn for each epoch; `limiting_magnitude` is for the first.
    overhead : float, s
        Between exposures.
    night_hours : float, h
        Length of a night.
    lost_nights : float
        Fraction of nights without an epoch.
    season_days : float, d
        Of each year, when the field is up.
    missing_band : float
        Fraction of epochs in which a band was not taken (the first band always is). Needs the
        layout ``files``.
    magnitudes : (float, float), mag
        Range of the objects' mean magnitudes in the first band.
    count_slope : float
        Number of objects per magnitude, proportional to ``10**(count_slope * magnitude)``.
    limiting_magnitude : float, mag
        Five-sigma limit at median seeing without clouds.
    saturation : float, mag
        Brighter than this as observed is saturated.
    systematic : float, mag
        Floor of the photometric noise.
    error_scale : float
        The error column is the true error times this; below 1 it is underestimated.
    zero_point : float, mag
        Standard deviation of each epoch's and band's zero point.
    clouds : float
        Fraction of epochs with clouds.
    cloud_extinction : float, mag
        Mean extinction where there are clouds, the same in all bands.
    colour_term : float, mag/mag
        Standard deviation of each epoch's and band's slope with colour.
    seeing : float, arcsec
        Median full width at half maximum.
    seeing_scatter : float
        Standard deviation of the logarithm of the seeing.
    astrometric_offset : float, arcsec
        Epochs are shifted by up to this.
    astrometric_noise : float, arcsec
        Floor of the scatter of one coordinate of one detection; photon noise comes on top.
    dither_arcmin : float, arcmin
        Pointings scatter by up to this in either coordinate; objects on the border are then not
        observed at times.
    proper_motions : float
        Fraction of objects that move.
    proper_motion : float, mas/yr
        Standard deviation of each component.
    blends : float
        Fraction of objects that are one of a pair, which bad seeing merges.
    dropouts : float
        Fraction of detections that are lost without a reason.
    spoiled : float
        Fraction of values that are wrong by 0.5 to 2 mag, with the catalogue's flag set.
    sentinels : float
        Fraction of values written as 99.0. In a catalogue of several bands, a band below its limit
        has 99.0 as well.
    spurious : float
        Mean number of detections per file that are no object.
    rrab, rrc, cepheid, ea, ew, lpv, dsct, agn, transient : float
        Fraction of objects of each kind; the others are constant.

    Raises
    ------
    SimulationError
        If a setting is not what was expected.

    Examples
    --------
    >>> Simulation(n_objects=1000, rrab=0.05).count("rrab")
    50
    >>> Simulation(blends=1.5)
    Traceback (most recent call last):
    ...
    lc_pipeline.simulate.settings.SimulationError: blends: expected a fraction, 0 to 1 (found 1.5)
    """

    n_objects: int = 300
    n_epochs: int = 60
    bands: tuple[str, ...] = ("g", "r")
    seed: int = 1
    center: tuple[float, float] = (150.0, 2.2)
    radius_arcmin: float = 10.0
    min_separation_arcsec: float = 5.0
    format: CatalogueFormat = "fits"
    layout: Layout = "columns"
    cadence: Cadence = "nightly"
    reference: ReferenceSource = "file"

    start: float = 59000.0
    exposures: tuple[float, ...] = (60.0,)
    overhead: float = 20.0
    night_hours: float = 8.0
    lost_nights: float = 0.3
    season_days: float = 200.0
    missing_band: float = 0.0

    magnitudes: tuple[float, float] = (14.0, 20.0)
    count_slope: float = 0.2
    limiting_magnitude: float = 20.5
    saturation: float = 14.2
    systematic: float = 0.005
    error_scale: float = 1.0
    zero_point: float = 0.05
    clouds: float = 0.2
    cloud_extinction: float = 0.3
    colour_term: float = 0.0

    seeing: float = 1.2
    seeing_scatter: float = 0.2
    astrometric_offset: float = 2.0
    astrometric_noise: float = 0.03
    dither_arcmin: float = 0.3
    proper_motions: float = 0.05
    proper_motion: float = 50.0

    blends: float = 0.02
    dropouts: float = 0.005
    spoiled: float = 0.005
    sentinels: float = 0.002
    spurious: float = 5.0

    rrab: float = 0.01
    rrc: float = 0.01
    cepheid: float = 0.01
    ea: float = 0.01
    ew: float = 0.01
    lpv: float = 0.01
    dsct: float = 0.01
    agn: float = 0.01
    transient: float = 0.01

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in fields(self):
            self._check_choice(field.name, get_args(hints[field.name]))
        for name in _FRACTIONS:
            self._expect(name, "a fraction, 0 to 1", lambda value: 0 <= value <= 1)
        for name in _AT_LEAST_0:
            self._expect(name, "a number, 0 or more", lambda v: math.isfinite(v) and v >= 0)
        for name in _POSITIVE:
            self._expect(name, "a number above 0", lambda v: math.isfinite(v) and v > 0)
        for name in ("n_objects", "n_epochs"):
            self._expect(name, "a whole number, 1 or more", lambda v: v == int(v) and v >= 1)
        self._expect("seed", "a whole number, 0 or more", lambda v: v == int(v) and v >= 0)
        self._expect("lost_nights", "a fraction below 1", lambda value: value < 1)
        self._expect(
            "center", "RA, 0 to 360, and Dec, -90 to 90",
            lambda v: len(v) == 2 and 0 <= v[0] <= 360 and -90 <= v[1] <= 90,  # noqa: PLR2004
        )  # fmt: skip
        self._expect(
            "radius_arcmin", f"at most {_MAX_RADIUS_ARCMIN:g}", lambda v: v <= _MAX_RADIUS_ARCMIN
        )
        self._expect("magnitudes", "the brighter limit, then the fainter", lambda v: v[0] <= v[1])
        self._expect(
            "bands", "one or several different names of letters and digits",
            lambda v: v and len(set(v)) == len(v) and all(re.fullmatch(r"\w+", b) for b in v),
        )  # fmt: skip
        self._expect(
            "exposures", "one or several lengths in seconds", lambda v: v and all(x > 0 for x in v)
        )
        if self.missing_band and self.layout == "columns":
            raise SimulationError("missing_band: expected 0, or layout 'files'")
        if (total := self.blends + sum(getattr(self, kind) for kind in VARIABLE_KINDS)) > 1 + 1e-9:
            raise SimulationError(
                f"blends and {', '.join(VARIABLE_KINDS)} together are {total:g} of all objects; "
                f"expected at most 1"
            )

    def _expect(self, name: str, expected: str, is_right: Any) -> None:
        value = getattr(self, name)
        if not is_right(value):
            raise SimulationError(f"{name}: expected {expected} (found {value!r})")

    def _check_choice(self, name: str, choices: tuple[Any, ...]) -> None:
        if choices and isinstance(choices[0], str) and getattr(self, name) not in choices:
            self._expect(name, f"one of {', '.join(choices)}", lambda _: False)

    @classmethod
    def from_texts(cls, options: Mapping[str, Any], others: Iterable[str] = ()) -> Self:
        """Read settings as they stand on a command line.

        Parameters
        ----------
        options : mapping of str to Any
            Settings by name, and ``variables`` for :meth:`with_variables`. None is left out; texts
            are split at commas where several are expected.
        others : iterable of str
            ``NAME=VALUE``.

        Raises
        ------
        SimulationError
            If there is no such setting, or it cannot be read.

        Examples
        --------
        >>> settings = Simulation.from_texts({"bands": "g,r,i", "variables": None}, ["clouds=0"])
        >>> settings.bands, settings.clouds
        (('g', 'r', 'i'), 0.0)
        """
        given = {name: value for name, value in options.items() if value is not None}
        for text in others:
            name, equals, value = text.partition("=")
            if not equals:
                raise SimulationError(f"{text!r}: expected NAME=VALUE")
            given[name.strip()] = value.strip()
        defaults: dict[str, Any] = {field.name: field.default for field in fields(cls)}
        defaults["variables"] = 0.0
        read: dict[str, Any] = {}
        for name, value in given.items():
            if name not in defaults:
                raise SimulationError(
                    f"{name}: there is no such setting. Known: {', '.join(defaults)}"
                )
            try:
                read[name] = _read(value, defaults[name])
            except ValueError:
                expected = _EXPECTED[type(defaults[name])]
                raise SimulationError(f"{name}: expected {expected} (found {value!r})") from None
        variables = read.pop("variables", None)
        settings = cls(**read)
        return settings if variables is None else settings.with_variables(variables)

    def count(self, fraction: str) -> int:
        """Number of objects that the field `fraction` stands for."""
        return round(float(getattr(self, fraction)) * self.n_objects)

    def with_variables(self, fraction: float) -> Self:
        """Make this fraction of the objects variable, the kinds among each other as they are.

        Examples
        --------
        >>> Simulation().with_variables(0.18).rrab
        0.02
        """
        if not 0 <= fraction <= 1:
            raise SimulationError(f"variables: expected a fraction, 0 to 1 (found {fraction})")
        total = sum(getattr(self, kind) for kind in VARIABLE_KINDS)
        scale = fraction / total if total else 0.0
        scaled: dict[str, Any] = {kind: scale * getattr(self, kind) for kind in VARIABLE_KINDS}
        return replace(self, **scaled)

    def generator(self, stream: Stream, *numbers: int) -> np.random.Generator:
        """Random numbers of one stream, for instance ``(Stream.OBSERVATION, epoch)``."""
        return np.random.default_rng(
            np.random.SeedSequence(self.seed, spawn_key=(int(stream), *numbers))
        )


def _read(value: Any, default: Any) -> Any:
    """Turn a text into what the default is: a number, a text, or several of them."""
    if isinstance(default, tuple):
        return tuple(type(default[0])(part.strip()) for part in value.split(","))
    return type(default)(value)


_EXPECTED = {int: "a whole number", float: "a number", tuple: "numbers with commas between them"}

_FRACTIONS = (
    *("lost_nights", "missing_band", "clouds", "proper_motions", "blends", "dropouts", "spoiled"),
    *("sentinels", *VARIABLE_KINDS),
)
_AT_LEAST_0 = (
    *("min_separation_arcsec", "overhead", "systematic", "zero_point", "cloud_extinction"),
    *("colour_term", "seeing_scatter", "astrometric_offset", "astrometric_noise", "dither_arcmin"),
    *("proper_motion", "spurious"),
)
_POSITIVE = ("radius_arcmin", "night_hours", "season_days", "error_scale", "seeing")
