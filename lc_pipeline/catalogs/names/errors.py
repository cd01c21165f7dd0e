"""Which column is the error of which."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lc_pipeline.catalogs.names.bands import band_of
from lc_pipeline.catalogs.names.brightness import ERROR_INITIALS, ERROR_WORDS, quantity_of_name
from lc_pipeline.catalogs.names.words import squeeze, words_of
from lc_pipeline.survey import ErrorKind, Quantity

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

_OTHER_ERRORS: dict[str, ErrorKind] = {
    **dict.fromkeys(("ivar", "invvar"), "inverse_variance"),
    **dict.fromkeys(("var", "variance"), "variance"),
    **dict.fromkeys(("snr", "sn", "s2n", "signaltonoise"), "snr"),
}

#: What is measured and how, in one word: ``magpsf``, whose error is ``sigmapsf``.
_COMPOUND = re.compile(r"(?:mag|flux)([a-z]{2,}\d*)")


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
        for error in ERROR_WORDS
        for place in range(len(words), -1, -1)
    ]
    candidates += [initial + squeeze(value) for initial in ERROR_INITIALS]
    for place, word in enumerate(words):
        if word in ("mag", "flux"):
            candidates += [
                "".join([*words[:place], spelling, *words[place + 1 :]])
                for spelling in (f"e{word}", f"d{word}", *(("merr", "mer") * (word == "mag")))
            ]
    if compound := _COMPOUND.fullmatch(words[-1] if words else ""):
        candidates += ["".join([*words[:-1], error, compound[1]]) for error in ERROR_WORDS]
    if (band := band_of(value)) and band != value:
        candidates += [f"{band}{error}" for error in ERROR_WORDS] + [f"e{band}"]
        candidates += [f"{error}{band}" for error in ERROR_WORDS]
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
