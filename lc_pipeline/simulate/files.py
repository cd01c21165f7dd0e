"""Files of a simulated survey: catalogues as an observer leaves them, and ``survey.toml``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from lc_pipeline.simulate.epochs import SimulatedEpoch
from lc_pipeline.simulate.objects import REFERENCE_YEAR
from lc_pipeline.simulate.observing import BAD_FLAGS, Catalogue, Observation
from lc_pipeline.simulate.settings import CatalogueFormat, Simulation

EPOCHS_FOLDER = "epochs"
OBJECTS_FILE = "truth.ecsv"
EPOCHS_FILE = "truth_epochs.ecsv"
MEASUREMENTS_FILE = "truth_measurements.parquet"
REFERENCE_FILE = "reference.ecsv"
SURVEY_FILE = "survey.toml"

_FIVE_SIGMA_NOISE = 0.2
_FWHM_PER_SIGMA = 2.3548
_ASTROPY_FORMATS: dict[CatalogueFormat, str] = {
    "fits": "fits",
    "ecsv": "ascii.ecsv",
    "parquet": "parquet",
}


def write_catalogues(folder: Path, settings: Simulation, observation: Observation) -> None:
    """Write the files of one epoch into `folder`."""
    for catalogue in observation.catalogues:
        name = observation.epoch.key
        if settings.layout == "files":
            name += f"_{settings.bands[catalogue.bands[0]]}"
        table = _table(settings, observation.epoch, catalogue)
        path = folder / f"{name}.{settings.format}"
        if settings.format == "csv":
            _write_csv(path, table)
        else:
            table.write(path, format=_ASTROPY_FORMATS[settings.format])


def _table(settings: Simulation, epoch: SimulatedEpoch, catalogue: Catalogue) -> Table:
    columns: dict[str, Any] = {"ra": catalogue.ra, "dec": catalogue.dec}
    units = {"ra": "deg", "dec": "deg"}
    for place, band in enumerate(catalogue.bands):
        ending = f"_{settings.bands[band]}" if settings.layout == "columns" else ""
        columns[f"mag{ending}"] = catalogue.value[place]
        columns[f"magerr{ending}"] = catalogue.error[place]
        columns[f"flags{ending}"] = catalogue.flags[place]
        units[f"mag{ending}"] = units[f"magerr{ending}"] = "mag"
    header: dict[str, Any] = {
        "OBJECT": "simulated field",
        "MJD-OBS": float(epoch.start[catalogue.bands[0]]),
        "EXPTIME": float(epoch.exposure),
        "TIMESYS": "UTC",
    }
    if settings.layout == "files":
        header["FILTER"] = settings.bands[catalogue.bands[0]]
    return Table(columns, units=units, meta=header, copy=False)


def _write_csv(path: Path, table: Table) -> None:
    """Keywords as comments, then the rows."""
    lines = [f"# {keyword} = {entry}" for keyword, entry in table.meta.items()]
    lines.append(",".join(table.colnames))
    # str of a NumPy scalar is the shortest text that reads back as the same number.
    texts = [np.asarray(table[name]).astype(str).tolist() for name in table.colnames]
    lines += map(",".join, zip(*texts, strict=True))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_reference(folder: Path, objects: Table) -> None:
    """Write the table of objects that the pipeline is given: places, motions, no brightness."""
    reference = objects["key", "ra", "dec", "pm_ra_cosdec", "pm_dec"]
    reference.meta = {"ref_epoch": REFERENCE_YEAR}
    reference.write(folder / REFERENCE_FILE, format="ascii.ecsv")


def survey_text(settings: Simulation) -> str:
    """Write ``survey.toml`` for a simulated survey.

    Examples
    --------
    >>> from lc_pipeline import SurveyConfig
    >>> survey = SurveyConfig.from_toml(survey_text(Simulation(bands=("g", "r"))))
    >>> [measurement.value for measurement in survey.measurements]
    ['mag_g', 'mag_r']
    """
    n_objects, n_epochs = settings.n_objects, settings.n_epochs
    in_columns = settings.layout == "columns"
    per_band = "" if in_columns else "_(?P<measurement>[^_]+)"
    flags = ('flags = "flags"', _bad_flags()) if not in_columns else ()
    measurements = settings.bands if in_columns else ("{measurement}",)
    lines = [
        f"# A simulated survey. {OBJECTS_FILE} and {EPOCHS_FILE} have what is true of it.",
        "# Every section is explained in docs/survey.md.",
        "",
        "[survey]",
        'name = "simulated"',
        f'description = "{n_objects} objects, {n_epochs} epochs, seed {settings.seed}"',
        _line('store = "store"', "beside this file"),
        "",
        "[files]",
        f'folder = "{EPOCHS_FOLDER}"',
        f"pattern = '(?P<epoch>\\d+){per_band}\\.{settings.format}'",
        "",
        "[columns]",
        'ra = "ra"',
        'dec = "dec"',
        *flags,
        "",
    ]
    for key in measurements:
        ending = f"_{key}" if in_columns else ""
        lines += [
            "[[measurements]]",
            f'key = "{key}"' if in_columns else _line(f'key = "{key}"', "from the file's name"),
            _line(f'value = "mag{ending}"', "99.0 is no magnitude: it lies out of range"),
            f'error = "magerr{ending}"',
            'unit = "mag"',
            *([f'flags = "flags{ending}"', _bad_flags()] if in_columns else []),
            "",
        ]
    lines += [
        "[time]",
        'from = "header"',
        'name = "MJD-OBS"',
        'format = "mjd"',
        'scale = "utc"',
        _line('at = "start"', "of the exposure; the store keeps its middle"),
        'exposure = "EXPTIME"',
        "",
        *_reference_lines(settings),
        "",
        *_matching_lines(settings),
    ]
    return "\n".join(lines) + "\n"


def _line(setting: str, comment: str) -> str:
    return f"{setting:<35} # {comment}"


def _bad_flags() -> str:
    return _line(f"bad_flags = {BAD_FLAGS}", "saturated or spoiled; a blend (2) is kept as good")


def _reference_lines(settings: Simulation) -> list[str]:
    if settings.reference == "epochs":
        seen = min(3, settings.n_epochs)
        return ["[reference]", _line(f"min_epochs = {seen}", "what is seen less is no object")]
    return [
        "[reference]",
        f'file = "{REFERENCE_FILE}"',
        'key = "key"',
        'ra = "ra"',
        'dec = "dec"',
        'pm_ra_cosdec = "pm_ra_cosdec"',
        'pm_dec = "pm_dec"',
        f"ref_epoch = {REFERENCE_YEAR}",
    ]


def _matching_lines(settings: Simulation) -> list[str]:
    lines = ["[matching]", 'mode = "position"', f"radius_arcsec = {match_radius(settings):g}"]
    if settings.astrometric_offset > 0:
        # Two epochs of a reference that is built can be shifted in opposite directions.
        apart = 2 if settings.reference == "epochs" else 1
        largest = math.ceil(11 * apart * settings.astrometric_offset) / 10
        lines += [
            _line("astrometric_offset = true", "whole epochs are shifted"),
            f"max_offset_arcsec = {largest:g}",
        ]
    if settings.dither_arcmin > 0:
        return [*lines, _line('footprint = "hull"', "the pointing varies")]
    return [*lines, _line('footprint = "field"', "every epoch sees every object")]


def match_radius(settings: Simulation) -> float:
    """Five times the scatter of the faintest detections, arcsec, at least 0.5.

    Examples
    --------
    >>> match_radius(Simulation(seeing=1.2, astrometric_noise=0.03))
    0.6
    """
    photon = settings.seeing / _FWHM_PER_SIGMA * _FIVE_SIGMA_NOISE
    scatter = math.hypot(settings.astrometric_noise, photon)
    return max(0.5, math.ceil(50 * scatter - 0.01) / 10)
