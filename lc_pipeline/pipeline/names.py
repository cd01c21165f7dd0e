"""What belongs here: the names by which Dagster knows this survey's assets and partitions.

Asset keys and partition sets are shared by everything on one Dagster instance. Where several
surveys run on one, each code location sets ``LC_PIPELINE_PREFIX`` to a name of its own.
"""

import os

import dagster as dg

SURVEY_VARIABLE = "LC_PIPELINE_SURVEY"
PREFIX_VARIABLE = "LC_PIPELINE_PREFIX"

PREFIX: list[str] = list(filter(None, os.environ.get(PREFIX_VARIABLE, "").split("/")))

#: One partition is one epoch; its key is the epoch's key.
EPOCHS = dg.DynamicPartitionsDefinition(name="_".join((*PREFIX, "epochs")))

#: One writer at a time; the limit is in dagster.yaml.
EPOCH_STORE_POOL = "_".join((*PREFIX, "epoch_store"))
OBJECT_STORE_POOL = "_".join((*PREFIX, "object_store"))

OWNERS = ["team:photometry"]


def asset_key(name: str) -> dg.AssetKey:
    """Key of one of this pipeline's assets."""
    return dg.AssetKey([*PREFIX, name])


def named(name: str) -> str:
    """Name of a job, schedule or sensor."""
    return "_".join((*PREFIX, name))
