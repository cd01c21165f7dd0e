"""File names of catalogues to ``files.pattern``: what in them is the epoch, a band, a time.

Names are compared part by part (runs of digits, runs of letters, dates, Julian dates, signs); what
is the same in all of them is kept as it is, and what differs is an epoch or a band.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lc_pipeline.catalogs.names import is_band
from lc_pipeline.draft.name_parts import CHANNEL, DETECTOR, TIMES, Slot, align, split_name

_FEW = 12


@dataclass(frozen=True)
class NameTime:
    """A time that stands in the names."""

    group: str
    format: str
    replace: dict[str, str] = field(default_factory=dict)
    has_clock: bool = True
    """False if it is only the day."""


@dataclass(frozen=True)
class NamePattern:
    """What the names of the files say.

    Attributes
    ----------
    pattern : str
        Regular expression that matches every name in full.
    notes : tuple of str
    time : NameTime or None
    band : str or None
        The band that all names tell, if it is one and the same.
    is_guess : bool
        The epoch is the same in all names, so that it had to be guessed.
    names_epoch : bool
        False if the names tell bands and nothing else: the folder may tell the epochs.
    """

    pattern: str
    notes: tuple[str, ...]
    time: NameTime | None = None
    band: str | None = None
    is_guess: bool = False
    names_epoch: bool = True


def infer_pattern(names: Iterable[str]) -> NamePattern:
    r"""Find the common structure of file names.

    Parameters
    ----------
    names : iterable of str
        Paths below the landing folder, with ``/`` between folders.

    Returns
    -------
    NamePattern
        With the named group ``epoch``; ``measurement`` where names tell bands or channels;
        ``detector`` where an epoch has a file for each of several; and ``time`` where a time
        stands beside the epoch.

    Examples
    --------
    >>> infer_pattern(["ey-uma-001R.fits", "ey-uma-002R.fits"]).pattern
    'ey-uma-(?P<epoch>\\d+)R\\.fits'
    >>> infer_pattern(["20240105/g.csv", "20240105/r.csv", "20240106/g.csv"]).pattern
    '(?P<epoch>\\d{8})/(?P<measurement>[A-Za-z]+)\\.csv'
    """
    names = sorted(set(names))
    if any(name.endswith(".gz") for name in names) and not all(n.endswith(".gz") for n in names):
        bare = infer_pattern(name.removesuffix(".gz") for name in names)
        return replace(bare, pattern=rf"{bare.pattern}(?:\.gz)?")
    for vocabulary in (TIMES, TIMES[1:], ()):
        slots = align([split_name(name, vocabulary) for name in names])
        if slots and not _counts_as_clock(slots):
            found = _Reader(slots).read()
            if _tells_apart(found.pattern, names) or not found.names_epoch:
                return found
    return _by_common_ends(names)


def _counts_as_clock(slots: Sequence[Slot]) -> bool:
    """Say whether a running number behind a date was taken for a time of day: 20240105_000012."""
    return any(
        slot.kind in ("moment %Y%m%d_%H%M%S", "moment %Y%m%d-%H%M%S", "moment %Y%m%d.%H%M%S")
        and all(text[9:11] == "00" for text in slot.texts)
        for slot in slots
    )


def _tells_apart(pattern: str, names: Sequence[str]) -> bool:
    """Say whether every name matches, and no two are the same part of the same epoch."""
    matches = [re.fullmatch(pattern, name) for name in names]
    keys = {
        (m["epoch"], *map(m.groupdict().get, ("measurement", "detector")))
        for m in matches
        if m and m["epoch"]
    }
    return len(keys) == len(names)


class _Reader:
    """Decide what each slot is."""

    def __init__(self, slots: list[Slot]) -> None:
        self.slots = slots
        self.n_names = len(slots[0].texts)
        last_dot = max((n for n, slot in enumerate(slots) if slot.texts[0] == "."), default=-1)
        self.ending = slots[last_dot].number if last_dot >= 0 else slots[-1].number + 1
        self.notes: list[str] = []

    def read(self) -> NamePattern:
        measurement = self._measurement()
        in_measurement = set(range(*measurement)) if measurement else set()
        detector = self._detector(in_measurement)
        in_measurement |= set(range(*detector)) if detector else set()
        differing = self._differing(in_measurement)
        epoch = (
            self._epoch_of(differing, in_measurement)
            if differing
            else self._epoch_guess(in_measurement)
        )
        groups = {"epoch": epoch or (0, len(self.slots))}
        if measurement:
            groups["measurement"] = measurement
        if detector:
            groups["detector"] = detector
        time = self._time(groups)
        is_guess = not any(self.slots[place].varies for place in differing)
        self._say(groups, is_guess=is_guess)
        return NamePattern(
            self._expression(groups),
            tuple(self.notes),
            time,
            None if measurement else self._band(),
            is_guess,
            epoch is not None,
        )

    def _differing(self, in_measurement: set[int]) -> list[int]:
        """Slots that vary, or will (dates), without bands and repetitions of another slot."""
        found: list[int] = []
        for number, slot in enumerate(self.slots):
            seen = {*found, *in_measurement} - {number}
            repeats = any(self.slots[other].texts == slot.texts for other in seen)
            differs = slot.varies or slot.is_time
            if differs and number not in in_measurement and not repeats:
                found.append(number)
        return found

    def _measurement(self) -> tuple[int, int] | None:
        spans = [span for span in self._spans() if self._is_channel(span)]
        varying = [s for s in spans if any(slot.varies for slot in self.slots[slice(*s)])]
        if varying:
            return varying[0]
        for span in spans:
            is_all = span[0] == 0 and self._ends(span[1])
            if is_all or all(CHANNEL.fullmatch(text) for text in self._texts(span)):
                return span
        for number, slot in enumerate(self.slots):
            if slot.kind == "letters" and slot.number < self.ending and self._is_grid(number):
                return number, number + 1
        return None

    def _detector(self, in_measurement: set[int]) -> tuple[int, int] | None:
        """Letters like ``ccd`` and the number behind them, if that differs."""
        for place, (word, number) in enumerate(itertools.pairwise(self.slots)):
            is_detector = all(DETECTOR.fullmatch(text) for text in word.texts)
            if is_detector and number.kind == "digits" and number.varies:
                return None if place in in_measurement else (place, place + 2)
        return None

    def _spans(self) -> list[tuple[int, int]]:
        """Whole fields, and letters at the end of a field that begins with a number."""
        spans = []
        for number, members in itertools.groupby(
            range(len(self.slots)), lambda place: self.slots[place].number
        ):
            places = list(members)
            if number >= self.ending or self.slots[places[0]].kind == "sign":
                continue
            spans.append((places[0], places[-1] + 1))
            if len(places) > 1 and self.slots[places[-1]].kind == "letters":
                spans.append((places[-1], places[-1] + 1))
        return spans

    def _ends(self, place: int) -> bool:
        """Say whether only the ending of the names follows."""
        return all(slot.number >= self.ending - 1 for slot in self.slots[place:])

    def _texts(self, span: tuple[int, int]) -> list[str]:
        columns = [slot.texts for slot in self.slots[slice(*span)]]
        return ["".join(parts) for parts in zip(*columns, strict=True)]

    def _is_channel(self, span: tuple[int, int]) -> bool:
        return all(is_band(text) or CHANNEL.fullmatch(text) for text in self._texts(span))

    def _is_grid(self, number: int) -> bool:
        """Say whether few values stand beside the same other parts again and again."""
        values = self.slots[number].texts
        if not 1 < len(set(values)) <= _FEW:
            return False
        others = [slot.texts for place, slot in enumerate(self.slots) if place != number]
        beside: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for name, value in enumerate(values):
            beside[tuple(texts[name] for texts in others)].add(value)
        shared = sum(len(found) > 1 for found in beside.values())
        return len(beside) > 1 and 2 * shared >= len(beside)

    def _epoch_of(self, differing: list[int], in_measurement: set[int]) -> tuple[int, int]:
        tuples = list(zip(*(self.slots[place].texts for place in differing), strict=True))
        n_epochs = len(set(tuples))
        alone = [n for n in differing if len(set(self.slots[n].texts)) == n_epochs]
        clocks = [n for n in alone if self.slots[n].has_clock]
        if clocks:
            return clocks[0], clocks[0] + 1
        first, last = differing[0], differing[-1]
        if alone and in_measurement & set(range(first, last)):
            return self._with_letters(alone[0]), alone[0] + 1
        # Where several parts together tell the epoch and a band stands between them, every file
        # is an epoch of its own.
        return self._with_letters(first), last + 1

    def _epoch_guess(self, in_measurement: set[int]) -> tuple[int, int] | None:
        """Choose among parts that are the same in all names: the last number, else a word."""
        free = [n for n in range(len(self.slots)) if n not in in_measurement]
        free = [n for n in free if self.slots[n].number < self.ending and not self._is_sign(n)]
        if not free:
            return None
        numbers = [n for n in free if self.slots[n].kind == "digits"]
        if not numbers:
            return [span for span in self._spans() if span[0] in free][-1]
        return self._with_letters(numbers[-1]), numbers[-1] + 1

    def _is_sign(self, number: int) -> bool:
        return self.slots[number].kind == "sign"

    def _with_letters(self, number: int) -> int:
        """Take letters that stand right before a number and begin the field into its group."""
        if not number or self.slots[number].kind != "digits":
            return number
        before = self.slots[number - 1]
        if before.kind != "letters" or before.number != self.slots[number].number:
            return number
        begins = number == 1 or self.slots[number - 2].number != before.number
        return number - 1 if begins else number

    def _time(self, groups: dict[str, tuple[int, int]]) -> NameTime | None:
        times = [n for n, slot in enumerate(self.slots) if slot.is_time]
        times.sort(key=lambda n: (not self.slots[n].has_clock, "jd" not in self.slots[n].kind, n))
        if not times:
            return None
        place = times[0]
        if groups["epoch"] == (place, place + 1):
            group = "epoch"
        else:
            group = "time"
            groups["time"] = (place, place + 1)
        kind, form = self.slots[place].kind.split(" ", 1)
        if kind in ("jd", "mjd"):
            return NameTime(group, kind, {} if form == "." else {form: "."})
        return NameTime(group, form, has_clock=kind == "moment")

    def _band(self) -> str | None:
        bands = [
            texts[0]
            for span in self._spans()
            if len(set(texts := self._texts(span))) == 1 and is_band(texts[0])
        ]
        return bands[0] if len(bands) == 1 else None

    def _say(self, groups: dict[str, tuple[int, int]], *, is_guess: bool) -> None:
        epochs = sorted(set(self._texts(groups["epoch"])))
        if is_guess:
            number = "one file only" if self.n_names == 1 else "files of one epoch"
            self.notes.append(
                f"The epoch's key is {epochs[0]!r}: guessed from {number}; correct files.pattern "
                f"if another part of the names changes from epoch to epoch"
            )
        else:
            self.notes.append(f"The epoch's key is what differs in the names: {_few(epochs)}")
        if "measurement" in groups:
            values = sorted(set(self._texts(groups["measurement"])))
            self.notes.append(f"The names tell bands or channels: {_few(values)}")
        if "detector" in groups:
            values = sorted(set(self._texts(groups["detector"])))
            self.notes.append(f"The files of these detectors are one epoch: {_few(values)}")

    def _expression(self, groups: dict[str, tuple[int, int]]) -> str:
        pieces = []
        for place, slot in enumerate(self.slots):
            # Of groups that begin at one place, the longer is opened first.
            opened = sorted((-end, name) for name, (start, end) in groups.items() if start == place)
            pieces += [f"(?P<{name}>" for _, name in opened]
            pieces.append(self._slot_expression(place, slot, groups))
            pieces += [")" for _, end in groups.values() if end == place + 1]
        return "".join(pieces)

    def _slot_expression(self, place: int, slot: Slot, groups: dict[str, tuple[int, int]]) -> str:
        grouped = any(start <= place < end for start, end in groups.values())
        # A number that is the same so far, in a word that is not (1a05, 1a62), will change.
        beside = any(other.varies for other in self.slots if other.number == slot.number)
        if slot.kind == "digits" and (beside or grouped):
            return r"\d+"
        if slot.is_time and (slot.varies or grouped):
            return _digits_as_such(slot)
        is_group = (place, place + 1) in groups.values()
        if slot.kind == "letters" and (slot.varies or is_group):
            return "[A-Za-z]+" if all(text.isascii() for text in slot.texts) else r"[^\W\d_]+"
        if slot.varies:
            following = self.slots[place + 1].texts[0] if place + 1 < len(self.slots) else ""
            return f"[^{re.escape(following)}/]+" if following != "/" else "[^/]+"
        return _escape(slot.texts[0])


def _digits_as_such(slot: Slot) -> str:
    r"""Write ``\d{8}T\d{6}``: every run of digits of a time by its length, fractions by any."""
    runs = re.split(r"(\d+)", slot.texts[0])
    pieces = [rf"\d{{{len(run)}}}" if run.isdigit() else _escape(run) for run in runs]
    if slot.kind.startswith(("jd", "mjd")) or slot.kind.endswith("%f"):
        pieces[-2] = r"\d+"
    return "".join(pieces)


def _by_common_ends(names: Sequence[str]) -> NamePattern:
    """Take what lies between the common beginning and the common end of all names."""
    columns = [[text for _, text in split_name(name, ())] for name in names]
    shortest = min(len(parts) for parts in columns)
    start = 0
    while start < shortest - 1 and len({parts[start] for parts in columns}) == 1:
        start += 1
    end = 0
    while end < shortest - start - 1 and len({parts[-1 - end] for parts in columns}) == 1:
        end += 1
    prefix, suffix = "".join(columns[0][:start]), "".join(columns[0][len(columns[0]) - end :])
    middles = sorted("".join(parts[start : len(parts) - end]) for parts in columns)
    note = (
        f"The names have no common structure; the epoch's key is all that differs in them: "
        f"{_few(middles)}"
    )
    return NamePattern(f"{_escape(prefix)}(?P<epoch>.+){_escape(suffix)}", (note,))


def _escape(text: str) -> str:
    """Escape for a regular expression, without the backslashes that only verbose ones need."""
    return re.sub(r"\\([- #&~])", r"\1", re.escape(text))


def _few(values: Sequence[str], most: int = 4) -> str:
    shown = ", ".join(values[:most])
    return f"{shown}, ... ({len(values)})" if len(values) > most else shown
