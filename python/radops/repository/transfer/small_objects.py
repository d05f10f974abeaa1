"""Reading many small objects of a backend by few calls.

For small objects, the cost of a request on this machine counts, not on the network: an S3 backend
makes all requests of one call in Rust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from radops.format.digest import Digest
from radops.repository import layout
from radops.repository.workers import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from radops.backends.base import Backend

T = TypeVar("T")

SMALL_OBJECT = 256 * 1024
"""Most bytes of an object that is read together with others."""

# Of one call: in memory at once, for each worker, and reported as progress together.
_CALL_BYTES = 4 * 1024 * 1024
_CALL_OBJECTS = 256


def good_small_objects(
    backend: Backend,
    items: Iterable[T],
    known: Callable[[T], tuple[Digest, int]],
    workers: int,
) -> Iterator[list[tuple[T, bool]]]:
    """Read small objects; yield which of them have the bytes that their digests name.

    Args:
        backend: Where they are.
        items: One for each object.
        known: Returns the digest and the size of one.
        workers: Most calls at once.

    Raises:
        RemoteUnavailableError: The backend cannot be reached.
    """

    def read(group: Sequence[T]) -> list[tuple[T, bool]]:
        objects = [known(item) for item in group]
        keys = [layout.object_key(digest) for digest, _ in objects]
        most = max(size for _, size in objects) + 1  # one more byte shows a longer object
        return [
            (item, data is not None and len(data) == size and Digest.of(data) == digest)
            for item, (digest, size), data in zip(
                group, objects, backend.read(keys, most), strict=True
            )
        ]

    groups = list(_groups(items, lambda item: known(item)[1]))
    for _, results in each(read, groups, min(workers, max(1, len(groups)))):
        yield results


def _groups(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    group: list[T] = []
    room = _CALL_BYTES
    for item in items:
        if group and (size(item) > room or len(group) == _CALL_OBJECTS):
            yield group
            group, room = [], _CALL_BYTES
        group.append(item)
        room -= size(item)
    if group:
        yield group
