"""Making room: removing local bytes that the remote has, the longest unused first."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import time
from typing import TYPE_CHECKING

from radops import streams
from radops.arguments import check_flags, check_names, check_number
from radops.errors import LocalStorageError
from radops.format.record import FileRecord
from radops.format.uid import UID
from radops.lake.derived import drop_derived
from radops.lake.directory.folders import remove_copies
from radops.lake.holdings import (
    add_views,
    held,
    kept_only_here,
    needed_remote,
    remote_has,
    room_of,
    used_by_others,
)
from radops.lake.leaving import Leaving
from radops.lake.naming import select
from radops.lake.progress import stage, stage_if_slow
from radops.lake.reports import PurgeReport
from radops.repository.objects.proof import CATALOG
from radops.repository.publish import GRACE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence
    from pathlib import Path

    from radops.format.digest import Digest
    from radops.lake.holdings import Held
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.objects.store import LocalStore
    from radops.repository.refs.remote import Remote
    from radops.repository.refs.slots import Taken
    from radops.repository.working_lake import WorkingLake

_LOG = logging.getLogger("radops")

# Objects that the remote is asked about at once: enough to fill all connections, few enough that
# few queries are wasted once there is room.
_ASK = 64

# Objects that are removed at once: a folder is made and removed for many of them together.
_BATCH = 1024


def delete_local(
    session: Session, targets: Iterable[str], progress: Progress | None = None
) -> list[str]:
    """Remove local bytes that the remote has; see `DataLake.delete_local`."""
    lake = session.lake
    with stage_if_slow(progress, "looking at local files") as count:
        chosen = list(select(lake, targets))
        drop_derived(session, chosen)
        objects = held(lake, chosen)
        if not objects:
            return []
        remote = needed_remote(session)
        add_views(session, objects)
        count(0, len(objects))
        only_here = kept_only_here(session)
        _leave_shared(session, objects)
        order = sorted(objects.values(), key=lambda one: (one.is_part, one.digest))
    gone: dict[Digest, Held] = {}
    leaving = Leaving(session)
    with stage(progress, "removing", None, len(objects)) as count:
        # Parts of a directory stay where a pack before them does.
        for _, turn in itertools.groupby(order, lambda one: one.is_part):
            with _finishing(leaving, lambda one: gone.pop(one.digest)):
                for some in _slices(turn, _BATCH):
                    asked = list(_ask(remote, some, only_here, _BATCH))
                    going = [one for one, _ in itertools.takewhile(lambda answer: answer[1], asked)]
                    moved = zip(going, leaving.move(going), strict=True)
                    gone.update((one.digest, one) for one, went in moved if went)
                    count(sum(one.size for one in going), len(going))
                    if len(going) < len(asked):
                        raise _needed_here(asked[len(going)][0])
    removed = {str(name.uid) for one in gone.values() for name in one.names}
    _remove_copies(lake, objects.values(), removed)
    return sorted(removed)


@contextlib.contextmanager
def _finishing(leaving: Leaving, stays: Callable[[Held], object]) -> Iterator[None]:
    """Remove what was moved to the trash, also after an error; report what stays after all."""
    try:
        yield
    finally:
        for one in leaving.finish():
            stays(one)


def _remove_copies(lake: WorkingLake, objects: Iterable[Held], removed: Container[str]) -> None:
    """Remove folders and views that were made of directories whose bytes were removed."""
    records = {
        name.uid: name.record for one in objects for name in one.names if name.uid in removed
    }
    for record in records.values():
        if isinstance(record, FileRecord) and record.type == "directory":
            remove_copies(lake, record)


def _is_directory(name: Taken) -> bool:
    return isinstance(name.record, FileRecord) and name.record.type == "directory"


def _needed_here(one: Held) -> LocalStorageError:
    uid = one.names[0].uid
    return LocalStorageError(
        f"the bytes of {uid} are not removed: they are needed here and not in a remote",
        uid=uid,
        hint="publish them first: radops datalake sync",
    )


def _leave_shared(session: Session, objects: dict[Digest, Held]) -> None:
    """Leave out what other directories on this machine use, and report how much that is."""
    if not any(one.is_part for one in objects.values()):
        return
    used = used_by_others(session, objects)
    if sources := [objects[digest] for digest in used if not objects[digest].is_part]:
        _LOG.warning(
            "%s bytes stay on this machine, as other directories here use them too",
            f"{sum(one.size for one in sources):,}",
        )
    for digest in used:
        del objects[digest]


def purge(
    session: Session,
    targets: Sequence[str],
    *,
    older_than: float | None,
    max_size: int | None,
    dry_run: bool,
    progress: Progress | None,
) -> PurgeReport:
    """Remove local bytes that the remote has; see `DataLake.purge_local_storage`."""
    check_names(targets)
    check_number(older_than, "older_than", least=0, unit="seconds")
    check_number(max_size, "max_size", least=0, unit="bytes")
    check_flags(dry_run=dry_run)
    lake = session.lake
    remote = needed_remote(session)
    report = PurgeReport(dry_run=dry_run)
    with stage(progress, "looking at local files") as count:
        report.size = report.size_before = _size(lake.store.root) + streams.size(
            session.settings.home
        )
        objects = held(lake, select(lake, targets) if targets else _local_names(lake))
        chosen = _oldest_first(lake.store, objects, older_than)
        add_views(session, chosen)
        only_here = kept_only_here(session)
        if targets:
            _leave_shared(session, chosen)
        count(0, len(objects))
    _drop_caches(session, report, older_than, max_size)
    _drop_journals(session, report, older_than, max_size)
    room = _Room(session, report, max_size)
    at_once = _BATCH if max_size is None else _ASK
    with stage(progress, "removing", None, len(chosen)) as count:
        for _, turn in itertools.groupby(chosen.values(), lambda one: one.turn):
            with _finishing(room.leaving, room.stays):
                for some in _slices(turn, at_once):
                    if room.is_enough:
                        break
                    room.make(_ask(remote, some, only_here, at_once))
                    count(sum(one.size for one in some), len(some))
    report.purged = sorted(room.purged())
    if not dry_run:
        _remove_copies(lake, chosen.values(), set(report.purged))
    directories = {str(n.uid) for one in chosen.values() for n in one.names if _is_directory(n)}
    report.directories = len(directories.intersection(report.purged))
    report.kept = sorted(set(report.kept))
    return report


def _drop_caches(
    session: Session, report: PurgeReport, older_than: float | None, max_size: int | None
) -> None:
    """Remove parts of remote files before anything that is held as a whole: they are caches."""
    dry_run, cache = report.dry_run, session.lake.store.range_cache
    if max_size is None or report.size > max_size:
        report.streams = streams.clear(
            session.settings.home, older_than=older_than, dry_run=dry_run
        )
        report.bytes += report.streams
        report.size -= report.streams
    if max_size is None or report.size > max_size:
        report.cache = cache.clear(older_than=older_than, dry_run=dry_run)
        report.bytes += report.cache
        report.size -= report.cache


def _drop_journals(
    session: Session, report: PurgeReport, older_than: float | None, max_size: int | None
) -> None:
    """Remove the state from which abandoned adds of buckets would resume."""
    if max_size is None or report.size > max_size:
        from radops.lake.directory.bucket_journal import (  # noqa: PLC0415 - slow; rarely needed
            clear_abandoned,
        )

        prefixes = [one.local.prefix for one in session.all_lakes()]
        age = max(GRACE_SECONDS, older_than or 0)
        sizes = clear_abandoned(session.store.root, prefixes, age, dry_run=report.dry_run)
        report.bytes += sum(sizes)
        report.size -= sum(sizes)


def _local_names(lake: WorkingLake) -> list[UID]:
    uids = {listed.uid for listed in lake.local.slots.list() if listed.is_slot}
    return [UID(uid) for uid in sorted(uids)]


def _oldest_first(
    store: LocalStore, objects: dict[Digest, Held], older_than: float | None
) -> dict[Digest, Held]:
    """Sort objects by their last use: noted in the catalogue, or else their arrival here."""
    used = {
        digest: max(one.entry.modified, store.usage.last(digest)) for digest, one in objects.items()
    }
    # Parts of a directory's table of contents count as used when the last of its files was.
    latest: dict[str, float] = {}
    for digest, one in objects.items():
        for name in one.names:
            latest[name.uid] = max(latest.get(name.uid, 0.0), used[digest])
    for digest, one in objects.items():
        if one.is_part:
            used[digest] = max(latest[name.uid] for name in one.names)
    limit = float("inf") if older_than is None else time.time() - older_than
    order = sorted(
        (objects[digest].turn, when, digest) for digest, when in used.items() if when <= limit
    )
    return {digest: objects[digest] for _, _, digest in order}


def _ask(
    remote: Remote, objects: Sequence[Held], only_here: set[Digest], at_once: int = _ASK
) -> Iterator[tuple[Held, bool]]:
    """Yield objects in order, each with whether it may go."""
    for start in range(0, len(objects), at_once):
        some = objects[start : start + at_once]
        asked = [one for one in some if one.digest not in only_here]
        there = dict(zip((one.digest for one in asked), remote_has(remote, asked), strict=True))
        yield from ((one, there.get(one.digest, False)) for one in some)


def _slices(objects: Iterable[Held], size: int) -> Iterator[list[Held]]:
    """Yield objects in order, so many at once."""
    objects = iter(objects)
    while batch := list(itertools.islice(objects, size)):
        yield batch


class _Room:
    """Makes room, and counts it.

    Args:
        session: The lake.
        report: What was done; added to.
        max_size: Bytes that all of local storage may take; None for no limit.
    """

    def __init__(self, session: Session, report: PurgeReport, max_size: int | None) -> None:
        self.leaving = Leaving(session)
        self._store = session.lake.store
        self._report = report
        self._max_size = max_size
        self._kept: set[str] = set()
        """UIDs of which something stays."""
        self._gone: dict[Digest, tuple[Held, int]] = {}
        """What went, each with the bytes of disk that it took."""

    @property
    def is_enough(self) -> bool:
        """Whether there is room."""
        return self._max_size is not None and self._report.size <= self._max_size

    def make(self, answers: Iterable[tuple[Held, bool]]) -> None:
        """Move to the trash what may go, until there is room.

        Args:
            answers: Objects in order, each with whether it may go.
        """
        going: list[tuple[Held, int]] = []
        size = self._report.size
        for one, may_go in answers:
            if self._max_size is not None and size <= self._max_size:
                break
            uids = _uids(one)
            # Packs and large files are removed before the parts that locate files in them.
            if not may_go or (one.is_part and not self._kept.isdisjoint(uids)):
                self._kept.update(uids)
                if not may_go:
                    self._report.kept += uids
                continue
            room = room_of(self._store, one)
            size -= room
            going.append((one, room))
        objects = [one for one, _ in going]
        gone = [True] * len(going) if self._report.dry_run else self.leaving.move(objects)
        for (one, room), went in zip(going, gone, strict=True):
            if went:
                self._gone[one.digest] = one, room
                self._report.bytes += room
                self._report.size -= room
            else:
                self._kept.update(_uids(one))

    def stays(self, one: Held) -> None:
        """Count an object that came back from the trash."""
        _, room = self._gone.pop(one.digest)
        self._report.bytes -= room
        self._report.size += room
        self._kept.update(_uids(one))

    def purged(self) -> set[str]:
        """Return the UIDs of which something went."""
        return {uid for one, _ in self._gone.values() for uid in _uids(one)}


def _uids(one: Held) -> list[str]:
    return [str(name.uid) for name in one.names]


def _size(folder: Path) -> int:
    """Return the bytes of all files below a folder, of those with several names once.

    Without the catalogue, whose size goes up and down by itself.
    """
    total = 0
    seen: set[tuple[int, int]] = set()
    todo = [str(folder)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith(CATALOG):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                        continue
                    status = entry.stat(follow_symlinks=False)
                    identity = (status.st_dev, status.st_ino)
                    if status.st_nlink > 1 and identity in seen:
                        continue
                    if status.st_nlink > 1:
                        seen.add(identity)
                    total += status.st_size
        except FileNotFoundError:  # other processes change files meanwhile
            continue
        except OSError as error:
            raise LocalStorageError(f"{error.filename}: {error.strerror}") from error
    return total
