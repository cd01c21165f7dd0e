"""Detections to reference objects: the reference catalogue, the match, one epoch assembled.

:func:`build_reference` makes the objects from the epochs themselves (or :func:`read_reference`
reads them from a table), :func:`match_catalog` says which object each detection of an epoch belongs
to, and :func:`assemble_epoch` puts the epoch's measurements in the order of the objects.
"""

from lc_pipeline.matching.assemble import assemble_epoch
from lc_pipeline.matching.build import build_reference, find_new_objects
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.match import Match, match_catalog
from lc_pipeline.matching.reference import ReferenceCatalog, read_reference

__all__ = [
    "EpochBlock",
    "Match",
    "ReferenceCatalog",
    "assemble_epoch",
    "build_reference",
    "find_new_objects",
    "match_catalog",
    "read_reference",
]
