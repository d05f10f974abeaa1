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

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Final, Literal, TypeAlias, final

from typing_extensions import Buffer

__all__ = [
    "BLOCK_SIZE",
    "AddedTree",
    "BadSliceError",
    "Check",
    "DamagedObjectError",
    "DecodedSlot",
    "FileChangedError",
    "FileHash",
    "FileRows",
    "FolderRefusedError",
    "FolderScan",
    "Hasher",
    "IgnoreRules",
    "MissingObjectsError",
    "NewerTreeError",
    "Progress",
    "S3Client",
    "S3Error",
    "S3Pages",
    "S3Reader",
    "S3Upload",
    "Sweep",
    "TreeFormatError",
    "TreeReader",
    "TreeStream",
    "bad_blocks",
    "block_values",
    "check_files",
    "copy_file",
    "copy_files",
    "decode_layout",
    "decode_layout_page",
    "decode_pack",
    "decode_page",
    "decode_root",
    "decode_slots",
    "decode_sources",
    "diff_trees",
    "file_spans",
    "finish_files",
    "hash_bytes",
    "hash_file",
    "hash_files",
    "join_files",
    "merge_outline",
    "missing_to_diff_trees",
    "open_folder_beneath",
    "pack_files",
    "place_files",
    "reflink",
    "remake_pack",
    "remove_files",
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
        """The system's message, if the state alone does not explain the problem; else empty."""
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
    """Checks a lake of very many small files in bulk, and finds out which need a closer look.

    It reads the slots below a folder, takes the records of files whose commits have happened
    (imported, or results of calls), and checks each object that these need once. Good files are
    only counted. Everything else is *left* to Python: slots that hold anything else or are not the
    first of their names, directories, files of more than one block or with a view, results without
    the edges that lead to them, and all files of which an object is missing, wrong, writable, or
    named with two sizes.

    Call `read` until it gives None, then `sort`, then the others in the order in which they are
    defined here.
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
            whether it is a regular file.
        """
    def sort(self) -> int:
        """Return how many objects were named, each counted once."""
    def leave(self, digests: Sequence[bytes]) -> None:
        """Leave objects, where they are named, with all files that need them."""
    def survey(self, start: int, most: int) -> None:
        """Leave those of `most` objects from `start` on whose files are not right, unread."""
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
        progress: Progress | None = None,
    ) -> list[tuple[str, int, int, int, int, bytes, int]]:
        """Read `most` objects from `start` on, and leave those that are not good.

        Args:
            start: Index of the first.
            most: How many.
            rows: What is known of them: key, size, times of modification and of change in
                nanoseconds, inode, digest, and when that was found.
            quick: Do not read what did not change since.
            began: When this check began; goes into new rows.
            progress: See above.

        Returns:
            Rows of those that were read and are good, without those known already.
        """
    def totals(self) -> tuple[int, int, int, int]:
        """Files, objects, bytes of these, and objects not read, of all that was not left."""
    def left(self) -> int:
        """How many objects were left."""
    def rewind(self) -> None:
        """Read the slots once more from the beginning, for `users`."""
    def users(self, most: int) -> list[str] | None:
        """Read at most so many further slots, and return files that need an object that was left.

        All other objects of these files are left too, so further files may need one: rewind and
        read again until `left` does not grow.
        """
    def strangers(self, most: int) -> list[tuple[str, bool]] | None:
        """Look at most at so many further files below `objects/`; None when there are no more.

        Returns:
            The keys below `objects/` of those that are not objects found good, each with whether it
            is a regular file.
        """

