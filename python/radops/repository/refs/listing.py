"""What a listing of slots shows: the one rule of which listed names are files.

A listing costs no request per file, so it goes by keys and sizes alone. Of the slots of a name the
highest counts. It holds a file, unless a key beside it marks it as a tombstone, or it has the size
of a folder's record. Records decide where they are read: a mark can be missing, or left by a crash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from radops.format.record import folder_size
from radops.format.uid import UID

if TYPE_CHECKING:
    from collections.abc import Iterable


class Listed(NamedTuple):
    """One slot, one mark of a slot, or one folder of a listing."""

    uid: str
    number: int
    size: int
    """Bytes of what the slot holds; -1 for a folder, whose `uid` ends in `/`."""
    gone: bool
    """Whether this is the mark of a slot that holds a tombstone, and not the slot itself."""

    @property
    def is_slot(self) -> bool:
        """Whether this is a slot: of a file, of a folder record, or with a tombstone."""
        return self.size >= 0 and not self.gone

    @property
    def is_folder_record(self) -> bool:
        """Whether this is a slot that holds the record of a folder."""
        return self.is_slot and self.size == folder_size(UID(self.uid))


def live_slot(listed: Iterable[Listed]) -> Listed | None:
    """Return the slot that holds a file, of all that is listed of one name; None if none does."""
    highest: Listed | None = None
    marked = set()
    for one in listed:
        if one.gone:
            marked.add(one.number)
        elif one.size >= 0 and (highest is None or one.number > highest.number):
            highest = one
    if highest is None or highest.number in marked or highest.is_folder_record:
        return None
    return highest


def live_names(listed: Iterable[Listed]) -> tuple[set[UID], set[str]]:
    """Return the files and the folders that a listing shows.

    Args:
        listed: The listing, in any order. It holds all that is listed of each name.
    """
    first: dict[str, Listed] = {}
    further: dict[str, list[Listed]] = {}  # few names have more than one key
    folders: set[str] = set()
    for one in listed:
        if one.size < 0:
            folders.add(one.uid)
        elif one.uid not in first:
            first[one.uid] = one
        else:
            further.setdefault(one.uid, []).append(one)
    files = {
        UID(uid)
        for uid, one in first.items()
        if live_slot((one, *further.get(uid, ()))) is not None
    }
    return files, folders
