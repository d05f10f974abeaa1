"""Checkouts: copies of a directory, or of parts of one, to work with.

A checkout has a file `.radops-checkout` at its top, which says of what it is one. A folder that
does not exist is written beside its place first, under a name that the next try finds again. In a
folder that exists, the file says from before the first change until all is written that the
checkout is unfinished, and each file is replaced by a rename. What was written is on the disk
before it says no more so. So one that does not say so is whole, also after a loss of power.
"""

from __future__ import annotations

import os
from contextlib import closing, suppress
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.errors import ConflictError, LocalStorageError
from radops.format.digest import Digest
from radops.lake.directory.checkout_files import Files, is_folder
from radops.lake.directory.checkout_flush import Flush
from radops.lake.directory.checkout_marker import (
    MARKER,
    UNFINISHED,
    Checkout,
    read_marker,
    write_marker,
)
from radops.lake.directory.checkout_others import (
    IGNORE_FILE,
    below,
    look,
    refuse_lakes_in,
    refuse_two_of_one,
    remove,
    remove_if_empty,
    without_other_spellings,
)
from radops.lake.directory.checkout_parts import both, earlier_part, first_of
from radops.lake.directory.opened import open_directory
from radops.lake.folder_memory import FolderMemory
from radops.lake.lake_data import check_target
from radops.lake.progress import stage
from radops.repository.objects.disk_errors import disk_errors
from radops.repository.progress import watching
from radops.repository.stores import Owners
from radops.repository.transfer.locks import holding
from radops.repository.trees.entries import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from radops.format.record import FileRecord
    from radops.lake.directory.checkout_files import Compared
    from radops.lake.directory.checkout_others import Found
    from radops.lake.directory.opened import Opened
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.trees.entries import Entry


class Written(NamedTuple):
    """What a checkout did."""

    path: Path
    written: int
    """Files and links that were written."""
    left: int
    """Those that were there already, right."""
    removed: int
    """Other files that were removed."""
    extra: int
    """Other files that were left in place."""


def check_out(
    session: Session,
    record: FileRecord,
    patterns: Sequence[str],
    target: Path,
    *,
    force: bool,
    delete: bool,
    progress: Progress | None,
) -> Written:
    """Write a directory, or what matches of it, into a folder; what is right there stays.

    Args:
        session: The lake.
        record: The directory.
        patterns: What of it; none for all.
        target: The folder; made if it does not exist.
        force: Replace files there that are not as in the directory.
        delete: Remove other files there.
        progress: Shows how far it is.

    Raises:
        ConflictError: Something there is not as in the directory, or is of a checkout of another
            one, outside of the part that is to be written. Nothing was changed.
        UsageError: The folder is in a home or a remote, or, with `force` or `delete`, such a one is
            in it. Nothing was changed.
        LocalStorageError: The disk is full, or its file system cannot distinguish two names.
    """
    owners = Owners(session.settings.home)
    check_target(str(target), owners)
    opened = open_directory(session.lake, record)
    with opened.naming():
        part = opened.tree.part(patterns)
        with stage(progress, f"downloading {opened.uid}", part.bytes, part.objects) as count:
            part.fetch(count)
    work = _Checkout(opened, tuple(patterns), target, owners, force=force, delete=delete)
    beside = _beside(session, target)
    try:
        # The processes of one training all ask for the same folder: one writes it, and the others
        # find it whole.
        with (
            stage(
                progress, f"writing {target}", record.bytes or None, record.files or None
            ) as count,
            holding(session.store.lock_folder(), [_lock_of(target)]),
        ):
            if os.path.lexists(target):
                done = work.fill()
                remove(beside)  # what an earlier try left, before the folder was made otherwise
            else:
                done = work.make(beside, count)
    except OSError as error:
        again = "the checkout is unfinished; the same command goes on with it"
        raise LocalStorageError(
            f"{error.filename or target}: {error.strerror or error}",
            hint=again if work.begun else None,
        ) from error
    FolderMemory(session, target).remember(record, None)
    return done


