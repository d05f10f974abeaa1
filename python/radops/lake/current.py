"""What the code that runs belongs to: a lake, and perhaps a running creator.

There is one rule. Work that is started inside `use()` or inside a creator belongs to it: in
threads, pools and processes of the standard library by `inherit.py`, elsewhere by a `File` that
is pickled along, or by `contextvars.copy_context()`. Where nothing is known, in a thread that was
there before or in a program that was started by a creator, writing is refused.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
from typing import TYPE_CHECKING

import msgspec

from radops.errors import CreatorError, UsageError
from radops.lake import active_run, inherit
from radops.lake.session import Session, open_session
from radops.loaded import loaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.format.record import FileRecord
    from radops.lake.active_run import ChildRun, Run

# The variables that say which lake is the default one: when one changes, so does the lake.
_VARIABLES = (
    "HOME",
    "RADOPS_HOME",
    "RADOPS_CONTEXT",
    "RADOPS_REMOTE",
    "RADOPS_S3_ENDPOINT_URL",
    "RADOPS_EMAIL",
    "RADOPS_OFFLINE",
    "RADOPS_ON_CODE_CHANGE",
    "RADOPS_LEASE_SECONDS",
    "RADOPS_CACHE_SIZE",
)

_HINT = (
    "run it in a thread or process that is started there, or by"
    " contextvars.copy_context().run(...); if it does not belong there: with lake.use(): ..."
)


class Scope(msgspec.Struct, frozen=True):
    """What code belongs to. Pickled, it is the same in another process of this machine."""

    session: Session | None = None
    """The lake that `use()` chose; None for the configured one."""
    run: Run | ChildRun | None = None
    """The creator that runs; None outside."""
    sure: bool = True
    """Whether it is known that no other creator is meant. A thread that was started outside of
    creators may take work from one by a queue."""

    @staticmethod
    def of_creator() -> Scope | None:
        """Return the scope of the code that runs if it belongs to a creator, to be passed on."""
        found = scope()
        return None if found is None or found.run is None else found

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Make the code in a `with` block belong to it, if its creator runs and no other does."""
        run = in_this_process(self.run)
        if run is None or active_run.is_over(run) or current_run() is not None:
            yield
            return
        with _entered(self):
            yield


_OUTSIDE = Scope()
# Of the main thread, and of all contexts that are copied from there: see `_of_process`.
_MAIN = "main"

_defaults: dict[tuple[str | None, ...], Session] = {}
# The `use()` blocks that hold in any thread of this process.
_uses: set[object] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_uses.clear)


def scope() -> Scope | None:
    """Return what the code that runs belongs to; None if that is not known."""
    held = _held()
    if isinstance(held, bytes):
        held = _unpacked(held)
    return held if isinstance(held, Scope) else None


def _held() -> object:
    """Return the mark of the code that runs, as it was passed on."""
    held = inherit.mark.get()
    if held is inherit.UNSET:
        if threading.current_thread() is threading.main_thread():
            held = _MAIN
        else:
            held = inherit.of_thread()
            if isinstance(held, Scope) and held.run is None:
                held = msgspec.structs.replace(held, sure=False)
    return _of_process() if held == _MAIN else held


def _of_process() -> object:
    """Return what the main program of this process belongs to."""
    multiprocessing = loaded("multiprocessing.process")  # in its children
    if multiprocessing is not None:
        packed: object = getattr(multiprocessing.current_process(), inherit.ATTRIBUTE, None)
        if packed is not None:
            return packed
    return None if active_run.BORN_INSIDE else _OUTSIDE


_unpacked_before: dict[bytes, Scope] = {}


def _unpacked(packed: bytes) -> Scope:
    found = _unpacked_before.get(packed)
    if found is None:
        _unpacked_before.clear()
        loaded = pickle.loads(packed)  # noqa: S301 - made by our own process
        found = _unpacked_before.setdefault(packed, loaded)
    return found


def current_session() -> Session:
    """Return the lake that a `File` means which was given none.

    Raises:
        UsageError: It is not known, as a `use()` holds elsewhere in this process, or could not
            be passed on to this one.
    """
    found = scope()
    if found is None:
        _refuse_lost()
    if found is None and _uses:
        raise UsageError(
            "it is not known which lake is meant in this thread, as DataLake.use() holds in others",
            hint=_HINT,
        )
    if found is not None and found.session is not None:
        return found.session
    key = variables()
    session = _defaults.get(key)
    if session is None:
        session = _defaults.setdefault(key, open_session())
    return session


