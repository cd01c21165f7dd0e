"""What belongs here: when Dagster makes an asset by itself.

Concept: https://docs.dagster.io/guides/automate/declarative-automation. The conditions take effect
while the sensor ``automation`` runs.
"""

from typing import Any

import dagster as dg

from lc_pipeline.pipeline.names import asset_key

Condition = dg.AutomationCondition

#: Of assets and of their checks.
AnyCondition = dg.AutomationCondition[Any]


def _quiet() -> AnyCondition:
    return ~Condition.any_deps_in_progress() & ~Condition.in_progress()


def _until_handled(trigger: AnyCondition) -> AnyCondition:
    """Once true, stay so until the asset is asked for, or made by hand.

    Unlike ``since_last_handled`` it does not forget what the first evaluation found.
    """
    return trigger.since(Condition.newly_requested() | Condition.newly_updated())


def once_there_are_catalogs() -> AnyCondition:
    """If it was never made: when catalogues arrive."""
    are_there: AnyCondition = Condition.any_deps_match(~Condition.missing())
    return (
        Condition.missing()
        & _until_handled(Condition.any_deps_updated() | are_there.newly_true())
        & _quiet()
    ).with_label("once there are catalogues")


def when_catalogs_arrive() -> AnyCondition:
    """For the epochs whose catalogues or settings are new or changed.

    The first evaluation knows of no changes, and takes what is missing. So does that which sees a
    partition first: it may have missed the report, if that came between reading the partitions
    and reading the events. A new reference is no reason to take every epoch: the reprocessing
    sensor names those that it concerns.
    """
    reference = dg.AssetSelection.assets(asset_key("reference_catalog"))
    settings = dg.AssetSelection.assets(asset_key("survey_settings"))
    return (
        _until_handled(Condition.any_deps_updated().ignore(reference) | Condition.newly_missing())
        & ~Condition.any_deps_missing().ignore(settings)
        & _quiet()
    ).with_label("when catalogues arrive")


def when_settled() -> AnyCondition:
    """When epochs were ingested and no more are under way, whatever became of the others."""
    return (Condition.any_deps_updated().since_last_handled() & _quiet()).with_label(
        "when ingests have settled"
    )


def when_published() -> AnyCondition:
    """When light curves were published."""
    return Condition.eager().with_label("when light curves were published")


def every_morning(time_zone: str) -> AnyCondition:
    """For checks: along with the asset when that is made, and at eight, if it ever was."""
    is_made: AnyCondition = Condition.any_deps_match(Condition.will_be_requested())
    is_there: AnyCondition = Condition.any_deps_match(~Condition.missing())
    at_eight: AnyCondition = Condition.cron_tick_passed("0 8 * * *", time_zone)
    return (is_made | (is_there & at_eight)).with_label("when made, and every morning")
