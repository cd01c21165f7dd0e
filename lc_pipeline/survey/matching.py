"""``[reference]`` and ``[matching]``: the objects, and how detections find them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from lc_pipeline.survey.section import AngleUnit, CatalogFormat, Section, underscored

DuplicateRule = Literal["nearest", "best_error", "weighted_mean", "refuse"]
Footprint = Literal["field", "hull", "rows"]


class ReferenceSection(Section):
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


class MatchingSection(Section):
    """``[matching]``: how detections find their object."""

    mode: Literal["position", "key"] = "position"
    radius_arcsec: float = Field(default=1.0, gt=0, le=3600)
    astrometric_offset: bool = False
    """Find and remove a shift of the whole epoch before matching."""
    max_offset_arcsec: float = Field(default=5.0, gt=0, le=3600)
    duplicates: Annotated[DuplicateRule, BeforeValidator(underscored)] = "nearest"
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
