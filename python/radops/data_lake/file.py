"""Files of the lake, by name."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from typing import IO, TYPE_CHECKING, BinaryIO, Literal, TextIO, overload

from radops.data_lake import adding
from radops.data_lake.run import Run, running
from radops.data_lake.writing import BinaryOutput, TextOutput
from radops.errors import (
    CreatorError,
    LocalStorageError,
    RadopsError,
    UIDConflictError,
    UsageError,
)
from radops.model.record import FileRecord, FolderRecord
from radops.model.uid import UID, last_segment, parse_uid
from radops.repository.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from radops.data_lake.lake import DataLake
    from radops.data_lake.lineage import Lineage
    from radops.data_lake.reports import FileInfo
    from radops.repository.slots import State

ReadText = Literal["r", "rt"]
ReadBinary = Literal["rb"]
WriteText = Literal["w", "wt", "x", "xt"]
WriteBinary = Literal["wb", "xb"]

_MODES = ("r", "rt", "rb", "w", "wt", "wb", "x", "xt", "xb")


class File(os.PathLike[str]):
    """A file of the lake, by name. Making one asks nothing and fetches nothing.

    Files are immutable: writing a name that stands already is an error. Inside a function under
    `file_creator`, `File()` without a name is an output that radops names by the call.

    Args:
        uid: The name; None for an implicit output.
        suffix: The extension of an implicit output, such as `.parquet`.
        lake: The lake; None for the current one, looked up at each use.

    Raises:
        InvalidUIDError: The text cannot be a name.
        CreatorError: No name was given outside a creator.

    Example:
        >>> with File("notes.txt").open("w") as stream:
        ...     stream.write("hello")
        >>> File("notes.txt").read_text()
        'hello'
    """

    __slots__ = ("_lake", "_uid")

    def __init__(
        self, uid: str | None = None, *, suffix: str = "", lake: DataLake | None = None
    ) -> None:
        if uid is None:
            run = running.get()
            if run is None:
                raise CreatorError(
                    "a File needs a UID here",
                    hint="File() without one is an output inside a function under @file_creator",
                )
            if suffix and not suffix.startswith("."):
                raise UsageError(f"the suffix {suffix!r} does not begin with a dot")
            self._uid = run.implicit(suffix)
        elif suffix:
            raise UsageError("a suffix goes with an implicit output, not with a UID")
        else:
            self._uid = parse_uid(uid)
        self._lake = lake

    @property
    def uid(self) -> str:
        """The name."""
        return self._uid

    @property
    def chosen_lake(self) -> DataLake | None:
        """The lake that was given; None if the current one is meant, whichever that is."""
        return self._lake

    @property
    def lake(self) -> DataLake:
        """The lake that the name is looked up in."""
        if self._lake is not None:
            return self._lake
        run = running.get()
        if run is not None:
            return run.lake
        from radops.data_lake.lake import DataLake  # noqa: PLC0415 - it makes files

        return DataLake.current()

    def __repr__(self) -> str:
        return f"File({self._uid!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, File) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._uid)

    @property
    def _key(self) -> tuple[object, ...]:
        lake = self._lake
        return self._uid, None if lake is None else (lake.home, lake.context, lake.remote_url)

    def __reduce__(self) -> tuple[object, ...]:
        return _remake, (self._uid, self._lake)

    def __fspath__(self) -> str:
        """Return a verified local path, fetching the file: for readers that take a path."""
        return str(self.path())

    # -- reading -----------------------------------------------------------------------------

    @overload
    def open(
        self, mode: ReadText = ..., *, encoding: str = ..., newline: str | None = ...
    ) -> TextIO: ...
    @overload
    def open(self, mode: ReadBinary, *, encoding: None = ..., newline: None = ...) -> BinaryIO: ...
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
        self, mode: str, *, encoding: str | None = ..., newline: str | None = ...
    ) -> IO[str] | IO[bytes]: ...

    def open(
        self, mode: str = "r", *, encoding: str | None = None, newline: str | None = None
    ) -> IO[str] | IO[bytes]:
        """Open the file: to read it, fetched and verified first; or to write it, once.

        What is written is published when the `with` block ends cleanly; an error in the block,
        or `close()` without one, discards it. Writing never translates line ends.

        Args:
            mode: `r`, `rt`, `rb` to read; `w`, `wt`, `wb`, `x`, `xt`, `xb` to write.
            encoding: Of text; UTF-8 unless said otherwise.
            newline: As for the built-in `open`; when writing, None translates nothing.

        Raises:
            UIDNotFoundError: Reading a name that is not there.
            UIDConflictError: Writing a name that stands already; raised before a byte is written.
            CreatorError: A creator writes a name that it was not given.
            CorruptObjectError: The bytes are wrong; none of them are served.
        """
        if mode not in _MODES:
            raise UsageError(f"mode {mode!r} is not one of {' '.join(_MODES)}")
        binary = mode.endswith("b")
        if binary and (encoding is not None or newline is not None):
            raise UsageError("binary mode takes no encoding and no newline")
        if mode.startswith("r"):
            path = self._object()
            if binary:
                return path.open("rb")
            return path.open("r", encoding=encoding or "utf-8", newline=newline)
        path, sink = self._begin()
        try:
            with _local_errors():
                raw = io.FileIO(path, "xb")
            if binary:
                return BinaryOutput(raw, path, sink, repr(self))
            return TextOutput(raw, path, sink, repr(self), encoding or "utf-8", newline)
        except BaseException:
            sink.discard(path)
            raise

    def read_bytes(self) -> bytes:
        """Return the verified bytes."""
        return self._object().read_bytes()

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the verified text."""
        with self.open("r", encoding=encoding) as stream:
            return stream.read()

    def download(self) -> Path:
        """Return a verified local path with the file's name and extension, fetching it if need be.

        The path is not for writing. It stays as long as the local copy does.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        staged = self._staged()
        if staged is not None:
            return staged
        self._note_read()
        return self.lake.path(self._uid)

    def path(self) -> Path:
        """Return the same as `download`."""
        return self.download()

    def _staged(self) -> Path | None:
        """Return the file as the running creator has just written it, if it has."""
        run = running.get()
        staged = None if run is None else run.staged.get(self._uid)
        return None if staged is None else staged.path

    def _object(self) -> Path:
        staged = self._staged()
        if staged is not None:
            return staged
        record = self._note_read()
        return self.lake.session.path(record)

    def _note_read(self) -> FileRecord:
        record = self.lake.session.record(self._uid)
        run = running.get()
        if run is not None:
            run.note_read(self._uid, record)
        return record

    # -- writing -----------------------------------------------------------------------------

    def write_bytes(self, data: bytes) -> int:
        """Write the file, whole; return how many bytes."""
        with self.open("wb") as stream:
            return stream.write(data)

    def write_text(self, text: str, encoding: str = "utf-8") -> int:
        """Write the file, whole; return how many characters."""
        with self.open("w", encoding=encoding) as stream:
            return stream.write(text)

    @contextlib.contextmanager
    def staged(self) -> Iterator[Path]:
        """Give a path to write to; what stands there when the block ends cleanly is published.

        The path has the file's name, so that writers which go by the extension are content.

        Raises:
            UIDConflictError: The name stands already.
            CreatorError: Nothing was written to the path.

        Example:
            >>> with File("clean.parquet").staged() as path:
            ...     frame.write_parquet(path)
        """
        folder, sink = self._begin()
        with _local_errors():
            folder.mkdir()
        path, flat = folder / last_segment(self._uid), folder.with_name(f"{folder.name}0")
        try:
            yield path
            _check_written(path, self._uid)
            path.rename(flat)
            sink.accept(flat)
        except BaseException:
            sink.discard(flat)
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _begin(self) -> tuple[Path, _Sink]:
        """Check that the file may be written, and return where to."""
        run = running.get()
        session = self.lake.session
        if run is not None:
            run.begin(self._uid)
            return session.store.temporary(), _Sink(self, run, None)
        adding.check_writable(self._uid)
        mirror = session.prepare_write()
        state = mirror.write_states([self._uid])[self._uid]
        if isinstance(state, Taken):
            what = "is a folder" if isinstance(state.record, FolderRecord) else "exists already"
            raise UIDConflictError(
                f"{self._uid} {what}",
                uid=self._uid,
                hint="files never change: choose another name, or delete that one first",
            )
        return mirror.store.temporary(), _Sink(self, None, state)

    # -- asking ------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Say whether the lake has a file of this name; may ask the remote."""
        return self.lake.session.mirror.find(self._uid) is not None

    def is_local(self) -> bool:
        """Say whether the bytes are on this machine.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        session = self.lake.session
        record = session.record(self._uid)
        return session.store.has(record.digest, record.size)

    def info(self) -> FileInfo:
        """Return all that is known of the file; see `DataLake.info`."""
        return self.lake.info(self._uid)

    def lineage(self, up: bool = True, down: bool = False, depth: int | None = None) -> Lineage:
        """Return the graph around the file; see `DataLake.lineage`."""
        return self.lake.lineage(self._uid, up, down, depth)

    def _repr_html_(self) -> str:
        from radops.data_lake.drawing import html_table  # noqa: PLC0415 - for notebooks only

        try:
            info = self.info()
        except RadopsError as error:
            return html_table(self._uid, [("", error.message)])
        call = info.call
        rows: list[tuple[str, object]] = [
            ("size", f"{info.size:,} bytes"),
            ("digest", info.digest),
            ("made", f"{info.created_at} by {info.originator}"),
            ("source", info.source),
        ]
        if call is not None:
            params = ", ".join(f"{name}={value}" for name, value in call.params.items())
            rows.append(("function", f"{call.function}({params})"))
            rows += [(one.arg or "read", one.uid) for one in (*call.inputs, *call.reads)]
        rows.append(("on this machine", "yes" if info.local else "no"))
        return html_table(self._uid, rows)

    def delete(self) -> list[str]:
        """Delete the file for everyone; see `DataLake.delete`."""
        return self.lake.delete(self._uid)

    def delete_local(self) -> list[str]:
        """Remove the local copy; the file stays in the lake. See `DataLake.delete_local`."""
        return self.lake.delete_local(self._uid)


class _Sink:
    """Where a written file goes: to the running creator, or straight into the lake."""

    def __init__(self, file: File, run: Run | None, state: State | None) -> None:
        self._file = file
        self._run = run
        self._state = state

    def accept(self, path: Path) -> None:
        uid = UID(self._file.uid)
        if self._run is not None:
            self._run.accept(uid, path)
            return
        session = self._file.lake.session
        if self._state is not None:
            adding.add_written(session, uid, session.store.stage_written(path), self._state)

    def discard(self, path: Path) -> None:
        self._file.lake.session.store.discard([path])
        if self._run is not None:
            self._run.give_up(UID(self._file.uid))


@contextlib.contextmanager
def _local_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalStorageError(f"{error.filename}: {error.strerror or error}") from error


def _check_written(path: Path, uid: UID) -> None:
    if not path.is_file() or path.is_symlink():
        raise CreatorError(f"nothing was written to the path of {uid}", uid=uid)


def known_file(uid: UID, lake: DataLake | None) -> File:
    """Return the file of a name that stands in the lake, without looking at the name again."""
    file = File.__new__(File)
    file._uid, file._lake = uid, lake  # noqa: SLF001
    return file


def _remake(uid: str, lake: DataLake | None) -> File:
    return File(uid, lake=lake)
