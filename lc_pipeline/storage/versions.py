"""The object store: immutable versions, one of them current.

A version is built under a temporary name and renamed when it is complete; ``current.json`` is then
replaced in one step. A reader resolves the pointer once, when it opens, and keeps its version.
"""

from __future__ import annotations

import re

from lc_pipeline.errors import StorageError
from lc_pipeline.storage.location import Location

POINTER = "current.json"
_VERSION = re.compile(r"v(\d+)")


def current_version(location: Location) -> str | None:
    """Id of the published version, None if there is none yet."""
    pointer = (location / POINTER).read_json()
    return None if pointer is None else str(pointer["version"])


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
    (location / POINTER).replace_json({"version": version})


def remove_old_versions(location: Location, *, keep: int) -> list[str]:
    """Remove all but the newest `keep` versions and the current one; give their ids."""
    current = current_version(location)
    old = [version for version in list_versions(location)[:-keep] if version != current]
    for version in old:
        version_location(location, version).remove()
    return old


def is_object_store(location: Location) -> bool:
    """Whether versions are kept here."""
    return (location / POINTER).exists() or (location / "versions").exists()


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
            f"{location}: no light curves are published here yet. 'lc-pipeline rechunk SURVEY' "
            f"does it."
        )
    place = version_location(location, version)
    if not place.exists():
        raise StorageError(f"{location}: {POINTER} names version {version}, which is not there")
    return place
