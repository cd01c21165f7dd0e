"""``survey.toml``: everything that is particular to one survey, validated.

No survey needs code: where the files are, what their columns mean, when they were taken, which
objects there are and how detections are matched to them all stands in one commented file. Every
section but ``[survey]`` and ``[files]`` may be left out; what is left out is recognised from the
files (UCDs, well-known column names, headers), and what was recognised is said.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from astropy import units
from astropy.time import Time
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from lc_pipeline.errors import SurveyConfigError

CatalogFormat = Literal[
    "auto", "ecsv", "fits", "fits_ldac", "votable", "csv", "parquet", "sextractor", "ascii"
]
DuplicateRule = Literal["nearest", "best_error", "weighted_mean", "refuse"]
Quantity = Literal["mag", "flux"]
Footprint = Literal["field", "hull", "rows"]


def _underscored(value: Any) -> Any:
    return value.replace(" ", "_").replace("-", "_") if isinstance(value, str) else value


def _regular_expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from error
    return value


RegularExpression = Annotated[str, AfterValidator(_regular_expression)]


def _lower_case(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _whole_number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _angle_unit(value: str) -> str:
    """Refuse what cannot be a unit of RA or Dec."""
    text = value.strip().lower()
    unit = units.Unit(text, parse_strict="silent")
    if text not in ANGLE_WORDS and (
        isinstance(unit, units.UnrecognizedUnit) or not unit.is_equivalent(units.deg)
    ):
        raise ValueError("expected a unit of an angle: 'deg', 'hourangle' or 'rad'")
    return value


def _time_format(value: str) -> str:
    if value.lower() in Time.FORMATS:
        return value.lower()
    if "%" not in value:
        close = difflib.get_close_matches(value, Time.FORMATS, n=2)
        hint = f" Did you mean {' or '.join(repr(one) for one in close)}?" if close else ""
        raise ValueError(
            f"expected 'mjd', 'jd', 'isot', 'unix' or another time format of astropy, or a "
            f"pattern with %, as in '%Y%m%d'.{hint}"
        )
    return value


def _bad_flags(value: Any) -> Any:
    is_bits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if is_bits or value == "any":
        return value
    if isinstance(value, list | tuple) and value:
        texts = tuple(_whole_number_as_text(text) for text in value)
        if all(isinstance(text, str) for text in texts):
            return texts
    raise ValueError(
        "expected a sum of bits, 0 or more; or 'any'; or a list of the texts that mean bad, ['U']"
    )


def _number_or_name(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("expected a number, or the name of a keyword or column")  # noqa: TRY004
    return value if isinstance(value, str) else float(value)


#: Ways to say hours and degrees that are no units of astropy.
ANGLE_WORDS = frozenset(
    (
        *("h", "hr", "hour", "hours", "hourangle", "h:m:s", '"h:m:s"', "hms"),
        *("", "deg", "degree", "degrees", "d", '"d:m:s"', "d:m:s", "dms"),
    )
)

#: Names along the value axis of the store that no extra value may have.
_VALUE_NAMES = ("mag", "mag_err", "flux", "flux_err", "value", "error")

AngleUnit = Annotated[str, AfterValidator(_angle_unit)]
BadFlags = Annotated[Any, BeforeValidator(_bad_flags)]
ErrorKind = Literal["sigma", "variance", "inverse_variance", "snr"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SurveySection(_Section):
    """``[survey]``: what it is called and where its light curves are kept."""

    name: str = Field(min_length=1)
    description: str = ""
    store: str = "store"
    """Folder of the two stores, relative to ``survey.toml``."""


class FilesSection(_Section):
    """``[files]``: where catalogues arrive and how their names are read."""

    folder: str = "."
    """Landing folder, relative to ``survey.toml``, or a URL that fsspec knows (``s3://...``)."""
    pattern: RegularExpression
    """Regular expression for the whole path of a file below `folder` (``/`` between folders).

    The named group ``epoch`` is the epoch's key. Files of the same epoch are ingested together.
    The optional group ``measurement`` names a channel or band that has a file of its own; it, and
    any other group, may be used in measurement keys as ``{group}`` and by ``[time]``.
    """
    exclude: tuple[RegularExpression, ...] = ()
    """Files to leave out, as regular expressions like `pattern`: known bad ones, for instance."""
    format: CatalogFormat = "auto"
    hdu: str | int | None = None
    """Name or number of the FITS extension, or ``all`` of those that have the same columns; by
    default the one that holds the sources."""
    delimiter: str | None = None
    column_names: tuple[str, ...] = ()
    """Names of all columns of a text file without a header."""
    decimal: Literal[".", ","] = "."
    """The decimal sign of a text file."""
    comment: str = Field(default="#", min_length=1)
    """What a comment begins with in a text file."""
    skip_lines: int = Field(default=0, ge=0)
    """Lines at the top of a text file that are neither comments nor names nor rows."""

    @field_validator("pattern")
    @classmethod
    def _names_the_epoch(cls, pattern: str) -> str:
        if "epoch" not in re.compile(pattern).groupindex:
            raise ValueError("expected a named group (?P<epoch>...), which is the epoch's key")
        return pattern

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups of `pattern`."""
        return tuple(re.compile(self.pattern).groupindex)


class ColumnsSection(_Section):
    """``[columns]``: the columns that belong to the detection, not to one measurement."""

    key: str | None = None
    """The object's own name or number (needed only to match by key)."""
    ra: str | None = None
    dec: str | None = None
    ra_unit: AngleUnit | None = None
    """``deg``, ``hourangle`` or ``rad``; by default the file's own unit, else degrees."""
    dec_unit: AngleUnit | None = None
    flags: str | None = None
    """Catalogue flags of the whole detection."""
    bad_flags: BadFlags | None = None
    """Bits of `flags` that mean bad; by default all but 1 and 2 for SExtractor, else any bit.

    Flags that are texts (``A``, ``B``, ``U``) need the list of those that mean bad."""


class MeasurementSection(_Section):
    """One ``[[measurements]]``: a band, an aperture or a channel."""

    key: str
    """Name in the store. ``{name}`` stands for the group of that name in the file's name, else
    for the header keyword, else for the texts of the column: one measurement for each of them."""
    value: str
    """Column of the value. Column k of a vector column ``MAG_APER`` is ``MAG_APER_k`` (0: no k)."""
    error: str | None = None
    error_is: ErrorKind = "sigma"
    """What the column `error` holds; the store keeps the standard deviation."""
    optional: bool = False
    """Whether files may lack the column `value`: then it was not observed."""
    quantity: Quantity | None = None
    """``mag`` or ``flux`` (any linear brightness: flux density, counts, ADU)."""
    unit: str | None = None
    to_magnitude: bool = False
    """Turn fluxes or counts into magnitudes, ``zero_point - 2.5 log10(flux)``."""
    zero_point: Annotated[float | str, BeforeValidator(_number_or_name)] = 0.0
    """Of `to_magnitude`, or to be added to magnitudes: a number, or the header keyword, column or
    group that has it."""
    flags: str | None = None
    bad_flags: BadFlags | None = None
    time: str | None = None
    """Column of each row's own time, in the format and scale of ``[time]``."""
    extra: dict[str, str] = Field(default_factory=dict)
    """More values to keep with the measurement: name in the store = column."""
    where: dict[str, Annotated[str, BeforeValidator(_whole_number_as_text)]] | None = None
    """Rows of this measurement: those where the column is this text, e.g. ``{ filter = "g" }``.

    For tables with one row for each object and band. On other rows it is not observed. An empty
    table takes all rows, whatever a column of bands says."""

    @field_validator("key")
    @classmethod
    def _has_a_name(cls, key: str) -> str:
        if not key.strip():
            raise ValueError("expected a name for the measurement")
        return key

    @field_validator("extra")
    @classmethod
    def _has_names_of_its_own(cls, extra: dict[str, str]) -> dict[str, str]:
        if taken := [name for name in extra if name.strip().lower() in _VALUE_NAMES]:
            raise ValueError(
                f"the name {taken[0]!r} is that of the value or its error; choose another one"
            )
        columns = list(extra.values())
        if twice := [column for column in columns if columns.count(column) > 1]:
            raise ValueError(f"the column {twice[0]!r} is given twice")
        return extra

    @model_validator(mode="after")
    def _uses_what_it_has(self) -> Self:
        if self.quantity == "flux" and self.zero_point != 0 and not self.to_magnitude:
            raise ValueError(
                "zero_point makes magnitudes of fluxes only with to_magnitude = true: set it, or "
                "remove zero_point"
            )
        if self.error_is != "sigma" and not self.error:
            raise ValueError(f"error_is = {self.error_is!r} needs the column: set error")
        return self


class TimeSection(_Section):
    """``[time]``: when an epoch was taken."""

    source: Literal["header", "column", "filename"] = Field(alias="from")
    name: str
    """Header keyword, column, or named group of ``files.pattern``."""
    format: Annotated[str, AfterValidator(_time_format)] = "mjd"
    """An astropy format (``mjd``, ``jd``, ``isot``, ``unix``, ...) or a strptime pattern with %."""
    scale: Annotated[
        Literal["utc", "tai", "tt", "tdb", "tcb", "tcg", "ut1"], BeforeValidator(_lower_case)
    ] = "utc"
    """By default what the header or the name (``BJD``) says, else ``utc``."""
    clock: str | None = None
    """Keyword, column or group of the time of day, where `name` has the day only."""
    at: Literal["start", "mid", "end"] = "mid"
    """Which moment of the exposure the time names."""
    exposure: float | str | None = None
    """Seconds, or the header keyword, column or group that has them."""
    offset: float = 0.0
    """Days to add, e.g. 2400000.5 or 2455197.5."""
    replace: dict[str, str] = Field(default_factory=dict)
    """Texts to replace in a file name's time and exposure before reading them, ``{ d = "." }``."""
    refposition: Literal["TOPOCENTER", "GEOCENTER", "HELIOCENTER", "BARYCENTER", "UNKNOWN"] = (
        "TOPOCENTER"
    )
    """Where the clock stands: the place that light travel times are referred to (IVOA).

    By default what the header or the name (``HJD``, ``BJD``) says, else ``TOPOCENTER``."""

    @field_validator("exposure")
    @classmethod
    def _is_no_negative_time(cls, exposure: float | str | None) -> float | str | None:
        if isinstance(exposure, float) and not exposure >= 0:
            raise ValueError("expected seconds, 0 or more, or the name of a keyword or column")
        return exposure


class MissingSection(_Section):
    """``[missing]``: numbers that are not measurements."""

    magnitude_range: tuple[float, float] = (-60.0, 60.0)
    """A magnitude outside is missing: 99, -99.99, 100.2 and the like."""
    error_range: tuple[float, float] = (0.0, 10.0)
    """The error of a magnitude outside or at the limits is missing: 0, -1, 99.999."""
    values: tuple[float, ...] = ()
    """Further numbers that stand for a missing value, for fluxes as well, e.g. -999."""
    errors: tuple[float, ...] = (0.0,)
    """Numbers that stand for a missing error, for fluxes as well. Negative errors are missing."""
    time_range: tuple[float, float] = (15020.0, 88069.0)
    """A row's own time (MJD) outside is missing; the default is the years 1900 to 2100."""

    @field_validator("magnitude_range", "error_range", "time_range")
    @classmethod
    def _ascends(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if not limits[0] < limits[1]:
            raise ValueError("expected [smallest, largest]")
        return limits


class ReferenceSection(_Section):
    """``[reference]``: the objects, from a given table or built from the epochs."""

    file: str | None = None
    """A table of objects, relative to ``survey.toml``; without it the epochs are merged."""
    format: CatalogFormat = "auto"
    key: str | None = None
    ra: str | None = None
    dec: str | None = None
    ra_unit: AngleUnit | None = None
    dec_unit: AngleUnit | None = None
    pm_ra_cosdec: str | None = None
    """Column of the proper motion in RA times cos(Dec), in mas/yr unless the table says else."""
    pm_dec: str | None = None
    ref_epoch: float | str | None = None
    """Julian year of the positions (2016.0 for Gaia DR3), or the column that has it."""
    epochs: tuple[str, ...] = ()
    """Epochs to build from; by default all that are there."""
    min_epochs: int = Field(default=2, ge=1)
    """An object enters a built reference when it is seen in at least so many epochs."""
    radius_arcsec: float | None = Field(default=None, gt=0)
    """Radius for merging detections; by default the match radius."""


class MatchingSection(_Section):
    """``[matching]``: how detections find their object."""

    mode: Literal["position", "key"] = "position"
    radius_arcsec: float = Field(default=1.0, gt=0, le=3600)
    astrometric_offset: bool = False
    """Find and remove a shift of the whole epoch before matching."""
    max_offset_arcsec: float = Field(default=5.0, gt=0, le=3600)
    duplicates: Annotated[DuplicateRule, BeforeValidator(_underscored)] = "nearest"
    """What to do with an object that stands twice in one epoch."""
    footprint: Footprint | None = None
    """What a missing detection means: ``field``: every epoch sees every object, so it was not
    detected; ``hull``: so inside the convex hull of the epoch's detections, else it was not
    observed; ``rows``: an absent row was not observed. By default ``hull`` for matching by
    position, ``rows`` by key."""

    @property
    def absence(self) -> Footprint:
        """The footprint rule in force."""
        return self.footprint or ("hull" if self.mode == "position" else "rows")


class StatisticsSection(_Section):
    """``[statistics]``: how variability indices are made."""

    indices: tuple[str, ...] = ()
    """Which indices to make; by default all."""
    pairs: tuple[tuple[str, str], ...] | None = None
    """Pairs of measurements to compare, e.g. ``[["ch1", "ch2"]]``; by default each with each other
    one where there are at most five."""
    pair_gap: float | None = Field(default=None, gt=0)
    """Days between two points that make a pair for Stetson's indices; by default twice the lower
    quartile of the object's own intervals."""
    abbe_window: float | None = Field(default=None, gt=0)
    """Days of a part for the excess Abbe value; by default a tenth of the object's time span."""
    sigma_clip: float | None = Field(default=None, gt=0)
    """Leave out points further from the median than so many robust standard deviations; by default
    none are, since eclipses and flares are outliers."""
    neighbours: int | None = Field(default=None, ge=5)
    """How many objects of similar brightness an index is judged against; by default a tenth of
    all, at least 25 and at most 501."""


Veto = Literal[
    "blend",
    "ambiguous",
    "edge",
    "coverage",
    "epochs",
    "outlier",
    "alias",
    "saturation",
    "conditions",
]
#: All reasons to doubt a candidate.
VETOES: tuple[Veto, ...] = get_args(Veto)


class CandidatesSection(_Section):
    """``[candidates]``: which objects are called variable, and what casts doubt on them."""

    false_positive_rate: float = Field(default=0.001, gt=0, lt=1)
    """Fraction of constant objects that are called variable by chance."""
    scatter_indices: tuple[str, ...] = ("iqr", "mad")
    """Indices of ``[statistics]`` that say how far an object's values scatter. They should not be
    moved by single outlying points."""
    order_indices: tuple[str, ...] = ("lag1", "inverse_eta")
    """Indices that say whether consecutive points agree, whatever their scatter."""
    pair_indices: tuple[str, ...] = ("correlation", "stetson_j")
    """Indices of two measurements that say whether they vary together."""
    excursion_sigma: float = Field(default=3.0, gt=0)
    """Points further from the object's median than so many of its robust standard deviations are
    counted: eclipses and flares."""
    min_points: int = Field(default=8, ge=3)
    """A measurement with fewer good points is not judged."""
    trust_errors: bool = False
    """Whether the errors are right, so that an object whose values scatter much more than their
    errors is variable even if all others are as well."""
    vetoes: tuple[Veto, ...] = VETOES
    """Reasons for which a candidate is doubted and ranked below the others."""
    blend_radius_arcsec: float = Field(default=3.0, ge=0)
    """A neighbour within it blends with the object in bad seeing: two to three times the seeing."""
    max_ambiguous: float = Field(default=0.1, ge=0, le=1)
    """Fraction of an object's points that may be ambiguous matches or duplicates."""
    min_coverage: float = Field(default=0.5, ge=0, le=1)
    """Number of points, relative to objects of similar brightness."""
    max_excluded: float = Field(default=0.2, ge=0, le=1)
    """Fraction of an object's values that may be left out for their flags."""
    crowded_epoch: float = Field(default=0.1, gt=0, le=1)
    """An epoch in which more than this fraction of the objects are outlying at once is suspect."""
    max_explained: float = Field(default=0.5, ge=0, le=1)
    """Fraction of an object's variance that the seeing or the zero point may explain."""


class StandardsSection(_Section):
    """``[photometry.standards]``: stars of known brightness."""

    file: str
    """A table of them, relative to ``survey.toml``, in any format that catalogues may have."""
    format: CatalogFormat = "auto"
    layout: Literal["rows", "one_row"] = "rows"
    """``rows``: a row is a star. ``one row``: all numbers of the first column, then all of the
    second, and so on, whatever the lines."""
    column_names: tuple[str, ...] = ()
    """Names of all columns, where the file has no line of names; required for ``one row``."""
    ra: str | None = None
    dec: str | None = None
    ra_unit: AngleUnit | None = None
    dec_unit: AngleUnit | None = None
    values: dict[str, str] = Field(min_length=1)
    """Column of the brightness for each measurement, in its unit: ``{ V = "Vmag" }``."""
    errors: dict[str, str] = Field(default_factory=dict)
    """Column of its error, as `values`."""
    radius_arcsec: float = Field(default=2.0, gt=0, le=3600)

    @field_validator("layout", mode="before")
    @classmethod
    def _spelled_with_a_space(cls, layout: Any) -> Any:
        return _underscored(layout)

    @model_validator(mode="after")
    def _names_its_columns(self) -> Self:
        if self.layout == "one_row" and not self.column_names:
            raise ValueError('layout = "one row" needs the names of its columns: set column_names')
        if strange := sorted(self.errors.keys() - self.values.keys()):
            raise ValueError(f"errors: there is no measurement {strange[0]!r} in values")
        return self


class PhotometrySection(_Section):
    """``[photometry]``: relative zero points of the epochs, and what is applied on reading."""

    zero_points: Literal["auto", "on", "off"] = "auto"
    """``auto``: in force where stars that had no part in them scatter less with them."""
    min_stars: int = Field(default=3, ge=1)
    """An epoch in which fewer constant stars are measured has no zero point."""
    max_stars: int = Field(default=100, ge=10)
    """So many stars in every epoch are enough; the most telling ones are taken."""
    min_snr: float = Field(default=10.0, gt=0)
    """Of fluxes: the median signal-to-noise ratio of stars that are used."""
    colour: tuple[str, str] | None = None
    """Two measurements whose difference is a star's colour, for a term in colour."""
    position_degree: Literal[0, 1, 2] = 0
    """Degree of the polynomial over the field that each epoch's zero point may have."""
    apply_error_model: bool = False
    """Whether errors are read scaled, with the floor added, as in the table ``error_model``."""
    standards: StandardsSection | None = None

    @field_validator("colour")
    @classmethod
    def _has_two_ends(cls, colour: tuple[str, str] | None) -> tuple[str, str] | None:
        if colour and colour[0] == colour[1]:
            raise ValueError("expected two different measurements")
        return colour


class ReportSection(_Section):
    """``[report]``: what the report of the survey shows."""

    candidates: int = Field(default=50, ge=0)
    """How many candidates have a section of their own, with their plots."""
    epochs: int = Field(default=500, ge=0)
    """Rows in the table of epochs; of more epochs, those least matched are shown."""
    measurements: tuple[str, ...] = ()
    """Measurements to draw light curves of; by default the first six."""
    indices: tuple[str, ...] = ("std", "iqr", "inverse_eta")
    """Indices to draw against brightness, where the survey has them."""


class PeriodsSection(_Section):
    """``[periods]``: which light curves are searched for periods, and how."""

    objects: Literal["auto", "candidates", "all"] = "auto"
    """The variable candidates only, or every object; ``auto``: every one of up to 200 objects."""
    measurements: tuple[str, ...] = ()
    """Keys of the measurements to search, together; by default all."""
    min_period: float | None = Field(default=None, gt=0)
    """Days. By default 0.025, or twice the interval of observations on a regular raster."""
    max_period: float | None = Field(default=None, gt=0)
    """Days. By default the baseline: one cycle in the data."""
    samples_per_peak: float = Field(default=5.0, ge=2)
    """Frequencies to the width of a peak, one over the baseline."""
    terms: int = Field(default=3, ge=1, le=8)
    """Harmonics of the periodogram, at most: the data say how many they need."""
    n_peaks: int = Field(default=3, ge=1, le=20)
    """How many periods are given, the best one first."""
    method: Literal["lomb_scargle", "bls"] = "lomb_scargle"
    """``bls``: box least squares, for transits and other short, flat-bottomed dips."""

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.min_period and self.max_period and not self.min_period < self.max_period:
            raise ValueError("expected min_period < max_period")
        return self


class SurveyConfig(_Section):
    """One survey: the validated contents of its ``survey.toml``.

    Read it with :meth:`read`. Every section is an attribute with the names used in the file.

    Examples
    --------
    >>> survey = SurveyConfig.from_toml('''
    ... [survey]
    ... name = "demo"
    ... [files]
    ... pattern = '(?P<epoch>.+)[.]fits'
    ... ''')
    >>> survey.matching.radius_arcsec
    1.0
    """

    survey: SurveySection
    files: FilesSection
    columns: ColumnsSection = ColumnsSection()
    measurements: tuple[MeasurementSection, ...] = ()
    time: TimeSection | None = None
    missing: MissingSection = MissingSection()
    reference: ReferenceSection = ReferenceSection()
    matching: MatchingSection = MatchingSection()
    photometry: PhotometrySection = PhotometrySection()
    statistics: StatisticsSection = StatisticsSection()
    candidates: CandidatesSection = CandidatesSection()
    report: ReportSection = ReportSection()
    periods: PeriodsSection = PeriodsSection()
    path: Path | None = Field(default=None, exclude=True)
    """The file this was read from; relative folders start at its folder."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        groups = self.files.groups
        keys = [section.key for section in self.measurements]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"measurements: the key {repeated[0]!r} is given twice")
        if self.time and self.time.source == "filename" and self.time.name not in groups:
            raise ValueError(
                f"time.name: files.pattern has no group {self.time.name!r} "
                f"(it has: {', '.join(groups)})"
            )
        return self

    @classmethod
    def read(cls, path: str | Path) -> SurveyConfig:
        """Read a ``survey.toml``, or the one in a folder.

        Parameters
        ----------
        path : str or Path
            The file, or the folder that has it.

        Raises
        ------
        SurveyConfigError
            If there is no such file, it is not TOML, or a setting is not what was expected.
            The message names the file and the setting.
        """
        path = Path(path)
        if path.is_dir():
            path = path / "survey.toml"
        try:
            text = path.read_text(encoding="utf-8-sig")  # some editors begin it with a mark
        except (OSError, UnicodeDecodeError) as error:
            raise SurveyConfigError(
                f"{path}: cannot be read ({error}). "
                f"'lc-pipeline init --from FILE...' writes one from your catalogues."
            ) from error
        return cls.from_toml(text, path)

    @classmethod
    def from_toml(cls, text: str, path: Path | None = None) -> SurveyConfig:
        """Validate the text of a ``survey.toml``; `path` is used for messages and folders."""
        where = str(path or "survey.toml")
        try:
            settings = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            hint = ""
            if "'\\'" in str(error):
                hint = "; write patterns in single quotes, which leave \\ alone"
            raise SurveyConfigError(f"{where}: not valid TOML: {error}{hint}") from error
        if "path" in settings:
            raise SurveyConfigError(f"{where}: path: there is no such setting")
        try:
            return cls.model_validate(settings | {"path": path})
        except ValidationError as error:
            raise SurveyConfigError(_explain(where, error, settings)) from None

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file start from."""
        return self.path.parent if self.path else Path()

    @property
    def landing_folder(self) -> Path:
        """Where catalogues arrive."""
        return self.folder / self.files.folder

    @property
    def fingerprint(self) -> str:
        """Digest of every setting that decides what an epoch's row contains."""
        sections = {"files", "columns", "measurements", "time", "missing", "matching"}
        # What is not set is left out: to set what is the default may say more, as of time.scale.
        settings = self.model_dump(mode="json", include=sections, exclude_unset=True)
        for name in ("folder", "exclude"):
            settings["files"].pop(name, None)
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def store(self) -> str:
        """Location of the stores: a local path or a URL."""
        location = self.survey.store
        return location if "://" in location else str(self.folder / location)


def _explain(where: str, error: ValidationError, settings: dict[str, Any]) -> str:
    """One line per wrong setting: file, key, what was expected, what was found."""
    lines = []
    for problem in error.errors():
        key = _setting_at(problem["loc"], settings)
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"there is no such setting.{_did_you_mean(problem['loc'], settings)}"
        elif problem["type"] == "tuple_type":
            message = f"expected a list{_list_example(problem)}"
        elif problem["type"] == "missing":
            message = "is required"
        elif not isinstance(problem["input"], dict):
            message += f" (found {problem['input']!r})"
        lines.append(f"{where}: {key}: {message}" if key else f"{where}: {message}")
    return "\n".join(lines)


def _setting_at(location: tuple[int | str, ...], settings: dict[str, Any]) -> str:
    """Name a setting by the measurement's key: ``measurements (V).value``."""
    name = ""
    found: Any = settings
    for part in location:
        if part == "function-after":
            continue
        try:
            found = found[part]
        except (LookupError, TypeError):
            found = None
        if isinstance(part, int):
            key = str(found.get("key", "")) if isinstance(found, dict) else ""
            name += f" ({key.strip() or f'number {part + 1}'})"
        else:
            name += f".{part}" if name else part
    return name


def _did_you_mean(location: tuple[int | str, ...], settings: dict[str, Any]) -> str:
    """Name the settings that exist beside a mistaken one."""
    model: Any = SurveyConfig
    for part in location[:-1]:
        if isinstance(part, str) and part in SurveyConfig.model_fields:
            model = {
                "survey": SurveySection,
                "files": FilesSection,
                "columns": ColumnsSection,
                "measurements": MeasurementSection,
                "time": TimeSection,
                "missing": MissingSection,
                "reference": ReferenceSection,
                "matching": MatchingSection,
                "photometry": PhotometrySection,
                "statistics": StatisticsSection,
                "candidates": CandidatesSection,
                "report": ReportSection,
                "periods": PeriodsSection,
            }.get(part)
        elif part == "standards" and model is PhotometrySection:
            model = StandardsSection
    if model is None or not settings:
        return ""
    names = [field.alias or name for name, field in model.model_fields.items() if name != "path"]
    close = difflib.get_close_matches(str(location[-1]).lower(), names, n=1)
    nearest = f" Did you mean {close[0]}?" if close else ""
    return f"{nearest} Known here: {', '.join(names)}"


def _list_example(problem: Any) -> str:
    """Show how a list is written, for what was written instead of one."""
    found = problem["input"]
    if isinstance(found, dict):
        return f": [[{problem['loc'][-1]}]]"
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return ""
    return f", e.g. [{json.dumps(float(found) if isinstance(found, int) else found)}]"
