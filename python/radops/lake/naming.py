"""Resolves the names that people type to files, and makes the lists of files that they see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.arguments import check_name
from radops.errors import UIDNotFoundError
from radops.format.pattern import is_pattern, literal_prefix, match
from radops.format.record import FileRecord, Tombstone
from radops.format.uid import UID, is_reserved, parse_prefix, parse_uid
from radops.lake.local_listing import Known, known_here
from radops.lake.name_search import find
from radops.lake.reports import Listing
from radops.repository.refs.listing import live_names
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from radops.repository.refs.remote import Remote
    from radops.repository.refs.slots import Slots
    from radops.repository.working_lake import WorkingLake


def names(slots: Slots, prefix: str, *, recursive: bool) -> tuple[set[UID], set[str]]:
    """Return the files and folders that a listing of slots shows below a prefix."""
    return live_names(slots.list(prefix, recursive=recursive))


def deleted_names(slots: Slots, prefix: str, *, recursive: bool) -> set[tuple[UID, int]]:
    """Return the slots below a prefix that the listing marks as tombstones."""
    return {
        (UID(one.uid), one.number) for one in slots.list(prefix, recursive=recursive) if one.gone
    }


def select(
    lake: WorkingLake, targets: Iterable[str], known: Mapping[UID, FileRecord] | None = None
) -> dict[UID, FileRecord]:
    """Return the files that targets mean, sorted: UIDs, folders ending in `/`, or patterns.

    Args:
        lake: The lake.
        targets: What to look for.
        known: Records of names that were looked up just now.

    Raises:
        UIDNotFoundError: A target means no file.
        InvalidUIDError: A target can mean none.
    """
    found: dict[UID, FileRecord] = {}
    for target in targets:
        check_name(target)
        if not is_pattern(target) and target and not target.endswith("/"):
            uid = parse_uid(target)
            record = (known or {}).get(uid) or find(lake, uid)
            found[record.uid] = record
            continue
        records = lake.find_all(sorted(candidates(lake, target)))
        if not records and target:
            raise UIDNotFoundError(f"no file or directory matches {target}", uid=target)
        found |= records
    return dict(sorted(found.items()))


def candidates(lake: WorkingLake, target: str) -> list[UID]:
    """Return what listings show of a folder ending in `/`, or for a pattern, in no order.

    Some may be deleted: a listing need not know.
    """
    if is_pattern(target):
        return [uid for uid in _below(lake, literal_prefix(target)) if match(target, uid)]
    below = _below(lake, parse_prefix(target))
    return [uid for uid in below if target or not is_reserved(uid)]


def _below(lake: WorkingLake, prefix: str) -> set[UID]:
    found: set[UID] = set()
    for slots in lake.sides:
        files, _ = names(slots, prefix, recursive=True)
        found |= files
    return found


def is_folder(lake: WorkingLake, folder: str, *, where: str) -> bool:
    """Return whether any name exists, or once existed, below a folder that ends in `/`.

    Args:
        lake: The lake.
        folder: As names begin that are in it.
        where: `all`, `local` or `remote`: which side to look at.
    """
    sides = {"local": lake.sides[:1], "remote": lake.sides[1:]}.get(where, lake.sides)
    return any(next(slots.list(folder), None) is not None for slots in sides)


def listing(
    lake: WorkingLake, prefix: str, *, recursive: bool, generated: bool, details: bool, where: str
) -> list[Listing]:
    """Return what `ls` shows: folders first, then files, each sorted by name.

    Args:
        lake: The lake.
        prefix: Empty, a folder `a/`, or the beginning of names.
        recursive: Show files of folders instead of folders.
        generated: Also show files that were named by radops.
        details: Read records: size, date, originator, digest.
        where: `all`, `local` (bytes are here) or `remote` (the name exists there).
    """
    records, here_folders = known_here(lake, prefix, recursive=recursive)
    here = set(records)
    there: set[UID] = set()
    there_folders: set[str] = set()
    if lake.remote is not None and where != "local":
        there, there_folders = names(lake.remote.slots, prefix, recursive=recursive)
        here -= dropped(lake, here - there, prefix, recursive=recursive)
    folders = there_folders if where == "remote" else here_folders | there_folders
    rows = [
        Listing(folder, local=folder in here_folders, remote=folder in there_folders)
        for folder in sorted(folders)
        if generated or not is_reserved(UID(folder))
    ]
    uids = sorted(there if where == "remote" else here | there)
    uids = [uid for uid in uids if generated or not is_reserved(uid)]
    if details:
        # What the remote never confirmed to this machine may not be what it holds.
        known = {uid for uid in here - there if uid in records} | _confirmed(lake, here & there)
        asked = lake.find_all([uid for uid in uids if uid not in known])
        records = {uid: records[uid] for uid in known} | {
            uid: Known.of(lake, record) for uid, record in asked.items()
        }
        uids = [uid for uid in uids if uid in records]
    for uid in uids:
        line = _line(uid, records.get(uid), remote=uid in there)
        if where != "local" or line.local:
            rows.append(line)
    return rows


def _confirmed(lake: WorkingLake, uids: Iterable[UID]) -> set[UID]:
    """Return the files whose local record the remote once confirmed."""
    states = ((uid, lake.local.slots.state(uid)) for uid in uids)
    return {uid for uid, state in states if isinstance(state, Taken) and lake.is_confirmed(state)}


def dropped(lake: WorkingLake, only_here: set[UID], prefix: str, *, recursive: bool) -> set[UID]:
    """Return the files of which the remote holds a tombstone: deleted since they were cached."""
    if not only_here or lake.remote is None:
        return set()
    gone = deleted_names(lake.remote.slots, prefix, recursive=recursive)
    found = set()
    for uid in only_here:
        state = lake.local.slots.state(uid)
        if (
            isinstance(state, Taken)
            and (uid, state.number) in gone
            and (lake.is_confirmed(state) or _was_deleted(lake.remote, state))
        ):
            found.add(uid)
    return found


def _was_deleted(remote: Remote, here: Taken) -> bool:
    """Return whether the remote holds the tombstone of this very record."""
    there = remote.slots.read(here.uid, here.number)
    return isinstance(there, Tombstone) and not there.aborted and there.record == here.record.raw


def row(lake: WorkingLake, uid: UID, record: FileRecord) -> Listing:
    """Return the line of a file that is not in the remote."""
    return _line(uid, Known.of(lake, record), remote=False)


def _line(uid: UID, known: Known | None, *, remote: bool) -> Listing:
    """Return the line of one file; `known` is None if only its name is."""
    if known is None:
        return Listing(uid, local=False, remote=remote)
    digest, size, created_at, originator, local, files = known
    return Listing(uid, local, remote, False, size, created_at, originator, digest, files)
