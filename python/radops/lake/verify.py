"""Verifying that what is on this machine, or in the remote, is what was put there."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from radops.arguments import check_names
from radops.errors import (
    IntegrityError,
    RadopsError,
    RemoteUnavailableError,
    UsageError,
)
from radops.lake.progress import stage, stage_if_slow
from radops.lake.verify_targets import LocalSelection, list_remote
from radops.notebook import ShownAsTable
from radops.repository.trees.parts import MAX_PART_SIZE
from radops.repository.trees.tree import Tree
from radops.repository.verify.directories import DirectoryCheck
from radops.repository.verify.findings import Finding, Tally
from radops.repository.verify.hits import is_about_bytes, name_hits
from radops.repository.verify.journal import Journal
from radops.repository.verify.notes import check_notes
from radops.repository.verify.records import RecordCheck
from radops.repository.verify.remote import RemoteCheck
from radops.repository.verify.remote_objects import read_objects
from radops.repository.verify.repair import Repair
from radops.repository.verify.repair_remote import RemoteRepair
from radops.repository.verify.store import check_store
from radops.repository.verify.stored_bytes import ByteCheck
from radops.repository.verify.sweep import SweepCheck

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops import native
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.working_lake import WorkingLake

__all__ = ["Finding", "VerifyReport", "verify"]

# Findings in an error message, so that it stays readable; the report itself has them all.
_MOST_LISTED = 50


@dataclass(slots=True)
class VerifyReport(ShownAsTable):
    """What a verification looked at, and what it found."""

    remote: bool = False
    """Whether the remote was verified, not this machine."""
    quick: bool = False
    """Whether files that did not change since their last check were trusted."""
    full: bool = False
    """Whether all bytes were read: always here, unless `quick`; of a remote only on demand."""
    files: int = 0
    """Files whose bytes were checked."""
    objects: int = 0
    """Objects behind them; files with equal bytes share one."""
    bytes: int = 0
    """Bytes of these objects."""
    trusted: int = 0
    """Files and views that were not read, as nothing changed since their last check."""
    resumed: int = 0
    """Objects of a remote that an earlier run, cut short, had read already."""
    not_local: int = 0
    """Files that are only in the remote; findings where all were to be here."""
    not_local_known: bool = True
    """Whether these are all. A quick check does not query the remote, and a remote may not answer;
    then only files that this machine has seen are counted."""
    seconds: float = 0.0
    bytes_fetched: int = 0
    """Bytes of objects that a repair fetched from the remote."""
    bytes_sent: int = 0
    """Bytes of objects that a repair sent to the remote."""
    findings: list[Finding] = field(default_factory=list)
    """Everything that was not as it should be, also what was repaired."""

    @property
    def problems(self) -> list[Finding]:
        """What is still wrong."""
        return [finding for finding in self.findings if not finding.repaired]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, or everything was repaired."""
        return not self.problems

    def take(self, tally: Tally) -> None:
        """Take over what a check counted and found."""
        for name in ("files", "objects", "bytes", "trusted", "resumed", "not_local", "findings"):
            setattr(self, name, getattr(tally, name))

    def raise_for_problems(self) -> None:
        """Do nothing if all is well.

        Raises:
            IntegrityError: Something is wrong; the message lists it.
        """
        problems = self.problems
        if not problems:
            return
        lines = [f"{one.subject}: {one.message}" for one in problems[:_MOST_LISTED]]
        if len(problems) > _MOST_LISTED:
            lines.append(f"and {len(problems) - _MOST_LISTED:,} more")
        count = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
        raise IntegrityError(
            "\n  ".join([f"verification found {count}:", *lines]),
            uid=next((uid for one in problems for uid in one.uids), None),
            hint=problems[0].hint,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyOptions:
    """How to verify; the fields are the arguments of `DataLake.verify`."""

    quick: bool = False
    complete: bool = False
    remote: bool = False
    full: bool = False
    repair: bool = False
    progress: Progress | None = None
    jobs: int | None = None


def verify(session: Session, targets: Sequence[str], options: VerifyOptions) -> VerifyReport:
    """Verify a lake; see `DataLake.verify`."""
    began = time.monotonic()
    check_names(targets)
    _check_options(session, options)
    if options.remote:
        report = VerifyReport(remote=True, full=options.full)
        _verify_remote(session, targets, report, options)
    else:
        report = VerifyReport(quick=options.quick, full=not options.quick)
        _verify_local(session, targets, report, options)
    report.findings.sort(key=lambda one: (not one.uids, one.uids, one.kind, one.path or ""))
    report.seconds = time.monotonic() - began
    return report


def _verify_local(
    session: Session,
    targets: Sequence[str],
    report: VerifyReport,
    options: VerifyOptions,
) -> None:
    lake = session.lake
    progress, jobs = options.progress, options.jobs
    directories = DirectoryCheck(session.store, Tally(), full=options.full, threads=jobs or 0)
    check = RecordCheck(
        lake,
        directories,
        has_remote=session.settings.remote is not None,
        quick=report.quick,
        complete=options.complete,
    )
    sweep = SweepCheck(check, quick=report.quick, threads=jobs or 0)
    data = ByteCheck(check, quick=report.quick, threads=jobs or 0)
    try:
        with stage(progress, "reading records") as count:
            selection = LocalSelection(session, check, sweep, count, complete=options.complete)
            selection.take(targets)
            sweep.settle()
        report.not_local_known = selection.all_known
        (size, files), (more, others) = check.work.totals(), sweep.totals()
        with stage(progress, "verifying", size + more, files + others) as count:
            sweep.run(count)
            data.run(count)
        if not report.quick:
            with stage_if_slow(progress, "verifying layouts") as count:
                directories.prove(count)
        directories.name_hits()
        check.note()
        if not targets:
            check_store(check, sweep.strangers())
            check_notes(lake.local, check.tally)
        found = check.tally.findings
        if options.repair and found:
            with stage(progress, "repairing") as count:
                hands = Repair(lake, count, directories.seen)
                hands.run(found)
            report.bytes_fetched = hands.fetched
    finally:
        check.work.close()
    report.take(check.tally)
    for finding in found:
        if finding.path is not None:
            finding.path = str(session.store.root / finding.path)


def _verify_remote(
    session: Session,
    targets: Sequence[str],
    report: VerifyReport,
    options: VerifyOptions,
) -> None:
    progress, jobs = options.progress, options.jobs
    if options.repair:
        session.prepare_write()
    session.check_remote()
    lake = session.lake
    remote = lake.remote
    if remote is None:
        raise UsageError("there is no remote to verify", hint="radops config setup")
    check = RemoteCheck(lake, remote, jobs or remote.workers)
    try:
        with stage(progress, "listing the remote"):
            list_remote(check, targets)
        with stage(progress, "reading records", None, check.slot_count()) as count:
            check.read_slots(count)
        with stage(progress, "comparing"):
            if targets:
                check.ask_rest()
            else:
                check.list_rest()
                check_notes(remote, check.tally)
            check.compare(everything=not targets)
        if report.full:
            place = lake.local_key("remote-check.journal")
            journal = None if targets else Journal(session.store.root / place, remote.backend.url)
            tally = check.tally
            with stage(progress, "verifying", tally.bytes, tally.objects) as count:
                try:
                    read_objects(check, journal, count)
                except BaseException:
                    if journal is not None:
                        journal.close()
                    raise
            if journal is not None:
                journal.finish()
        _name_remote_hits(lake, check)
        if options.repair and check.tally.findings:
            with stage(progress, "repairing") as count:
                hands = RemoteRepair(lake, remote, count, list(check.directories))
                hands.run(check.tally.findings)
            report.bytes_sent = hands.sent
    finally:
        check.work.close()
    report.take(check.tally)


def _name_remote_hits(lake: WorkingLake, check: RemoteCheck) -> None:
    """Note in findings which files in directories they hit; tables of contents may be fetched."""
    found = check.tally.findings
    if not any(map(is_about_bytes, found)):
        return

    def trees() -> Iterator[tuple[str, native.TreeReader]]:
        for (root, layout), uid in check.directories.items():
            with contextlib.suppress(RadopsError):
                size = lake.reader.bring(root, MAX_PART_SIZE)
                tree = Tree(lake.reader, lake.store, root, size, layout)
                opened = tree.opened
                with contextlib.suppress(RadopsError):  # a page that is damaged, say
                    tree.fetch_pages()
                yield uid, opened

    name_hits(found, trees())


def _check_options(session: Session, options: VerifyOptions) -> None:
    """Refuse options that contradict each other.

    Raises:
        UsageError: They do; or there is no remote to verify.
        RemoteUnavailableError: The lake is used offline.
    """
    if options.full and options.quick:
        raise UsageError(
            "full and quick exclude each other: full reads everything, quick only what changed"
        )
    if not options.remote:
        return
    if options.quick or options.complete:
        raise UsageError(
            f"{'quick' if options.quick else 'complete'} is about this machine, not the remote"
        )
    if session.settings.remote is None:
        raise UsageError("there is no remote to verify", hint="radops config setup")
    if session.settings.offline:
        raise RemoteUnavailableError(
            "the remote cannot be verified offline", hint="leave out --offline (RADOPS_OFFLINE)"
        )
