"""Removing the files of a folder that was moved into the lake."""

from __future__ import annotations

import contextlib
import itertools
import os
import struct
from typing import TYPE_CHECKING, Final, TypeAlias

from radops import native
from radops.errors import FileChangedError, LocalStorageError
from radops.format.digest import DIGEST_SIZE, Digest
from radops.lake.directory.opened import open_tree
from radops.lake.progress import stage
from radops.repository.objects.lending import borrow, remove
from radops.repository.trees.entries import FOLDER, LINK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from radops.format.record import FileRecord
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.objects.staging import Move
    from radops.repository.trees.entries import Entry

# As the Rust code writes stats: a head, then modification, change and inode of each entry.
_HEAD: Final = 8 + DIGEST_SIZE + 8
_ROW: Final = struct.Struct("<qqQ")
_Row: TypeAlias = tuple[int, int, int]

# Sources that are removed together: one entry in the journal of moves names them all.
_BATCH: Final = 1024


def check_movable(folder: Path) -> None:
    """Refuse a folder whose files this user may not remove.

    Raises:
        LocalStorageError: The folder cannot be written to.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LocalStorageError(f"{folder}: its files cannot be removed: permission denied")


def remove_sources(
    session: Session,
    folder: Path,
    record: FileRecord,
    stats: bytes,
    progress: Progress | None,
) -> tuple[str, ...]:
    """Remove what is in a folder and in its directory, if it is as it was when it was read.

    A file whose stat is another, or cannot be trusted, is hashed, so that an interrupted move can
    resume. Folders that become empty are removed as well; the folder itself stays.

    Returns:
        Paths of files that were left, because they changed.
    """
    tree = open_tree(session.lake, record)
    rows = _rows(stats)
    left: list[str] = []
    folders: set[str] = set()
    entries = tree.each()
    with stage(progress, "removing sources", None, tree.entries) as count:
        while some := list(itertools.islice(entries, _BATCH)):
            left += _remove_some(session, folder, [(one, next(rows, None)) for one in some])
            for entry in some:
                above = entry.path.rpartition("/")[0]
                while above and above not in folders:
                    folders.add(above)
                    above = above.rpartition("/")[0]
            count(0, len(some))
    for inner in sorted(folders, key=len, reverse=True):
        with contextlib.suppress(OSError):  # what is left keeps its folder
            os.rmdir(os.path.join(folder, inner))  # noqa: PTH106, PTH118
    return tuple(left)


def _remove_some(
    session: Session, folder: Path, entries: Sequence[tuple[Entry, _Row | None]]
) -> list[str]:
    """Remove sources; return the paths of those that are no longer what was read."""
    left: list[str] = []
    moves: list[Move] = []
    paths: list[str] = []
    for entry, row in entries:
        path = folder / entry.path
        try:
            # Before its bytes are compared, so that `lending.remove` notices a change since then.
            lent = borrow(path) if entry.is_file else None
        except (OSError, FileChangedError):
            lent = None
        if (entry.is_file and lent is None) or not _is_same(str(path), entry, row):
            if os.path.lexists(path):
                left.append(entry.path)
        elif lent is not None and entry.digest is not None:
            moves.append((lent, entry.digest, entry.size))
            paths.append(entry.path)
        else:
            with contextlib.suppress(FileNotFoundError):
                path.rmdir() if entry.kind == FOLDER else path.unlink()
    with session.store.staging():
        session.store.note_moves(moves)
        left += [
            path
            for (lent, _, _), path in zip(moves, paths, strict=True)
            if remove(lent) is not None
        ]
    return left


def _rows(stats: bytes) -> Iterator[_Row]:
    body = memoryview(stats)[_HEAD : len(stats) - DIGEST_SIZE]
    return _ROW.iter_unpack(body)


def _is_same(path: str, entry: Entry, row: _Row | None) -> bool:
    """Return whether what is at a path is what the directory has of it."""
    try:
        status = os.lstat(path)
        if entry.kind == FOLDER:
            return not os.listdir(path)  # noqa: PTH208 - as above
        if entry.kind == LINK:
            return os.readlink(path) == entry.target  # noqa: PTH115 - as above
        if status.st_size != entry.size:
            return False
        if (
            row is not None
            and row[2]
            and row
            == (
                status.st_mtime_ns,
                status.st_ctime_ns,
                status.st_ino,
            )
        ):
            return True
        return entry.digest == Digest(native.hash_file(path).digest)
    except OSError:
        return False
