"""Collecting garbage in a lake: in its remote, and in the local storage of this home."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from radops.data_lake.meter import stage
from radops.data_lake.reports import GCReport
from radops.errors import UsageError
from radops.repository.gc import Place, collect
from radops.repository.leftovers import clear_home, remove_leases
from radops.repository.local import TMP
from radops.repository.remote import read_marker

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from radops.data_lake.reports import Progress
    from radops.data_lake.session import Session
    from radops.repository.gc import Collected


def gc(
    session: Session, *, dry_run: bool, grace: float, where: str, progress: Progress | None
) -> GCReport:
    """Collect what nothing keeps; see `DataLake.gc`."""
    if not 0 <= grace < math.inf:
        raise UsageError(f"the grace is {grace} seconds, which is no time")
    if where not in ("all", "local", "remote"):
        raise UsageError(f"where is {where!r}", hint="use all, local or remote")
    if where == "remote" and session.mirror.remote is None:
        raise UsageError("this lake works without a remote")

    def telling(label: str) -> AbstractContextManager[Callable[[int, int], None]]:
        return stage(progress, label)

    report = GCReport(dry_run=dry_run, grace=grace)
    # The remote first: if it refuses, nothing is done anywhere.
    if where != "local":
        report.remote = _remote(session, grace, telling, dry_run=dry_run)
    if where != "remote":
        report.local = _local(session, grace, telling, dry_run=dry_run)
    return report


def _remote(
    session: Session,
    grace: float,
    telling: Callable[[str], AbstractContextManager[Callable[[int, int], None]]],
    *,
    dry_run: bool,
) -> Collected | None:
    marker = session.check_remote()
    remote = session.mirror.remote
    if remote is None or marker is None:
        return None
    marker.check_gc()
    # Before anything else, as it may be refused: that needs other rights than the rest.
    uploads = 0 if dry_run else remote.backend.remove_stale(grace)
    report = collect(
        Place(remote.backend, lambda: [remote], pending=False),
        grace=grace,
        dry_run=dry_run,
        scratch=session.store.root / TMP,
        telling=telling,
    )
    report.uploads = uploads
    report.leases = remove_leases(remote.backend, grace, dry_run=dry_run)
    return report


def _local(
    session: Session,
    grace: float,
    telling: Callable[[str], AbstractContextManager[Callable[[int, int], None]]],
    *,
    dry_run: bool,
) -> Collected | None:
    store = session.store
    marker = read_marker(session.storage)
    if marker is None:
        return None
    marker.check_gc()
    limit = session.storage.now() - grace
    report = collect(
        Place(
            session.storage,
            lambda: [lake.here for lake in session.all_lakes()],
            pending=True,
            forget=store.forget,
        ),
        grace=grace,
        dry_run=dry_run,
        scratch=store.root / TMP,
        telling=telling,
    )
    lakes = [lake.here for lake in session.all_lakes()]
    report.leases = sum(
        remove_leases(session.storage, grace, dry_run=dry_run, prefix=lake.prefix) for lake in lakes
    )
    report.leftovers = clear_home(store, lakes, limit, grace, dry_run=dry_run)
    return report
