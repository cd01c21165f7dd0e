"""The Dagster pipeline: wiring, and words for its user interface. No arithmetic is done here.

``definitions`` is what Dagster loads; ``build_defs`` makes variants of it for tests, notebooks and
other surveys. What the pipeline does is done by the rest of the package, which knows nothing of
Dagster.
"""
