"""ECSV, by the fast reader or the patient one; what was cut off is refused by both."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import pyarrow as pa
from astropy.table import Table

from lc_pipeline.catalogs.formats.text_cells import cells_of, decode, first_line, refuse_ragged
from lc_pipeline.errors import CatalogError

_UNKNOWN_YAML_TAG = re.compile(rb"(?<=\s)!(?!astropy\b|numpy\b|!)[A-Za-z_][\w.]*")


def read_ecsv(path: Path, contents: bytes) -> Table:
    """Read ECSV; objects of unknown classes in its metadata are ignored, the data are not.

    Raises
    ------
    CatalogError
        If the header cannot be understood or a row has another number of cells.
    """
    try:
        table = _astropy_ecsv(path, contents)
    except ValueError as error:
        if "yaml" not in str(error):
            raise CatalogError(path, f"not valid ECSV: {first_line(error)}") from error
        lines = contents.split(b"\n")
        known = [
            _UNKNOWN_YAML_TAG.sub(b"", line) if line.startswith(b"#") else line for line in lines
        ]
        try:
            table = _astropy_ecsv(path, b"\n".join(known))
        except ValueError as again:
            raise CatalogError(
                path, f"the YAML header of this ECSV file cannot be read: {first_line(again)}"
            ) from again
    return table


def _astropy_ecsv(path: Path, contents: bytes) -> Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unknown units stay as text
        fast = _fast_ecsv(path, contents)
        return _plain_ecsv(path, contents) if fast is None else fast


def _fast_ecsv(path: Path, contents: bytes) -> Table | None:
    """Read with pyarrow; None of an astropy without it, or of columns that it cannot read."""
    try:
        return Table.read(io.BytesIO(contents), format="ecsv", engine="pyarrow")
    except pa.ArrowInvalid as error:
        if "Expected" in str(error) and "columns" in str(error):
            raise CatalogError(
                path,
                f"a row has the wrong number of cells ({first_line(error)}): the file was "
                f"cut off or damaged; fetch it again",
            ) from error
        return None
    except (TypeError, NotImplementedError, KeyError):
        return None


def _plain_ecsv(path: Path, contents: bytes) -> Table:
    """Read with astropy's own reader; it pads short rows, so a file that was cut off is refused."""
    lines = decode(contents).split("\n")
    numbered = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("#")
    ]
    delimiter = "," if "delimiter: ','" in "\n".join(lines[:5]) else " "
    if numbered:
        refuse_ragged(path, numbered, delimiter, len(cells_of(numbered[0][1], delimiter)))
    return Table.read("\n".join(lines), format="ascii.ecsv")
