"""Fetching objects into the local store: verified block by block as they arrive.

A large object grows in a partial file that outlives a crash: what it holds is proven against
the outline when the download is taken up again, and only what is missing or wrong is fetched.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from radops import native
from radops.backends.base import KeyNotFoundError
from radops.errors import CorruptObjectError, LocalStorageError
from radops.model.digest import Digest
from radops.model.outline import BLOCK_SIZE, check_outline, outline_size
from radops.repository import layout
from radops.repository.local import TMP, Staged
from radops.repository.locks import holding
from radops.repository.transfer import each, gather
from radops.repository.trash import open_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from radops.backends.base import Backend
    from radops.repository.local import LocalStore

# Small objects come in groups: one barrier for the group, bounded temporary space.
_GROUP = 512
# One request: long enough to hide its latency, short enough to spread over connections.
_RANGE_BLOCKS = 16
_WRONG = "the remote's bytes of {digest} are wrong"


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
    for digest, size in wanted:
        if size > BLOCK_SIZE:
            with holding(locks, [digest.hex]):
                if not _stands(local, digest, size):
                    _fetch_large(local, source, digest, size, count)
                count(0, 1)
            with contextlib.suppress(OSError):
                (locks / digest.hex).unlink()


def _stands(local: LocalStore, digest: Digest, size: int) -> bool:
    # Wrong local bytes were moved away by the proof; good ones are fetched in their stead.
    try:
        return local.proven(digest, size) is not None
    except CorruptObjectError:
        return False


def _fetch_group(
    local: LocalStore,
    source: Backend,
    group: Sequence[tuple[Digest, int]],
    count: Callable[[int, int], None],
) -> None:
    missing = [item for item in group if not _stands(local, *item)]
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
                raise CorruptObjectError(_WRONG.format(digest=digest))

    try:
        gather(fetch_small, missing, source.max_connections)
        local.admit(staged)
        local.drop_quarantined(item.digest for item in staged)
    except BaseException:
        local.discard(staged)
        raise
    for _, size in set(group) - set(missing):
        count(size, 1)


def _fetch_large(
    local: LocalStore,
    source: Backend,
    digest: Digest,
    size: int,
    count: Callable[[int, int], None],
) -> None:
    outline = _local_outline(local, digest, size) or _fetch_outline(source, digest, size)
    path = local.root / TMP / f"partial-{digest}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if outline is not None:
            _seed(local, digest, size, path)
        descriptor = _open_partial(path)
        try:
            resumed = os.fstat(descriptor).st_size == size
            if not resumed:
                os.ftruncate(descriptor, size)
            if outline is None:
                outline = _fetch_unproven(source, digest, size, descriptor, path, count)
            else:
                _fetch_blocks(source, digest, size, descriptor, path, outline, resumed, count)
            os.fchmod(descriptor, 0o444)
        finally:
            os.close(descriptor)
    except OSError as error:
        if isinstance(error, LocalStorageError) or error.errno is None:
            raise
        raise LocalStorageError(f"{path}: {error.strerror}") from error
    local.admit([Staged(path, digest, size, outline)])
    local.drop_quarantined([digest])


def _seed(local: LocalStore, digest: Digest, size: int, path: Path) -> None:
    """Begin with a copy that was found bad: then only its bad blocks are fetched.

    The bad copy itself stays in quarantine until the good one stands.
    """
    if path.exists():
        return
    kept = local.quarantined(digest)
    if kept:
        try:
            native.copy_file(kept[0], path, mode=0o644)
            os.truncate(path, size)
        except OSError:  # it cannot be read, or there is no room: then it is fetched whole
            path.unlink(missing_ok=True)


def _open_partial(path: Path) -> int:
    """Open a partial file, new or left by a process that was killed."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except PermissionError:
        # It was finished and made read-only an instant before the kill, or is another user's.
        try:
            path.chmod(0o644)
        except OSError:
            path.unlink()
        return os.open(path, flags, 0o644)


def _local_outline(local: LocalStore, digest: Digest, size: int) -> bytes | None:
    with contextlib.suppress(OSError):
        outline = (local.root / layout.outline_key(digest)).read_bytes()
        if check_outline(outline, size, digest):
            return outline
    return None


def _fetch_outline(source: Backend, digest: Digest, size: int) -> bytes | None:
    """Return the outline, proven; None where it is absent or wrong, as it is only a hint."""
    length = outline_size(size)
    try:
        with source.open(layout.outline_key(digest), 0, length + 1) as reader:
            outline = reader.read(length + 1)
    except KeyNotFoundError:
        return None
    return outline if check_outline(outline, size, digest) else None


def _fetch_blocks(
    source: Backend,
    digest: Digest,
    size: int,
    descriptor: int,
    path: Path,
    outline: bytes,
    resumed: bool,
    count: Callable[[int, int], None],
) -> None:
    blocks = len(outline) // 32
    missing = native.bad_blocks(path, size, outline) if resumed else range(blocks)

    def fetch_range(span: tuple[int, int]) -> None:
        first, last = span
        failed_once = False
        while first < last:
            length = min(last * BLOCK_SIZE, size) - first * BLOCK_SIZE
            with open_object(source, digest, first * BLOCK_SIZE, length) as reader:
                while first < last:
                    expected = min(BLOCK_SIZE, size - first * BLOCK_SIZE)
                    data = reader.read(expected)
                    proof = outline[32 * first : 32 * first + 32]
                    if len(data) != expected or native.block_values(data, first) != proof:
                        break
                    _write(descriptor, data, first * BLOCK_SIZE)
                    count(expected, 0)
                    first += 1
                    failed_once = False
            if first < last:
                if failed_once:
                    raise CorruptObjectError(
                        f"{_WRONG.format(digest=digest)} in block {first}",
                        hint="radops datalake verify --remote",
                    )
                failed_once = True

    spans = list(_spans(missing))
    for _ in each(fetch_range, spans, min(source.max_connections, max(1, len(spans)))):
        pass


def _fetch_unproven(
    source: Backend,
    digest: Digest,
    size: int,
    descriptor: int,
    path: Path,
    count: Callable[[int, int], None],
) -> bytes:
    """Fetch without an outline: the whole is hashed at the end, which makes the outline anew."""

    def fetch_range(span: tuple[int, int]) -> None:
        start, end = span[0] * BLOCK_SIZE, min(span[1] * BLOCK_SIZE, size)
        with open_object(source, digest, start, end - start) as reader:
            while start < end:
                data = reader.read(min(BLOCK_SIZE, end - start))
                if not data:
                    raise CorruptObjectError(f"{_WRONG.format(digest=digest)}: too short")
                _write(descriptor, data, start)
                count(len(data), 0)
                start += len(data)

    blocks = -(-size // BLOCK_SIZE)
    for _ in range(2):
        spans = list(_spans(range(blocks)))
        for _ in each(fetch_range, spans, min(source.max_connections, len(spans))):
            pass
        found = native.hash_file(path)
        if found.digest == digest.raw:
            return found.outline
    path.unlink(missing_ok=True)
    raise CorruptObjectError(_WRONG.format(digest=digest), hint="radops datalake verify --remote")


def _spans(blocks: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Group block numbers, ascending, into spans of neighbours of at most one request."""
    first = last = -1
    for block in blocks:
        if block == last and last - first < _RANGE_BLOCKS:
            last += 1
            continue
        if first >= 0:
            yield first, last
        first, last = block, block + 1
    if first >= 0:
        yield first, last


def _write(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
