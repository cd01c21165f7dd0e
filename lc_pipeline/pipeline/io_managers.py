"""What belongs here: how assets are stored and loaded. Assets pass data and never see a path.

Concept: https://docs.dagster.io/guides/build/io-managers

An asset that takes ``epoch_lightcurves`` or ``object_lightcurves`` as an argument is given a lazy
``xarray.Dataset``, or, where the argument is annotated so, the ``LightcurveStorage`` itself.
"""

import dataclasses
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import xarray as xr
from astropy.table import Table
from pydantic import Field

from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.ingest import (
    EpochIngest,
    EpochOutcome,
    epoch_storage,
    is_published,
    object_storage,
)
from lc_pipeline.ingest.arrivals import n_bytes
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.pipeline import checks, words
from lc_pipeline.pipeline.resources import DaskResource, SurveyResource, n_dask_threads
from lc_pipeline.pipeline.retrying import patiently
from lc_pipeline.pipeline.working import logged
from lc_pipeline.storage import LightcurveStorage
from lc_pipeline.tables import read_table, write_table

#: The check that every epoch's catalogue could be used.
CATALOGS_USABLE = "catalogs_usable"


class EpochStoreIOManager(dg.ConfigurableIOManager):
    """The epoch store: takes an :class:`EpochIngest`, gives the epochs asked for.

    Every epoch is committed, and told to Dagster, as soon as it is matched: a run that dies has
    kept what it had done. Epochs that are refused keep none of the others out; at the end the
    run fails with their reasons, and only their partitions stay without a materialisation.
    """

    survey: dg.ResourceDependency[SurveyResource]
    dask: dg.ResourceDependency[DaskResource]
    most_plots: int = Field(
        default=32, description="Draw the matches of so many epochs of a run, the first ones."
    )

    def storage(self) -> LightcurveStorage:
        """The survey's epoch store."""
        return epoch_storage(self.survey.config())

    def handle_output(  # type: ignore[override]  # Dagster takes generators of events, too
        self, context: dg.OutputContext, obj: EpochIngest
    ) -> Iterator[dg.DagsterEvent]:
        """Ingest epochs, one commit each."""
        wanted = sorted(context.asset_partition_keys)
        if sorted(obj.epochs) != wanted:
            raise dg.Failure(
                f"the asset gave epochs {_few(obj.epochs)}, and was asked for {_few(wanted)}",
                allow_retries=False,
            )
        refused: dict[str, str] = {}
        storage = self.storage()
        report = logged(context, "epochs")
        with patiently(_n_tried(context)), self.dask.client(if_worth_it=len(wanted) > 1):
            obj = dataclasses.replace(obj, n_workers=max(obj.n_workers, n_dask_threads()))
            sizes = _catalog_bytes(obj)
            started = begun = time.monotonic()
            for number, outcome in enumerate(obj.run(), start=1):
                report(number, len(wanted))
                if outcome.status == "refused":
                    refused[outcome.epoch] = outcome.error
                    context.log.error(f"{outcome.epoch}: refused: {outcome.error}")
                    yield from _observed(context, outcome)
                    continue
                storage.load_storage()
                metadata = self._metadata(storage, outcome, with_plot=number <= self.most_plots)
                if obj.n_workers == 1:
                    metadata |= words.speed(sizes.get(outcome.epoch, 0), time.monotonic() - started)
                context.step_context.add_asset_metadata(
                    metadata, asset_key=context.asset_key, partition_key=outcome.epoch
                )
                if len(wanted) > 1:
                    # What Dagster adds at the end of the run would come too late for a run that
                    # is killed.
                    yield _materialized(context, outcome.epoch, metadata)
                started = time.monotonic()
            in_all = words.speed(sum(sizes.values()), time.monotonic() - begun)
            context.log.info(", ".join(f"{value} {name}" for name, value in in_all.items()))
        if refused:
            yield _judged(context, _catalogs_usable(len(wanted), refused), CATALOGS_USABLE)
            # Their steps do not run in a run that fails, and Dagster would call them failed.
            for of_epochs in checks.CHECKS_OF_EPOCHS:
                result: Any = of_epochs(survey=self.survey)
                yield _judged(context, result, of_epochs.check_key.name)
            raise dg.Failure(
                f"{len(refused)} of {len(wanted)} epochs were refused, the others are stored: "
                f"{next(iter(refused.values()))}",
                metadata={"refused": words.listed(refused)},
                allow_retries=False,
            )

    def _metadata(
        self, storage: LightcurveStorage, outcome: EpochOutcome, *, with_plot: bool
    ) -> words.Metadata:
        said = words.about_epoch(outcome, storage.get_epoch_record(outcome.epoch))
        said["store version"] = f"{storage.snapshot.version}, {storage.snapshot.n_rows} ingests"
        if outcome.status == "stored":
            said |= words.look_at_epoch(storage, outcome.epoch, with_plot=with_plot)
        return said | words.how_to_open(storage)

    def load_input(self, context: dg.InputContext) -> xr.Dataset | LightcurveStorage:
        """Open the epochs asked for, lazily, in order of time; those without light curves are told.

        ``metadata={"chunks": {...}}`` on the input gives Dask arrays in such chunks.
        """
        storage = self.storage().load_storage()
        if _wants_storage(context):
            return storage
        dataset = storage.dataset
        if context.has_asset_partitions:
            wanted = set(context.asset_partition_keys)
            there = [key for key in storage.epoch_keys if key in wanted]
            if absent := sorted(wanted - set(there)):
                context.log.warning(
                    f"{len(absent)} epochs have no light curves and are left out: {_few(absent)}"
                )
            if len(there) < len(storage.epoch_keys):
                dataset = dataset.sel(epoch=there)
        return _chunked(dataset, context)