@final
class FileRows:
    """Reads the files of a lake for a listing, many at once."""

    def __new__(
        cls,
        store: str | PathLike[str],
        lake: str | PathLike[str],
        prefix: str,
        *,
        recursive: bool = True,
    ) -> FileRows:
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
            and size is on this machine, of files in the first slots of their names whose commits
            have happened; and what is left, directories too, as of `Sweep.read`.
        """

@final
class DecodedSlot:
    """What a slot holds, as far as batches of records need it: see `radops.format.record`.

    All but `kind` and `record_digest` raise `ValueError` for a folder, which has no fields; those
    of a tombstone are of the record within.
    """

    @property
    def kind(self) -> Literal["record", "folder", "tombstone"]:
        """What it is."""
    @property
    def record_digest(self) -> bytes:
        """The digest of the stored bytes."""
    @property
    def deleted_at(self) -> str | None:
        """When the file was deleted; None unless this is a tombstone."""
    @property
    def deleted_by(self) -> str | None:
        """Who deleted it; None unless this is a tombstone."""
    @property
    def aborted(self) -> bool:
        """Whether this is a tombstone of a file that never existed."""
    @property
    def digest(self) -> bytes:
        """Of the file's bytes; of a directory, those of its root."""
    @property
    def size(self) -> int:
        """Of the same bytes."""
    @property
    def directory(self) -> tuple[bytes, int, int] | None:
        """Layout of a directory, its number of files, and the bytes of these; None for a file."""
    @property
    def created_at(self) -> str:
        """When it was made, as it is stored."""
    @property
    def originator(self) -> str:
        """Who made it."""
    @property
    def commit_id(self) -> bytes:
        """The id of the commit."""
    @property
    def primary(self) -> str:
        """The key of the slot that commits."""
    @property
    def keeps(self) -> tuple[bytes, ...]:
        """Every object that must stay as long as the record."""
    @property
    def trees(self) -> tuple[tuple[bytes, bytes], ...]:
        """Root and layout of each directory that the record keeps."""
    @property
    def origin(self) -> Literal["import", "call", "call object", "shared call"]:
        """How it was made."""
    @property
    def call_object(self) -> bytes | None:
        """The object with the call; None for an import and a call in the record itself."""
    @property
    def sources(self) -> list[str]:
        """UIDs of the files that the call in the record was given or opened, sorted."""
    @property
    def outputs(self) -> list[tuple[str, bytes, int, tuple[bytes, int, int] | None]]:
        """What the call in the record made: UID, digest, size, and what `directory` says."""

def decode_slots(
    slots: Sequence[tuple[bytes, str]], *, threads: int = 0
) -> list[DecodedSlot | None]:
    """Decode what many slots hold.

    Whatever this decodes, `radops.format.record.decode_slot` accepts, with the same fields. None
    means: not decided here. Then call that function, which reports what is wrong, if anything.
    Names whose normal form takes Unicode tables to check are never decided here.

    Args:
        slots: The bytes of each slot, and the UID whose slot was read.
        threads: See above.
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
    """Hash many files. What is wrong with one file is an error in its place in the list."""

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
    """Copy many files as `copy_file` does. An error with one file is in its place in the list.

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
    files: Sequence[tuple[str | PathLike[str], bytes]],
    *,
    mode: int = 0o444,
    beneath: str | PathLike[str] | None = None,
    threads: int = 1,
) -> list[OSError | None]:
    """Write many small files that must not exist; the answer is an error for each that failed.

    A file that could not be written whole is removed; when the call is stopped, all of them are.

    Args:
        files: Path and whole content of each.
        mode: Their permission bits from the start, less the umask; the umask does not count
            with `beneath`.
        beneath: A folder that all paths begin with. No symbolic link below it is followed,
            whatever others put there meanwhile.
        threads: See above; one, as several wait for each other in one folder.

    Raises:
        OSError: `beneath` cannot be opened.
    """

def finish_files(
    paths: Sequence[str | PathLike[str]],
    *,
    mode: int = 0o444,
    beneath: str | PathLike[str] | None = None,
    threads: int = 1,
) -> list[OSError | None]:
    """Give many files permission bits, whatever the umask, and now as time of modification.

    The answer is an error for each that failed; see `write_files` for `beneath`.
    """

def place_files(
    pairs: Sequence[tuple[str | PathLike[str], str | PathLike[str]]],
    *,
    replace: bool,
    link: bool = False,
    beneath: str | PathLike[str] | None = None,
    folder_mode: int | None = None,
    threads: int = 1,
) -> list[OSError | None]:
    """Give many files new names, each in one step; the answer is an error for each that failed.

    Folders that are missing are made.

    Args:
        pairs: Old and new path of each.
        replace: Whether what has the new name is replaced; if not, it is a `FileExistsError`, and
            `EINVAL` or `ENOSYS` where there is no such rename.
        link: Without `replace`: make a hard link and remove the old name. On a network file system
            that lost a reply, the number of links shows that the new name is ours.
        beneath: See `write_files`.
        folder_mode: With `beneath`: permission bits of folders that are made, whatever the umask.
        threads: See above; one, as several wait for each other in one folder.
    """

def remove_files(
    paths: Sequence[str | PathLike[str]],
    *,
    beneath: str | PathLike[str] | None = None,
    threads: int = 1,
) -> list[OSError | None]:
    """Remove many files; the answer is an error for each that failed, also if it was absent.

    See `write_files` for `beneath`.
    """

