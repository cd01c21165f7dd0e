"""Catalogue files that have arrived, and those of one epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path

from lc_pipeline.catalogs.observing_log import LogRow


@dataclass(frozen=True)
class LandedFile:
    """One catalogue file in the landing folder."""

    path: Path
    name: str
    """Path below the landing folder, with ``/`` between folders."""
    groups: dict[str, str] = field(default_factory=dict)
    """Named groups of ``files.pattern``, without those that took no part in the match."""
    log: LogRow | None = None
    """Its row, or that of its epoch, of the observing log (``time.log``)."""

    def state(self) -> tuple[int, int]:
        """Size in bytes, and time of the last change in ns since 1970; OSError if it has gone."""
        status = self.path.stat()
        return status.st_size, status.st_mtime_ns

    def open(self) -> BufferedIOBase:
        """Open it for reading; OSError if that cannot be done."""
        return self.path.open("rb")


@dataclass(frozen=True)
class EpochFiles:
    """The files of one epoch, sorted by name."""

    epoch: str
    files: tuple[LandedFile, ...]

    @property
    def log_rows(self) -> tuple[LogRow, ...]:
        """Rows of the observing log that are of these files."""
        return tuple(dict.fromkeys(file.log for file in self.files if file.log))
