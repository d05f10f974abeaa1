"""Collecting objects that no record keeps, in two phases that never race a writer.

*Collect*: list the objects that are older than the grace, then read all slots; what none of
them keeps is moved to the trash. *Sweep*, at least one grace after that run closed: read all
slots again; what is kept now goes back, the rest is deleted.

A writer that found an object in place writes its slot within half a grace, or checks again. So
an object that a sweep is about to delete was moved to the trash before the check of any writer
whose slot the sweep cannot see yet: that writer missed the object, and sent it again.

A run that was interrupted never closes. The next one, a grace later, takes over what it left.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from typing_extensions import Self

from radops.backends.base import KeyNotFoundError
from radops.errors import LocalStorageError, RadopsError
from radops.format.digest import DIGEST_SIZE, Digest
from radops.format.outline import BLOCK_SIZE
from radops.repository import layout
from radops.repository.gc.partition import Partition
from radops.repository.gc.roots import Root, read_roots
from radops.repository.gc.target import Collected, Target
from radops.repository.gc.trees import Trees
from radops.repository.objects.trash import (
    begun,
    closed_key,
    new_run,
    parse_path,
    parse_trash_key,
    trash_key,
)
from radops.repository.publish import GRACE_SECONDS
from radops.repository.workers import each

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from radops.backends.base import Entry
    from radops.repository.progress import Count, Stages
    from radops.repository.trees.kept import KeptFiles

SAFE_GRACE_SECONDS = GRACE_SECONDS / 2
"""Writers write a slot within this time after they checked its objects, or check again. A sweep
that waits as long loses nothing; with less, it may race a slow writer."""

# Keys deleted in one call: what S3 takes in one request.
_DELETE = 1000


# Kinds of rows.
_OLD, _YOUNG, _OUTLINE, _TRASHED, _ARRIVED = range(5)
_ROW = struct.Struct(">32sBIQ")


class _Row(NamedTuple):
    digest: Digest
    kind: int
    run: int
    size: int


class _Run(msgspec.Struct):
    name: str
    index: int
    closed: float | None = None


def collect(
    target: Target,
    *,
    grace: float,
    dry_run: bool,
    scratch: Path,
    stages: Stages,
) -> Collected:
    """Do one round: sweep what earlier runs moved, and move what nothing keeps now.

    Args:
        target: What to collect.
        grace: Seconds, by the store's clock, that an object is left alone, and that a run waits
            in the trash.
        dry_run: Change nothing.
        scratch: A folder on this machine for what does not fit in memory.
        stages: Begins the stages.

    Raises:
        CorruptRecordError: A slot does not decode. Nothing was collected.
        CorruptObjectError: A directory's root, layout or source list is missing or wrong. Nothing
            was collected.
        NewerFormatError: A later version of radops wrote a slot. Nothing was collected.
        RemoteRefusedError: The server does not let us delete. Nothing was collected.
        RadopsError: There are objects but no slots at all. Nothing was collected.
    """
    with _Collection(target, grace, scratch, dry_run) as work:
        with stages("listing objects") as count:
            work.list_all(count)
        with stages("reading records") as count:
            work.read_roots(count)
        work.refuse_if_names_are_lost()
        with stages("collecting") as count:
            work.act(count)
        return work.report


class _Collection:
    """One round over one repository."""

    def __init__(self, target: Target, grace: float, scratch: Path, dry_run: bool) -> None:
        self._target = target
        self._backend = target.backend
        self._dry_run = dry_run
        self._scratch = scratch
        self._now = self._backend.now()
        self._limit = self._now - grace
        self._run = new_run(self._now)
        self._runs: dict[str, _Run] = {}
        self._kept = Partition(DIGEST_SIZE, self._make_folder)
        self._items = Partition(_ROW.size, self._make_folder)
        self._trees = Trees(self._backend, self._backend.max_connections, self._make_folder)
        self._kept_files: KeptFiles | None = None
        self._at_stake = 0
        self._unmarked: list[str] = []
        self.report = Collected(self._backend.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()
        self._items.close()
        self._trees.close()

    def _make_folder(self) -> Path:
        try:
            folder = self._scratch / f"gc-{os.urandom(8).hex()}"
            folder.mkdir(parents=True)
        except OSError as error:
            raise LocalStorageError(f"{self._scratch}: {error.strerror}") from error
        return folder

    # -- looking -----------------------------------------------------------------------------

    def list_all(self, count: Count) -> None:
        """List outlines, objects and trash. Outlines first: each was made after its object."""
        for entry in self._backend.list(layout.OUTLINES):
            digest = parse_path(entry.key[len(layout.OUTLINES) :])
            if digest is not None and self._is_old(entry):
                self._note(digest, _OUTLINE, 0, entry.size)
        for entry in self._backend.list(layout.OBJECTS):
            digest = parse_path(entry.key[len(layout.OBJECTS) :])
            if digest is not None:
                old = self._is_old(entry)
                self._at_stake += old
                self._note(digest, _OLD if old else _YOUNG, 0, entry.size)
                count(0, 1)
        for entry in self._backend.list(layout.TRASH):
            if (found := parse_trash_key(entry.key)) is None:
                continue
            name, digest = found
            run = self._runs.setdefault(name, _Run(name, len(self._runs)))
            if digest is None:
                run.closed = entry.modified
            else:
                self._at_stake += 1
                kind = _TRASHED if self._is_old(entry) else _ARRIVED
                self._note(digest, kind, run.index, entry.size)

    def _is_old(self, entry: Entry) -> bool:
        return entry.modified <= self._limit

    def _note(self, digest: Digest, kind: int, run: int, size: int) -> None:
        self._items.add(_ROW.pack(digest.raw, kind, run, size))

    def read_roots(self, count: Count) -> None:
        """Read all slots, after everything was listed, and what directories consist of."""

        def keep(digests: Iterable[Digest]) -> None:
            for digest in digests:
                self._kept.add(digest.raw)

        kept = self._kept_files = self._target.kept()

        def keep_root(root: Root) -> None:
            keep(root.objects)
            if root.trees:
                if kept is not None:
                    keep(kept.needed(tree for tree, _ in root.trees))
                confirmed = root.slot is not None and self._target.confirmed(*root.slot)
                self._trees.add(root.trees, required=not confirmed)

        lakes = self._target.lakes()
        self.report.slots = read_roots(
            lakes, keep_root, count, pending=self._target.pending, unmarked=self._unmarked
        )
        self._trees.follow(keep, count)

    def refuse_if_names_are_lost(self) -> None:
        """Stop if there are objects but no names: then the names are probably lost."""
        if self._at_stake and not self.report.slots and not self._kept.rows:
            raise RadopsError(
                f"{self._backend.url} holds objects, but no names at all: nothing is collected",
                hint="if the names were lost, bring them back from a backup; if this lake is new,"
                " run gc once it holds a file",
            )

    # -- acting ------------------------------------------------------------------------------

    def act(self, count: Count) -> None:
        """Move, restore and delete; all slots are known by now."""
        if not self._dry_run:
            self._check_rights()
            # Deleted files that `ls` still shows, as their deletion was cut short.
            self._backend.put([(key, b"") for key in self._unmarked])
        if self._kept_files is not None:
            rest = self._kept_files.drop_rest(self._limit, dry_run=self._dry_run)
            self.report.leftovers += rest
        runs = sorted(self._runs.values(), key=lambda run: run.index)
        for index in self._items.filled:
            rows = [_unpack(row) for row in self._items.bucket(index)]
            kept = set(self._kept.bucket(index))
            self._collect([r for r in rows if r.kind == _OLD and r.digest.raw not in kept], count)
            self._sweep([r for r in rows if r.kind in (_TRASHED, _ARRIVED)], runs, kept, count)
            self._drop_outlines(rows, kept)
        self._close(runs)

    def _check_rights(self) -> None:
        """Delete keys that cannot exist: a server that forbids deleting then refuses at once.

        A move is a copy and a delete; with the right for the first alone it would be half done.
        """
        absent = Digest(bytes(DIGEST_SIZE))
        self._backend.delete(
            [layout.object_key(absent), layout.outline_key(absent), trash_key(self._run, absent)]
        )

    def _collect(self, rows: Sequence[_Row], count: Count) -> None:
        self.report.candidates += len(rows)
        self._to_trash([(layout.object_key(row.digest), row) for row in rows], count)
        if not self._dry_run:
            self._target.forget([row.digest for row in rows])

    def _to_trash(self, items: Sequence[tuple[str, _Row]], count: Count) -> None:
        def move(item: tuple[str, _Row]) -> bool:
            return self._move(item[0], trash_key(self._run, item[1].digest))

        for index, moved in each(move, items, self._workers):
            if moved:
                self.report.run = self._run
                self.report.moved += 1
                self.report.moved_bytes += items[index][1].size
            count(0, 1)

    def _sweep(
        self,
        rows: Sequence[_Row],
        runs: Sequence[_Run],
        kept: set[bytes],
        count: Count,
    ) -> None:
        """Settle what earlier runs left. What is kept goes back at once, however young the run."""

        def restore(row: _Row) -> bool:
            return self._restore(runs[row.run].name, row)

        rows = [row for row in rows if not self._is_under_way(row, runs[row.run])]
        back = [row for row in rows if row.digest.raw in kept]
        for _, restored in each(restore, back, self._workers):
            self.report.restored += restored
            count(0, 1)
        rest = [row for row in rows if row.digest.raw not in kept]
        self._delete([row for row in rest if self._is_over(runs[row.run])], runs, count)
        # A run that was never closed: when it stopped is not known, so its grace starts again.
        left = [row for row in rest if self._is_abandoned(runs[row.run])]
        self._to_trash([(trash_key(runs[row.run].name, row.digest), row) for row in left], count)

    @staticmethod
    def _is_under_way(row: _Row, run: _Run) -> bool:
        """Return whether the move that made this copy may still be about to delete its source.

        A move can be a copy and a delete; the delete happens within half a grace of the copy, or
        not at all. Until then the copy may be the only one that is left.
        """
        return run.closed is None and row.kind == _ARRIVED

    def _is_over(self, run: _Run) -> bool:
        return run.closed is not None and run.closed <= self._limit

    def _is_abandoned(self, run: _Run) -> bool:
        began = begun(run.name)
        return run.closed is None and began is not None and began <= self._limit

    def _restore(self, run: str, row: _Row) -> bool:
        source, target = trash_key(run, row.digest), layout.object_key(row.digest)
        if self._dry_run:
            return True
        entry = self._backend.stat(target)
        if entry is None or entry.size != row.size:
            return self._move(source, target)
        # A writer sent it again; both are equal.
        self._backend.delete([source])
        return False

    def _move(self, source: str, target: str) -> bool:
        if self._dry_run:
            return True
        try:
            self._backend.move(source, target)
        except KeyNotFoundError:  # another collector was faster
            return False
        return True

    def _delete(self, rows: Sequence[_Row], runs: Sequence[_Run], count: Count) -> None:
        for start in range(0, len(rows), _DELETE // 2):
            batch = rows[start : start + _DELETE // 2]
            if not self._dry_run:
                self._backend.delete([trash_key(runs[row.run].name, row.digest) for row in batch])
                self._backend.delete([key for row in batch for key in self._outline_of(row)])
            self.report.deleted += len(batch)
            self.report.bytes += sum(row.size for row in batch)
            count(sum(row.size for row in batch), len(batch))

    def _outline_of(self, row: _Row) -> Iterator[str]:
        """Yield the outline's key, unless the object exists again and needs it."""
        if row.size > BLOCK_SIZE and self._backend.stat(layout.object_key(row.digest)) is None:
            yield layout.outline_key(row.digest)

    def _drop_outlines(self, rows: Sequence[_Row], kept: set[bytes]) -> None:
        """Delete old outlines without an object: their deletion was interrupted."""
        present = {row.digest for row in rows if row.kind != _OUTLINE}
        lost = [
            layout.outline_key(row.digest)
            for row in rows
            if row.kind == _OUTLINE and row.digest not in present and row.digest.raw not in kept
        ]
        self.report.outlines += len(lost)
        if not self._dry_run:
            for start in range(0, len(lost), _DELETE):
                self._backend.delete(lost[start : start + _DELETE])

    def _close(self, runs: Sequence[_Run]) -> None:
        """Close this run, from when on it can be swept; remove the marks of the runs that were."""
        over = [run.name for run in runs if self._is_over(run)]
        self.report.swept = over
        if self._dry_run:
            self.report.run = None
            return
        self._backend.flush()
        if self.report.run is not None:
            self._backend.put([(closed_key(self._run), b"")])
        self._backend.delete([closed_key(name) for name in over])
        self._backend.flush()

    @property
    def _workers(self) -> int:
        return 1 if self._dry_run else self._backend.max_connections


def _unpack(row: bytes) -> _Row:
    raw, kind, run, size = _ROW.unpack(row)
    return _Row(Digest(raw), kind, run, size)