def _refuse_lost() -> None:
    if _held() == inherit.LOST:
        raise UsageError(
            "it is not known which lake or creator this thread or process works for, as the code"
            " that started it could not pass it on",
            hint="can RADOPS_HOME be written to, and is there room on its disk?"
            " Else name the lake: with lake.use(): ...",
        )


def variables() -> tuple[str | None, ...]:
    """Return the settings of the default lake in the environment."""
    return tuple(os.environ.get(name) for name in _VARIABLES)


def current_run() -> Run | ChildRun | None:
    """Return the creator that the code that runs belongs to; None outside."""
    found = scope()
    return None if found is None else in_this_process(found.run)


def in_this_process(run: Run | ChildRun | None) -> Run | ChildRun | None:
    """Return what represents a running creator in this process."""
    if isinstance(run, active_run.Run) and not run.is_mine:
        return run.child()
    return run


@contextlib.contextmanager
def using(session: Session) -> Iterator[None]:
    """Make a lake the current one inside a `with` block, and in what is started there."""
    found = scope()
    token = object()
    _uses.add(token)
    try:
        with _entered(Scope(session, None if found is None else found.run)):
            yield
    finally:
        _uses.discard(token)


@contextlib.contextmanager
def running(run: Run) -> Iterator[None]:
    """Make a creator the running one inside a `with` block, and in what is started there."""
    run.begin_call()
    try:
        with _entered(Scope(run.session, run)):
            yield
    finally:
        run.end_call()


@contextlib.contextmanager
def _entered(new: Scope) -> Iterator[None]:
    inherit.install(scope)
    before = inherit.mark.get()
    try:
        inherit.mark.set(new)
        yield
    finally:
        inherit.mark.set(before)


# -- rules -----------------------------------------------------------------------------------------


def check_outside(session: Session, what: str) -> None:
    """Refuse to put a file into the lake by hand, unless this is known to be outside of creators.

    Args:
        session: The lake. A creator may add to another one that it names itself.
        what: What is written, for the message.

    Raises:
        CreatorError: This is inside of one, or it is not known.
        UsageError: It is not known, as it could not be passed on.
    """
    found = scope()
    if found is None:
        _refuse_lost()
        if active_run.BORN_INSIDE:
            raise CreatorError(
                f"{what} is written by a program that was started inside"
                f" {active_run.BORN_INSIDE}, so it is not known whether it is an output of that",
                hint="let the creator write it, or pass its File to a multiprocessing.Process; "
                f"if it does not belong there, start the program without {active_run.INSIDE}",
            )
    elif found.run is not None and found.run.session.settings == session.settings:
        name = found.run.function or "a creator"
        raise CreatorError(
            f"{what} is added inside {name}, and a creator makes files by writing them",
            hint="add it before the call, and pass it as a File",
        )
    if (found is None or not found.sure) and (names := active_run.active()):
        raise CreatorError(
            f"{what} is written in a thread of which it is not known whether it works for"
            f" {' or '.join(names)}, which runs now",
            hint=_HINT,
        )


def note_read(session: Session, record: FileRecord, run: Run | ChildRun | None = None) -> None:
    """Note that the running creator, if there is one, opened a lake file.

    Raises:
        CreatorError: The file is of another lake than the creator's, so it cannot be recorded.
    """
    run = run or current_run()
    if run is not None:
        check_lake(session, run, record.uid)
        run.note_read(record)


def check_lake(session: Session, run: Run | ChildRun, uid: str) -> None:
    """Refuse a file of another lake than that of the running creator.

    Raises:
        CreatorError: It is.
    """
    if session is not run.session and session.lake_id != run.session.lake_id:
        raise CreatorError(
            f"{uid} is of another lake than the results of {run.function}",
            uid=uid,
            hint="copy it over before the call: lake.add(other.path(uid), uid)",
        )


if inherit.mark.get() is inherit.UNSET and threading.current_thread() is threading.main_thread():
    # So that contexts copied from the main program's, as those of asyncio, can be traced to it.
    inherit.mark.set(_MAIN)
