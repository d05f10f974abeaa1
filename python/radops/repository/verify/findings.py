"""What a check of a lake can find, and how it was repaired."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from radops.format.outline import BLOCK_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.format.digest import Digest

REPAIR: Final = "radops datalake verify --repair"
REPAIR_REMOTE: Final = "radops datalake verify --remote --repair"
RIGHTS: Final = "look at the rights of local storage, and at the disk"
NO_COPY: Final = "no remote holds it: restore it from a backup of local storage, or make it again"

MOST_INNER: Final = 100
"""Files in directories that one finding names, at most."""

Kind: TypeAlias = Literal[
    "missing",
    "dangling",
    "not-local",
    "trashed",
    "size",
    "bytes",
    "unreadable",
    "record",
    "newer-format",
    "slot",
    "folder",
    "place",
    "outline",
    "edge",
    "note",
    "stray",
    "writable",
    "view",
    "rolled-back",
    "replaced",
]
"""What a finding is about. These words are part of the interface: `--json` prints them."""

MISSING: Final = "missing"
"""An object that was on this machine, or must be, is missing."""
DANGLING: Final = "dangling"
"""A name whose object is missing, with no sign that it was ever stored."""
NOT_LOCAL: Final = "not-local"
"""A file that is only in the remote, where all were expected here."""
TRASHED: Final = "trashed"
"""An object that a record keeps is in the collector's trash."""
SIZE: Final = "size"
"""An object of another size than in its record."""
BYTES: Final = "bytes"
"""An object whose bytes are not those of its digest."""
UNREADABLE: Final = "unreadable"
"""Something that cannot be read: the disk fails, or permissions deny it."""
RECORD: Final = "record"
"""A record that does not decode, contradicts itself, or is another UID's."""
NEWER: Final = "newer-format"
"""Something that a later version of radops wrote: it cannot be checked."""
SLOT: Final = "slot"
"""Slots of a name that do not follow each other, or a `-gone` key that hides a file."""
FOLDER: Final = "folder"
"""A folder without the record that keeps its name from being taken by a file."""
PLACE: Final = "place"
"""A directory whose layout does not locate its files."""
OUTLINE: Final = "outline"
"""An outline that does not belong to its object."""
EDGE: Final = "edge"
"""A file that is missing in the list of what was made from one of its inputs."""
NOTE: Final = "note"
"""A note that does not decode, or is another file's: its change of the description is lost."""
STRAY: Final = "stray"
"""Something in the store that radops never puts there."""
WRITABLE: Final = "writable"
"""An object or view that is not read-only."""
VIEW: Final = "view"
"""A file under `files/` that does not show the bytes it is named for."""
ROLLED_BACK: Final = "rolled-back"
"""A file that the remote once confirmed and no longer has: it was set back."""
REPLACED: Final = "replaced"
"""A slot of the remote that holds another record than the one it confirmed."""


@dataclass(slots=True)
class Finding:
    """One thing that is wrong in a lake."""

    kind: Kind
    """One of the constants of this module."""
    message: str
    """What is wrong, without naming the file."""
    hint: str
    """What to do about it."""
    uids: tuple[str, ...] = ()
    """The files concerned; none where something belongs to no file of this lake."""
    digest: Digest | None = None
    """The object concerned, where there is one."""
    path: str | None = None
    """Where it is: a path of local storage, or a key of the remote."""
    ranges: tuple[tuple[int, int], ...] = ()
    """Spans of wrong bytes, first and past the last, where they are known."""
    inner: tuple[str, ...] = ()
    """The first of the files in directories whose bytes are affected: `UID/path`."""
    inner_count: int = 0
    """How many files in directories are affected."""
    repaired: bool = False
    """Whether it was repaired."""
    repair: str | None = None
    """What was done, or why it could not be repaired; None where nothing was tried."""
    edge: tuple[str, str] | None = None
    """Key and output of an edge that is missing."""
    size: int = -1
    """The right size of the object, -1 where it is not known."""

    def hits(self, uid: str, count: int, paths: Sequence[str]) -> None:
        """Note files of a directory whose bytes are affected.

        Args:
            uid: The directory.
            count: How many.
            paths: The first of their paths.
        """
        self.inner_count += count
        room = MOST_INNER - len(self.inner)
        self.inner += tuple(f"{uid}/{path}" for path in paths[:room])

    @property
    def subject(self) -> str:
        """What to call it in one line: its first UID and how many more, else where it is."""
        if not self.uids:
            return self.path or str(self.digest)
        more = f" (and {len(self.uids) - 1:,} more)" if len(self.uids) > 1 else ""
        return f"{self.uids[0]}{more}"


@dataclass(slots=True)
class Tally:
    """What was checked, and what was found."""

    files: int = 0
    """Files whose bytes were checked."""
    objects: int = 0
    """Objects that were checked, each once however many files share it."""
    trusted: int = 0
    """Those of them that were not read, as nothing changed since they were last."""
    bytes: int = 0
    """Bytes of the objects that were checked, those that were trusted included."""
    not_local: int = 0
    """Files that are only in the remote."""
    resumed: int = 0
    """Objects of a remote that an earlier, interrupted run had hashed already."""
    findings: list[Finding] = field(default_factory=list)

    def find(
        self,
        kind: Kind,
        message: str,
        hint: str,
        uids: Sequence[str] = (),
        digest: Digest | None = None,
        path: str | None = None,
        size: int = -1,
    ) -> Finding:
        """Add a finding, and return it so that more can be added to it."""
        finding = Finding(kind, message, hint, tuple(uids), digest, path, size=size)
        self.findings.append(finding)
        return finding


def block_ranges(blocks: Iterable[int], size: int) -> tuple[tuple[int, int], ...]:
    """Return the spans of bytes that blocks cover, neighbours merged.

    Args:
        blocks: Indices, ascending.
        size: How many bytes the object has.
    """
    spans: list[tuple[int, int]] = []
    for block in blocks:
        start, end = block * BLOCK_SIZE, min((block + 1) * BLOCK_SIZE, size)
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)


def differing_blocks(found: bytes, expected: bytes) -> list[int]:
    """Return the indices of the blocks in which two outlines differ."""
    count = len(expected) // 32
    return [
        index
        for index in range(count)
        if found[32 * index : 32 * index + 32] != expected[32 * index : 32 * index + 32]
    ]
