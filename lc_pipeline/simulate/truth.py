"""The truth of a simulated survey, as tables beside it."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table

from lc_pipeline.simulate.files import EPOCHS_FILE, MEASUREMENTS_FILE, OBJECTS_FILE
from lc_pipeline.simulate.objects import PIVOT_COLOUR, REFERENCE_YEAR, SimulatedObjects
from lc_pipeline.simulate.observing import Fate, Observation, SimulatedSky
from lc_pipeline.simulate.settings import Simulation, SimulationError

#: Fewer objects than this may not show the shift of an epoch.
_FEW = 10


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of a simulated survey.

    Attributes
    ----------
    folder : Path
        Of the survey.
    settings : Simulation
    objects : Table
        One row per object: ``key``, ``ra``, ``dec`` (ICRS at ``ref_epoch``), ``pm_ra_cosdec``,
        ``pm_dec``, ``kind``, ``period``, ``t0``, ``rise``, ``fall``, ``colour``, ``mag_BAND``,
        ``amplitude_BAND`` and ``blend_partner``, as described at
        :class:`~lc_pipeline.simulate.objects.SimulatedObjects`. What an object does not have is NaN
        or empty.
    epochs : Table
        One row per epoch: ``epoch``, ``exposure``, ``seeing``, ``cloud``, ``offset_east`` and
        ``offset_north`` (catalogue minus truth), ``dither_east``, ``dither_north``; of each band
        ``mjd_BAND`` (mid-exposure, UTC), ``zero_point_BAND`` (observed minus true magnitude),
        ``colour_term_BAND``, ``limit_BAND``, ``n_BAND`` (values written), and ``n_rows`` and
        ``n_spurious`` of all files.
    """

    folder: Path
    settings: Simulation
    objects: Table
    epochs: Table

    @classmethod
    def read(cls, folder: str | Path) -> Truth:
        """Read the truth of the survey in `folder`.

        Raises
        ------
        SimulationError
            If there is none.
        """
        folder = Path(folder)
        if not (folder / OBJECTS_FILE).is_file():
            raise SimulationError(f"{folder}: there is no {OBJECTS_FILE}: not a simulated survey?")
        objects = Table.read(folder / OBJECTS_FILE)
        settings: dict[str, Any] = {
            name: tuple(setting) if isinstance(setting, list) else setting
            for name, setting in objects.meta["simulation"].items()
        }
        epochs = Table.read(folder / EPOCHS_FILE)
        return cls(folder, Simulation(**settings), objects, epochs)

    def summary(self) -> list[str]:
        """Say in a few lines what was made, and what to type next."""
        settings, folder = self.settings, self.folder
        kinds = Counter(self.objects["kind"].tolist())
        numbers = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
        n_pairs = int(np.count_nonzero(self.objects["blend_partner"] != "")) // 2
        files = "one file per epoch" if settings.layout == "columns" else "a file per band"
        tables = [folder / name for name in (OBJECTS_FILE, EPOCHS_FILE, MEASUREMENTS_FILE)]
        bands = ", ".join(settings.bands)
        n_rows, n_spurious = (int(self.epochs[name].sum()) for name in ("n_rows", "n_spurious"))
        size = f"{settings.n_objects:,} objects, {settings.n_epochs:,} epochs in {bands}"
        lines = [
            f"{folder}: {size} ({settings.format}, {files})",
            f"  {numbers}; {n_pairs:,} close pairs",
            f"  {n_rows:,} detections, {n_spurious:,} of them spurious",
            f"What is true: {', '.join(str(path) for path in tables if path.is_file())}",
            f"Next: lc-pipeline run {shlex.quote(str(folder))}",
        ]
        if settings.reference == "epochs":
            lines.append(f"      lc-pipeline objects {folder}")
        elif (star := self._showpiece()) is not None:
            lines.append(
                f"      lc-pipeline lightcurve {folder} {star['key']} -o star.png"
                f"   # {star['kind']}, period {star['period']:.5g} d"
            )
        if settings.astrometric_offset > 0 and settings.n_objects < _FEW:
            lines.append(
                "Note: so few objects do not show by how much an epoch is shifted, and may stay "
                "unmatched; --set astrometric_offset=0 makes no shifts"
            )
        return lines

    def _showpiece(self) -> Any | None:
        """A periodic star that is bright, changes much, and is not saturated."""
        band = self.settings.bands[0]
        mean, amplitude = np.asarray(self.objects[f"mag_{band}"]), self.objects[f"amplitude_{band}"]
        worth = mean - 2 * np.asarray(amplitude)
        worth[~np.isfinite(self.objects["period"])] = np.nan
        worth[mean - amplitude < self.settings.saturation] = np.nan
        return self.objects[int(np.nanargmin(worth))] if np.isfinite(worth).any() else None

    def measurements(self) -> Table:
        """Read the truth of every value, if it was written.

        Returns
        -------
        Table
            One row per epoch, band and object: ``object``, ``epoch``, ``band``, ``fate`` (name of a
            :class:`~lc_pipeline.simulate.observing.Fate`), ``mag`` (true, without noise, zero point
            and partner), ``value`` and ``error`` (as written; NaN where there is no row) and
            ``true_error``.
        """
        path = self.folder / MEASUREMENTS_FILE
        if not path.is_file():
            raise SimulationError(f"{path} is not there: simulate with measurements=True")
        table = Table()
        for name, column in zip(MEASUREMENT_SCHEMA.names, pq.read_table(path).columns, strict=True):
            if pa.types.is_dictionary(column.type):
                whole = column.unify_dictionaries().combine_chunks()
                words = np.array(whole.dictionary.to_pylist())
                table[name] = words[whole.indices.to_numpy()]
            else:
                table[name] = column.to_numpy()
        return table


