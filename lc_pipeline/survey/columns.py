"""``[columns]``, ``[[measurements]]`` and ``[missing]``: what the columns of a catalogue mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from lc_pipeline.survey.section import AngleUnit, Section, whole_number_as_text

Quantity = Literal["mag", "flux"]
ErrorKind = Literal["sigma", "variance", "inverse_variance", "snr"]

#: Names along the value axis of the store that no extra value may have.
_VALUE_NAMES = ("mag", "mag_err", "flux", "flux_err", "value", "error")


def _bad_flags(value: Any) -> Any:
    is_bits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if is_bits or value == "any":
        return value
    if isinstance(value, list | tuple) and value:
        texts = tuple(whole_number_as_text(text) for text in value)
        if all(isinstance(text, str) for text in texts):
            return texts
    raise ValueError(
        "expected a sum of bits, 0 or more; or 'any'; or a list of the texts that mean bad, ['U']"
    )


BadFlags = Annotated[Any, BeforeValidator(_bad_flags)]


def _number_or_name(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("expected a number, or the name of a keyword or column")  # noqa: TRY004
    return value if isinstance(value, str) else float(value)


class ColumnsSection(Section):
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


class MeasurementSection(Section):
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
    limit: str | None = None
    """What states how faint could be seen, in the unit and system of the value: a column, a header
    keyword or a group; or the column of the value itself, where cells like ``>17.5`` do."""
    extra: dict[str, str] = Field(default_factory=dict)
    """More values to keep with the measurement: name in the store = column."""
    where: dict[str, Annotated[str, BeforeValidator(whole_number_as_text)]] | None = None
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
        if limit := [column for name, column in extra.items() if name.strip().lower() == "limit"]:
            raise ValueError(f"limits have a setting of their own: write limit = {limit[0]!r}")
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


class MissingSection(Section):
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
