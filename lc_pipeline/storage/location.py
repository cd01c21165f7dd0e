"""Where a store is: the only module that knows whether that is a folder.

Everything that is not reading and writing Zarr keys (locks, atomic replacement, publishing a
finished folder, removing one) stands here, behind a few verbs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from zarr.abc.store import Store
from zarr.storage import LocalStore

from lc_pipeline.errors import StorageError

GROUP_METADATA = "zarr.json"
WRITE_BUFFER = 2**20
#: Files that are synced at a time: a disk that is asked for several does them in one go.
SYNCS = 4


class Location:
    """A place for stores: a local folder.

    Parameters
    ----------
    location : str or Path
        A local path.

    Raises
    ------
    StorageError
        If it is a URL: object storage is not supported.
    """

    def __init__(self, location: str | Path) -> None:
        if "://" in str(location):
            raise StorageError(
                f"{location}: stores are kept in local folders; a URL cannot be used. "
                f"Give a path (survey.store in survey.toml)."
            )
        self.path = Path(location).absolute()

    def __str__(self) -> str:
        return str(self.path)

    def __truediv__(self, name: str) -> Location:
        return Location(self.path / name)

    def zarr_store(self, *, read_only: bool) -> Store:
        """The Zarr store at this place."""
        return LocalStore(self.path, read_only=read_only)

    def exists(self) -> bool:
        """Whether anything is there."""
        return self.path.exists()

    def has(self, name: str) -> bool:
        """Whether a file of this name (a string, because there may be many) is inside."""
        return os.path.exists(f"{self.path}/{name}")  # noqa: PTH110

    def has_group(self) -> bool:
        """Whether a Zarr group is there; it goes first when one is removed."""
        return (self.path / GROUP_METADATA).exists()

    def names(self) -> list[str]:
        """What is inside, sorted; nothing if it does not exist."""
        return sorted(entry.name for entry in self.path.iterdir()) if self.path.is_dir() else []

    def read_bytes(self) -> bytes | None:
        """Read this file, or None if it does not exist."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{self}: cannot be read ({error})") from error

    def reader(self) -> PartReader:
        """Read parts of the files inside."""
        return PartReader(self)

    @contextlib.contextmanager
    def create(self) -> Iterator[BinaryIO]:
        """Write this file in place, from its beginning."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _named(self.path), self.path.open("wb", buffering=WRITE_BUFFER) as stream:
            yield stream

    def replace_bytes(self, contents: bytes, *, is_durable: bool = True) -> None:
        """Replace this file in one step: readers see the old contents or the new, never a part.

        Parameters
        ----------
        contents : bytes
        is_durable : bool
            False if it will be synced later.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # There is one writer at a time: what a killed one has left is replaced.
        partial = self.path.with_name(f".{self.path.name}.tmp")
        with _named(self.path), partial.open("wb") as stream:
            stream.write(contents)
            if is_durable:
                stream.flush()
                os.fsync(stream.fileno())
        partial.replace(self.path)
        if is_durable:
            _sync_folder(self.path.parent)

    def link_to(self, target: Location) -> None:
        """Give this folder's files a second name, without their contents being copied.

        For files that are never written to again. Copied where the file system has no links.
        """
        for folder, _, names in os.walk(self.path):
            place = target.path / Path(folder).relative_to(self.path)
            place.mkdir(parents=True, exist_ok=True)
            for name in names:
                _link(Path(folder, name), place / name)

    def link_file_to(self, target: Location) -> None:
        """As :meth:`link_to`, for one file; nothing to do if it does not exist."""
        if self.path.exists():
            target.path.parent.mkdir(parents=True, exist_ok=True)
            _link(self.path, target.path)

    def copy_to(self, target: Location) -> None:
        """Copy this folder, contents and all."""
        shutil.copytree(self.path, target.path)

    def copy_file_to(self, target: Location) -> None:
        """Copy this file."""
        target.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self.path, target.path)

    def sync_file(self) -> None:
        """Make this file's contents durable."""
        _sync(self.path)

    def sync(self) -> None:
        """Make this folder and all that is in it durable; nothing to do if it does not exist."""
        sync_all([self])

    def publish_as(self, target: Location) -> None:
        """Make this finished folder durable, then give it its final name in one step."""
        self.sync()
        self.path.rename(target.path)
        _sync_folder(target.path.parent)

    def remove(self) -> None:
        """Remove this folder with all that is in it; nothing to do if it does not exist.

        The group's metadata goes first: whoever finds it after reading knows that what was read
        was whole.
        """
        with contextlib.suppress(FileNotFoundError):
            (self.path / GROUP_METADATA).unlink(missing_ok=True)
            shutil.rmtree(self.path)

    def modified(self) -> float:
        """When its group's metadata was last written, in seconds since 1970."""
        return (self.path / GROUP_METADATA).stat().st_mtime

    def n_bytes(self) -> int:
        """Bytes of all files inside."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    @contextlib.contextmanager
    def removed_on_failure(self) -> Iterator[None]:
        """Remove this folder if what makes it fails: a full disk is not kept full by it."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                self.remove()
            raise

    @contextlib.contextmanager
    def writer_lock(self, timeout: float = 600.0) -> Iterator[None]:
        """Hold the one lock of this place, so that there is one writer at a time.

        Raises
        ------
        StorageError
            If another writer still holds it after `timeout` seconds.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the store: inside, Zarr would take it for one of its keys. There is one, whatever
        # links lead to the store.
        path = self.path.resolve()
        lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=timeout)
        try:
            lock.acquire()
        except Timeout as error:
            raise StorageError(
                f"{self}: another process has been writing here for {timeout:.0f} s. "
                f"Wait for it, or stop it, and run the command again; nothing is lost."
            ) from error
        except OSError as error:
            raise StorageError(f"{self}: cannot be locked for writing ({error})") from error
        try:
            yield
        finally:
            lock.release()


class PartReader:
    """Reads parts of one file after the other, into memory that it uses again; for one thread.

    Parameters
    ----------
    place : Location
        The folder that the files are in.
    """

    def __init__(self, place: Location) -> None:
        self._place = place
        self._file: int | None = None
        self._memory = np.empty(WRITE_BUFFER // 8, dtype=np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, name: str) -> bool:
        """Go on to this file (named from the folder); False if it does not exist."""
        self.close()
        try:
            self._file = os.open(f"{self._place}/{name}", os.O_RDONLY)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StorageError(f"{self._place}/{name}: cannot be read ({error})") from error
        return True

    def read(self, start: int, length: int) -> NDArray[np.uint8]:
        """Read a part of the open file; what it gives holds until the next part is read.

        Parameters
        ----------
        start : int
            Where it begins; from the end of the file if negative.
        length : int
            Bytes; fewer come where the file ends.
        """
        assert self._file is not None  # noqa: S101 (whoever reads has opened)
        if length > len(self._memory):
            self._memory = np.empty(length, dtype=np.uint8)
        part = self._memory[:length]
        try:
            if start < 0:
                start = max(os.fstat(self._file).st_size + start, 0)
            return part[: os.preadv(self._file, [part.data], start)]
        except OSError as error:
            raise StorageError(f"{self._place}: cannot be read ({error})") from error

    def close(self) -> None:
        """Close the open file, if there is one."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def sync_all(folders: Iterable[Location], alone: Iterable[Location] = ()) -> None:
    """Make folders durable with all that is in them, and other files and folders by themselves."""
    paths = [place.path for place in alone]
    for place in folders:
        for folder, _, files in os.walk(place.path):
            paths += [Path(folder), *(Path(folder, name) for name in files)]
    with ThreadPoolExecutor(SYNCS) as pool:
        # Whatever goes wrong is raised here.
        list(pool.map(_sync, paths))


def _link(file: Path, target: Path) -> None:
    try:
        target.hardlink_to(file)
    except OSError:
        shutil.copy2(file, target)


def _sync(path: Path) -> None:
    if path.is_dir():
        _sync_folder(path)
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error of writing ("No space left on device") say in which file."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _sync_folder(path: Path) -> None:
    # Windows cannot open folders; there the rename itself is as durable as it gets.
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
