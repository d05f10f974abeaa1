"""Types and functions of the Rust extension. Only `radops.native` imports it.

Files are read and hashed without the interpreter lock, on threads that live as long as the call:
nothing is left behind that a fork could break. While a call works, signal handlers run at least
every 50 ms; what a handler raises (`KeyboardInterrupt`) stops the call and is raised by it.

Words: a *digest* is BLAKE3-256 of all bytes, 32 bytes long. A *block* is a span of `BLOCK_SIZE`
bytes, the last may be shorter. An *outline* is the 32-byte chaining values of all blocks in order;
with one block it is empty.

`threads` is the most threads that work at once; 0 means one for each core. `progress` is counted
up while the call works, and can stop it.

Errors about a file are `OSError` with `errno` and `filename`. A directory is `IsADirectoryError`,
any other special file `OSError` with `EINVAL`: at once, a FIFO is never waited for. Symbolic links
are followed. A call stopped through its progress raises `InterruptedError`.
"""

from collections.abc import Sequence
from os import PathLike
from typing import Final, Literal, final

from typing_extensions import Buffer

__all__ = [
    "BLOCK_SIZE",
    "Check",
    "FileChangedError",
    "FileHash",
    "Hasher",
    "PlainRecords",
    "Progress",
    "Sweep",
    "bad_blocks",
    "block_values",
    "check_files",
    "copy_file",
    "copy_files",
    "finish_files",
    "hash_bytes",
    "hash_file",
    "hash_files",
    "merge_outline",
    "place_files",
    "reflink",
    "rename_noreplace",
    "scan_cbor",
    "stat_files",
    "sync_filesystem",
    "write_files",
]

BLOCK_SIZE: Final = 1048576

class FileChangedError(OSError):
    """Size, times or inode of a file were not the same before and after it was read."""

@final
class FileHash:
    """What hashing a file gave, with the stat it had before and after.

    From `copy_file` and `copy_files` the stat is that of the target.
    """

    @property
    def digest(self) -> bytes:
        """BLAKE3 of the whole file: 32 bytes."""
    @property
    def outline(self) -> bytes:
        """Chaining values of all blocks, 32 bytes each; empty with one block."""
    @property
    def size(self) -> int:
        """Size in bytes."""
    @property
    def mtime_ns(self) -> int:
        """Modification time in nanoseconds, as `os.stat` gives it."""
    @property
    def ctime_ns(self) -> int:
        """Change time in nanoseconds."""
    @property
    def inode(self) -> int:
        """Inode number."""

@final
class Progress:
    """Counters that running calls add to, readable at any time from any thread."""

    def __new__(cls) -> Progress: ...
    @property
    def bytes(self) -> int:
        """Bytes read so far."""
    @property
    def files(self) -> int:
        """Files finished so far, whatever the answer."""
    def cancel(self) -> None:
        """Stop every call that was given this progress, now and later."""

@final
class Hasher:
    """Hash a stream; not for use by two threads at once (`RuntimeError`)."""

    def __new__(cls) -> Hasher: ...
    def update(self, data: Buffer, /) -> None:
        """Add the next bytes.

        Raises:
            TypeError: `data` is no buffer.
            BufferError: `data` is not contiguous.
        """
    @property
    def size(self) -> int:
        """How many bytes came so far."""
    def finalize(self) -> tuple[bytes, bytes]:
        """Digest and outline of the bytes so far; more may follow."""

@final
class Check:
    """The answer for one file of `check_files`."""

    @property
    def state(self) -> Literal["ok", "missing", "size", "bytes", "unreadable", "changed"]:
        """What was found; with "size" the bytes were not read."""
    @property
    def message(self) -> str:
        """What the system said, where the state does not tell it all; else empty."""
    @property
    def size(self) -> int:
        """Size in bytes; like the fields below 0 where the file could not be opened."""
    @property
    def mtime_ns(self) -> int:
        """Modification time in nanoseconds."""
    @property
    def ctime_ns(self) -> int:
        """Change time in nanoseconds."""
    @property
    def inode(self) -> int:
        """Inode number."""

