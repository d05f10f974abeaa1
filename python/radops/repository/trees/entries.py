"""The entry of a directory for one path: kind, size and digest."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from radops.format.digest import Digest

RawEntry: TypeAlias = tuple[str, int, int, bytes | None, str | None]
"""Path, kind, size, digest and target of a link, as Rust gives them."""

FILE: Final = 0
EXECUTABLE: Final = 1
LINK: Final = 2
FOLDER: Final = 3

MAX_PACKED: Final = 4 * 1024 * 1024
"""Bytes of a file up to which it is in a pack."""


class Entry(NamedTuple):
    """The entry of a directory for one path."""

    path: str
    kind: int
    """`FILE`, `EXECUTABLE`, `LINK` or `FOLDER` (an empty one)."""
    size: int
    digest: Digest | None
    """Of the file's bytes, or of a link's target; None for a folder."""
    target: str | None
    """Of a link."""

    @property
    def is_file(self) -> bool:
        """Whether it has bytes to read."""
        return self.kind in {FILE, EXECUTABLE}


def entry_of(found: RawEntry) -> Entry:
    """Return an entry as Rust gives it."""
    path, kind, size, digest, target = found
    return Entry(path, kind, size, None if digest is None else Digest(digest), target)
