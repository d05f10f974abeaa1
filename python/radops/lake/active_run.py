"""A creator while it runs: which files it may make, which it has made, and what it read.

`Run` lives in the process in which the creator was called; all its threads share it. `ChildRun`
represents it in the processes that the creator has started; both meet in an `Exchange`.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from radops.backends.forking import Owner
from radops.errors import CreatorError, RadopsError
from radops.format.uid import UID, parse_uid
from radops.lake.allowed_outputs import check_allowed, ended, implicit_prefix
from radops.lake.exchange import Exchange
from radops.lake.unstored import kept_unless_stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.format.digest import Digest
    from radops.format.record import FileRecord
    from radops.lake.session import Session
    from radops.repository.objects.store import Staged
    from radops.repository.refs.slots import Taken
    from radops.repository.trees.intake import TakenIn

_LOG = logging.getLogger("radops")

INSIDE = "RADOPS_INSIDE"
"""Set while a creator runs, so that the programs it starts know that they were started in one."""

BORN_INSIDE = os.environ.get(INSIDE, "")
"""The creator in which this process was started, according to its environment."""

_lock = threading.Lock()
_active: dict[int, Run] = {}
_by_folder: WeakValueDictionary[str, Run] = WeakValueDictionary()


class Reading(NamedTuple):
    """A lake file that a function opened."""

    record: FileRecord
    """Its record, or that of the directory that holds it."""
    inner: str | None
    """The path in the directory; None for a whole file or directory."""
    digest: Digest


class Run:
    """One call of a creator. Thread-safe: the function may use threads.

    Args:
        session: The lake that its files go to.
        function: Its name, for messages.
        key: The key of the call.
        allowed: The UIDs it was given to make; None if it names none, so that all are implicit.
    """

    def __init__(
        self, session: Session, function: str, key: Digest, allowed: Sequence[UID] | None
    ) -> None:
        self.session = session
        self.function = function
        self.allowed = allowed
        self.staged: dict[UID, Staged] = {}
        self.directories: dict[UID, TakenIn] = {}
        self.reads: dict[tuple[UID, str], Reading] = {}
        self.bases: Sequence[Taken] = ()
        """The directories among the arguments, whose packs the outputs may use."""
        self._key = key
        self._implicit = 0
        self._open: set[UID] = set()
        self._over = False
        self._lock = threading.RLock()
        self._owner = Owner()
        self._exchange = Exchange(session.store.temporary())
        _by_folder[str(self._exchange.folder)] = self

    # -- begin and end ---------------------------------------------------------------------------

    def begin_call(self) -> None:
        """Note that the function runs from now on."""
        with _lock:
            _active[id(self)] = self
            os.environ[INSIDE] = f"{self.function} (process {os.getpid()})"

    def end_call(self) -> None:
        """Note that the function has ended."""
        with _lock:
            if _active.pop(id(self), None) is not None and not _active:
                os.environ.pop(INSIDE, None)
                if BORN_INSIDE:
                    os.environ[INSIDE] = BORN_INSIDE

    @property
    def is_mine(self) -> bool:
        """Whether this is the process that called the creator, not one that was forked from it."""
        return self._owner.is_this_process()

    def finish(self) -> None:
        """Take what other processes handed over. Nothing can be written from now on.

        Raises:
            CreatorError: It ends in a forked child, or a file is still being written, or was
                written by two processes.
        """
        if not self.is_mine:
            raise CreatorError(
                f"{self.function} ends in a forked child, and only its own process can publish",
                hint="end the child with os._exit(0)",
            )
        with self._lock:
            self._over = True
            self._exchange.close()
            for uid, path, executables in self._exchange.handed_over():
                if self._is_begun(uid):
                    raise CreatorError(f"{self.function} writes {uid} twice", uid=uid)
                # Its bytes are hashed here, where they lie, as those of all outputs.
                mine = self.session.store.temporary()
                path.rename(mine)
                with kept_unless_stored(self.session, uid, mine):
                    if not mine.is_dir():
                        self.staged[uid] = self.session.store.stage_written(mine)
                        continue
                    from radops.lake.directory.taking import take_folder  # noqa: PLC0415 - rarely needed

                    self.directories[uid] = take_folder(
                        self.session, mine, self.bases, executables=executables
                    )
                shutil.rmtree(mine, ignore_errors=True)
            for record, inner in self._exchange.reads():
                self._note(record, inner)
            self._exchange.remove()
            if self._open:
                uid = min(self._open)
                raise CreatorError(
                    f"{self.function} has ended while {uid} is still being written",
                    uid=uid,
                    hint="wait for the threads that write: thread.join()",
                )

    def discard(self) -> None:
        """Remove everything that was made, except what was published."""
        if self.is_mine:
            with self._lock:
                self._over = True
                self.session.store.discard(self.staged.values())
                self._exchange.close()
                self._exchange.remove()

    # -- files -----------------------------------------------------------------------------------

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
        return parse_uid(f"{implicit_prefix(str(self._key))}{number}{suffix}")

    def begin(self, uid: UID) -> None:
        """Check that the function may write this file now.

        Raises:
            CreatorError: It was not given that UID, or wrote it already, or has ended.
        """
        check_allowed(self.function, uid, self.allowed, str(self._key))
        with self._lock:
            self._check_running(uid)
            if self._is_begun(uid) or (self._exchange.is_open and not self._exchange.claim(uid)):
                raise CreatorError(f"{self.function} writes {uid} twice", uid=uid)
            self._open.add(uid)

    def _is_begun(self, uid: UID) -> bool:
        return uid in self.staged or uid in self.directories or uid in self._open

    def _check_running(self, uid: UID) -> None:
        if self._over:
            raise ended(self.function, uid)

    def accept(self, uid: UID, path: Path) -> None:
        """Take a finished file; it is published when the function ends."""
        staged = self.session.store.stage_written(path)
        with self._lock:
            self._check_running(uid)
            self._open.discard(uid)
            self.staged[uid] = staged

    def accept_folder(self, uid: UID, folder: Path, bases: Sequence[Taken]) -> None:
        """Take a finished directory; it is published when the function ends.

        Args:
            uid: Its name.
            folder: What it holds.
            bases: The directory that it was made of by changes, if there is one.
        """
        from radops.lake.directory.taking import take_folder  # noqa: PLC0415 - rarely needed

        known = {(one.uid, one.number) for one in self.bases}
        self.bases = [*self.bases, *(one for one in bases if (one.uid, one.number) not in known)]
        taken = take_folder(self.session, folder, self.bases, executables=bool(bases))
        with self._lock:
            self._check_running(uid)
            self._open.discard(uid)
            self.directories[uid] = taken

    def give_up(self, uid: UID) -> None:
        """Note that a file was discarded; it may be written again."""
        with self._lock:
            self._open.discard(uid)
            if self._exchange.is_open:
                self._exchange.give_up(uid)

    def written(self, uid: UID) -> Path | None:
        """Return an output as the function has written it; None if it has not."""
        staged = self.staged.get(uid)
        return self._exchange.written(uid) if staged is None else staged.path

    def note_read(self, record: FileRecord, inner: tuple[str, Digest] | None = None) -> None:
        """Note that the function opened a lake file, or one in a directory.

        Args:
            record: Its record, or that of the directory.
            inner: Path in the directory, and digest.
        """
        with self._lock:
            self._note(record, inner)

    def _note(self, record: FileRecord, inner: tuple[str, Digest] | None) -> None:
        if inner is None:
            self.reads.setdefault((record.uid, ""), Reading(record, None, record.digest))
        elif (record.uid, "") not in self.reads:  # the whole directory covers its files
            self.reads.setdefault((record.uid, inner[0]), Reading(record, *inner))

    # -- child processes -------------------------------------------------------------------------

    def share(self) -> None:
        """Make ready for child processes."""
        with self._lock:
            if not self._over and not self._exchange.is_open:
                begun = [*self.staged, *self.directories, *self._open]
                self._exchange.open(self.function, self._key, self.allowed, begun)

    def child(self) -> ChildRun:
        """Return what represents this run in a forked child."""
        return child_run(self.session, str(self._exchange.folder), self.staged)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.is_mine:
            self.share()
        return _restore, (self.session, str(self._exchange.folder))


class ChildRun:
    """A running creator, in a process that it has started.

    Args:
        session: The lake that its files go to.
        folder: Where the processes of the creator meet.
        staged: What the creator had written before this process was forked.
    """

    def __init__(self, session: Session, folder: str, staged: dict[UID, Staged]) -> None:
        self.session = session
        self._exchange = Exchange(Path(folder))
        self._staged = staged
        self.function, self._key, self._allowed = self._exchange.describe() or ("", "", None)

    is_mine = True

    def implicit(self, suffix: str) -> UID:  # noqa: ARG002 - as in `Run`
        """Refuse: only the creator's own process can count its outputs."""
        raise CreatorError(
            f"{self.function or 'a creator'} makes a File without a UID in another process",
            hint="make it in the creator itself, and pass it to the process",
        )

    def begin(self, uid: UID) -> None:
        """Check that the function may write this file now; see `Run.begin`."""
        if not self._exchange.is_open:
            raise ended(self.function or "the creator", uid)
        check_allowed(self.function, uid, self._allowed, self._key)
        if uid in self._staged or not self._exchange.claim(uid):
            raise CreatorError(f"{self.function} writes {uid} twice", uid=uid)

    def accept(self, uid: UID, path: Path) -> None:
        """Hand a finished file over to the creator's process."""
        self._hand_over(uid, path)

    def accept_folder(self, uid: UID, folder: Path, bases: Sequence[Taken]) -> None:
        """Hand a finished directory over to the creator's process."""
        self._hand_over(uid, folder, executables=bool(bases))

    def _hand_over(self, uid: UID, path: Path, *, executables: bool = False) -> None:
        if not self._exchange.is_open:
            raise ended(self.function, uid)
        self._exchange.hand_over(uid, path, executables=executables)

    def give_up(self, uid: UID) -> None:
        """Note that a file was discarded; it may be written again."""
        self._exchange.give_up(uid)

    def written(self, uid: UID) -> Path | None:
        """Return an output as the creator has written it; None if it has not."""
        staged = self._staged.get(uid)
        return self._exchange.written(uid) if staged is None else staged.path

    def note_read(self, record: FileRecord, inner: tuple[str, Digest] | None = None) -> None:
        """Note that the function opened a lake file; see `Run.note_read`."""
        if self._exchange.is_open:
            self._exchange.note_read(record, inner)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.session, str(self._exchange.folder))


