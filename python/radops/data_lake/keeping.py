"""What was finished when the remote went away is kept for later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.data_lake.session import Session
    from radops.errors import RadopsError
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
