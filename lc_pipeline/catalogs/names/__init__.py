"""Well-known column names, and which column is the error of which.

Names are compared without case, ``_``, ``-``, ``.`` and blanks unless a name fits exactly. In each
table the order matters: the first name that is there is used.
"""

from lc_pipeline.catalogs.names.bands import (
    BAND_KEYWORDS,
    BAND_NAMES,
    BAND_NUMBERS,
    BANDS,
    band_of,
    find_time,
    is_band,
    tells_band,
)
from lc_pipeline.catalogs.names.brightness import is_error_name, quantity_of_name
from lc_pipeline.catalogs.names.detections import (
    FLAG_NAMES,
    KEY_NAMES,
    POSITION_NAMES,
    position_pairs,
)
from lc_pipeline.catalogs.names.errors import LONE_ERRORS, ODD_ERRORS, find_error, find_other_error
from lc_pipeline.catalogs.names.words import (
    same_names,
    squeeze,
    standard_unit,
    unit_in,
    without_unit,
    words_of,
)

__all__ = [
    "BANDS",
    "BAND_KEYWORDS",
    "BAND_NAMES",
    "BAND_NUMBERS",
    "FLAG_NAMES",
    "KEY_NAMES",
    "LONE_ERRORS",
    "ODD_ERRORS",
    "POSITION_NAMES",
    "band_of",
    "find_error",
    "find_other_error",
    "find_time",
    "is_band",
    "is_error_name",
    "position_pairs",
    "quantity_of_name",
    "same_names",
    "squeeze",
    "standard_unit",
    "tells_band",
    "unit_in",
    "without_unit",
    "words_of",
]
