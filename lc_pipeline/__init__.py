"""Light curves from catalogues: every object, all epochs, in stores that cannot be torn."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lc_pipeline._version import __version__

if TYPE_CHECKING:
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

#: Imported at first use (PEP 562): `lc-pipeline --help` need not wait for astropy and zarr.
_HOME_OF = {
    "LightcurveStorage": "lc_pipeline.storage.lightcurve_storage",
    "MeasurementFlag": "lc_pipeline.flags",
    "ReferenceCatalog": "lc_pipeline.matching.reference",
    "SourceCatalog": "lc_pipeline.catalogs.source_catalog",
    "SurveyConfig": "lc_pipeline.survey",
    "decode_flag": "lc_pipeline.flags",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
