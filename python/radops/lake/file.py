"""Files of the lake, by name."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Literal, NoReturn, TextIO, overload

from radops.errors import InvalidUIDError, UIDNotFoundError, UsageError
from radops.format.uid import UID, parse_uid
from radops.lake import current, local_paths
from radops.lake.directory import about, inner_files
from radops.lake.file_io import BinaryOutput, RawOutput, TextOutput, local_errors, staged_path
from radops.lake.file_name import NamedFile, check_file
from radops.lake.named import known
from radops.lake.unstored import place_to_keep
from radops.lake.writing import Output, begin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from radops.format.record import FileRecord
    from radops.lake.current import Scope
    from radops.lake.directory.names import Found
    from radops.lake.named import Named
    from radops.lake.reports import FileInfo
    from radops.lake.session import Session
    from radops.repository.objects.reader import Fetch
    from radops.repository.trees.entries import Entry

ReadText = Literal["r", "rt"]
ReadBinary = Literal["rb"]
WriteText = Literal["w", "wt", "x", "xt"]
WriteBinary = Literal["wb", "xb"]

FETCH = ("auto", "whole", "ranges")
_MODES = ("r", "rt", "rb", "w", "wt", "wb", "x", "xt", "xb")

_LOOK_ALIKES = (io.BytesIO, io.TextIOWrapper, Path, bytes, str)
_LIBRARIES = "give a library that wants a path f.path(), and one that wants an open file f.open()"


class File(NamedFile):
    """A file of the lake, by name. Making one sends no request and fetches nothing.

    Files are immutable: writing a name that exists already is an error. Inside a function under
    `file_creator`, `File()` without a name is an output that radops names by the call.

    A file in a directory of the lake is read by the directory's name and the path in it:
    `File("datasets/images/v2/cats/1.jpg")`. `File("datasets/train/@latest")` is the highest
    version of `datasets/train/v1`, `v2`, ..., and `@next` the one after it, to be written; both
    are looked up when the `File` is made.

    Files are ordered by name. Pickled inside `use()` or a creator, a file still belongs to that
    in the process where it is unpickled.

    Args:
        uid: The name; None for an implicit output.
        suffix: The extension of an implicit output, such as `.parquet`.
        lake: The `DataLake`; None for the current one, looked up at each use.

    Raises:
        InvalidUIDError: The text cannot be a name.
        CreatorError: No name was given outside a creator.
        UIDNotFoundError: `@latest` was given, and there is no version.

    Example:
        >>> with File("notes.txt").open("w") as stream:
        ...     stream.write("hello")
        >>> File("notes.txt").read_text()
        'hello'
    """

    __slots__ = ()

    kind = "file"

    def __fspath__(self) -> str:
        """Return a verified local path, fetching the file: for readers that take a path."""
        return str(self.path())

    def __getattr__(self, name: str) -> NoReturn:
        # Libraries that want text, a `Path` or an open file look for its methods.
        wanted = name[:1] != "_" and any(hasattr(kind, name) for kind in _LOOK_ALIKES)
        hint = f"; {_LIBRARIES}" if wanted else ""
        raise AttributeError(f"File has no attribute {name!r}{hint}", name=name, obj=self)

    # -- reading -----------------------------------------------------------------------------

    @overload
    def open(
        self, mode: ReadText = ..., *, encoding: str = ..., newline: str | None = ...
    ) -> TextIO: ...
    @overload
    def open(
        self, mode: ReadBinary, *, encoding: None = ..., newline: None = ..., fetch: Fetch = ...
    ) -> BinaryIO: ...
    @overload
    def open(
        self, mode: WriteText, *, encoding: str = ..., newline: str | None = ...
    ) -> TextOutput: ...
    @overload
    def open(
        self, mode: WriteBinary, *, encoding: None = ..., newline: None = ...
    ) -> BinaryOutput: ...
    @overload
    def open(
        self,
        mode: str,
        *,
        encoding: str | None = ...,
        newline: str | None = ...,
        fetch: Fetch | None = ...,
    ) -> IO[str] | IO[bytes]: ...

    def open(
        self,
        mode: str = "r",
        *,
        encoding: str | None = None,
        newline: str | None = None,
        fetch: Fetch | None = None,
    ) -> IO[str] | IO[bytes]:
        """Open the file: to read it, verified; or to write it, once.

        A file that is on this machine is opened as it is, with a descriptor. What is read in
        mode `rb` of a file that is not here is chosen by `fetch`: with `ranges`, reads fetch the
        blocks of 1 MiB that they touch, verified before a byte is returned; what follows is read
        ahead once reads follow each other. Such a stream also has `pread(length, offset)` and
        `read_ranges([(start, length), ...])`, and no descriptor.

        What is written is published when the `with` block ends cleanly; an error in the block,
        or `close()` without one, discards it. Writing never translates line ends.

        Args:
            mode: `r`, `rt`, `rb` to read; `w`, `wt`, `wb`, `x`, `xt`, `xb` to write.
            encoding: Of text; UTF-8 unless given.
            newline: As for the built-in `open`; when writing, None translates nothing.
            fetch: For `rb` only: `whole` brings the file to this machine first, `ranges` fetches
                what is read, `auto` (None) does the first up to 16 MiB. Text is fetched whole.

        Raises:
            UIDNotFoundError: Reading a name that does not exist.
            UIDConflictError: Writing a name that exists already; raised before a byte is written.
            CreatorError: A creator writes a name that it was not given, or it is not known
                whether this thread or process belongs to a creator.
            CorruptObjectError: The bytes are wrong; none of them are served.
        """
        if mode not in _MODES:
            raise UsageError(f"mode {mode!r} is not one of {' '.join(_MODES)}")
        binary = mode.endswith("b")
        if binary and (encoding is not None or newline is not None):
            raise UsageError("binary mode takes no encoding and no newline")
        if fetch is not None and (mode != "rb" or fetch not in FETCH):
            raise UsageError(
                f"mode {mode!r} takes no fetch={fetch!r}", hint=f"rb takes {', '.join(FETCH)}"
            )
        if mode == "rb":
            return self._open_bytes(fetch or "auto")
        if mode.startswith("r"):
            bytes_ = self._open_bytes("whole")
            return io.TextIOWrapper(bytes_, encoding=encoding or "utf-8", newline=newline)
        path, sink = self._begin()
        try:
            with local_errors():
                raw = RawOutput(path)
            if binary:
                return BinaryOutput(raw, path, sink, repr(self))
            return TextOutput(raw, path, sink, repr(self), encoding or "utf-8", newline)
        except BaseException:
            sink.discard(path)
            raise

    def read_bytes(self) -> bytes:
        """Return the verified bytes."""
        with self._open_bytes("whole") as stream:
            return stream.read()

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return verified bytes of several ranges of the file.

        Of a file that is not on this machine only the blocks of 1 MiB that they touch are fetched,
        those that are neighbours by one request.

        Args:
            ranges: First byte and length of each; past the end of the file there is nothing.

        Raises:
            UIDNotFoundError: There is no such file.
            CorruptObjectError: The bytes are wrong; none of them are returned.
        """
        written = self._written()
        if written is not None:
            with written.open("rb") as stream:
                return [os.pread(stream.fileno(), length, start) for start, length in ranges]
        found = self._note_read()
        if found.inner is not None:
            return inner_files.read_ranges(self.session, found.record, found.inner, ranges)
        return local_paths.read_ranges(self.session, check_file(found.record), ranges)

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the verified text."""
        with self.open("r", encoding=encoding) as stream:
            return stream.read()

    def download(self) -> Path:
        """Return a verified local path with the file's name and extension, fetched if need be.

        The path is not for writing. It stays as long as the local copy does.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        written = self._written()
        if written is not None:
            return written
        found = self._note_read()
        if found.inner is not None:
            return inner_files.path(self.session, found.record, found.inner)
        return local_paths.path(self.session, check_file(found.record))

    def path(self) -> Path:
        """Return the same as `download`."""
        return self.download()

    def _written(self) -> Path | None:
        """Return the file as the running creator has just written it, if it has."""
        run = self._run
        return None if run is None else run.written(UID(self._uid))

    def _open_bytes(self, fetch: Fetch) -> BinaryIO:
        written = self._written()
        if written is not None:
            return written.open("rb")
        found = self._note_read()
        if found.inner is not None:
            return inner_files.open_bytes(self.session, found.record, found.inner, fetch)
        return local_paths.open_bytes(self.session, check_file(found.record), fetch)

    def _note_read(self) -> Found:
        run = self._run
        if run is not None:
            current.check_lake(self.session, run, self._uid)
        found = self._find()
        if run is not None:
            run.note_read(*self.as_input(self.session))
        return found

    # -- writing -----------------------------------------------------------------------------

    def write_bytes(self, data: bytes) -> int:
        """Write the file, whole; return how many bytes."""
        with self.open("wb") as stream:
            return stream.write(data)

    def write_text(self, text: str, encoding: str = "utf-8") -> int:
        """Write the file, whole; return how many characters."""
        with self.open("w", encoding=encoding) as stream:
            return stream.write(text)

    def staged(
        self, *, made_from: Sequence[Named] = (), stream: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[Path]:
        """Give a path to write to; the file there is published when the block ends cleanly.

        The path has the file's name, for writers which look at the extension. If anything else
        is found there than this one file, that is an error, and all of it is kept.

        Args:
            made_from: Files and directories that it is made from, for its lineage. For programs
                that are not creators; the inputs of a creator are known.
            stream: The state of a stream of `radops.integrations.torch`, as of a `Loader`: so a
                checkpoint records what it was trained on.

        Raises:
            UIDConflictError: The name exists already.
            UIDNotFoundError: Something of `made_from` does not exist.
            CreatorError: No file was written to the path, or others beside it; the message says
                where they are kept. Or a creator said what the file is made from.

        Example:
            >>> with File("clean.parquet").staged() as path:
            ...     frame.write_parquet(path)
        """
        declared = None
        if made_from or stream is not None:
            from radops.lake.declared import declare  # noqa: PLC0415 - slow; rarely needed

            declared = declare(self.session, self._run, self._uid, made_from, stream)
        folder, output = self._begin()
        sink = output if declared is None else declared.output(output, parse_uid(self._uid))
        kept = place_to_keep(self.session, self._uid)
        return staged_path(folder, self.name, self._uid, sink, kept)

    def _begin(self) -> tuple[Path, Output]:
        return begin(self.session, parse_uid(self._uid), self._run)

    # -- what is known of it -------------------------------------------------------------------

    def exists(self) -> bool:
        """Return whether the lake has a file of this name; may ask the remote."""
        try:
            found = self._look_up()
        except (UIDNotFoundError, InvalidUIDError):
            return False
        return found is not None and (found.inner is not None or found.record.type == "file")

    def is_local(self) -> bool:
        """Return whether the bytes are on this machine.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        session, found = self.session, self._find()
        if found.inner is not None:
            return inner_files.is_local(session, found.record, found.inner)
        record = check_file(found.record)
        return session.store.has(record.digest, record.size)

    def info(self) -> FileInfo:
        """Return all that is known of the file; see `DataLake.info`."""
        found = self._find()
        return about.describe(self.session, found.record, found.inner)


def known_file(uid: UID, session: Session | None) -> File:
    """Return the file of a name that exists in the lake, without looking at the name again."""
    return known(File, uid, session)


def inner_file(
    directory: FileRecord, path: str, entry: Entry, session: Session | None, scope: Scope | None
) -> File:
    """Return a file of a directory, by its path there and its entry, behind links if it is one."""
    file = File.__new__(File)
    file._session, file._scope = session, scope  # noqa: SLF001
    file._uid = file._text = f"{directory.uid}/{path}"  # noqa: SLF001
    file._directory, file._inner = directory, path  # noqa: SLF001
    file._size, file._digest = entry.size, entry.digest  # noqa: SLF001
    return file
