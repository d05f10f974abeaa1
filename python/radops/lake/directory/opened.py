"""Directories that are open for reading, kept for the next use, and their errors by name."""

from __future__ import annotations

import contextlib
import itertools
import threading
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakKeyDictionary

from radops.backends.forking import renew_after_fork
from radops.errors import CorruptDataError, RemoteUnavailableError, UsageError
from radops.format.digest import Digest
from radops.repository.trees.entries import FOLDER, MAX_PACKED, Entry
from radops.repository.trees.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from radops.format.record import FileRecord
    from radops.repository.working_lake import WorkingLake

# Each keeps at most 8 MiB of pages in memory.
_MOST_OPEN: Final = 8

# Entries of one folder that are in memory at once.
_AT_ONCE: Final = 8192
_ROWS_AT_ONCE: Final = 65_536

Row: TypeAlias = tuple[str, int, bytes]
"""Name, size and digest of a file: what a listing of millions of files needs."""


class Opened:
    """A directory of the lake, open for reading. Thread-safe.

    Args:
        lake: The lake.
        record: Its record.
        layout: The layout that the record names.
    """

    def __init__(self, lake: WorkingLake, record: FileRecord, layout: Digest) -> None:
        self.record = record
        self.tree = Tree(lake.reader, lake.store, record.digest, record.size, layout)
        self.reader = lake.reader
        self._lake = lake

    @property
    def uid(self) -> str:
        """The directory's name."""
        return self.record.uid

    def children(self, folder: str) -> Iterator[tuple[str, Entry | None]]:
        """Yield what is directly in a folder, in order.

        Names of folders end with a slash and have no entry, unless the folder is empty. Only pages
        in which something begins are read, however much is below it.
        """
        after = ""
        while True:
            with self.naming():
                found = self.tree.children(folder, after=after, most=_AT_ONCE)
            yield from found
            if len(found) < _AT_ONCE:
                return
            after = found[-1][0]

    def child_rows(self, folder: str) -> Iterator[tuple[str, Row | None, int]]:
        """Yield name, row and kind of what is directly in a folder, in order, fast.

        Folders have no row; names of those that are not empty end with a slash.
        """
        after = ""
        while True:
            with self.naming():
                found = self.tree.raw_children(folder, after=after, most=_ROWS_AT_ONCE)
            for name, entry in found:
                if entry is None or entry[3] is None:
                    yield name, None, FOLDER
                else:
                    yield name, (name, entry[2], entry[3]), entry[1]
            if len(found) < _ROWS_AT_ONCE:
                return
            after = found[-1][0]

    def files_below(self, folder: str, base: str = "") -> Iterator[Row]:
        """Yield name, size and digest of the files below a folder, in order, fast.

        Args:
            folder: The folder; the empty text is the top.
            base: What each name begins with, before the path.
        """
        with self.naming():
            self.tree.fetch_pages([folder.replace("[", "[[]")] if folder else [], places=False)
        after = ""
        while True:
            with self.naming():
                found = self.tree.files_below(folder, base=base, after=after, most=_ROWS_AT_ONCE)
            yield from found
            if len(found) < _ROWS_AT_ONCE:
                return
            after = found[-1][0][len(base) :]

    def is_folder(self, path: str) -> bool:
        """Return whether there is a folder of this path; the top, the empty path, is one."""
        if not path:
            return True
        with self.naming():
            if self.tree.children(path, most=1):
                return True
            entry = self.tree.find(path)
        return entry is not None and entry.kind == FOLDER

    def find(self, path: str) -> Entry | None:
        """Return the entry with exactly this path."""
        with self.naming():
            return self.tree.find(path)

    def fetch(self, packs: Iterable[tuple[Digest, int]]) -> None:
        """Fetch those packs that are not on this machine, if its disk has room."""
        absent = [one for one in packs if not self._lake.store.has(*one)]
        if absent:
            self.tree.fetch_if_room(absent)

    def lacks(self, pack: tuple[Digest, int], files: Iterable[Entry], least: int) -> bool:
        """Return whether so many files of a pack are not on this machine, in no form."""
        if self.has(*pack):
            return False
        missing = (
            one for one in files if one.digest is not None and not self.has(one.digest, one.size)
        )
        return len(list(itertools.islice(missing, least))) == least

    def has(self, digest: Digest, size: int) -> bool:
        """Return whether an object is on this machine."""
        return self._lake.store.has(digest, size)

    def object_path(self, digest: Digest) -> Path:
        """Return where an object is on this machine, if it is there."""
        return self._lake.store.object_path(digest)

    def has_all(self, patterns: Sequence[str] = ()) -> bool:
        """Return whether all that matches can be read without the remote."""
        store, layout = self._lake.store, self.record.layout
        if not store.has(self.record.digest, self.record.size) or layout is None:
            return False
        if not store.object_path(layout).exists():
            return False
        if self.tree.opened.missing(list(patterns)):
            return False
        with self.naming():
            return self.tree.has_all(patterns)

    def pack_of(self, entry: Entry) -> tuple[Digest, int] | None:
        """Return the pack of a small file, if the pages that name it are here; else None."""
        if entry.size > MAX_PACKED or self.tree.opened.missing([entry.path]):
            return None
        with self.naming():
            place = self.tree.opened.place(entry.path)
        return None if place is None else (Digest(place[0][0]), place[0][1])

    @contextlib.contextmanager
    def naming(self) -> Iterator[None]:
        """Name the directory in errors of its parts."""
        try:
            yield
        except CorruptDataError as error:
            if error.uid is None:
                error.uid = self.uid
                error.message = f"{self.uid}: {error.message}"
                error.hint = error.hint or f"radops datalake verify {self.uid}"
            raise
        except RemoteUnavailableError as error:
            error.uid = error.uid or self.uid
            raise


class OpenDirectories:
    """The directories of one lake that are open: those used last."""

    def __init__(self) -> None:
        self._opened: dict[tuple[str, Digest, Digest], Opened] = {}
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget all of them: another thread may have been inside one at the fork."""
        self._opened, self._lock = {}, threading.Lock()

    def open(self, lake: WorkingLake, record: FileRecord, layout: Digest) -> Opened:
        """Return an open directory."""
        key = record.uid, record.digest, layout
        with self._lock:
            found = self._opened.pop(key, None)
            if found is None:
                while len(self._opened) >= _MOST_OPEN:
                    del self._opened[next(iter(self._opened))]
                found = Opened(lake, record, layout)
            self._opened[key] = found
            return found


def open_directory(lake: WorkingLake, record: FileRecord) -> Opened:
    """Return the open directory of a record. Nothing of it is fetched yet.

    Raises:
        UsageError: It is the record of a file.
    """
    layout = record.layout
    if layout is None:
        raise UsageError(f"{record.uid} is a file, not a directory", uid=record.uid)
    directories = _of_lakes.get(lake)
    if directories is None:
        directories = _of_lakes.setdefault(lake, OpenDirectories())
    return directories.open(lake, record, layout)


# Of each lake, as long as it is in use.
_of_lakes: WeakKeyDictionary[WorkingLake, OpenDirectories] = WeakKeyDictionary()


def open_tree(lake: WorkingLake, record: FileRecord) -> Tree:
    """Return the directory of a record. Nothing is fetched before it is needed.

    Raises:
        UsageError: It is the record of a file.
    """
    if record.layout is None:
        raise UsageError(f"{record.uid} is a file, not a directory", uid=record.uid)
    return Tree(lake.reader, lake.store, record.digest, record.size, record.layout)