@final
class Sweep:
    """Confirms what is as it should be in a lake of very many small files, and tells what is not.

    It reads the slots below a folder, takes those with *plain* records, and checks each object that
    these name once. A record is plain if it is that of a file from outside the lake, in the shape
    that this version writes, in the file's first slot. What is good is only counted. All else is
    *left*: slots that are not plain, files of more than one block or with a view, and all
    files whose object is missing, wrong, writable, or named with two sizes.

    Call `read` until it gives None, then `sort`, then the others in the order that they stand here.
    """

    def __new__(
        cls, store: str | PathLike[str], lake: str | PathLike[str], prefix: str, *, threads: int = 0
    ) -> Sweep:
        """Begin with the slots.

        Args:
            store: The folder with `objects/`.
            lake: The folder with `refs/` and `files/`.
            prefix: What names begin with.
            threads: See above.
        """
    def read(self, most: int) -> tuple[list[str], list[tuple[str, bool]]] | None:
        """Read at most so many further slots; None when there are no more.

        Returns:
            The names of files that are taken, and the keys below `refs/` that are left, each with
            whether a regular file stands there.
        """
    def sort(self) -> int:
        """Return how many objects were named, each counted once."""
    def leave(self, digests: Sequence[bytes]) -> None:
        """Leave objects, where they are named, with all files that need them."""
    def survey(self, start: int, most: int) -> None:
        """Leave those of `most` objects from `start` on that do not stand right, unread."""
    def keys(self, start: int, most: int) -> list[str]:
        """The keys of `most` objects from `start` on, in order."""
    def check(
        self,
        start: int,
        most: int,
        rows: list[tuple[str, int, int, int, int, bytes, int]],
        *,
        quick: bool,
        began: int,
        racy: int,
        progress: Progress | None = None,
    ) -> tuple[int, list[tuple[str, int, int, int, int, bytes, int]]]:
        """Read `most` objects from `start` on, and leave those that are not good.

        Args:
            start: Index of the first.
            most: How many.
            rows: What is known of them: key, size, times of modification and of change in
                nanoseconds, inode, digest, and when that was found.
            quick: Do not read what did not change since.
            began: When this check began; goes into new rows.
            racy: How many nanoseconds after its last change a file must have been checked for its
                stat to tell of later changes.
            progress: See above.

        Returns:
            How many were not read, and rows of those that are good, without those known already.
        """
    def totals(self) -> tuple[int, int, int]:
        """Files, objects and bytes of the objects of all that was not left."""
    def left(self) -> int:
        """How many objects were left."""
    def rewind(self) -> None:
        """Begin anew with the slots, for `users`."""
    def users(self, most: int) -> list[str] | None:
        """Read at most so many further slots, and name files whose object was left."""
    def strangers(self, most: int) -> list[tuple[str, bool]] | None:
        """Look at most at so many further files below `objects/`; None when there are no more.

        Returns:
            The keys below `objects/` of those that are not objects found good, each with whether it
            is a regular file.
        """

@final
class PlainRecords:
    """Reads the plain records of a lake, see `Sweep`, for a listing."""

    def __new__(
        cls,
        store: str | PathLike[str],
        lake: str | PathLike[str],
        prefix: str,
        *,
        recursive: bool = True,
    ) -> PlainRecords:
        """Begin with the slots.

        Args:
            store: As of `Sweep`.
            lake: As of `Sweep`.
            prefix: What names begin with.
            recursive: Go into folders. If not, they are left, with a slash behind their keys.
        """
    def read(
        self, most: int
    ) -> tuple[list[tuple[str, int, bytes, str, str, bool]], list[tuple[str, bool]]] | None:
        """Read at most so many further slots; None when there are no more.

        Returns:
            Name, size, digest, time of creation, originator, and whether an object of that digest
            and size stands here; and what is left, as of `Sweep.read`.
        """

def hash_bytes(data: Buffer, /) -> tuple[bytes, bytes]:
    """Digest and outline of a contiguous buffer."""

def hash_file(
    path: str | PathLike[str], *, threads: int = 0, progress: Progress | None = None
) -> FileHash:
    """Hash a file, a large one on several threads.

    Raises:
        OSError: The file cannot be read; `FileChangedError` if it changed meanwhile.
    """

def hash_files(
    paths: Sequence[str | PathLike[str]], *, threads: int = 0, progress: Progress | None = None
) -> list[FileHash | OSError]:
    """Hash many files. What is wrong with one file stands in its place in the list."""

def copy_file(
    source: str | PathLike[str],
    target: str | PathLike[str],
    *,
    mode: int = 0o444,
    threads: int = 0,
    progress: Progress | None = None,
) -> FileHash:
    """Copy a file and hash the bytes that were written.

    Args:
        source: A regular file.
        target: A path that must not exist. It becomes a reflink where the file system can. It is
            not flushed to disk.
        mode: The target's permission bits from the start, less the umask.
        threads: See above.
        progress: See above.

    Raises:
        OSError: A file cannot be read or written; `FileChangedError` if the source changed
            meanwhile. The target is removed, as it is when the call is stopped.
    """

