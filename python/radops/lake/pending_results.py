"""What was finished when the remote became unreachable: kept, and published later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import UIDConflictError
from radops.repository.progress import ignore
from radops.repository.sync.sync import sync

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from radops.errors import RadopsError
    from radops.format.uid import UID
    from radops.lake.session import Session
    from radops.repository.refs.draft import Draft


def kept_for_later(session: Session, drafts: Sequence[Draft], failure: RadopsError) -> RadopsError:
    """Keep finished drafts under `pending/`; return the error that says so.

    Args:
        session: The lake.
        drafts: What was finished. Its objects are in the local store.
        failure: Why it could not be published.
    """
    session.remember()
    session.pending.keep(drafts)
    # What a purge that does not know of them has moved to the trash comes back. What it has removed
    # is in the remote, where `sync` looks for it.
    session.store.lost([item for draft in drafts for item in draft.objects])
    error = type(failure)(
        f"{failure.message}; the finished result is kept on this machine",
        uid=drafts[0].records[0].uid,
        hint="radops datalake sync publishes it, and so does the same call",
    )
    error.is_pending = True
    return error


def publish_named(session: Session, uids: Collection[UID]) -> None:
    """Publish files that are or wait on this machine only, and what they were made from.

    Raises:
        UIDConflictError: One of them could not be published.
    """
    lake = session.prepare_write()
    if lake.remote is None:
        return
    conflicts = sync(lake, lake.remote, session.pending, uids, ignore).conflicts
    if any(problem.uid in uids for problem in conflicts):
        first = conflicts[0]  # the others follow from it
        raise UIDConflictError(f"{first.uid}: {first.message}", uid=first.uid, hint=first.hint)
