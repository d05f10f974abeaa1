"""Adding a file whose name exists already, with the same bytes.

A record shows only that the bytes were there once. As the caller has them now, radops checks before
it answers "already there" that they still are, on this machine and in the remote; where they are
missing or wrong, they are stored again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from radops import native
from radops.errors import FileChangedError, LocalStorageError, UIDConflictError
from radops.format.digest import Digest
from radops.format.record import FileRecord
from radops.lake.add_batches import import_record
from radops.lake.add_items import other_bytes
from radops.lake.pending_results import publish_named
from radops.lake.reports import AddResult
from radops.repository.objects.lending import Lent, borrow, remove
from radops.repository.progress import ignore
from radops.repository.refs.draft import Draft
from radops.repository.transfer.proof import Known, wrong_objects
from radops.repository.transfer.upload import send
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from radops.format.uid import UID
    from radops.lake.add_items import Item
    from radops.lake.session import Session
    from radops.repository.objects.store import Staged
    from radops.repository.refs.slots import Taken


@dataclass(slots=True)
class Existing:
    """A file to be added whose name has a record of the same bytes, whatever made it."""

    item: Item
    state: Taken
    record: FileRecord
    outline: bytes
    lent: Lent | None = None
    """For a move: the source as it was when it was hashed."""

    @property
    def known(self) -> Known:
        """What its object must be."""
        return Known(self.record.digest, self.record.size, self.outline)


def existing(item: Item, state: Taken, digest: Digest, outline: bytes) -> Existing:
    """Return a file whose name has a record of the same bytes.

    Raises:
        UIDConflictError: The name has other bytes, or is a folder.
    """
    record = state.record
    if not isinstance(record, FileRecord):
        raise UIDConflictError(
            f"{item.uid} is a folder", uid=item.uid, hint="choose a name that is not in use"
        )
    if record.digest != digest or record.type != "file":  # a file can hold a root's bytes
        raise other_bytes(item.uid)
    return Existing(item, state, record, outline)


def compare(
    items: Sequence[tuple[Item, Taken]], watched: native.Progress, *, move: bool
) -> list[Existing]:
    """Hash files whose names exist, and return them.

    Raises:
        UIDConflictError: A name has other bytes, or is a folder.
        FileChangedError: A file changed while it was read, or is open for writing.
    """
    paths = [item.path for item, _ in items if item.path is not None]
    lent = [borrow(path) for path in paths] if move else []
    hashes = native.hash_files(paths, threads=threads(), progress=watched)
    found = []
    for index, ((item, state), result) in enumerate(zip(items, hashes, strict=True)):
        if isinstance(result, native.FileChangedError):
            raise FileChangedError(f"{item.path} changed while it was read", hint="run it again")
        if isinstance(result, OSError):
            raise LocalStorageError(f"{item.path}: {result.strerror or result}")
        digest = Digest(result.digest)
        if item.expected is not None and item.path is not None:
            item.expected.check(item.path, digest, str(item.path))
        one = existing(item, state, digest, result.outline)
        if move:
            lent[index].check_unchanged()
            one.lent = lent[index]
        found.append(one)
    return found


def waits(session: Session, one: Existing) -> bool:
    """Return whether a file was added offline, so that it is published now as a new one."""
    return one.record.imported is not None and not session.lake.is_published(one.state)


def answer(
    session: Session,
    found: Sequence[Existing],
    stage: Callable[[Sequence[Item]], list[Staged]],
    *,
    move: bool,
) -> list[AddResult]:
    """Make sure that files are there, whole, on this machine and in the remote; report that.

    Args:
        session: The lake.
        found: The files.
        stage: Takes the bytes of some of them in.
        move: Whether the sources are to be removed. Then the bytes are kept on this machine too.
    """
    lake = session.lake
    # Made by a function while offline: publishing it as added would lose how it was made.
    unpublished = {one.item.uid for one in found if not lake.is_published(one.state)}
    published = [one for one in found if one.item.uid not in unpublished]
    wrong: set[Digest] = set()
    if lake.remote is not None:
        wrong = wrong_objects(lake.remote.backend, [one.known for one in published])

    def is_lake_here(one: Existing) -> bool:
        return lake.remote is None or one.item.uid in unpublished

    absent = {
        one.record.digest: one
        for one in found
        if (move or is_lake_here(one) or one.record.digest in wrong)
        and not lake.store.is_verified(one.record.digest, one.record.size)
    }
    stored = _store(session, list(absent.values()), stage)
    try:
        if lake.remote is not None and wrong:
            sizes = {one.record.digest: one.record.size for one in published}
            objects = [(digest, sizes[digest]) for digest in wrong]
            send(lake.store, lake.remote.backend, objects, ignore, replace=True)
            lake.remote.backend.flush()
        if unpublished:
            publish_named(session, sorted(unpublished))
        lake.make_durable([one.state for one in found])
        if move and lake.offline:
            _keep_again(session, found)
        session.store.note_moves(
            [
                (one.lent, one.record.digest, one.record.size)
                for one in found
                if one.lent is not None and one.item.uid not in stored
            ]
        )
    except BaseException:
        lake.store.give_back(stored.values())
        raise
    return [
        AddResult(
            one.item.uid,
            one.record.digest,
            one.record.size,
            already_there=True,
            restored=one.record.digest in wrong
            or (one.record.digest in absent and is_lake_here(one)),
            source_left=_remove_source(session, one, stored.get(one.item.uid)),
        )
        for one in found
    ]


def _keep_again(session: Session, found: Sequence[Existing]) -> None:
    """Keep files whose sources go, should the remote turn out to have deleted them."""
    cached = [one for one in found if session.lake.is_confirmed(one.state)]
    drafts = [
        Draft(
            [import_record(session, one.item, one.record.digest, one.record.size)],
            [(one.record.digest, one.record.size)],
        )
        for one in cached
    ]
    if drafts:
        session.pending.keep_again(drafts)


def _store(
    session: Session,
    absent: Sequence[Existing],
    stage: Callable[[Sequence[Item]], list[Staged]],
) -> dict[UID, Staged]:
    """Store the bytes of files that this machine lacks; return what was staged, by UID."""
    if not absent:
        return {}
    staged = stage([one.item for one in absent])
    for new, one in zip(staged, absent, strict=True):
        if new.digest != one.record.digest:
            raise FileChangedError(
                f"{one.item.path} changed while it was read", hint="run it again"
            )
    session.store.admit(staged)
    return {one.item.uid: new for new, one in zip(staged, absent, strict=True)}


def _remove_source(session: Session, one: Existing, stored: Staged | None) -> str | None:
    """For a move, remove a source whose bytes are in the local store, proven."""
    if one.lent is None:
        return None
    if stored is not None:
        return session.store.remove_source(stored)
    if one.lent.is_at(session.store.object_path(one.record.digest)):
        return "it is the lake's own file"
    return remove(one.lent)
