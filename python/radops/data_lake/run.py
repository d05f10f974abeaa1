"""A creator while it runs: which files it may make, and which it has made."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

from radops.errors import CreatorError
from radops.model.uid import UID, parse_uid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from radops.data_lake.lake import DataLake
    from radops.model.digest import Digest
    from radops.model.record import FileRecord
    from radops.repository.local import Staged

running: ContextVar[Run | None] = ContextVar("radops_creator", default=None)


class Run:
    """One call of a creator. Thread-safe: the function may use threads.

    Args:
        lake: Where its files go.
        function: Its name, for messages.
        key: The key of the call; None where all outputs are named.
        allowed: The UIDs it was given to make; None if it names none, so that all are implicit.
    """

    def __init__(
        self, lake: DataLake, function: str, key: Digest, allowed: Sequence[UID] | None
    ) -> None:
        self.lake = lake
        self.function = function
        self.key = key
        self.allowed = allowed
        self.staged: dict[UID, Staged] = {}
        self.reads: dict[UID, FileRecord] = {}
        self._implicit = 0
        self._open: set[UID] = set()
        self._lock = threading.Lock()

    def implicit(self, suffix: str) -> UID:
        """Return the UID of the next output that was not given one."""
        if self.allowed is not None:
            raise CreatorError(
                f"{self.function} was given output UIDs, so it cannot make a File without one",
                hint="use the UIDs that it was given",
            )
        with self._lock:
            number = self._implicit
            self._implicit += 1
        return parse_uid(f".generated_uids/{self.key}_{number}{suffix}")

    def begin(self, uid: UID) -> None:
        """Check that the function may write this file now.

        Raises:
            CreatorError: It was not given that UID, or wrote it already.
        """
        mine = uid in self.allowed if self.allowed is not None else self._is_implicit(uid)
        if not mine:
            given = ", ".join(self.allowed) if self.allowed else "none"
            raise CreatorError(
                f"{self.function} writes {uid}, which it was not given as output_uid"
                f" (it was given: {given})",
                uid=uid,
                hint='pass it as "output_uid" or "output_uids", or use File() without a UID',
            )
        with self._lock:
            if uid in self.staged or uid in self._open:
                raise CreatorError(f"{self.function} writes {uid} twice", uid=uid)
            self._open.add(uid)

    def _is_implicit(self, uid: UID) -> bool:
        return uid.startswith(f".generated_uids/{self.key}_")

    def accept(self, uid: UID, path: Path) -> None:
        """Take a finished file; it is published when the function ends."""
        staged = self.lake.session.store.stage_written(path)
        with self._lock:
            self._open.discard(uid)
            self.staged[uid] = staged

    def give_up(self, uid: UID) -> None:
        """Note that a file was discarded; it may be written anew."""
        with self._lock:
            self._open.discard(uid)

    def note_read(self, uid: UID, record: FileRecord) -> None:
        """Note that the function opened a lake file."""
        with self._lock:
            self.reads.setdefault(uid, record)

    def discard(self) -> None:
        """Remove everything that was made."""
        self.lake.session.store.discard(self.staged.values())
