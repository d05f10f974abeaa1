"""What a directory of the lake holds: its files, by path, many or one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from radops.arguments import check_name, check_names
from radops.errors import UsageError
from radops.lake import current
from radops.lake.directory import about
from radops.lake.directory.index import FileIndex
from radops.lake.directory.names import find_inner, literal, look_up_inner
from radops.lake.directory.opened import Opened, open_directory
from radops.lake.directory.stored_order import (
    read_files,
    read_in_stored_order,
    telling_of,
    window_bytes,
)
from radops.lake.directory.summary import Summary, summarize
from radops.lake.file import File, inner_file
from radops.lake.named import Named
from radops.lake.progress import stage_if_slow
from radops.repository.trees.entries import FOLDER, LINK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from radops.format.digest import Digest
    from radops.format.record import FileRecord
    from radops.lake.directory.opened import Row
    from radops.lake.reports import FileInfo, Progress
    from radops.lake.session import Session
    from radops.repository.trees.entries import Entry

Bytes = bytes
"""The class below has a property of that name."""

# For up to so many paths, the pages that contain them are fetched one by one.
_FEW: Final = 16

WINDOW: Final = "64MB"
"""Bytes that `Directory.read` fetches at once."""


class Contents(Named):
    """The part of `Directory` that reads."""

    __slots__ = ("_found",)

    _found: FileRecord | None

    # -- what it is ------------------------------------------------------------------------------

    def _record(self) -> FileRecord:
        """Return the record, without noting that a creator reads it.

        Raises:
            UIDNotFoundError: There is no directory of that name.
            UsageError: It is a file.
        """
        record = self.session.record(self._whole_uid())
        if record.type != "directory":
            raise UsageError(
                f"{record.uid} is a file, not a directory",
                uid=record.uid,
                hint=f"use File({record.uid!r})",
            )
        return record

    def _open(self) -> Opened:
        """Open it to read it, and note that the running creator does, if there is one."""
        session, run = self.session, self._run
        if run is not None:
            current.check_lake(session, run, self._uid)
        if self._found is None:
            self._found = self._record()
        if run is not None:
            run.note_read(self._found)
        return open_directory(session.lake, self._found)

    def as_input(self, session: Session) -> tuple[FileRecord, None]:
        """Return its record, as an input of a creator that works in this lake.

        Raises:
            UIDNotFoundError: There is no such directory.
        """
        record = session.record(self._whole_uid())
        if record.type != "directory":
            raise UsageError(f"{record.uid} is a file, not a directory", uid=record.uid)
        return record, None

    @property
    def files(self) -> int:
        """How many files it has; may ask the remote for its record."""
        return self._record().files or 0

    @property
    def bytes(self) -> int:
        """Bytes of these files; may ask the remote for its record."""
        return self._record().bytes or 0

    def digest(self) -> Digest:
        """Return what identifies its contents: equal for equal folders, however they are stored."""
        return self._record().digest

    def __len__(self) -> int:
        return self.files

    def __bool__(self) -> bool:
        """Return True: a name is never false, even of a directory without files."""
        return True

    def exists(self) -> bool:
        """Return whether the lake has a directory of this name; may ask the remote."""
        record = self.session.lake.find(self._whole_uid())
        return record is not None and record.type == "directory"

    def is_local(self) -> bool:
        """Return whether all of its files are on this machine.

        Raises:
            UIDNotFoundError: There is no such directory.
        """
        return about.is_local(self.session, self._record())

    def info(self) -> FileInfo:
        """Return all that is known of it; see `DataLake.info`."""
        return about.describe(self.session, self._record())

    def summary(self, progress: Progress | None = None) -> Summary:
        """Return what it is made of: files by extension, and how much of its packs it uses.

        Reads the whole table of contents, and fetches what of it is not on this machine.

        Args:
            progress: Shows how far it is.

        Raises:
            UIDNotFoundError: There is no such directory.
        """
        opened = self._open()
        with opened.naming(), stage_if_slow(progress, "reading the table of contents"):
            return summarize(opened.tree)

    # -- its files -------------------------------------------------------------------------------

    def __contains__(self, path: object) -> bool:
        """Return whether it has a file of this path."""
        if not isinstance(path, str):
            return False
        return look_up_inner(self._open(), path) is not None

    def __getitem__(self, path: str) -> File:
        """Return the file of this path.

        Raises:
            UIDNotFoundError: There is none; the message names what may be meant.
        """
        check_name(path, "a path in a directory")
        opened = self._open()
        inner = find_inner(opened, path)
        return self._file(opened, inner.path, inner.entry)

    def __truediv__(self, path: str) -> File:
        """Return the file of this path, as `pathlib` writes it: `Directory("d") / "a/b.txt"`."""
        return self[path]

    def _file(self, opened: Opened, path: str, entry: Entry) -> File:
        return inner_file(opened.record, path, entry, self._session, self._scope)

    def __iter__(self) -> Iterator[File]:
        """Yield all files, sorted by path."""
        return self.glob()

    def find(self, path: str) -> File | None:
        """Return the file of this path; None if there is none."""
        opened = self._open()
        inner = look_up_inner(opened, path)
        return None if inner is None else self._file(opened, inner.path, inner.entry)

    def is_folder(self, path: str) -> bool:
        """Return whether there is a folder of this path; the top, the empty path, is one."""
        return self._open().is_folder(path.strip("/"))

    def glob(self, *patterns: str) -> Iterator[File]:
        """Yield the files that match any of some patterns, sorted by path.

        Args:
            patterns: `*`, `?` and `[...]` match within a name, `**` across folders:
                `cats/**/*.jpg`; a folder means all files below it. None for all files.

        Raises:
            UsageError: A pattern cannot be used.
        """
        check_names(patterns, "a pattern")
        opened = self._open()
        with opened.naming():
            for entry in opened.tree.each(patterns):
                if entry.is_file:
                    yield self._file(opened, entry.path, entry)

    def below(self, folder: str = "") -> Iterator[File]:
        """Yield all files below a folder, sorted by path; none if there is no such folder."""
        inner = folder.strip("/")
        return self.glob(f"{literal(inner)}/**") if inner else self.glob()

    def scan(self, folder: str = "") -> tuple[list[str], list[File]]:
        """Return what is directly in a folder: the names of its folders, and its files.

        Like `ls`, with sizes and digests of files; both are empty if there is no such folder.
        Symbolic links are files if they lead to one.
        """
        opened, inner = self._open(), folder.strip("/")
        folders, files = [], []
        for name, entry in opened.children(inner):
            path = f"{inner}/{name}" if inner else name
            if entry is None or entry.kind == FOLDER:
                folders.append(name.rstrip("/"))
            elif entry.is_file:
                files.append(self._file(opened, path, entry))
            elif (found := look_up_inner(opened, path)) is not None:
                files.append(self._file(opened, path, found.entry))
        return folders, files

    def rows(self, folder: str = "", *, base: str = "") -> Iterator[Row]:
        """Yield name, size and digest of all files below a folder, sorted by path.

        The same as `below` in plain values, for listings of millions of files: some ten times as
        fast. The digest is its 32 bytes.

        Args:
            folder: The folder; the empty text is the top.
            base: What each name begins with, before the path in the directory.
        """
        return self._open().files_below(folder.strip("/"), base)

    def scan_rows(self, folder: str = "") -> tuple[list[str], list[Row]]:
        """Return what `scan` does, in plain values: names of folders; name, size, digest of files.

        For listings of folders with very many files. The digest is its 32 bytes.
        """
        opened, inner = self._open(), folder.strip("/")
        folders: list[str] = []
        files: list[Row] = []
        for name, row, kind in opened.child_rows(inner):
            if row is None:
                folders.append(name.rstrip("/"))
            elif kind != LINK:
                files.append(row)
            elif (found := look_up_inner(opened, f"{inner}/{name}" if inner else name)) is not None:
                entry = found.entry
                files.append((name, entry.size, entry.digest.raw if entry.digest else row[2]))
        return folders, files

    def ls(self, folder: str = "") -> list[str]:
        """Return the names directly in a folder, sorted; those of folders end with a slash.

        However much is below a folder, only its own names are read.

        Raises:
            UIDNotFoundError: There is no such folder.
        """
        check_name(folder, "a folder")
        opened = self._open()
        inner = folder.strip("/")
        names = [
            f"{name}/" if entry is not None and entry.digest is None else name
            for name, entry in opened.children(inner)
        ]
        if not names and not opened.is_folder(inner):
            raise about.no_folder(opened, inner)
        return names

    def walk(self, folder: str = "") -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield each folder with the names of its folders and files, as `os.walk` does.

        Paths are relative to the directory; the top is the empty text.
        """
        check_name(folder, "a folder")
        todo = [folder.strip("/")]
        while todo:
            top = todo.pop()
            names = self.ls(top)
            inner = [name[:-1] for name in names if name.endswith("/")]
            yield top, inner, [name for name in names if not name.endswith("/")]
            todo += [f"{top}/{name}" if top else name for name in reversed(inner)]

    def read(self, *patterns: str, window: str | int = WINDOW) -> Iterator[tuple[str, Bytes]]:
        """Yield path and verified bytes of files that match, in the order they are stored in.

        The quickest way to read many small files: what the next window needs is fetched with few
        requests, and nothing is written to this machine's disk but whole packs.

        Args:
            patterns: See `glob`; none for all files.
            window: Bytes that are fetched at once, as a number or as text: `64MB`, `1GiB`. A
                larger file counts as a window of its own.

        Raises:
            UsageError: A pattern or the window cannot be used.
            CorruptObjectError: Bytes are wrong and cannot be fetched again.
        """
        check_names(patterns, "a pattern")
        most = window_bytes(window)
        return read_in_stored_order(self._open(), patterns, most)

    def read_files(
        self, paths: Iterable[str], *, window: str | int = WINDOW
    ) -> Iterator[tuple[str, Bytes]]:
        """Yield path and verified bytes of some files, in the order they are stored in.

        Of a pack that holds several of them and is not on this machine, all is fetched at once.

        Args:
            paths: Of the files.
            window: As of `read`.

        Raises:
            UIDNotFoundError: There is no file of such a path.
            CorruptObjectError: Bytes are wrong and cannot be fetched again.
        """
        most, opened = window_bytes(window), self._open()
        paths = list(dict.fromkeys(paths))
        if len(paths) > _FEW:
            self.fetch_contents(paths)
        entries = [(path, find_inner(opened, path).entry) for path in paths]
        return read_files(opened, entries, most)

    def fetch_contents(self, paths: Collection[str] = ()) -> None:
        """Bring the table of contents to this machine, if it is not here, in one batch.

        Without it a page is fetched when a path in it is first looked up: better for few of them.

        Args:
            paths: Files; only the pages that contain them are fetched, or those of their folders if
                these are found faster. None for all pages.
        """
        opened = self._open()
        with opened.naming():
            opened.tree.fetch_pages(telling_of(paths, len(opened.tree.page_totals())))

    def index(self, *patterns: str) -> FileIndex:
        """Return the files that match by number, in the order of their paths, to pick from.

        For samplers and data loaders: numbers are turned into paths and bytes without listing the
        rest, and neighbours are read by one request.

        Args:
            patterns: See `glob`; none for all files.

        Raises:
            UsageError: A pattern cannot be used.

        Example:
            >>> files = Directory("datasets/images/v2").index("cats/**")
            >>> files[7].path
            'cats/8.jpg'
            >>> seven, eight = files.read(files.between(7, 9))
        """
        return FileIndex(self._open, patterns, self._open().record.digest)
