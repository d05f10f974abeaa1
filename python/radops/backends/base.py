"""What a backend is: a dumb, thread-safe store of bytes by key.

A backend does not depend on records or lakes, nor, except for `Backend.files`, on digests. Keys are
non-empty `/`-separated relative paths of at most 1,024 bytes of UTF-8 without empty, `.` or `..`
segments, NUL or backslash. Every backend refuses to make any other key, with `ValueError`; one that
maps keys to paths refuses it everywhere. Listings may hold foreign keys of a bucket that break
these rules: they can be read and deleted like others, but not listed by a prefix that breaks them.

Errors, everywhere in this module:

- a key that does not exist: `KeyNotFoundError` (never an empty body);
- the store cannot be reached or keeps failing after the backend's own bounded retries:
  `RemoteUnavailableError`, within some 20 seconds; within a minute if it refuses everything
  because there are too many requests;
- the store refuses (credentials, rights, no such bucket): `RemoteRefusedError`;
- the local disk is full, read-only, or denies access: `LocalStorageError`.

No error message or `url` ever holds a secret.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from radops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from radops.backends.transfers import FileTransfers


MOVE_SECONDS = 8 * 3600.0
"""Longest time between starting a copy and deleting its source, where a move is a copy and a
delete; after it the source is kept. Two thirds of the smallest safe grace: a collector takes a
copy that is older than the grace for the only one that an interrupted move has left."""


MAX_KEY_BYTES = 1024
"""S3's own limit. A bucket prefix of at most 300 bytes comes on top of the 512 of a UID."""

_FORBIDDEN_SEGMENTS = frozenset(("", ".", ".."))


def is_key(text: str) -> bool:
    """Whether the text can be a key of any backend."""
    if "\0" in text or "\\" in text:
        return False
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # a lone surrogate: a file name that is not UTF-8
        return False
    return size <= MAX_KEY_BYTES and _FORBIDDEN_SEGMENTS.isdisjoint(text.split("/"))


def check_key(text: str) -> str:
    """Return the key unchanged.

    Raises:
        ValueError: It could name something outside the store, or not the same in every store.

    """
    if not is_key(text):
        raise ValueError(f"not a key: {text!r}")
    return text


class KeyNotFoundError(KeyError):
    """The key is not in the backend. Internal: callers turn it into an error of `radops.errors`."""


class Entry(NamedTuple):
    """One line of a listing, or the answer to `Backend.stat`."""

    key: str
    """The whole key; ends in `/` for a common prefix of a listing that is not recursive."""
    size: int
    """Bytes; 0 for a common prefix."""
    modified: float
    """Last change, seconds since the epoch by the store's clock; 0.0 for a common prefix."""

    @property
    def is_prefix(self) -> bool:
        """Whether this represents all keys that begin with it."""
        return self.key.endswith("/")


class Reader(Protocol):
    """A stream of an object's bytes. Closing it early is fine. Not thread-safe."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end; all that is left if negative.

        A connection that is cut in the middle MUST raise; a short answer means the end.
        """
        ...

    def close(self) -> None:
        """Give the connection or file back."""
        ...

    def __enter__(self) -> Self:
        """Return the stream itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close it."""
        self.close()


class Part(Protocol):
    """The bytes of one part of an upload: a seekable file of known length.

    It may be read through more than once (for a checksum, a signature, a second try).
    `read` may raise, when the bytes turn out to be wrong: then the upload of that part MUST
    fail with that very error and nothing of it become visible.
    """

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, an empty answer at the end; all that is left if negative."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to `offset`; backends go back to the start when they have to send the part again."""
        ...

    def tell(self) -> int:
        """Return the position."""
        ...

    def __len__(self) -> int:
        """Return the length of the part in bytes, wherever the position is."""
        ...


class Upload(Protocol):
    """An object on its way in, in parts.

    Thread-safe: parts may be written at once, in any order. An upload of `size` bytes has
    `max(1, ceil(size / part_size))` parts; an empty object has one empty part.
    """

    @property
    def part_size(self) -> int:
        """Bytes of each part but the last; a multiple of 1 MiB."""
        ...

    def write(self, number: int, part: Part) -> None:
        """Send part `number`, counted from 0. Writing the same part again replaces it.

        Raises:
            ValueError: There is no such part, or it does not have the length it must have.
            FileChangedError: The part gave fewer or more bytes than its length.

        """
        ...

    def commit(self) -> None:
        """Make the object visible, whole, replacing what the key held.

        Durable after the next `flush`, content never after name. Where the object has one part
        it may become visible with `write` already. After an error, call `abort`.

        Raises:
            ValueError: Not all parts were written, or the upload was aborted.

        """
        ...

    def abort(self) -> None:
        """Drop what was sent. Harmless after `commit`, and twice."""
        ...