def active() -> list[str]:
    """Return the names of the creators that run in this process."""
    with _lock:
        return sorted({run.function for run in _active.values()})


def is_over(run: Run | ChildRun) -> bool:
    """Return whether a creator that was passed on to other processes has ended."""
    return not run._exchange.is_open  # noqa: SLF001 - of both classes


_children: dict[tuple[int, str], ChildRun] = {}


def child_run(session: Session, folder: str, staged: dict[UID, Staged]) -> ChildRun:
    """Return what represents a run in this process, made once."""
    place = (os.getpid(), folder)
    found = _children.get(place)
    if found is None:
        _children.clear()  # of earlier runs
        found = _children.setdefault(place, ChildRun(session, folder, staged))
    return found


def _restore(session: Session, folder: str) -> Run | ChildRun:
    run = _by_folder.get(folder)
    return run if run is not None and run.is_mine else child_run(session, folder, {})


def _before_fork() -> None:
    with _lock:
        running = list(_active.values())
    for run in running:
        _share(run)


def _share(run: Run) -> None:
    try:
        run.share()
    except (OSError, RadopsError):  # the fork is the program's own, and need not use radops
        _LOG.debug("%s cannot be passed on to a forked child", run.function, exc_info=True)


def _after_fork() -> None:
    """A child starts out with none of its parent's runs; those it belongs to it looks up."""
    global _lock  # noqa: PLW0603 - one for each process
    _lock = threading.Lock()
    _active.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
