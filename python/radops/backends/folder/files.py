"""Files of a folder while they are open: a reader, and an upload into a temporary file."""

from __future__ import annotations

import io
import os
import stat
import threading
from typing import TYPE_CHECKING

from typing_extensions import override

from radops.backends.base import KeyNotFoundError, Reader, Upload
from radops.backends.durability import sync_descriptor
from radops.backends.folder import temporary
from radops.backends.folder.errors import ABSENT
from radops.backends.parts import chunks
from radops.errors import FileChangedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.backends.base import Part
    from radops.backends.folder.beneath import Plain
    from radops.backends.parts import Parts


class FileReader(Reader):
    """A span of a regular file. Links are not followed; other kinds of files are not there."""

    def __init__(self, calls: Plain, path: str, key: str, start: int, length: int | None) -> None:
        try:
            # NONBLOCK: someone's FIFO must not make a reader wait for ever.
            descriptor = calls.open(
                path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            )
        except OSError as error:
            if error.errno in ABSENT:
                raise KeyNotFoundError(key) from None
            raise
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise KeyNotFoundError(key)
        self._file = io.FileIO(descriptor, "r")
        self._file.seek(start)
        self._path = path
        left = max(0, status.st_size - start)
        self._left = left if length is None else min(left, length)

    @override
    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        pieces = []
        while wanted:
            data = self._file.read(wanted)
            if not data:
                raise FileChangedError(f"{self._path} became shorter while it was read")
            pieces.append(data)
            wanted -= len(data)
            self._left -= len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @override
    def close(self) -> None:
        self._file.close()


class FileUpload(Upload):
    """A temporary file that threads write parts into, each at its place.

    Args:
        parts: Which parts there are.
        unfinished: The path of the new file, and its open file.
        publish: Gives the finished, durable file its name.
        guard: Turns errors of the file system into errors of radops.

    """

    def __init__(
        self,
        parts: Parts,
        unfinished: tuple[str, io.FileIO],
        publish: Callable[[], None],
        guard: Callable[[OSError], Exception],
    ) -> None:
        self._parts = parts
        self._path, self._file = unfinished
        self._publish = publish
        self._guard = guard
        self._lock = threading.Lock()
        self._over = False

    @property
    @override
    def part_size(self) -> int:
        return self._parts.part_size

    @override
    def write(self, number: int, part: Part) -> None:
        self._parts.check(number, len(part))
        self._parts.begin(number)
        offset = number * self._parts.part_size
        # What `part` raises goes out as it is, also an OSError: only writing is translated.
        for data in chunks(part, self._parts.key):
            self._write_at(data, offset)
            offset += len(data)
        self._parts.arrived(number)

    def _write_at(self, data: bytes, offset: int) -> None:
        if self._over:
            raise ValueError(f"{self._parts.key}: the upload is over")
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._file.fileno(), view, offset)
                view = view[written:]
                offset += written
        except OSError as error:
            raise self._guard(error) from error

    @override
    def commit(self) -> None:
        with self._lock:
            if self._over:
                raise ValueError(f"{self._parts.key}: the upload is over")
            self._parts.check_complete()
            temporary.check_ours(self._path)
            try:
                sync_descriptor(self._file.fileno())
                self._publish()
            except OSError as error:
                raise self._guard(error) from error
            self._over = True
            self._file.close()

    @override
    def abort(self) -> None:
        with self._lock:
            if self._over:
                return
            self._over = True
            self._file.close()
            temporary.discard(self._path)
