"""One epoch's detections, whatever files they came in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from lc_pipeline.catalogs.file_detections import FileDetections, read_detections
from lc_pipeline.catalogs.landed_files import EpochFiles, LandedFile
from lc_pipeline.catalogs.measurement_columns import MeasurementColumns
from lc_pipeline.catalogs.observing_log import LogRow, ObservingLog
from lc_pipeline.catalogs.remote import copied_here
from lc_pipeline.errors import CatalogError
from lc_pipeline.flags import FLAG_DTYPE, MeasurementFlag
from lc_pipeline.survey import FilesSection, SurveyConfig, SurveySection

__all__ = [
    "MeasurementColumns",
    "SourceCatalog",
    "SourceFile",
    "read_epoch",
]

#: Two files of an epoch whose times differ by less (days) were taken together.
SAME_TIME = 1e-8


@dataclass(frozen=True)
class SourceFile:
    """Provenance of one catalogue file."""

    name: str
    """Path below the landing folder (or the file's name)."""
    sha256: str
    n_rows: int
    time: float
    """MJD of mid-exposure of this file."""


@dataclass(frozen=True)
class SourceCatalog:
    r"""All detections of one epoch, in one or more files, with what was measured of each.

    Every array has one entry per row (shape ``(n_sources,)``), file after file, in file order.

    Attributes
    ----------
    epoch : str
        The epoch's key.
    ra, dec : (n_sources,) array of float, deg
        ICRS position, ``0 <= ra < 360``.
    file_index : (n_sources,) array of int
        Which of `files` the row came from. Each file is matched on its own.
    key : (n_sources,) array of str, or None
        The objects' own names, where the catalogue has them.
    measurements : dict of str to MeasurementColumns
    time : float
        MJD of mid-exposure (the median, where files or rows have times of their own).
    time_scale : str
        ``utc``, ``tt``, ``tdb``, ...
    time_refposition : str
        Where the clock stands: ``TOPOCENTER``, ``BARYCENTER``, ...
    exposure : float
        Seconds; NaN if unknown.
    files : tuple of SourceFile
    notes : tuple of str
        What was recognised rather than configured, in words.
    log_rows : tuple of LogRow
        Rows of the observing log that the times come from.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "night1.csv")
    >>> _ = path.write_text("ra,dec,mag_g,magerr_g,mjd\n10.5,-3.25,17.25,0.02,59000.5\n")
    >>> catalog = SourceCatalog.read(path)
    >>> catalog
    <SourceCatalog night1: 1 sources, MJD 59000.50000 (utc), measurements g>
    >>> catalog.extract_measurements(["g"])
    {'g': (array([17.25]), array([0.02]))}
    >>> folder.cleanup()
    """

    epoch: str
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    file_index: NDArray[np.intp]
    key: NDArray[np.str_] | None
    measurements: dict[str, MeasurementColumns]
    time: float
    time_scale: str
    time_refposition: str
    exposure: float
    files: tuple[SourceFile, ...]
    notes: tuple[str, ...] = ()
    log_rows: tuple[LogRow, ...] = ()

    def __len__(self) -> int:
        return len(self.ra)

    def __repr__(self) -> str:
        keys = ", ".join(self.measurements)
        return (
            f"<SourceCatalog {self.epoch}: {len(self)} sources, MJD {self.time:.5f} "
            f"({self.time_scale}), measurements {keys}>"
        )

    @property
    def part_index(self) -> NDArray[np.intp]:
        """Rows that are matched together, ``(n_sources,)``: those of one file and its bands.

        A file has one part, unless its rows are of several bands (``measurements.where``): then an
        object has a row in each of them, and none of these is a duplicate of another. Parts are
        sorted by file.
        """
        part = self.file_index
        for measured in self.measurements.values():
            carries = (measured.flags & FLAG_DTYPE.type(MeasurementFlag.NOT_OBSERVED)) == 0
            total = np.bincount(part)
            some = np.bincount(part[carries], minlength=len(total))
            if np.any((some > 0) & (some < total)):
                part = np.unique(2 * part + carries, return_inverse=True)[1].astype(np.intp)
        return part

    @classmethod
    def read(
        cls,
        paths: str | Path | Iterable[str | Path],
        survey: SurveyConfig | None = None,
        *,
        epoch: str | None = None,
    ) -> SourceCatalog:
        """Read the catalogue files of one epoch.

        Parameters
        ----------
        paths : str, Path, or iterable of them
        survey : SurveyConfig, optional
            What the columns mean. Without it all is recognised from the files, and `notes` say
            what was; a time that cannot be recognised is NaN then.
        epoch : str, optional
            The epoch's key; by default the ``epoch`` group of the survey's pattern if the name
            matches, else the first file's name without its ending.

        Raises
        ------
        CatalogError
            If a file cannot be used; the message names file, column and row.
        """
        single = isinstance(paths, str | Path)
        files = [Path(paths)] if single else [Path(path) for path in paths]  # type: ignore[arg-type,union-attr]
        if not files:
            raise CatalogError("(no file)", "SourceCatalog.read needs at least one path")
        landed = tuple(_landed(path, survey) for path in files)
        epoch = epoch or landed[0].groups.get("epoch") or files[0].name.split(".")[0]
        return _read(EpochFiles(epoch, landed), survey)

    def renamed(self, epoch: str) -> SourceCatalog:
        """The same detections under another epoch key."""
        return replace(self, epoch=epoch)

    def extract_measurements(
        self, measurement_keys: Sequence[str]
    ) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Take the values and errors of some measurements.

        Parameters
        ----------
        measurement_keys : sequence of str

        Returns
        -------
        dict of str to (values, errors)
            Arrays of shape ``(n_sources,)``, NaN where there is no value or error.

        Raises
        ------
        CatalogError
            If the epoch has no such measurement; the message lists those it has.
        """
        for key in measurement_keys:
            if key not in self.measurements:
                where = self.files[0].name if self.files else self.epoch
                raise CatalogError(
                    where,
                    f"epoch {self.epoch!r} has no measurement {key!r}; it has: "
                    f"{', '.join(self.measurements)}",
                )
        return {
            key: (self.measurements[key].value, self.measurements[key].error)
            for key in measurement_keys
        }

    def to_table(self) -> Table:
        """Make an astropy table: position, and value, error and flags of every measurement."""
        columns: dict[str, Any] = {"ra": self.ra, "dec": self.dec, "file_index": self.file_index}
        if self.key is not None:
            columns = {"key": self.key} | columns
        units = {"ra": "deg", "dec": "deg"}
        for key, measured in self.measurements.items():
            columns |= {
                key: measured.value,
                f"{key}_err": measured.error,
                f"{key}_flags": measured.flags,
            }
            units |= {key: measured.unit, f"{key}_err": measured.unit}
            if measured.time is not None:
                columns[f"{key}_mjd"] = measured.time
            columns |= {f"{key}_{name}": extra for name, extra in measured.extra.items()}
        meta = {"epoch": self.epoch, "time": self.time, "time_scale": self.time_scale}
        return Table(columns, units={name: unit for name, unit in units.items() if unit}, meta=meta)


def read_epoch(epoch_files: EpochFiles, survey: SurveyConfig) -> SourceCatalog:
    """Read all files of one epoch as the survey says.

    Rows follow file after file. A measurement that a file does not have is NaN on its rows, with
    the flag NOT_OBSERVED; one that two files have (two detectors, say) simply goes on. Where
    files were taken at different times, every row has the time of its file.

    Parameters
    ----------
    epoch_files : EpochFiles
        From :func:`~lc_pipeline.catalogs.landing.find_epochs`.
    survey : SurveyConfig

    Returns
    -------
    SourceCatalog

    Raises
    ------
    CatalogError
        If a file cannot be used, two files are the same, or files contradict each other; the
        epoch is refused as a whole.
    """
    with copied_here(epoch_files) as files:
        return _read(files, survey)


_RECOGNISE_ALL = SurveyConfig(
    survey=SurveySection(name="catalogue"), files=FilesSection(pattern="(?P<epoch>.+)")
)


def _landed(path: Path, survey: SurveyConfig | None) -> LandedFile:
    """Match a file's name as the survey would: below the landing folder, else the name alone."""
    if survey is None:
        return LandedFile(path, path.name)
    names = [path.name]
    log = ObservingLog.of(survey)
    if path.resolve().is_relative_to(survey.landing_folder.resolve()):
        names.insert(0, path.resolve().relative_to(survey.landing_folder.resolve()).as_posix())
    for name in names:
        if match := re.fullmatch(survey.files.pattern, name):
            groups = {key: text for key, text in match.groupdict().items() if text is not None}
            row = log.row_of(groups.get("epoch", ""), name) if log else None
            return LandedFile(path, name, groups, row)
    return LandedFile(path, names[0], log=log.row_of("", names[0]) if log else None)


def _read(epoch_files: EpochFiles, survey: SurveyConfig | None) -> SourceCatalog:
    config = survey or _RECOGNISE_ALL
    found = [
        read_detections(file, config, needs_time=survey is not None) for file in epoch_files.files
    ]
    paths = [file.path for file in epoch_files.files]
    _refuse_contradictions(paths, found)
    sizes = [len(file.ra) for file in found]
    file_times = np.array([file.times.mjd for file in found])
    known_times = file_times[np.isfinite(file_times)]
    apart = len(known_times) > 1 and float(np.ptp(known_times)) > SAME_TIME
    keys = list(dict.fromkeys(key for file in found for key in file.measurements))
    measurements = {key: _join(key, found, sizes, apart=apart) for key in keys}
    exposures = [file.times.exposure for file in found if np.isfinite(file.times.exposure)]
    return SourceCatalog(
        epoch=epoch_files.epoch,
        ra=np.concatenate([file.ra for file in found]),
        dec=np.concatenate([file.dec for file in found]),
        file_index=np.repeat(np.arange(len(found)), sizes).astype(np.intp),
        key=_join_keys(found),
        measurements=measurements,
        time=_time_of_epoch(found, known_times),
        time_scale=found[0].times.scale,
        time_refposition=found[0].times.refposition,
        exposure=float(np.median(exposures)) if exposures else np.nan,
        files=tuple(
            SourceFile(file.name, file.sha256, len(file.ra), float(file.times.mjd))
            for file in found
        ),
        notes=tuple(dict.fromkeys(note for file in found for note in file.notes)),
        log_rows=epoch_files.log_rows,
    )


def _time_of_epoch(found: Sequence[FileDetections], file_times: NDArray[np.float64]) -> float:
    """Median of the rows' times where rows have times, else of the files' times."""
    rows = [file.times.columns[name] for file in found if (name := file.times.general)]
    good = np.concatenate([row[np.isfinite(row)] for row in rows]) if rows else file_times
    good = good if len(good) else file_times
    return float(np.median(good)) if len(good) else np.nan


def _join_keys(found: Sequence[FileDetections]) -> NDArray[np.str_] | None:
    keys = [file.key for file in found if file.key is not None]
    return np.concatenate(keys) if len(keys) == len(found) else None


def _refuse_contradictions(paths: Sequence[Path], found: Sequence[FileDetections]) -> None:
    seen: dict[str, FileDetections] = {}
    kinds: dict[str, tuple[str, str, str]] = {}
    for path, file in zip(paths, found, strict=True):
        if twin := seen.get(file.sha256):
            raise CatalogError(
                path,
                f"has the same contents as {twin.name} of the same epoch; remove one of them, or "
                f"leave it out with files.exclude",
            )
        seen[file.sha256] = file
        if file.times.scale != found[0].times.scale:
            raise CatalogError(
                path,
                f"times are {file.times.scale}, and {found[0].times.scale} in {found[0].name} of "
                f"the same epoch; set time.scale",
            )
        for key, measured in file.measurements.items():
            quantity, unit, first = kinds.setdefault(
                key, (measured.quantity, measured.unit, file.name)
            )
            if (measured.quantity, measured.unit) != (quantity, unit):
                raise CatalogError(
                    path,
                    f"measurement {key!r} is a {measured.quantity} in {measured.unit or 'no unit'}"
                    f", and a {quantity} in {unit or 'no unit'} in {first} of the same epoch; set "
                    f"quantity and unit in [[measurements]], or name the channels apart",
                )


def _join(
    key: str, found: Sequence[FileDetections], sizes: Sequence[int], *, apart: bool
) -> MeasurementColumns:
    """One measurement over all files: NOT_OBSERVED on the rows of files that lack it."""
    parts = [file.measurements.get(key) for file in found]
    there = [part for part in parts if part is not None]
    if len(there) == len(found) == 1:
        return there[0]
    not_a_number = [np.full(size, np.nan) for size in sizes]

    def joined(arrays: Iterable[NDArray[np.float64] | None]) -> NDArray[np.float64]:
        return np.concatenate(
            [blank if one is None else one for one, blank in zip(arrays, not_a_number, strict=True)]
        )

    absent = FLAG_DTYPE.type(MeasurementFlag.NOT_OBSERVED)
    time = None
    if apart or any(part.time is not None for part in there):
        time = joined(
            None
            if part is None
            else (part.time if part.time is not None else np.full(size, file.times.mjd))
            for part, file, size in zip(parts, found, sizes, strict=True)
        )
    catalog_flags = None
    if any(part.catalog_flags is not None for part in there):
        catalog_flags = np.concatenate(
            [
                np.zeros(size, np.int64)
                if part is None or part.catalog_flags is None
                else part.catalog_flags
                for part, size in zip(parts, sizes, strict=True)
            ]
        )
    extra_names = dict.fromkeys(name for part in there for name in part.extra)
    return MeasurementColumns(
        value=joined(None if part is None else part.value for part in parts),
        error=joined(None if part is None else part.error for part in parts),
        flags=np.concatenate(
            [
                np.full(size, absent) if part is None else part.flags
                for part, size in zip(parts, sizes, strict=True)
            ]
        ),
        quantity=there[0].quantity,
        unit=there[0].unit,
        catalog_flags=catalog_flags,
        time=time,
        extra={
            name: joined(part.extra.get(name) if part else None for part in parts)
            for name in extra_names
        },
        found_nothing=any(part.found_nothing for part in there),
    )
