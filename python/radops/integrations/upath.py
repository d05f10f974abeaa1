"""Paths of universal_pathlib in a lake: `UPath("radops://datasets/images")`."""

from __future__ import annotations

from radops.integrations.missing import missing

try:
    from fsspec import get_filesystem_class
    from upath import UPath
except ImportError as error:
    raise missing("upath", "upath") from error

# Until the class of a protocol is registered, universal_pathlib guesses how its paths are split.
get_filesystem_class("radops")


class RadopsPath(UPath):  # type: ignore[misc]
    """A name in a lake, or a path in a directory of it; see `RadopsFileSystem`."""

    __slots__ = ()
