"""A survey on one page: a single HTML file that needs nothing beside it."""

from lc_pipeline.report.content import Content
from lc_pipeline.report.page import write_report

__all__ = ["Content", "write_report"]
