"""Reads a directory: entries and files, from local storage or else from the remote."""

from __future__ import annotations

import contextlib
import io
import time as clock
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeAlias

from radops import native
from radops.errors import CorruptObjectError, LocalStorageError
from radops.format.digest import Digest
from radops.repository.objects.disk_errors import disk_errors
from radops.repository.progress import ignore
from radops.repository.trees.entries import MAX_PACKED, Entry
from radops.repository.trees.fetching import of_path
from radops.repository.trees.kept import keep
from radops.repository.trees.partial import Part
from radops.repository.trees.table import Table
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from radops.repository.objects.reader import Fetch, ObjectReader
    from radops.repository.objects.store import LocalStore
    from radops.repository.progress import Count

# `Tree` has a property of this name.
_Bytes: TypeAlias = bytes

# A pack is fetched whole at the third file that is read from it.
_MOST_SLICES = 2

# How long no pack is fetched whole after one found no room: a full disk stays full for a while.
_REST_SECONDS = 30.0


class Summary(NamedTuple):
    """What a directory is made of."""

    extensions: list[tuple[str | None, int, int]]
    """Extension, files and bytes; None for all others where there are very many."""
    links: int
    folders: int
    """Empty ones."""
    here: tuple[int, int]
    """Files and bytes that are on this machine."""
    packs: tuple[int, int]
    """Packs, and bytes of the files in them."""
    live: int
    """Bytes of those files in its packs that belong to the directory."""


