"""Tables on disk: Parquet that pandas, astropy and DuckDB read alike, units and words included."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table

from lc_pipeline.errors import LightcurveError


def write_table(table: Table, path: str | Path) -> Path:
    """Write a table as Parquet in one step: readers see the old one or the new one.

    Each column's unit and description stand in its field's metadata (``unit``, ``description``)
    and in the place where astropy looks for them; `table.meta` is kept for astropy. NaN stays NaN,
    masked values become nulls.

    Parameters
    ----------
    table : Table
    path : str or Path
        Its folder is made if need be.

    Returns
    -------
    Path
        `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        table.write(partial, format="parquet", overwrite=True)
        written = pq.read_table(partial)
        fields = [
            field.with_metadata(
                {
                    key: str(value)
                    for key in ("unit", "description")
                    if (value := getattr(table[field.name], key, None))
                }
            )
            for field in written.schema
        ]
        schema = pa.schema(fields, metadata=written.schema.metadata)
        pq.write_table(written.cast(schema), partial, compression="zstd")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def read_table(path: str | Path) -> Table:
    """Read a table that :func:`write_table` wrote.

    Raises
    ------
    LightcurveError
        If it is not there, or no Parquet file.
    """
    try:
        return Table.read(path, format="parquet")
    except FileNotFoundError:
        raise LightcurveError(f"{path}: there is no such table yet") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise LightcurveError(f"{path}: cannot be read as Parquet: {error}") from error
