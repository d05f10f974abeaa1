"""The notes of a lake's files on one backend, and the copies that a machine keeps of them.

Notes are only ever added, each under a key of its own. So a machine that has a note never has to
read it again, and two machines never write under one key.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from radops.errors import CorruptRecordError, LocalStorageError, NewerFormatError
from radops.format.note import (
    MAX_NOTE_SIZE,
    NOTES,
    Note,
    decode_note,
    notes_prefix,
    parse_note_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from radops.format.uid import UID
    from radops.repository.refs.repository import Repository

_LOG = logging.getLogger("radops")

# Notes that are read at once.
_BATCH = 1024


class Notes:
    """The notes of one lake on one backend.

    Args:
        repository: The lake's repository there.
    """

    def __init__(self, repository: Repository) -> None:
        self._backend = repository.backend
        self._prefix = repository.prefix

    def keys(self, uid: UID | None = None) -> set[str]:
        """Return the keys of the notes of a name, by one listing; None for those of all names.

        Other keys are left alone: a later version may put something else there.
        """
        start = NOTES if uid is None else notes_prefix(uid)
        entries = self._backend.list(self._prefix + start, recursive=uid is None)
        names = (parse_note_key(entry.key[len(self._prefix) :]) for entry in entries)
        return {one.key for one in names if one is not None and uid in (None, one.uid)}

    def raw(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the bytes of notes; of those that are not there, nothing."""
        wanted = sorted(keys)
        for start in range(0, len(wanted), _BATCH):
            some = wanted[start : start + _BATCH]
            found = self._backend.read([self._prefix + key for key in some], MAX_NOTE_SIZE + 1)
            for key, raw in zip(some, found, strict=True):
                if raw is not None:
                    yield key, raw

    def load(self, keys: Iterable[str]) -> list[Note]:
        """Return notes. Those that do not decode are left out, with a warning."""
        found = (_decoded(key, raw) for key, raw in self.raw(keys))
        return [note for note in found if note is not None]

    def write(self, notes: Sequence[Note]) -> None:
        """Write notes, durably."""
        if notes:
            self._backend.put([(self._prefix + note.key, note.raw) for note in notes])
            self._backend.flush()

    def cache(self, notes: Sequence[Note]) -> None:
        """Keep copies of what another backend holds; a home that cannot be written to is fine."""
        if notes:
            items = [(self._prefix + note.key, note.raw) for note in notes]
            with contextlib.suppress(LocalStorageError):
                self._backend.without_durability().put(items)


def _decoded(key: str, raw: bytes) -> Note | None:
    try:
        return decode_note(raw, key)
    except (CorruptRecordError, NewerFormatError) as error:
        _LOG.warning("the note %s is ignored: %s", key, error.message)
        return None


def load_notes(local: Notes, remote: Notes | None, uid: UID) -> list[Note]:
    """Return all notes of a name; those that only the remote has are copied to this machine.

    Args:
        local: Those of this machine.
        remote: Those of the remote; None to leave it alone.
        uid: The name.
    """
    here = local.keys(uid)
    fetched = [] if remote is None else remote.load(remote.keys(uid) - here)
    local.cache(fetched)
    return local.load(here) + fetched


def fetch_notes(local: Repository, remote: Repository) -> set[UID]:
    """Copy to this machine the notes that only the remote has, and return all names with notes.

    This is one listing of all notes, on each side.
    """
    here, there = Notes(local), Notes(remote)
    known, found = here.keys(), there.keys()
    missing = sorted(found - known)
    for start in range(0, len(missing), _BATCH):
        here.cache(there.load(missing[start : start + _BATCH]))
    return {name.uid for key in known | found if (name := parse_note_key(key)) is not None}
