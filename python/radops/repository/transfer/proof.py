"""Whether a backend holds the right bytes, found out by reading them.

A slot says that an object was there once, and a listing that something of its size is there now.
Before radops reports such bytes as stored, or removes their source, it reads them.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.backends.base import KeyNotFoundError
from radops.backends.folder.backend import FolderBackend
from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE
from radops.repository import layout
from radops.repository.transfer.small_objects import SMALL_OBJECT, good_small_objects
from radops.repository.workers import gather, threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.backends.base import Backend

# Blocks read of a large object in a bucket, besides the first and the last: enough to notice other
# bytes or zeros, at a small part of the cost of sending the object again. What fails bit by bit on
# the server's disks is found by `verify --remote --full`, which reads everything.
_SAMPLES = 2


class Known(NamedTuple):
    """An object whose bytes are known from elsewhere."""

    digest: Digest
    size: int
    outline: bytes
    """Proven against the digest; empty with one block."""


def wrong_objects(backend: Backend, objects: Sequence[Known]) -> set[Digest]:
    """Return the objects that a backend does not hold, or holds with other bytes.

    In a folder all bytes are read; in a bucket all bytes of objects of one block, and of larger
    ones the size and some blocks.

    Args:
        backend: Where they are to be.
        objects: What they must be.

    Raises:
        RemoteUnavailableError: The backend cannot be reached.
    """
    unique = {one.digest: one for one in objects}
    if isinstance(backend, FolderBackend):
        checks = native.check_files(
            [
                (backend.path(layout.object_key(one.digest)), one.size, one.digest.raw)
                for one in unique.values()
            ],
            threads=threads(),
        )
        return {digest for digest, check in zip(unique, checks, strict=True) if check.state != "ok"}
    small = [one for one in unique.values() if one.size <= SMALL_OBJECT]
    others = [one for one in unique.values() if one.size > SMALL_OBJECT]
    proven = good_small_objects(
        backend, small, lambda one: (one.digest, one.size), backend.max_connections
    )
    wrong = {one.digest for results in proven for one, is_good in results if not is_good}
    good = gather(lambda one: _is_good(backend, one), others, backend.max_connections)
    return wrong | {one.digest for one, is_good in zip(others, good, strict=True) if not is_good}


def _is_good(backend: Backend, known: Known) -> bool:
    key = layout.object_key(known.digest)
    try:
        if known.size <= BLOCK_SIZE:
            with backend.open(key, 0, known.size + 1) as reader:
                data = reader.read(known.size + 1)
            return len(data) == known.size and Digest.of(data) == known.digest
        entry = backend.stat(key)
        if entry is None or entry.size != known.size:
            return False
        return all(_is_block(backend, key, known, number) for number in _chosen(known.size))
    except KeyNotFoundError:
        return False


def _chosen(size: int) -> list[int]:
    last = (size - 1) // BLOCK_SIZE
    # Not predictable, so that repeated adds look at different blocks.
    inner = random.sample(range(1, last), min(_SAMPLES, last - 1))
    return [0, *inner, last]


def _is_block(backend: Backend, key: str, known: Known, number: int) -> bool:
    start = number * BLOCK_SIZE
    length = min(BLOCK_SIZE, known.size - start)
    with backend.open(key, start, length) as reader:
        data = reader.read(length)
    proof = known.outline[32 * number : 32 * number + 32]
    return len(data) == length and native.block_values(data, number) == proof
