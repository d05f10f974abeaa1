"""Making room: removing local bytes that the remote has, the longest unused first."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from radops.data_lake.holding import (
    add_views,
    held,
    kept_only_here,
    needed_remote,
    release,
    remote_has,
    room_of,
)
from radops.data_lake.meter import stage
from radops.data_lake.naming import select
from radops.data_lake.reports import PurgeReport
from radops.errors import LocalStorageError, UsageError
from radops.model.uid import UID
from radops.repository.local import CATALOG
from radops.repository.transfer import gather

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from radops.data_lake.holding import Held
    from radops.data_lake.reports import Progress
    from radops.data_lake.session import Session
    from radops.model.digest import Digest
    from radops.repository.local import LocalStore
    from radops.repository.mirror import Mirror
    from radops.repository.remote import Remote

# Objects that the remote is asked about at once: enough to fill all connections, few enough
# that little is asked in vain once there is room.
_ASK = 64


def purge(
    session: Session,
    targets: Sequence[str],
    *,
    older_than: float | None,
    max_size: int | None,
    dry_run: bool,
    progress: Progress | None,
) -> PurgeReport:
    """Remove local bytes that the remote has; see `DataLake.purge_local_storage`."""
    for name, value in (("older_than", older_than), ("max_size", max_size)):
        if value is not None and not value >= 0:
            raise UsageError(f"{name} is {value}, less than nothing")
    mirror = session.mirror
    remote = needed_remote(session)
    report = PurgeReport(dry_run=dry_run)
    with stage(progress, "looking at local files") as count:
        report.size = report.size_before = _size(mirror.store.root)
        objects = held(mirror, select(mirror, targets) if targets else _local_names(mirror))
        chosen = _oldest_first(mirror.store, objects, older_than)
        add_views(session, chosen)
        only_here = kept_only_here(session)
        count(0, len(objects))
    with stage(progress, "removing", None, len(chosen)) as count:
        for one, may_go in _ask(remote, list(chosen.values()), only_here):
            if max_size is not None and report.size <= max_size:
                break
            _settle(mirror.store, one, report, may_go=may_go)
            count(one.size, 1)
    report.purged.sort()
    report.kept.sort()
    return report


def _local_names(mirror: Mirror) -> list[UID]:
    uids = {listed.uid for listed in mirror.here.slots.list() if listed.size >= 0}
    return [UID(uid) for uid in sorted(uids)]


def _oldest_first(
    store: LocalStore, objects: dict[Digest, Held], older_than: float | None
) -> dict[Digest, Held]:
    """Sort objects by their last use: noted in the catalogue, or else their arrival here."""
    used = {
        digest: max(one.entry.modified, store.usage.last(digest)) for digest, one in objects.items()
    }
    limit = float("inf") if older_than is None else time.time() - older_than
    order = sorted((when, digest) for digest, when in used.items() if when <= limit)
    return {digest: objects[digest] for _, digest in order}


def _ask(
    remote: Remote, objects: Sequence[Held], only_here: set[Digest]
) -> Iterator[tuple[Held, bool]]:
    """Yield objects in order, each with whether it may go."""
    for start in range(0, len(objects), _ASK):
        some = objects[start : start + _ASK]
        answers = gather(
            lambda one: one.digest not in only_here and remote_has(remote, one),
            some,
            remote.workers,
        )
        yield from zip(some, answers, strict=True)


def _settle(store: LocalStore, one: Held, report: PurgeReport, *, may_go: bool) -> None:
    uids = [str(name.uid) for name in one.names]
    room = room_of(store, one)
    if not may_go:
        report.kept += uids
    elif report.dry_run or release(store, one):
        report.purged += uids
        report.bytes += room
        report.size -= room


def _size(folder: Path) -> int:
    """Return the bytes of all files below a folder, of those with several names once.

    Without the catalogue, whose size goes up and down by itself.
    """
    total = 0
    seen: set[tuple[int, int]] = set()
    todo = [str(folder)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith(CATALOG):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                        continue
                    status = entry.stat(follow_symlinks=False)
                    identity = (status.st_dev, status.st_ino)
                    if status.st_nlink > 1 and identity in seen:
                        continue
                    if status.st_nlink > 1:
                        seen.add(identity)
                    total += status.st_size
        except FileNotFoundError:  # others work here meanwhile
            continue
        except OSError as error:
            raise LocalStorageError(f"{error.filename}: {error.strerror}") from error
    return total