class _Checkout:
    """Writes into one folder.

    Args:
        opened: The directory.
        patterns: What of it; none for all.
        target: The folder.
        owners: Finds what belongs to a lake.
        force: Replace files that are not as in the directory.
        delete: Remove other files.
        own: The folder was made by an earlier try: all that is not wanted now is removed.
    """

    def __init__(
        self,
        opened: Opened,
        patterns: tuple[str, ...],
        target: Path,
        owners: Owners,
        *,
        force: bool,
        delete: bool,
        own: bool = False,
    ) -> None:
        self._opened = opened
        self._patterns = patterns
        self._target = target
        self._owners = owners
        self._force = force
        self._delete = delete
        self._own = own
        self._time = int(opened.record.created.timestamp())
        self._files = Files(opened, patterns, target, self._time, force=force)
        self.begun = False
        """Whether something was changed."""

    def make(self, beside: Path, count: Callable[[int, int], None]) -> Written:
        """Write into a folder that does not exist: beside it first."""
        above = [beside.parent]  # those that are made, and the one that they are made in
        while not above[-1].exists():
            above.append(above[-1].parent)
        beside.parent.mkdir(parents=True, exist_ok=True)
        with closing(Flush([beside.parent])) as flush:
            if beside.is_dir() and not beside.is_symlink():  # what an earlier try left
                given = self._opened, self._patterns, beside, self._owners
                written = _Checkout(*given, force=True, delete=True, own=True).fill().written
            else:
                remove(beside)
                with self._opened.naming(), watching(count) as watched:
                    written, _ = self._opened.tree.write(
                        beside, self._patterns, time=self._time, progress=watched
                    )
                flush.tree(beside)
                write_marker(beside, self._checkout, flush)
            with disk_errors(self._target):
                native.rename_noreplace(beside, self._target)
            with suppress(PermissionError):  # it can be written to, but not be read
                flush.paths(above)
        return Written(self._target, written, 0, 0, 0)

    def fill(self) -> Written:
        """Write what is missing in a folder that exists.

        Everything that can refuse the checkout is looked at before anything is changed.
        """
        found = look(self._target, all_of_it=self._own, delete=self._delete)
        earlier = None if self._own else self._earlier(found)
        entries = self._files.compare()
        if (entries.wrong or entries.blocked) and not self._force:
            raise self._differing([entry.path for entry in (*entries.wrong, *entries.blocked)])
        others = [p for p in found.files if p not in entries.paths and p not in entries.blockers]
        self._check_lakes(found, entries)
        listed = {*found.files, *found.folders, *found.left_out}
        absent = (entry.path for entry in (*entries.missing, *entries.blocked))
        refuse_two_of_one(self._target, listed, entries.paths.difference(absent), self._opened.uid)
        whole = self._whole(entries.paths) if self._delete else entries.paths
        gone = self._only_there(others, whole, listed) if self._delete else []
        tops = self._folders_in_the_way(entries.wrong, found, set(others).difference(gone))
        pruned = set(below(found.folders, tops))
        if self._delete:
            pruned.update(self._only_there(found.folders, whole, listed))
        written = len(entries.missing) + len(entries.wrong) + len(entries.blocked)
        before = read_marker(self._target)
        checkout = self._checkout._replace(patterns=both(self._patterns, earlier))
        places = (self._target / path for path in found.folders)
        with closing(Flush([self._target, *places])) as flush:
            if written or self._delete:
                self.begun = True
                begun = self._checkout._replace(unfinished=True, earlier=earlier)
                write_marker(self._target, begun, flush)
            leftovers = list(self._leftovers(found))
            for path in (*leftovers, *gone):
                remove(self._target / path)
            remove_if_empty(
                self._target / path for path in reversed(found.folders) if path in pruned
            )
            self._files.write((*entries.missing, *entries.blocked), entries.wrong)
            if self._own:
                self._files.finish()
            if self.begun or before != checkout:
                # Also what was there already, right: another process may just have written it.
                flush.below(self._target, (*entries.paths, *gone, *pruned, *leftovers))
                write_marker(self._target, checkout, flush)
            else:
                flush.paths([self._target / MARKER, self._target])
            with suppress(PermissionError):  # another process may just have named the folder
                flush.paths([self._target.absolute().parent])
        left = len(others) - len(gone)
        return Written(self._target, written, entries.right, len(gone), left)

    @property
    def _checkout(self) -> Checkout:
        record = self._opened.record
        return Checkout(record.uid, record.digest.hex, self._patterns)

    def _earlier(self, found: Found) -> tuple[str, ...] | None:
        """Return the part of the directory that is there besides; see `earlier_part`."""
        rules = [IGNORE_FILE] if IGNORE_FILE in found.left_out else []
        return earlier_part(self._target, [*found.files, *rules], self._checkout)

    def _whole(self, wanted: set[str]) -> set[str]:
        """Return the paths that are not deleted: all of the directory, also for a part of it."""
        if self._own or not self._patterns:
            return wanted
        with self._opened.naming():
            return {entry.path for entry in self._opened.tree.each()}

    def _only_there(self, paths: Sequence[str], whole: set[str], listed: set[str]) -> list[str]:
        """Return those paths of the folder that the directory does not have."""
        only = [path for path in paths if path not in whole]
        return only and without_other_spellings(self._target, only, whole - listed)

    def _check_lakes(self, found: Found, entries: Compared) -> None:
        """Refuse to write into what belongs to a lake, and to replace or delete around it."""
        fresh = (entry.path for entry in (*entries.missing, *entries.wrong))
        places = {path.rpartition("/")[0] for path in (*fresh, *entries.blockers)}
        for place in sorted(places):
            check_target(str(self._target / place), self._owners)
        if (self._force or self._delete) and not self._own:
            refuse_lakes_in(self._target, found, self._owners)

    def _folders_in_the_way(
        self, wrong: Sequence[Entry], found: Found, staying: Iterable[str]
    ) -> set[str]:
        """Return the folders that are in the place of files; they may only hold what goes.

        Raises:
            ConflictError: They hold something else.
        """
        tops = {
            entry.path
            for entry in wrong
            if entry.kind != FOLDER and is_folder(self._target / entry.path)
        }
        leftovers = set(self._leftovers(found))
        kept = (*staying, *found.left_out, *(p for p in found.unfinished if p not in leftovers))
        if tops and (inner := sorted(below(kept, tops))):
            raise ConflictError(
                f"{self._target} has folders where {self._opened.uid} has files, and other files"
                f" are in them: {first_of(inner)}. Nothing was changed",
                uid=self._opened.uid,
                hint="move them away; --delete removes those that an add would take",
            )
        return tops

    def _leftovers(self, found: Found) -> Iterator[str]:
        """Yield what another process left that was killed, as one writes at a time.

        A folder may be one that a process writes into just now, to give it another name below.
        """
        for path in found.unfinished:
            if self._delete or not is_folder(self._target / path):
                yield path

    def _differing(self, wrong: Sequence[str]) -> ConflictError:
        return ConflictError(
            f"{self._target} has files that are not as in {self._opened.uid}:"
            f" {first_of(sorted(wrong))}. Nothing was changed",
            uid=self._opened.uid,
            hint="--force replaces them; or add the folder first, as a new version",
        )


def _beside(session: Session, target: Path) -> Path:
    """Return where a folder is written that does not exist: the next try finds it again.

    Each home has a name of its own, as its locks do not stop processes with another home.
    """
    whole = target.absolute()
    name = f"{os.path.realpath(session.settings.home)}\0{whole.name}"
    digest = Digest.of(name.encode(errors="surrogateescape"))
    return whole.parent / f"{UNFINISHED}{digest.hex[:12]}"


def _lock_of(target: Path) -> str:
    """Return the name of the lock for writing a folder."""
    path = os.path.realpath(target).encode(errors="surrogateescape")
    return f"checkout-{Digest.of(path).hex[:32]}"
