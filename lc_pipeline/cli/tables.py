"""Objects and light curves as tables, files and plots."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
from astropy.table import Table
from astropy.timeseries import TimeSeries

from lc_pipeline.analysis.comparison import choose_comparison
from lc_pipeline.analysis.summary import object_summary
from lc_pipeline.cli.common import fail, out, print_json
from lc_pipeline.sky.geometry import separation_arcsec
from lc_pipeline.storage import LightcurveStorage


def list_objects(storage: LightcurveStorage, *, as_json: bool) -> None:
    """Print every object: position, number of good values, median and scatter of each."""
    sheet = object_summary(storage.dataset)
    for name in sheet.colnames:
        if name.startswith(("median_", "scatter_")):
            sheet[name].format = ".4f"
    _print(sheet, as_json=as_json)


def list_positions(
    storage: LightcurveStorage,
    keys: list[str],
    center: tuple[float, float] | None = None,
    *,
    as_json: bool,
) -> None:
    """Print objects with their positions, and their distances from `center` if there is one."""
    reference = storage.reference
    chosen = np.flatnonzero(np.isin(reference.key, keys))
    sheet = Table({name: getattr(reference, name)[chosen] for name in ("key", "ra", "dec")})
    sheet.rename_column("key", "object")
    if center:
        sheet["separation_arcsec"] = separation_arcsec(sheet["ra"], sheet["dec"], *center)
        sheet["separation_arcsec"].format = ".3f"
        sheet.sort("separation_arcsec")
    _print(sheet, as_json=as_json)


def _print(sheet: Table, *, as_json: bool) -> None:
    sheet["ra"].format = sheet["dec"].format = ".6f"
    if as_json:
        print_json([{name: json_number(row[name]) for name in sheet.colnames} for row in sheet])
    elif len(sheet):
        click.echo("\n".join(sheet.pformat(max_lines=-1, max_width=-1)))
    else:
        out.print("No objects there.")


def plot_lightcurve(
    storage: LightcurveStorage,
    rows: TimeSeries,
    compare: str | None,
    output: Path,
    *,
    calibrated: bool = False,
) -> None:
    """Draw a light curve; `compare` is another object's key, or ``auto``."""
    from lc_pipeline.analysis.plots import save_lightcurve

    comparison = None
    if compare == "auto":
        keys = storage.reference.key
        target = int(np.flatnonzero(keys == rows.meta["object"])[0])
        near = slice(max(0, target - 100), target + 101)
        magnitudes = storage.lightcurves.isel(object=near, measurement=0, value=0).values
        number = choose_comparison(magnitudes, target - near.start)
        if number is None:
            fail(f"no star of similar brightness near {rows.meta['object']} to compare it with")
        comparison = storage.to_timeseries(str(keys[near][number]), calibrated=calibrated)
    elif compare:
        comparison = storage.to_timeseries(compare, calibrated=calibrated)
    save_lightcurve(output, rows, comparison)


def plot_fold(rows: TimeSeries, period: float, output: Path) -> None:
    """Draw a light curve over phase."""
    from lc_pipeline.analysis.plots import plot_folded

    plot_folded(rows, period).savefig(output, dpi=120, format="png")


def write_table(rows: TimeSeries, form: str, output: Path | None) -> None:
    """Write a light curve as ``ecsv``, ``parquet``, ``csv`` or ``json``; by default print it."""
    if form == "ecsv":
        rows.write(output or sys.stdout, format="ascii.ecsv", overwrite=True)
    elif form == "parquet":
        rows.write(output, format="parquet", overwrite=True)
    elif form == "csv":
        flat = _flat(rows)
        flat.write(output or sys.stdout, format="ascii.csv", overwrite=True)
    else:
        flat = _flat(rows)
        document = {
            "meta": {key: value for key, value in rows.meta.items() if key != "flag_meanings"},
            "time_format": "mjd",
            "time_scale": rows["time"].scale,
            "rows": [{name: json_number(row[name]) for name in flat.colnames} for row in flat],
        }
        text = json.dumps(document, indent=1, allow_nan=False)
        if output:
            output.write_text(text + "\n", encoding="utf-8")
        else:
            click.echo(text)


def _flat(rows: TimeSeries) -> Table:
    """Plain columns: the time as MJD, numbers without units, missing values masked."""
    flat = Table()
    flat[f"mjd_{rows['time'].scale}"] = rows["time"].mjd
    for name in rows.colnames[1:]:
        column = rows[name]
        values = getattr(column, "value", column)
        mask = getattr(column, "mask", None)
        flat[name] = np.ma.MaskedArray(
            np.asarray(getattr(values, "unmasked", values)), False if mask is None else mask
        )
    return flat


def json_number(value: Any) -> Any:
    """A plain Python value; None for a missing one."""
    if np.ma.is_masked(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not np.isfinite(value) else value
