"""Tables on disk: Parquet that pandas, astropy and DuckDB read alike, units and words included."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TypeVar

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table

from lc_pipeline.errors import LightcurveError, TableNotFoundError

#: Key of a table's ``meta``: digest of all that it was made from.
MADE_FROM = "made_from"

Place = TypeVar("Place", str, Path)


def write_table(table: Table, path: Place) -> Place:
    """Write a table as Parquet in one step: readers see the old one or the new one.

    Each column's unit and description stand in its field's metadata (``unit``, ``description``)
    and in the place where astropy looks for them; `table.meta` is kept for astropy. NaN stays NaN,
    masked values become nulls.

    Parameters
    ----------
    table : Table
    path : str or Path
        Its folder is made if need be. Or a URL that fsspec knows.

    Returns
    -------
    str or Path
        `path`.
    """
    if "://" not in str(path):
        _write_local(table, Path(path))
        return path
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder, "table.parquet")
        _write_local(table, local)
        # An object is there as a whole, or not at all.
        with fsspec.open(str(path), "wb") as stream:
            stream.write(local.read_bytes())
    return path


def _write_local(table: Table, path: Path) -> None:
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


def read_table(path: str | Path) -> Table:
    """Read a table that :func:`write_table` wrote.

    Raises
    ------
    TableNotFoundError
        If it is not there.
    LightcurveError
        If it is no Parquet file.
    """
    try:
        if "://" not in str(path):
            return Table.read(path, format="parquet")
        with fsspec.open(str(path), "rb") as stream, tempfile.NamedTemporaryFile() as local:
            local.write(stream.read())
            local.flush()
            return Table.read(local.name, format="parquet")
    except FileNotFoundError:
        raise TableNotFoundError(f"{path}: there is no such table yet") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise LightcurveError(f"{path}: cannot be read as Parquet: {error}") from error
