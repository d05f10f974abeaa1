"""Which files a verification looks at: those that its targets mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import (
    CorruptDataError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDNotFoundError,
)
from radops.format.pattern import is_pattern, literal_prefix, match
from radops.format.uid import UID, parse_prefix, parse_slot_key, parse_uid
from radops.lake import naming
from radops.repository.verify import findings
from radops.repository.verify.store import slot_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from radops.lake.session import Session
    from radops.repository.progress import Count
    from radops.repository.refs.slots import Slots
    from radops.repository.verify.records import RecordCheck
    from radops.repository.verify.remote import RemoteCheck
    from radops.repository.verify.sweep import SweepCheck


def list_remote(check: RemoteCheck, targets: Sequence[str]) -> None:
    """Let a check of the remote list the slots that the targets mean; all if there is none.

    Raises:
        UIDNotFoundError: A target means no file in the remote.
    """
    for target in targets or ("",):
        start, chosen = _choice(target)
        found = check.list_slots(start, chosen)
        check.find_lost(start, chosen)
        if target and not found and not check.tally.findings:
            raise UIDNotFoundError(
                f"no file or directory matches {target} in the remote", uid=target
            )


def _choice(target: str) -> tuple[str, Callable[[str], bool]]:
    """Return what to list for a target, and which of the names there are meant."""
    if is_pattern(target):
        return literal_prefix(target), lambda uid: match(target, UID(uid))
    if not target or target.endswith("/"):
        return parse_prefix(target), lambda _uid: True
    one = parse_uid(target)
    return one, lambda uid: uid == one


class LocalSelection:
    """Finds the files that are meant, without needing the remote where that can be.

    Args:
        session: The lake.
        check: Takes the files.
        sweep: Confirms files before the check looks at them.
        count: Called with the files that need no further check.
        complete: Whether all files must be on this machine.
    """

    def __init__(
        self,
        session: Session,
        check: RecordCheck,
        sweep: SweepCheck,
        count: Count,
        *,
        complete: bool,
    ) -> None:
        self._session = session
        self._lake = session.lake
        self._check = check
        self._sweep = sweep
        self._count = count
        self._quick = sweep.quick
        self._complete = complete
        self.all_known = True
        """Whether the remote listed its files that are meant, where it had to be asked."""

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
            path = self._lake.local_key("pending")
            hint = "run what made it again, and remove the file"
            self._check.tally.find(findings.RECORD, error.message, hint, path=path)
        self._take_remote("", None)

    def _take_many(self, target: str, *, alone: bool) -> None:
        pattern = target if is_pattern(target) else None
        start = literal_prefix(pattern) if pattern else parse_prefix(target)
        if alone and pattern is None:
            uids = _left(self._sweep.read(start, self._count))
        else:
            uids = _names(self._lake.local.slots, start, pattern)
        any_here = False
        for uid in uids:
            if self._check.take(uid):
                self._count(0, 1)
                any_here = True
        any_here = any_here or self._sweep.totals() != (0, 0)
        any_there = self._take_remote(start, pattern, needed=not any_here)
        if not (any_here or any_there):
            raise UIDNotFoundError(f"no file or directory matches {target}", uid=target)

    def _take_remote(self, start: str, pattern: str | None, *, needed: bool = False) -> bool:
        """Note files that are only in the remote: a listing of names, no request per file.

        It can do without, unless all must be here or none is.
        """
        remote = self._lake.remote
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
        naming.select(self._lake, [uid])  # raises if there is none
        self._session.remember_quietly()
        # Its record is here now; for a commit of several outputs it may not be enough.
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
