"""Directories of the lake, by name."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from radops.arguments import check_flags, check_names, check_path, kind_of
from radops.backends.forking import Owner
from radops.errors import ArgumentTypeError
from radops.format.uid import parse_uid
from radops.lake import messages
from radops.lake.directory import folders
from radops.lake.directory.checkout import Written, check_out
from radops.lake.directory.contents import Contents
from radops.lake.directory.edit import Edit
from radops.lake.directory.targets import Part
from radops.lake.file_io import check_alone, local_errors, taken_out
from radops.lake.named import checked_suffix, known
from radops.lake.progress import stage
from radops.lake.unstored import place_to_keep, take_out
from radops.lake.writing import begin
from radops.repository.refs.slots import Taken
from radops.repository.stores import Owners
from radops.repository.workers import limited

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    from radops.format.uid import UID
    from radops.lake.directory.diff import Diff
    from radops.lake.reports import Progress
    from radops.lake.session import HasSession, Session


class Directory(Contents):
    """A directory of the lake, by name: any number of files as one immutable thing.

    Making one sends no request and fetches nothing. Queries read only the pages of its table of
    contents that they need, and no file.

    Args:
        uid: The name; None for an implicit output of a creator.
        lake: The `DataLake`; None for the current one, looked up at each use.

    Raises:
        InvalidUIDError: The text cannot be a name.
        CreatorError: No name was given outside a creator.
        UIDNotFoundError: `@latest` was given, and there is no version.

    Example:
        >>> images = Directory("datasets/images/v2")
        >>> len(images)
        100000
        >>> for path, data in images.read("cats/**"):
        ...     print(path, len(data))
    """

    __slots__ = ()

    kind = "directory"

    def __init__(
        self, uid: str | None = None, *, suffix: str = "", lake: HasSession | None = None
    ) -> None:
        super().__init__(uid, checked_suffix(suffix, uid), lake, parse_uid)
        self._found = None

    def _set_name(self, uid: str) -> None:
        self._uid, self._found = parse_uid(uid), None

    # -- its files on this machine --------------------------------------------------------------

    def path(self, *patterns: str, progress: Progress | None = None) -> Path:
        """Return a read-only folder with what matches, fetched and written once per machine.

        For libraries that want a folder. The files are copies, so it takes as much disk again;
        `read` and `glob` do without.

        Args:
            patterns: See `glob`; none for all of it.
            progress: Shows how far it is.

        Raises:
            LocalStorageError: The disk is full, or its file system cannot distinguish two names.
        """
        check_names(patterns, "a pattern")
        opened = self._open()
        with (
            limited(self.session.jobs),
            stage(progress, f"writing {opened.uid}") as count,
        ):
            return folders.read_only_folder(self.session, opened.record, patterns, count)

    def __fspath__(self) -> str:
        """Return the path of a read-only folder, for readers that take a path."""
        return str(self.path())

    def download(
        self,
        *patterns: str,
        to: str | PathLike[str] | None = None,
        force: bool = False,
        delete: bool = False,
        progress: Progress | None = None,
    ) -> Written | None:
        """Bring the files that match to this machine, verified; with `to` also into a folder.

        The folder is a checkout: its files are copies to work with, and when it is added again,
        only what was changed is packed and sent. Files that are already there with the right bytes
        stay, so an interrupted checkout can be run again.

        Args:
            patterns: See `glob`; none for all of it.
            to: The folder; made if it does not exist. None: see `path` for a read-only folder.
            force: Replace files there that are not as in the directory.
            delete: Remove files there that the directory does not have, also for a part of it; not
                `.git`, nor what an add of the folder would leave out.
            progress: Shows how far it is.

        Returns:
            With `to`, what was written.

        Raises:
            UIDNotFoundError: Nothing matches a pattern.
            ConflictError: The folder has files that are not as in the directory, or those of a
                checkout of another one outside of the part that is to be written.
            UsageError: The folder is in a home or a remote, or, with `force` or `delete`, such a
                one is in it.
        """
        check_names(patterns, "a pattern")
        if to is not None:
            check_path(to, "to")
        check_flags(force=force, delete=delete)
        opened, session = self._open(), self.session
        Part(opened.record, patterns).check(session)
        with limited(session.jobs):
            if to is not None:
                target = Path(to)
                return check_out(
                    session,
                    opened.record,
                    patterns,
                    target,
                    force=force,
                    delete=delete,
                    progress=progress,
                )
            Part(opened.record, patterns).download(session, progress)
        return None

    @contextlib.contextmanager
    def staged(self) -> Iterator[Path]:
        """Give an empty folder to fill; it becomes the directory when the block ends cleanly.

        All that is in the folder then is stored, except owners, times and permissions. An error
        in the block discards it, and the name can be written again. What cannot be stored is
        kept, see below.

        Raises:
            UIDConflictError: The name exists already.
            FolderRefusedError: The folder holds what a directory cannot hold, or data of a lake;
                the message says what, and where all of it is kept.
            CreatorError: Something was written beside the folder (`f"{folder}.crc"`), and all of it
                is kept as well. Or a creator writes a name that it was not given.

        Example:
            >>> with Directory("datasets/clean/v1").staged() as folder:
            ...     (folder / "a.txt").write_text("a")
        """
        with self._made_of_folder(self.session) as folder:
            with local_errors():
                folder.mkdir()
            yield folder

    @contextlib.contextmanager
    def edit(self, uid: str | None = None) -> Iterator[Edit]:
        """Make a new version by single changes, published when the block ends cleanly.

        Only what was changed is packed and sent. While the block runs, the files of the directory
        are in a folder of local storage, so it takes as much disk again.

        Args:
            uid: The name of the new version, such as `images/@next`; None for an implicit output
                of a creator.

        Raises:
            UIDNotFoundError: There is no such directory.
            UIDConflictError: The new name exists already.
            FolderRefusedError: A folder was added that holds what a directory cannot hold; the
                message says where all of it is kept.

        Example:
            >>> with Directory("images/v2").edit("images/v3") as e:
            ...     e.write_bytes("cats/9.jpg", data)
            ...     e.remove("dogs/**")
        """
        opened, session = self._open(), self.session
        new = Directory(uid, lake=None if self._session is None else self)
        state = session.lake.state(opened.record.uid)
        base = state if isinstance(state, Taken) else None
        with new._made_of_folder(session, base) as folder:
            with opened.naming():
                opened.tree.write(folder, time=int(opened.record.created.timestamp()))
            yield Edit(folder, new.uid, Owners(session.settings.home))

    @contextlib.contextmanager
    def _made_of_folder(self, session: Session, base: Taken | None = None) -> Iterator[Path]:
        """Give the path of a folder to make; it becomes the directory unless the block fails."""
        uid = self._whole_uid()
        around, output = begin(session, uid, self._run)
        # In a folder of its own, so that files written beside it are detected.
        folder, flat = around / uid.rpartition("/")[2], taken_out(around)
        owner = Owner()
        try:
            with local_errors():
                around.mkdir()
            yield folder
            if owner.is_this_process():
                kept = place_to_keep(session, uid)
                check_alone(around, folder.name, uid, kept)
                take_out(folder, flat, uid, kept)
                output.accept_folder(flat, base)
            else:
                messages.left_to_parent(f"Directory({self._uid!r})")
        except BaseException:
            if owner.is_this_process():
                output.discard(flat)
                shutil.rmtree(flat, ignore_errors=True)
            raise
        finally:
            if owner.is_this_process():
                shutil.rmtree(around, ignore_errors=True)

    def diff(
        self,
        other: Directory | str | Path,
        *,
        exclude: Sequence[str] = (),
        ignore: bool = True,
        follow_links: bool = False,
        executables: bool = False,
        progress: Progress | None = None,
    ) -> Diff:
        """Return what only one of two directories has, and what differs or was moved between them.

        Only pages of the tables of contents that differ are read; files only of a folder.

        Args:
            other: The later one: what is only in it is `added`. A `Path` is a folder of this
                machine, taken as `DataLake.add` would: files that are as they were when it was
                last added are not read again.
            exclude: Of a folder: patterns in gitignore syntax of what is left out.
            ignore: Of a folder: apply the built-in rules and `.radopsignore`.
            follow_links: Of a folder: store what links point to that lead out of it.
            executables: Of a folder: compare whether files can be executed.
            progress: Shows how far it is.

        Raises:
            UIDNotFoundError: One of them does not exist.
            FolderRefusedError: The folder holds what a directory cannot hold.
        """
        from radops.lake.directory.diff import (  # noqa: PLC0415 - rarely needed
            compare,
            compare_folder,
        )

        if isinstance(other, Path):
            return compare_folder(
                self.session,
                self._open(),
                other,
                exclude=exclude,
                ignore=ignore,
                follow_links=follow_links,
                executables=executables,
                progress=progress,
            )
        if isinstance(other, str):
            other = Directory(other, lake=self)
        if not isinstance(other, Directory):
            raise ArgumentTypeError(f"other is {kind_of(other)}, not a Directory")
        return compare(self._open(), other._open())


def known_directory(uid: UID, session: Session | None) -> Directory:
    """Return the directory of a name that exists in the lake, without looking at it again."""
    return known(Directory, uid, session)
