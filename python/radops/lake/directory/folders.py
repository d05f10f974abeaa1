"""Directories as folders of this machine: read-only, made when a path is asked for.

They are copies that can be removed at any time, kept below `lakes/<id>/directories/`. Each is made
once, under another name first, so that one that exists is whole. Beside it lies what it looked like
then: a process that permissions do not stop looks once whether it still does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from typing import TYPE_CHECKING, Final

from radops.format.digest import Digest
from radops.format.uid import last_segment
from radops.lake import messages
from radops.lake.delete_files import view_key
from radops.lake.directory.folder_state import keep_written, state_of
from radops.lake.directory.opened import open_directory
from radops.repository.layout import FOLDERS
from radops.repository.objects.disk_errors import disk_errors
from radops.repository.objects.views import mode_protects
from radops.repository.progress import watching
from radops.repository.transfer.locks import holding
from radops.repository.trees.kept import kept_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from radops.format.record import FileRecord
    from radops.lake.session import Session
    from radops.repository.working_lake import WorkingLake

# Writing this much takes about as long as a person waits without a message.
_WORTH_A_WORD: Final = 64 << 20

# Folders that this process has looked at.
_seen: set[Path] = set()


def read_only_folder(
    session: Session,
    record: FileRecord,
    patterns: Sequence[str],
    count: Callable[[int, int], None],
) -> Path:
    """Return a folder that holds what matches of a directory; made if it is not there.

    Args:
        session: The lake.
        record: The directory.
        patterns: What of it; none for all.
        count: Called with bytes and files as they are written.

    Raises:
        UsageError: A pattern cannot be used.
        LocalStorageError: The disk is full, or its file system cannot distinguish two names.
        CorruptObjectError: Bytes are wrong and cannot be fetched again.
    """
    lake = session.lake
    key = "all"
    if patterns:
        key = Digest.of("\0".join(sorted(set(patterns))).encode()).hex[:32]
    above = _folder_of(lake, record) / key
    path = above / last_segment(record.uid)
    made = int(record.created.timestamp())
    if _is_there(path):
        return path
    opened = open_directory(session.lake, record)
    with opened.naming():
        opened.tree.fetch(patterns, count)
    with holding(lake.store.lock_folder(), [f"{record.digest.hex}-{key}"]):
        if _is_there(path):  # another process has made it meanwhile
            return path
        if path.is_dir():
            with disk_errors(path):
                _keep_written(lake, path, made)
            _remove(path)
        if not patterns and opened.tree.bytes >= _WORTH_A_WORD:
            messages.tell(
                "writing %s as a folder: %d files, %d bytes, to %s",
                record.uid,
                opened.tree.files,
                opened.tree.bytes,
                path,
            )
        fresh = lake.store.temporary()
        try:
            with opened.naming(), watching(count) as watched:
                opened.tree.write(
                    fresh,
                    patterns,
                    time=made,
                    modes=(0o444, 0o555, 0o555),
                    progress=watched,
                )
            with disk_errors(path):
                # A reader that finds the folder trusts what is in it: it is not verified again.
                lake.store.backend.sync_tree(fresh)
                fresh.chmod(0o755)  # a folder that is not writable cannot be moved
                above.mkdir(parents=True, exist_ok=True)
                state = _state_file(path)
                state.unlink(missing_ok=True)  # it may be another user's
                state.write_text(f"{made} {state_of(fresh)}", encoding="ascii")
                fresh.rename(path)
                path.chmod(0o555)
        except BaseException:
            _remove(fresh)
            raise
    return path


def _is_there(path: Path) -> bool:
    """Return whether a folder is there and can be used."""
    if not path.is_dir():
        return False
    if mode_protects() or path in _seen:
        return True
    if not _is_as_made(path):
        return False
    _seen.add(path)
    return True


def _is_as_made(path: Path) -> bool:
    """Return whether a folder looks as it did when it was made."""
    try:
        return _noted(path)[1] == state_of(path)
    except (OSError, ValueError):
        return False


def _keep_written(lake: WorkingLake, path: Path, made: int) -> None:
    """Keep what was written into a folder, whose files got this time if nothing else is noted."""
    with contextlib.suppress(OSError, ValueError):
        made = int(_noted(path)[0])  # equal directories under one name have one folder
    keep_written(lake.store, path, made)


def _noted(path: Path) -> tuple[str, str]:
    """Return the time that the files of a folder got, and what it looked like then."""
    time, _, state = _state_file(path).read_text(encoding="ascii").partition(" ")
    return time, state


def _state_file(path: Path) -> Path:
    return path.parent.with_name(f"{path.parent.name}.{path.name}.state")


def remove_copies(lake: WorkingLake, record: FileRecord) -> None:
    """Remove what was made of a directory on this machine to be read: folders, and views of files.

    They can be made again at any time.
    """
    folder = _folder_of(lake, record)
    for path in folder.glob("*/*"):
        if not _is_as_made(path):
            with contextlib.suppress(OSError):  # removed meanwhile by another process
                _keep_written(lake, path, int(record.created.timestamp()))
    _remove(folder)
    _forget_kept(lake, record)
    root = lake.store.root
    for top, _, names in os.walk(root / view_key(lake, record.uid), topdown=False):
        for name in names:
            lake.store.remove_view(os.path.relpath(f"{top}/{name}", root))
        with contextlib.suppress(OSError):  # another process makes a view there just now
            os.rmdir(top)  # noqa: PTH106 - one of very many


def _forget_kept(lake: WorkingLake, record: FileRecord) -> None:
    """Remove notes of files that were objects of their own and are gone."""
    store = lake.store
    for noted in kept_files(store.backend, record.digest):
        # Not while a download has noted files that are still to come.
        with lake.reader.alone([noted.pack[0]]):
            if not any(store.has(*one) for one in noted):
                store.backend.delete([noted.key])


def _folder_of(lake: WorkingLake, record: FileRecord) -> Path:
    return lake.local_folder / f"{FOLDERS}{record.digest.hex}"


def _remove(folder: Path) -> None:
    """Remove a folder whose parts are not writable; what is gone already is no error."""

    def make_writable(top: str) -> None:
        with contextlib.suppress(OSError):
            os.chmod(top, stat.S_IRWXU)  # noqa: PTH101 - one of very many

    with contextlib.suppress(OSError):
        for top, _, _ in os.walk(folder):
            make_writable(top)
        shutil.rmtree(folder, ignore_errors=True)
