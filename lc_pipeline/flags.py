"""Why a value is missing or doubtful: the one definition of the ``flags`` of a measurement.

The store's CF attributes, the decoder, the plots and the documentation are all made from
:class:`MeasurementFlag`. Zero means good.
"""

from __future__ import annotations

from collections import Counter
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

FLAG_DTYPE = np.dtype("uint16")


class MeasurementFlag(IntFlag):
    """Bits of ``flags``, per object, measurement and epoch. 0 is a good measurement."""

    NOT_INGESTED = 1
    """The object or the measurement joined the store after this epoch was ingested."""
    NOT_OBSERVED = 2
    """The epoch has no such measurement, or the object lay outside what was observed."""
    NOT_DETECTED = 4
    """The object was observed and no detection was matched to it."""
    BAD_VALUE = 8
    """Detected, but the catalogue gives no usable value (a sentinel, masked, not finite)."""
    BAD_ERROR = 16
    """The value stands, but the catalogue gives no usable error with it."""
    NON_POSITIVE_FLUX = 32
    """A magnitude was asked for, and the flux is zero or negative."""
    CATALOG_FLAGGED = 64
    """The value stands, but the catalogue's own flags call it bad."""
    AMBIGUOUS = 128
    """Another detection, or another object, is within the match radius as well."""
    DUPLICATED = 256
    """The object stands in this epoch more than once; the duplicate rule chose or combined."""
    BAD_TIME = 512
    """The catalogue gives no usable time for this measurement; the epoch's time is used."""
    OFF_POSITION = 1024
    """Matched by key, but the position disagrees by more than the match radius."""


#: Nothing was measured: the value is missing and no detection stands behind it.
ABSENT = MeasurementFlag.NOT_INGESTED | MeasurementFlag.NOT_OBSERVED | MeasurementFlag.NOT_DETECTED

#: A value with one of these bits should not be used without thought.
BAD = (
    ABSENT
    | MeasurementFlag.BAD_VALUE
    | MeasurementFlag.NON_POSITIVE_FLUX
    | MeasurementFlag.CATALOG_FLAGGED
    | MeasurementFlag.OFF_POSITION
)


def flag_attributes() -> dict[str, object]:
    """CF attributes (``flag_masks``, ``flag_meanings``) that describe ``flags``.

    Examples
    --------
    >>> flag_attributes()["flag_meanings"].split()[:2]
    ['not_ingested', 'not_observed']
    """
    members = list(MeasurementFlag)
    return {
        "long_name": "why a value is missing or doubtful; 0 = good",
        "flag_masks": [int(member) for member in members],
        "flag_meanings": " ".join((member.name or "").lower() for member in members),
    }


def decode_flag(flag: int) -> str:
    """Write one flag value in words.

    Examples
    --------
    >>> decode_flag(0)
    'good'
    >>> decode_flag(192)
    'catalog flagged, ambiguous'
    """
    words = [
        (member.name or "").lower().replace("_", " ") for member in MeasurementFlag if flag & member
    ]
    return ", ".join(words) or "good"


def count_flags(flags: NDArray[np.uint16]) -> dict[str, int]:
    """Count how often each flag is set in `flags` (any shape), and how many are ``good``.

    Examples
    --------
    >>> count_flags(np.array([0, 0, 4, 192], dtype="uint16"))
    {'good': 2, 'not detected': 1, 'catalog flagged': 1, 'ambiguous': 1}
    """
    values, numbers = np.unique(flags, return_counts=True)
    counts: Counter[str] = Counter()
    for value, number in zip(values.tolist(), numbers.tolist(), strict=True):
        for word in decode_flag(value).split(", "):
            counts[word] += number
    return dict(counts)