def object_table(settings: Simulation, objects: SimulatedObjects) -> Table:
    """The objects with units, one per row, and the settings in the header."""
    partner = np.where(objects.partner >= 0, objects.key[objects.partner], "")
    table = Table(
        {
            "key": objects.key,
            "ra": objects.ra * u.deg,
            "dec": objects.dec * u.deg,
            "pm_ra_cosdec": objects.pm_ra_cosdec * u.mas / u.yr,
            "pm_dec": objects.pm_dec * u.mas / u.yr,
            "kind": objects.kind,
            "period": objects.period * u.d,
            "t0": objects.t0 * u.d,
            "rise": objects.rise * u.d,
            "fall": objects.fall * u.d,
            "colour": objects.colour * u.mag,
        }
    )
    for number, band in enumerate(settings.bands):
        table[f"mag_{band}"] = objects.magnitude[number] * u.mag
        table[f"amplitude_{band}"] = objects.amplitude[number] * u.mag
    table["blend_partner"] = partner
    table.meta = {
        "ref_epoch": REFERENCE_YEAR,
        "pivot_colour": PIVOT_COLOUR,
        "simulation": _plain(asdict(settings)),
    }
    return table


def epoch_row(settings: Simulation, observation: Observation) -> dict[str, Any]:
    """One row of the table of epochs."""
    epoch = observation.epoch
    row: dict[str, Any] = {
        "epoch": epoch.key,
        "exposure": epoch.exposure,
        "seeing": epoch.seeing,
        "cloud": epoch.cloud,
        "offset_east": epoch.east,
        "offset_north": epoch.north,
        "dither_east": float(epoch.dither[0]),
        "dither_north": float(epoch.dither[1]),
    }
    written = np.isfinite(observation.value) & (observation.fate != Fate.SENTINEL)
    for number, band in enumerate(settings.bands):
        taken = bool(epoch.taken[number])
        row[f"mjd_{band}"] = float(epoch.mid[number]) if taken else np.nan
        row[f"zero_point_{band}"] = float(epoch.zero_point[number])
        row[f"colour_term_{band}"] = float(epoch.colour_term[number])
        row[f"limit_{band}"] = float(epoch.limit[number])
        row[f"n_{band}"] = int(np.count_nonzero(written[number]))
    row["n_rows"] = observation.n_rows
    row["n_spurious"] = observation.n_spurious
    return row


def epoch_table(rows: list[dict[str, Any]]) -> Table:
    """The epochs with units, one per row."""
    table = Table(rows=rows)
    for name in table.colnames:
        if unit := _EPOCH_UNITS.get(name) or _EPOCH_UNITS.get(name.rsplit("_", 1)[0]):
            table[name].unit = unit
    table.meta = {"time_scale": "utc", "time": "mid-exposure"}
    return table


_EPOCH_UNITS = {"exposure": u.s, "seeing": u.arcsec, "cloud": u.mag, "mjd": u.d} | {
    "offset": u.arcsec, "dither": u.arcsec, "zero_point": u.mag, "limit": u.mag
}  # fmt: skip

_TEXT = pa.dictionary(pa.int32(), pa.string())
MEASUREMENT_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("object", "epoch", "band", "fate")),
        ("mag", pa.float64()),
        *((name, pa.float32()) for name in ("value", "error", "true_error")),
    ]
)


def measurement_rows(sky: SimulatedSky, observation: Observation) -> pa.Table:
    """The truth of every value of one epoch, band after band."""
    bands, keys = sky.settings.bands, sky.objects.key
    n, n_bands = len(keys), len(bands)

    def words(numbers: Any, texts: Any) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(
            pa.array(np.asarray(numbers, dtype=np.int32)), pa.array(texts, pa.string())
        )

    columns = [
        words(np.tile(np.arange(n), n_bands), keys.tolist()),
        words(np.zeros(n * n_bands), [observation.epoch.key]),
        words(np.repeat(np.arange(n_bands), n), list(bands)),
        words(observation.fate.ravel(), [fate.name.lower() for fate in Fate]),
        pa.array(observation.magnitude.ravel()),
        pa.array(observation.value.ravel()),
        pa.array(observation.error.ravel()),
        pa.array(observation.true_error.ravel()),
    ]
    return pa.Table.from_arrays(columns, schema=MEASUREMENT_SCHEMA)


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Lists for tuples: what a header can hold."""
    return {
        name: list(setting) if isinstance(setting, tuple) else setting
        for name, setting in settings.items()
    }
