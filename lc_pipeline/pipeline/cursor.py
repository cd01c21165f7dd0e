"""What belongs here: what a sensor remembers from one tick to the next.

A tick keeps a copy of the sensor's cursor for a week, and the sensor's page shows it: of ten
thousand epochs, that is gigabytes. So the cursor is a line of words that names what is remembered,
and that itself stands once in the storage of the Dagster instance.
"""

import base64
import dataclasses
import hashlib
import json
import zlib
from dataclasses import dataclass, field
from typing import Self

import dagster as dg

from lc_pipeline.pipeline.names import named

#: Two places. The one that the cursor names is never written to, so that a tick that does not come
#: to its end is as if it had not been.
PLACES = ("a", "b")


@dataclass(frozen=True)
class LandingCursor:
    """What the landing sensor has seen."""

    seen: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the epochs that it has reported."""
    waiting: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the epochs that may still be being written."""

    def keep(self, instance: dg.DagsterInstance, cursor: str | None) -> str:
        """Remember this beside what `cursor` names; give the cursor that names this."""
        text = self._to_text()
        if cursor and _digest(text) in cursor:
            return cursor
        place = PLACES[bool(cursor and cursor.endswith(f"in {PLACES[0]}"))]
        instance.daemon_cursor_storage.set_cursor_values({_key(place): text})
        return f"{len(self.seen)} epochs: {_digest(text)} in {place}"

    @classmethod
    def recall(cls, instance: dg.DagsterInstance, cursor: str) -> Self | None:
        """What `cursor` names; None if that is not there any more, or is something else."""
        keys = {_key(place) for place in PLACES if cursor.endswith(f"in {place}")}
        kept = instance.daemon_cursor_storage.get_cursor_values(keys) if keys else {}
        for text in kept.values():
            if _digest(text) in cursor:
                return cls(**json.loads(zlib.decompress(base64.b85decode(text))))
        return None

    def _to_text(self) -> str:
        """Write it down: 10,000 epochs take some 200 kB."""
        contents = json.dumps(dataclasses.asdict(self), sort_keys=True).encode()
        return base64.b85encode(zlib.compress(contents)).decode()


def _key(place: str) -> str:
    return f"lc_pipeline/{named('landing')}/{place}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
