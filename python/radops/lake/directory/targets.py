"""Targets of commands that mean a part of a directory: a file in it, a folder, or a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from radops.errors import InvalidUIDError, UIDNotFoundError
from radops.format.pattern import is_pattern, literal_prefix
from radops.format.uid import UID, folders_of, parse_uid
from radops.lake.directory import inner_files
from radops.lake.directory.about import no_folder
from radops.lake.directory.names import directory_above, find_named, is_directory
from radops.lake.directory.opened import open_directory
from radops.lake.progress import stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from radops.format.record import FileRecord
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.working_lake import WorkingLake


class Part(NamedTuple):
    """A directory of the lake, and what of it is meant."""

    record: FileRecord
    patterns: tuple[str, ...]
    """Patterns within it; none for all of it."""
    file: str | None = None
    """The path of the one file that is meant; then there are no patterns."""

    def check(self, session: Session) -> None:
        """Check that something is meant.

        Raises:
            UIDNotFoundError: The directory has no such file or folder, or nothing matches.
        """
        if self.file is not None:
            inner_files.inner_of(session, self.record, self.file)
            return
        opened = open_directory(session.lake, self.record)
        for pattern in self.patterns:
            if pattern.endswith("/") and not is_pattern(pattern):
                if not opened.is_folder(pattern.rstrip("/")):
                    raise no_folder(opened, pattern.rstrip("/"))
                continue
            with opened.naming():
                opened.tree.fetch_pages([pattern], places=False)
                if not opened.tree.select([pattern], most=1):
                    name = f"{self.record.uid}/{pattern}"
                    raise UIDNotFoundError(f"no file or directory matches {name}", uid=name)

    def download(self, session: Session, progress: Progress | None) -> dict[str, Path]:
        """Bring it to this machine; return the path of a single file, by its name."""
        if self.file is not None:
            name = f"{self.record.uid}/{self.file}"
            return {name: inner_files.path(session, self.record, self.file)}
        opened = open_directory(session.lake, self.record)
        with opened.naming():
            part = opened.tree.part(self.patterns)
            with stage(progress, f"downloading {opened.uid}", part.bytes, part.objects) as count:
                part.fetch(count)
        return {}


class Split(NamedTuple):
    """What targets mean."""

    whole: list[str]
    """Those that mean whole files or directories."""
    parts: list[Part]
    """Those that mean parts of directories."""
    known: dict[UID, FileRecord]
    """Records of files and directories among `whole` that were found on the way."""


def split_targets(lake: WorkingLake, targets: Sequence[str]) -> Split:
    """Split targets into those that mean whole files or directories, and parts of directories.

    A pattern enters a directory only if the directory's UID is spelled out before its first
    wildcard.

    Raises:
        UIDNotFoundError: A name means nothing.
        InvalidUIDError: A name can mean nothing.
    """
    known = _looked_up(lake, targets)
    whole: list[str] = []
    parts: list[Part] = []
    for target in targets:
        part = None if target in known else _part(lake, target)
        if part is None:
            whole.append(target)
        else:
            parts.append(part)
    return Split(whole, parts, known)


def _looked_up(lake: WorkingLake, targets: Sequence[str]) -> dict[UID, FileRecord]:
    """Return the records of those of many targets that are names of files, looked up together.

    A name in a directory that is known on this machine is left out, as is a single name: what
    those mean is found with fewer requests.
    """
    uids: list[UID] = []
    directories: dict[UID, bool] = {}
    for target in targets if len(targets) > 1 else ():
        if is_pattern(target) or target.endswith("/"):
            continue
        try:
            uid = parse_uid(target)
        except InvalidUIDError:
            continue
        for folder in folders_of(uid):
            if folder not in directories:
                directories[folder] = is_directory(lake.local_state(folder))
        if not any(directories[folder] for folder in folders_of(uid)):
            uids.append(uid)
    return lake.find_all(uids)


def _part(lake: WorkingLake, target: str) -> Part | None:
    pattern = is_pattern(target)
    if not pattern and not target.endswith("/"):
        found = find_named(lake, target) if "/" in target else None
        if found is None or found.inner is None:
            return None
        return Part(found.record, (), found.inner)
    above = directory_above(lake, literal_prefix(target) if pattern else target, local=False)
    if above is None:
        return None
    record = above[0]
    rest = target[len(record.uid) + 1 :]
    return Part(record, (rest,) if rest else ())
