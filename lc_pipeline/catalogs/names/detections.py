"""Columns of the whole detection: where it is, what it is called, its flags."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lc_pipeline.catalogs.names.brightness import is_error_name
from lc_pipeline.catalogs.names.words import words_of

#: Right ascension and declination, in pairs. Windowed positions of SExtractor come before

#: isophotal ones because they are more precise; the columns that VizieR computes (``_RAJ2000``)

#: and positions in text come after the catalogue's own; ``X_WORLD`` is last because it need not

#: be equatorial.
POSITION_NAMES: tuple[tuple[str, str], ...] = (
    ("ALPHAWIN_J2000", "DELTAWIN_J2000"),
    ("ALPHA_J2000", "DELTA_J2000"),
    ("ALPHAPSF_J2000", "DELTAPSF_J2000"),
    ("ra", "dec"),
    ("ra_deg", "dec_deg"),
    ("ra", "decl"),
    ("RA_ICRS", "DE_ICRS"),
    ("RA_ICRS", "DEC_ICRS"),
    ("RAJ2000", "DEJ2000"),
    ("RAJ2000", "DECJ2000"),
    ("RA_J2000", "DEC_J2000"),
    ("RAdeg", "DEdeg"),
    ("coord_ra", "coord_dec"),
    ("ra_deg_cont", "dec_deg_cont"),
    ("raMean", "decMean"),
    ("ra_psf", "dec_psf"),
    ("sky_centroid.ra", "sky_centroid.dec"),
    ("sky_center.ra", "sky_center.dec"),
    ("skycoord.ra", "skycoord.dec"),
    ("sky_centroid_icrs.ra", "sky_centroid_icrs.dec"),
    ("coord.ra", "coord.dec"),
    ("right_ascension", "declination"),
    ("RAhms", "DEdms"),
    ("ra_hms", "dec_dms"),
    ("ra_str", "dec_str"),
    ("ALPHAWIN_SKY", "DELTAWIN_SKY"),
    ("ALPHA_SKY", "DELTA_SKY"),
    ("XWIN_WORLD", "YWIN_WORLD"),
    ("X_WORLD", "Y_WORLD"),
)

#: Words for right ascension and declination, in pairs, beside which all else is the same:

#: ``RA_OBJ`` and ``DEC_OBJ``, ``alpha_deg`` and ``delta_deg``.
_POSITION_WORDS: tuple[tuple[str, str], ...] = (
    *(("ra", word) for word in ("dec", "de", "decl", "declination")),
    *(("alpha", "delta"), ("raj", "dej"), ("raj", "decj")),
)

#: Words that make an angle something else than the position of the source.
_NOT_POSITION = frozenset(
    re.findall(
        r"\w+",
        "pm mu off offset shift residual diff corr cov rate track tel telescope pointing pnt "
        "point center centre ref field crval zenith sun moon var variance ivar",
    )
)

#: The object's own name. SExtractor's ``NUMBER`` and ``id`` of most source finders count the rows

#: of one file and name no object, so ``NUMBER`` is used only when it is configured.
KEY_NAMES = (
    *("source_id", "object_id", "objid", "objectid", "obj_id", "star_id", "diaObjectId"),
    *("starid", "sourceid", "sourceKey", "designation", "object", "name", "star", "id"),
)

#: Flags of the whole detection.
FLAG_NAMES = ("FLAGS", "flag", "catflags", "flags_detection", "photflag", "quality_flag", "qflag")


def position_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Find the columns whose names differ in the words for right ascension and declination only.

    Examples
    --------
    >>> position_pairs(["RA_OBJ", "DEC_OBJ", "pm_ra", "pm_dec", "ra_err", "dec_err"])
    [('RA_OBJ', 'DEC_OBJ')]
    """
    by_words = {tuple(words_of(name)): name for name in reversed(names)}
    pairs: dict[str, str] = {}
    for words, name in reversed(by_words.items()):
        if is_error_name(name) or _NOT_POSITION.intersection(words):
            continue
        for ra, dec in _POSITION_WORDS:
            if words.count(ra) == 1 and name not in pairs:
                wanted = tuple(dec if word == ra else word for word in words)
                if wanted in by_words:
                    pairs[name] = by_words[wanted]
    return list(pairs.items())
