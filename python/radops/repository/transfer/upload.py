"""Sending objects to a backend: read from `objects/` only, hashed as they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.backends.transfers import Send
from radops.errors import CorruptObjectError, LocalStorageError
from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE
from radops.repository import layout
from radops.repository.progress import watching
from radops.repository.transfer.proof import Known, wrong_objects
from radops.repository.transfer.upload_large import exists, send_large
from radops.repository.workers import gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.backends.base import Backend
    from radops.backends.transfers import FileTransfers
    from radops.repository.progress import Count
    from radops.repository.transfer.upload_large import ObjectFiles

# Files of one call: its answers and outlines are in memory.
_GROUP = 2048

# Small objects of one batch where the backend takes bytes: one barrier, bounded memory.
_BATCH = 256


def send(
    local: ObjectFiles,
    target: Backend,
    objects: Sequence[tuple[Digest, int]],
    count: Count,
    *,
    replace: bool = False,
) -> int:
    """Store objects in a backend, with their outlines; those that it holds whole are skipped.

    Args:
        local: Where the bytes are.
        target: Where they go.
        objects: Digest and size of each.
        count: Called with bytes and files as they are done.
        replace: Send also what is there, because it was found to be wrong.

    Returns:
        The bytes that were sent.

    Raises:
        CorruptObjectError: Local bytes are wrong; nothing of that object became visible.
    """
    unique = dict(objects)
    small = [(digest, size) for digest, size in unique.items() if size <= BLOCK_SIZE]
    large = [(digest, size) for digest, size in unique.items() if size > BLOCK_SIZE]
    files = target.files
    if files is None:
        sent = _send_small(local, target, small, count, replace=replace)
        return sent + send_large(local, target, large, count, replace=replace)
    sent = 0
    for start in range(0, len(small), _GROUP):
        # Sending a small object again costs no more than asking whether it is there, and makes it
        # young: the collector spares it.
        sent += _send_files(local, target, files, small[start : start + _GROUP], count)
    for start in range(0, len(large), _GROUP):
        group = large[start : start + _GROUP]
        if not replace:
            group = _missing(local, target, group, count)
        sent += _send_files(local, target, files, group, count)
    return sent


def _send_files(
    local: ObjectFiles,
    target: Backend,
    files: FileTransfers,
    objects: Sequence[tuple[Digest, int]],
    count: Count,
) -> int:
    """Send files from the disk; their bytes do not pass through Python."""
    outlines = [local.outline(digest, size) or b"" for digest, size in objects]
    items = [
        Send(layout.object_key(digest), local.locate(digest), size, digest.raw, outline)
        for (digest, size), outline in zip(objects, outlines, strict=True)
    ]
    sent = 0
    with watching(count) as progress:
        answers = files.send(items, progress)
    done = []
    for item, (digest, size), answer in zip(items, objects, answers, strict=True):
        if answer is None:
            sent += size
            if item.outline:
                done.append((layout.outline_key(digest), item.outline))
        elif isinstance(answer, OSError) and exists(target, digest, size):
            # It was purged here since, as the remote has the same bytes from elsewhere.
            target.include([item.key])
        elif isinstance(answer, OSError) and not isinstance(answer, LocalStorageError):
            raise LocalStorageError(f"{item.path}: {answer.strerror}") from answer
        else:
            raise answer
    target.put(done)
    return sent


def _missing(
    local: ObjectFiles,
    target: Backend,
    objects: Sequence[tuple[Digest, int]],
    count: Count,
) -> list[tuple[Digest, int]]:
    """Return the large objects that are not there; give those that are their outlines."""
    found = target.stats([layout.object_key(digest) for digest, _ in objects])
    missing: list[tuple[Digest, int]] = []
    there: list[tuple[Digest, int]] = []
    for (digest, size), entry in zip(objects, found, strict=True):
        (there if entry is not None and entry.size == size else missing).append((digest, size))
    # What was purged here since cannot be compared, and there is nothing to send instead.
    here = [
        Known(digest, size, local.outline(digest, size) or b"")
        for digest, size in there
        if local.has(digest, size)
    ]
    wrong = wrong_objects(target, here)
    missing += [one for one in there if one[0] in wrong]
    there = [one for one in there if one[0] not in wrong]
    outlines = target.stats([layout.outline_key(digest) for digest, _ in there])
    target.put(
        [
            (layout.outline_key(digest), local.outline(digest, size) or b"")
            for (digest, size), entry in zip(there, outlines, strict=True)
            if entry is None
        ]
    )
    target.include([layout.object_key(digest) for digest, _ in there])
    count(sum(size for _, size in there), len(there))
    return missing


def _send_small(
    local: ObjectFiles,
    target: Backend,
    objects: Sequence[tuple[Digest, int]],
    count: Count,
    *,
    replace: bool,
) -> int:
    """Send objects of one block to a backend that takes bytes; return the bytes sent."""
    if target.max_connections > 1:

        def send_one(item: tuple[Digest, int]) -> int:
            # Sending a small object again costs no more than asking whether it is there, and makes
            # it young: the collector spares it.
            digest, size = item
            try:
                data = _read(local, digest, size)
            except LocalStorageError:
                # It may have been purged since, as the remote has the same bytes from elsewhere.
                if not exists(target, digest, size):
                    raise
                target.include([layout.object_key(digest)])
                return 0
            target.put([(layout.object_key(digest), data)])
            count(size, 1)
            return size

        return sum(gather(send_one, objects, target.max_connections))
    sent = 0
    for start in range(0, len(objects), _BATCH):
        batch = objects[start : start + _BATCH]
        wrong = wrong_objects(target, [Known(d, s, b"") for d, s in batch])
        missing = [one for one in batch if replace or one[0] in wrong]
        target.include([layout.object_key(digest) for digest, _ in set(batch) - set(missing)])
        target.put([(layout.object_key(d), _read(local, d, s)) for d, s in missing])
        sent += sum(size for _, size in missing)
        count(sum(size for _, size in batch), len(batch))
    return sent


def _read(local: ObjectFiles, digest: Digest, size: int) -> bytes:
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