class ObjectStoreIOManager(dg.ConfigurableIOManager):
    """The object store: takes the epoch store, publishes a version of it, gives light curves."""

    survey: dg.ResourceDependency[SurveyResource]
    memory_limit: int | None = Field(
        default=None, description="Bytes that the blocks in work may take together."
    )

    def storage(self) -> LightcurveStorage:
        """The survey's object store."""
        return object_storage(self.survey.config())

    def handle_output(self, context: dg.OutputContext, obj: LightcurveStorage) -> None:
        """Rechunk and publish, unless the current version has all of it."""
        objects = self.storage()
        started = time.monotonic()
        is_new = not is_published(obj, objects)
        if is_new:
            with patiently(_n_tried(context)):
                objects = obj.rechunk_to_object_optimized(
                    objects.location.path,
                    logged(context, "shards"),
                    memory_limit=self.memory_limit,
                )
        else:
            context.log.info(f"nothing new: version {objects.snapshot.version} has every epoch")
        seconds = time.monotonic() - started
        known = objects.get_storage_info()
        context.add_output_metadata(
            {
                "version": known["version"],
                "is new": is_new,
                "objects": known["n_objects"],
                "epochs": known["n_epochs"],
                "measurements": ", ".join(known["measurement_keys"]),
                "bytes on disk": known["bytes_on_disk"],
                "versions kept": ", ".join(known["versions"]),
            }
            | (words.speed(known["bytes_uncompressed"], seconds) if is_new else {})
            | words.how_to_open(objects)
        )

    def load_input(self, context: dg.InputContext) -> xr.Dataset | LightcurveStorage:
        """Open the current version, lazily; ``metadata={"chunks": {...}}`` gives Dask arrays."""
        storage = self.storage().load_storage()
        return storage if _wants_storage(context) else _chunked(storage.dataset, context)


class TableIOManager(dg.ConfigurableIOManager):
    """Tables, as Parquet files that say their units, beside the stores or where it is said."""

    survey: dg.ResourceDependency[SurveyResource]
    folder: str | None = Field(
        default=None,
        description="Folder or URL for the tables, if not the folder tables beside the stores.",
    )

    def place(self) -> str:
        """Path or URL of the folder of the tables."""
        folder = self.folder or f"{self.survey.config().store}/tables"
        if "://" not in folder:
            folder = str(Path(folder).absolute())  # for notebooks, which are somewhere else
        return folder

    def handle_output(self, context: dg.OutputContext, obj: Table | Calibration) -> None:
        """Write the table in one step: readers see the old one or the new one."""
        table = obj.zero_points if isinstance(obj, Calibration) else obj
        with patiently(_n_tried(context)):
            if isinstance(obj, Calibration):
                path = obj.write(self.place())
            else:
                path = write_table(obj, f"{self.place()}/{context.asset_key.path[-1]}.parquet")
        context.add_output_metadata(words.about_table(table) | words.how_to_open_table(path))

    def load_input(self, context: dg.InputContext) -> Table | Calibration:
        """Read the table; where the argument is annotated so, as a :class:`Calibration`."""
        if context.dagster_type.typing_type is Calibration:
            return Calibration.read(self.place())
        return read_table(f"{self.place()}/{context.asset_key.path[-1]}.parquet")


def _materialized(
    context: dg.OutputContext, epoch: str, metadata: words.Metadata
) -> dg.DagsterEvent:
    event = dg.AssetMaterialization(context.asset_key, partition=epoch, metadata=metadata)
    return dg.DagsterEvent.asset_materialization(context.step_context, event)


def _observed(context: dg.OutputContext, outcome: EpochOutcome) -> Iterator[dg.DagsterEvent]:
    """Put the reason where a person looks for it: on the page of the epoch's partition."""
    context.log_event(
        dg.AssetObservation(
            context.asset_key,
            partition=outcome.epoch,
            description=f"refused: {outcome.error}",
            metadata={"refused": outcome.error},
        )
    )
    yield from context.consume_events()


def _catalogs_usable(n_epochs: int, refused: dict[str, str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=False,
        description=next(iter(refused.values())),
        metadata={
            "epochs in the run": n_epochs,
            "number refused": len(refused),
            "refused": words.listed(refused),
        },
    )


def _judged(context: dg.OutputContext, result: dg.AssetCheckResult, name: str) -> dg.DagsterEvent:
    evaluation = dg.AssetCheckEvaluation(
        asset_key=context.asset_key,
        check_name=name,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )
    return dg.DagsterEvent.asset_check_evaluation(context.step_context, evaluation)


def _catalog_bytes(ingest: EpochIngest) -> Mapping[str, int]:
    """Size of the catalogue files of each epoch."""
    chosen = set(ingest.epochs)
    landing = find_epochs(ingest.survey)
    return {files.epoch: n_bytes(files) for files in landing.epochs if files.epoch in chosen}


def _n_tried(context: dg.OutputContext) -> int:
    return context.step_context.previous_attempt_count


def _wants_storage(context: dg.InputContext) -> bool:
    return context.dagster_type.typing_type is LightcurveStorage


def _chunked(dataset: xr.Dataset, context: dg.InputContext) -> xr.Dataset:
    chunks: Any = (context.definition_metadata or {}).get("chunks")
    return dataset if chunks is None else dataset.chunk(getattr(chunks, "value", chunks))


def _few(keys: Any) -> str:
    keys = list(keys)
    return ", ".join(keys[:3]) + (f", ... ({len(keys)})" if len(keys) > 3 else "")  # noqa: PLR2004
