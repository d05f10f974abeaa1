"""Collecting garbage in a lake: in its remote, and in the local storage of this home."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from radops.arguments import check_flags, check_number
from radops.errors import UsageError
from radops.lake.progress import stage
from radops.lake.reports import GCReport
from radops.repository import layout
from radops.repository.gc.collect import collect
from radops.repository.gc.leftovers import clear_home, remove_leases
from radops.repository.gc.notes import collect_notes
from radops.repository.gc.target import Target
from radops.repository.objects.store import TMP
from radops.repository.refs.remote import read_marker
from radops.repository.trees.kept import KeptFiles

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.gc.target import Collected
    from radops.repository.progress import Count, Stages

# What has keys like these is uploaded, or copied, in parts. Other programs may use the bucket too.
_UPLOADED = (layout.OBJECTS, layout.TRASH)


def gc(
    session: Session, *, dry_run: bool, grace: float, where: str, progress: Progress | None
) -> GCReport:
    """Collect what nothing keeps; see `DataLake.gc`."""
    check_number(grace, "grace", least=0, unit="seconds")
    check_flags(dry_run=dry_run)
    if grace == math.inf:
        raise UsageError(f"grace is {grace}: it must be a finite number of seconds, 0 or more")
    if where not in ("all", "local", "remote"):
        raise UsageError(f"where is {where!r}", hint="use all, local or remote")
    if where == "remote" and session.lake.remote is None:
        raise UsageError("this lake works without a remote")

    def stages(label: str) -> AbstractContextManager[Count]:
        return stage(progress, label)

    report = GCReport(dry_run=dry_run, grace=grace)
    # The remote first: if it refuses, nothing is done anywhere.
    if where != "local":
        report.remote = _remote(session, grace, stages, dry_run=dry_run)
    if where != "remote":
        report.local = _local(session, grace, stages, dry_run=dry_run)
    return report


def _remote(
    session: Session,
    grace: float,
    stages: Stages,
    *,
    dry_run: bool,
) -> Collected | None:
    marker = session.check_remote()
    remote = session.lake.remote
    if remote is None or marker is None:
        return None
    marker.check_gc()
    # Before anything else, as it may be refused: that needs other rights than the rest.
    uploads = 0 if dry_run else remote.backend.remove_stale(grace, _UPLOADED)
    report = collect(
        Target(remote.backend, lambda: [remote], pending=False),
        grace=grace,
        dry_run=dry_run,
        scratch=session.store.root / TMP,
        stages=stages,
    )
    report.uploads = uploads
    report.leases = remove_leases(remote.backend, grace, dry_run=dry_run)
    report.notes = collect_notes(remote, grace, dry_run=dry_run)
    return report


def _local(
    session: Session,
    grace: float,
    stages: Stages,
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
        Target(
            session.storage,
            lambda: [lake.local for lake in session.all_lakes()],
            pending=True,
            forget=store.forget,
            kept=lambda: KeptFiles(session.storage),
            confirmed=lambda slot, record: store.catalog.confirmed_at(slot, record) is not None,
        ),
        grace=grace,
        dry_run=dry_run,
        scratch=store.root / TMP,
        stages=stages,
    )
    lakes = [lake.local for lake in session.all_lakes()]
    report.leases = sum(
        remove_leases(session.storage, grace, dry_run=dry_run, prefix=lake.prefix) for lake in lakes
    )
    report.notes = sum(collect_notes(lake, grace, dry_run=dry_run) for lake in lakes)
    report.leftovers += clear_home(store, lakes, limit, grace, dry_run=dry_run)
    from radops.lake.directory.bucket_journal import (  # noqa: PLC0415 - slow; rarely needed
        clear_abandoned,
    )

    prefixes = [lake.prefix for lake in lakes]
    report.leftovers += len(clear_abandoned(store.root, prefixes, grace, dry_run=dry_run))
    return report
