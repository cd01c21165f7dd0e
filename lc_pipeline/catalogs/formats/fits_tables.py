"""Tables in FITS files, SExtractor's FITS_LDAC among them."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import MaskedColumn, Table, vstack
from numpy.typing import NDArray

from lc_pipeline.catalogs.names import POSITION_NAMES, same_names
from lc_pipeline.errors import CatalogError
from lc_pipeline.survey import FilesSection

#: Keywords that describe the file and its columns, not the exposure.
_STRUCTURE = re.compile(
    r"SIMPLE|BITPIX|NAXIS\d*|EXTEND|XTENSION|[PG]COUNT|TFIELDS|CHECKSUM|DATASUM|END|COMMENT|"
    r"HISTORY|T(?:TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|DIM|UCD|BCOL|COMM|UTYP)\d+|"
)

#: What astropy only warns of, and what means that the file must not be used.
_DAMAGE = re.compile(
    r"truncated|Error validating header|corrupted|[Cc]hecksum|[Dd]atasum|buffer|TFORMn"
)


def read_fits(path: Path, contents: bytes, files: FilesSection) -> Table:
    """Read the table of sources of a FITS file, with header keywords in ``meta``.

    The table is the extension ``files.hdu``, else all ``LDAC_OBJECTS`` of a FITS_LDAC file, else
    the first table with rows, of those with positions by name if there are any. With ``"all"``
    these are read as one, as far as they have the same columns.

    Raises
    ------
    CatalogError
        If the file was cut off or damaged, or has no such table.
    """
    hdus = _open(path, contents)
    try:
        chosen, notes = _choose(path, hdus, files.hdu)
        tables = [_read_hdu(path, hdus, index) for index in chosen]
    finally:
        hdus.close()
    table = tables[0] if len(tables) == 1 else vstack(tables, metadata_conflicts="silent")
    table.meta = tables[0].meta | ({"_notes": notes} if notes else {})
    return table


def _open(path: Path, contents: bytes) -> fits.HDUList:
    """Open a FITS file from memory, and refuse what astropy would only warn of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            hdus = fits.open(
                io.BytesIO(contents), memmap=False, checksum=True, disable_image_compression=True
            )
            ends = [_end(hdu, len(contents)) for hdu in hdus]  # reads every header
            nameless = next(filter(None, map(_nameless_column, hdus)), None)
        except (OSError, ValueError, TypeError, KeyError, fits.VerifyError) as error:
            raise CatalogError(
                path, f"not a readable FITS file ({error}); fetch it again"
            ) from error
    harm = next((str(item.message) for item in caught if _DAMAGE.search(str(item.message))), None)
    if harm is None and (missing := max(ends) - len(contents)) > 0:
        harm = f"{missing} bytes are missing at the end"
    harm = harm or nameless
    if harm is None and contents[max(ends) :].strip(b"\0 "):
        harm = "what follows the last complete extension is not a FITS extension"
    if harm is not None:
        hdus.close()
        harm = " ".join(harm.split())
        raise CatalogError(path, f"the FITS file is cut off or damaged: {harm}; fetch it again")
    return hdus


def _end(hdu: fits.hdu.base._BaseHDU, n_bytes: int) -> int:
    """Where the data of an HDU end; padding to a full block may be left out by some writers."""
    start, span = hdu.fileinfo()["datLoc"], hdu.fileinfo()["datSpan"]
    padded = start + span
    return int(padded if padded <= n_bytes else start + hdu.size)


def _nameless_column(hdu: fits.hdu.base._BaseHDU) -> str | None:
    """Say which column of a table has no name, if one has none."""
    names = hdu.columns.names if _is_table(hdu) else []
    if None not in names:
        return None
    number = names.index(None) + 1
    return f"column {number} of extension {hdu.name or '(no name)'} has no TTYPE{number}"


def _is_table(hdu: fits.hdu.base._BaseHDU) -> bool:
    return isinstance(hdu, fits.BinTableHDU | fits.TableHDU)