def copy_files(
    pairs: Sequence[tuple[str | PathLike[str], str | PathLike[str]]],
    *,
    mode: int = 0o444,
    threads: int = 0,
    progress: Progress | None = None,
) -> list[FileHash | OSError]:
    """Copy many files as `copy_file` does. What is wrong with one stands in its place in the list.

    When the call is stopped, all targets that it made are removed.
    """

def check_files(
    files: Sequence[tuple[str | PathLike[str], int, bytes]],
    *,
    threads: int = 0,
    progress: Progress | None = None,
) -> list[Check]:
    """Read files in full and compare them with `(path, size, digest)`.

    Raises:
        ValueError: A digest does not have 32 bytes.
    """

def bad_blocks(
    path: str | PathLike[str],
    size: int,
    outline: Buffer,
    *,
    threads: int = 0,
    progress: Progress | None = None,
) -> list[int]:
    """Indices of the blocks of a file that are not as the outline has them.

    Blocks that the file is too short for are bad; bytes past `size` are not looked at.

    Args:
        path: The file.
        size: How many bytes the object has, at least two blocks.
        outline: The object's outline.
        threads: See above.
        progress: See above.

    Raises:
        ValueError: The outline does not have 32 bytes for each block, or there is one block only.
        OSError: The file cannot be read; `FileChangedError` if it changed meanwhile.
    """

def block_values(data: Buffer, first_block: int) -> bytes:
    """Chaining values, 32 bytes each, of the consecutive blocks in a buffer.

    Args:
        data: Bytes of an object of at least two blocks, from a block's start on. They may end in
            the object's last block, which may be short.
        first_block: Index of the block that the buffer starts with.

    Raises:
        ValueError: The blocks would lie past 2^64 bytes.
    """

def merge_outline(outline: Buffer, size: int) -> bytes:
    """The digest that the outline of an object of `size` bytes merges to.

    Raises:
        ValueError: The outline does not have 32 bytes for each block, or there is one block only.
    """

def reflink(source: str | PathLike[str], target: str | PathLike[str]) -> bool:
    """Make a file that shares its blocks with another until one of the two is written.

    Args:
        source: A regular file.
        target: A path that must not exist. It gets the source's permission bits, less the umask.

    Returns:
        Whether the file system could. If not, there is no target.

    Raises:
        OSError: The source cannot be read, or the target exists or cannot be made.
    """

def rename_noreplace(source: str | PathLike[str], target: str | PathLike[str]) -> None:
    """Rename a file to a name that must not exist, in one step.

    Raises:
        FileExistsError: The target exists.
        OSError: Anything else; `EINVAL` or `ENOSYS` where there is no such rename.
    """

def sync_filesystem(fd: int, /) -> bool:
    """Flush the whole file system that an open descriptor is on.

    Returns:
        Whether the platform can. If not, nothing was flushed.

    Raises:
        OSError: Writing back failed, or the descriptor is not open.
    """

def write_files(
    files: Sequence[tuple[str | PathLike[str], bytes]], *, mode: int = 0o444, threads: int = 1
) -> list[OSError | None]:
    """Write many small files that must not exist. What is wrong with one stands in its place.

    A file that could not be written whole is removed; when the call is stopped, all of them are.

    Args:
        files: Path and whole content of each.
        mode: Their permission bits from the start, less the umask.
        threads: See above; one, as several wait for each other in one folder.
    """

def finish_files(
    paths: Sequence[str | PathLike[str]], *, mode: int = 0o444, threads: int = 1
) -> list[OSError | None]:
    """Give many files permission bits, whatever the umask, and now as time of modification.

    What is wrong with one stands in its place.
    """

def place_files(
    pairs: Sequence[tuple[str | PathLike[str], str | PathLike[str]]],
    *,
    replace: bool,
    threads: int = 1,
) -> list[OSError | None]:
    """Rename many files, each in one step, making folders. What is wrong with one stands there.

    Args:
        pairs: Old and new path of each.
        replace: Whether what has the new name is replaced; if not, it is a `FileExistsError`, and
            `EINVAL` or `ENOSYS` where there is no such rename.
        threads: See above; one, as several wait for each other in one folder.
    """

def stat_files(
    paths: Sequence[str | PathLike[str]], *, threads: int = 0
) -> list[tuple[int, int, int, int] | OSError | None]:
    """Size, mtime_ns, ctime_ns and inode of many regular files; links are not followed.

    None stands for a name that is not there, an error for one that is no regular file.
    """

def scan_cbor(data: bytes, /) -> None:
    """Check that bytes are exactly one value of the strict profile of CBOR, in its one encoding.

    Raises:
        ValueError: They are not; the message says why.
    """
