"""A store is a folder of immutable versions, one of them current.

A version is built under a temporary name and renamed when it is complete; ``current.json`` is then
replaced in one step. A reader resolves the pointer once, when it opens, and keeps its version. The
object store gets a version at every publication, the epoch store only when it is compacted.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
import zlib

from lc_pipeline.errors import NotInStoreError, StorageError
from lc_pipeline.storage.location import Location

POINTER = "current.json"
KEEP = 3
GRACE = dt.timedelta(days=1)
_VERSION = re.compile(r"v(\d+)")


def current_version(location: Location) -> str | None:
    """Id of the published version, None if there is none yet.

    Raises
    ------
    StorageError
        If the pointer is damaged.
    """
    contents = (location / POINTER).read_bytes()
    if contents is None:
        return None
    try:
        pointer = json.loads(contents)
        version, check = str(pointer["version"]), pointer["crc32"]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{location / POINTER}: damaged ({error})") from error
    if check != zlib.crc32(version.encode()):
        raise StorageError(f"{location / POINTER}: damaged (its checksum does not agree)")
    return version


def version_location(location: Location, version: str) -> Location:
    """Where a version is kept."""
    return location / "versions" / f"{version}.zarr"


def list_versions(location: Location) -> list[str]:
    """Ids of all complete versions, oldest first."""
    names = (name.removesuffix(".zarr") for name in (location / "versions").names())
    return sorted(
        (name for name in names if _VERSION.fullmatch(name)), key=lambda name: int(name[1:])
    )


def next_version(location: Location) -> str:
    """The id that follows every version there is."""
    last = list_versions(location)[-1:] or ["v0"]
    return f"v{int(last[0][1:]) + 1:06d}"


def staging_location(location: Location, version: str) -> Location:
    """Where a version is built, unseen by readers."""
    return location / "versions" / f".{version}.zarr.new"


def publish(location: Location, version: str) -> None:
    """Make the staged version complete, then current."""
    staging_location(location, version).publish_as(version_location(location, version))
    point_to(location, version)


def point_to(location: Location, version: str) -> None:
    """Make a version current.

    Raises
    ------
    NotInStoreError
        If there is no such version.
    """
    there = list_versions(location)
    if version not in there:
        raise NotInStoreError(
            f"{location}: there is no version {version!r} (there are: {', '.join(there)})"
        )
    # Nothing else: the checksum covers all of it.
    pointer = {"version": version, "crc32": zlib.crc32(version.encode())}
    (location / POINTER).replace_bytes(json.dumps(pointer).encode())


def remove_old_versions(
    location: Location, *, keep: int = KEEP, grace: dt.timedelta = GRACE
) -> list[str]:
    """Remove versions that nobody should need any more.

    Parameters
    ----------
    location : Location
    keep : int
        The newest so many stay.
    grace : datetime.timedelta
        So does what a newer version replaced less than this ago: somebody may be reading it.

    Returns
    -------
    list of str
        Ids of the removed versions. The current version always stays.
    """
    there = list_versions(location)
    current = current_version(location)
    limit = (dt.datetime.now(dt.UTC) - grace).timestamp()
    removed = []
    for version, successor in itertools.pairwise(there[: len(there) - keep + 1]):
        if version != current and version_location(location, successor).modified() <= limit:
            version_location(location, version).remove()
            removed.append(version)
    return removed


def is_store(location: Location) -> bool:
    """Whether versions are kept here."""
    return (location / POINTER).exists()


def resolve(location: Location) -> Location:
    """The place of the current version.

    Raises
    ------
    StorageError
        If nothing was published, or the pointer leads nowhere.
    """
    version = current_version(location)
    if version is None:
        raise StorageError(
            f"{location}: there is no store here (or its creation was cut short). "
            f"'lc-pipeline run SURVEY' makes one."
        )
    place = version_location(location, version)
    if not place.exists():
        raise StorageError(
            f"{location}: {POINTER} names version {version}, which is not there "
            f"(there are: {', '.join(list_versions(location)) or 'none'})"
        )
    return place
