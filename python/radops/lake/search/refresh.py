"""Bringing the search index of a lake up to date with what this machine has seen."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from radops.errors import CorruptDataError, LocalStorageError, NewerFormatError
from radops.format import note
from radops.format.note import NOTES, Description, parse_note_key
from radops.format.record import FileRecord
from radops.format.uid import UID, parse_slot_key
from radops.lake.info import shown_params
from radops.lake.search.index import Change, Entry, SearchIndex
from radops.lake.search.scan import Scan
from radops.repository.layout import REFS
from radops.repository.refs.notes import Notes
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.repository.progress import Count
    from radops.repository.working_lake import WorkingLake

_LOG = logging.getLogger("radops")

# Names that are written at once, in a block that a fork waits for.
_BATCH: Final = 500
_MOST_PARAMS: Final = 4_000
"""Characters of parameters that are indexed of a name."""


def refresh(lake: WorkingLake, index: SearchIndex, count: Count) -> None:
    """Index what changed on this machine since the last time, and names that listings showed.

    Args:
        lake: The lake.
        index: Its index.
        count: Told of names as they are indexed.
    """
    root = lake.local_folder
    scan = Scan(root, index)
    # Notes first: so it is known which names have some when records are read.
    for top in (NOTES, REFS):
        for change in scan.changes(top.rstrip("/")):
            _index(lake, index, sorted(_names(change)), scan, count)
            if change.mtime_ns < 0:
                index.forget_folder(change.path)
            else:
                index.note(change)
    new, old = index.listed_changes()
    for start in range(0, len(new), _BATCH):
        some = new[start : start + _BATCH]
        index.put([Entry(uid, recorded=False) for uid in some])
        count(0, len(some))
    for start in range(0, len(old), _BATCH):
        index.drop(old[start : start + _BATCH])
    if new or old:
        index.listed_done()


def _names(change: Change) -> set[UID]:
    """Return the names that the changed files of a folder are about."""
    found = set()
    for name in (*(one for one, _ in change.written), *change.removed):
        key = f"{change.path}/{name}"
        parsed = parse_note_key(key) if key.startswith(NOTES) else parse_slot_key(key)
        if parsed is not None:
            found.add(UID(parsed.uid))
    return found


def _index(
    lake: WorkingLake, index: SearchIndex, uids: list[UID], scan: Scan, count: Count
) -> None:
    for start in range(0, len(uids), _BATCH):
        some = uids[start : start + _BATCH]
        found = [entry for uid in some if (entry := _entry(lake, scan, uid)) is not None]
        index.put(found)
        index.drop({*some} - {entry.uid for entry in found})
        count(0, len(some))


def _entry(lake: WorkingLake, scan: Scan, uid: UID) -> Entry | None:
    """Return what is searched of a name; None if this machine has no file of that name."""
    try:
        state = lake.local_state(uid)
    except (CorruptDataError, NewerFormatError) as error:
        _LOG.debug("%s is not indexed: %s", uid, error)
        return None
    if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
        return None
    record = state.record
    function, params = _call(lake, record)
    said = Description()
    if scan.has(f"{NOTES}{uid}"):
        notes = Notes(lake.local)
        said = note.describe(notes.load(notes.keys(uid)), record.digest)
    return Entry(uid, record.originator, function, params, said.text, said.tags)


def _call(lake: WorkingLake, record: FileRecord) -> tuple[str, str]:
    """Return function and parameters of what made a file; nothing is fetched for that."""
    with contextlib.suppress(CorruptDataError, LocalStorageError):
        call = lake.local.call_of(record)
        if call is not None:
            function = f"{call.code.run_as or call.module}.{call.name}"
            return function, " ".join(_texts(shown_params(call)))[:_MOST_PARAMS]
    return "", ""


def _texts(value: Any) -> Iterable[str]:  # noqa: ANN401 - parameters of any kind
    """Yield the names and values within parameters, as people would type them."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)
