"""Reading every object of a remote: the only proof that its bytes are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.backends.base import KeyNotFoundError
from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE, outline_size
from radops.repository import layout
from radops.repository.transfer.small_objects import SMALL_OBJECT, good_small_objects
from radops.repository.verify import findings
from radops.repository.verify.findings import REPAIR_REMOTE, block_ranges, differing_blocks
from radops.repository.verify.worklist import BATCH
from radops.repository.workers import each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.repository.progress import Count
    from radops.repository.verify.journal import Journal
    from radops.repository.verify.remote import RemoteCheck

_CHUNK = 1024 * 1024


class _Item(NamedTuple):
    digest: Digest
    size: int
    modified: float
    outline: int | None
    """How long the listed outline is; None where there is none."""


class _Result(NamedTuple):
    item: _Item
    good: bool
    has_good_outline: bool
    bad_blocks: list[int] | None
    """Which blocks are wrong, where an outline could tell."""


def read_objects(check: RemoteCheck, journal: Journal | None, count: Count) -> None:
    """Stream and hash every object that a check has listed, several at once.

    Args:
        check: The check; it takes the findings.
        journal: What an earlier run has read already, where this one reads everything.
        count: Called with bytes and files as they are read.
    """
    check.db.execute("CREATE TABLE done (digest BLOB, size INTEGER, modified REAL)")
    for entry in () if journal is None else journal.entries():
        check.db.execute("INSERT INTO done VALUES (?, ?, ?)", (entry[0].raw, entry[1], entry[2]))
    check.db.execute("CREATE INDEX done_digest ON done (digest)")
    for batch in _batches(check, count):
        for result in _results(check, batch, count):
            item = result.item
            if result.good and journal is not None and result.has_good_outline:
                journal.add(item.digest, item.size, item.modified)
            _judge(check, result)


def _batches(check: RemoteCheck, count: Count) -> Iterator[list[_Item]]:
    last = b""
    while True:
        rows = check.db.execute(
            "SELECT digest, objects.size, modified, outlines.size, EXISTS (SELECT 1 FROM done"
            "  WHERE digest = objects.digest AND size = objects.size"
            "  AND modified = objects.modified)"
            " FROM objects LEFT JOIN outlines USING (digest) WHERE digest > ?"
            " ORDER BY digest LIMIT ?",
            (last, BATCH),
        ).fetchall()
        if not rows:
            return
        last = rows[-1][0]
        batch = []
        for raw, size, modified, outline, done in rows:
            if done:
                check.tally.resumed += 1
                count(size, 1)
            else:
                batch.append(_Item(Digest(raw), size, modified, outline))
        if batch:
            yield batch


def _results(check: RemoteCheck, batch: list[_Item], count: Count) -> Iterator[_Result]:
    """Read a batch of objects. A small one that is not right is read again by itself."""
    small = [item for item in batch if item.size <= SMALL_OBJECT and item.outline is None]
    alone = [item for item in batch if item.size > SMALL_OBJECT or item.outline is not None]
    backend = check.remote.backend
    for results in good_small_objects(
        backend, small, lambda item: (item.digest, item.size), check.workers
    ):
        for item, good in results:
            if good:
                count(item.size, 1)
                yield _Result(item, good=True, has_good_outline=True, bad_blocks=None)
            else:
                alone.append(item)
    workers = min(check.workers, max(1, len(alone)))
    for _, result in each(lambda item: _read(check, item, count), alone, workers):
        yield result


def _read(check: RemoteCheck, item: _Item, count: Count) -> _Result:
    expected = _outline(check, item)
    good, found = False, b""
    for attempt in (1, 2):  # bytes damaged in transit are not damaged there
        hasher = native.Hasher()
        try:
            with check.remote.backend.open(layout.object_key(item.digest)) as reader:
                while data := reader.read(_CHUNK):
                    hasher.update(data)
                    if attempt == 1:
                        count(len(data), 0)
        except KeyNotFoundError:
            break
        digest, found = hasher.finalize()
        good = digest == item.digest.raw
        if good:
            break
    count(0, 1)
    has_good = item.outline is None or expected is not None
    if good or expected is None:
        return _Result(item, good, has_good, None)
    return _Result(item, False, has_good, differing_blocks(found, expected))


def _outline(check: RemoteCheck, item: _Item) -> bytes | None:
    """Return the listed outline of an object, proven; None if there is none or it is wrong."""
    length = outline_size(item.size)
    if item.outline != length or item.size <= BLOCK_SIZE:
        return None
    return check.lake.reader.proven_outline(item.digest, item.size)


def _judge(check: RemoteCheck, result: _Result) -> None:
    item = result.item
    uids = check.users(item.digest)
    key = layout.object_key(item.digest)
    if not result.good:
        known = {findings.SIZE, findings.BYTES}
        if any(one.digest == item.digest and one.kind in known for one in _found(check)):
            return
        finding = check.tally.find(
            findings.BYTES, "wrong bytes", REPAIR_REMOTE, uids, item.digest, key, item.size
        )
        whole = ((0, item.size),) if item.size else ()
        blocks = result.bad_blocks
        finding.ranges = whole if blocks is None else block_ranges(blocks, item.size)
    elif item.outline == outline_size(item.size) and not result.has_good_outline:
        check.bad_outline(item.digest, item.size)


def _found(check: RemoteCheck) -> list[findings.Finding]:
    return check.tally.findings
