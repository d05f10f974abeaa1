"""Where a file goes that is written through `File`: to the running creator, or into the lake."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from radops.errors import UIDConflictError
from radops.format.record import FolderRecord
from radops.lake import current
from radops.lake.unstored import kept_unless_stored
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from pathlib import Path

    from radops.format.uid import UID
    from radops.lake.active_run import ChildRun, Run
    from radops.lake.session import Session
    from radops.repository.refs.slots import State


class Output:
    """A file that is being written.

    Args:
        session: The lake.
        uid: The file.
        run: The creator that makes it; None outside of creators.
        state: What the name was found to be, outside of creators.
    """

    def __init__(
        self, session: Session, uid: UID, run: Run | ChildRun | None, state: State | None
    ) -> None:
        self._session = session
        self._uid = uid
        self._run = run
        self._state = state

    def accept(self, path: Path) -> None:
        """Take the finished file over: for the creator, or publish it.

        If that fails, it is kept; see `kept_unless_stored`.
        """
        with kept_unless_stored(self._session, self._uid, path) as written:
            if self._run is not None:
                self._run.accept(self._uid, path)
            elif self._state is not None:
                from radops.lake.add import add_written  # noqa: PLC0415 - slow; rarely needed

                staged = self._session.store.stage_written(path)
                written.path, written.digest = staged.path, staged.digest
                add_written(self._session, self._uid, staged, self._state)

    def accept_folder(self, folder: Path, base: Taken | None = None) -> None:
        """Take the finished directory over: for the creator, or publish it; then remove the folder.

        If that fails, it is kept; see `kept_unless_stored`.

        Args:
            folder: What it holds.
            base: The directory that it was made of by changes, if there is one.
        """
        bases = () if base is None else (base,)
        with kept_unless_stored(self._session, self._uid, folder):
            if self._run is not None:
                self._run.accept_folder(self._uid, folder, bases)
            elif self._state is not None:
                from radops.lake.directory.add import commit_directory  # noqa: PLC0415 - as above
                from radops.lake.directory.taking import take_folder  # noqa: PLC0415 - as above

                session, source = self._session, "Directory.staged"
                taken = take_folder(session, folder, bases, executables=bool(bases))
                if base is not None:
                    source = f"Directory.edit of {base.uid}"
                commit_directory(session, source, self._uid, self._state, taken, bases)
        shutil.rmtree(folder, ignore_errors=True)

    def discard(self, path: Path) -> None:
        """Remove the file; it can be written again."""
        self._session.store.discard([path])
        if self._run is not None:
            self._run.give_up(self._uid)


def begin(session: Session, uid: UID, run: Run | ChildRun | None) -> tuple[Path, Output]:
    """Check that a file may be written; return where to, and what takes it over.

    Raises:
        UIDConflictError: The name exists already.
        CreatorError: A creator was not given this name, or it is not known whether this thread
            or process belongs to a creator.
    """
    if run is not None:
        current.check_lake(session, run, uid)
        run.begin(uid)
        return session.store.temporary(), Output(session, uid, run, None)
    current.check_outside(session, uid)
    from radops.lake.add_items import check_writable  # noqa: PLC0415 - slow; rarely needed

    check_writable(uid)
    lake = session.prepare_write()
    state = lake.write_states([uid])[uid]
    if isinstance(state, Taken):
        what = "is a folder" if isinstance(state.record, FolderRecord) else "exists already"
        raise UIDConflictError(
            f"{uid} {what}",
            uid=uid,
            hint="files never change: choose another name, or delete that one first",
        )
    return lake.store.temporary(), Output(session, uid, None, state)
