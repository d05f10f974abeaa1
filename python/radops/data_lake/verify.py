"""Proving that what stands on this machine, or in the remote, is what was put there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from radops.data_lake import naming
from radops.data_lake.meter import stage
from radops.errors import (
    CorruptDataError,
    IntegrityError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDNotFoundError,
    UsageError,
)
from radops.model.pattern import is_pattern, literal_prefix, match
from radops.model.uid import UID, parse_prefix, parse_slot_key, parse_uid
from radops.repository import findings
from radops.repository.check import RecordCheck
from radops.repository.check_bytes import ByteCheck
from radops.repository.check_objects import read_objects
from radops.repository.check_remote import RemoteCheck
from radops.repository.check_store import check_store, slot_names
from radops.repository.check_sweep import SweepCheck
from radops.repository.findings import Finding
from radops.repository.journal import Journal
from radops.repository.repair import Repair
from radops.repository.repair_remote import RemoteRepair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from radops.data_lake.reports import Progress
    from radops.data_lake.session import Session
    from radops.repository.findings import Tally
    from radops.repository.slots import Slots

__all__ = ["Finding", "VerifyReport", "verify"]

# An error message that a person can still read; the report itself has them all.
_MOST_LISTED = 50


@dataclass(slots=True)
class VerifyReport:
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
    """Whether these are all. A quick check asks no remote, and one that does not answer cannot
    say; then only files that this machine has heard of are counted."""
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
        """Whether nothing is wrong, or nothing any more."""
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


def verify(
    session: Session,
    targets: Sequence[str],
    *,
    quick: bool,
    complete: bool,
    remote: bool,
    full: bool,
    repair: bool,
    progress: Progress | None,
    jobs: int | None,
) -> VerifyReport:
    """Verify a lake; see `DataLake.verify`."""
    began = time.monotonic()
    _check_options(session, quick=quick, complete=complete, remote=remote, full=full)
    if remote:
        report = VerifyReport(remote=True, full=full)
        _verify_remote(session, targets, report, repair=repair, progress=progress, jobs=jobs)
    else:
        report = VerifyReport(quick=quick, full=not quick)
        _verify_local(
            session, targets, report, complete=complete, repair=repair, progress=progress, jobs=jobs
        )
    report.findings.sort(key=lambda one: (not one.uids, one.uids, one.kind, one.path or ""))
    report.seconds = time.monotonic() - began
    return report


def _verify_local(
    session: Session,
    targets: Sequence[str],
    report: VerifyReport,
    *,
    complete: bool,
    repair: bool,
    progress: Progress | None,
    jobs: int | None,
) -> None:
    mirror = session.mirror
    check = RecordCheck(
        mirror,
        has_remote=session.settings.remote is not None,
        quick=report.quick,
        complete=complete,
    )
    sweep = SweepCheck(check, quick=report.quick, threads=jobs or 0)
    data = ByteCheck(check, quick=report.quick, threads=jobs or 0)
    try:
        with stage(progress, "reading records") as count:
            selection = _Selection(session, check, sweep, count, complete=complete)
            selection.take(targets)
            sweep.settle()
        report.not_local_known = selection.all_known
        (size, files), (more, others) = check.work.totals(), sweep.totals()
        with stage(progress, "verifying", size + more, files + others) as count:
            sweep.run(count)
            data.run(count)
        check.note()
        if not targets:
            check_store(check, sweep.strangers())
        found = check.tally.findings
        if repair and found:
            with stage(progress, "repairing") as count:
                hands = Repair(mirror, count)
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
    *,
    repair: bool,
    progress: Progress | None,
    jobs: int | None,
) -> None:
    if repair:
        session.prepare_write()
    session.check_remote()
    mirror = session.mirror
    remote = mirror.remote
    if remote is None:
        raise UsageError("there is no remote to verify", hint="radops config setup")
    check = RemoteCheck(mirror, remote, jobs or remote.workers)
    try:
        with stage(progress, "listing the remote"):
            _list_remote(check, targets)
        with stage(progress, "reading records", None, check.slot_count()) as count:
            check.read_slots(count)
        with stage(progress, "comparing"):
            if targets:
                check.ask_rest()
            else:
                check.list_rest()
            check.compare(everything=not targets)
        if report.full:
            place = f"{mirror.here.prefix}remote-check.journal"
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
        if repair and check.tally.findings:
            with stage(progress, "repairing") as count:
                hands = RemoteRepair(mirror, remote, count)
                hands.run(check.tally.findings)
            report.bytes_sent = hands.sent
    finally:
        check.work.close()
    report.take(check.tally)


def _list_remote(check: RemoteCheck, targets: Sequence[str]) -> None:
    for target in targets or ("",):
        start, chosen = _choice(target)
        found = check.list_slots(start, chosen)
        check.find_lost(start, chosen)
        if target and not found and not check.tally.findings:
            raise UIDNotFoundError(f"no file matches {target} in the remote", uid=target)


def _choice(target: str) -> tuple[str, Callable[[str], bool]]:
    """Return what to list for a target, and which of the names there are meant."""
    if is_pattern(target):
        return literal_prefix(target), lambda uid: match(target, UID(uid))
    if not target or target.endswith("/"):
        return parse_prefix(target), lambda _uid: True
    one = parse_uid(target)
    return one, lambda uid: uid == one


class _Selection:
    """Finds the files that are meant, without needing the remote where that can be."""

    def __init__(
        self,
        session: Session,
        check: RecordCheck,
        sweep: SweepCheck,
        count: Callable[[int, int], None],
        *,
        complete: bool,
    ) -> None:
        self._session = session
        self._mirror = session.mirror
        self._check = check
        self._sweep = sweep
        self._count = count
        self._quick = sweep.quick
        self._complete = complete
        self.all_known = True
        """Whether the remote said which files it has that are meant, where it had to be asked."""

    def take(self, targets: Sequence[str]) -> None:
        """Let the check look at all files that the targets mean; at everything if there is none.

        Raises:
            UIDNotFoundError: A target means no file, here or in the remote.
        """
        if not targets:
            self._take_all()
        for target in targets:
            if is_pattern(target) or not target or target.endswith("/"):
                self._take_many(target, alone=len(targets) == 1)
            else:
                self._take_one(parse_uid(target))

    def _take_all(self) -> None:
        for name in slot_names(self._check, self._sweep.read("", self._count)):
            if name.gone or name.number:
                self._check.check_slot(name.uid, name.number, gone=name.gone)
            else:
                self._count(0, int(self._check.take(name.uid)))
        try:
            for kept in self._session.pending.all():
                for record in kept.draft.records:
                    self._check.take_kept(record.uid, kept.draft.objects)
        except CorruptDataError as error:
            path = f"{self._mirror.here.prefix}pending"
            hint = "run what made it again, and remove the file"
            self._check.tally.find(findings.RECORD, error.message, hint, path=path)
        self._take_remote("", None)

    def _take_many(self, target: str, *, alone: bool) -> None:
        pattern = target if is_pattern(target) else None
        start = literal_prefix(pattern) if pattern else parse_prefix(target)
        if alone and pattern is None:
            uids = _left(self._sweep.read(start, self._count))
        else:
            uids = _names(self._mirror.here.slots, start, pattern)
        any_here = False
        for uid in uids:
            if self._check.take(uid):
                self._count(0, 1)
                any_here = True
        any_here = any_here or self._sweep.totals() != (0, 0)
        any_there = self._take_remote(start, pattern, needed=not any_here)
        if not (any_here or any_there):
            raise UIDNotFoundError(f"no file matches {target}", uid=target)

    def _take_remote(self, start: str, pattern: str | None, *, needed: bool = False) -> bool:
        """Note files that only the remote knows: a listing of names, no request per file.

        It can do without, unless all must be here or none is.
        """
        remote = self._mirror.remote
        needed = needed or self._complete
        if remote is None or (self._quick and not needed):
            self.all_known &= self._session.settings.remote is None
            return False
        try:
            for slot in remote.slots.list(start):
                if pattern is None or match(pattern, UID(slot.uid)):
                    self._check.work.add_listed(slot)
        except (RemoteUnavailableError, RemoteRefusedError):
            if needed:
                raise
            self.all_known = False
            return False
        found = False
        for uid in self._check.work.only_listed():
            found = True
            self._not_local(uid)
        return found

    def _take_one(self, uid: UID) -> None:
        if self._check.take(uid):
            self._count(0, 1)
            return
        naming.select(self._mirror, [uid])  # says so if there is none
        self._session.remember_quietly()
        # Its record is here now; of a commit with others it may not be enough to say more.
        if not self._check.take(uid):
            self._not_local(uid)

    def _not_local(self, uid: UID) -> None:
        self._check.work.add_file(uid)
        self._check.tally.not_local += 1
        if self._complete:
            self._check.not_local(uid)


def _left(entries: Iterable[tuple[str, bool]]) -> Iterator[UID]:
    for key, regular in entries:
        name = parse_slot_key(key)
        if name is not None and regular and name.number == 0 and not name.gone:
            yield name.uid


def _names(slots: Slots, start: str, pattern: str | None) -> Iterator[UID]:
    for slot in slots.list(start):
        uid = UID(slot.uid)
        if slot.number == 0 and not slot.gone and (pattern is None or match(pattern, uid)):
            yield uid


def _check_options(
    session: Session, *, quick: bool, complete: bool, remote: bool, full: bool
) -> None:
    """Refuse options that mean nothing together.

    Raises:
        UsageError: They do; or there is no remote to verify.
        RemoteUnavailableError: The lake is used offline.
    """
    if full and not remote:
        raise UsageError("full is about the remote: here all is read unless quick", hint="--remote")
    if not remote:
        return
    if quick or complete:
        raise UsageError(
            f"{'quick' if quick else 'complete'} is about this machine, not the remote"
        )
    if session.settings.remote is None:
        raise UsageError("there is no remote to verify", hint="radops config setup")
    if session.settings.offline:
        raise RemoteUnavailableError("verifying the remote needs it", hint="leave out --offline")
