"""What is collected, and the report of what was done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from radops.backends.base import Backend
    from radops.format.digest import Digest
    from radops.repository.refs.repository import Repository
    from radops.repository.trees.kept import KeptFiles


class Collected(msgspec.Struct):
    """What a collection did to one repository, or would do."""

    url: str
    """Which repository."""
    slots: int = 0
    """Slots that were read, those of deleted files included."""
    candidates: int = 0
    """Objects older than the grace that no record keeps."""
    moved: int = 0
    """Those that were moved to the trash."""
    moved_bytes: int = 0
    restored: int = 0
    """Objects that were moved back from the trash, as a record keeps them now."""
    deleted: int = 0
    """Objects that were deleted from the trash."""
    bytes: int = 0
    """Bytes of the objects that were deleted."""
    outlines: int = 0
    """Outlines without an object that were deleted."""
    uploads: int = 0
    """Unfinished uploads that were aborted; not known in a dry run."""
    leases: int = 0
    """Leases that no process holds any more."""
    notes: int = 0
    """Notes of deleted files that were removed."""
    leftovers: int = 0
    """Other files that an interrupted command left on this machine."""
    run: str | None = None
    """The run in the trash that holds what was moved."""
    swept: list[str] = msgspec.field(default_factory=list)
    """Runs whose objects were moved back or deleted."""


class Target(msgspec.Struct, frozen=True):
    """What is collected: a remote, or the local storage that all lakes of a home share."""

    backend: Backend
    lakes: Callable[[], Iterable[Repository]]
    """Returns all repositories with slots; called just before the slots are read."""
    pending: bool
    """Whether results that wait to be published keep their objects."""
    forget: Callable[[Sequence[Digest]], None] = lambda _digests: None
    """Called with the objects that were moved out of `objects/`."""
    kept: Callable[[], KeptFiles | None] = lambda: None
    """Returns which files of directories are objects of their own; called before slots are read."""
    confirmed: Callable[[str, Digest], bool] = lambda _slot, _record: False
    """Returns whether a remote is known to hold the record with this digest in this slot. The
    objects of such a record's directories need not all be in a home."""
