"""What differs between two directories."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radops.lake.folder_memory import FolderMemory
from radops.lake.progress import stage, stage_if_slow
from radops.notebook import ShownAsTable
from radops.repository.progress import watching
from radops.repository.trees.diff import diff, diff_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from radops.lake.directory.opened import Opened
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.trees.entries import Entry


@dataclass(frozen=True, slots=True)
class Changed:
    """A path that both directories have, with different contents."""

    path: str
    before: Entry
    after: Entry


@dataclass(frozen=True, slots=True)
class Moved:
    """A file that one directory has under another path than the other."""

    before: str
    after: str
    entry: Entry
    """The file as it is now."""


@dataclass(frozen=True, slots=True)
class Diff(ShownAsTable):
    """What differs between two directories, each part sorted by path."""

    added: tuple[Entry, ...]
    """What only the second one has."""
    removed: tuple[Entry, ...]
    """What only the first one has."""
    changed: tuple[Changed, ...]
    """What has other bytes, or is of another kind."""
    moved: tuple[Moved, ...]
    """Files that were added and removed with equal bytes."""

    def __bool__(self) -> bool:
        """Return whether anything differs."""
        return bool(self.added or self.removed or self.changed or self.moved)


def compare(before: Opened, after: Opened) -> Diff:
    """Return what differs. Only pages that differ are fetched and read."""
    with before.naming(), after.naming():
        return _diff(diff(before.tree, after.tree))


def compare_folder(  # noqa: PLR0913 - options of folders
    session: Session,
    before: Opened,
    folder: Path,
    *,
    exclude: Sequence[str],
    ignore: bool,
    follow_links: bool,
    executables: bool,
    progress: Progress | None,
) -> Diff:
    """Return what differs between a directory and a folder of this machine, as it is now.

    Files that are as they were when the folder was last added are not read. Of the directory only
    pages that differ are fetched, and no file.

    Args:
        session: The lake.
        before: The directory.
        folder: The folder.
        exclude: Patterns in gitignore syntax of what is left out of the folder.
        ignore: Apply the built-in rules and `.radopsignore`.
        follow_links: Take what links point to that a directory cannot hold.
        executables: Compare whether files can be executed.
        progress: Shows how far it is.

    Raises:
        FolderRefusedError: The folder holds what a directory cannot, or changed meanwhile.
    """
    # Imported here, not at the top: code that only reads directories does not need it.
    from radops.repository.trees.intake import name_folder, scan_folder  # noqa: PLC0415

    with stage_if_slow(progress, "looking at files") as count, watching(count) as watched:
        scan = scan_folder(
            folder,
            exclude=exclude,
            no_ignore=not ignore,
            follow_links=follow_links,
            executables=executables,
            progress=watched,
        )
    with (
        tempfile.TemporaryDirectory(prefix="radops-diff-") as pages,
        before.naming(),
        stage(progress, "comparing", scan.bytes, scan.files) as count,
        watching(count) as watched,
    ):
        stats = FolderMemory(session, folder).stats
        now = name_folder(session.store, folder, scan, pages, stats=stats, progress=watched)
        return _diff(diff_with(before.tree, before.tree, now))


def _diff(
    found: tuple[list[Entry], list[Entry], list[tuple[Entry, Entry]], list[tuple[Entry, Entry]]],
) -> Diff:
    added, removed, changed, moved = found
    return Diff(
        tuple(added),
        tuple(removed),
        tuple(Changed(new.path, old, new) for old, new in changed),
        tuple(Moved(old.path, new.path, new) for old, new in moved),
    )
