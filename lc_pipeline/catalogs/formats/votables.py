"""VOTables: the table, its UCDs, its time systems, its parameters."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from astropy.io.votable import parse as parse_votable
from astropy.io.votable.exceptions import VOTableSpecError
from astropy.table import Table

from lc_pipeline.errors import CatalogError


def read_votable(path: Path, contents: bytes) -> Table:
    """Read the first table with rows of a VOTable.

    UCDs, and the origins of times, are kept as ``meta`` of the columns; parameters and the time
    system as keywords.

    Raises
    ------
    CatalogError
        If it is not a complete VOTable, or has no table.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # services bend the standard in harmless ways
        try:
            document = parse_votable(io.BytesIO(contents), verify="ignore")
        except (ValueError, VOTableSpecError, OSError, IndexError, TypeError) as error:
            reason = str(error).strip().split("\n")[0]
            raise CatalogError(
                path, f"not a complete VOTable ({reason}); fetch it again"
            ) from error
        trees = list(document.iter_tables())
        if not trees:
            raise CatalogError(path, "is a VOTable without a table; the service had no answer?")
        tree = next((tree for tree in trees if len(tree.array)), trees[0])
        table = tree.to_table(use_names_over_ids=True)
    for field in tree.fields:
        if field.ucd and field.name in table.colnames:
            table[field.name].meta["ucd"] = field.ucd
    systems = [system for one in document.resources for system in one.time_systems]
    for field in tree.fields:
        origin = next((s.timeorigin for s in systems if field.ref == s.ID), None)
        if origin is not None and field.name in table.colnames:
            table[field.name].meta["time_origin"] = float(origin)
    params = [*document.params, *(p for r in document.resources for p in r.params), *tree.params]
    if len(systems) == 1:
        table.meta["TIMESYS"] = systems[0].timescale
        table.meta["TREFPOS"] = systems[0].refposition
    table.meta |= {param.name: param.value for param in params if param.name}
    return table
