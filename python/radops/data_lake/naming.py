"""From what people type to the files they mean, and back to what they see listed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from radops.data_lake.here import Known, judge, known_here
from radops.data_lake.reports import Listing
from radops.errors import UIDNotFoundError
from radops.model.pattern import is_pattern, literal_prefix, match
from radops.model.record import FileRecord, Tombstone
from radops.model.uid import UID, is_reserved, parse_prefix, parse_uid
from radops.repository.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.repository.mirror import Mirror
    from radops.repository.remote import Remote
    from radops.repository.slots import Slots


# A misspelt name is compared with this many of its neighbours.
_MOST_NEIGHBOURS = 2_000


def names(slots: Slots, prefix: str, *, recursive: bool) -> tuple[set[UID], set[str]]:
    """Return the files and folders that a listing of slots shows below a prefix."""
    return judge(slots.list(prefix, recursive=recursive))


def deleted_names(slots: Slots, prefix: str, *, recursive: bool) -> set[tuple[UID, int]]:
    """Return the slots below a prefix that the listing knows to hold tombstones."""
    return {
        (UID(one.uid), one.number) for one in slots.list(prefix, recursive=recursive) if one.gone
    }


def select(mirror: Mirror, targets: Iterable[str]) -> dict[UID, FileRecord]:
    """Return the files that targets mean, sorted: UIDs, folders ending in `/`, or patterns.

    Raises:
        UIDNotFoundError: A target means no file.
        InvalidUIDError: A target can mean none.
    """
    found: dict[UID, FileRecord] = {}
    for target in targets:
        if is_pattern(target):
            candidates = [u for u in _below(mirror, literal_prefix(target)) if match(target, u)]
        elif not target or target.endswith("/"):
            candidates = [
                uid
                for uid in _below(mirror, parse_prefix(target))
                if target or not is_reserved(uid)
            ]
        else:
            uid = parse_uid(target)
            record = mirror.find(uid)
            if record is None:
                raise not_found(mirror, uid)
            found[uid] = record
            continue
        records = mirror.find_all(sorted(candidates))
        if not records and target:
            raise UIDNotFoundError(f"no file matches {target}", uid=target)
        found |= records
    return dict(sorted(found.items()))


def _below(mirror: Mirror, prefix: str) -> set[UID]:
    files, _ = names(mirror.here.slots, prefix, recursive=True)
    if mirror.remote is not None:
        there, _ = names(mirror.remote.slots, prefix, recursive=True)
        files |= there
    return files


def not_found(mirror: Mirror, uid: UID) -> UIDNotFoundError:
    """Make the error for a name that is not there, with names that are nearly the same."""
    folder = uid.rpartition("/")[0]
    nearby = set(_near(mirror, f"{folder}/" if folder else ""))
    close = difflib.get_close_matches(uid, sorted(nearby)[:_MOST_NEIGHBOURS], n=3, cutoff=0.6)
    where = "" if mirror.remote is not None else " (radops works without a remote here)"
    hint = f"did you mean {' or '.join(close)}?" if close else "radops datalake ls -r"
    return UIDNotFoundError(f"no file {uid} in the lake{where}", uid=uid, hint=hint)


def _near(mirror: Mirror, prefix: str) -> set[str]:
    files, folders = names(mirror.here.slots, prefix, recursive=False)
    if mirror.remote is not None:
        there, more = names(mirror.remote.slots, prefix, recursive=False)
        files |= there
        folders |= more
    return {str(uid) for uid in files} | folders


def listing(
    mirror: Mirror, prefix: str, *, recursive: bool, generated: bool, details: bool, where: str
) -> list[Listing]:
    """Return what `ls` shows: folders first, then files, each sorted by name.

    Args:
        mirror: The lake.
        prefix: Empty, a folder `a/`, or the beginning of names.
        recursive: Show files of folders instead of folders.
        generated: Also show files that were named by radops.
        details: Read records: size, date, originator, digest.
        where: `all`, `local` (bytes are here) or `remote` (the name stands there).
    """
    records, here_folders = known_here(mirror, prefix, recursive=recursive)
    here = set(records)
    there: set[UID] = set()
    there_folders: set[str] = set()
    if mirror.remote is not None and where != "local":
        there, there_folders = names(mirror.remote.slots, prefix, recursive=recursive)
        here -= _dropped(mirror, here - there, prefix, recursive=recursive)
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
        known = {uid for uid in here - there if uid in records} | _confirmed(mirror, here & there)
        asked = mirror.find_all([uid for uid in uids if uid not in known])
        records = {uid: records[uid] for uid in known} | {
            uid: Known.of(mirror, record) for uid, record in asked.items()
        }
        uids = [uid for uid in uids if uid in records]
    for uid in uids:
        line = _line(uid, records.get(uid), remote=uid in there)
        if where != "local" or line.local:
            rows.append(line)
    return rows


def _confirmed(mirror: Mirror, uids: Iterable[UID]) -> set[UID]:
    """Return the files whose local record the remote once confirmed."""
    states = ((uid, mirror.here.slots.state(uid)) for uid in uids)
    return {uid for uid, state in states if isinstance(state, Taken) and mirror.is_confirmed(state)}


def _dropped(mirror: Mirror, only_here: set[UID], prefix: str, *, recursive: bool) -> set[UID]:
    """Return the files of which the remote holds a tombstone: deleted since they were cached."""
    if not only_here or mirror.remote is None:
        return set()
    gone = deleted_names(mirror.remote.slots, prefix, recursive=recursive)
    dropped = set()
    for uid in only_here:
        state = mirror.here.slots.state(uid)
        if (
            isinstance(state, Taken)
            and (uid, state.number) in gone
            and (mirror.is_confirmed(state) or _was_deleted(mirror.remote, state))
        ):
            dropped.add(uid)
    return dropped


def _was_deleted(remote: Remote, here: Taken) -> bool:
    """Say whether the remote holds the tombstone of this very record."""
    there = remote.slots.read(here.uid, here.number)
    return isinstance(there, Tombstone) and not there.aborted and there.record == here.record.raw


def row(mirror: Mirror, uid: UID, record: FileRecord) -> Listing:
    """Return the line of a file that is not in the remote."""
    return _line(uid, Known.of(mirror, record), remote=False)


def _line(uid: UID, known: Known | None, *, remote: bool) -> Listing:
    """Return the line of one file; `known` is None if only its name is."""
    if known is None:
        return Listing(uid, local=False, remote=remote)
    digest, size, created_at, originator, local = known
    return Listing(uid, local, remote, False, size, created_at, originator, digest)
