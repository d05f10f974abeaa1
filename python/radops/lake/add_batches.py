"""Taking batches of new files into the lake: stage, commit, and for a move remove the sources."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from radops.errors import RadopsError, RemoteRefusedError, RemoteUnavailableError
from radops.format.build import build_import
from radops.lake.add_items import Item, extent
from radops.lake.pending_results import kept_for_later
from radops.lake.progress import stage
from radops.lake.reports import AddResult
from radops.lake.sources import recorded_source
from radops.repository.objects.store import Staged
from radops.repository.progress import ignore, watching
from radops.repository.refs.draft import Draft
from radops.repository.refs.repository import now
from radops.repository.workers import ahead, limited
from radops.version import radops_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from radops import native
    from radops.format.digest import Digest
    from radops.format.record import FileRecord
    from radops.format.uid import UID
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.progress import Count
    from radops.repository.refs.slots import State

# Files below this many bytes on average take the time that making them in one folder takes, and
# several threads would wait for each other there. Another thread commits the batch before.
_SMALL = 64 << 10


def take_in(
    session: Session,
    batches: Sequence[Sequence[Item]],
    states: Mapping[UID, State],
    progress: Progress | None,
    *,
    move: bool,
) -> list[AddResult]:
    """Stage and commit batch after batch; the next one is staged while one is committed."""
    store = session.lake.store
    to_remote = session.lake.remote is not None
    results: list[AddResult] = []
    with contextlib.ExitStack() as whole:
        # With a remote, a person waits for the first batch and then for the sending of all.
        first = whole.enter_context(contextlib.ExitStack())
        shown = batches[:1] if to_remote else batches
        count = first.enter_context(stage(progress, "adding", *extent(shown)))
        watched = first.enter_context(watching(count))

        coming = ahead(
            lambda batch: stage_files(session, batch, watched, move=move),
            batches,
            stop=watched.cancel,
            discard=lambda _staged: None,  # the whole work is undone where it ends
        )
        count = ignore
        staged = whole.enter_context(contextlib.closing(coming))
        for batch, good in zip(batches, staged, strict=True):
            if to_remote and batch is batches[0]:
                first.close()
                count = whole.enter_context(stage(progress, "uploading", *extent(batches)))
            sent = _Counted(count)
            done = commit_files(session, list(zip(batch, good, strict=True)), states, sent)
            if move:
                done = [
                    replace(result, source_left=store.remove_source(one))
                    for result, one in zip(done, good, strict=True)
                ]
            sent.make_up(*extent([batch]))
            results += done
    return results


class _Counted:
    """Counts what is sent; at the end also what was in the remote already."""

    def __init__(self, count: Count) -> None:
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


def stage_files(
    session: Session, items: Sequence[Item], watched: native.Progress, *, move: bool
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
        raise errors[0]
    for item, one in zip(items, good, strict=True):
        if item.expected is not None:
            item.expected.check(one.path, one.digest, str(item.path))
    return good


def import_record(session: Session, item: Item, digest: Digest, size: int) -> FileRecord:
    """Return the record of a file that is added."""
    return build_import(
        uid=item.uid,
        digest=digest,
        size=size,
        source=recorded_source(item.source),
        created_at=now(),
        originator=session.settings.originator,
        radops_version=radops_version(),
    )


def commit_files(
    session: Session,
    staged: Sequence[tuple[Item, Staged]],
    states: Mapping[UID, State],
    count: Count,
) -> list[AddResult]:
    """Move staged files into `objects/` and commit a record for each."""
    lake = session.prepare_write()
    lake.store.admit([one for _, one in staged])
    drafts = [
        Draft([import_record(session, item, one.digest, one.size)], [(one.digest, one.size)])
        for item, one in staged
    ]
    try:
        outcomes, _ = lake.make(drafts, states, count)
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
    _drop_pending(session, results)
    return results


def _drop_pending(session: Session, results: Iterable[AddResult]) -> None:
    """Drop what an earlier try to add these files kept for later: it is published now."""
    done = {(result.uid, result.digest) for result in results}
    for kept in session.pending.readable():
        added = {(record.uid, record.digest) for record in kept.draft.records}
        if kept.draft.key is None and added <= done:
            session.pending.drop(kept)
