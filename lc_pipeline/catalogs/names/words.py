"""The words of a column's name, and the unit at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable

_GREEK = {
    ord("\N{GREEK SMALL LETTER SIGMA}"): "sigma",
    ord("\N{GREEK SMALL LETTER ALPHA}"): "alpha",
    ord("\N{GREEK SMALL LETTER DELTA}"): "delta",
    ord("\N{GREEK CAPITAL LETTER DELTA}"): "delta",
}

#: Units by other spellings than astropy's.
_SPELLED_UNITS = {
    **dict.fromkeys(("e-", "e", "electrons"), "electron"),
    **dict.fromkeys(("counts", "cts"), "ct"),
    **dict.fromkeys(("mags", "magnitude", "magnitudes"), "mag"),
    **dict.fromkeys(("nanomaggies", "nmgys"), "nmgy"),
    "adu": "adu",
    "photons": "photon",
    "microjy": "uJy",
    "mujy": "uJy",
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
}

#: Round brackets may hold a band, ``mag(V)``, so that only these are units there.
_UNIT_AT_END = re.compile(
    r"(.*\S)\s*(?:\[([^\[\]]+)\]|\((m?mag|deg|degrees|rad|h|hr|hour|hours|d|days|s|sec|"
    r"[munµ]?Jy|(?:adu|ADU|counts|ct|e-|electrons?)(?:/s)?)\))"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_of(name: str) -> list[str]:
    """Split a column name at signs, capitals and digits.

    Examples
    --------
    >>> words_of("MAGERR_APER_1"), words_of("psfFluxErr")
    (['magerr', 'aper', '1'], ['psf', 'flux', 'err'])
    """
    return [word.lower() for word in _WORD.findall(_in_letters(without_unit(name)))]


def _in_letters(name: str) -> str:
    """Write the Greek letters that stand for something in a column's name as words."""
    return name.translate(_GREEK)


def squeeze(name: str) -> str:
    """Take a name without case and signs.

    Examples
    --------
    >>> squeeze("MJD-OBS"), squeeze("err(V)")
    ('mjdobs', 'errv')
    """
    return re.sub(r"[\s_.()-]", "", _in_letters(without_unit(name))).lower()


def same_names(wanted: str, names: Iterable[str]) -> list[str]:
    """All of `names` that are `wanted`: exactly, else but for case, else but for signs as well.

    Examples
    --------
    >>> same_names("RA", ["ra", "Ra", "R_A"])
    ['ra', 'Ra']
    """
    names = list(names)
    if wanted in names:
        return [wanted]
    if same := [name for name in names if name.lower() == wanted.lower()]:
        return same
    return [name for name in names if squeeze(name) == squeeze(wanted)]


def without_unit(name: str) -> str:
    """Take a name without the unit in brackets at its end.

    Examples
    --------
    >>> without_unit("Mag err [mag]"), without_unit("RA (deg)"), without_unit("mag(V)")
    ('Mag err', 'RA', 'mag(V)')
    """
    match = _UNIT_AT_END.fullmatch(name)
    return match[1] if match else name


def unit_in(name: str) -> str | None:
    """Find the unit in brackets at the end of a name.

    Examples
    --------
    >>> unit_in("Mag err [mag]"), unit_in("mag(V)")
    ('mag', None)
    """
    match = _UNIT_AT_END.fullmatch(name)
    return (match[2] or match[3]).strip() if match else None


def standard_unit(text: str) -> str:
    """Spell a unit as astropy does, where a usual spelling is another.

    Examples
    --------
    >>> standard_unit("e-/s"), standard_unit("ADU"), standard_unit("mags"), standard_unit("uJy")
    ('electron / s', 'adu', 'mag', 'uJy')
    """
    parts = [part.strip() for part in text.split("/")]
    spelled = [_SPELLED_UNITS.get(part.lower(), part) for part in parts]
    return " / ".join(spelled) if spelled != parts else text
