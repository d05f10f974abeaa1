"""Publishing: objects, outlines, edges, slot - in that order, each durable before the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.backends.clock import clock
from radops.repository.commit import commit, ensure_folders
from radops.repository.upload import send

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from radops.errors import RadopsError
    from radops.model.digest import Digest
    from radops.model.uid import UID
    from radops.repository.commit import Outcome
    from radops.repository.draft import Draft
    from radops.repository.local import LocalStore
    from radops.repository.repository import Repository
    from radops.repository.slots import State

GRACE_SECONDS = 24 * 3600.0
"""How long the collector leaves alone an object that no record keeps: a day covers any upload
of a creator that runs, and a clock that is wrong by hours."""

# Less than half the grace, which is the smallest that a collector should have: two machines'
# clocks differ by seconds in so long, and a server's are exact to one.
_PROMPT_SECONDS = GRACE_SECONDS / 2 - 600


def publish(
    local: LocalStore,
    target: Repository,
    drafts: Sequence[Draft],
    objects: Sequence[tuple[Digest, int]],
    states: Mapping[UID, State],
    count: Callable[[int, int], None],
) -> tuple[list[Outcome | RadopsError], int]:
    """Send what the drafts keep, then commit them.

    Objects must not be collected between their existence check and the slot that keeps them.
    The collector spares what is younger than the grace, so a slot written within half of it
    is safe; a writer that was slower checks once more before its slot, and one that turns out
    late after it (a laptop that slept) checks and sends again.

    Args:
        local: Where the bytes are.
        target: Where they go.
        drafts: What to commit.
        objects: Digest and size of every object that the drafts keep.
        states: What the UIDs were found to be.
        count: Told bytes and files as they are sent.

    Returns:
        An outcome or error per draft, and the bytes that were sent.
    """

    def ignore(_bytes: int, _files: int) -> None: ...

    blocked = ensure_folders(target, [record.uid for draft in drafts for record in draft.records])
    if all(any(record.uid in blocked for record in draft.records) for draft in drafts):
        return commit(target, drafts, states), 0  # which says why, before a byte is sent
    began = clock()
    sent = send(local, target.backend, objects, count)
    target.backend.flush()
    if clock() - began > _PROMPT_SECONDS:
        began = clock()
        sent += send(local, target.backend, objects, ignore)
        target.backend.flush()
    results = commit(target, drafts, states)
    if clock() - began > _PROMPT_SECONDS:
        sent += send(local, target.backend, objects, ignore)
        target.backend.flush()
    return results, sent
