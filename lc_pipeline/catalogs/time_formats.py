"""Well-known keywords and columns of time, and how texts and numbers become MJD."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
from astropy.time import Time
from astropy.utils import iers
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Header keywords of the time: keyword, format, moment of the exposure, scale and place that the
#: keyword itself implies. The first that is there is used: mid-exposures before starts.
HEADER_TIMES: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    *((key, "mjd", "mid", None, None) for key in ("MJD-AVG", "MJD_AVG", "MJDAVG", "MJD-MID")),
    *((key, "mjd", "mid", None, None) for key in ("MJD_MID", "MJDMID", "MIDMJD", "MJDMEAN")),
    *((key, "isot", "mid", None, None) for key in ("DATE-AVG", "DATE-MID", "DATE_AVG")),
    *((key, "jd", "mid", None, None) for key in ("JD-MID", "JD_MID", "JDMID", "MIDJD")),
    *((key, "mjd", "start", None, None) for key in ("MJD-OBS", "MJD_OBS", "MJDOBS", "OBSMJD")),
    *((key, "mjd", "start", None, None) for key in ("MJD-BEG", "MJD-STR", "MJDSTART", "MJD")),
    *((key, "isot", "start", None, None) for key in ("DATE-OBS", "DATE_OBS", "DATEOBS")),
    ("DATE-BEG", "isot", "start", None, None),
    *((key, "jd", "start", None, None) for key in ("JD-OBS", "JD_OBS", "OBSJD", "JD_UTC", "JD")),
    *((key, "jd", "mid", "tdb", "BARYCENTER") for key in ("BJD_TDB", "BJD-TDB", "BJD")),
    ("HMJD", "mjd", "mid", None, "HELIOCENTER"),
    *((key, "jd", "mid", None, "HELIOCENTER") for key in ("HJD_UTC", "HJD")),
)

#: Keywords of the time of day where ``DATE-OBS`` has the day only.
TIME_OF_DAY = ("TIME-OBS", "TIME_OBS", "UTC-OBS", "UT-OBS", "UTSTART", "UTC", "UT")

#: Seconds of exposure.
EXPOSURE_KEYWORDS = ("EXPTIME", "EXPOSURE", "EXP_TIME", "XPOSURE", "TEXPTIME", "EXPOS")

#: Columns of each row's own time, like :data:`HEADER_TIMES`, with names as squeezed.
ROW_TIMES: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    ("midpointmjdtai", "mjd", "mid", "tai", None),
    ("expmidptmjd", "mjd", "mid", "tai", None),
    ("mjdmid", "mjd", "mid", None, None),
    ("mjd", "mjd", "mid", None, None),
    ("obsmjd", "mjd", "start", None, None),
    ("mjdobs", "mjd", "start", None, None),
    ("jd", "jd", "mid", None, None),
    ("obsjd", "jd", "start", None, None),
    ("bjdtdb", "jd", "mid", "tdb", "BARYCENTER"),
    ("bjd", "jd", "mid", "tdb", "BARYCENTER"),
    ("hmjd", "mjd", "mid", None, "HELIOCENTER"),
    ("hjd", "jd", "mid", None, "HELIOCENTER"),
    ("dateobs", "isot", "start", None, None),
    ("obstime", "isot", "start", None, None),
)

SCALES = {"TDT": "tt", "ET": "tt", "UT": "utc", "Z": "utc"} | {
    scale.upper(): scale for scale in ("utc", "tai", "tt", "tdb", "tcb", "tcg", "ut1")
}
PLACES = ("TOPOCENTER", "GEOCENTER", "HELIOCENTER", "BARYCENTER")


def seconds_of(text: Any) -> float:
    """Read a number of seconds, with or without the unit behind it.

    Raises
    ------
    ValueError
        If it is no such number.

    Examples
    --------
    >>> seconds_of("60 s"), seconds_of(30)
    (60.0, 30.0)
    """
    return float(re.sub(r"(?i)(?<=[\d.])\s*s(?:ec(?:ond)?s?)?\.?$", "", str(text).strip()))


def to_mjd(texts_or_numbers: Any, form: str, scale: str = "utc", offset: float = 0.0) -> Floats:
    """Turn times of one format into MJD in the same scale, without losing digits.

    Parameters
    ----------
    texts_or_numbers : sequence of str, or array of float
        Numbers may come as text, and are then converted without rounding in between.
    form : str
        An astropy format, or a strptime pattern with ``%``.
    scale : str
    offset : float
        Days to add.

    Returns
    -------
    array of float, d

    Raises
    ------
    ValueError
        If a time is not of that format.

    Examples
    --------
    >>> to_mjd(["2458571.6649809661"], "jd")
    array([58571.16498097])
    >>> to_mjd(["2014-12-30T04:29:23"], "isot")
    array([57021.18707176])
    >>> to_mjd(["20141230_042923"], "%Y%m%d_%H%M%S")
    array([57021.18707176])
    """
    times = list(texts_or_numbers) if not isinstance(texts_or_numbers, np.ndarray) else (
        texts_or_numbers
    )  # fmt: skip
    is_text = len(times) > 0 and isinstance(times[0], str)
    if "%" in form:
        days = [datetime.strptime(_digits(time), form) for time in times]  # noqa: DTZ007  (the scale is given)
        mjd = np.array(
            [
                (day.replace(tzinfo=None) - datetime(1858, 11, 17)) / _one_day  # noqa: DTZ001
                for day in days
            ],
            dtype=float,
        )
        return np.asarray(mjd + offset, dtype=np.float64)
    if form in ("mjd", "jd"):
        zero = Decimal("2400000.5") if form == "jd" else Decimal(0)
        if is_text:
            shift = Decimal(repr(offset)) - zero
            try:
                return np.array([float(Decimal(text) + shift) for text in times], dtype=float)
            except InvalidOperation:
                raise ValueError(f"{times[0]!r} is not a number") from None
        return np.asarray(times, dtype=float) + float(Decimal(repr(offset)) - zero)
    if form in ("isot", "iso", "fits") and is_text:
        local = [_without_zone(text, scale) for text in times]
        zones = np.array([zone for _, zone in local])
        mjd = _mjd_of_iso([_iso(text) for text, _ in local], scale)
        return np.asarray(mjd - zones + offset, dtype=np.float64)
    if is_text and form not in Time.FORMATS:
        raise ValueError(f"{form!r} is not a time format")
    numbers = [float(time) for time in times] if is_text and form not in _TEXT_FORMATS else times
    return _mjd_of_astropy(numbers, form, scale) + offset


def _digits(time: Any) -> str:
    """Write a date like 20141230 as its digits, whatever type of number holds it."""
    is_number = not isinstance(time, str) and float(time).is_integer()
    return str(int(time)) if is_number else str(time)


def _mjd_of_iso(texts: Sequence[str], scale: str) -> Floats:
    try:
        elapsed = np.array(texts, dtype="datetime64[ns]") - np.datetime64("1858-11-17", "ns")
    except ValueError:  # a leap second, or no date at all
        return _mjd_of_astropy(texts, "isot", scale)
    days, rest = np.divmod(elapsed, np.timedelta64(1, "D"))
    return np.asarray(days + rest / np.timedelta64(1, "D"), dtype=np.float64)


def _mjd_of_astropy(times: Any, form: str, scale: str) -> Floats:
    """Let astropy read times, with the leap seconds it came with and never from the network."""
    with iers.conf.set_temp("auto_download", value=False), warnings.catch_warnings():
        # A date beyond the known leap seconds is within a second or two of the truth.
        warnings.filterwarnings("ignore", ".*dubious year")
        return np.asarray(Time(times, format=form, scale=scale).mjd, dtype=np.float64)


_TEXT_FORMATS = ("yday", "byear_str", "jyear_str", "datetime", "datetime64", "ymdhms")
_one_day = datetime(1858, 11, 18) - datetime(1858, 11, 17)  # noqa: DTZ001


def _without_zone(text: str, scale: str) -> tuple[str, float]:
    """Take the time zone off an ISO time: what is left, and the days that it is ahead of UTC.

    Examples
    --------
    >>> _without_zone("2024-01-05T03:00:00+06:00", "utc")
    ('2024-01-05T03:00:00', 0.25)
    """
    text = text.strip().removesuffix("Z")
    match = _ZONE.fullmatch(text)
    if match is None:
        return text, 0.0
    hours, minutes = int(match[3]), int(match[4] or 0)
    days = (-1 if match[2] == "-" else 1) * (hours * 60 + minutes) / 1440
    if days and scale != "utc":
        raise ValueError(f"{text!r} has a time zone, and time.scale is not 'utc'")
    return match[1], days


#: Hours and minutes ahead of UTC at the end of a time of day.
_ZONE = re.compile(r"(.*\d:\d\d[\d:.]*)\s*([+-])(\d\d):?(\d\d)?")


def _iso(text: str) -> str:
    """ISO 8601 as astropy wants it; the FITS standard's dd/mm/yy of before 1999 as well."""
    text = text.strip()
    day, _, clock = text.replace(" ", "T", 1).partition("T")
    if day[2:3] == "/" and day[5:6] == "/":
        year = day[6:] if len(day) > 8 else f"19{day[6:8]}"  # noqa: PLR2004  (dd/mm/yyyy)
        day = f"{year}-{day[3:5]}-{day[:2]}"
    if not clock:
        raise ValueError(f"{text!r} has no time of day")
    return f"{day.replace('/', '-')}T{clock}"


def implied_by_name(name: str) -> tuple[str | None, str | None]:
    """Scale and place that the name of a keyword or column implies.

    Examples
    --------
    >>> implied_by_name("HJD"), implied_by_name("bjd_g"), implied_by_name("MJD-OBS")
    ((None, 'HELIOCENTER'), ('tdb', 'BARYCENTER'), (None, None))
    """
    squeezed = re.sub(r"[\s_.-]", "", name).lower()
    if "hjd" in squeezed or "hmjd" in squeezed:
        return None, "HELIOCENTER"
    if "bjd" in squeezed or "bmjd" in squeezed:
        # Without a word about it, barycentric times are TDB; BJD_UTC and BJD_TT are not.
        said = (
            scale
            for scale in ("utc", "tdb", "tcb", "tt", "tai")
            if squeezed.endswith((scale, f"({scale})"))
        )
        return next(said, "tdb"), "BARYCENTER"
    return None, None
