"""Which of the files beside those given belong to the same survey, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lc_pipeline.catalogs.names import is_band
from lc_pipeline.draft.name_parts import CHANNEL, DETECTOR, TIMES, split_name


def similar_names(given: Iterable[str], others: Iterable[str]) -> list[str]:
    """Choose the names that differ from those given only in numbers, dates and bands.

    Examples
    --------
    >>> similar_names(["M31_g_001.cat"], ["M31_r_002.cat", "M31_g_001.log", "M33.cat"])
    ['M31_r_002.cat']
    """
    wanted = {_likeness(name) for name in given}
    return [name for name in others if _likeness(name) in wanted]


def same_numbers(given: Sequence[str], others: Iterable[str]) -> list[str]:
    """Choose the names that have the numbers in which all of those given agree.

    Two files of M31 do not ask for those of M33 beside them. Dates, and numbers of channels and
    detectors, may be others; and of one name alone, nothing is known of what varies.

    Examples
    --------
    >>> same_numbers(["M31_1.cat", "M31_2.cat"], ["M31_3.cat", "M33_1.cat"])
    ['M31_3.cat']
    >>> same_numbers(["M31_1.cat"], ["M31_3.cat", "M33_1.cat"])
    ['M31_3.cat', 'M33_1.cat']
    """
    agreed: dict[tuple[str, ...], dict[int, str]] = {}
    for likeness in {_likeness(name) for name in given}:
        alike = [split_name(name, TIMES) for name in given if _likeness(name) == likeness]
        columns = [[text for _, text in column] for column in zip(*alike, strict=True)]
        if len(alike) > 1 and any(len(set(texts)) > 1 for texts in columns):
            agreed[likeness] = {
                place: texts[0]
                for place, texts in enumerate(columns)
                if alike[0][place][0] == "digits"
                and len(set(texts)) == 1
                and not _numbers_a_part(columns[place - 1][0] if place else "", texts[0])
            }
    return [
        name
        for name in others
        if all(
            split_name(name, TIMES)[place][1] == text
            for place, text in agreed.get(_likeness(name), {}).items()
        )
    ]


def holds_date(name: str) -> bool:
    """Say whether a date or Julian date stands in a name.

    Examples
    --------
    >>> holds_date("2024-01-05"), holds_date("run12")
    (True, False)
    """
    return any(
        kind.startswith(("moment", "day", "jd", "mjd")) for kind, _ in split_name(name, TIMES)
    )


def _likeness(name: str) -> tuple[str, ...]:
    return tuple(
        ("a band" if is_band(text) else text) if kind in ("letters", "sign") else kind
        for kind, text in split_name(name, TIMES)
    )


def _numbers_a_part(word: str, number: str) -> bool:
    """Say whether a number is that of a channel or a detector: ``ch2``, ``ccd07``."""
    return bool(DETECTOR.fullmatch(word) or CHANNEL.fullmatch(word + number))
