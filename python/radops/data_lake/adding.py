"""Adding files from outside the lake."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.data_lake.keeping import kept_for_later, publish_named
from radops.data_lake.meter import ignore, stage
from radops.data_lake.reports import AddResult
from radops.data_lake.sources import check_file, download_url, is_url, local_source, name_of
from radops.errors import (
    FileChangedError,
    InvalidUIDError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDConflictError,
    UsageError,
)
from radops.model.build import build_import
from radops.model.digest import Digest
from radops.model.record import FileRecord
from radops.model.uid import UID, is_reserved, parse_uid
from radops.model.urls import strip_url
from radops.repository.draft import Draft
from radops.repository.local import Staged
from radops.repository.repository import now
from radops.repository.slots import Taken
from radops.repository.transfer import ahead, limited, threads, watching
from radops.version import radops_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from radops.data_lake.reports import Progress
    from radops.data_lake.session import Session
    from radops.repository.slots import State

# One batch of a bulk add: a few barriers for all of it, and what stands after a crash grows.
_BATCH_FILES = 16_384
_BATCH_BYTES = 16 << 30
# Of files below this many bytes, making them in one folder is what takes the time: several threads
# would wait for each other. Another one commits the batch before meanwhile.
_SMALL = 64 << 10


def check_writable(uid: UID) -> None:
    """Raise `InvalidUIDError` for names that only radops gives."""
    if is_reserved(uid):
        raise InvalidUIDError(
            f"{uid} is a name that only radops gives", uid=uid, hint="choose another name"
        )


def add(
    session: Session,
    source: str | os.PathLike[str],
    uid: str | None,
    *,
    move: bool,
    progress: Progress | None,
) -> AddResult:
    """Add one file or URL; see `DataLake.add`."""
    name = parse_uid(name_of(source) if uid is None else uid)
    check_writable(name)
    path = local_source(source)
    if path is not None:
        return add_many(session, [(path, name)], move=move, progress=progress)[0]
    url = os.fspath(source)
    mirror = session.prepare_write()
    states = mirror.write_states([name])
    target = mirror.store.temporary()
    try:
        with contextlib.ExitStack() as stack:

            def begin(size: int | None) -> Callable[[int, int], None]:
                return stack.enter_context(stage(progress, f"fetching {name}", size, 1))

            download_url(url, target, session.settings.options, begin)
        staged = mirror.store.stage_written(target)
    except BaseException:
        mirror.store.discard([target])
        raise
    item = _Item(url, name, staged.size)
    state = states[name]
    if isinstance(state, Taken):
        try:
            one = _Standing(item, state, _same_file(item, staged.digest, state))
            if not _waits(session, one):
                answers = _answer_for(session, [one], lambda _lost: [staged])
                mirror.store.discard([staged])
                return answers[0]
        except BaseException:
            mirror.store.discard([staged])
            raise
    label = "storing" if mirror.remote is None else "uploading"
    with stage(progress, label, item.size, 1) as count:
        return _commit(session, [(item, staged)], states, count)[0]


class _Item:
    """One file to be added."""

    __slots__ = ("path", "size", "source", "uid")

    def __init__(self, source: str, uid: UID, size: int, path: Path | None = None) -> None:
        self.source = source
        self.uid = uid
        self.size = size
        self.path = path


def add_many(
    session: Session,
    pairs: Iterable[tuple[str | os.PathLike[str], str]],
    *,
    move: bool,
    progress: Progress | None,
) -> list[AddResult]:
    """Add many files; see `DataLake.add_many`."""
    items = _checked(pairs)
    if not items:
        return []
    mirror = session.prepare_write()
    states = mirror.write_states([item.uid for item in items])
    fresh, results = _sort_out(session, items, states, progress)
    batches = list(_batches(fresh))
    for result in _take_in(session, batches, states, progress, move=move):
        results[UID(result.uid)] = result
    if move:
        _remove_sources(items)
    return [results[item.uid] for item in items]


def _take_in(
    session: Session,
    batches: Sequence[Sequence[_Item]],
    states: dict[UID, State],
    progress: Progress | None,
    *,
    move: bool,
) -> list[AddResult]:
    """Stage and commit batch after batch; the next one is staged while one is committed."""
    store = session.mirror.store
    to_remote = session.mirror.remote is not None
    results: list[AddResult] = []
    with contextlib.ExitStack() as whole:
        # What a person waits for is, with a remote, the first batch and then the sending of all.
        first = whole.enter_context(contextlib.ExitStack())
        shown = batches[:1] if to_remote else batches
        count = first.enter_context(stage(progress, "adding", *_extent(shown)))
        watched = first.enter_context(watching(count))

        def discard(staged: list[Staged]) -> None:
            store.give_back(staged)
            store.discard(staged)

        coming = ahead(
            lambda batch: _stage(session, batch, watched, move=move),
            batches,
            stop=watched.cancel,
            discard=discard,
        )
        count = ignore
        staged = whole.enter_context(contextlib.closing(coming))
        for batch, good in zip(batches, staged, strict=True):
            if to_remote and batch is batches[0]:
                first.close()
                count = whole.enter_context(stage(progress, "uploading", *_extent(batches)))
            sent = _Counted(count)
            try:
                done = _commit(session, list(zip(batch, good, strict=True)), states, sent)
                if move:
                    _remove_sources(batch)
            except BaseException:
                store.give_back(good)
                raise
            sent.make_up(*_extent([batch]))
            results += done
    return results


class _Counted:
    """Counts on what is sent; at the end, also what stood in the remote already."""

    def __init__(self, count: Callable[[int, int], None]) -> None:
        self._count = count
        self._bytes = 0
        self._files = 0

    def __call__(self, size: int, files: int) -> None:
        self._bytes += size
        self._files += files
        self._count(size, files)

    def make_up(self, size: int, files: int) -> None:
        """Count what is missing of a batch that is done."""
        self(max(0, size - self._bytes), max(0, files - self._files))


def _extent(batches: Iterable[Sequence[_Item]]) -> tuple[int, int]:
    """Return how many bytes and files there are."""
    items = [item for batch in batches for item in batch]
    return sum(item.size for item in items), len(items)


def _remove_sources(items: Iterable[_Item]) -> None:
    # Only now, when the lake holds them for good.
    for item in items:
        if item.path is not None:
            item.path.unlink(missing_ok=True)


def _checked(pairs: Iterable[tuple[str | os.PathLike[str], str]]) -> list[_Item]:
    """Look at every file and name before anything is written."""
    items: dict[UID, _Item] = {}
    for source, uid in pairs:
        name = parse_uid(uid)
        check_writable(name)
        path = local_source(source)
        if path is None:
            raise UsageError(f"{strip_url(os.fspath(source))}: URLs are added one by one")
        item = _Item(path.name or path.absolute().name, name, check_file(path), path)
        known = items.setdefault(name, item)
        if known.path != path:
            raise UsageError(f"{known.path} and {path} are both to become {name}")
    return list(items.values())


def _batches(items: Sequence[_Item]) -> Iterable[list[_Item]]:
    batch: list[_Item] = []
    size = 0
    for item in items:
        if batch and (len(batch) >= _BATCH_FILES or size + item.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield batch


def _sort_out(
    session: Session,
    items: Sequence[_Item],
    states: dict[UID, State],
    progress: Progress | None,
) -> tuple[list[_Item], dict[UID, AddResult]]:
    """Split what is new from what is there already; other bytes under a name are a conflict."""
    fresh: list[_Item] = []
    standing: list[tuple[_Item, Taken]] = []
    for item in items:
        state = states[item.uid]
        if not isinstance(state, Taken):
            fresh.append(item)
        elif isinstance(state.record, FileRecord) and state.record.size != item.size:
            raise _other_bytes(item)
        else:
            standing.append((item, state))
    results: dict[UID, AddResult] = {}
    if standing:
        paths = [item.path for item, _ in standing if item.path is not None]
        total = sum(item.size for item, _ in standing)
        with stage(progress, "comparing", total, len(paths)) as count, watching(count) as watched:
            hashes = native.hash_files(paths, threads=threads(), progress=watched)
        there = []
        for (item, state), found in zip(standing, hashes, strict=True):
            if isinstance(found, OSError):
                raise RadopsError(f"{item.path}: {found.strerror or found}")
            one = _Standing(item, state, _same_file(item, Digest(found.digest), state))
            if _waits(session, one):
                fresh.append(item)
            else:
                there.append(one)
        answers = _answer_for(session, there, lambda lost: _stage(session, lost, native.Progress()))
        results = {UID(answer.uid): answer for answer in answers}
    return fresh, results


class _Standing(NamedTuple):
    """A file that is to be added and stands already, with the same bytes, whatever made it."""

    item: _Item
    state: Taken
    record: FileRecord


def _same_file(item: _Item, digest: Digest, state: Taken) -> FileRecord:
    """Return the record that stands under a name, with these bytes.

    Raises:
        UIDConflictError: Other bytes stand under the name, or it is a folder.
    """
    record = state.record
    if not isinstance(record, FileRecord):
        raise UIDConflictError(
            f"{item.uid} is a folder", uid=item.uid, hint="choose a name that is not in use"
        )
    if record.digest != digest:
        raise _other_bytes(item)
    return record


def _waits(session: Session, one: _Standing) -> bool:
    """Say whether a file was added while working apart, and is to be published now."""
    return one.record.imported is not None and not session.mirror.is_published(one.state)


def _answer_for(
    session: Session,
    standing: Sequence[_Standing],
    stage_lost: Callable[[Sequence[_Item]], Sequence[Staged]],
) -> list[AddResult]:
    """Return that files stand, having made sure of it.

    Where the lake is here only, bytes that were lost are taken in again: they were just offered.
    """
    mirror = session.mirror
    # Made by a function while working apart: publishing it as added would forget how it was made.
    unpublished = {one.item.uid for one in standing if not mirror.is_published(one.state)}
    lost = {
        item.uid: (item, record.digest)
        for item, _, record in standing
        if (mirror.remote is None or item.uid in unpublished)
        and not mirror.store.stands(record.digest, record.size)
    }
    if lost:
        staged = stage_lost([item for item, _ in lost.values()])
        for one, (item, digest) in zip(staged, lost.values(), strict=True):
            if one.digest != digest:
                mirror.store.discard(staged)
                raise FileChangedError(f"{item.path} changed while it was read")
        mirror.store.admit(staged)
    if unpublished:
        publish_named(session, sorted(unpublished))
    mirror.include([one.state for one in standing])
    return [
        AddResult(
            item.uid, record.digest, record.size, already_there=True, restored=item.uid in lost
        )
        for item, _, record in standing
    ]


def _stage(
    session: Session, items: Sequence[_Item], watched: native.Progress, *, move: bool = False
) -> list[Staged]:
    """Take files on their way into the lake: copies, or for a move the files themselves."""
    store = session.store
    paths = [item.path for item in items if item.path is not None]
    small = sum(item.size for item in items) < _SMALL * len(items)
    with limited(1) if small else contextlib.nullcontext():
        staged = (store.stage_links if move else store.stage_copies)(paths, watched)
    good = [one for one in staged if isinstance(one, Staged)]
    errors = [one for one in staged if isinstance(one, RadopsError)]
    if errors:
        store.discard(good)
        raise errors[0]
    return good


def _other_bytes(item: _Item) -> UIDConflictError:
    return UIDConflictError(
        f"{item.uid} exists already with other bytes",
        uid=item.uid,
        hint="files never change: choose another name, or delete that one first",
    )


def _record(session: Session, item: _Item, digest: Digest, size: int) -> FileRecord:
    return build_import(
        uid=item.uid,
        digest=digest,
        size=size,
        source=strip_url(item.source) if is_url(item.source) else item.source,
        created_at=now(),
        originator=session.settings.originator,
        radops_version=radops_version(),
    )


def _commit(
    session: Session,
    staged: Sequence[tuple[_Item, Staged]],
    states: dict[UID, State],
    count: Callable[[int, int], None],
) -> list[AddResult]:
    mirror = session.prepare_write()
    try:
        mirror.store.admit([one for _, one in staged])
    except BaseException:
        mirror.store.discard([one for _, one in staged])
        raise
    drafts = [
        Draft([_record(session, item, one.digest, one.size)], [(one.digest, one.size)])
        for item, one in staged
    ]
    try:
        outcomes, _ = mirror.make(drafts, states, count)
    except (RemoteUnavailableError, RemoteRefusedError) as error:
        raise kept_for_later(session, drafts, error) from error
    results = []
    for draft, outcome in zip(drafts, outcomes, strict=True):
        if isinstance(outcome, RadopsError):
            raise outcome
        record = draft.records[0]
        results.append(
            AddResult(
                record.uid,
                record.digest,
                record.size,
                already_there=record.uid not in outcome.created,
            )
        )
    _forget_waiting(session, results)
    return results


def _forget_waiting(session: Session, results: Iterable[AddResult]) -> None:
    """Drop what waited since an earlier try to add these files: they stand now."""
    done = {(result.uid, result.digest) for result in results}
    for kept in session.pending.readable():
        added = {(record.uid, record.digest) for record in kept.draft.records}
        if kept.draft.key is None and added <= done:
            session.pending.drop(kept)


def add_written(session: Session, uid: UID, staged: Staged, state: State) -> FileRecord:
    """Add a file that was written through `File.open`, outside any creator."""
    item = _Item("File.open", uid, staged.size)
    _commit(session, [(item, staged)], {uid: state}, ignore)
    record = session.mirror.find(uid)
    if record is None:
        raise UIDConflictError(f"{uid} was deleted as soon as it was made", uid=uid)
    return record
