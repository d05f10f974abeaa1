"""Sends large objects: many at once, in parts that verify each block before it is sent."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Protocol

from radops import native
from radops.errors import CorruptObjectError
from radops.format.outline import BLOCK_SIZE
from radops.repository import layout
from radops.repository.transfer.proof import Known, wrong_objects
from radops.repository.workers import each, streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from radops.backends.base import Backend, Upload
    from radops.format.digest import Digest
    from radops.repository.progress import Count

# Up to this size an object is one piece of work, so that its requests wait beside those of
# others; the parts of a larger one are sent several at once.
_WHOLE = 16 * BLOCK_SIZE


class ObjectFiles(Protocol):
    """Files that hold objects: those of a store, or some that were just hashed."""

    def locate(self, digest: Digest, /) -> Path:
        """Return the file of an object."""
        ...

    def outline(self, digest: Digest, size: int, /) -> bytes | None:
        """Return the outline of an object; None or empty if it has one block."""
        ...

    def has(self, digest: Digest, size: int, /) -> bool:
        """Return whether there is a file of that object."""
        ...


class ObjectPart:
    """A span of a local object that verifies each block before it returns it.

    Args:
        path: The object.
        start: First byte of the span; a multiple of 1 MiB.
        length: Bytes of the span.
        outline: The object's outline, proven against its digest.
    """

    def __init__(self, path: Path, start: int, length: int, outline: bytes) -> None:
        self._path = path
        self._start = start
        self._length = length
        self._outline = outline
        self._file = path.open("rb")
        self._position = 0
        self._block = b""
        self._block_index = -1

    def __len__(self) -> int:
        return self._length

    def tell(self) -> int:
        """Return the position in the span."""
        return self._position

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move; a retry begins the span again, and each block is proven again."""
        base = (0, self._position, self._length)[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` proven bytes; all that is left if negative.

        Raises:
            CorruptObjectError: The bytes on disk are not those of the outline.
        """
        left = max(0, self._length - self._position)
        left = left if size is None or size < 0 else min(size, left)
        pieces = []
        while left > 0:
            index, offset = divmod(self._position, BLOCK_SIZE)
            if index != self._block_index:
                self._load(index)
            piece = self._block[offset : offset + left]
            pieces.append(piece)
            self._position += len(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _load(self, index: int) -> None:
        expected = min(BLOCK_SIZE, self._length - index * BLOCK_SIZE)
        self._file.seek(self._start + index * BLOCK_SIZE)
        data = self._file.read(expected)
        number = self._start // BLOCK_SIZE + index
        proof = self._outline[32 * number : 32 * number + 32]
        if len(data) != expected or native.block_values(data, number) != proof:
            raise CorruptObjectError(
                f"{self._path} is wrong in block {number}; it was not sent",
                hint="radops datalake verify --repair",
            )
        self._block, self._block_index = data, index

    def close(self) -> None:
        """Close the descriptor."""
        self._file.close()


def send_large(
    local: ObjectFiles,
    target: Backend,
    objects: Sequence[tuple[Digest, int]],
    count: Count,
    *,
    replace: bool,
) -> int:
    """Send objects of more than one block; see `send`. Return the bytes that were sent."""
    whole = [item for item in objects if item[1] <= _WHOLE]
    parted = [item for item in objects if item[1] > _WHOLE]
    connections = target.max_connections
    unfinished: list[_Sending] = []

    def begun(items: Sequence[tuple[Digest, int]]) -> Iterator[_Sending]:
        for digest, size in items:
            sending = _Sending(local, target, digest, size, count)
            unfinished[:] = [one for one in unfinished if not one.finished]
            unfinished.append(sending)
            yield sending

    def send_whole(sending: _Sending) -> int:
        if not sending.begin(replace=replace):
            return 0
        return sum(sending.send(number) for number in range(sending.parts))

    def parts() -> Iterator[tuple[_Sending, int]]:
        for sending in begun(parted):
            if sending.begin(replace=replace):
                yield from ((sending, number) for number in range(sending.parts))

    try:
        sent = sum(n for _, n in each(send_whole, begun(whole), min(connections, len(whole))))
        return sent + sum(
            n for _, n in each(lambda one: one[0].send(one[1]), parts(), streams(connections))
        )
    except BaseException:
        for sending in unfinished:
            sending.abort()
        raise


def exists(target: Backend, digest: Digest, size: int) -> bool:
    """Return whether a backend holds an object of that digest and size, without reading it."""
    entry = target.stat(layout.object_key(digest))
    return entry is not None and entry.size == size


class _Sending:
    """One object on its way; its parts can be sent by several threads."""

    def __init__(
        self,
        local: ObjectFiles,
        target: Backend,
        digest: Digest,
        size: int,
        count: Count,
    ) -> None:
        self._local = local
        self._target = target
        self._digest = digest
        self._size = size
        self._count = count
        self._lock = threading.Lock()
        self._upload: Upload | None = None
        self._outline = b""
        self._left = 0
        self.parts = 0
        self.finished = False

    def begin(self, *, replace: bool) -> bool:
        """Begin, unless it is there: then False."""
        digest, size, target = self._digest, self._size, self._target
        key, outline_key = layout.object_key(digest), layout.outline_key(digest)
        self._local.locate(digest)
        if not replace and exists(target, digest, size) and self._is_whole():
            if target.stat(outline_key) is None:
                target.put([(outline_key, self._local.outline(digest, size) or b"")])
            target.include([key])
            self._count(size, 1)
            self.finished = True
            return False
        self._outline = self._local.outline(digest, size) or b""
        self._upload = target.upload(key, size)
        self.parts = self._left = -(-size // self._upload.part_size)
        return True

    def _is_whole(self) -> bool:
        """Return whether what the backend holds has the right bytes, as far as it is read."""
        if not self._local.has(self._digest, self._size):
            return True  # purged since: there is nothing to send instead
        outline = self._local.outline(self._digest, self._size) or b""
        return not wrong_objects(self._target, [Known(self._digest, self._size, outline)])

    def send(self, number: int) -> int:
        """Send a part, and with the last one make the object visible; return its bytes."""
        assert self._upload is not None
        start = number * self._upload.part_size
        length = min(self._upload.part_size, self._size - start)
        path = self._local.locate(self._digest)
        with contextlib.closing(ObjectPart(path, start, length, self._outline)) as part:
            self._upload.write(number, part)
        self._count(length, 0)
        with self._lock:
            self._left -= 1
            is_last = self._left == 0
        if is_last:
            self._upload.commit()
            self.finished = True
            self._target.put([(layout.outline_key(self._digest), self._outline)])
            self._count(0, 1)
        return length

    def abort(self) -> None:
        """Abort what is not visible yet."""
        if self._upload is not None and not self.finished:
            self._upload.abort()
