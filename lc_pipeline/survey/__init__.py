"""``survey.toml``: everything that is particular to one survey, validated.

No survey needs code: where the files are, what their columns mean, when they were taken, which
objects there are and how detections are matched to them all stands in one commented file. Every
section but ``[survey]`` and ``[files]`` may be left out; what is left out is recognised from the
files (UCDs, well-known column names, headers), and what was recognised is said.
"""

from lc_pipeline.survey.analysis import (
    VETOES,
    CandidatesSection,
    PeriodsSection,
    ReportSection,
    StatisticsSection,
    Veto,
)
from lc_pipeline.survey.columns import (
    BadFlags,
    ColumnsSection,
    ErrorKind,
    MeasurementSection,
    MissingSection,
    Quantity,
)
from lc_pipeline.survey.config import SurveyConfig
from lc_pipeline.survey.files import FilesSection, SurveySection
from lc_pipeline.survey.matching import (
    DuplicateRule,
    Footprint,
    MatchingSection,
    ReferenceSection,
)
from lc_pipeline.survey.photometry import PhotometrySection, StandardsSection
from lc_pipeline.survey.section import DEGREE_WORDS, HOUR_WORDS, AngleUnit, CatalogFormat
from lc_pipeline.survey.times import TimeSection

__all__ = [
    "DEGREE_WORDS",
    "HOUR_WORDS",
    "VETOES",
    "AngleUnit",
    "BadFlags",
    "CandidatesSection",
    "CatalogFormat",
    "ColumnsSection",
    "DuplicateRule",
    "ErrorKind",
    "FilesSection",
    "Footprint",
    "MatchingSection",
    "MeasurementSection",
    "MissingSection",
    "PeriodsSection",
    "PhotometrySection",
    "Quantity",
    "ReferenceSection",
    "ReportSection",
    "StandardsSection",
    "StatisticsSection",
    "SurveyConfig",
    "SurveySection",
    "TimeSection",
    "Veto",
]
