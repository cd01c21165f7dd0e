"""What belongs here: asset checks. What they look at is found by ``quality`` and ``plausible``.

Concept: https://docs.dagster.io/guides/test/asset-checks

A catalogue that cannot be used never gets as far as a check: it is refused before anything is
written, and the check ``catalogs_usable`` says so. Checks of epochs warn, because an odd epoch is
no reason to keep the good ones from being published. The check that both stores agree stops what
reads the light curves. Checks of results warn: what is odd about them is for a person to judge.
"""

import dagster as dg
from astropy.table import Table

from lc_pipeline.analysis import plausible, quality
from lc_pipeline.ingest import epoch_storage, is_published
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.pipeline.automation import every_morning
from lc_pipeline.pipeline.names import asset_key
from lc_pipeline.pipeline.resources import SurveyResource
from lc_pipeline.pipeline.words import doubted, judged
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


@dg.asset_check(asset=asset_key("zero_points"))
def zero_points_known(zero_points: Calibration) -> dg.AssetCheckResult:
    """Where zero points are in force, every epoch has one."""
    return doubted(plausible.missing_zero_points(zero_points))


@dg.asset_check(asset=asset_key("error_model"))
def errors_right(error_model: Table) -> dg.AssetCheckResult:
    """Constant objects scatter by what their errors say, within a factor of two."""
    return doubted(plausible.wrong_errors(error_model))


@dg.asset_check(asset=asset_key("variability_statistics"))
def objects_judged(variability_statistics: Table) -> dg.AssetCheckResult:
    """At least half of the objects have enough points for their scatter to be known."""
    return doubted(plausible.unjudged_objects(variability_statistics))


@dg.asset_check(asset=asset_key("periods"))
def periods_distinct(periods: Table) -> dg.AssetCheckResult:
    """No period is that of several objects."""
    return doubted(plausible.shared_periods(periods))


@dg.asset_check(
    asset=asset_key("variable_candidates"),
    additional_ins={"variability_statistics": dg.AssetIn(asset_key("variability_statistics"))},
)
def candidates_few(
    variable_candidates: Table, variability_statistics: Table
) -> dg.AssetCheckResult:
    """No more objects are called variable than a field of stars has."""
    return doubted(
        plausible.many_candidates(variable_candidates, len(variability_statistics)),
        candidates=len(variable_candidates),
    )


CHECKS_OF_EPOCHS = (
    match_fraction,
    duplicated_keys,
    astrometric_offset,
    epoch_times,
    measurements_present,
)
CHECKS_OF_ANALYSIS = (
    zero_points_known,
    errors_right,
    objects_judged,
    periods_distinct,
    candidates_few,
)
CHECKS = (*CHECKS_OF_EPOCHS, stores_agree, *CHECKS_OF_ANALYSIS)
