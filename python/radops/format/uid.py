"""UIDs, the human names of files, and the keys of the slots they own."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple, NewType

from radops.arguments import check_name
from radops.errors import InvalidUIDError

UID = NewType("UID", str)
"""A checked name of a file: only `parse_uid` and `check_stored_uid` make one."""

MAX_UID_BYTES = 512
"""So that the longest key, below a bucket prefix of 300 bytes, stays under S3's 1,024."""
MAX_SEGMENT_BYTES = 200
"""So that `<segment>.radops-123456789-gone` stays under the 255 bytes of a file name."""
MAX_SLOT_NUMBER = 999_999_999
"""Nine digits, see `MAX_SEGMENT_BYTES`."""
RESERVED = ".generated_uids"
"""The folder of implicit outputs, named by radops only."""

# Unicode's category Cc and the surrogates, which UTF-8 cannot carry.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_FORBIDDEN = re.compile(r"[\\@*?\[\]:]")
# A folder `x.radops` would collide with the slot of a file `x`, and `x.radops-gone` with the key
# that marks its slot as deleted. Also in other cases, because of case-insensitive disks.
_SLOT_ENDING = re.compile(r"\.radops(-[0-9]+)?(-gone)?\Z", re.ASCII | re.IGNORECASE)
_SLOT_KEY = re.compile(r"refs/(.+)\.radops(?:-([1-9][0-9]{0,8}))?(-gone)?", re.ASCII | re.DOTALL)

_HINTS = {
    "\\": "Write / between folders.",
    "*": "Wildcards select files; they are not part of a name.",
    "?": "Wildcards select files; they are not part of a name.",
    "[": "Wildcards select files; they are not part of a name.",
}


class SlotName(NamedTuple):
    """What a key below `refs/` means."""

    uid: UID
    number: int
    """0 for the first slot; the next one is used after a file was deleted."""
    gone: bool
    """Whether this is the empty key that lets listings skip a deleted file."""


def parse_uid(text: str) -> UID:
    """Return the UID that a person typed or a program passed.

    Args:
        text: Any text; it is brought into Unicode's normal form C first. Reserved names
            (`.generated_uids/...`) are fine here: people read such files. Writers check
            `is_reserved`.

    Raises:
        InvalidUIDError: The text cannot be a UID; the message says which rule it breaks.
        ArgumentTypeError: It is not text.
    """
    check_name(text, "a UID")
    uid = unicodedata.normalize("NFC", str.__str__(text))
    _check(uid)
    return UID(uid)


@functools.lru_cache(maxsize=1024)  # one record is decoded with the same name several times
def check_stored_uid(text: str) -> UID:
    """Return `text` as a UID if it is one without any change: for records and listings.

    Raises:
        InvalidUIDError: The text is not a UID, or not in Unicode's normal form C.
    """
    _check(text)
    if not unicodedata.is_normalized("NFC", text):
        raise _invalid(text, "it is not in Unicode's normal form C")
    return UID(text)


def _check(text: str) -> None:
    """Refuse text that breaks one of the rules, saying which."""
    if not text:
        raise InvalidUIDError("a UID cannot be empty")
    if found := _CONTROL.search(text):
        kind = "surrogate" if found[0] >= "\ud800" else "control character"
        raise _invalid(text, f"it holds a {kind} (U+{ord(found[0]):04X})")
    if found := _FORBIDDEN.search(text):
        raise _invalid(text, f"it holds {found[0]!r}", _HINTS.get(found[0]))
    if (size := len(text.encode())) > MAX_UID_BYTES:
        raise _invalid(text, f"it has {size} bytes, at most {MAX_UID_BYTES} are allowed")
    if text[0] == "-":
        raise _invalid(text, "it begins with '-'")
    for segment in text.split("/"):
        if why := _segment_fault(segment):
            raise _invalid(text, why, _slash_hint(text))


def _slash_hint(text: str) -> str | None:
    if not {".", ".."}.isdisjoint(text.split("/")):
        return "Names in the lake do not depend on the current folder: write the whole name."
    if text[0] == "/":
        return "Leave out the first /."
    if text[-1] == "/" and "//" not in text:
        return "A name that ends in / is a folder: `radops datalake ls` shows what is in it."
    return None


def _segment_fault(segment: str) -> str | None:
    """Return which rule the part between two slashes breaks, if any."""
    if not segment:
        return "it has an empty part between slashes"
    if segment in {".", ".."}:
        return f"it has a part {segment!r}"
    if (size := len(segment.encode())) > MAX_SEGMENT_BYTES:
        return f"a part between slashes has {size} bytes, at most {MAX_SEGMENT_BYTES} are allowed"
    if ending := _SLOT_ENDING.search(segment):
        return f"a part of it ends in {ending[0]!r}, which radops keeps for itself"
    return None


def _invalid(text: str, why: str, hint: str | None = None) -> InvalidUIDError:
    # ascii() of what may be hostile: no escape sequence of a terminal survives it.
    shown = repr(text) if text.isprintable() else ascii(text)
    if len(shown) > 80:
        shown = f"{shown[:60]}...{shown[-10:]}"
    error = InvalidUIDError(f"{shown} cannot be a UID: {why}", hint=hint)
    error.reason = why
    return error


def is_reserved(uid: UID) -> bool:
    """Return whether the name is one that only radops itself gives."""
    return uid.partition("/")[0] == RESERVED


def folders_of(uid: UID) -> tuple[UID, ...]:
    """Return the folders above a file, outermost first: `a` and `a/b` for `a/b/c`."""
    parts = uid.split("/")
    return tuple(UID("/".join(parts[:depth])) for depth in range(1, len(parts)))


def last_segment(uid: UID) -> str:
    """Return the part after the last slash: the file's name, with its extension."""
    return uid.rpartition("/")[2]


def slot_key(uid: UID, number: int = 0) -> str:
    """Return the key of a UID's slot: `refs/<uid>.radops`, later ones with `-1`, `-2`, ...

    Raises:
        ValueError: The number is negative or has more than nine digits.
    """
    if not 0 <= number <= MAX_SLOT_NUMBER:
        raise ValueError(f"there is no slot {number}")
    return f"refs/{uid}.radops-{number}" if number else f"refs/{uid}.radops"


def gone_key(slot_key: str) -> str:
    """Return the empty key by which listings skip that slot."""
    return f"{slot_key}-gone"


def parse_slot_key(key: str) -> SlotName | None:
    """Return what a listed key means, or None for anything that is not exactly a slot's key.

    Listings may hold hostile keys: only the one spelling that `slot_key` and `gone_key` give
    counts.
    """
    found = _SLOT_KEY.fullmatch(key)
    if found is None:
        return None
    try:
        uid = check_stored_uid(found[1])
    except InvalidUIDError:
        return None
    return SlotName(uid, int(found[2] or 0), found[3] is not None)


def parse_prefix(text: str) -> str:
    """Return what a person typed to narrow a listing: empty, a folder `a/`, or `a/b`.

    Raises:
        InvalidUIDError: No UID can be that or lie below it.
    """
    if not text:
        return ""
    slash = "/" if text.endswith("/") else ""
    return parse_uid(text[: len(text) - len(slash)]) + slash
