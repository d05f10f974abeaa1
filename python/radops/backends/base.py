"""What a backend is: a dumb, thread-safe store of bytes by key.

A backend knows nothing of digests, records or lakes. Keys are non-empty `/`-separated
relative paths of at most 1,024 bytes of UTF-8 without empty, `.` or `..` segments, NUL or
backslash. Every backend refuses to make any other key, with `ValueError`; one that maps keys to
paths refuses it everywhere. Listings may hold foreign keys of a bucket that break these rules:
they can be read and deleted like others, but not be asked for by a prefix that breaks them.

Errors, everywhere in this module:

- a key that is not there: `KeyNotFoundError` (never an empty body);
- the store cannot be reached or keeps failing after the backend's own bounded retries:
  `RemoteUnavailableError`, within some 20 seconds;
- the store says no (credentials, rights, no such bucket): `RemoteRefusedError`;
- the local disk is full, read-only, or denies access: `LocalStorageError`.

No error message or `url` ever holds a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self


MOVE_SECONDS = 8 * 3600.0
"""A move that is a copy and a delete deletes sooner than this after it began to copy, or not at
all. Two thirds of the smallest safe grace: a collector takes what was copied a grace ago for all
that is left of a move that was cut short."""


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
        """Whether this stands for all keys that begin with it."""
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

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


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
        """Make the object visible, whole, replacing what stood under the key.

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

    def open(self, key: str, start: int = 0, length: int | None = None) -> Reader:
        """Open the bytes from `start` on, at most `length` of them (None: to the end).

        A start at or after the end gives an empty stream.

        Raises:
            KeyNotFoundError: The key is not there. Raised by this call, not by the first read.

        """
        ...

    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write small bodies, each atomically, replacing what stood there. One batch.

        Readers see the old bytes or the new, whole. Durable after the next `flush`; a crash
        before leaves the old bytes or the new, never a mixture and never an empty file.
        """
        ...

    def create(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Create keys that are absent, each atomically; one batch.

        Of any number of callers that create one key at once, on any machines, exactly one
        gets True, and its bytes stand. A caller gets False only if the key is there. Where a
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
        """Have the next `flush` make durable also what others wrote under these keys.

        For a writer who found them in place and builds on them: whoever wrote them may have been
        killed before it came to `flush`. Keys that are not there are no error.
        """
        ...

    def flush(self) -> None:
        """Return once everything written before this call would survive a loss of power."""
        ...

    def remove_stale(self, grace: float) -> int:
        """Remove what uploads left that were neither committed nor aborted.

        Args:
            grace: Seconds that an upload must be old. One that goes on longer is lost.

        Returns:
            How many were removed.

        """
        ...

    def close(self) -> None:
        """Give connections and descriptors back. A later call takes new ones."""
        ...
