"""What has arrived in a landing folder since the last look: new, changed, vanished, unfinished.

A file counts as complete when it has not been written to for a while, or not since the last look.
Names that begin with a dot are not looked at: a file that is copied under such a name and renamed
when it is complete is taken at once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lc_pipeline.catalogs.landed_files import EpochFiles
from lc_pipeline.storage.snapshot import EpochRecord

SETTLE_SECONDS = 10.0


@dataclass(frozen=True)
class Arrivals:
    """What one look at a landing folder found; epoch keys, sorted."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    vanished: tuple[str, ...]
    waiting: Mapping[str, str]
    """Fingerprints of epochs whose files may still be being written."""
    fingerprints: Mapping[str, str]
    """Of the epochs that are complete."""

    @property
    def arrived(self) -> tuple[str, ...]:
        """New and changed epochs."""
        return tuple(sorted((*self.new, *self.changed)))


def find_arrivals(
    epochs: Iterable[EpochFiles],
    seen: Mapping[str, str],
    *,
    waiting: Mapping[str, str],
    now: float,
    settle_seconds: float = SETTLE_SECONDS,
) -> Arrivals:
    """Compare a landing folder with what was seen there before.

    Parameters
    ----------
    epochs : iterable of EpochFiles
        What is there.
    seen : mapping of str to str
        Fingerprints of the epochs taken so far.
    waiting : mapping of str to str
        What the last look found unfinished.
    now : float
        Seconds since 1970.
    settle_seconds : float
        Files that were written to within this time may be unfinished, unless they are as they
        were at the last look.
    """
    complete: dict[str, str] = {}
    unfinished: dict[str, str] = {}
    for files in epochs:
        states = _states(files)
        mark = _digest(states, files)
        is_settled = (
            mark in (seen.get(files.epoch), waiting.get(files.epoch))
            or _last_written(states) <= now - settle_seconds
        )
        (complete if is_settled else unfinished)[files.epoch] = mark
    return Arrivals(
        new=tuple(sorted(key for key in complete if key not in seen)),
        changed=tuple(sorted(key for key, mark in complete.items() if seen.get(key, mark) != mark)),
        vanished=tuple(sorted(seen.keys() - complete.keys() - unfinished.keys())),
        waiting=unfinished,
        fingerprints=complete,
    )


def fingerprint(files: EpochFiles) -> str:
    """Digest of the names, sizes and times of an epoch's files, and of its rows of the log."""
    return _digest(_states(files), files)


def n_bytes(files: EpochFiles) -> int:
    """Size of an epoch's files together."""
    return sum(state.size for state in _states(files))


def seen_by_store(epochs: Sequence[EpochFiles], records: Iterable[EpochRecord]) -> dict[str, str]:
    """Fingerprints of the epochs that a store has from these very files, as far as times tell.

    For a start without a memory: an epoch counts as seen if it was ingested from files of these
    names after they were last written to.
    """
    known = {record.epoch: record for record in records}
    seen = {}
    for files in epochs:
        record = known.get(files.epoch)
        if record is None:
            continue
        names = [file.name for file in files.files] + [row.name for row in files.log_rows]
        same_rows = {row.sha256 for row in files.log_rows} <= set(record.source_sha256)
        if set(record.source_name) != set(names) or not same_rows:
            continue
        states = _states(files)
        if _last_written(states) <= dt.datetime.fromisoformat(record.ingested_at).timestamp():
            seen[files.epoch] = _digest(states, files)
    return seen


class _State(NamedTuple):
    name: str
    size: int
    modified_ns: int


def _states(files: EpochFiles) -> list[_State]:
    states = []
    for file in files.files:
        try:
            size, modified_ns = file.state()
        except OSError:  # gone since the folder was listed: the next look will see
            continue
        states.append(_State(file.name, size, modified_ns))
    return states


def _digest(states: list[_State], files: EpochFiles) -> str:
    parts = [*(tuple(state) for state in states), *(row.sha256 for row in files.log_rows)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _last_written(states: list[_State]) -> float:
    return max((state.modified_ns for state in states), default=0) / 1e9
