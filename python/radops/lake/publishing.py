"""A lake and its remote: joining it, publishing what is only here, and URLs for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.arguments import check_number
from radops.errors import RemoteUnavailableError, UIDNotFoundError, UsageError
from radops.lake.listing import waiting
from radops.lake.progress import stage
from radops.repository.layout import object_key
from radops.repository.sync.sync import sync

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.format.record import FileRecord
    from radops.format.uid import UID
    from radops.lake.reports import Progress, SyncReport
    from radops.lake.session import Session

_DAY = 24 * 3600


def synchronise(
    session: Session, names: Sequence[UID], dry_run: bool, progress: Progress | None
) -> SyncReport:
    """Publish what is only here or pending, drop what was deleted; see `DataLake.sync`."""
    if session.settings.remote is None:
        raise _no_remote()
    if session.settings.offline:
        raise RemoteUnavailableError("sync needs the remote", hint="leave out --offline")
    if not dry_run:
        session.prepare_write()
    session.check_remote()
    lake = session.lake
    if lake.remote is None:
        raise _no_remote()
    pending = {row.uid for row in waiting(session)}
    for name in names:
        if name not in pending and lake.find(name) is None:
            raise UIDNotFoundError(f"no file or directory {name} in the lake", uid=name)
    with stage(progress, "syncing") as count:
        return sync(lake, lake.remote, session.pending, names or None, count, dry_run=dry_run)


def join(session: Session) -> str:
    """Join the lake of the remote, or make it; return its identity; see `DataLake.join`."""
    marker = session.check_remote()
    remote = session.lake.remote
    if remote is not None and marker is None:
        remote.begin()
        session.prepare_write()
    session.remember()
    return session.lake_id


def presigned_url(session: Session, record: FileRecord, seconds: int) -> str:
    """Return a URL by which anyone can read a file; see `DataLake.presigned_url`."""
    check_number(seconds, "seconds", least=1, whole=True)
    if seconds > 7 * _DAY:
        raise UsageError(f"a URL cannot be signed for {seconds} seconds", hint="1 to 604800")
    remote = session.lake.remote
    if remote is None:
        raise UsageError(
            "only files in an S3 bucket have URLs",
            uid=record.uid,
            hint="to pass a file on, copy it out: radops datalake download UID --to FOLDER",
        )
    if not remote.has_object(record.digest, record.size):
        raise UsageError(
            f"{record.uid} is not in the remote yet", uid=record.uid, hint="radops datalake sync"
        )
    return remote.backend.presigned_url(object_key(record.digest), seconds, filename=record.name)


def _no_remote() -> UsageError:
    return UsageError(
        "there is nothing to sync with: this lake is on this machine only",
        hint="to publish its files, configure a remote with `radops config setup`, then sync again",
    )
