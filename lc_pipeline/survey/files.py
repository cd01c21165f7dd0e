"""``[survey]`` and ``[files]``: what a survey is called, and where its catalogues arrive."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from lc_pipeline.survey.section import CatalogFormat, Section


def _regular_expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from error
    return value


RegularExpression = Annotated[str, AfterValidator(_regular_expression)]


class SurveySection(Section):
    """``[survey]``: what it is called and where its light curves are kept."""

    name: str = Field(min_length=1)
    description: str = ""
    store: str = "store"
    """Folder of the two stores, relative to ``survey.toml``."""


class FilesSection(Section):
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
