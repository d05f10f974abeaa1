"""What a sync publishes, one commit at a time, and the report of the outcome of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from radops.notebook import ShownAsTable

if TYPE_CHECKING:
    from radops.repository.refs.draft import Draft
    from radops.repository.refs.pending import Kept


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that `sync` could not publish, and why."""

    uid: str
    message: str
    hint: str


@dataclass(slots=True)
class SyncReport(ShownAsTable):
    """What a sync did, or would do."""

    dry_run: bool = False
    published: list[str] = field(default_factory=list)
    """UIDs that are in the remote now and were not before."""
    adopted: list[str] = field(default_factory=list)
    """UIDs that others had published with equal bytes."""
    dropped: list[str] = field(default_factory=list)
    """UIDs that were deleted in the remote and are now removed from this machine."""
    conflicts: list[Problem] = field(default_factory=list)
    """UIDs that stay local, and what to do about each."""
    bytes_sent: int = 0
    notes: int = 0
    """Notes that were sent: descriptions and tags that were written offline."""


class Group(msgspec.Struct):
    """A commit to be published, from local slots or from `pending/`."""

    draft: Draft
    kept: Kept | None = None
    is_named: bool = False
    """Whether the caller named it."""
