"""The one way to read an object's bytes: whole or in part, from here or from the remote, verified.

Everything that reads files of the lake (`open`, `path`, `cat`, downloads) asks an `ObjectReader`.
Where the bytes come from is decided here; nothing is returned before it was verified.
"""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, TypeAlias, cast

from radops.errors import CorruptObjectError, LocalStorageError, RemoteUnavailableError
from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE, check_outline
from radops.repository.objects.range_file import RangeFile
from radops.repository.objects.remote_ranges import RemoteRanges, wrong_slice
from radops.repository.progress import ignore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from radops.repository.objects.remote_ranges import Origin
    from radops.repository.objects.store import LocalStore
    from radops.repository.progress import Count

# An object can be removed between its verification and its use, by `delete-local` or a purge in
# another process. Each try fetches it again, so only constant removal exhausts them.
_TRIES = 5

_LOG = logging.getLogger("radops")

Fetch: TypeAlias = Literal["auto", "whole", "ranges"]
"""What to fetch of an object that is opened and not here: all of it, what is read, or the first for
small objects and the second for others."""

WHOLE_UP_TO: Final = 16 * 1024 * 1024
"""Bytes up to which `auto` fetches all: a few blocks at each end and an outline cost as much."""


class ObjectReader:
    """Reads objects by digest and size. Thread-safe.

    Args:
        store: The objects of the home.
        origin: Where the others come from; None if there is nowhere to fetch from.
        offline: Whether there is a remote that must not be used, for the message.
    """

    def __init__(self, store: LocalStore, origin: Origin | None, *, offline: bool = False) -> None:
        self._store = store
        self._origin = origin
        self._offline = offline
        self._ranges = None if origin is None else RemoteRanges(origin, store.range_cache)

    def fetch(self, objects: Sequence[tuple[Digest, int]], count: Count) -> None:
        """Fetch objects into local storage, verified; those that are there already are verified.

        Args:
            objects: Digest and size of each.
            count: Called with bytes and files as they are done.

        Raises:
            CorruptObjectError: Bytes are wrong, or missing and there is no remote.
            RemoteUnavailableError: They are not here, and the remote cannot be used.
        """
        if self._origin is not None:
            self._origin.fetch(objects, count)
            return
        for digest, size in objects:
            if self._store.proven(digest, size) is None:
                raise self._missing(digest)
            count(size, 1)

    def fetch_if_room(self, objects: Sequence[tuple[Digest, int]]) -> bool:
        """Do what `fetch` does if the disk has room, and return whether it did.

        A disk that is full or cannot be written is no error: the caller reads ranges instead.

        Raises:
            CorruptObjectError: Bytes are wrong, or missing and there is no remote.
            RemoteUnavailableError: They are not here, and the remote cannot be used.
        """
        # As much again stays free: other programs need the disk as well.
        if self._origin is not None and self._store.free() < 2 * sum(size for _, size in objects):
            return False
        try:
            self.fetch(objects, ignore)
        except LocalStorageError:
            if self._origin is None:
                raise
            self._origin.drop(objects)
            return False
        return True

    @property
    def workers(self) -> int:
        """How many requests may run at once."""
        return 1 if self._origin is None else self._origin.workers

    def alone(self, digests: Iterable[Digest]) -> AbstractContextManager[None]:
        """Return a block in which no other process of this machine fetches parts of these objects.

        It only helps, as each process verifies what it fetches.
        """
        return contextlib.nullcontext() if self._origin is None else self._origin.alone(digests)

    def path(self, digest: Digest, size: int) -> Path:
        """Return the path of an object's file, verified, fetching it if it is not here.

        The object can be removed from local storage later, as by `delete-local`: `open` and
        `view` fetch it again then.
        """
        try:
            path = self._store.proven(digest, size)
        except CorruptObjectError:
            if self._origin is None:
                raise
            path = None  # moved to quarantine: good bytes from the remote replace it
        if path is None:
            self.fetch([(digest, size)], ignore)
        return self._store.object_path(digest)

    def open(self, digest: Digest, size: int, *, fetch: Fetch = "whole") -> BinaryIO:
        """Open an object to read it: a seekable binary stream of verified bytes.

        An object that is here is opened as a file. Of one that is not, everything is fetched
        first, or what is read while it is read, in verified blocks (see `RangeFile`). Without an
        outline to verify blocks against, everything is fetched, with a warning.

        Args:
            digest: The object.
            size: Its size in bytes.
            fetch: What to fetch of an object that is not here.

        Raises:
            CorruptObjectError: The bytes are wrong, or missing and there is no remote.
            RemoteUnavailableError: The object is not here, and the remote cannot be used.
        """
        if fetch == "auto":
            fetch = "whole" if size <= WHOLE_UP_TO else "ranges"
        if fetch == "ranges" and self._is_remote(digest, size):
            if self._outline(digest, size) is not None:
                ranged = RangeFile(lambda ranges: self.read_ranges(digest, size, ranges), size)
                return cast("BinaryIO", ranged)
            _LOG.warning(
                "object %s (%s bytes) is fetched whole: the remote has no outline to verify a part"
                " of it by; radops datalake verify --remote --full --repair makes it",
                digest,
                f"{size:,}",
            )
        for _ in range(_TRIES):
            path = self.path(digest, size)
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise LocalStorageError(f"{path}: {error.strerror}") from error
            if self._store.is_proven(digest, os.fstat(file.fileno())):
                return file
            file.close()
        raise self._removed(digest)

    def read(self, digest: Digest, size: int, start: int = 0, length: int | None = None) -> bytes:
        """Return verified bytes of an object: from local storage, else from the remote.

        A span of an object that is not here is fetched and verified in whole blocks of 1 MiB,
        without the rest of the object, and kept in the cache only. Without an outline to verify
        blocks against, the whole object is fetched.

        Args:
            digest: The object.
            size: Its size in bytes.
            start: First byte; past the end there is nothing.
            length: Most bytes; None for all to the end.

        Raises:
            CorruptObjectError: The bytes are wrong, or missing and there is no remote.
            RemoteUnavailableError: The object is not here, and the remote cannot be used.
        """
        if start < 0 or (length is not None and length < 0):
            raise ValueError(f"no bytes at {start} + {length}")
        (data,) = self.read_ranges(digest, size, [(start, size if length is None else length)])
        return data

    def read_ranges(
        self, digest: Digest, size: int, ranges: Sequence[tuple[int, int]]
    ) -> list[bytes]:
        """Return verified bytes of several ranges of an object, as `read` does for one.

        Ranges that are neighbours, or in one block, are fetched by one request; the others by
        several at once.

        Args:
            digest: The object.
            size: Its size in bytes.
            ranges: First byte and length of each; past the end there is nothing.

        Raises:
            CorruptObjectError: The bytes are wrong, or missing and there is no remote.
            RemoteUnavailableError: The object is not here, and the remote cannot be used.
        """
        if any(start < 0 or length < 0 for start, length in ranges):
            raise ValueError(f"ranges with negative numbers: {ranges}")
        spans = [(start, min(size, start + length)) for start, length in ranges]
        if all(start >= end for start, end in spans):
            return [b""] * len(spans)
        if self._ranges is not None and self._is_remote(digest, size):
            outline = self._outline(digest, size)
            if outline is not None:
                return self._ranges.read(digest, size, outline, spans)
        with self.open(digest, size) as file:
            return [_read_at(file, start, end) for start, end in spans]

    def read_slice(
        self, digest: Digest, size: int, start: int, length: int, expected: Digest
    ) -> bytes:
        """Return bytes within an object whose own digest is known, verified by it.

        One request where the object is not here: neither its outline nor whole blocks are needed.

        Args:
            digest: The object.
            size: Its size in bytes.
            start: First byte.
            length: How many bytes.
            expected: The digest of these bytes.

        Raises:
            CorruptObjectError: The bytes are wrong, or missing and there is no remote.
            RemoteUnavailableError: The object is not here, and the remote cannot be used.
        """
        if self._store.has(digest, size):
            with self.open(digest, size) as file:
                data = _read_at(file, start, start + length)
            if Digest.of(data) != expected:
                raise wrong_slice(digest, start, length)
            return data
        if self._ranges is None:
            raise self._missing(digest)
        return self._ranges.read_slice(digest, start, length, expected)

    def cached_slice(self, expected: Digest) -> bytes | None:
        """Return the bytes of that digest if `read_slice` fetched them before; else None."""
        return None if self._ranges is None else self._ranges.cached_slice(expected)

    def read_slices(
        self, digest: Digest, size: int, slices: Sequence[tuple[int, int, Digest]]
    ) -> list[bytes | None]:
        """Return bytes at several places within an object by one request, each verified; not kept.

        Args:
            digest: The object.
            size: Its size in bytes.
            slices: First byte, how many, and their digest, sorted by the first byte. What is
                between them is read as well.

        Returns:
            For each the bytes; None if they are wrong.

        Raises:
            CorruptObjectError: The object is missing and there is no remote.
            RemoteUnavailableError: The object is not here, and the remote cannot be used.
        """
        first = slices[0][0]
        end = max(start + length for start, length, _ in slices)
        data = self.read_span(digest, size, first, end)
        found: list[bytes | None] = []
        for start, length, expected in slices:
            piece = data[start - first : start - first + length]
            found.append(piece if Digest.of(piece) == expected else None)
        return found

    def read_span(self, digest: Digest, size: int, start: int, end: int) -> bytes:
        """Return bytes of an object by one request, for a caller that verifies what it uses.

        Args:
            digest: The object.
            size: Its size in bytes.
            start: The first byte.
            end: The one after the last.

        Raises:
            CorruptObjectError: The object is missing and there is no remote.
            RemoteUnavailableError: The object is not here, and the remote cannot be used.
        """
        if self._store.has(digest, size):
            with self.open(digest, size) as file:
                file.seek(start)
                return file.read(end - start)
        if self._origin is None:
            raise self._missing(digest)
        with self._origin.open(digest, start, end - start) as reader:
            return bytes(reader.read(end - start))

    def bring(self, digest: Digest, limit: int) -> int:
        """Bring a small object whose size is not known into local storage; return its size.

        An object in local storage is verified first: a truncated file would give a wrong size, with
        which the good object would not be found.

        Args:
            digest: The object.
            limit: Most bytes that it may have.

        Raises:
            CorruptObjectError: It is larger, its bytes are wrong, or missing without a remote.
            RemoteUnavailableError: The object is not here, and the remote cannot be used.
        """
        size = self._size_here(digest)
        try:
            if size <= limit and self._store.proven(digest, size) is not None:
                return size
        except CorruptObjectError:
            if self._origin is None:
                raise
        if self._origin is None:
            raise self._missing(digest)
        with self._origin.open(digest, 0, limit + 1) as reader:
            data = reader.read(limit + 1)
        if len(data) > limit or Digest.of(data) != digest:
            raise CorruptObjectError(
                f"the remote's bytes of {digest} are wrong",
                hint="radops datalake verify --remote",
            )
        self._store.admit([self._store.stage_bytes(data)])
        return len(data)

    def _size_here(self, digest: Digest) -> int:
        """Return the size of an object's file; 0 if there is none."""
        path = self._store.object_path(digest)
        if not path.exists():
            self._store.take_back(digest)
        with contextlib.suppress(OSError):
            return path.stat().st_size
        return 0

    def view(self, key: str, digest: Digest, size: int) -> Path:
        """Return a path under `key` that shows the object's bytes under the name of a file.

        Args:
            key: Where the view goes, below the root of local storage.
            digest: The object.
            size: Its size in bytes.
        """
        for _ in range(_TRIES):
            self.path(digest, size)
            try:
                return self._store.view(key, digest, size)
            except LocalStorageError:
                if self._store.has(digest, size):
                    raise
        raise self._removed(digest)

    def views(self, wanted: Sequence[tuple[str, Digest, int]]) -> list[Path | None]:
        """Do what `view` does for many that were just fetched; None for one left to `view`."""
        return self._store.views(wanted)

    def proven_outline(self, digest: Digest, size: int) -> bytes | None:
        """Read the remote's outline of an object; None if there is none or it is wrong."""
        outline = None if self._origin is None else self._origin.read_outline(digest, size)
        return outline if outline is not None and check_outline(outline, size, digest) else None

    def _is_remote(self, digest: Digest, size: int) -> bool:
        """Return whether spans of an object have to be fetched, and an outline can prove them."""
        return self._ranges is not None and size > BLOCK_SIZE and not self._store.has(digest, size)

    def _outline(self, digest: Digest, size: int) -> bytes | None:
        return None if self._ranges is None else self._ranges.outline(digest, size)

    def _missing(self, digest: Digest) -> RemoteUnavailableError | CorruptObjectError:
        if self._offline:
            return RemoteUnavailableError(
                f"object {digest} is not in local storage, and radops works offline",
                hint="leave out --offline (RADOPS_OFFLINE) to fetch it",
            )
        return CorruptObjectError(
            f"object {digest} is missing in local storage, and there is no remote"
        )

    def _removed(self, digest: Digest) -> LocalStorageError:
        return LocalStorageError(
            f"object {digest} was removed from local storage {_TRIES} times while it was read",
            hint="another process is making room at the same time; wait for it",
        )


def _read_at(file: BinaryIO, start: int, end: int) -> bytes:
    if start >= end:
        return b""
    file.seek(start)
    return file.read(end - start)
