"""Catalogue files, whatever their format, as astropy tables.

A file is read into memory once: what is parsed are the bytes whose checksum is recorded, and no
file stays open or mapped. The format is told by what the file begins with, since names of
catalogues end in anything.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import re
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.io.votable import parse as parse_votable
from astropy.io.votable.exceptions import VOTableSpecError
from astropy.table import Column, MaskedColumn, Table
from astropy.table.meta import YamlParseError
from astropy.time import Time
from astropy.utils.masked import Masked

from lc_pipeline.catalogs.fits_tables import read_fits
from lc_pipeline.catalogs.missing import texts_of
from lc_pipeline.catalogs.names import standard_unit
from lc_pipeline.catalogs.text_tables import (
    decode,
    is_sextractor_header,
    read_ecsv,
    read_text,
    table_from_arrow,
)
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import CatalogFormat, FilesSection

READABLE = "ECSV, FITS, FITS_LDAC, VOTable, CSV, Parquet, SExtractor ASCII, IPAC and plain text"

_NOT_READABLE = {b"\x89HDF": "HDF5", b"PK\x03\x04": "a ZIP file or a spreadsheet"}

#: First bytes, name and reader of the kinds of compression.
_COMPRESSIONS: tuple[tuple[bytes, str, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", "gzip", gzip.decompress),
    (b"BZh", "bzip2", bz2.decompress),
    (b"\xfd7zXZ\0", "xz", lzma.decompress),
)

#: What the libraries' parsers raise where a damaged file leads them astray. The readers below
#: explain the damage that is common; no damage must stop the files beside it.
_RAISED_BY_DAMAGE = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError),
    *(OSError, EOFError, RuntimeError, MemoryError),
    *(fits.VerifyError, pa.ArrowException, YamlParseError),
)

_ANY_FILE = FilesSection(pattern="(?P<epoch>.+)")


@dataclass(frozen=True)
class CatalogFile:
    """One file as it was read: its table, and what identifies it."""

    path: Path
    table: Table
    sha256: str
    format: str
    notes: tuple[str, ...]


def read_table(
    path: str | Path, files: FilesSection | None = None, texts: Sequence[str] = ()
) -> Table:
    r"""Read a catalogue file as a plain table.

    Parameters
    ----------
    path : str or Path
    files : FilesSection, optional
        Its ``format``, ``hdu``, ``delimiter`` and ``column_names`` are used; by default all is
        recognised.
    texts : sequence of str, optional
        Columns that a text file's cells are kept of as they are written: names of objects, where
        ``0012`` is not ``12``. Case and signs do not matter.

    Returns
    -------
    Table
        Scalar columns only: column k of a vector column ``MAG_APER`` is ``MAG_APER_k`` (0: no k),
        a ``SkyCoord`` ``c`` becomes ``c.ra`` and ``c.dec`` in ICRS degrees, a ``Time`` becomes
        its MJD, with the scale in the column's ``meta["time_scale"]``. ``meta`` holds the
        header's keywords in capitals.

    Raises
    ------
    CatalogError
        If the file is empty, cut off, damaged, or of a format that is not read here.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "night1.cat")
    ...     _ = path.write_text("# FILTER = R\nra,dec,mag\n10.5,-3.25,17.25\n")
    ...     table = read_table(path)
    >>> table.colnames, table.meta["FILTER"]
    (['ra', 'dec', 'mag'], 'R')
    """
    return read_catalog_file(path, files, texts).table


def read_catalog_file(
    path: str | Path, files: FilesSection | None = None, texts: Sequence[str] = ()
) -> CatalogFile:
    """Read a catalogue file with its checksum and format; see :func:`read_table`."""
    path = Path(path)
    files = files or _ANY_FILE
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise CatalogError(path, f"cannot be read: {error.strerror or error}") from error
    sha256 = hashlib.sha256(contents).hexdigest()
    for magic, name, decompress in _COMPRESSIONS:
        if contents.startswith(magic):
            try:
                contents = decompress(contents)
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise CatalogError(
                    path, f"the {name} file is cut off or damaged ({error}); fetch it again"
                ) from error
            break
    if not contents.strip():
        raise CatalogError(
            path,
            f"is empty ({len(contents)} bytes); fetch it again, or leave it out with files.exclude",
        )
    kind = detect_format(path, contents) if files.format == "auto" else files.format
    try:
        if kind in _TEXT_READERS:
            table = _TEXT_READERS[kind](path, contents, files, texts)
        else:
            table = _READERS[kind](path, contents, files)
        notes = tuple(table.meta.pop("_notes", ()))
        table = _plain(path, table)
    except CatalogError:
        raise
    except _RAISED_BY_DAMAGE as error:
        reason = " ".join(str(error).split())[:200]
        raise CatalogError(
            path,
            f"cannot be read as {kind} ({type(error).__name__}: {reason}): it is damaged, or not "
            f"of that format; fetch it again, or leave it out with files.exclude",
        ) from error
    return CatalogFile(path, table, sha256, kind, notes)


def detect_format(path: Path, contents: bytes) -> CatalogFormat:
    """Tell the format of a file by its first bytes; names of catalogues end in anything.

    Examples
    --------
    >>> detect_format(Path("night1.cat"), b"# %ECSV 1.0")
    'ecsv'
    >>> detect_format(Path("night1.psx"), b"10.5,-3.25,17.25")
    'ascii'

    Raises
    ------
    CatalogError
        If the file is binary and not of a kind that is read here.
    """
    if contents.startswith(b"SIMPLE  ="):
        return "fits"
    if contents.startswith(b"PAR1"):
        return "parquet"
    start = contents[:4096]
    for magic, name in _NOT_READABLE.items():
        if contents.startswith(magic):
            raise CatalogError(path, f"is {name}; write it as one of {READABLE}")
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CatalogError(path, f"is binary of an unknown kind; what can be read: {READABLE}")
    if b"\0" in start:
        raise CatalogError(path, "is text in UTF-16; write it as UTF-8")
    return _text_format(path, decode(start).lstrip())


def _text_format(path: Path, text: str) -> CatalogFormat:
    if text.startswith("# %ECSV"):
        return "ecsv"
    if text.startswith(("<?xml", "<VOTABLE", "<!--")) and "VOTABLE" in text:
        return "votable"
    if text.startswith("<"):
        raise CatalogError(path, f"is XML or HTML, and no VOTable; what can be read: {READABLE}")
    if re.match(r"[\[{]\s*(?:[\[{\"]|$)", text):
        raise CatalogError(path, f"is JSON; write it as one of {READABLE}")
    return "sextractor" if is_sextractor_header(text) else "ascii"


def _read_ascii(path: Path, contents: bytes, files: FilesSection, texts: Sequence[str]) -> Table:
    start = decode(contents[:4096]).lstrip()
    for known, is_known in (
        ("ascii.ipac", start.startswith(("\\", "|"))),
        ("ascii.mrt", "Byte-by-byte Description of file" in start),
        ("ascii.daophot", re.match(r"#[KN] ", start) and re.search(r"(?m)^#F ", start)),
    ):
        if is_known and not files.column_names:
            try:
                # An empty line at the end would be a row of nothing.
                table = Table.read(decode(contents).rstrip().split("\n"), format=known)
            except (ValueError, KeyError, IndexError) as error:
                raise CatalogError(path, f"cannot be read as {known}: {error}") from error
            keywords = table.meta.pop("keywords", {})
            table.meta |= {key: entry.get("value") for key, entry in keywords.items()}
            return table
    return read_text(path, contents, files, texts, sextractor=False)


def _read_sextractor(
    path: Path, contents: bytes, files: FilesSection, texts: Sequence[str]
) -> Table:
    return read_text(path, contents, files, texts, sextractor=True)


def _read_ecsv(path: Path, contents: bytes, _: FilesSection) -> Table:
    return read_ecsv(path, contents)


def _read_votable(path: Path, contents: bytes, _: FilesSection) -> Table:
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


def _read_parquet(path: Path, contents: bytes, _: FilesSection) -> Table:
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


_READERS: dict[str, Callable[[Path, bytes, FilesSection], Table]] = {
    "fits": read_fits,
    "fits_ldac": read_fits,
    "ecsv": _read_ecsv,
    "votable": _read_votable,
    "parquet": _read_parquet,
}

_TEXT_READERS: dict[str, Callable[[Path, bytes, FilesSection, Sequence[str]], Table]] = {
    "sextractor": _read_sextractor,
    "csv": _read_ascii,
    "ascii": _read_ascii,
}


def _plain(path: Path, table: Table) -> Table:
    """Scalar columns only, keywords in capitals."""
    columns: dict[str, Column] = {}
    for name in table.colnames:
        for plain_name, column in _plain_columns(name, table[name]).items():
            if plain_name in columns:
                raise CatalogError(path, f"two columns have the same name, {plain_name!r}")
            columns[plain_name] = column
    columns |= _joined_angles(columns)
    meta: dict[str, Any] = {}
    for key, entry in table.meta.items():
        nested = entry if isinstance(entry, dict) else {key: entry}
        for name, content in nested.items():
            if isinstance(content, str | int | float | bool | np.generic):
                meta.setdefault(str(name).upper(), content)
    return Table(columns, meta=meta, copy=False)


def _joined_angles(columns: dict[str, Column]) -> dict[str, Column]:
    """Join what tables of the CDS have in several columns: ``RAh``, ``RAm``, ``RAs``, ``DE-``."""
    joined: dict[str, Column] = {}
    for name, parts in (
        ("RAhms", ("RAh", "RAm", "RAs")),
        ("DEdms", ("DE-", "DEd", "DEm", "DEs")),
    ):
        if name not in columns and all(part in columns for part in parts):
            cells = [texts_of(columns[part]) for part in parts]
            signs = cells.pop(0) if parts[0] == "DE-" else [""] * len(cells[0])
            joined[name] = Column(
                [
                    sign + ":".join(numbers) if all(numbers) else ""
                    for sign, *numbers in zip(signs, *cells, strict=True)
                ],
                dtype=str,
            )
    return joined


def _plain_columns(name: str, column: Any) -> dict[str, Column]:
    if isinstance(column, SkyCoord):
        icrs = column.icrs
        return {
            f"{name}.ra": Column(np.asarray(icrs.ra.deg), unit="deg"),
            f"{name}.dec": Column(np.asarray(icrs.dec.deg), unit="deg"),
        }
    if isinstance(column, Time):
        mjd = np.ma.filled(np.ma.asarray(_unmasked(column.mjd)), np.nan)
        meta = {"time_scale": column.scale}
        return {name: Column(np.asarray(mjd, dtype=float), unit="d", meta=meta)}
    if not hasattr(column, "dtype"):
        return {}  # a mixin that is neither a number nor a text
    unit = standard_unit(str(column.unit)) if getattr(column, "unit", None) is not None else None
    description = column.info.description
    meta = dict(column.info.meta or {})
    values: Any = _unmasked(getattr(column, "value", column))
    if values.dtype.kind == "S":
        values = np.ma.asarray([cell.decode("latin-1") for cell in np.ravel(values)]).reshape(
            values.shape
        ) if values.size else values.astype(str)  # fmt: skip
    if values.dtype.kind == "O":
        mask = np.ma.getmaskarray(values)
        texts = ["" if cell is None else str(cell) for cell in np.ravel(np.ma.getdata(values))]
        values = np.ma.array(np.array(texts, dtype=str).reshape(values.shape), mask=mask)
    n_elements = int(np.prod(values.shape[1:])) if values.ndim > 1 else 1
    flat = values.reshape(len(values), n_elements)
    masked = np.ma.getmaskarray(flat)
    plain = {}
    for k in range(n_elements):
        element, hidden = np.ma.getdata(flat)[:, k], masked[:, k]
        plain[name if k == 0 else f"{name}_{k}"] = (
            MaskedColumn(element, mask=hidden, unit=unit, meta=meta, description=description)
            if hidden.any()
            else Column(element, unit=unit, meta=meta, description=description)
        )
    return plain


def _unmasked(values: Any) -> np.ma.MaskedArray[Any, Any]:
    """Turn astropy's and numpy's masked arrays into numpy's."""
    if isinstance(values, Masked):
        return np.ma.array(values.unmasked, mask=values.mask)
    return np.ma.asarray(values)
