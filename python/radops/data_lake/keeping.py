"""What was finished when the remote went away: kept for later, published then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.data_lake.meter import ignore
from radops.errors import UIDConflictError
from radops.repository.sync import sync

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from radops.data_lake.session import Session
    from radops.errors import RadopsError
    from radops.model.uid import UID
    from radops.repository.draft import Draft


def kept_for_later(session: Session, drafts: Sequence[Draft], failure: RadopsError) -> RadopsError:
    """Keep finished drafts under `pending/`; return the error that says so.

    Args:
        session: The lake.
        drafts: What was finished. Its objects are in the local store.
        failure: Why it could not be published.
    """
    session.remember()
    session.pending.keep(drafts)
    return type(failure)(
        f"{failure.message}; the finished result is kept on this machine",
        uid=drafts[0].records[0].uid,
        hint="radops datalake sync publishes it, and so does the same call",
    )


def publish_named(session: Session, uids: Collection[UID]) -> None:
    """Publish files that stand or wait on this machine only, and what they were made from.

    Raises:
        UIDConflictError: One of them could not be published.
    """
    mirror = session.prepare_write()
    if mirror.remote is None:
        return
    conflicts = sync(mirror, mirror.remote, session.pending, uids, ignore).conflicts
    if any(problem.uid in uids for problem in conflicts):
        first = conflicts[0]  # the others follow from it
        raise UIDConflictError(f"{first.uid}: {first.message}", uid=first.uid, hint=first.hint)
