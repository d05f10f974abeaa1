"""Streams and folders that a file of the lake is written to.

What is written is published when the `with` block ends cleanly, and discarded if an error ends it
or a write failed, even if the error was caught.
What cannot be stored after a clean end is kept. A forked child neither publishes nor removes what
its parent began.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import shutil
import warnings
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from typing_extensions import override

from radops.backends.forking import Owner, renew_after_fork
from radops.errors import CreatorError, LocalStorageError
from radops.lake import messages
from radops.lake.unstored import keep, take_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Buffer


_MOST_NAMED = 5


class Sink(Protocol):
    """Where a finished file goes."""

    def accept(self, path: Path) -> None:
        """Take the file over: publish it, or hold it until the creator ends.

        If that fails, the file is kept, and the error says where.
        """
        ...

    def discard(self, path: Path) -> None:
        """Remove the file."""
        ...


class RawOutput(io.FileIO):
    """The file below a stream. It remembers that a write failed, which a library may ignore.

    Args:
        path: A new file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "xb")
        self.failure: str | None = None

    @override
    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error.strerror or str(error)
            raise


class _Ending:
    """How an output ends: once, either kept or discarded.

    Args:
        path: What is written.
        sink: Where it goes.
        name: The file, for messages.
        raw: The open file below the stream.
    """

    def __init__(self, path: Path, sink: Sink, name: str, raw: RawOutput) -> None:
        self._path = path
        self._sink = sink
        self._name = name
        self._raw = raw
        self._owner = Owner()
        self._over = False
        renew_after_fork(self)

    @property
    def is_mine(self) -> bool:
        """Whether this process began to write the file."""
        return self._owner.is_this_process()

    def after_fork(self) -> None:
        """Cut a forked child off the file: what is still buffered is written by the parent."""
        if not self._raw.closed:
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, self._raw.fileno(), inheritable=False)
            os.close(nothing)

    def keep(self) -> None:
        if self._over:
            return
        self._over = True
        try:
            self._check_whole()
            self._sink.accept(self._path)
        except BaseException:
            self._sink.discard(self._path)
            raise

    def _check_whole(self) -> None:
        if self._raw.failure is not None:
            raise LocalStorageError(
                f"{self._name} was not published: a write failed before ({self._raw.failure})"
            )

    def drop(self, *, loudly: bool) -> None:
        if self._over:
            return
        self._over = True
        if not self.is_mine:
            return
        self._sink.discard(self._path)
        if loudly:
            messages.not_published(self._name)
            warnings.warn(
                f"{self._name} was closed outside a with block, so it was not published",
                ResourceWarning,
                stacklevel=4,
            )


class _Publishes(io.IOBase):
    """A stream that publishes when its `with` block ends cleanly; the base of both kinds."""

    _ending: _Ending

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._ending.is_mine:
            if not self.closed:
                self.close()
                if kind is None:
                    messages.left_to_parent(self._ending._name)  # noqa: SLF001
        elif kind is None and not self.closed:
            try:
                super().close()
            except BaseException:
                self._ending.drop(loudly=False)
                raise
            self._ending.keep()
        else:
            self._ending.drop(loudly=False)
            super().close()

    def close(self) -> None:
        """Close without publishing: only the end of a `with` block publishes."""
        if self.closed:
            return
        try:
            super().close()
        except OSError:
            if self._ending.is_mine:
                raise  # in a forked child nothing can be written any more, nor need it be
        finally:
            self._ending.drop(loudly=True)


class BinaryOutput(_Publishes, io.BufferedWriter):
    """A file of the lake that is being written in binary mode."""

    def __init__(self, raw: RawOutput, path: Path, sink: Sink, name: str) -> None:
        self._ending = _Ending(path, sink, name, raw)
        super().__init__(raw)
        _unfinished.add(self)


class TextOutput(_Publishes, io.TextIOWrapper):
    """A file of the lake that is being written in text mode."""

    def __init__(
        self,
        raw: RawOutput,
        path: Path,
        sink: Sink,
        name: str,
        encoding: str,
        newline: str | None,
    ) -> None:
        self._ending = _Ending(path, sink, name, raw)
        # "\n" stays "\n" on every machine: else the digest would depend on where it was made.
        super().__init__(
            io.BufferedWriter(raw),
            encoding=encoding,
            newline="" if newline is None else newline,
        )
        _unfinished.add(self)