class Backend(Protocol):
    """A thread-safe, strongly consistent store of bytes by key.

    Consistent: reads and listings see every write that returned before they began.
    """

    @property
    def url(self) -> str:
        """Where this store is, for people and messages; holds no secret."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether calls stay on this machine's file systems or memory (no retries, no waiting)."""
        ...

    @property
    def max_connections(self) -> int:
        """How many calls may usefully run at once; 1 means: give it everything in one batch."""
        ...

    def stat(self, key: str) -> Entry | None:
        """Return size and time of the key, or None if it is not there."""
        ...

    def stats(self, keys: Sequence[str]) -> list[Entry | None]:
        """Return size and time of many keys, in order; None for each that is not there."""
        return [self.stat(key) for key in keys]

    def read(self, keys: Sequence[str], most: int) -> list[bytes | None]:
        """Return the first `most` bytes of many small keys, in order; None for absent ones.

        All answers are in memory at once: callers limit the number of keys.
        """

        def read_one(key: str) -> bytes | None:
            try:
                with self.open(key, 0, most) as reader:
                    return reader.read(most)
            except KeyNotFoundError:
                return None

        return [read_one(key) for key in keys]

    def open(self, key: str, start: int = 0, length: int | None = None) -> Reader:
        """Open the bytes from `start` on, at most `length` of them (None: to the end).

        A start at or after the end gives an empty stream.

        Raises:
            KeyNotFoundError: The key is not there. Raised by this call, not by the first read.

        """
        ...

    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write small bodies, each atomically, replacing what they held. One batch.

        Readers see the old bytes or the new, whole. Durable after the next `flush`; a crash
        before leaves the old bytes or the new, never a mixture and never an empty file.
        """
        ...

    def create(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Create keys that are absent, each atomically; one batch.

        Of any number of callers that create one key at once, on any machines, exactly one
        gets True, and the key holds its bytes. A caller gets False only if the key exists. If a
        reply was lost, the backend may answer False for bytes that are its own: callers compare.
        Durable after the next `flush`, content never after name.

        Returns:
            One answer per item, in order: True if this call created it.

        Raises:
            UnsafeRemoteError: The store cannot create atomically.

        """
        ...

    def upload(self, key: str, size: int) -> Upload:
        """Begin an upload of `size` bytes. Nothing is visible until all of it is there."""
        ...

    def list(self, prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        """Yield all keys that begin with `prefix` (any string, also in the middle of a segment).

        In no particular order, each once, lazily, in bounded memory. Not recursive: keys with a
        further `/` after the prefix come as one entry whose key ends in that `/`; some servers
        show it for a while after the last of those keys was deleted. Temporary files of the
        backend's own are never listed.
        """
        ...

    def move(self, source: str, target: str) -> None:
        """Rename, replacing the target; a copy and a delete where the store has no rename.

        The target's `modified` may be the source's or, always so if it is a copy, the time of
        the move. A crash in the middle leaves the source, the target, or both, each whole.

        Raises:
            KeyNotFoundError: The source is not there.
            RemoteUnavailableError: Also if a copy took longer than `MOVE_SECONDS`, as on a
                machine that slept: both are there then.

        """
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Remove the keys; those that are not there are no error."""
        ...

    def now(self) -> float:
        """Return the store's own clock, by which `Entry.modified` is given; exact to a second.

        Ages are differences of the two: this machine's clock may be wrong.
        """
        ...

    def include(self, keys: Sequence[str]) -> None:
        """Make the next `flush` cover also what others wrote under these keys.

        For a writer that found them in place and builds on them: the process that wrote them may
        have been killed before its `flush`. Keys that do not exist are no error.
        """
        ...

    def flush(self) -> None:
        """Return once everything written before this call would survive a loss of power."""
        ...

    def remove_stale(self, grace: float, below: Sequence[str] = ("",)) -> int:
        """Remove what uploads left that were neither committed nor aborted.

        Args:
            grace: Seconds that an upload must be old. One that goes on longer is lost.
            below: What the keys of uploads begin with, as a bucket may hold those of other
                programs. A store whose temporary files have no keys removes its own.

        Returns:
            How many were removed.

        """
        ...

    def close(self) -> None:
        """Close connections and descriptors. A later call opens new ones."""
        ...

    # What only some stores can do. The defaults are for those that cannot.

    @property
    def files(self) -> FileTransfers | None:
        """What moves files without their bytes passing through Python; None if nothing does."""
        return None

    @property
    def root(self) -> Path | None:
        """The folder in which each key is a file of that relative path; None elsewhere."""
        return None

    def create_root(self) -> bool:
        """Make the store's folder if it is missing; return whether it was missing.

        Raises:
            LocalStorageError: The folder cannot be made, such as in a folder that is missing.

        """
        return False

    def without_durability(self) -> Backend:
        """Return this store for keys that need not survive a loss of power: `flush` is free."""
        return self

    def presigned_url(self, key: str, seconds: int, *, filename: str | None = None) -> str:
        """Return a URL by which anyone can read the key for some time. It is a secret.

        Args:
            key: What to read. Whether it exists is not checked.
            seconds: How long the URL works, at most a week; less if the credentials expire.
            filename: Under which name a browser saves it.

        Raises:
            UsageError: The store has no URLs, or no URL can work that long.

        """
        del key, seconds, filename
        raise UsageError(
            "only files in an S3 bucket have URLs",
            hint="to pass a file on, copy it out: radops datalake download UID --to FOLDER",
        )


def clock() -> float:
    """Seconds on a clock for deadlines, which also counts while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time()
