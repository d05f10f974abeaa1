"""Streams that publish when their `with` block ends cleanly, and discard otherwise."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class Sink(Protocol):
    """Where a finished file goes."""

    def accept(self, path: Path) -> None:
        """Take the file over: publish it, or keep it until the creator ends."""
        ...

    def discard(self, path: Path) -> None:
        """Remove the file."""
        ...


class _Ending:
    """How an output ends: once, either kept or discarded."""

    def __init__(self, path: Path, sink: Sink, name: str) -> None:
        self._path = path
        self._sink = sink
        self._name = name
        self._over = False

    def keep(self) -> None:
        if not self._over:
            self._over = True
            try:
                self._sink.accept(self._path)
            except BaseException:
                self._sink.discard(self._path)
                raise

    def drop(self, *, loudly: bool) -> None:
        if not self._over:
            self._over = True
            self._sink.discard(self._path)
            if loudly:
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
        if kind is None and not self.closed:
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
        if not self.closed:
            super().close()
            self._ending.drop(loudly=True)


class BinaryOutput(_Publishes, io.BufferedWriter):
    """A file of the lake that is being written in binary mode."""

    def __init__(self, raw: io.FileIO, path: Path, sink: Sink, name: str) -> None:
        self._ending = _Ending(path, sink, name)
        super().__init__(raw)


class TextOutput(_Publishes, io.TextIOWrapper):
    """A file of the lake that is being written in text mode."""

    def __init__(
        self,
        raw: io.FileIO,
        path: Path,
        sink: Sink,
        name: str,
        encoding: str,
        newline: str | None,
    ) -> None:
        self._ending = _Ending(path, sink, name)
        # "\n" stays "\n" on every machine: else the digest would depend on where it was made.
        super().__init__(
            io.BufferedWriter(raw),
            encoding=encoding,
            newline="" if newline is None else newline,
        )
