"""``[time]``: when an epoch was taken."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal, Self

from astropy.time import Time
from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from lc_pipeline.survey.section import Section


def _lower_case(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


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


class TimeSection(Section):
    """``[time]``: when an epoch was taken."""

    source: Literal["header", "column", "filename", "log"] = Field(alias="from")
    name: str
    """Header keyword, column (of the catalogue, or of the log), or group of ``files.pattern``."""
    log: str | None = None
    """A table with a row for each epoch or file, relative to ``survey.toml``."""
    log_epoch: str = "epoch"
    """The log's column of epoch keys or file names."""
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

    @model_validator(mode="after")
    def _has_a_log(self) -> Self:
        if (self.source == "log") != (self.log is not None):
            raise ValueError(
                "from = 'log' and log = 'FILE' belong together: the file is a table with a row for "
                "each epoch, and time.name its column of times"
            )
        return self

    @field_validator("exposure")
    @classmethod
    def _is_no_negative_time(cls, exposure: float | str | None) -> float | str | None:
        if isinstance(exposure, float) and not exposure >= 0:
            raise ValueError("expected seconds, 0 or more, or the name of a keyword or column")
        return exposure
