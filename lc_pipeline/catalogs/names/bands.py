"""Bands: columns and keywords that tell them, names that have one in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lc_pipeline.catalogs.names.words import words_of

#: The band of a row.
BAND_NAMES = ("band", "filter", "passband", "filtercode", "filter_name")

#: Like :data:`BAND_NAMES`, but too seldom a word for a band to name a measurement by.
BAND_NUMBERS = ("fid", "filterid", "filt", "bandpass", "photfilter")
_BAND_WORDS = frozenset(("band", "filter", "passband", "filt", "bandpass", "photfilter"))
BAND_KEYWORDS = ("FILTER", "FILTNAM", "FILTNAME", "FILTER_NAME", "BAND", "PASSBAND")
BANDS = frozenset(
    re.findall(
        r"\w+",
        "u g r i z y b v j h k ks rc ic w1 w2 w3 w4 bp rp clear white ha up gp ip zs",
    )
)


def tells_band(name: str) -> bool:
    """Say whether a column's name reads as if its texts were bands, ``filterType``.

    Examples
    --------
    >>> tells_band("filterType"), tells_band("obs_band"), tells_band("bandwidth")
    (True, True, False)
    """
    return bool(_BAND_WORDS.intersection(words_of(name)))


def is_band(name: str) -> bool:
    """Say whether the whole name is that of a well-known band, like ``g`` or ``Ks``."""
    return name.lower() in BANDS


def band_of(name: str) -> str | None:
    """Find the band in the name of a magnitude or flux, as it is written there.

    Examples
    --------
    >>> band_of("mag_g"), band_of("Vmag"), band_of("g"), band_of("MAG_AUTO")
    ('g', 'V', 'g', None)
    """
    if is_band(name):
        return name
    rest = re.sub(r"(?i)mags?|flux(?:es)?", "", name, count=1).strip("_-. ()")
    return rest if is_band(rest) else None


def find_time(value: str, names: Sequence[str]) -> str | None:
    """Find the time column of one band: ``mjd_g`` for ``mag_g``, ``iMJD`` for ``i``.

    Examples
    --------
    >>> find_time("mag_g", ["mag_g", "mjd_r", "mjd_g"])
    'mjd_g'
    """
    band = band_of(value)
    if band is None:
        return None
    for time in ("mjd", "hmjd", "jd", "hjd", "bjd"):
        for candidate in (f"{time}_{band}", f"{band}_{time}"):
            # u, g, r, ... and U, B, V, R are different bands, so case counts here.
            for name in names:
                signs = re.sub(r"[\s_.-]", "", name)
                if signs.replace(time.upper(), time) == candidate.replace("_", ""):
                    return name
    return None
