"""What the stores hold, and whether all is well with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from filelock import Timeout
from rich.markup import escape
from rich.table import Table as Sheet

from lc_pipeline.analysis.quality import (
    doubtful_times,
    few_matches,
    many_ambiguous,
    many_duplicates,
    same_catalogs,
)
from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.cli.common import first_few, out
from lc_pipeline.errors import LightcurveError, StorageError
from lc_pipeline.ingest import epoch_storage, is_published, object_storage, stale_epochs
from lc_pipeline.storage import LightcurveStorage
from lc_pipeline.storage.commit import read_metadata
from lc_pipeline.storage.snapshot import EpochRecord
from lc_pipeline.survey import SurveyConfig

#: What so many epochs have, the others are missing.
USUAL_PART = 0.8

#: What to say of each fact, the worst first; nothing where there is nothing to say.
ADVICE = {
    "epoch_store_is_being_written": "a writer is at work in the epoch store now",
    "object_store_is_being_written": "a version of the object store is being published now",
    "landing_folder": "{n}",
    "epochs_not_in_store": "{n} epochs of the landing folder are not in the store ({few}): they "
    "are new, or were refused (refused files leave no trace in the store): 'lc-pipeline ingest' "
    "takes them or says why not",
    "is_rolled_back": "the light curves were rolled back: 'lc-pipeline rechunk' publishes the "
    "newest again",
    "epochs_to_publish": "the object store lacks the last ingest of {n} {of_all} epochs ({few}): "
    "'lc-pipeline rechunk' publishes them",
    "epochs_to_withdraw": "{n} epochs that were removed are still published ({few}): 'lc-pipeline "
    "rechunk' publishes without them",
    "n_new_objects": "{n} objects were added since the last publication",
    "stale_epochs": "{n} {of_all} epochs would be ingested otherwise now ({few}): 'lc-pipeline "
    "run' takes them again",
    "epochs_without_values": "{n} {of_all} epochs have no values of a measurement ({few})",
    "same_catalogs": "{n} {of_all} epochs are made of the same files ({few}): leave the copies out "
    "with files.exclude",
    "doubtful_times": "{n} {of_all} epochs have a doubtful time ({few})",
    "many_duplicates": "{n} {of_all} epochs list many objects more than once ({few}): are rows of "
    "several bands or nights among them?",
    "many_ambiguous": "in {n} {of_all} epochs many matches are ambiguous ({few}): the match radius "
    "is less than positions scatter, so that the reference has stars more than once, or too wide "
    "for so dense a field",
    "few_matches": "{n} {of_all} epochs matched much less than is usual ({few})",
    "epochs_without_files": "{n} {of_all} epochs have no files any more ({few}); they are kept",
    "n_superseded_rows": "{n} rows of the epoch store are superseded: 'lc-pipeline compact' drops "
    "them",
    "n_rows_set_aside": "{n} rows of the epoch store were set aside (refused, or of a writer that "
    "was killed): no harm, 'lc-pipeline compact' drops them",
    "n_uncommitted_rows": "{n} rows of the epoch store are not committed: their writer is at work "
    "or was killed; nobody sees them",
    "n_older_versions": "{n} older versions are kept: 'lc-pipeline versions' lists them",
}


def describe_stores(survey: SurveyConfig) -> dict[str, Any]:
    """What there is, how it is, and what to do about it, in plain types."""
    epochs, objects = epoch_storage(survey), object_storage(survey)
    health = _health(survey, epochs, objects)
    return {
        "survey": survey.survey.name,
        "epoch_store": epochs.get_storage_info(),
        "object_store": objects.get_storage_info() if objects.is_there else None,
        "is_up_to_date": is_published(epochs, objects),
        "health": health,
        "advice": list(_advice(health, len(epochs.epoch_keys))),
    }


def print_stores(survey: SurveyConfig) -> None:
    """Print it for people: a table, and a line for each thing that is not as it should be."""
    known = describe_stores(survey)
    epochs, objects = known["epoch_store"], known["object_store"]
    sheet = Sheet(title=f"{survey.survey.name}: light curves", title_justify="left")
    sheet.add_column("")
    sheet.add_column("epoch store (written)")
    sheet.add_column("object store (read)")

    def row(name: str, show: Callable[[dict[str, Any]], str]) -> None:
        sheet.add_row(name, show(epochs), show(objects) if objects else "-")

    row("objects", lambda store: f"{store['n_objects']:,}")
    row("epochs", lambda store: f"{store['n_epochs']:,}")
    row("measurements", lambda store: _short(store["measurement_keys"]))
    row("values", lambda store: ", ".join(store["values"]))
    row("time (MJD)", _span)
    row("size", lambda store: _size(store["bytes_on_disk"]))
    row("version", lambda store: store["version"])
    out.print(sheet)
    for store in (epochs, objects):
        if store:
            out.print(f"{store['layout']} store: {escape(store['path'])}")
    if known["is_up_to_date"]:
        out.print("[green]The published light curves are up to date.[/]")
    for line in known["advice"]:
        out.print(f"[yellow]-[/] {escape(line)}")


def _health(
    survey: SurveyConfig, epochs: LightcurveStorage, objects: LightcurveStorage
) -> dict[str, Any]:
    """Facts about both stores and the landing folder; no array of values is read."""
    snapshot = epochs.snapshot
    records = {record.epoch: record for record in snapshot.current_records}
    published = (
        {record.epoch: record.ingest_id for record in objects.epoch_records}
        if objects.is_there
        else {}
    )
    n_set_aside = snapshot.records.count(None)
    own_lengths = [
        read_metadata(snapshot.place / name)["shape"][0]
        for name, array in snapshot.group.arrays()
        if "epoch" in (array.metadata.dimension_names or ())  # type: ignore[union-attr]
    ]
    health: dict[str, Any] = {
        "is_rolled_back": objects.is_there and objects.versions[-1] != objects.snapshot.version,
        "epochs_to_publish": [
            key for key, record in records.items() if published.get(key) != record.ingest_id
        ],
        "epochs_to_withdraw": [key for key in published if key not in records],
        "n_new_objects": snapshot.n_objects - objects.snapshot.n_objects if published else 0,
        "n_superseded_rows": snapshot.n_rows - n_set_aside - len(records),
        "n_rows_set_aside": n_set_aside,
        "n_uncommitted_rows": max(own_lengths) - snapshot.n_rows,
        "stale_epochs": stale_epochs(survey),
        "epochs_without_values": _without_values(records, epochs.measurement_keys),
        **{
            find.__name__: {
                finding.epoch: f"({finding.text})" for finding in find(list(records.values()))
            }
            for find in (
                same_catalogs,
                doubtful_times,
                many_duplicates,
                many_ambiguous,
                few_matches,
            )
        },
        "epoch_store_is_being_written": _is_locked(epochs),
        "object_store_is_being_written": _is_locked(objects),
        "n_older_versions": len(objects.versions) - 1 if objects.is_there else 0,
    }
    try:
        landed = [files.epoch for files in find_epochs(survey).epochs]
    except LightcurveError as error:
        return health | {"landing_folder": str(error)}
    return health | {
        "epochs_not_in_store": [key for key in landed if key not in records],
        "epochs_without_files": sorted(set(records) - set(landed)),
    }


def _without_values(
    records: Mapping[str, EpochRecord], measurement_keys: Sequence[str]
) -> dict[str, str]:
    """Epochs that lack what most have, or none has; bands that are taken in turn lack nothing."""
    having = {
        key: sum(bool(record.n_values.get(key)) for record in records.values())
        for key in measurement_keys
    }
    usual = [key for key, n in having.items() if n == 0 or n >= USUAL_PART * len(records)]
    lacking = {
        epoch: [
            key
            for key in (usual if any(record.n_values.values()) else measurement_keys)
            if not record.n_values.get(key)
        ]
        for epoch, record in records.items()
    }
    return {epoch: f"of {first_few(keys)}" for epoch, keys in lacking.items() if keys}


def _advice(health: dict[str, Any], n_epochs: int) -> Iterator[str]:
    for name, sentence in ADVICE.items():
        if not (found := health.get(name)):
            continue
        few = [f"{key} {why}" for key, why in found.items()] if isinstance(found, dict) else found
        n, few = (len(few), first_few(few)) if isinstance(few, list) else (found, "")
        yield sentence.format(n=n, few=few, of_all=f"of {n_epochs}")


def _is_locked(storage: LightcurveStorage) -> bool:
    """Whether a writer holds the store's lock at this moment."""
    if not storage.is_there:
        return False
    try:
        with storage.location.writer_lock(timeout=0):
            return False
    except StorageError as error:
        return isinstance(error.__cause__, Timeout)  # else it is read-only, and nobody writes


def _short(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:4])}, ... ({len(names)})"  # noqa: PLR2004


def _span(store: dict[str, Any]) -> str:
    if store["first_time_mjd"] is None:
        return "-"
    return f"{store['first_time_mjd']:.4f} to {store['last_time_mjd']:.4f} ({store['time_scale']})"


def _size(n_bytes: int) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000:  # noqa: PLR2004
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000  # type: ignore[assignment]
    return f"{n_bytes:.3g} TB"
