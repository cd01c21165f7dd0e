"""What the sections of ``survey.toml`` have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from astropy import units
from pydantic import AfterValidator, BaseModel, ConfigDict

CatalogFormat = Literal[
    "auto", "ecsv", "fits", "fits_ldac", "votable", "csv", "parquet", "sextractor", "ascii"
]

#: Ways to say hours: most are no units of astropy.
HOUR_WORDS = frozenset(("h", "hr", "hour", "hours", "hourangle", "h:m:s", '"h:m:s"', "hms"))
#: Ways to say degrees, likewise.
DEGREE_WORDS = frozenset(("", "deg", "degree", "degrees", "d", '"d:m:s"', "d:m:s", "dms"))


class Section(BaseModel):
    """A section: what it does not know is refused, what it was given stays."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def underscored(value: Any) -> Any:
    """Take a choice spelled with spaces or hyphens: ``one row``."""
    return value.replace(" ", "_").replace("-", "_") if isinstance(value, str) else value


def whole_number_as_text(value: Any) -> Any:
    """Take a text that was written as a number: ``12``."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _angle_unit(value: str) -> str:
    """Refuse what cannot be a unit of RA or Dec."""
    text = value.strip().lower()
    unit = units.Unit(text, parse_strict="silent")
    if text not in HOUR_WORDS | DEGREE_WORDS and (
        isinstance(unit, units.UnrecognizedUnit) or not unit.is_equivalent(units.deg)
    ):
        raise ValueError("expected a unit of an angle: 'deg', 'hourangle' or 'rad'")
    return value


AngleUnit = Annotated[str, AfterValidator(_angle_unit)]