class Tree(Table):
    """A committed directory. Nothing is fetched before it is needed. Thread-safe.

    Args:
        reader: Reads objects, from here or from the remote.
        store: The objects of the home.
        root: Digest of the root.
        root_size: Its size in bytes.
        layout: Digest of the layout.
    """

    def __init__(
        self,
        reader: ObjectReader,
        store: LocalStore,
        root: Digest,
        root_size: int,
        layout: Digest,
    ) -> None:
        super().__init__(reader, store, root, root_size, layout)
        self._slices: dict[Digest, int] = {}
        self._rests_until = 0.0

    def absent(self, patterns: Sequence[str] = ()) -> list[tuple[Digest, int]]:
        """Return packs and large files that hold matching files and are not on this machine."""
        return [one for one in self.needed(patterns) if not self._store.is_here(*one)]

    def part(self, patterns: Sequence[str] = ()) -> Part:
        """Return what has to be fetched for the files that match; fetches the pages."""
        return Part(self, self._reader, self._store, patterns)

    def fetch(self, patterns: Sequence[str] = (), count: Count | None = None) -> None:
        """Fetch the files that match into local storage, with their pages, verified.

        Args:
            patterns: What; see the class.
            count: Called with bytes and objects as they are done.

        Raises:
            CorruptObjectError: Bytes are wrong, or missing and there is no remote.
            RemoteUnavailableError: They are not here, and the remote cannot be used.
        """
        self.part(patterns).fetch(count or ignore)

    def fetch_if_room(self, packs: Sequence[tuple[Digest, int]]) -> bool:
        """Fetch packs whole, if the disk has room for them; return whether it did."""
        if clock.monotonic() < self._rests_until:
            return False
        done = self._bring_if_room() and self._reader.fetch_if_room(packs)
        if not done:
            self._rests_until = clock.monotonic() + _REST_SECONDS
        return done

    def _bring_if_room(self) -> bool:
        """Fetch the parts that `bring` fetches, unless the disk is full; return whether it did."""
        try:
            self.bring()
        except LocalStorageError:
            return False
        return True

    def _bring_for(self, digest: Digest, size: int) -> None:
        """Fetch the parts that `bring` fetches before a large file that is not here is fetched."""
        if not self._store.has(digest, size):
            self._bring_if_room()

    def read(self, path: str) -> _Bytes:
        """Return the bytes of a file, verified: from here, else by one request for its range.

        The third file that is read from a pack which is not here fetches the pack, if the disk has
        room for it.

        Raises:
            UIDNotFoundError: There is no file of that path.
            CorruptObjectError: The bytes are wrong; the message names the path.
        """
        entry = self._file(path)
        digest = entry.digest
        if entry.size == 0 or digest is None:
            return b""
        if entry.size > MAX_PACKED:
            self._bring_for(digest, entry.size)
            return self._reader.read(digest, entry.size)
        if (own := self._own(digest, entry.size)) is not None:
            return own
        place = self.fetching.call(lambda: self.opened.place(path))
        if place is None:
            raise CorruptObjectError(f"the layout {self.layout} has no place for {path}")
        (raw, size), offset = place
        pack = Digest(raw)
        if not self._store.is_here(pack, size):
            if (cached := self._reader.cached_slice(digest)) is not None:
                return cached
            misses = self._slices[pack] = self._slices.get(pack, 0) + 1
            if misses <= _MOST_SLICES or not self.fetch_if_room([(pack, size)]):
                try:
                    return self._reader.read_slice(pack, size, offset, entry.size, digest)
                except CorruptObjectError as error:
                    raise of_path(error, path) from None
        data = self.fetching.call(lambda: self.opened.read(path))
        if data is None:
            raise CorruptObjectError(f"the layout {self.layout} has no place for {path}")
        return data

    def _own(self, digest: Digest, size: int) -> _Bytes | None:
        """Return the bytes of a small file that is an object of its own here; None if it is not.

        Wrong bytes count as none, as the pack can be fetched instead.
        """
        try:
            with self._store.object_path(digest).open("rb") as file:
                data = file.read(size + 1)
        except OSError:
            return None
        if Digest.of(data) == digest:
            self._store.usage.note(digest)
            return data
        self._store.distrust(digest)
        with contextlib.suppress(LocalStorageError):  # a home that we may only read
            self._store.is_verified(digest, size)  # moves it to quarantine
        return None

    def keep(self, path: str) -> None:
        """Make a file an object of its own here, verified, if it is not one.

        Raises:
            UIDNotFoundError: There is no file of that path.
            CorruptObjectError: The bytes are wrong; the message names the path.
        """
        entry = self._file(path)
        digest = entry.digest
        if digest is None or entry.size > MAX_PACKED:
            return
        if not self._store.is_verified(digest, entry.size):
            data = self.read(path)
            place = self.absent_place(entry)
            if place is not None:
                pack, _ = place
                keep(self._store.backend, self.root, pack, [(digest.raw, entry.size)])
            with self._store.staging():
                self._store.admit([self._store.stage_bytes(data)])

    def absent_place(self, entry: Entry) -> tuple[tuple[Digest, int], int] | None:
        """Return the pack of a small file that must be fetched, and where in it the file is.

        None if nothing of a pack is needed: its bytes are here, or are an object of their own.
        """
        digest = entry.digest
        if entry.size == 0 or digest is None or entry.size > MAX_PACKED:
            return None
        place = self.fetching.call(lambda: self.opened.place(entry.path))
        if place is None:
            raise CorruptObjectError(f"the layout {self.layout} has no place for {entry.path}")
        (raw, size), offset = place
        pack = Digest(raw)
        if self._store.has(pack, size) or self._store.has(digest, entry.size):
            return None
        return (pack, size), offset

    def is_here(self, entry: Entry) -> bool:
        """Return whether the bytes of a file are on this machine."""
        if entry.size > MAX_PACKED and entry.digest is not None:
            return self._store.has(entry.digest, entry.size)
        return self.absent_place(entry) is None

    def has_all(self, patterns: Sequence[str] = ()) -> bool:
        """Return whether the bytes of all files that match are on this machine. Fetches nothing."""

        def look() -> bool:
            try:
                # Without patterns no page is read if all packs are here.
                needed = self.opened.needed(patterns)
                if all(self._store.has(Digest(digest), size) for digest, size in needed):
                    return True
                return not self.opened.lacking(patterns, first=True)
            except (native.MissingObjectsError, native.DamagedObjectError):
                return False

        return self.fetching.call(look)

    def open(self, path: str, *, fetch: Fetch = "whole") -> BinaryIO:
        """Open a file to read it: a seekable binary stream of verified bytes.

        Args:
            path: The file.
            fetch: What to fetch of a file that is an object of its own, as `ObjectReader.open`
                does; one that is in a pack is read into memory.

        Raises:
            UIDNotFoundError: There is no file of that path.
        """
        entry = self._file(path)
        if entry.size > MAX_PACKED and entry.digest is not None:
            if fetch != "ranges":
                self._bring_for(entry.digest, entry.size)
            return self._reader.open(entry.digest, entry.size, fetch=fetch)
        return io.BytesIO(self.read(path))

    def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> list[_Bytes]:
        """Return verified bytes of several ranges of a file; see `ObjectReader.read_ranges`.

        Raises:
            UIDNotFoundError: There is no file of that path.
        """
        entry = self._file(path)
        if entry.size > MAX_PACKED and entry.digest is not None:
            return self._reader.read_ranges(entry.digest, entry.size, ranges)
        data = self.read(path)
        return [data[start : start + length] for start, length in ranges]

    def write(
        self,
        target: Path,
        patterns: Sequence[str] = (),
        *,
        time: int,
        modes: tuple[int, int, int] = (0o644, 0o755, 0o755),
        progress: native.Progress | None = None,
    ) -> tuple[int, int]:
        """Write what matches into a folder that must not exist; return entries and bytes.

        What is not here is fetched first.

        Args:
            target: The folder.
            patterns: See the class.
            time: When everything was modified, in seconds since 1970.
            modes: Permission bits of files, of files of kind `EXECUTABLE`, and of folders.
            progress: Counts bytes and files, and can stop the call.

        Raises:
            LocalStorageError: The folder exists, or the file system does not distinguish two names.
        """
        self.fetch(patterns)

        def write() -> tuple[int, int]:
            with disk_errors(target):
                return self.opened.write(
                    target,
                    patterns,
                    time=time,
                    file_mode=modes[0],
                    executable_mode=modes[1],
                    folder_mode=modes[2],
                    threads=threads(),
                    progress=progress,
                )

        return self.fetching.call(write, most=1)

    def update(
        self,
        over: native.TreeReader,
        folder: Path,
        stem: Path,
        removed: Sequence[str],
        progress: native.Progress | None,
    ) -> native.AddedTree:
        """Make the next version; see `native.TreeReader.update`. Fetches the pages it needs.

        Packs are fetched only if files in them have to be packed again.
        """
        self.fetch_pages()
        parts = self.opened.parts()
        absent = [one for one in parts if not self._store.is_here(Digest(one[0]), one[1])]
        self.fetching.fetch(absent)
        added, _, _ = self.fetching.call(
            lambda: self.opened.update(
                over, folder, stem, removed=removed, threads=threads(), progress=progress
            )
        )
        return added

    def summary(self, progress: native.Progress | None = None) -> Summary:
        """Return what the directory is made of. Fetches and reads all pages."""
        self.fetch_pages()
        extensions, links, folders, here, packs, live = self.fetching.call(
            lambda: self.opened.summary(progress=progress)
        )
        return Summary(extensions, links, folders, here, packs, live)
