"""What belongs here: asset checks. What they look at is found by ``lc_pipeline.analysis.quality``.

Concept: https://docs.dagster.io/guides/test/asset-checks

A catalogue that cannot be used never gets as far as a check: it is refused before anything is
written, and the check ``catalogs_usable`` says so. Checks of epochs warn, because an odd epoch is
no reason to keep the good ones from being published. The check that both stores agree stops what
reads the light curves.
"""

import dagster as dg

from lc_pipeline.analysis import quality
from lc_pipeline.ingest import epoch_storage, is_published
from lc_pipeline.pipeline.automation import every_morning
from lc_pipeline.pipeline.names import asset_key
from lc_pipeline.pipeline.resources import SurveyResource
from lc_pipeline.pipeline.words import judged
from lc_pipeline.storage import LightcurveStorage

EPOCHS_KEY = asset_key("epoch_lightcurves")
OBJECTS_KEY = asset_key("object_lightcurves")


@dg.asset_check(asset=EPOCHS_KEY)
def match_fraction(survey: SurveyResource) -> dg.AssetCheckResult:
    """No epoch matched less than half of what epochs usually match."""
    records = epoch_storage(survey.config()).epoch_records
    return judged(quality.few_matches(records))


@dg.asset_check(asset=EPOCHS_KEY)
def duplicated_keys(survey: SurveyResource) -> dg.AssetCheckResult:
    """No epoch has more than 5 % detections of objects that it has already."""
    return judged(quality.many_duplicates(epoch_storage(survey.config()).epoch_records))


@dg.asset_check(asset=EPOCHS_KEY)
def astrometric_offset(survey: SurveyResource) -> dg.AssetCheckResult:
    """No epoch is shifted by more than the match radius."""
    config = survey.config()
    records = epoch_storage(config).epoch_records
    return judged(quality.large_offsets(records, config.matching.radius_arcsec))


@dg.asset_check(asset=EPOCHS_KEY)
def epoch_times(survey: SurveyResource) -> dg.AssetCheckResult:
    """Every epoch has a time of its own, not of the future nor of before photography."""
    records = epoch_storage(survey.config()).epoch_records
    findings = [*quality.doubtful_times(records), *quality.same_catalogs(records)]
    return judged(findings, dg.AssetCheckSeverity.ERROR)


@dg.asset_check(asset=EPOCHS_KEY)
def measurements_present(survey: SurveyResource) -> dg.AssetCheckResult:
    """No measurement was detected in an epoch without one usable value."""
    storage = epoch_storage(survey.config())
    return judged(quality.empty_measurements(storage.epoch_records, storage.measurement_keys))


@dg.asset_check(asset=OBJECTS_KEY, blocking=True)
def stores_agree(
    survey: SurveyResource, object_lightcurves: LightcurveStorage
) -> dg.AssetCheckResult:
    """A sample of objects has the same values and flags in both stores."""
    epochs = epoch_storage(survey.config())
    return judged(
        quality.differences(epochs, object_lightcurves),
        dg.AssetCheckSeverity.ERROR,
        version=object_lightcurves.snapshot.version,
    )


def freshness(time_zone: str) -> dg.AssetChecksDefinition:
    """The check that what is committed gets published: looked at every morning, too."""

    @dg.asset_check(asset=OBJECTS_KEY, automation_condition=every_morning(time_zone))
    def up_to_date(
        survey: SurveyResource, object_lightcurves: LightcurveStorage
    ) -> dg.AssetCheckResult:
        """The published version has every committed epoch; looked at every morning, too."""
        epochs = epoch_storage(survey.config())
        return dg.AssetCheckResult(
            passed=is_published(epochs, object_lightcurves),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "version": object_lightcurves.snapshot.version,
                "epochs committed": len(epochs.epoch_keys),
                "epochs published": len(object_lightcurves.epoch_keys),
            },
        )

    return up_to_date


CHECKS_OF_EPOCHS = (
    match_fraction,
    duplicated_keys,
    astrometric_offset,
    epoch_times,
    measurements_present,
)
CHECKS = (*CHECKS_OF_EPOCHS, stores_agree)
