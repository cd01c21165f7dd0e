"""``[photometry]``: zero points of the epochs, and the stars they are tied to."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from lc_pipeline.survey.section import AngleUnit, CatalogFormat, Section, underscored


class StandardsSection(Section):
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
        return underscored(layout)

    @model_validator(mode="after")
    def _names_its_columns(self) -> Self:
        if self.layout == "one_row" and not self.column_names:
            raise ValueError('layout = "one row" needs the names of its columns: set column_names')
        if strange := sorted(self.errors.keys() - self.values.keys()):
            raise ValueError(f"errors: there is no measurement {strange[0]!r} in values")
        return self


class PhotometrySection(Section):
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
