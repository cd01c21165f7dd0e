"""Catalogues on object storage, or wherever else ``fsspec`` reaches: listed there, read as copies.

An object that is listed is complete: storing one is one step.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from lc_pipeline.catalogs.landed_files import EpochFiles, LandedFile
from lc_pipeline.errors import CatalogError, SurveyConfigError

#: What file systems call the time of the last change.
_MODIFIED = ("LastModified", "last_modified", "mtime", "updated", "created")


@dataclass(frozen=True)
class RemoteFile(LandedFile):
    """One catalogue at a URL; `path` is its name there and is not to be opened."""

    url: str = ""
    size: int = 0
    modified_ns: int = 0

    def state(self) -> tuple[int, int]:
        """Size, and time of the last change in ns since 1970, as listed."""
        return self.size, self.modified_ns

    def open(self) -> BufferedIOBase:
        """Open the object for reading."""
        return fsspec.open(self.url, "rb").open()  # type: ignore[no-any-return]


def list_remote(url: str, where: str) -> dict[str, RemoteFile]:
    """List what is at a URL, folders below included.

    Parameters
    ----------
    url : str
    where : str
        The setting that has it, for messages.

    Returns
    -------
    dict of str to RemoteFile
        By name below `url`, in no particular order; names with a dot in front are left out.

    Raises
    ------
    SurveyConfigError
        If nothing can be listed there.
    """
    try:
        system, root = fsspec.core.url_to_fs(url)
        listed = system.find(root, detail=True)
    except (ImportError, ValueError) as error:
        raise SurveyConfigError(f"{where}: {url} cannot be reached: {error}") from error
    except OSError as error:
        raise SurveyConfigError(f"{where}: {url} cannot be listed ({error})") from error
    files = {}
    for path, found in listed.items():
        name = str(PurePosixPath("/", path).relative_to(PurePosixPath("/", root)))
        if not any(part.startswith(".") for part in name.split("/")):
            files[name] = RemoteFile(
                Path(name),
                name,
                url=system.unstrip_protocol(path),
                size=int(found.get("size") or 0),
                modified_ns=_modified(found),
            )
    return files


def _modified(found: dict[str, Any]) -> int:
    for key in _MODIFIED:
        moment = found.get(key)
        if isinstance(moment, str):
            moment = dt.datetime.fromisoformat(moment)
        if isinstance(moment, dt.datetime):
            moment = moment.timestamp()
        if moment is not None:
            return int(moment * 1e9)
    return 0


@contextlib.contextmanager
def copied_here(files: EpochFiles) -> Iterator[EpochFiles]:
    """Give files that can be opened by their path: copies of remote ones, while it lasts.

    Raises
    ------
    CatalogError
        If an object cannot be read; or, naming the URL, whatever is said of a copy.
    """
    remote = [file for file in files.files if isinstance(file, RemoteFile)]
    if not remote:
        yield files
        return
    with tempfile.TemporaryDirectory(prefix="lc_pipeline-") as folder:
        copies = []
        urls = {}
        for number, file in enumerate(remote):
            path = Path(folder, str(number), file.path.name)
            path.parent.mkdir()
            try:
                with file.open() as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
            except OSError as error:
                raise CatalogError(file.url, f"cannot be read ({error})") from error
            copies.append(LandedFile(path, file.name, file.groups, file.log))
            urls[str(path)] = file.url
        try:
            yield EpochFiles(files.epoch, tuple(copies))
        except CatalogError as error:
            reason = error.reason
            for path_text, url in urls.items():
                reason = reason.replace(path_text, url)
            raise CatalogError(urls.get(error.path, error.path), reason) from error
