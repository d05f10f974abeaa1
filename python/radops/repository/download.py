"""Fetching objects into the local store: nothing is visible before it is verified."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from radops.errors import CorruptObjectError, LocalStorageError
from radops.model.digest import Digest
from radops.model.outline import BLOCK_SIZE
from radops.repository.download_large import WRONG, fetch_large
from radops.repository.local import TMP
from radops.repository.locks import holding
from radops.repository.transfer import gather
from radops.repository.trash import open_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from radops.backends.base import Backend
    from radops.repository.local import LocalStore, Staged

# Small objects come in groups: one barrier for the group, bounded temporary space.
_GROUP = 512
# Large ones as well, so that one that waits for an answer does not keep the others waiting. Each
# has a lock and a partial file open; one that is larger than all this comes alone.
_LARGE_GROUP = 32
_LARGE_BYTES = 256 << 20


def fetch(
    local: LocalStore,
    source: Backend,
    objects: Iterable[tuple[Digest, int]],
    count: Callable[[int, int], None],
) -> None:
    """Make objects stand in the local store, fetching those that do not.

    Args:
        local: Where they go.
        source: Where they come from.
        objects: Digest and size of each.
        count: Told bytes and files as they are done.

    Raises:
        CorruptObjectError: The source holds wrong bytes, or none; nothing of them is visible.
        RemoteUnavailableError: The source cannot be reached; what came so far is kept.
    """
    wanted = sorted(set(objects))
    small = [item for item in wanted if item[1] <= BLOCK_SIZE]
    locks = local.root / TMP / "locks"
    for start in range(0, len(small), _GROUP):
        group = small[start : start + _GROUP]
        with holding(locks, (digest.hex[:2] for digest, _ in group)):
            _fetch_group(local, source, group, count)
    for group in _large_groups([item for item in wanted if item[1] > BLOCK_SIZE]):
        with holding(locks, (digest.hex for digest, _ in group)):
            missing = [item for item in group if not local.stands(*item)]
            count(0, len(group) - len(missing))
            # Where a download was overtaken by another, which did not finish, it begins again.
            for _ in range(2):
                if missing:
                    fetch_large(local, source, missing, count)
                    missing = [item for item in missing if not local.stands(*item)]
            if missing:
                digest = missing[0][0]
                raise LocalStorageError(f"the download of {digest} was removed while it ran")
        for digest, _ in group:
            with contextlib.suppress(OSError):
                (locks / digest.hex).unlink()


def _large_groups(items: Iterable[tuple[Digest, int]]) -> Iterator[list[tuple[Digest, int]]]:
    group: list[tuple[Digest, int]] = []
    total = 0
    for item in items:
        if group and (len(group) >= _LARGE_GROUP or total + item[1] > _LARGE_BYTES):
            yield group
            group, total = [], 0
        group.append(item)
        total += item[1]
    if group:
        yield group


def _fetch_group(
    local: LocalStore,
    source: Backend,
    group: Sequence[tuple[Digest, int]],
    count: Callable[[int, int], None],
) -> None:
    missing = [item for item in group if not local.stands(*item)]
    staged: list[Staged] = []

    def fetch_small(item: tuple[Digest, int]) -> None:
        digest, size = item
        for attempt in (1, 2):
            with open_object(source, digest, 0, size + 1) as reader:
                data = reader.read(size + 1)
            if len(data) == size and Digest.of(data) == digest:
                staged.append(local.stage_bytes(data))
                count(size, 1)
                return
            if attempt == 2:
                raise CorruptObjectError(WRONG.format(digest=digest))

    try:
        gather(fetch_small, missing, source.max_connections)
        local.admit(staged)
    except BaseException:
        local.discard(staged)
        raise
    for _, size in set(group) - set(missing):
        count(size, 1)
