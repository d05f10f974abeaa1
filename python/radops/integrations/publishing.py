"""A file that is written through a library, which closes it without publishing it."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from typing import TYPE_CHECKING

from typing_extensions import override

from radops.data_lake import Directory, File
from radops.integrations.never_changing import refuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from typing_extensions import Buffer

    from radops.integrations.paths import Paths

_LOG = logging.getLogger("radops")


def begin(paths: Paths, path: str, mode: str) -> PublishedOnClose:
    """Begin to write a file.

    Raises:
        UnsupportedOperation: The mode changes a file, or the path leads into a directory.
        UIDConflictError: The name exists already.
    """
    if mode not in ("wb", "xb"):
        refuse(
            f"a file of the lake never changes, so it cannot be opened with mode {mode!r}",
            "make a new one: with File(uid).staged() as path: ...",
        )
    context, name = paths.split(path)
    try:
        found, _ = paths.find(path)
    except FileNotFoundError:
        found = None
    directory, _ = paths.known_directory(context, name)
    if directory is None and isinstance(found, Directory):
        directory = found
    if directory is not None:
        refuse(
            f"{directory.uid} is a directory, which never changes",
            f"make a new version: with Directory({directory.uid!r}).edit(uid) as e: ...",
        )
    paths.forget_listings()
    return PublishedOnClose(File(name, lake=paths.lake(context)), mode, paths.forget_listings)


class PublishedOnClose(io.BufferedIOBase):
    """A file of the lake that `close()` publishes, unless something went wrong meanwhile.

    It is discarded if it is closed while an exception is handled that was not when it was opened,
    by the garbage collector, or by the `__del__` of a writer that the collector found: then what
    was written is only a part of what was to be.

    Args:
        file: The file.
        mode: `wb` or `xb`.
        published: Called after it was published.
    """

    def __init__(self, file: File, mode: str, published: Callable[[], None]) -> None:
        self.name = file.uid
        self.mode = mode
        self._published = published
        self._is_forgotten = False
        self._before = sys.exc_info()[1]
        self._finalizers_before = _finalizers()
        self._stream = file.open(mode)
        self._stream.__enter__()

    @override
    def write(self, data: Buffer, /) -> int:
        self._check_open()
        return self._stream.write(data)  # type: ignore[arg-type]

    @override
    def flush(self) -> None:
        if not self.closed:
            self._stream.flush()

    @override
    def tell(self) -> int:
        self._check_open()
        return self._stream.tell()

    @override
    def writable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return False

    @override
    def close(self) -> None:
        if self.closed:
            return
        error = sys.exc_info()[1]
        self._is_forgotten |= _finalizers() > self._finalizers_before
        fails = self._is_forgotten or (error is not None and error is not self._before)
        try:
            super().close()
        except BaseException:
            self._discard()
            raise
        if not fails:
            self._stream.__exit__(None, None, None)
            self._published()
            return
        self._discard()
        why = "it was never closed" if self._is_forgotten else f"{type(error).__name__} was raised"
        _LOG.warning("%s was not published: %s while it was written", self.name, why)

    def discard(self) -> None:
        """Close it without publishing."""
        if not self.closed:
            with contextlib.suppress(OSError):
                super().close()
            self._discard()

    def _discard(self) -> None:
        reason = io.UnsupportedOperation("discarded")
        self._stream.__exit__(type(reason), reason, None)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the file is closed")

    def _dealloc_warn(self, source: object) -> None:
        """Note that a stream over this one is closed by the garbage collector.

        Streams of Python call this before they close what they are over, in that case only.
        """
        self._is_forgotten = True

    def __del__(self) -> None:
        if hasattr(self, "_stream"):  # else it could not be opened
            self.close()


def _finalizers() -> int:
    """Return how many methods `__del__` are running in this thread, one called within another."""
    found = 0
    frame: FrameType | None = sys._getframe()  # noqa: SLF001
    while frame is not None:
        found += frame.f_code.co_name == "__del__"
        frame = frame.f_back
    return found
