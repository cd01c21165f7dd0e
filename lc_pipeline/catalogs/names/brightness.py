"""Magnitudes and fluxes by the names of their columns, and what only looks like one."""

from __future__ import annotations

import re

from lc_pipeline.catalogs.names.words import words_of
from lc_pipeline.survey import Quantity

#: Words for an error in a column's name, and letters that stand for one before it.
ERROR_WORDS = ("err", "error", "errs", "sigma", "sig", "unc", "uncertainty", "std", "stddev")
ERROR_INITIALS = ("e", "d", "s")

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


def is_error_name(name: str) -> bool:
    """Say whether a name reads like that of an error.

    Examples
    --------
    >>> is_error_name("e_gmag"), is_error_name("MAGERR_AUTO"), is_error_name("MAG_AUTO")
    (True, True, False)
    """
    words = words_of(name)
    return bool(words) and (
        (len(words) > 1 and words[0] in ERROR_INITIALS)
        or any(
            word in ERROR_WORDS
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
