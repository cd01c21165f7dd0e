"""Errors for people: each says what was wrong, where, and what to do about it."""

from __future__ import annotations

from pathlib import Path


class LightcurveError(Exception):
    """Base class of every error that this package raises on purpose."""


class SurveyConfigError(LightcurveError):
    """A ``survey.toml`` (or a setting in it) cannot be used; nothing was read or written."""


class CatalogError(LightcurveError):
    """A catalogue file cannot be used; the epoch it belongs to is refused as a whole.

    Parameters
    ----------
    path : str or Path
        The file. It always stands first in the message.
    message : str
        What was wrong, with the column or the row, and what to do about it.
    """

    def __init__(self, path: str | Path, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = str(path)
        self.reason = message

    def __reduce__(self) -> tuple[type[CatalogError], tuple[str, str]]:
        """Survive the way back from a worker process."""
        return type(self), (self.path, self.reason)


class MatchingError(LightcurveError):
    """Detections cannot be matched to the reference catalogue as configured."""


class RegionError(LightcurveError, ValueError):
    """A box, cone or polygon on the sky does not make sense as it was given."""


class StorageError(LightcurveError):
    """A store is absent, damaged, locked, or not of the kind that was asked for."""


class NotInStoreError(StorageError, LookupError):
    """The store has no such object, epoch or measurement."""


class TableNotFoundError(LightcurveError):
    """A table was not made yet."""
