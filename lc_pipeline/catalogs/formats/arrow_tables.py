"""Arrow tables as astropy ones, and the Parquet files that they are read from."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column, MaskedColumn, Table

from lc_pipeline.errors import CatalogError


def read_parquet(path: Path, contents: bytes) -> Table:
    """Read a Parquet file: units and mixin columns if astropy wrote it, else units of the fields.

    Raises
    ------
    CatalogError
        If the file is cut off or damaged.
    """
    try:
        arrow = pq.read_table(pa.BufferReader(contents))
    except (pa.ArrowInvalid, OSError) as error:
        raise CatalogError(
            path, f"the Parquet file is cut off or damaged ({error}); fetch it again"
        ) from error
    metadata = arrow.schema.metadata or {}
    if b"table_meta_yaml" in metadata:  # written by astropy, with units and mixin columns
        if any(pa.types.is_dictionary(kind) for kind in arrow.schema.types):
            contents = _without_dictionaries(arrow)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Table.read(io.BytesIO(contents), format="parquet")
    kept = [name for name in arrow.column_names if not name.startswith("__index_level_")]
    table = table_from_arrow(arrow.select(kept))
    for name in kept:
        details = arrow.schema.field(name).metadata or {}
        if unit := details.get(b"unit") or details.get(b"units"):
            table[name].unit = unit.decode()
    return table


def _without_dictionaries(arrow: pa.Table) -> bytes:
    """Write a table as Parquet again with plain columns, which is all that astropy reads."""
    plain = pa.schema(
        [
            pa.field(field.name, field.type.value_type)
            if pa.types.is_dictionary(field.type)
            else field
            for field in arrow.schema
        ],
        metadata=arrow.schema.metadata,
    )
    stream = pa.BufferOutputStream()
    pq.write_table(arrow.cast(plain), stream)
    return bytes(stream.getvalue())


def table_from_arrow(arrow: pa.Table) -> Table:
    """Turn an Arrow table into an astropy one: nulls are NaN in floats and masked elsewhere."""
    return Table(
        {name: _column_from_arrow(arrow.column(name)) for name in arrow.column_names}, copy=False
    )


def _column_from_arrow(column: pa.ChunkedArray) -> Column:
    kind = column.type
    if pa.types.is_null(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif pa.types.is_temporal(kind):
        column = column.cast(pa.string())
    elif pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    kind = column.type
    if pa.types.is_floating(kind):
        return Column(np.asarray(column.to_numpy()))
    if pa.types.is_fixed_size_list(kind):
        flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return Column(flat.reshape(len(column), kind.list_size))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        mask = column.is_null().to_numpy() if column.null_count else False
        values = column.fill_null(0 if pa.types.is_integer(kind) else False).to_numpy()
        return MaskedColumn(values, mask=mask) if column.null_count else Column(values)
    return _column_of_cells(column.to_pylist())


def _column_of_cells(cells: list[Any]) -> Column:
    """Make a vector column of lists of one length; take anything else as text."""
    lengths = {len(cell) if isinstance(cell, list) else -1 for cell in cells}
    if len(lengths) == 1 and lengths != {-1}:
        return Column(np.array(cells))
    mask = [cell is None for cell in cells]
    texts = np.array(["" if cell is None else str(cell) for cell in cells], dtype=str)
    return MaskedColumn(texts, mask=mask) if any(mask) else Column(texts)
