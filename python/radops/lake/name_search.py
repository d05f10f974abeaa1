"""What people mean by a name that is not in the lake: a shortened one, or one they misspelt."""

from __future__ import annotations

import difflib
import itertools
import re
from typing import TYPE_CHECKING, Final

from radops.errors import UIDNotFoundError
from radops.format.uid import RESERVED, UID
from radops.repository.refs.listing import live_names
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from radops.format.record import FileRecord
    from radops.repository.refs.slots import Slots
    from radops.repository.working_lake import WorkingLake

# A misspelt name is compared with this many others, two listings of a bucket.
_MOST_NEIGHBOURS: Final = 2_000
# Names that are looked through for one of the same last part, on this machine.
_MOST_LOCAL: Final = 20_000
_MOST_NAMED: Final = 3
# A generated name as `shortening` shows it, or only its beginning.
_SHORT: Final = re.compile(rf"({re.escape(RESERVED)}/[0-9a-f]{{6,63}})(?:\.\.\.(.*))?", re.DOTALL)


def whole_name(lake: WorkingLake, uid: str) -> UID | None:
    """Return the generated name that is meant by its beginning, or by its shortened form.

    Args:
        lake: The lake.
        uid: `.generated_uids/c5161ffbb365..._0.csv` or `.generated_uids/c5161ffb`.

    Returns:
        None if it is not such a beginning, or no file has it.

    Raises:
        UIDNotFoundError: Several files begin so.
    """
    short = _SHORT.fullmatch(uid)
    if short is None:
        return None
    prefix, end = short[1], short[2] or ""
    sides = [side for side in (lake.local, lake.remote) if side is not None]
    listed = {name for side in sides for name in _names(side.slots, prefix, None, recursive=True)}
    found = [UID(name) for name in sorted(listed) if name.endswith(end)]
    found = [name for name in found if isinstance(lake.state(name), Taken)]
    if len(found) > 1:
        named = ", ".join(found[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise UIDNotFoundError(
            f"{uid} is the beginning of {len(found)} names", uid=uid, hint=f"{named}{more}"
        )
    return found[0] if found else None


def find(lake: WorkingLake, uid: UID) -> FileRecord:
    """Return the record of a file, by its name or the beginning of a generated one.

    Raises:
        UIDNotFoundError: There is none, or several generated names begin so.
    """
    record = lake.find(uid)
    if record is None:
        whole = whole_name(lake, uid)
        record = None if whole is None else lake.find(whole)
    if record is None:
        raise not_found(lake, uid)
    return record


def not_found(lake: WorkingLake, uid: UID) -> UIDNotFoundError:
    """Make the error for a name that is not in the lake, with names that may have been meant."""
    close = _close(lake, uid)
    where = "" if lake.remote is not None else " (radops works without a remote here)"
    hint = f"did you mean {' or '.join(close)}?" if close else "radops datalake ls -r"
    return UIDNotFoundError(f"no file or directory {uid} in the lake{where}", uid=uid, hint=hint)


def _close(lake: WorkingLake, uid: UID) -> list[str]:
    """Return names that are nearly the same: in the same folder, else in others."""
    folder, _, last = uid.rpartition("/")
    prefix = f"{folder}/" if folder else ""
    beside: set[str] = set()
    for slots in lake.sides:
        beside |= _names(slots, prefix, _MOST_NEIGHBOURS, recursive=False)
    if f"{uid}/" in beside:
        return [f"{uid}/"]
    close = difflib.get_close_matches(
        uid, sorted(beside)[:_MOST_NEIGHBOURS], n=_MOST_NAMED, cutoff=0.6
    )
    if close:
        return close
    for slots, most in zip(lake.sides, (_MOST_LOCAL, _MOST_NEIGHBOURS), strict=False):
        names = sorted(_names(slots, "", most, recursive=True))
        same = [name for name in names if name.rpartition("/")[2].lower() == last.lower()]
        near = same or difflib.get_close_matches(uid, names[:_MOST_NEIGHBOURS], n=3, cutoff=0.7)
        if near:
            return near[:_MOST_NAMED]
    return []


def _names(slots: Slots, prefix: str, most: int | None, *, recursive: bool) -> set[str]:
    """Return the names below a prefix that can be read, as far as a listing tells.

    Deleted files are left out, and the records of folders, which are listed with a `/` as well.

    Args:
        slots: The store's or the remote's slots.
        prefix: What the names begin with: empty, or ending in `/`.
        most: How many entries are looked at; None for all.
        recursive: Whether to list what is in folders instead of the folders.
    """
    listed = itertools.islice(slots.list(prefix, recursive=recursive), most)
    files, folders = live_names(listed)
    return files | folders
