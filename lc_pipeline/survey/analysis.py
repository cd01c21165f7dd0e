"""``[statistics]``, ``[candidates]``, ``[periods]``, ``[report]``: what is made of light curves."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from lc_pipeline.survey.section import Section


class StatisticsSection(Section):
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


class CandidatesSection(Section):
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


class PeriodsSection(Section):
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


class ReportSection(Section):
    """``[report]``: what the report of the survey shows."""

    candidates: int = Field(default=50, ge=0)
    """How many candidates have a section of their own, with their plots."""
    epochs: int = Field(default=500, ge=0)
    """Rows in the table of epochs; of more epochs, those least matched are shown."""
    measurements: tuple[str, ...] = ()
    """Measurements to draw light curves of; by default the first six."""
    indices: tuple[str, ...] = ("std", "iqr", "inverse_eta")
    """Indices to draw against brightness, where the survey has them."""
