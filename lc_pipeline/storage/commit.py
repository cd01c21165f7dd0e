"""The commit: the group's consolidated metadata, checksummed, replaced in one rename."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lc_pipeline.errors import StorageError
from lc_pipeline.storage.location import GROUP_METADATA, Location

CHECKSUM = "metadata_sha256"


def commit(place: Location) -> None:
    """Publish all that was written to a Zarr group.

    The metadata of every array, as it is now, is put into the group's own, with a checksum.
    Readers open that, so they see every array grow at once.
    """
    document = read_metadata(place)
    arrays = {
        name: read_metadata(place / name)
        for name in place.names()
        if (place / name / GROUP_METADATA).exists()
    }
    # The key that Zarr libraries know; those that do not know it are free to ignore it.
    document["consolidated_metadata"] = {
        "kind": "inline",
        "must_understand": False,
        "metadata": arrays,
    }
    document["attributes"]["lc_pipeline"][CHECKSUM] = checksum(document)
    (place / GROUP_METADATA).replace_bytes(json.dumps(document).encode())


def read_metadata(place: Location) -> dict[str, Any]:
    """Read the ``zarr.json`` of a group or an array.

    Raises
    ------
    StorageError
        If it is missing or is not JSON.
    """
    contents = (place / GROUP_METADATA).read_bytes()
    if contents is None:
        raise StorageError(f"{place}: {GROUP_METADATA} is missing")
    try:
        document: dict[str, Any] = json.loads(contents)
    except ValueError as error:
        raise StorageError(f"{place / GROUP_METADATA}: damaged, not JSON ({error})") from error
    return document


def committed_metadata(place: Location) -> dict[str, dict[str, Any]]:
    """Metadata of every array as of the last commit, by name."""
    return dict(read_metadata(place)["consolidated_metadata"]["metadata"])


def checksum(document: dict[str, Any]) -> str:
    """SHA-256 of a group's metadata, but for the checksum in it."""
    attributes = document["attributes"]
    own = {name: value for name, value in attributes["lc_pipeline"].items() if name != CHECKSUM}
    rest = document | {"attributes": attributes | {"lc_pipeline": own}}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