_unfinished: WeakSet[_Publishes] = WeakSet()


def _close_unfinished() -> None:
    for stream in list(_unfinished):
        with contextlib.suppress(Exception):
            stream.close()


# While the interpreter can still log: later its modules are gone.
atexit.register(_close_unfinished)


# -- paths to write to -----------------------------------------------------------------------------


@contextlib.contextmanager
def staged_path(folder: Path, name: str, uid: str, sink: Sink, kept: Path) -> Iterator[Path]:
    """Give a path to write to, and pass on what is there when the block ends cleanly.

    Args:
        folder: A temporary folder to make for it.
        name: The name of the file in it.
        uid: The file of the lake, for messages.
        sink: Where the file goes.
        kept: Where to put what was written if it is not exactly that file.

    Raises:
        CreatorError: Anything else than one file of that name was written.
    """
    owner = Owner()
    with local_errors():
        folder.mkdir()
    flat = taken_out(folder)
    try:
        yield folder / name
        if owner.is_this_process():
            _check_written(folder, name, uid, kept)
            take_out(folder / name, flat, uid, kept, name)
            sink.accept(flat)
        else:
            messages.left_to_parent(f"File({uid!r})")
    except BaseException:
        if owner.is_this_process():
            sink.discard(flat)
        raise
    finally:
        if owner.is_this_process():
            shutil.rmtree(folder, ignore_errors=True)


def _check_written(folder: Path, name: str, uid: str, kept: Path) -> None:
    """Refuse what is not exactly one file; it is moved to `kept`, not removed."""
    found = sorted(path.name for path in folder.iterdir())
    path = folder / name
    if found == [name] and path.is_file() and not path.is_symlink():
        return
    if not found:
        raise CreatorError(
            f"nothing was written to the path of {uid}",
            uid=uid,
            hint="with File(uid).staged() as path: write to exactly this path",
        )
    listed = _listed(other for other in found if other != name)
    hint = "give each of them a UID of its own: several output_uids, each with staged()"
    if path.is_symlink():
        what = f"a symbolic link was written as {uid}"
        hint = "write the file itself"
    elif path.is_dir():
        what = f"a folder was written as {uid}, and a File is one file"
        hint = f"to store a folder: with Directory({uid!r}).staged() as folder"
    elif path.exists():
        what = f"beside {uid} these were written, and would be lost: {listed}"
    else:
        what = f"{name} was not written, but {listed}"
        hint = "write to exactly the path that staged() gives; some writers append an extension"
    raise _kept(what, folder, uid, kept, hint)


def taken_out(folder: Path) -> Path:
    """Return where what was written in a temporary folder goes before the folder is removed."""
    stem, _, number = folder.name.rpartition("-")
    return folder.with_name(f"{stem}0-{number}")


def check_alone(folder: Path, name: str, uid: str, kept: Path) -> None:
    """Refuse what was written beside a folder that becomes a directory; all is moved to `kept`.

    Args:
        folder: The temporary folder in which it is.
        name: Its name there.
        uid: The directory, for messages.
        kept: Where to put everything.

    Raises:
        CreatorError: There is something else.
    """
    with local_errors():
        others = sorted(path.name for path in folder.iterdir() if path.name != name)
    if others:
        what = f"beside the folder of {uid} these were written, and would be lost: "
        hint = "write into the folder that the block gives"
        raise _kept(what + _listed(others), folder, uid, kept, hint)


def _listed(names: Iterable[str]) -> str:
    """Return the first names with commas, and how many more there are."""
    found = list(names)
    listed = ", ".join(found[:_MOST_NAMED])
    return f"{listed} and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else listed


def _kept(what: str, folder: Path, uid: str, kept: Path, hint: str) -> CreatorError:
    """Move what cannot be published to where it stays, and return the error that says so."""
    with local_errors():
        place = keep(folder, kept)
    return CreatorError(
        f"{what}. Nothing was published; all of it is kept in {place}", uid=uid, hint=hint
    )


@contextlib.contextmanager
def local_errors() -> Iterator[None]:
    """Turn errors of the local disk into those of radops."""
    try:
        yield
    except OSError as error:
        raise LocalStorageError(f"{error.filename}: {error.strerror or error}") from error
