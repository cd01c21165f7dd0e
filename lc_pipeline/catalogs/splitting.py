"""A table of all detections, cut into one catalogue for each epoch."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table, vstack
from numpy.typing import NDArray

from lc_pipeline.catalogs.file_columns import listed
from lc_pipeline.catalogs.missing import numbers_of, texts_of
from lc_pipeline.catalogs.names import KEY_NAMES
from lc_pipeline.catalogs.reading import read_table
from lc_pipeline.errors import CatalogError
from lc_pipeline.progress import Progress
from lc_pipeline.tables import write_table

_MINUTES = 1440.0
_HOLDS_FOR_ALL = ("TIMESYS", "TREFPOS", "RADESYS")


@dataclass(frozen=True)
class SplitReport:
    """What became of a table.

    Attributes
    ----------
    n_rows : int
    written, unchanged : tuple of Path
        Catalogues that were written, and those that were there already just so.
    """

    n_rows: int
    written: tuple[Path, ...]
    unchanged: tuple[Path, ...]


def split_by_epoch(
    paths: Sequence[str | Path],
    by: str,
    folder: str | Path,
    *,
    gap_minutes: float | None = None,
    progress: Progress | None = None,
) -> SplitReport:
    r"""Write a catalogue for each epoch of a table that has the detections of all.

    Catalogues are Parquet with all columns, and their rows are in the order of the table. One that
    is there already with the same contents is not touched, so a table that grew can be split again.

    Parameters
    ----------
    paths : sequence of str or Path
        Files with the same columns, of any format that catalogues may have.
    by : str
        Column that is the same for all rows of an epoch: its number or name, or its time.
    folder : str or Path
        Where the catalogues go; it is made if need be.
    gap_minutes : float, optional
        Then `by` is a time in days, and an epoch ends where the next row is later by more.
    progress : callable, optional
        Called with the number of catalogues done, and of all.

    Raises
    ------
    CatalogError
        If a file cannot be read, has no such column or other columns than the first, a row says
        nothing of its epoch, or nearly every row would be an epoch of its own.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "m31.csv")
    ...     _ = path.write_text("visit,ra,dec,mag\n7,1.5,4,17.2\n8,1.5,4,17.3\n7,1.6,4,18.0\n")
    ...     report = split_by_epoch([path], "visit", folder)
    ...     [path.name for path in report.written]
    ['m31_7.parquet', 'm31_8.parquet']
    """
    table = _read([Path(path) for path in paths], by)
    epochs = _epochs(str(paths[0]), table, by, gap_minutes)
    folder = Path(folder)
    stem = re.sub(r"(\.[A-Za-z]+)+$", "", Path(paths[0]).name)
    written: list[Path] = []
    unchanged: list[Path] = []
    for number, (key, rows) in enumerate(epochs.items()):
        path = folder / f"{stem}_{key}.parquet"
        (written if _write(table[rows], path) else unchanged).append(path)
        if progress:
            progress(number + 1, len(epochs))
    return SplitReport(len(table), tuple(written), tuple(unchanged))


def _read(paths: Sequence[Path], by: str) -> Table:
    tables = [read_table(path, texts=list(KEY_NAMES)) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if by not in table.colnames:
            raise CatalogError(
                path, f"there is no column {by!r}. Columns are: {listed(table.colnames)}"
            )
        if set(table.colnames) != set(tables[0].colnames):
            others = sorted(set(table.colnames) ^ set(tables[0].colnames))
            raise CatalogError(
                path, f"has other columns than {paths[0].name} ({listed(others)}); split it alone"
            )
        # The rest of the header may be of the first night alone.
        kept = {name: table.meta[name] for name in _HOLDS_FOR_ALL if name in table.meta}
        table.meta.clear()
        table.meta.update(kept)
    return vstack(tables, join_type="exact") if len(tables) > 1 else tables[0]


def _epochs(
    path: str, table: Table, by: str, gap_minutes: float | None
) -> dict[str, NDArray[np.intp]]:
    """Rows of each epoch by its key, in order of the keys or times."""
    texts = texts_of(table[by])
    if "" in texts:
        raise CatalogError(
            path,
            f"column {by!r}, row {texts.index('') + 1}: there is nothing that tells the epoch "
            f"({texts.count('')} such rows); fill it in, or take the rows out",
        )
    if gap_minutes is None:
        names, group = np.unique(texts, return_inverse=True)
        keys = [_safe(name) for name in names.tolist()]
    else:
        days = numbers_of(path, by, table[by])
        order = np.argsort(days, kind="stable")
        is_first = np.diff(days[order], prepend=-np.inf) > gap_minutes / _MINUTES
        group = np.empty(len(table), dtype=np.intp)
        group[order] = np.cumsum(is_first) - 1
        keys = [_safe(texts[row]) for row in order[is_first]]
    if len(keys) > max(2, len(table) / 2):
        raise CatalogError(
            path,
            f"{by!r} would make {len(keys)} epochs of {len(table)} rows: it differs within an "
            f"epoch. Take a column that does not, or say what pause is between two epochs "
            f"(--gap-minutes)",
        )
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise CatalogError(
            path, f"column {by!r}: two epochs would be {twice!r} in file names; rename one of them"
        )
    rows = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    return dict(zip(keys, rows, strict=True))


def _safe(text: str) -> str:
    """Make a part of a file name; what no file name has is ``-``."""
    return re.sub(r"[^\w.+-]+", "-", text)


def _write(table: Table, path: Path) -> bool:
    """Write a catalogue unless it is there just so; whether it was written."""
    if not path.exists():
        write_table(table, path)
        return True
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        new = write_table(table, Path(folder, path.name))
        if new.read_bytes() == path.read_bytes():
            return False
        new.replace(path)
    return True
