"""The files of a checkout: which are right, and writing the others."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from radops import native
from radops.lake.directory.checkout_marker import unfinished_path
from radops.lake.directory.checkout_others import not_distinguished, remove_if_empty
from radops.repository.trees.entries import EXECUTABLE, FOLDER, LINK, MAX_PACKED
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.lake.directory.opened import Opened
    from radops.repository.trees.entries import Entry

# Files that are hashed by one call into Rust.
_AT_ONCE: Final = 4096


class Compared(NamedTuple):
    """What is in the places of entries."""

    paths: set[str]
    """All entries that are wanted."""
    missing: list[Entry]
    wrong: list[Entry]
    """Those in whose place is something else."""
    blocked: list[Entry]
    """Those above which something that is no folder is in the place of one."""
    blockers: set[str]
    """Paths of what is in the place of a folder."""
    right: int


class Files:
    """Compares and writes the files of one folder.

    Args:
        opened: The directory.
        patterns: What of it; none for all.
        target: The folder.
        time: When files were modified, in seconds since 1970.
        force: Replace a file or link that is in the place of a folder.
    """

    def __init__(
        self, opened: Opened, patterns: tuple[str, ...], target: Path, time: int, *, force: bool
    ) -> None:
        self._opened = opened
        self._patterns = patterns
        self._target = target
        self._force = force
        self._time = time

    def compare(self) -> Compared:
        """Return what is in the places of entries; nothing is changed."""
        paths: set[str] = set()
        blockers: set[str] = set()
        found: dict[str, list[Entry]] = {"missing": [], "wrong": [], "blocked": []}
        right = 0
        with self._opened.naming():
            for entries in self._batches():
                for entry, state in zip(entries, self._states(entries, blockers), strict=True):
                    paths.add(entry.path)
                    if state == "right":
                        right += 1
                    else:
                        found[state].append(entry)
        return Compared(paths, found["missing"], found["wrong"], found["blocked"], blockers, right)

    def write(self, fresh: Sequence[Entry], wrong: Sequence[Entry]) -> None:
        """Write entries in whose place is nothing, and replace those that are wrong."""
        todo = [*((entry, False) for entry in fresh), *((entry, True) for entry in wrong)]
        todo.sort(key=lambda one: one[0].kind == LINK)  # last: nothing is written through them
        for entry, replace in todo:
            self._write(entry, replace=replace)

    def finish(self) -> None:
        """Give all files and folders the permissions and times that a first try gives them."""
        for entries in self._batches():
            for entry in entries:
                if entry.is_file:
                    self._settle(self._target / entry.path, executable=entry.kind == EXECUTABLE)
        for above, _, _ in os.walk(self._target):
            self._settle(Path(above), executable=True)

    def _settle(self, path: Path, *, executable: bool) -> None:
        path.chmod(0o755 if executable else 0o644)
        os.utime(path, (self._time, self._time))

    def _batches(self) -> Iterator[list[Entry]]:
        batch: list[Entry] = []
        for entry in self._opened.tree.each(self._patterns):
            batch.append(entry)
            if len(batch) == _AT_ONCE:
                yield batch
                batch = []
        if batch:
            yield batch

    def _states(self, entries: Sequence[Entry], blockers: set[str]) -> list[str]:
        """Return for each entry `right`, `wrong`, `missing`, or `blocked` if it has no folder."""
        states = []
        doubtful: list[int] = []
        for number, entry in enumerate(entries):
            state = self._state(entry, blockers)
            if state == "doubtful":
                doubtful.append(number)
            states.append(state)
        paths = [self._target / entries[number].path for number in doubtful]
        for number, found in zip(
            doubtful, native.hash_files(paths, threads=threads()), strict=True
        ):
            digest = entries[number].digest
            same = (
                isinstance(found, native.FileHash)
                and digest is not None
                and found.digest == digest.raw
            )
            states[number] = "right" if same else "wrong"
        return states

    def _state(self, entry: Entry, blockers: set[str]) -> str:
        """Return the same of one entry, or `doubtful` if only the bytes can tell."""
        path = self._target / entry.path
        if self._is_blocked(entry.path, blockers):
            return "blocked"
        try:
            status = path.lstat()
        except FileNotFoundError:
            return "missing"
        if entry.kind == FOLDER:
            right = stat.S_ISDIR(status.st_mode)
        elif entry.kind == LINK:
            right = stat.S_ISLNK(status.st_mode) and str(path.readlink()) == entry.target
        else:
            right = stat.S_ISREG(status.st_mode) and status.st_size == entry.size
            if entry.kind == EXECUTABLE:
                right = right and bool(status.st_mode & stat.S_IXUSR)
            if right:
                return "doubtful"
        return "right" if right else "wrong"

    def _is_blocked(self, path: str, blockers: set[str]) -> bool:
        """Return whether something that is no folder is where one above a path must be."""
        end = path.find("/")
        while end > 0:
            above = self._target / path[:end]
            if not is_folder(above) and os.path.lexists(above):
                blockers.add(path[:end])
                return True
            end = path.find("/", end + 1)
        return False

    def _write(self, entry: Entry, *, replace: bool) -> None:
        """Write one entry, whole or not at all: what it replaces stays until then."""
        path = self._target / entry.path
        self._make_folders(path.parent)
        if entry.kind == FOLDER:
            self._make_folder(path)
            return
        fresh = unfinished_path(path.parent)
        try:
            if entry.kind == LINK:
                fresh.symlink_to(entry.target or "")
            else:
                self._write_file(entry, fresh)
            if replace:
                fresh.replace(path)
            else:
                native.rename_noreplace(fresh, path)
        except FileExistsError:
            raise not_distinguished(self._target, entry.path, self._opened.uid) from None
        finally:
            fresh.unlink(missing_ok=True)

    def _write_file(self, entry: Entry, fresh: Path) -> None:
        if entry.size > MAX_PACKED:
            with self._opened.tree.open(entry.path) as source, fresh.open("xb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        else:
            fresh.write_bytes(self._opened.tree.read(entry.path))
        self._settle(fresh, executable=entry.kind == EXECUTABLE)

    def _make_folders(self, folder: Path) -> None:
        """Make the folders above an entry."""
        above = self._target
        for part in folder.relative_to(self._target).parts:
            above = above / part
            self._make_folder(above)

    def _make_folder(self, path: Path) -> None:
        """Make a folder; with `force` it replaces a file or link."""
        if is_folder(path):
            return
        if not self._force:
            path.mkdir()
            return
        fresh = unfinished_path(path.parent)
        fresh.mkdir()
        try:
            path.unlink(missing_ok=True)
            fresh.rename(path)
        finally:
            remove_if_empty([fresh])


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
