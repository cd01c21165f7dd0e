"""A first ``survey.toml`` from looking at catalogue files, for a person to read and correct."""

from lc_pipeline.draft.drafting import Draft, draft_survey

__all__ = ["Draft", "draft_survey"]
