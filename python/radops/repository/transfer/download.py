"""Fetching objects into the local store: nothing is visible before it is verified."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from radops.backends.base import KeyNotFoundError
from radops.backends.descriptors import MANY, at_once, descriptors
from radops.backends.transfers import Fetch
from radops.errors import CorruptObjectError, LocalStorageError, RemoteRefusedError
from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE, outline_size
from radops.repository import layout
from radops.repository.objects.store import TMP, Staged
from radops.repository.objects.trash import open_object
from radops.repository.progress import watching
from radops.repository.transfer.download_large import WRONG, fetch_large
from radops.repository.transfer.locks import holding
from radops.repository.transfer.partials import drop
from radops.repository.transfer.refused import Refused, fetch_apart, refusal
from radops.repository.workers import gather, streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from radops.backends.base import Backend, Reader
    from radops.backends.transfers import FileTransfers
    from radops.repository.objects.store import LocalStore
    from radops.repository.progress import Count

# Small objects come in groups: one barrier for the group, at most 2 GiB of temporary space.
_GROUP = 2048
# Large ones as well, so that one that waits for an answer does not keep the others waiting. Each
# has a lock and a partial file open; one that is larger than all this comes alone.
_LARGE_GROUP = 32
_LARGE_BYTES = 256 << 20


def fetch(
    local: LocalStore,
    source: Backend,
    objects: Iterable[tuple[Digest, int]],
    count: Count,
) -> None:
    """Fetch objects into the local store; good ones that are there already stay.

    Args:
        local: Where they go.
        source: Where they come from.
        objects: Digest and size of each.
        count: Called with bytes and files as they are done.

    Raises:
        CorruptObjectError: The source holds wrong bytes, or none; nothing of them is visible.
        RemoteRefusedError: It refuses some objects, such as archived ones; names one. All others
            are fetched, unless it refuses all of a group.
        RemoteUnavailableError: The source cannot be reached; what came so far is kept.
    """
    wanted = sorted(set(objects))
    small = [item for item in wanted if item[1] <= BLOCK_SIZE]
    locks = local.lock_folder()
    few = 1 if descriptors() < MANY else 2  # fewer locks
    refused: Refused = {}
    for start in range(0, len(small), _GROUP):
        group = small[start : start + _GROUP]
        with holding(locks, (digest.hex[:few] for digest, _ in group)):
            _fetch_group(local, source, group, count, refused)
    for group in _large_groups([item for item in wanted if item[1] > BLOCK_SIZE]):
        with holding(locks, (digest.hex for digest, _ in group)):
            missing = [item for item in group if not local.is_verified(*item)]
            count(0, len(group) - len(missing))
            # Another process may have removed the partial file: its own download has finished, or
            # it has to begin again.
            for _ in range(2):
                if missing:
                    removed = fetch_large(local, source, missing, count, refused)
                    missing = [item for item in removed if not local.is_verified(*item)]
            if missing:
                digest = missing[0][0]
                raise LocalStorageError(f"the download of {digest} was removed while it ran")
        if locks is not None:
            for digest, _ in group:
                with contextlib.suppress(OSError):
                    (locks / digest.hex).unlink()
    if refused:
        raise refusal(refused)


def _large_groups(items: Iterable[tuple[Digest, int]]) -> Iterator[list[tuple[Digest, int]]]:
    group: list[tuple[Digest, int]] = []
    total = 0
    most = at_once(_LARGE_GROUP, 8)
    for item in items:
        if group and (len(group) >= most or total + item[1] > _LARGE_BYTES):
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
    count: Count,
    refused: Refused,
) -> None:
    missing = local.unverified(group)
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
        rest: Sequence[tuple[Digest, int]] = missing
        if source.files is not None:
            rest = _fetch_files(local, source.files, missing, staged, count, refused)
        gather(fetch_small, rest, source.max_connections)
        local.admit(staged)
    except BaseException:
        local.discard(staged)
        raise
    for _, size in set(group) - set(missing):
        count(size, 1)


def _fetch_files(
    local: LocalStore,
    files: FileTransfers,
    objects: Sequence[tuple[Digest, int]],
    staged: list[Staged],
    count: Count,
    refused: Refused,
) -> list[tuple[Digest, int]]:
    """Fetch objects into temporary files; return those that are not where objects are."""
    paths = local.temporaries(len(objects))
    # Noted before they exist, so that a failure in the middle leaves none behind.
    staged += [
        Staged(path, digest, size, b"") for path, (digest, size) in zip(paths, objects, strict=True)
    ]
    wanted = [
        Fetch(layout.object_key(one.digest), one.path, one.size, one.digest.raw) for one in staged
    ]

    def fetch_some(some: Sequence[Fetch]) -> list[Exception | None]:
        if len(some) < len(wanted):
            for one in some:
                one.path.unlink(missing_ok=True)  # of a try that was refused
        return files.fetch(some, progress)

    with watching(count) as progress:
        answers = fetch_apart(fetch_some, wanted)
    fetched, absent = [], []
    for one, answer in zip(staged, answers, strict=True):
        if answer is None:
            fetched.append(one)
        elif isinstance(answer, KeyNotFoundError):  # in the trash, perhaps
            absent.append((one.digest, one.size))
        elif isinstance(answer, CorruptObjectError):
            raise CorruptObjectError(WRONG.format(digest=one.digest)) from answer
        elif isinstance(answer, RemoteRefusedError):
            refused[one.digest] = answer
        else:
            raise answer
    if len(objects) > 1 and refused and not fetched and not absent:
        raise refusal(refused)
    staged[:] = fetched
    return absent


class RemoteOrigin:
    """What an `ObjectReader` needs of a remote.

    Args:
        store: The local storage that objects are fetched into.
        backend: The remote.
    """

    def __init__(self, store: LocalStore, backend: Backend) -> None:
        self._store = store
        self._backend = backend

    @property
    def workers(self) -> int:
        """How many requests may run at once."""
        return streams(self._backend.max_connections)

    def fetch(self, objects: Sequence[tuple[Digest, int]], count: Count) -> None:
        """Bring objects into local storage, verified; see `fetch`."""
        fetch(self._store, self._backend, objects, count)

    def drop(self, objects: Sequence[tuple[Digest, int]]) -> None:
        """Remove what is left of fetches that stopped, to make room."""
        for digest, _ in objects:
            drop(self._store.root / TMP, digest)

    def alone(self, digests: Iterable[Digest]) -> AbstractContextManager[None]:
        """Return a block in which no other process of this machine fetches parts of these."""
        # Not the names of `fetch`, which can be called inside: it would wait for this process.
        return holding(self._store.lock_folder(), (f"part-{digest.hex}" for digest in digests))

    def open(self, digest: Digest, start: int, length: int) -> Reader:
        """Open a span of an object, unverified; from the collector's trash if it is there."""
        return open_object(self._backend, digest, start, length)

    def read_outline(self, digest: Digest, size: int) -> bytes | None:
        """Return an object's outline, unverified; None if there is none."""
        length = outline_size(size)
        try:
            with self._backend.open(layout.outline_key(digest), 0, length + 1) as reader:
                return reader.read(length + 1)
        except KeyNotFoundError:
            return None
