"""Sending objects to a backend: read from `objects/` only, hashed as they are sent."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from radops import native
from radops.errors import CorruptObjectError, LocalStorageError
from radops.model.digest import Digest
from radops.model.outline import BLOCK_SIZE
from radops.repository import layout
from radops.repository.transfer import each, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from radops.backends.base import Backend
    from radops.repository.local import LocalStore


class ObjectPart:
    """A span of a local object that proves each block before it lets it go.

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
        """Give the descriptor back."""
        self._file.close()


def send(
    local: LocalStore,
    target: Backend,
    objects: Sequence[tuple[Digest, int]],
    count: Callable[[int, int], None],
    *,
    replace: bool = False,
) -> int:
    """Make objects stand in a backend, with their outlines; those that are there stay.

    Args:
        local: Where the bytes are.
        target: Where they go.
        objects: Digest and size of each.
        count: Told bytes and files as they are done.
        replace: Send also what is there, as that was found to be wrong.

    Returns:
        The bytes that were sent.

    Raises:
        CorruptObjectError: Local bytes are wrong; nothing of that object became visible.
    """
    unique = dict(objects)
    small = [(digest, size) for digest, size in unique.items() if size <= BLOCK_SIZE]
    sent = 0

    def send_small(item: tuple[Digest, int]) -> int:
        # Sending a small object again costs no more than asking whether it is there.
        digest, size = item
        try:
            data = _read(local, digest, size)
        except LocalStorageError:
            # It may have been purged since, as the remote has the same bytes from elsewhere.
            if not _stands(target, digest, size):
                raise
            target.include([layout.object_key(digest)])
            return 0
        target.put([(layout.object_key(digest), data)])
        count(size, 1)
        return size

    if target.max_connections > 1:
        sent += sum(gather(send_small, small, target.max_connections))
    else:
        for start in range(0, len(small), 256):
            batch = small[start : start + 256]
            missing = [
                one for one in batch if replace or target.stat(layout.object_key(one[0])) is None
            ]
            target.include([layout.object_key(digest) for digest, _ in set(batch) - set(missing)])
            target.put([(layout.object_key(d), _read(local, d, s)) for d, s in missing])
            sent += sum(size for _, size in missing)
            count(sum(size for _, size in batch), len(batch))
    for digest, size in unique.items():
        if size > BLOCK_SIZE:
            sent += _send_large(local, target, digest, size, count, replace=replace)
    return sent


def _stands(target: Backend, digest: Digest, size: int) -> bool:
    entry = target.stat(layout.object_key(digest))
    return entry is not None and entry.size == size


def _read(local: LocalStore, digest: Digest, size: int) -> bytes:
    path = local.locate(digest)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LocalStorageError(f"{path}: {error.strerror}") from error
    if len(data) != size or Digest.of(data) != digest:
        raise CorruptObjectError(
            f"{path} does not hold what was stored; it was not sent",
            hint="radops datalake verify --repair",
        )
    return data


def _send_large(
    local: LocalStore,
    target: Backend,
    digest: Digest,
    size: int,
    count: Callable[[int, int], None],
    *,
    replace: bool,
) -> int:
    key = layout.object_key(digest)
    local.locate(digest)
    if not replace and _stands(target, digest, size):
        if target.stat(layout.outline_key(digest)) is None:
            target.put([(layout.outline_key(digest), local.outline(digest, size) or b"")])
        target.include([key])
        count(size, 1)
        return 0
    outline = local.outline(digest, size) or b""
    upload = target.upload(key, size)

    def send_part(number: int) -> None:
        start = number * upload.part_size
        length = min(upload.part_size, size - start)
        path = local.locate(digest)
        with contextlib.closing(ObjectPart(path, start, length, outline)) as part:
            upload.write(number, part)
        count(length, 0)

    parts = -(-size // upload.part_size)
    try:
        for _ in each(send_part, range(parts), min(target.max_connections, parts)):
            pass
        upload.commit()
    except BaseException:
        upload.abort()
        raise
    target.put([(layout.outline_key(digest), outline)])
    count(0, 1)
    return size
