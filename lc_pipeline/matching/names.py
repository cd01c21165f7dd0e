"""Names of objects made from their positions, in the style of the IAU."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

_MILLISECONDS_OF_DAY = 24 * 3600 * 1000
_HUNDREDTHS_OF_ARCSEC_PER_DEGREE = 360_000
#: Positions are computed: 02.500 s must not become 02.499 for the last bit of a float.
_ROUNDING = 1e-4


def iau_names(ra: ArrayLike, dec: ArrayLike, taken: Iterable[str] = ()) -> list[str]:
    """Name objects after their positions, ``JHHMMSS.sss+DDMMSS.ss``.

    The digits are cut off, not rounded, as the IAU asks for (0.001 s of RA, 0.01 arcsec of Dec):
    two objects more than 0.02 arcsec apart never share them. Objects that do share them get the
    suffixes ``a``, ``b``, ... ``z``, ``aa``, ... in the order of RA, then Dec, then as given, and
    so does an object whose name is taken.

    Parameters
    ----------
    ra, dec : (n,) array_like of float, deg
    taken : iterable of str
        Names that exist already.

    Returns
    -------
    list of str
        One name per position, all different, and none of them taken.

    Examples
    --------
    >>> iau_names([163.2604175, 10.0, 10.0], [-49.906389, 0.0, 0.0])
    ['J105302.500-495423.00', 'J004000.000+000000.00a', 'J004000.000+000000.00b']
    """
    alpha = np.atleast_1d(np.asarray(ra, dtype=np.float64)) % 360.0
    delta = np.atleast_1d(np.asarray(dec, dtype=np.float64))
    # One millisecond of time is 15 milliarcseconds.
    ms = np.floor(alpha * 240_000 + _ROUNDING).astype(np.int64) % _MILLISECONDS_OF_DAY
    cs = np.floor(np.abs(delta) * _HUNDREDTHS_OF_ARCSEC_PER_DEGREE + _ROUNDING).astype(np.int64)
    names = [
        _name(*fields)
        for fields in zip(ms.tolist(), cs.tolist(), (delta < 0).tolist(), strict=True)
    ]
    used = set(taken)
    unique, count = np.unique(names, return_counts=True)
    shared = set(unique[count > 1].tolist()) | (used & set(names))
    n_given: dict[str, int] = {}
    for row in np.lexsort((delta, alpha)).tolist():
        stem = names[row]
        while stem in shared:
            n_given[stem] = n_given.get(stem, 0) + 1
            name = stem + _letters(n_given[stem])
            if name not in used:
                names[row] = name
                break
        used.add(names[row])
    return names


def _name(milliseconds: int, hundredths: int, south: bool) -> str:  # noqa: FBT001
    seconds, ms = divmod(milliseconds, 1000)
    arcsec, cs = divmod(hundredths, 100)
    hour, minute, second = seconds // 3600, seconds // 60 % 60, seconds % 60
    degree, arcmin, arcsec = arcsec // 3600, arcsec // 60 % 60, arcsec % 60
    sign = "-" if south else "+"
    return (
        f"J{hour:02d}{minute:02d}{second:02d}.{ms:03d}"
        f"{sign}{degree:02d}{arcmin:02d}{arcsec:02d}.{cs:02d}"
    )


def _letters(number: int) -> str:
    """Count in letters: 1 is a, 26 is z, 27 is aa."""
    text = ""
    while number:
        number, last = divmod(number - 1, 26)
        text = chr(ord("a") + last) + text
    return text
