"""Well-known column names, and which column is the error of which.

Names are compared without case, ``_``, ``-``, ``.`` and blanks unless a name fits exactly. In each
table the order matters: the first name that is there is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lc_pipeline.survey import ErrorKind, Quantity

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

#: The band of a row.
BAND_NAMES = ("band", "filter", "passband", "filtercode", "filter_name")

#: Like :data:`BAND_NAMES`, but too seldom a word for a band to name a measurement by.
BAND_NUMBERS = ("fid", "filterid", "filt", "bandpass", "photfilter")
_BAND_WORDS = frozenset(("band", "filter", "passband", "filt", "bandpass", "photfilter"))
BAND_KEYWORDS = ("FILTER", "FILTNAM", "FILTNAME", "FILTER_NAME", "BAND", "PASSBAND")

#: Errors that the rule of :func:`find_error` does not find.
ODD_ERRORS: dict[str, tuple[str, ...]] = {
    "flux_fit": ("flux_err",),
    **{f"{band}m": (f"{band}cmsig", f"{band}msigcom") for band in "jhk"},
    **{f"w{band}mpro": (f"w{band}sigmpro",) for band in "1234"},
    "w1flux": ("w1sigflux",),
    "w2flux": ("w2sigflux",),
    "isltotalflux": ("eisltotalflux",),
}

#: Errors that belong to the only value of a catalogue, whatever its name.
LONE_ERRORS: dict[Quantity, tuple[str, ...]] = {
    "mag": ("mag_error", "magerr", "e_mag", "merr", "dmag", "sigmag", "err", "error", "sigma"),
    "flux": ("flux_error", "fluxerr", "flux_err", "e_flux", "counts_err", "err", "error", "sigma"),
}

_ERROR_WORDS = ("err", "error", "errs", "sigma", "sig", "unc", "uncertainty", "std", "stddev")
_ERROR_INITIALS = ("e", "d", "s")
_OTHER_ERRORS: dict[str, ErrorKind] = {
    **dict.fromkeys(("ivar", "invvar"), "inverse_variance"),
    **dict.fromkeys(("var", "variance"), "variance"),
    **dict.fromkeys(("snr", "sn", "s2n", "signaltonoise"), "snr"),
}

BANDS = frozenset(
    re.findall(
        r"\w+",
        "u g r i z y b v j h k ks rc ic w1 w2 w3 w4 bp rp clear white ha up gp ip zs",
    )
)

#: Words that make a magnitude or flux something else than the brightness of the source.
_NOT_BRIGHTNESS = frozenset(
    re.findall(
        r"\w+",
        "lim limit limiting zp zpt zero zeropoint sky skyavg bkg background back max min ref rms "
        "std scatter threshold thresh extinction radius growth growthstep ratio flag flags snr chi "
        "chi2 nobs n num color colour delta amplitude amp init surface arcsec2 area quality corr "
        "correction skew kurtosis count npix profile local annulus percentile fraction frac hybrid "
        "weight ivar invvar var variance cov covariance nr x y noise",
    )
)

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

#: Magnitudes of 2MASS and WISE.
_ODD_MAGNITUDE = re.compile(r"[jhk]_m|w[1-4]mpro")

_MAG_WORD = re.compile(
    r"(?:[a-z]\w{0,5}?)?mags?|magnitude|"
    r"mag(?:auto|aper\d*|iso|isocor|psf|petro|best|model|kron|inst|cal|\d+|[ugrizybvjhk])"
)
_FLUX_WORD = re.compile(
    r"(?:[a-z]\w{0,6}?)?flux(?:es)?|counts|cnts|flx|"
    r"flux(?:auto|aper\d*|iso|isocor|psf|petro|best|model|kron|\d+|[ugrizybvjhk])"
)
#: Round brackets may hold a band, ``mag(V)``, so that only these are units there.
_UNIT_AT_END = re.compile(
    r"(.*\S)\s*(?:\[([^\[\]]+)\]|\((m?mag|deg|degrees|rad|h|hr|hour|hours|d|days|s|sec|"
    r"[munµ]?Jy|(?:adu|ADU|counts|ct|e-|electrons?)(?:/s)?)\))"
)
#: What is measured and how, in one word: ``magpsf``, whose error is ``sigmapsf``.
_COMPOUND = re.compile(r"(?:mag|flux)([a-z]{2,}\d*)")
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


def is_error_name(name: str) -> bool:
    """Say whether a name reads like that of an error.

    Examples
    --------
    >>> is_error_name("e_gmag"), is_error_name("MAGERR_AUTO"), is_error_name("MAG_AUTO")
    (True, True, False)
    """
    words = words_of(name)
    return bool(words) and (
        (len(words) > 1 and words[0] in _ERROR_INITIALS)
        or any(
            word in _ERROR_WORDS
            or word.endswith(("err", "error", "sigma", "unc", "sig"))
            or word in ("emag", "dmag", "sigmag", "errmag", "sigflux", "eflux", "mer")
            for word in words
        )
    )


def quantity_of_name(name: str) -> Quantity | None:
    """Tell a magnitude or a flux by its name alone; None if the name does not say.

    Examples
    --------
    >>> quantity_of_name("MAG_APER_1"), quantity_of_name("Total_flux"), quantity_of_name("Vmag")
    ('mag', 'flux', 'mag')
    >>> quantity_of_name("FLUX_RADIUS") is None, quantity_of_name("maglimit") is None
    (True, True)
    """
    words = words_of(name)
    if is_error_name(name) or _NOT_BRIGHTNESS.intersection(words):
        return None
    if _ODD_MAGNITUDE.fullmatch(name) or any(_MAG_WORD.fullmatch(word) for word in words):
        return "mag"
    if any(_FLUX_WORD.fullmatch(word) for word in words) or {"aperture", "sum"} <= {*words}:
        return "flux"
    return None


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


def find_error(value: str, names: Sequence[str]) -> str | None:
    """Find the error of a value by its name.

    It is the column that has the value's name and one word for "error" anywhere between its
    words: ``MAGERR_AUTO``, ``e_gmag``, ``psfFluxErr``, ``dmag``, ``rErr_I``. Also DAOPHOT's and
    ASAS' ``MERR`` and ``MER_1`` for ``MAG`` and ``MAG_1``, and ``I_err`` for ``I_mag``.

    Parameters
    ----------
    value : str
    names : sequence of str
        All columns.

    Returns
    -------
    str or None

    Examples
    --------
    >>> find_error("mag_g", ["mag_g", "err_g"])
    'err_g'
    >>> find_error("MAG_APER_1", ["MAG_APER", "MAGERR_APER", "MAG_APER_1", "MAGERR_APER_1"])
    'MAGERR_APER_1'
    """
    squeezed: dict[str, str] = {}
    for name in names:
        squeezed.setdefault(squeeze(name), name)
    words = words_of(value)
    candidates = [
        "".join([*words[:place], error, *words[place:]])
        for error in _ERROR_WORDS
        for place in range(len(words), -1, -1)
    ]
    candidates += [initial + squeeze(value) for initial in _ERROR_INITIALS]
    for place, word in enumerate(words):
        if word in ("mag", "flux"):
            candidates += [
                "".join([*words[:place], spelling, *words[place + 1 :]])
                for spelling in (f"e{word}", f"d{word}", *(("merr", "mer") * (word == "mag")))
            ]
    if compound := _COMPOUND.fullmatch(words[-1] if words else ""):
        candidates += ["".join([*words[:-1], error, compound[1]]) for error in _ERROR_WORDS]
    if (band := band_of(value)) and band != value:
        candidates += [f"{band}{error}" for error in _ERROR_WORDS] + [f"e{band}"]
        candidates += [f"{error}{band}" for error in _ERROR_WORDS]
    candidates += ODD_ERRORS.get(squeeze(value), ()) or ODD_ERRORS.get(value.lower(), ())
    for candidate in candidates:
        found = squeezed.get(squeeze(candidate))
        if found is not None and found != value:
            return found
    return None


def find_other_error(value: str, names: Sequence[str]) -> tuple[str, ErrorKind] | None:
    """Find what an error can be had from, in the absence of one: ``flux_ivar_g``, ``snr``.

    Examples
    --------
    >>> find_other_error("flux_g", ["flux_g", "flux_ivar_g", "flux_r", "flux_ivar_r"])
    ('flux_ivar_g', 'inverse_variance')
    """
    words = words_of(value)
    squeezed = {squeeze(name): name for name in reversed(names)}
    for word, kind in _OTHER_ERRORS.items():
        candidates = ["".join([*words[:n], word, *words[n:]]) for n in range(len(words), -1, -1)]
        bare = [word] if sum(quantity_of_name(name) is not None for name in names) == 1 else []
        for candidate in (*candidates, *bare):
            if candidate in squeezed:
                return squeezed[candidate], kind
    return None


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
