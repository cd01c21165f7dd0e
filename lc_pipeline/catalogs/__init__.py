"""One epoch's detections: which files, what their columns mean, what in them is missing."""

from lc_pipeline.catalogs.landed_files import EpochFiles, LandedFile
from lc_pipeline.catalogs.landing import LandingFolder, find_epochs
from lc_pipeline.catalogs.measurement_axis import measurement_keys
from lc_pipeline.catalogs.measurement_columns import MeasurementColumns
from lc_pipeline.catalogs.reading import read_table
from lc_pipeline.catalogs.source_catalog import (
    SourceCatalog,
    SourceFile,
    read_epoch,
)

__all__ = [
    "EpochFiles",
    "LandedFile",
    "LandingFolder",
    "MeasurementColumns",
    "SourceCatalog",
    "SourceFile",
    "find_epochs",
    "measurement_keys",
    "read_epoch",
    "read_table",
]
