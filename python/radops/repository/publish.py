"""Publishing: objects, outlines, edges, slot - in that order, each durable before the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.backends.base import clock
from radops.errors import CorruptObjectError, RadopsError
from radops.repository.progress import ignore
from radops.repository.refs.bury import bury_all
from radops.repository.refs.commit import commit
from radops.repository.refs.intents import ensure_folders
from radops.repository.transfer.in_place import bring_missing, in_place, lost_objects
from radops.repository.transfer.upload import send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from radops.format.digest import Digest
    from radops.format.uid import UID
    from radops.repository.objects.store import LocalStore
    from radops.repository.progress import Count
    from radops.repository.refs.commit import Outcome
    from radops.repository.refs.draft import Draft
    from radops.repository.refs.repository import Repository
    from radops.repository.refs.slots import State

GRACE_SECONDS = 24 * 3600.0
"""How long the collector leaves alone an object that no record keeps: a day covers any upload
of a creator that runs, and a clock that is wrong by hours."""

PROMPT_SECONDS = GRACE_SECONDS / 2 - 600
"""How long after a check of an object a slot may be written. Less than half the grace, which is the
smallest that a collector should have: two machines' clocks differ by seconds in so long, a server's
are exact to one, and a slot takes time to be written."""


def publish(
    local: LocalStore,
    target: Repository,
    drafts: Sequence[Draft],
    objects: Sequence[tuple[Digest, int]],
    states: Mapping[UID, State],
    count: Count,
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
        count: Called with bytes and files as they are sent.

    Returns:
        An outcome or error per draft, and the bytes that were sent.
    """
    blocked = ensure_folders(target, [record.uid for draft in drafts for record in draft.records])
    if all(any(record.uid in blocked for record in draft.records) for draft in drafts):
        return commit(target, drafts, states), 0  # `commit` reports why, before a byte is sent
    began = clock()
    sent = _send(local, target, drafts, objects, count)
    if clock() - began > PROMPT_SECONDS:
        began = clock()
        sent += _send(local, target, drafts, objects, ignore)
    results = commit(target, drafts, states)
    if clock() - began > PROMPT_SECONDS:
        results = _withdraw_lost(local, target, drafts, results)
        made = [
            draft
            for draft, result in zip(drafts, results, strict=True)
            if not isinstance(result, RadopsError)
        ]
        objects = [item for draft in made for item in draft.objects]
        sent += _send(local, target, made, objects, ignore)
    return results, sent


def _send(
    local: LocalStore,
    target: Repository,
    drafts: Sequence[Draft],
    objects: Sequence[tuple[Digest, int]],
    count: Count,
) -> int:
    """Make sure that all objects are in the remote, durably; return the bytes that were sent."""
    bases = [base for draft in drafts for base in draft.bases]
    placed = in_place(local, target, bases, (digest for digest, _ in objects)) if bases else set()
    rest = [one for one in objects if one[0] not in placed]
    count(sum(size for digest, size in objects if digest in placed), len(objects) - len(rest))
    if any(draft.records[0].directories for draft in drafts):
        bring_missing(local, target, rest)
    sent = send(local, target.backend, rest, count)
    target.backend.flush()
    return sent


def _withdraw_lost(
    local: LocalStore,
    target: Repository,
    drafts: Sequence[Draft],
    results: Sequence[Outcome | RadopsError],
) -> list[Outcome | RadopsError]:
    """Delete again what was committed late and needs objects that were deleted.

    A directory can use packs of its base that are in the remote only. Where the base was deleted
    and collected in the meantime they cannot be sent again.
    """
    final = list(results)
    for index, digest in lost_objects(local, target, drafts).items():
        outcome = final[index]
        if isinstance(outcome, RadopsError):
            continue
        made = [one for one in outcome.taken if one.uid in outcome.created]
        bury_all(target, [(one.uid, one.number, one.record.raw) for one in made])
        uid = drafts[index].records[0].uid
        final[index] = CorruptObjectError(
            f"object {digest}, which {uid} needs, was collected while it was made",
            uid=uid,
            hint="run it again",
        )
    return final
