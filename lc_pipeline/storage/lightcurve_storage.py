"""``LightcurveStorage``: light curves of many objects, written by epoch, read by object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import xarray as xr
from astropy.timeseries import TimeSeries
from dask import compute as dask_compute
from dask import delayed as dask_delayed

from lc_pipeline.catalogs.source_catalog import SourceCatalog
from lc_pipeline.errors import StorageError
from lc_pipeline.matching.epoch_block import EpochBlock
from lc_pipeline.matching.reference import ReferenceCatalog
from lc_pipeline.photometry.calibration import Calibration
from lc_pipeline.progress import Progress, progress_bar
from lc_pipeline.sky.regions import in_box
from lc_pipeline.storage import compact, epoch_log, rechunk, versions
from lc_pipeline.storage.layout import COORDINATE_OBJECTS, cuts
from lc_pipeline.storage.location import Location
from lc_pipeline.storage.model import value_names
from lc_pipeline.storage.new_store import StoreAxes, create_epoch_log
from lc_pipeline.storage.open_store import OpenStore
from lc_pipeline.storage.parallel import (
    CatalogSource,
    EpochJob,
    extract_with_dask,
    ingest_parallel,
    match_to_store,
    n_values_stored,
)
from lc_pipeline.storage.snapshot import EpochRecord, Snapshot, open_snapshot
from lc_pipeline.storage.timeseries import object_timeseries
from lc_pipeline.storage.verify import verify_epochs, verify_objects
from lc_pipeline.survey import MatchingSection

Layout = Literal["epoch", "object"]


class LightcurveStorage:
    """A store of light curves, in either of its two layouts.

    The *epoch store* is written: an append-only log, one row an epoch. The *object store* is read:
    immutable versions built from it, one of them current. Both show the same data, with the same
    names and axes.

    Parameters
    ----------
    storage_path : str or Path
        Folder of an epoch store or of an object store, or where one is to be made.

    Notes
    -----
    **Recommended workflow**: create, populate epoch by epoch, rechunk, read.

    Examples
    --------
    >>> import tempfile
    >>> from lc_pipeline import LightcurveStorage, ReferenceCatalog, SourceCatalog
    >>> from astropy.table import Table
    >>> folder = tempfile.mkdtemp()
    >>> reference = ReferenceCatalog(key=["a", "b"], ra=[10.0, 10.1], dec=[-5.0, -5.0])
    >>> epochs = LightcurveStorage(f"{folder}/epochs")
    >>> epochs = epochs.create_storage(reference, ["g"])
    >>> for night in range(3):
    ...     file = f"{folder}/night{night}.ecsv"
    ...     columns = {"ra": [10.1, 10.0], "dec": [-5.0, -5.0]}
    ...     columns |= {"mag_g": [18.5, 17.0 + night], "magerr_g": [0.02, 0.01]}
    ...     Table(columns, meta={"MJD-OBS": 60000.0 + night}).write(file)
    ...     stored = epochs.populate_epoch_from_catalog(f"n{night}", SourceCatalog.read(file))
    >>> objects = epochs.rechunk_to_object_optimized(f"{folder}/objects", progress=False)
    >>> objects.get_object_lightcurve("a").sel(measurement="g", value="mag").values
    array([17., 18., 19.], dtype=float32)
    """

    def __init__(self, storage_path: str | Path) -> None:
        self.location = Location(storage_path)
        self._opened: OpenStore | None = None

    def __repr__(self) -> str:
        if self._opened is None:
            return f"<LightcurveStorage {self.location} (not loaded)>"
        snapshot = self.snapshot
        return (
            f"<LightcurveStorage {self.location}: {snapshot.n_objects} objects, "
            f"{len(snapshot.rows)} epochs, {len(snapshot.measurement_keys)} measurements, "
            f"{self.layout} layout>"
        )

    # ------------------------------------------------------------------ making and opening

    def create_storage(
        self,
        reference: ReferenceCatalog,
        measurement_keys: Sequence[str],
        *,
        quantities: str | Mapping[str, str] = "mag",
        units: str | Mapping[str, str] = "mag",
        extra_values: Sequence[str] = (),
        matching: MatchingSection | None = None,
        survey: str = "",
        settings: str = "",
    ) -> Self:
        """Create an empty epoch store here.

        Parameters
        ----------
        reference : ReferenceCatalog
            The objects; every epoch is matched to them.
        measurement_keys : sequence of str
            Bands, apertures or channels.
        quantities, units : str or mapping, optional
            ``mag`` or ``flux``, and an astropy unit, for all or for each measurement.
        extra_values : sequence of str, optional
            Names of further values kept with each measurement, beside the value and its error.
        matching : MatchingSection, optional
            How epochs are matched; by default by position, within 1 arcsec.
        survey, settings : str, optional
            Name of the survey, and fingerprint of its settings.

        Returns
        -------
        LightcurveStorage
            This one, loaded.

        Raises
        ------
        StorageError
            If a store is here already; it is left alone.
        """
        if not measurement_keys:
            raise StorageError(f"{self.location}: a store needs at least one measurement")
        quantity_of = _for_each(quantities, measurement_keys)
        axes = StoreAxes(
            reference,
            measurement_keys,
            quantity_of,
            _for_each(units, measurement_keys),
            (*value_names(quantity_of), *extra_values),
        )
        create_epoch_log(
            self.location, axes, matching or MatchingSection(), survey=survey, settings=settings
        )
        return self.load_storage()

    def load_storage(self, consolidated: bool = True) -> Self:  # noqa: FBT001, FBT002
        """Open what is committed here now; later commits are seen after another call.

        Metadata and coordinates (keys, positions, times) are read here. The arrays with an epoch
        axis (:attr:`lightcurves`, :attr:`flags`, ...) are lazy: selecting (``sel``, ``isel``,
        :meth:`get_object_lightcurve`) reads nothing, ``.values``, ``.compute()`` and ``.load()``
        read the chunks that the selection touches, no others: of an object store the chunk that
        has the object, of an epoch store the file of the epoch. Only ``.load()`` keeps them.

        Parameters
        ----------
        consolidated : bool
            False opens an epoch store by the arrays' own metadata, which may hold more than the
            last commit: for looking into a store after a crash. An object store is always
            opened by the version that ``current.json`` names.

        Raises
        ------
        StorageError
            If there is no store here.
        """
        snapshot = open_snapshot(self.location, consolidated=consolidated)
        if self._opened:
            snapshot.share_reference(self._opened.snapshot)
        self._opened = OpenStore(snapshot, self.tables)
        return self

    @property
    def _open(self) -> OpenStore:
        """What is open; opens it if need be."""
        if self._opened is None:
            self.load_storage()
        assert self._opened is not None  # noqa: S101 (load_storage sets it or raises)
        return self._opened

    @property
    def snapshot(self) -> Snapshot:
        """The commit, or the published version, that is open; opens it if need be."""
        return self._open.snapshot

    # ------------------------------------------------------------------ what is in it

    @property
    def is_there(self) -> bool:
        """Whether there is a store here."""
        return versions.is_store(self.location)

    @property
    def layout(self) -> Layout:
        """``epoch`` (written) or ``object`` (read)."""
        return self.snapshot.layout

    @property
    def measurement_keys(self) -> tuple[str, ...]:
        """Bands, apertures or channels, in order."""
        return self.snapshot.measurement_keys

    @property
    def reference(self) -> ReferenceCatalog:
        """The objects, in order of the object axis."""
        return self.snapshot.reference

    @property
    def epoch_keys(self) -> list[str]:
        """Epochs in order of time."""
        return [record.epoch for record in self.epoch_records]

    @property
    def epoch_records(self) -> tuple[EpochRecord, ...]:
        """What is remembered of each epoch's ingest, in order of time."""
        return self.snapshot.current_records

    def get_epoch_record(self, epoch_key: str) -> EpochRecord:
        """What is remembered of one epoch's ingest.

        Raises
        ------
        NotInStoreError
            If there is no such epoch.
        """
        return self.epoch_records[self._open.number("epoch", epoch_key)]

    @property
    def dataset(self) -> xr.Dataset:
        """Everything as one lazy dataset: ``lightcurves``, ``flags``, ``separation``, ...

        Dims are object, measurement, value, epoch in this order.
        """
        return self._open.dataset

    @property
    def tables(self) -> Path:
        """Folder of the tables that were made from these light curves, beside the store."""
        return self.location.path.parent / "tables"

    @property
    def calibration(self) -> Calibration:
        """The zero points, as they were when they were first asked for.

        Raises
        ------
        StorageError
            If there are none yet.
        """
        return self._open.calibration

    @property
    def calibrated(self) -> xr.Dataset:
        """As :attr:`dataset`, ``lightcurves`` calibrated when they are read; as lazy as it.

        Zero points that are in force are taken off the values, and stand beside them
        (``zero_point``, ``zero_point_err``, ``n_zero_point``). What is on disk stays as measured.

        Raises
        ------
        StorageError
            If there is no calibration yet.
        """
        return self._open.calibrated

    @property
    def lightcurves(self) -> xr.DataArray:
        """Values and errors: dims object, measurement, value, epoch; float32; lazy; NaN missing."""
        return self.dataset["lightcurves"]

    @property
    def flags(self) -> xr.DataArray:
        """Why values are missing or doubtful: dims object, measurement, epoch; uint16; lazy."""
        return self.dataset["flags"]

    def get_object_lightcurve(self, object_key: str, *, calibrated: bool = False) -> xr.DataArray:
        """One object's light curve: dims measurement, value, epoch; read when asked for.

        Parameters
        ----------
        object_key : str
        calibrated : bool
            Take off the zero points, see :attr:`calibrated`.

        Raises
        ------
        NotInStoreError
            If there is no such object; the message names the nearest keys.
        StorageError
            If there is no calibration.
        """
        number = self._open.number("object", object_key)
        return self._open.numbered(calibrated=calibrated)["lightcurves"].isel(object=number)

    def get_epoch_data(self, epoch_key: str) -> xr.DataArray:
        """One epoch of all objects: dims object, measurement, value; read when asked for.

        Raises
        ------
        NotInStoreError
            If there is no such epoch.
        """
        return self.lightcurves.isel(epoch=self._open.number("epoch", epoch_key))

    def to_timeseries(
        self,
        object_key: str,
        measurement_keys: Sequence[str] | None = None,
        *,
        with_unobserved: bool = False,
        calibrated: bool = False,
    ) -> TimeSeries:
        """One object's light curve as an astropy table, one row per measurement and epoch.

        Parameters
        ----------
        object_key : str
        measurement_keys : sequence of str, optional
            By default all.
        with_unobserved : bool
            Keep rows for epochs in which the object was not observed.
        calibrated : bool
            Take off the zero points, see :attr:`calibrated`.

        Returns
        -------
        TimeSeries
            Sorted by time; columns ``time`` (with its scale; the measurement's own time where
            the survey has it), ``epoch``, ``measurement``, the values with units (masked where
            missing), ``separation``, ``flags``, ``catalog_flags`` where the survey has them. Where
            it states limits, ``limit`` has one for each row in which nothing was measured.

        Raises
        ------
        NotInStoreError
            If there is no such object or measurement.
        StorageError
            If there is no calibration.
        """
        for key in measurement_keys or ():
            self._open.number("measurement", key)
        number = self._open.number("object", object_key)
        one = self._open.numbered(calibrated=calibrated).isel(object=number)
        return object_timeseries(one, measurement_keys, with_unobserved=with_unobserved)

    def get_storage_info(self) -> dict[str, Any]:
        """What is here, in plain types (it can be written as JSON)."""
        return self._open.description()

    # ------------------------------------------------------------------ where on the sky

    def get_objects_in_region(
        self, ra_range: tuple[float, float], dec_range: tuple[float, float]
    ) -> list[str]:
        """Keys of the objects in a box, borders included, in the order of the object axis.

        Parameters
        ----------
        ra_range : (float, float), deg
            ``ra_range[0] > ra_range[1]`` crosses RA 0.
        dec_range : (float, float), deg

        Raises
        ------
        RegionError
            If the limits are not a box.
        """
        return self._open.object_keys(self._open.sky.box(ra_range, dec_range))

    def get_objects_in_region_distributed(
        self,
        ra_range: tuple[float, float],
        dec_range: tuple[float, float],
        use_dask: bool = False,  # noqa: FBT001, FBT002
    ) -> list[str]:
        """As :meth:`get_objects_in_region`; with `use_dask` in blocks on Dask workers.

        Positions of 10 million objects are searched in a tenth of a second without Dask.
        """
        if not use_dask:
            return self.get_objects_in_region(ra_range, dec_range)
        place = self.snapshot.object_columns
        masks = dask_compute(
            *(
                dask_delayed(in_box)(place["ra"][block], place["dec"][block], ra_range, dec_range)
                for block in cuts(len(place["ra"]), COORDINATE_OBJECTS)
            )
        )
        return self._open.object_keys(np.concatenate(masks))

    def get_objects_in_cone(self, ra: float, dec: float, radius: float) -> list[str]:
        """Keys of the objects within `radius` arcsec of a position, in order of the object axis.

        Parameters
        ----------
        ra, dec : float, deg
        radius : float, arcsec
            0 to 180 degrees; the border is included.

        Raises
        ------
        RegionError
            If the position or the radius is out of range.
        """
        return self._open.object_keys(self._open.sky.cone(ra, dec, radius))

    def get_objects_in_polygon(self, vertices: Sequence[tuple[float, float]]) -> list[str]:
        """Keys of the objects in a polygon of great circles, borders included.

        Parameters
        ----------
        vertices : sequence of (float, float), deg
            RA and Dec of the corners, in either sense; smaller than a hemisphere.

        Raises
        ------
        RegionError
            If the corners are not a polygon.
        """
        return self._open.object_keys(self._open.sky.polygon(vertices))

    # ------------------------------------------------------------------ writing epochs

    def populate_epoch_from_catalog(
        self,
        epoch_key: str,
        source_catalog: SourceCatalog,
        measurement_keys: Sequence[str] | None = None,
    ) -> int:
        """Match one epoch's catalogue to the reference and commit it.

        An epoch that is there already is replaced by the new ingest as a whole.

        Parameters
        ----------
        epoch_key : str
        source_catalog : SourceCatalog
        measurement_keys : sequence of str, optional
            What to store; by default every measurement of the store.

        Returns
        -------
        int
            Number of measurements stored: finite values over objects and measurements.

        Raises
        ------
        StorageError
            If this is not an epoch store, or the catalogue does not fit it.
        CatalogError
            If an object is there twice and the duplicate rule is to refuse that.
        """
        block = self.match_epoch(source_catalog.renamed(epoch_key), measurement_keys)
        self.append_epochs([block])
        return int(block.n_stored.sum())

    def populate_all_epochs_parallel(
        self,
        epoch_catalog_pairs: Iterable[tuple[str, CatalogSource]],
        measurement_keys: Sequence[str] | None = None,
        n_workers: int = 4,
    ) -> dict[str, int]:
        """Read, match and store many epochs side by side, in one commit.

        Workers are those of the current ``dask.distributed`` client if there is one, else
        processes. Each writes whole shards of rows of its own.

        Parameters
        ----------
        epoch_catalog_pairs : iterable of (str, source)
            Epoch keys, and for each a SourceCatalog, the path or paths of a catalogue, or a
            callable that gives a SourceCatalog (it is called on the worker, and must pickle).
        measurement_keys : sequence of str, optional
            What to store; by default every measurement of the store.
        n_workers : int
            Number of processes.

        Returns
        -------
        dict of str to int
            Measurements stored in each epoch.

        Raises
        ------
        CatalogError
            If epochs were refused; the message has every reason. All others are stored.
        """
        jobs = [EpochJob(epoch, source) for epoch, source in epoch_catalog_pairs]
        location = self._epoch_snapshot().location
        results = ingest_parallel(
            location, jobs, measurement_keys or self.measurement_keys, None, n_workers=n_workers
        )
        self.load_storage()
        return n_values_stored(location, results)

    def populate_epoch_from_catalog_dask(
        self,
        epoch_key: str,
        source_catalog: SourceCatalog,
        measurement_keys: Sequence[str] | None = None,
    ) -> int:
        """As :meth:`populate_epoch_from_catalog`, the measurements extracted as Dask tasks.

        The catalogue is matched once; each task extracts some of the measurements, and the row is
        written when all are there. For catalogues with many bands or apertures.
        """
        block = extract_with_dask(self._epoch_snapshot(), source_catalog.renamed(epoch_key),
                                  tuple(measurement_keys or self.measurement_keys))  # fmt: skip
        self.append_epochs([block])
        return int(block.n_stored.sum())

    def remove_epoch(self, epoch_key: str) -> None:
        """Take an epoch out; its rows stay on disk until the next :meth:`compact`.

        Raises
        ------
        NotInStoreError
            If there is no such epoch.
        """
        epoch_log.remove_epoch(self._epoch_snapshot().location, epoch_key)
        self.load_storage()

    def compact(self) -> bool:
        """Drop the rows of ingests that were superseded or removed.

        Readers that have the store open keep what they see.

        Returns
        -------
        bool
            Whether there was anything to drop.
        """
        is_new = compact.compact(self._epoch_snapshot().location) is not None
        self.load_storage()
        return is_new

    def match_epoch(
        self,
        source_catalog: SourceCatalog,
        measurement_keys: Sequence[str] | None = None,
        *,
        matching: MatchingSection | None = None,
    ) -> EpochBlock:
        """Match one epoch's catalogue to this store's reference; nothing is written.

        `matching` is by default how the store was made.
        """
        snapshot = self._epoch_snapshot()
        keys = tuple(measurement_keys or snapshot.measurement_keys)
        return match_to_store(snapshot, source_catalog, keys, matching)

    def append_epochs(self, blocks: Sequence[EpochBlock], *, settings: str = "") -> None:
        """Append matched epochs in one commit: all of them are seen, or none."""
        snapshot = self._epoch_snapshot()
        records = [EpochRecord.of(block, snapshot.reference, settings) for block in blocks]
        epoch_log.append_epochs(snapshot.location, blocks, records)
        self.load_storage()

    def append_objects(self, new: ReferenceCatalog) -> None:
        """Add objects at the end of the object axis.

        Epochs that are there have no values for them (flag NOT_INGESTED) until they are
        ingested again.
        """
        snapshot = self._epoch_snapshot()
        epoch_log.append_objects(snapshot.location, snapshot.reference.extended(new))
        self.load_storage()

    def append_measurements(
        self, keys: Sequence[str], quantities: Sequence[str], units: Sequence[str]
    ) -> None:
        """Add bands, apertures or channels at the end of the measurement axis.

        Epochs that are there have no values for them (flag NOT_INGESTED) until they are
        ingested again.
        """
        epoch_log.append_measurements(self._epoch_snapshot().location, keys, quantities, units)
        self.load_storage()

    def _epoch_snapshot(self) -> Snapshot:
        if self.layout != "epoch":
            raise StorageError(
                f"{self.location}: an object store is built from an epoch store and never "
                f"written to. Ingest into the epoch store and rechunk."
            )
        return self.snapshot

    # ------------------------------------------------------------------ publishing

    @property
    def versions(self) -> list[str]:
        """Ids of all versions, oldest first; ``snapshot.version`` is the one that is open."""
        return versions.list_versions(self.location)

    def rollback(self, version: str) -> Self:
        """Make an older version of an object store current again, and open it.

        Raises
        ------
        StorageError
            If this is an epoch store, or there is no such version.
        """
        if self.layout == "epoch":
            raise StorageError(f"{self.location}: only published light curves can be rolled back")
        with self.location.writer_lock():
            versions.point_to(self.location, version)
        return self.load_storage()

    def verify(
        self,
        epochs: LightcurveStorage | None = None,
        progress: bool | Progress = False,  # noqa: FBT001, FBT002
    ) -> list[str]:
        """Read everything back: checksums, counts, and, for an object store, every value.

        Parameters
        ----------
        epochs : LightcurveStorage, optional
            The epoch store to compare an object store with.
        progress : bool or callable

        Returns
        -------
        list of str
            What is wrong, naming the epoch, the object block or the file; empty if all is well.
        """
        with progress_bar("verify", progress) as report:
            if epochs is None:
                return verify_epochs(self.location, report)
            return verify_objects(self.location, epochs.location, report)

    def rechunk_to_object_optimized(
        self,
        output_path: str | Path,
        progress: bool | Progress = True,  # noqa: FBT001, FBT002
        *,
        n_workers: int | None = None,
        memory_limit: int | None = None,
        is_anew: bool = False,
    ) -> LightcurveStorage:
        """Build, verify and publish a version of the object store from what is committed here.

        Parameters
        ----------
        output_path : str or Path
            Folder of the object store; readers of older versions are not disturbed.
        progress : bool or callable
            True shows a bar; a callable is called with (shards done, shards in all).
        n_workers : int, optional
            Threads; by default one per core, 4 at most.
        memory_limit : int, optional
            Bytes that the blocks in work may take together.
        is_anew : bool
            Write everything, also what the version before has already: after damage to it.

        Returns
        -------
        LightcurveStorage
            The object store, loaded.

        Raises
        ------
        StorageError
            If this is not an epoch store, it is empty, or the verification fails.
        """
        self.load_storage()
        with progress_bar("rechunk", progress) as report:
            rechunk.rechunk(
                self._epoch_snapshot(),
                Location(output_path),
                progress=report,
                n_workers=n_workers,
                memory_limit=memory_limit,
                is_anew=is_anew,
            )
        return LightcurveStorage(output_path).load_storage()


def _for_each(setting: str | Mapping[str, str], keys: Sequence[str]) -> list[str]:
    return [setting if isinstance(setting, str) else setting.get(key, "") for key in keys]