def _choose(
    path: Path, hdus: fits.HDUList, configured: str | int | None
) -> tuple[list[int], list[str]]:
    listing = ", ".join(f"{index} {hdu.name or '(no name)'}" for index, hdu in enumerate(hdus))
    if configured is not None and configured != "all":
        try:
            index = hdus.index_of(configured)
            found = _is_table(hdus[index])
        except (KeyError, IndexError):
            found = False
        if not found:
            raise CatalogError(
                path, f"files.hdu: there is no table {configured!r}; extensions are: {listing}"
            )
        return [index], []
    tables = [index for index, hdu in enumerate(hdus) if _is_table(hdu)]
    objects = [index for index in tables if hdus[index].name == "LDAC_OBJECTS"]
    if objects:
        return objects, []
    tables = [index for index in tables if hdus[index].name != "LDAC_IMHEAD"]
    if not tables:
        raise CatalogError(
            path, f"has no table extension (extensions are: {listing}); an image is no catalogue"
        )
    filled = [index for index in tables if hdus[index].header["NAXIS2"] > 0] or tables
    n_filled = len(filled)
    with_positions = [index for index in filled if _has_position(hdus[index])]
    filled = with_positions or filled
    alike = [
        index for index in filled if hdus[index].columns.names == hdus[filled[0]].columns.names
    ]
    if configured == "all":
        return alike, []
    if with_positions and len(alike) > 1:
        raise CatalogError(
            path,
            f"has {len(alike)} tables of the same columns ({listing}): set files.hdu = 'all' to "
            f"read them as one catalogue (the chips of a camera), or to the one that is meant",
        )
    notes: list[str] = []
    if n_filled > 1:
        notes.append(
            f"extension {filled[0]} of {n_filled} tables is read ({listing}); "
            f"set files.hdu for another"
        )
    return filled[:1], notes


def _has_position(hdu: fits.BinTableHDU) -> bool:
    names = hdu.columns.names
    return any(same_names(ra, names) and same_names(dec, names) for ra, dec in POSITION_NAMES)


def _read_hdu(path: Path, hdus: fits.HDUList, index: int) -> Table:
    hdu = hdus[index]
    nulls = _nulls_of_scaled_columns(hdu)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that astropy does not know stay as text
        try:
            table = Table.read(hdu, format="fits", mask_invalid=False, unit_parse_strict="silent")
        except (ValueError, TypeError, OSError, IndexError) as error:
            raise CatalogError(
                path, f"the table in extension {index} cannot be read ({error}); fetch it again"
            ) from error
        header = _keywords(hdus[0].header) | _image_header(hdus, index) | _keywords(hdu.header)
    for name, mask in nulls.items():
        table[name] = MaskedColumn(table[name], mask=mask | np.ma.getmaskarray(table[name]))
    for number, name in enumerate(hdu.columns.names, 1):
        if ucd := hdu.header.get(f"TUCD{number}"):
            table[name].meta["ucd"] = str(ucd)
    table.meta = header
    return table


def _nulls_of_scaled_columns(hdu: fits.BinTableHDU) -> dict[str, NDArray[np.bool_]]:
    """Find the cells that are TNULL in columns with TSCAL or TZERO, which astropy overlooks."""
    if not isinstance(hdu, fits.BinTableHDU) or hdu.data is None:
        return {}
    stored = hdu.data.view(np.ndarray)
    return {
        column.name: stored[column.name] == column.null
        for column in hdu.columns
        if column.null not in (None, "")
        and (column.bscale not in (None, "", 1) or column.bzero not in (None, "", 0))
    }


def _keywords(header: fits.Header) -> dict[str, object]:
    found: dict[str, object] = {}
    for card in header.cards:
        key = card.keyword.upper()
        if not _STRUCTURE.fullmatch(key) and not isinstance(card.value, fits.card.Undefined):
            found.setdefault(key, card.value)
    return found


def _image_header(hdus: fits.HDUList, index: int) -> dict[str, object]:
    """Parse the header of the image that FITS_LDAC keeps in the extension before the objects."""
    before = hdus[index - 1]
    if hdus[index].name != "LDAC_OBJECTS" or before.name != "LDAC_IMHEAD" or not len(before.data):
        return {}
    cards = np.ravel(before.data.field(0)[0])
    text = "".join(
        (card.decode("latin-1") if isinstance(card, bytes) else str(card)).ljust(80)
        for card in cards
    )
    return _keywords(fits.Header.fromstring(text))
