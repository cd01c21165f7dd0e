"""Catalogue files, whatever their format, as astropy tables.

A file is read into memory once: what is parsed are the bytes whose checksum is recorded, and no
file stays open or mapped. The format is told by what the file begins with, since names of
catalogues end in anything.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from astropy.io import fits
from astropy.table import Table
from astropy.table.meta import YamlParseError

from lc_pipeline.catalogs.formats.arrow_tables import read_parquet
from lc_pipeline.catalogs.formats.ecsv import read_ecsv
from lc_pipeline.catalogs.formats.fits_tables import read_fits
from lc_pipeline.catalogs.formats.plain_tables import plain_table
from lc_pipeline.catalogs.formats.text_cells import decode
from lc_pipeline.catalogs.formats.text_headers import is_sextractor_header
from lc_pipeline.catalogs.formats.text_tables import read_text
from lc_pipeline.catalogs.formats.votables import read_votable
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
        table = plain_table(path, table)
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


_READERS: dict[str, Callable[[Path, bytes, FilesSection], Table]] = {
    "fits": read_fits,
    "fits_ldac": read_fits,
    "ecsv": lambda path, contents, _: read_ecsv(path, contents),
    "votable": lambda path, contents, _: read_votable(path, contents),
    "parquet": lambda path, contents, _: read_parquet(path, contents),
}

_TEXT_READERS: dict[str, Callable[[Path, bytes, FilesSection, Sequence[str]], Table]] = {
    "sextractor": _read_sextractor,
    "csv": _read_ascii,
    "ascii": _read_ascii,
}
