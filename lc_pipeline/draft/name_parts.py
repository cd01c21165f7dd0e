"""The parts of file names: runs of digits and of letters, signs, dates and Julian dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_DATE = r"(?P<Y>(?:19|20)\d\d)(?P<s>[-_.d]?)(?P<m>0[1-9]|1[0-2])(?P=s)(?P<D>0[1-9]|[12]\d|3[01])"
_CLOCK = (
    r"(?P<T>[T_ .-]?)(?P<H>[01]\d|2[0-3])(?P<c>[-_:.dh]?)(?P<M>[0-5]\d)"
    r"(?P=c)(?P<S>[0-5]\d)(?:(?P<p>[.d])(?P<f>\d{1,6}))?"
)
#: Times as they stand in names, the longest first: kind and expression.
TIMES = (
    ("moment", re.compile(rf"{_DATE}{_CLOCK}(?!\d)")),
    ("day", re.compile(rf"{_DATE}(?!\d)")),
    ("jd", re.compile(r"24\d{5}(?P<p>[.dp])\d+(?!\d)")),
    ("mjd", re.compile(r"[3-6]\d{4}(?P<p>[.dp])\d{2,}(?!\d)")),
)
_PART = re.compile(r"\d+|[^\W\d_]+|[\W_]")

#: A channel: the whole of what stands between two signs of a name, or letters beside a number.
CHANNEL = re.compile(r"(?i)(?:ch|chan|channel|band|irac|filter|filt|w)_?\d{1,2}|f\d{3,4}[a-z]\w?")
#: One of several detectors that see a field together; it stands before its number.
DETECTOR = re.compile(r"(?i)(?:ccd|chip|det|detector|amp|sca|quad|ext|hdu)")


@dataclass(frozen=True)
class Slot:
    """One part of the names, the same or another in each of them."""

    kind: str
    texts: tuple[str, ...]
    number: int
    """Of the field: the parts between two signs."""

    @property
    def varies(self) -> bool:
        """Whether the names differ in it."""
        return len(set(self.texts)) > 1

    @property
    def is_time(self) -> bool:
        """Whether it is a date, a Julian date or a moment."""
        return self.kind not in ("digits", "letters", "sign", "mixed")

    @property
    def has_clock(self) -> bool:
        """Whether it is a time with its hour."""
        return self.kind.startswith(("moment", "jd", "mjd"))


def split_name(
    name: str, vocabulary: Sequence[tuple[str, re.Pattern[str]]]
) -> list[tuple[str, str]]:
    """Cut a name into parts with their kinds."""
    parts = []
    place = 0
    while place < len(name):
        found = _time_at(name, place, vocabulary)
        if found is None:
            match = _PART.match(name, place)
            assert match is not None  # noqa: S101 (any sign is a part)
            text = match[0]
            kind = "digits" if text.isdigit() else ("letters" if text.isalnum() else "sign")
            found = kind, text
        parts.append(found)
        place += len(found[1])
    return parts


def _time_at(
    name: str, place: int, vocabulary: Sequence[tuple[str, re.Pattern[str]]]
) -> tuple[str, str] | None:
    """Find a time that begins here; its kind holds the format, separators included."""
    if not name[place].isdigit() or (place and name[place - 1].isdigit()):
        return None
    for kind, expression in vocabulary:
        match = expression.match(name, place)
        if match is None:
            continue
        if kind in ("jd", "mjd"):
            return f"{kind} {match['p']}", match[0]
        form = f"%Y{match['s']}%m{match['s']}%d"
        if kind == "moment":
            form += f"{match['T']}%H{match['c']}%M{match['c']}%S"
            form += f"{match['p']}%f" if match["p"] else ""
        return f"{kind} {form}", match[0]
    return None


def align(names: Sequence[Sequence[tuple[str, str]]]) -> list[Slot] | None:
    """Put the parts of all names side by side; None if their signs differ."""
    rows = []
    for parts in names:
        row: list[list[tuple[str, str]]] = [[]]
        for kind, text in parts:
            if kind == "sign":
                row += [[(kind, text)], []]
            else:
                row[-1].append((kind, text))
        rows.append(row)
    signs = {tuple(field[0][1] for field in row[1::2]) for row in rows}
    if len(signs) != 1:
        return None
    slots: list[Slot] = []
    for number, column in enumerate(zip(*rows, strict=True)):
        kinds = {tuple(kind for kind, _ in cell) for cell in column}
        if len(kinds) == 1:
            for place, kind in enumerate(kinds.pop()):
                slots.append(Slot(kind, tuple(cell[place][1] for cell in column), number))
        else:
            texts = tuple("".join(text for _, text in cell) for cell in column)
            if not all(texts):
                return None
            slots.append(Slot("mixed", texts, number))
    return slots
