"""Sending objects to a backend: read from `objects/` only, hashed as they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptObjectError, LocalStorageError
from radops.model.digest import Digest
from radops.model.outline import BLOCK_SIZE
from radops.repository import layout
from radops.repository.transfer import gather
from radops.repository.upload_large import send_large, stands

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from radops.backends.base import Backend
    from radops.repository.local import LocalStore


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
            if not stands(target, digest, size):
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
    large = [(digest, size) for digest, size in unique.items() if size > BLOCK_SIZE]
    sent += send_large(local, target, large, count, replace=replace)
    return sent


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
