"""Light curves from catalogues: every object, all epochs, in stores that cannot be torn."""

from lc_pipeline._version import __version__
from lc_pipeline.catalogs.source_catalog import SourceCatalog
from lc_pipeline.flags import MeasurementFlag, decode_flag
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.storage.lightcurve_storage import LightcurveStorage
from lc_pipeline.survey import SurveyConfig

__all__ = [
    "LightcurveStorage",
    "MeasurementFlag",
    "ReferenceCatalog",
    "SourceCatalog",
    "SurveyConfig",
    "__version__",
    "decode_flag",
]