def open_folder_beneath(root: str | PathLike[str], path: str | PathLike[str], /) -> int:
    """Open a folder below a root, following no symbolic link below it; return the descriptor.

    Raises:
        OSError: It is not there, or a component of its path is a link or a file.
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

# Classes here have a property of this name.
_Bytes: TypeAlias = bytes
_Object: TypeAlias = tuple[bytes, int]
_Entry: TypeAlias = tuple[str, int, int, bytes | None, str | None]
_Staged: TypeAlias = tuple[str, bytes, int, bytes]

class TreeFormatError(ValueError):
    """An object is not the part of a directory that it should be."""

class NewerTreeError(ValueError):
    """A part of a directory was written by a later version of radops."""

class FolderRefusedError(ValueError):
    """A folder holds what a directory cannot.

    `args[0]` has, for each reason, a word for it ("changed", "unreadable", "special", "not-utf8",
    "too-long", "outside", "dangling", "git"), how many files there are, and the first ten paths.
    """

class MissingObjectsError(LookupError):
    """Objects are not in the home: `args[0]` has the digest and size of each."""

class DamagedObjectError(ValueError):
    """The bytes of an object are not those of its digest: `args` are digest and size."""

class BadSliceError(ValueError):
    """The bytes of a file in a pack are wrong.

    `args` are the file's path, and digest and size of the pack.
    """

@final
class TreeStream:
    """A directory that is made of files whose bytes come one by one, in the order of their paths.

    A pack is written to a temporary file as soon as it is full; only its bytes are in memory. Like
    other new files, it is returned as path, digest, size and outline, and belongs to the caller.
    After an error, what was not returned is removed.

    Args:
        stem: What the paths of temporary files begin with.
        packs: Packs that exist already, each with digest and size of its files in their order.
            What is in them is not packed again.
    """

    def __new__(
        cls,
        stem: str | PathLike[str],
        packs: Sequence[tuple[_Object, Sequence[_Object]]] = ...,
    ) -> TreeStream: ...
    def push(self, path: str, data: bytes) -> tuple[bytes, _Staged | None, _Staged | None]:
        """Add a file of at most 4 MiB; return its digest, and packs that are full.

        The first pack was full before this file, the second one is full with it.

        Raises:
            TreeFormatError: The path cannot be in a directory, does not come after the last one,
                or is below it.
            OSError: The disk is full, say.
        """

    def push_known(self, path: str, object: _Object) -> bool:  # noqa: A002 - as in Rust
        """Add a file without its bytes: an object of its own, or a content that has a place.

        Returns:
            False, without adding it, if its bytes are needed.
        """

    def push_folder(self, path: str) -> None:
        """Add an empty folder."""

    def close(self) -> _Staged | None:
        """End the last pack and return it; None if nothing is in it."""

    def finish(
        self,
    ) -> tuple[_Object, _Object, tuple[int, int, int], list[_Staged], list[_Object]]:
        """Make pages, root and layout, after `close`.

        Returns:
            Root; layout; how many entries, files, and bytes of files; new files in the order of a
            commit; and the packs that are used.

        Raises:
            TreeFormatError: The root or the layout would be too large.
        """

@final
class IgnoreRules:
    """The rules of what is left out of a directory; the last one that matches counts.

    Args:
        text: What `.radopsignore` at the top holds.
        exclude: Patterns in gitignore syntax.
        no_ignore: Apply neither built-in rules nor `text`.

    Raises:
        ValueError: A pattern cannot be used.
    """

    def __new__(
        cls, text: str = "", *, exclude: Sequence[str] = ..., no_ignore: bool = False
    ) -> IgnoreRules: ...
    def leave_out(self, path: str, folder: bool) -> bool:
        """Return whether a path, relative to the top, is left out by itself."""

    @property
    def used(self) -> int:
        """How many rules left something out."""

@final
class FolderScan:
    """Everything in a folder that is to become a directory: names, kinds and stats.

    Args:
        path: The folder.
        exclude: Patterns in gitignore syntax of what is left out.
        no_ignore: Apply neither built-in rules nor those in `.radopsignore`.
        follow_links: Take what links point to that a directory cannot hold.
        executables: Keep whether a file can be executed.

    Raises:
        FolderRefusedError: Something in it cannot be in a directory.
        ValueError: A pattern cannot be used.
        OSError: It is no folder, or cannot be read.
    """

    def __new__(
        cls,
        path: str | PathLike[str],
        *,
        exclude: Sequence[str] = ...,
        no_ignore: bool = False,
        follow_links: bool = False,
        executables: bool = False,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> FolderScan: ...
    @property
    def entries(self) -> int:
        """Entries that the directory will have."""
    @property
    def files(self) -> int:
        """How many of them are files."""
    @property
    def bytes(self) -> int:
        """Bytes of these files."""
    @property
    def left_out(self) -> int:
        """Files that rules left out."""
    @property
    def rules(self) -> int:
        """Rules that left something out."""
    @property
    def lake_files(self) -> list[str]:
        """Paths that may belong to a lake.

        Files named as a store's marker or a home's configuration, and links that were followed.
        """
    def add(
        self,
        home: str | PathLike[str],
        stem: str | PathLike[str],
        *,
        base: Sequence[_Object] = ...,
        stats: str | PathLike[str] | None = None,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> AddedTree:
        """Read the files once, and make packs, pages, root and layout of them.

        Args:
            home: The folder with `objects/`.
            stem: What the paths of temporary files begin with.
            base: Sources of earlier directories, whose packs are used again where they are here.
            stats: A file with the `stats` of an earlier call for this folder. Files that are as
                they were, and whose bytes are here, are not read.
            threads: See the module.
            progress: See the module; it counts files of at most 4 MiB.

        Raises:
            FolderRefusedError: Files changed since the scan, or cannot be read.
            TreeFormatError: The root or the layout would be too large.
            OSError: The disk is full, say. No temporary file is left after any error.
        """

    def name(
        self,
        home: str | PathLike[str],
        target: str | PathLike[str],
        *,
        stats: str | PathLike[str] | None = None,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> _Object:
        """Return the root of the directory that the folder would become; nothing is stored.

        Root and pages are written below the folder `target`, for `TreeReader`. Arguments and errors
        are as of `add`.
        """

@final
class AddedTree:
    """A directory that is ready to be moved into a home."""

    @property
    def root(self) -> _Object:
        """Digest and size of the root."""
    @property
    def layout(self) -> _Object:
        """Digest and size of the layout."""
    @property
    def entries(self) -> int:
        """How many entries it has."""
    @property
    def files(self) -> int:
        """How many of them are files."""
    @property
    def bytes(self) -> int:
        """Bytes of these files."""
    @property
    def staged(self) -> list[_Staged]:
        """Path, digest, size and outline of new files, in the order of a commit."""
    @property
    def reused(self) -> list[_Object]:
        """Objects in the home that the directory uses. They were not hashed again."""
    @property
    def stats(self) -> _Bytes:
        """Stats of the files, to be kept for the next time."""
    @property
    def read(self) -> int:
        """Files that were read."""

@final
class TreeReader:
    """A directory, open for reading. Pages that were read are kept, up to 16 MiB of them.

    An entry is its path, kind (0 file, 1 executable file, 2 link, 3 empty folder), size, digest
    (None for a folder) and target (None unless it is a link). Patterns have `*`, `?` and `[...]`,
    which stay within a name, and `**`; a folder that matches stands for all below it, and no
    patterns match everything.

    Args:
        home: The folder with `objects/`.
        root: Digest and size of the root.
        layout: Digest and size of the layout; None if places are not needed.

    Raises:
        MissingObjectsError: One of the two is not here. Methods raise it for pages and packs.
        DamagedObjectError, TreeFormatError, NewerTreeError: It is not what it should be.
    """

    def __new__(
        cls, home: str | PathLike[str], root: _Object, layout: _Object | None = None
    ) -> TreeReader: ...
    @property
    def entries(self) -> int:
        """How many entries it has."""
    @property
    def files(self) -> int:
        """How many of them are files."""
    @property
    def bytes(self) -> int:
        """Bytes of these files."""
    @property
    def pages(self) -> int:
        """How many pages it has; entries in the root count as one."""
    def find(self, path: str) -> _Entry | None:
        """Return the entry with this path."""
    def place(self, path: str) -> tuple[_Object, int] | None:
        """Return the pack or object that holds a file's bytes, and the offset in it."""
    def read(self, path: str) -> _Bytes | None:
        """Return the bytes of a file of at most 4 MiB, hashed; None if there is none.

        Raises:
            BadSliceError: They are wrong.
        """
    def children(
        self, folder: str, *, after: str = "", most: int = 1000
    ) -> list[tuple[str, _Entry | None]]:
        """Return what is directly in a folder, after a name.

        Names of folders end with a slash and have no entry, unless the folder is empty.
        """
    def select(
        self, patterns: Sequence[str] = ..., *, after: str = "", most: int = 1000
    ) -> list[_Entry]:
        """Return entries that match, in order, after a path."""
    def page_totals(self, patterns: Sequence[str] = ...) -> list[tuple[int, int]]:
        """Return how many files of each page match, and their bytes.

        Without patterns only the root is read, and no page.
        """
    def page_files(
        self, page: int, start: int, stop: int, patterns: Sequence[str] = ...
    ) -> list[_Entry]:
        """Return files of a page that match, by their numbers among those, from 0."""
    def files_below(
        self, folder: str, *, base: str = "", after: str = "", most: int = 1000
    ) -> list[tuple[str, int, _Bytes]]:
        """Return name, size and digest of the files below a folder, after a path.

        Args:
            folder: The folder; the empty text is the top.
            base: What each name begins with, before the path.
            after: A path, without `base`.
            most: How many files, at most.
        """
    def stretch(
        self, parts: Sequence[tuple[int, int, int]], patterns: Sequence[str] = ...
    ) -> tuple[str, str, _Bytes, _Bytes, _Bytes, list[_Object], _Bytes, _Bytes]:
        """Return files of some pages that match, in little memory.

        Args:
            parts: Number of a page, first number of a file among those that match, and the number
                after the last.
            patterns: See the class.

        Returns:
            What all paths begin with; the rest of them, one after the other; where in that each
            ends, in characters; sizes; digests; the packs that hold some of them; for each file
            the number of its pack, 2**32 - 1 for none; and where in that it begins. Numbers are as
            in arrays of the types I, Q and I.
        """
    def missing_pages(self, pages: Sequence[int], *, places: bool = True) -> list[_Object]:
        """Return pages of some numbers that are not here.

        Args:
            pages: Their numbers, from 0; others are ignored.
            places: Whether layout pages are needed as well.
        """
    def missing(self, patterns: Sequence[str] = ..., *, places: bool = True) -> list[_Object]:
        """Return pages needed for what matches that are not here.

        Args:
            patterns: See the class.
            places: Whether layout pages are needed as well.
        """
    def needed(self, patterns: Sequence[str] = ...) -> list[_Object]:
        """Return packs and large files that hold what matches, here or not."""
    def lacking(
        self, patterns: Sequence[str] = ..., *, first: bool = False
    ) -> list[tuple[_Object, int, int, int]]:
        """Return packs and large files that are not here and hold what matches and is not here.

        A file of a pack is here as an object of its own as well.

        Args:
            patterns: See the class.
            first: Look for the first of them only.

        Returns:
            For each also how many contents that are, their bytes, and how many of its bytes they
            take. In a pack that is more, so that all files take nearly all of it.
        """
    def placed(
        self, packs: Sequence[_Object], patterns: Sequence[str] = ...
    ) -> tuple[_Bytes, _Bytes, _Bytes, _Bytes]:
        """Return what matches of some packs, by pack and offset, each content once.

        Returns:
            The number of the pack of each file, its offset there, its size, as in arrays of type I;
            and its digest.
        """
    def sources(self) -> list[_Object]:
        """Return every pack and large file, here or not."""
    def parts(self) -> list[_Object]:
        """Return pages, source lists and layout pages, here or not."""
    def check(self) -> int:
        """Check all pages and layout pages against each other; return how many entries there are.

        Raises:
            TreeFormatError: Entries are not in order, one is below another, or a page is cut in
                another place than a writer would cut it.
        """
    def prove(
        self,
        pages: Sequence[int] | None = None,
        *,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> tuple[int, list[tuple[str, _Object]]]:
        """Hash every packed file of some pages, or of all, at its place in the layout.

        Returns:
            How many files are not there, and paths and packs of up to 1,000 of them.
        """
    def write(
        self,
        target: str | PathLike[str],
        patterns: Sequence[str] = ...,
        *,
        time: int,
        file_mode: int = 0o644,
        executable_mode: int = 0o755,
        folder_mode: int = 0o755,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> tuple[int, int]:
        """Write what matches into a folder that must not exist; return entries and bytes.

        Nothing is followed or replaced, so nothing outside the folder is touched. What was written
        stays if the call fails.

        Args:
            target: The folder.
            patterns: See the class.
            time: When everything was modified, in seconds since 1970.
            file_mode: Permission bits of files.
            executable_mode: Permission bits of files of kind 1.
            folder_mode: Permission bits of folders.
            threads: See the module.
            progress: See the module.

        Raises:
            FileExistsError: The folder exists, or the file system does not distinguish two names;
                `filename2` is the other one.
            BadSliceError, DamagedObjectError: Bytes are wrong.
        """
    def summary(
        self, *, progress: Progress | None = None
    ) -> tuple[list[tuple[str | None, int, int]], int, int, tuple[int, int], tuple[int, int], int]:
        """Return what it is made of. Reads all pages.

        Returns:
            Extension (None: too many to tell apart), files and bytes of each; links; empty folders;
            files and bytes that are here; packs and the bytes of all files in them; and how many of
            these bytes the directory uses.
        """

    def hits(
        self, damages: Sequence[tuple[_Bytes, Sequence[tuple[int, int]]]], most: int
    ) -> list[tuple[int, list[str]]]:
        """Return for each damaged object how many files it affects, and the first of their paths.

        Args:
            damages: Digest of each, and the spans of wrong bytes; none if all of it is lost.
            most: Paths of each, at most.
        """

    def page_span(self, digest: _Bytes) -> tuple[str, str | None, int] | None:
        """Return where the paths of a page begin, where those of the next, and how many there are.

        Args:
            digest: The page or its layout page; None is returned for anything else.
        """

    def used(self, pack: _Bytes) -> list[tuple[int, _Object]]:
        """Return offset, digest and size of the files that it has in a pack."""

    def update(
        self,
        over: TreeReader,
        folder: str | PathLike[str],
        stem: str | PathLike[str],
        *,
        removed: Sequence[str] = ...,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> tuple[AddedTree, int, int]:
        """Make a new directory: this one, with what a folder holds, without what is removed.

        Args:
            over: What the folder holds, by `FolderScan.name`.
            folder: The folder.
            stem: What the paths of temporary files begin with.
            removed: Patterns of what is left out of this one.
            threads: See the module.
            progress: Can stop the call.

        Returns:
            The new directory, and how many entries of this one are in it, and are removed.

        Raises:
            FolderRefusedError: Files of the folder changed since they were hashed.
            MissingObjectsError: Pages, or packs whose files must be packed again, are not here.
        """

    def rebuild(
        self, packs: Sequence[_Object], stem: str | PathLike[str]
    ) -> tuple[_Object | None, list[_Staged], int, list[str]]:
        """Make a layout again from the trailers of packs.

        Args:
            packs: The packs that hold the files. Those that are not here are passed over.
            stem: What the paths of temporary files begin with.

        Returns:
            The layout, the new files, how many files are in none of the packs, and the first of
            their paths. If there are any, there is no layout and no file.
        """

def file_spans(
    pack_of: bytes,
    offsets: bytes,
    sizes: bytes,
    absent: Sequence[bool],
    /,
    *,
    gap: int,
    most: int,
) -> list[tuple[int, int, int]]:
    """Return what to fetch of packs that are not here, so that files of them can be read.

    Args:
        pack_of: The number of each file's pack, as `TreeReader.stretch` gives it.
        offsets: Where in that it begins.
        sizes: Its bytes.
        absent: Whether each pack is to be fetched.
        gap: Most bytes between two files that are fetched and dropped.
        most: Bytes of one span, unless one file is larger.

    Returns:
        Number of the pack, first byte and the one after the last, sorted.
    """

def join_files(
    pack_of: bytes,
    offsets: bytes,
    sizes: bytes,
    digests: bytes,
    spans: Sequence[tuple[int, int, bytes]],
    others: Mapping[int, bytes],
    /,
) -> tuple[bytes, list[int]]:
    """Return files laid end to end, each verified by its digest.

    Args:
        pack_of: The number of each file's pack, as `TreeReader.stretch` gives it.
        offsets: Where in that it begins.
        sizes: Its bytes.
        digests: One after the other.
        spans: Number of a pack, first byte, and the bytes that were fetched, sorted.
        others: Files that came another way, by number.

    Returns:
        Where each file begins and where the last ends, 8 bytes each (little-endian), then the bytes
        of all; and the numbers of files that are not there or wrong. If there are any, no bytes.

    Raises:
        ValueError: The arrays differ in length.
    """

def pack_files(copy: str | PathLike[str], pack: _Object, /) -> list[_Object] | None:
    """Return the files in a pack by the trailer of a copy of it; None if that is damaged."""

def remake_pack(
    home: str | PathLike[str],
    pack: _Object,
    files: Sequence[_Object],
    stem: str | PathLike[str],
    *,
    damaged: str | PathLike[str] | None = None,
    packs: Sequence[_Object] = ...,
    copies: Sequence[tuple[bytes, str | PathLike[str]]] = ...,
) -> tuple[int, _Staged | None]:
    """Make a pack again, byte for byte.

    Args:
        home: The folder with `objects/`.
        pack: The pack.
        files: What is in it, in its order.
        stem: What the path of the temporary file begins with.
        damaged: A damaged copy of it.
        packs: Other packs in the home.
        copies: Digests of contents, and files that may hold them.

    Returns:
        How many of the files were found nowhere; and the pack, if there are none and it has its
        digest.
    """

def diff_trees(
    left: TreeReader, right: TreeReader, /
) -> tuple[list[_Entry], list[_Entry], list[tuple[_Entry, _Entry]], list[tuple[_Entry, _Entry]]]:
    """Return entries added, removed, changed and moved; only pages that differ are read."""

def missing_to_diff_trees(left: TreeReader, right: TreeReader, /) -> list[_Object]:
    """Return pages needed to compare two directories that are not here."""

def decode_root(raw: bytes, /) -> tuple[int, int, int, list[_Object]]:
    """Return files, bytes and entries of a root, and its pages; none if the entries are in it.

    Raises:
        TreeFormatError: The bytes are not a root.
        NewerTreeError: A later version of radops wrote them.
    """

def decode_layout(raw: bytes, /) -> tuple[bytes, list[_Object], list[_Object], list[_Object]]:
    """Return the digest of a layout's root, layout pages, source lists, and the sources in it.

    Raises:
        TreeFormatError, NewerTreeError: As `decode_root`.
    """

def decode_sources(raw: bytes, /, *, last: bool) -> list[_Object]:
    """Return the sources of a source list.

    Args:
        raw: The list.
        last: Whether the layout names no list after it.

    Raises:
        TreeFormatError, NewerTreeError: As `decode_root`.
    """

def decode_page(raw: bytes, /) -> list[_Entry]:
    """Return the entries of a page.

    Raises:
        TreeFormatError, NewerTreeError: As `decode_root`.
    """

def decode_layout_page(raw: bytes, /) -> tuple[list[_Object], list[tuple[int, int] | None]]:
    """Return the sources of a layout page, and a source and an offset for each entry.

    Raises:
        TreeFormatError, NewerTreeError: As `decode_root`.
    """

def decode_pack(raw: bytes, /) -> list[_Object]:
    """Return digests and sizes of the files in a whole pack, in order.

    Raises:
        TreeFormatError: The bytes are not a pack.
    """

class S3Error(Exception):
    """A request to an S3 server failed, after all tries.

    `args` are: the kind, such as "absent", "answer", "connect" or "certificate"; a text; the HTTP
    status or 0; the code of the answer, such as "AccessDenied", or ""; the key concerned or "".
    """

@final
class S3Client:
    """A bucket. Thread-safe; belongs to the process that made it; unusable in a fork of it.

    Requests run on threads that all clients of a process share, made when the first client is.
    Calls hold no interpreter lock and poll for signals as all calls of this module do; what is
    under way when a call is interrupted is dropped. Keys are whole keys of the bucket. A batch
    runs many requests at once; its first error ends it and is raised.

    Args:
        endpoint: `https://host[:port][/path]`.
        bucket: The bucket's name.
        region: What to sign for.
        addressing: "auto", "path" or "virtual".
        credentials: Returns access key, secret key, session token or None, and when they expire in
            seconds since the epoch or None. Called from another thread when keys are first needed,
            and again before they expire. What it raises is raised by the call that needs the keys.
        timeouts: Seconds: to connect; without an answer; the same for large objects; how long the
            server may refuse everything because there are too many requests.
        max_connections: Most requests at once.
        ca_bundle: A file of certificates to trust instead of the system's.
        sse: Encryption at rest to ask for.
        sse_kms_key_id: The key for it.
        sse_customer_key: A key of the customer's own, 32 bytes.
        requester_pays: Whether the caller agrees to pay.
    """

    def __new__(
        cls,
        *,
        endpoint: str,
        bucket: str,
        region: str,
        addressing: str,
        credentials: Callable[[], tuple[str, str, str | None, float | None]],
        timeouts: tuple[float, float, float, float],
        max_connections: int,
        ca_bundle: str | PathLike[str] | None = None,
        sse: str | None = None,
        sse_kms_key_id: str | None = None,
        sse_customer_key: bytes | None = None,
        requester_pays: bool = False,
    ) -> S3Client: ...
    def read(self, keys: Sequence[str], most: int) -> list[bytes | None]:
        """Return the first `most` bytes of each key, None for one that does not exist."""

    def stat(self, keys: Sequence[str]) -> list[tuple[int, float] | None]:
        """Return size and time of last change of each key, None for one that does not exist."""

    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write keys, replacing what is there."""

    def create(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Create keys; False for each that exists."""

    def delete(self, keys: Sequence[str]) -> None:
        """Delete keys; those that do not exist are no error."""

    def copy(self, source: str, target: str, size: int, *, most_at_once: int | None = None) -> None:
        """Copy an object of that size on the server.

        Args:
            source: Its key.
            target: The key of the copy; what is there is replaced.
            size: Its size in bytes.
            most_at_once: Larger objects are copied in parts; None for 1 GiB.
        """

    def page(
        self, prefix: str, *, recursive: bool = True, most: int = 1000, token: str | None = None
    ) -> tuple[list[tuple[str, int, float]], list[str], str | None, int | None]:
        """Return one page: keys with size and time, common prefixes, next token, server's clock."""

    def pages(self, prefix: str, *, recursive: bool = True) -> S3Pages:
        """Return a listing, page by page. No request is sent yet."""

    def uploads(
        self, prefix: str, *, after: tuple[str, str] | None = None
    ) -> tuple[list[tuple[str, str, float]], tuple[str, str] | None]:
        """Return unfinished uploads: key, identity, begin; and what the next page is after."""

    def abort(self, key: str, identity: str) -> None:
        """Abort an unfinished upload; one that has just ended is no error."""

    def open(self, key: str, start: int = 0, length: int | None = None) -> S3Reader:
        """Open a range of bytes; one at or after the end is empty."""

    def put_large(self, key: str, data: bytes) -> None:
        """Write a key as `put` does, with the patience that a large object needs."""

    def begin(self, key: str) -> S3Upload:
        """Begin an upload in parts."""

    def fetch_files(
        self,
        files: Sequence[tuple[str, str | PathLike[str], int, bytes]],
        *,
        mode: int = 0o444,
        progress: Progress | None = None,
    ) -> list[Exception | None]:
        """Fetch objects of one block: key, path that must not exist, size, digest.

        What is wrong with one is an `S3Error` in the list, of the kind "absent" or "wrong-bytes".
        """

    def send_files(
        self,
        files: Sequence[tuple[str, str | PathLike[str], int, bytes, bytes, int]],
        *,
        streams: int,
        progress: Progress | None = None,
    ) -> list[Exception | None]:
        """Send files: key, path, size, digest, outline, bytes of a part.

        What is wrong with one is in the list: `S3Error` of the kind "wrong-file", or `OSError`.
        `streams` is how many parts of large files are sent at once.
        """

    def fetch_ranges(
        self,
        objects: Sequence[
            tuple[str, str | PathLike[str], int, bytes | None, Sequence[tuple[int, int]]]
        ],
        *,
        streams: int,
        progress: Progress | None = None,
    ) -> list[Exception | None]:
        """Fetch blocks into files: key, path, size, outline, first blocks and those after the last.

        Blocks are verified if there is an outline, and written in their places. Answers are as
        those of `fetch_files`. `streams` is how many requests run at once.
        """

@final
class S3Pages:
    """The pages of a listing. The next page is fetched while one is used."""

    def next(self) -> tuple[list[tuple[str, int, float]], list[str]] | None:
        """Return keys with size and time, and common prefixes; None after the last page."""

    def next_versions(self) -> list[tuple[str, int, float, str]] | None:
        """Return the keys of the next page with size, time and entity tag; None after the last."""

@final
class S3Reader:
    """A stream of an object's bytes, resumed where its connection breaks."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end."""

    def close(self) -> None:
        """Release the connection."""

@final
class S3Upload:
    """An upload in parts, which may be sent by several threads in any order."""

    def send(self, number: int, data: bytes) -> None:
        """Send a part, counted from 0; sending it again replaces it."""

    def complete(self) -> None:
        """Make the object visible."""

    def abort(self) -> None:
        """Drop what was sent, as far as the server can be reached."""
