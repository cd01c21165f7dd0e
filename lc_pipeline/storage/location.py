"""Where a store is: the only module that knows whether that is a folder.

Everything that is not reading and writing Zarr keys (locks, atomic replacement, publishing a
finished folder, removing one) stands here, behind a few verbs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout
from zarr.abc.store import Store
from zarr.storage import LocalStore

from lc_pipeline.errors import StorageError

GROUP_METADATA = "zarr.json"
WRITE_BUFFER = 2**20


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

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> list[bytes] | None:
        """Read parts of a file inside, or None if it does not exist.

        Parameters
        ----------
        name : str
            From here; a string, because there may be many.
        ranges : sequence of (int, int)
            Where each begins, from the end if negative, and its length.
        """
        try:
            descriptor = os.open(f"{self.path}/{name}", os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{self}/{name}: cannot be read ({error})") from error
        try:
            size = os.fstat(descriptor).st_size if ranges[0][0] < 0 else 0
            return [
                os.pread(descriptor, length, start if start >= 0 else max(size + start, 0))
                for start, length in ranges
            ]
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def create(self) -> Iterator[BinaryIO]:
        """Write this file in place, from its beginning."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _named(self.path), self.path.open("wb", buffering=WRITE_BUFFER) as stream:
            yield stream

    def replace_bytes(self, contents: bytes) -> None:
        """Replace this file in one step: readers see the old contents or the new, never a part."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        with _named(self.path), partial.open("wb") as stream:
            stream.write(contents)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(self.path)
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
        for folder, _, files in os.walk(self.path):
            for name in files:
                _sync(Path(folder) / name)
            _sync_folder(Path(folder))

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
    def writer_lock(self, timeout: float = 600.0) -> Iterator[None]:
        """Hold the one lock of this place, so that there is one writer at a time.

        Raises
        ------
        StorageError
            If another writer still holds it after `timeout` seconds.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the store: inside, Zarr would take it for one of its keys.
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=timeout)
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


def _link(file: Path, target: Path) -> None:
    try:
        target.hardlink_to(file)
    except OSError:
        shutil.copy2(file, target)


def _sync(path: Path) -> None:
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
        _sync(path)
