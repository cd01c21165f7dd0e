"""What belongs here: what a sensor remembers from one tick to the next, as compressed text."""

import base64
import dataclasses
import json
import zlib
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class LandingCursor:
    """What the landing sensor has seen."""

    seen: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the epochs that it has reported."""
    waiting: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the epochs that may still be being written."""

    def to_text(self) -> str:
        """Write it down: 10,000 epochs take some 200 kB."""
        return base64.b85encode(
            zlib.compress(json.dumps(dataclasses.asdict(self)).encode())
        ).decode()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read it back."""
        return cls(**json.loads(zlib.decompress(base64.b85decode(text))))
