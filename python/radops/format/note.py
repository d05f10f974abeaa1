"""Notes: descriptions and tags, which can change, of files, which cannot.

A note is a small record of one change. All notes of a file, taken in one order that every machine
agrees on, give its description and tags: so machines that write notes without knowing of each
other lose nothing but the older of two texts.
"""

import re
import secrets
import unicodedata
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from radops.errors import CorruptRecordError, InvalidUIDError, UsageError
from radops.format import cbor
from radops.format.digest import Digest
from radops.format.record import Originator
from radops.format.uid import UID, check_stored_uid
from radops.format.wire import (
    NOTE_KIND,
    VERSION,
    Stored,
    format_time,
    is_sorted_unique,
    keep_raw,
    parse_time,
    read_header,
    require,
    shown,
    typed,
    untyped,
)
from radops.structs import prepared

NOTES: Final = "notes/"
"""What the keys of notes begin with."""
NOTE_ID_SIZE: Final = 8
"""Random bytes: enough for two notes of one file and one microsecond never to meet."""
MAX_NOTE_SIZE: Final = 256 * 1024
"""Bytes of a note."""
MAX_TEXT: Final = 16_384
"""Characters of a description."""
MAX_TAG: Final = 64
"""Characters of a tag."""
MAX_TAG_CHANGES: Final = 256
"""Tags that one note adds, and that it removes."""
MAX_TAGS: Final = 128
"""Tags of a file that a writer lets come together; several machines at once may make more."""

_LAST_YEAR: Final = 2999
"""So that a note can always be followed by a later one, whatever clock wrote it."""
_TAG: Final = re.compile(
    r"[^\s,\x00-\x1f\x7f-\x9f\ud800-\udfff-][^\s,\x00-\x1f\x7f-\x9f\ud800-\udfff]*"
)
_KEY: Final = re.compile(
    r"notes/(.+)/([0-9]{8}T[0-9]{12}Z)-([0-9a-f]{16})\.radops", re.ASCII | re.DOTALL
)
_TICK: Final = timedelta(microseconds=1)

_Id = Annotated[bytes, Meta(min_length=NOTE_ID_SIZE, max_length=NOTE_ID_SIZE)]
_Text = Annotated[str, Meta(max_length=MAX_TEXT)]
_Tags = Annotated[tuple[str, ...], Meta(max_length=MAX_TAG_CHANGES)]


@prepared
class Note(Stored, frozen=True, kw_only=True, eq=False):
    """One change to the description and tags of a file. Made by `new_note`, or by decoding."""

    uid: UID
    digest: Digest
    """The digest of the file or directory that is described: a later file of that name, with other
    bytes, has no part in it."""
    id: _Id
    """Random: two machines write two notes."""
    written_at: str
    """When, later than all notes of the file that the writer knew. Notes count in this order,
    those of one time in that of their ids."""
    originator: Originator
    text: _Text | None
    """The new description, empty for none; None if it stays what it is."""
    add: _Tags
    """Tags that the file has from now on; sorted, each once."""
    remove: _Tags
    """Tags that it has no more; sorted, each once, none that is added."""

    def __post_init__(self) -> None:
        check_stored_uid(self.uid)
        require(parse_time(self.written_at).year <= _LAST_YEAR, "a time after the year 2999")
        for tags in (self.add, self.remove):
            require(is_sorted_unique(tags), "tags that are not sorted")
            for tag in tags:
                require(is_tag(tag), "a tag that cannot be one")
        require(not set(self.add) & set(self.remove), "a tag that is added and removed")

    @property
    def order(self) -> tuple[str, bytes]:
        """What notes of a file are sorted by: the last one to say something counts."""
        return self.written_at, self.id

    @property
    def key(self) -> str:
        """Where it is stored: `notes/<uid>/<time>-<id>.radops`."""
        time = re.sub("[-:.]", "", self.written_at)
        return f"{notes_prefix(self.uid)}{time}-{self.id.hex()}.radops"


class NoteName(NamedTuple):
    """What the key of a note means."""

    uid: UID
    key: str


class Description(NamedTuple):
    """What the notes of a file say, taken together."""

    text: str = ""
    """The description; empty if there is none."""
    tags: tuple[str, ...] = ()
    """Sorted."""


