"""Which epochs look wrong: findings that a person should see, none of which stops the work."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.time import Time

from lc_pipeline.catalogs.observing_log import ROW_MARK
from lc_pipeline.storage.lightcurve_storage import LightcurveStorage
from lc_pipeline.storage.snapshot import EpochRecord

#: An epoch is remarkable if less than this part of what epochs usually match was matched.
LEAST_OF_USUAL_MATCHES = 0.5
MOST_DUPLICATES = 0.05
MOST_AMBIGUOUS = 0.2
#: 1880-01-01: photographic plates go back that far (Grindlay et al. 2009, ASPC 410, 101).
FIRST_MJD = 7_715.0
N_SAMPLED = 50


@dataclass(frozen=True)
class Finding:
    """Something remarkable about one epoch."""

    epoch: str
    text: str


def odd_epochs(
    records: Sequence[EpochRecord], measurement_keys: Sequence[str], radius_arcsec: float
) -> list[Finding]:
    """Everything that is remarkable about these epochs, in their order.

    Parameters
    ----------
    records : sequence of EpochRecord
        ``LightcurveStorage.epoch_records``.
    measurement_keys : sequence of str
    radius_arcsec : float
        The match radius.
    """
    findings = [
        *few_matches(records),
        *many_duplicates(records),
        *large_offsets(records, radius_arcsec),
        *doubtful_times(records),
        *same_catalogs(records),
        *empty_measurements(records, measurement_keys),
    ]
    place = {record.epoch: number for number, record in enumerate(records)}
    return sorted(findings, key=lambda finding: place[finding.epoch])


def few_matches(records: Sequence[EpochRecord]) -> list[Finding]:
    """Epochs that matched much less than epochs usually do.

    Compared are the numbers of matched objects, because how many detections are left over depends
    on the depth of a catalogue; and with epochs in which the same measurements were made, because
    a night of one band has fewer rows than one of three.
    """
    alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for record in records:
        alike[_measured(record)].append(record.n_matched)
    usual = {made: float(np.median(matched)) for made, matched in alike.items()}
    return [
        Finding(
            record.epoch,
            f"{record.n_matched} of {record.n_sources} detections matched; usually "
            f"{usual[_measured(record)]:.0f}",
        )
        for record in records
        if record.n_matched < LEAST_OF_USUAL_MATCHES * usual[_measured(record)]
        or not record.n_matched
    ]


def _measured(record: EpochRecord) -> tuple[str, ...]:
    """Measurements that were made in an epoch; none if nothing was detected."""
    return tuple(sorted(key for key, n in record.n_detected.items() if n))


def many_ambiguous(records: Sequence[EpochRecord]) -> list[Finding]:
    """Epochs in which more than 20 % of the matches are ambiguous: something is wrong in general.

    Either objects of the reference are one star several times, since the radius is less than
    positions scatter; or it is wide, compared with the distances of the stars.
    """
    return [
        Finding(record.epoch, f"{record.n_ambiguous} of {record.n_matched}")
        for record in records
        if record.n_ambiguous > MOST_AMBIGUOUS * record.n_matched
    ]


def many_duplicates(records: Sequence[EpochRecord]) -> list[Finding]:
    """Epochs in which more than 5 % of the detections are of an object seen already."""
    return [
        Finding(record.epoch, f"{record.n_duplicates} of {record.n_sources} are duplicates")
        for record in records
        if record.n_duplicates > MOST_DUPLICATES * record.n_sources
    ]


def large_offsets(records: Sequence[EpochRecord], radius_arcsec: float) -> list[Finding]:
    """Epochs shifted against the reference by more than the match radius."""
    return [
        Finding(record.epoch, f'shifted by {record.offset_east:+.2f}" {record.offset_north:+.2f}"')
        for record in records
        if np.hypot(record.offset_east, record.offset_north) > radius_arcsec
    ]


def doubtful_times(records: Sequence[EpochRecord]) -> list[Finding]:
    """Epochs without a time, of the future, of before photography, or of another epoch's time."""
    latest = Time(dt.datetime.now(dt.UTC)).mjd + 1.0
    findings = []
    same: defaultdict[float, list[str]] = defaultdict(list)
    for record in records:
        if record.time is None:
            findings.append(Finding(record.epoch, "has no time"))
            continue
        same[record.time].append(record.epoch)
        if not FIRST_MJD < record.time < latest:
            findings.append(
                Finding(record.epoch, f"its time, MJD {record.time:.5f}, cannot be right")
            )
    findings += [
        Finding(
            epoch, f"has the same time as {', '.join(each for each in epochs if each != epoch)}"
        )
        for epochs in same.values()
        if len(epochs) > 1
        for epoch in epochs
    ]
    return findings


def same_catalogs(records: Sequence[EpochRecord]) -> list[Finding]:
    """Epochs made of the very files of another epoch, under other names."""
    same: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for record in records:
        files = (sha256 for sha256 in record.source_sha256 if not sha256.startswith(ROW_MARK))
        same[tuple(sorted(files))].append(record.epoch)
    return [
        Finding(epoch, f"the same file as {', '.join(each for each in epochs if each != epoch)}")
        for files, epochs in same.items()
        if files and len(epochs) > 1
        for epoch in epochs
    ]


def empty_measurements(
    records: Sequence[EpochRecord], measurement_keys: Sequence[str]
) -> list[Finding]:
    """Measurements that were detected in an epoch and of which not one value could be used."""
    return [
        Finding(record.epoch, f"{key}: {record.n_detected[key]} detections, no usable value")
        for record in records
        for key in measurement_keys
        if record.n_detected.get(key) and not record.n_values.get(key)
    ]


def differences(epochs: LightcurveStorage, objects: LightcurveStorage) -> list[Finding]:
    """Epochs in which the two stores differ, on a sample of objects spread over the whole.

    Epochs that were ingested again since the object store was published are left out.
    """
    sample = np.unique(np.linspace(0, objects.snapshot.n_objects - 1, N_SAMPLED).astype(int))
    committed = set(epochs.snapshot.ingest_ids)
    keys = [record.epoch for record in objects.epoch_records if record.ingest_id in committed]
    findings: dict[str, str] = {}
    for name in ("lightcurves", "flags"):
        left, right = (
            storage.dataset[name]
            .isel(object=sample)
            .sel(epoch=keys, measurement=list(objects.measurement_keys))
            .values
            for storage in (epochs, objects)
        )
        is_same = np.isclose(left, right, rtol=0, atol=0, equal_nan=True)
        for number in np.flatnonzero(~is_same.all(axis=tuple(range(is_same.ndim - 1)))):
            findings.setdefault(keys[number], f"{name} differ between the two stores")
    return [Finding(epoch, text) for epoch, text in findings.items()]
