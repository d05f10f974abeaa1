"""Adding files from outside the lake."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from radops.errors import UIDConflictError, UsageError
from radops.format.record import FileRecord
from radops.format.uid import UID
from radops.lake.add_batches import commit_files, stage_files, take_in
from radops.lake.add_existing import Existing, answer, compare, existing, waits
from radops.lake.add_items import (
    Item,
    batches,
    check_name,
    check_pairs,
    extent,
    other_bytes,
)
from radops.lake.expected import check_type
from radops.lake.fetch_url import fetch_url
from radops.lake.progress import stage, stage_if_slow
from radops.lake.sources import local_source, name_of
from radops.redact import strip_url
from radops.repository.progress import ignore, watching
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.lake.expected import Expected
    from radops.lake.reports import AddResult, Progress
    from radops.lake.session import Session
    from radops.repository.objects.store import Staged
    from radops.repository.progress import Count
    from radops.repository.refs.slots import State

__all__ = ["add", "add_many", "add_written"]

# Names looked up between two looks at the clock.
_LOOKUPS = 1024


class Options(NamedTuple):
    """How files are added."""

    move: bool = False
    """Remove the sources once the lake holds them."""
    force: bool = False
    """Add what a URL gives although it contradicts its name."""
    expected: Expected | None = None
    """Digests that the file must have."""


def add(
    session: Session,
    source: str | os.PathLike[str],
    uid: str | None,
    options: Options,
    progress: Progress | None,
) -> AddResult:
    """Add one file or URL; see `DataLake.add`."""
    with session.store.staging():
        return _add(session, source, uid, options, progress)


def _add(
    session: Session,
    source: str | os.PathLike[str],
    uid: str | None,
    options: Options,
    progress: Progress | None,
) -> AddResult:
    name = check_name(name_of(source) if uid is None else uid)
    path = local_source(source)
    if path is not None:
        return _add_files(session, [(path, name)], options, progress)[0]
    url = os.fspath(source)
    lake = session.prepare_write()
    states = lake.write_states([name])
    target = lake.store.temporary()
    with contextlib.ExitStack() as stack:

        def begin(size: int | None) -> Count:
            return stack.enter_context(stage(progress, f"fetching {name}", size, 1))

        typed = _typed_name(name, url)
        kind = fetch_url(url, typed, target, session.settings.options, begin)
    if not options.force:
        check_type(target, typed, kind, strip_url(url))
    staged = lake.store.stage_written(target)
    if options.expected is not None:
        options.expected.check(staged.path, staged.digest, strip_url(url))
    return _add_fetched(session, Item(url, name, staged.size), staged, states, progress)


def _typed_name(uid: UID, url: str) -> str:
    """Return the name that gives the type of a file: the UID, or the URL's own name."""
    if PurePosixPath(uid).suffix:
        return uid
    with contextlib.suppress(UsageError):
        return name_of(url)
    return uid


def _add_fetched(
    session: Session,
    item: Item,
    staged: Staged,
    states: dict[UID, State],
    progress: Progress | None,
) -> AddResult:
    """Add what was fetched from a URL."""
    state = states[item.uid]
    if isinstance(state, Taken):
        found = existing(item, state, staged.digest, staged.outline)
        if not waits(session, found):
            return answer(session, [found], lambda _absent: [staged], move=False)[0]
    label = "storing" if session.lake.remote is None else "uploading"
    with stage(progress, label, item.size, 1) as count:
        return commit_files(session, [(item, staged)], states, count)[0]


def add_many(
    session: Session,
    pairs: Iterable[tuple[str | os.PathLike[str], str]],
    *,
    move: bool,
    progress: Progress | None,
) -> list[AddResult]:
    """Add many files; see `DataLake.add_many`."""
    with session.store.staging():
        return _add_files(session, pairs, Options(move=move), progress)


def _add_files(
    session: Session,
    pairs: Iterable[tuple[str | os.PathLike[str], str]],
    options: Options,
    progress: Progress | None,
) -> list[AddResult]:
    move = options.move
    items = check_pairs(pairs, progress, home=session.settings.home, move=move)
    if not items:
        return []
    for item in items:
        item.expected = options.expected
    session.prepare_write()
    states = _look_up(session, [item.uid for item in items], progress)
    fresh, results = _add_existing(session, items, states, progress, move=move)
    for result in take_in(session, list(batches(fresh)), states, progress, move=move):
        results[UID(result.uid)] = result
    return [results[item.uid] for item in items]


def _look_up(session: Session, uids: Sequence[UID], progress: Progress | None) -> dict[UID, State]:
    """Return what each name is, asked afresh."""
    lake = session.lake
    states: dict[UID, State] = {}
    with stage_if_slow(progress, "looking up names", len(uids)) as count:
        for start in range(0, len(uids), _LOOKUPS):
            some = uids[start : start + _LOOKUPS]
            states.update(lake.write_states(some))
            count(0, len(some))
    return states


def _add_existing(
    session: Session,
    items: Sequence[Item],
    states: dict[UID, State],
    progress: Progress | None,
    *,
    move: bool,
) -> tuple[list[Item], dict[UID, AddResult]]:
    """Answer for files whose names exist; return those that are new, and the answers.

    Raises:
        UIDConflictError: A name exists with other bytes. Nothing was changed.
    """
    fresh: list[Item] = []
    known: list[tuple[Item, Taken]] = []
    for item in items:
        state = states[item.uid]
        if not isinstance(state, Taken):
            fresh.append(item)
        elif isinstance(state.record, FileRecord) and state.record.size != item.size:
            raise other_bytes(item.uid)
        else:
            known.append((item, state))
    if not known:
        return fresh, {}
    found: list[Existing] = []
    with (
        stage(progress, "comparing", *extent([[item for item, _ in known]])) as count,
        watching(count) as watched,
    ):
        for one in compare(known, watched, move=move):
            if waits(session, one):
                fresh.append(one.item)
            else:
                found.append(one)
    return fresh, _answer_all(session, found, progress, move=move)


def _answer_all(
    session: Session, found: Sequence[Existing], progress: Progress | None, *, move: bool
) -> dict[UID, AddResult]:
    by_uid = {one.item.uid: one for one in found}
    results: dict[UID, AddResult] = {}
    with stage_if_slow(progress, "checking what is there", len(found)) as count:
        for batch in batches([one.item for one in found]):
            with watching(ignore) as watched:
                stage_absent = functools.partial(stage_files, session, watched=watched, move=move)
                some = [by_uid[item.uid] for item in batch]
                answers = answer(session, some, stage_absent, move=move)
            results.update((UID(one.uid), one) for one in answers)
            count(0, len(batch))
    return results


def add_written(session: Session, uid: UID, staged: Staged, state: State) -> FileRecord:
    """Add a file that was written through `File.open`, outside any creator."""
    item = Item("File.open", uid, staged.size)
    commit_files(session, [(item, staged)], {uid: state}, ignore)
    record = session.lake.find(uid)
    if record is None:
        raise UIDConflictError(f"{uid} was deleted as soon as it was made", uid=uid)
    return record
