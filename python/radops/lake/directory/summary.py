"""What a directory is made of: files by extension, and how much of its packs it uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radops.repository.trees.tree import Tree


@dataclass(frozen=True, slots=True)
class Extension:
    """Files whose names end alike."""

    name: str | None
    """In lower case, with the dot; empty for none. None: all others, where there are very many."""
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a directory is made of."""

    extensions: tuple[Extension, ...]
    """Files by extension, those with most bytes first."""
    links: int
    """Symbolic links."""
    empty_folders: int
    local_files: int
    """Files whose bytes are on this machine."""
    local_bytes: int
    packs: int
    """Objects that hold its small files, many in each."""
    pack_bytes: int
    """Bytes of all files in these packs, also of those that only earlier versions have."""
    live_bytes: int
    """Bytes of the files in these packs that the directory has."""

    @property
    def live_share(self) -> float:
        """The part of its packs that it uses, from 0 to 1; 1 without packs."""
        return self.live_bytes / self.pack_bytes if self.pack_bytes else 1.0


def summarize(tree: Tree) -> Summary:
    """Return what a directory is made of; its pages are fetched and read."""
    found = tree.summary()
    extensions = [Extension(*one) for one in found.extensions]
    extensions.sort(key=lambda one: (-one.bytes, -one.files, one.name or ""))
    return Summary(
        tuple(extensions), found.links, found.folders, *found.here, *found.packs, found.live
    )
