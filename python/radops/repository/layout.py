"""The keys of a repository: where everything is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.format.digest import Digest
from radops.format.uid import UID, check_stored_uid

if TYPE_CHECKING:
    from collections.abc import Iterable

MARKER = "radops.cbor"
OBJECTS = "objects/"
OUTLINES = "outlines/"
REFS = "refs/"
EDGES = "edges/"
TRASH = "trash/"
LEASES = "leases/"
GENERATED = "refs/.generated_uids/"
FOLDERS = "directories/"
"""Where read-only folders of directories are, below the lake's part of local storage."""

KEPT = "kept/"
"""Where local storage notes which files of directories are objects of their own."""

_SUFFIX = ".radops"


def object_key(digest: Digest) -> str:
    """Return the key of an object's bytes."""
    return OBJECTS + digest.path


def outline_key(digest: Digest) -> str:
    """Return the key of an object's outline."""
    return OUTLINES + digest.path


def edges_prefix(source: UID) -> str:
    """Return the prefix under which every file made from `source` has an edge."""
    return f"{EDGES}{Digest.of(source.encode()).hex}/"


def edge_key(source: UID, output: UID) -> str:
    """Return the key of the edge by which `output` was made from `source`."""
    return f"{edges_prefix(source)}{output}{_SUFFIX}"


def edge_outputs(source: UID, keys: Iterable[str]) -> list[UID]:
    """Read the outputs' UIDs off edge keys, leaving out keys that are not ours."""
    prefix = edges_prefix(source)
    found = []
    for key in keys:
        if key.startswith(prefix) and key.endswith(_SUFFIX):
            try:
                found.append(check_stored_uid(key[len(prefix) : -len(_SUFFIX)]))
            except ValueError:
                continue
    return sorted(found)