def decode_note(raw: bytes, key: str) -> Note:
    """Return the note stored under a key. Safe for bytes from anywhere.

    Raises:
        CorruptRecordError: The bytes are not a note, or are that of another key.
        NewerFormatError: A later version of radops wrote it.
    """
    if len(raw) > MAX_NOTE_SIZE:
        raise CorruptRecordError(f"not a note: larger than {MAX_NOTE_SIZE:,} bytes")
    note = keep_raw(typed(read_header(raw, NOTE_KIND), Note), raw)
    if note.key != key:
        raise CorruptRecordError(
            f"the note {shown(key)} answers for {shown(note.key)}",
            hint="A lake needs a case-sensitive file system; this one may be case-insensitive.",
        )
    return note


def new_note(  # noqa: PLR0913 - the fields of a note
    *,
    uid: UID,
    digest: Digest,
    originator: str,
    written_at: str,
    text: str | None = None,
    add: Collection[str] = (),
    remove: Collection[str] = (),
    note_id: bytes | None = None,
) -> Note:
    """Return a new note; see `Note` for the fields.

    Args:
        uid: The name.
        digest: The digest of the file.
        originator: Who writes it.
        written_at: When, see `following`.
        text: The new description.
        add: Tags, in any order.
        remove: Tags, in any order.
        note_id: Its id; None for random bytes.
    """
    note = Note(
        uid=uid,
        digest=digest,
        id=note_id or secrets.token_bytes(NOTE_ID_SIZE),
        written_at=written_at,
        originator=originator,
        text=text,
        add=tuple(sorted(add)),
        remove=tuple(sorted(remove)),
    )
    tree = {"kind": NOTE_KIND, "v": VERSION, **untyped(note)}
    return keep_raw(note, cbor.encode(tree, MAX_NOTE_SIZE))


def notes_prefix(uid: UID) -> str:
    """Return what the keys of the notes of one name begin with."""
    return f"{NOTES}{uid}/"


def parse_note_key(key: str) -> NoteName | None:
    """Return what a listed key means; None for anything that is not exactly a note's key."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    try:
        return NoteName(check_stored_uid(found[1]), key)
    except InvalidUIDError:
        return None


def is_tag(text: str) -> bool:
    """Return whether a text can be a tag."""
    return (
        len(text) <= MAX_TAG
        and _TAG.fullmatch(text) is not None
        and unicodedata.is_normalized("NFC", text)
    )


def parse_tag(text: str) -> str:
    """Return the tag that a person typed, in Unicode's normal form C.

    Raises:
        UsageError: It cannot be a tag.
    """
    tag = unicodedata.normalize("NFC", text) if isinstance(text, str) else ""
    if not is_tag(tag):
        raise UsageError(
            f"{shown(str(text))} cannot be a tag",
            hint=f"a tag has 1 to {MAX_TAG} characters, no spaces or commas, and does not begin"
            " with -",
        )
    return tag


def parse_text(text: str) -> str:
    """Return the description that a person typed, in Unicode's normal form C.

    Raises:
        UsageError: It cannot be one.
    """
    if not isinstance(text, str):
        raise UsageError(f"a description is text, not {type(text).__name__}")
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > MAX_TEXT:
        raise UsageError(
            f"the description has {len(text):,} characters, at most {MAX_TEXT:,} are allowed",
            hint="add a longer text to the lake as a file",
        )
    if any(unicodedata.category(one) in {"Cc", "Cs"} and one not in "\n\t" for one in text):
        raise UsageError("the description holds a control character")
    return text


def following(notes: Collection[Note], now: datetime) -> str:
    """Return the time of a note that is to follow others, even if this machine's clock lags."""
    latest = max((parse_time(note.written_at) for note in notes), default=None)
    if latest is not None and latest >= now and latest.year <= _LAST_YEAR:
        now = latest + _TICK
    if now.year > _LAST_YEAR:
        raise UsageError("a note from the last moment of the year 2999 cannot be followed")
    return format_time(now)


def describe(notes: Iterable[Note], digest: Digest) -> Description:
    """Return what the notes of a file say together.

    Args:
        notes: The notes of its name, in any order.
        digest: The file's; notes of other bytes do not count.
    """
    text = ""
    tags: set[str] = set()
    for note in sorted(notes, key=lambda one: one.order):
        if note.digest == digest:
            text = text if note.text is None else note.text
            tags = (tags - set(note.remove)) | set(note.add)
    return Description(text, tuple(sorted(tags)))
