"""What a slot can hold: the record of a file or directory, of a folder, or a tombstone."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from radops.errors import CorruptRecordError, InvalidUIDError, NewerFormatError
from radops.format import cbor
from radops.format.call import Call, Size
from radops.format.digest import DIGEST_SIZE, Digest
from radops.format.uid import UID, check_stored_uid, last_segment, parse_slot_key
from radops.format.wire import (
    FOLDER_KIND,
    RECORD_KIND,
    TOMBSTONE_KIND,
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
)
from radops.structs import prepared

COMMIT_ID_SIZE = 16
"""Random bytes by which a writer recognises its own record: enough never to meet another's."""
MAX_RECORD_SIZE = cbor.MAX_SIZE - 4096
"""A file's record leaves room for the tombstone around it, which must fit in 8 MiB too."""
MAX_ORIGINATOR = 512
"""Characters; see `MAX_RECORD_SIZE`. An e-mail address has at most 254."""

Originator = Annotated[str, Meta(max_length=MAX_ORIGINATOR)]
# A union of msgspec takes no `Digest` besides a struct.
RawDigest = Annotated[bytes, Meta(min_length=DIGEST_SIZE, max_length=DIGEST_SIZE)]


class Commit(msgspec.Struct, frozen=True):
    """Which records became true together."""

    id: Annotated[bytes, Meta(min_length=COMMIT_ID_SIZE, max_length=COMMIT_ID_SIZE)]
    primary: str
    """The key of the slot that commits: that of the first output."""

    @property
    def primary_uid(self) -> UID:
        """The UID whose slot commits."""
        slot = parse_slot_key(self.primary)
        if slot is None or slot.gone:
            raise ValueError("a primary slot that is none")
        return slot.uid


class Import(msgspec.Struct, frozen=True):
    """A file that came from outside the lake."""

    source: str
    """A file name, or a URL without user info and query."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """How a file was made: exactly one of these."""

    imported: Import | None = field(name="import", default=None)
    call: Call | RawDigest | None = None
    shared_call: RawDigest | None = None
    """The object with a call of many outputs: what it keeps, each of their records keeps."""

    def __post_init__(self) -> None:
        given = [one for one in (self.imported, self.call, self.shared_call) if one is not None]
        require(len(given) == 1, "an origin that is not exactly one")


@prepared
class FileRecord(Stored, frozen=True, kw_only=True, eq=False):
    """What a file or directory is and how it was made.

    Made by `radops.format.build`, or by decoding.
    """

    uid: UID
    digest: Digest
    size: Size
    type: Literal["file", "directory"]
    """What the digest is of: the file's bytes, or the directory's root."""
    name: str
    """The UID's last segment: a file name with its extension."""
    created_at: str
    originator: Originator
    radops_version: str
    commit: Commit
    keeps: tuple[Digest, ...]
    """Every object that must stay as long as this record: sorted, each once. With a shared call
    also what that keeps: see `Repository.keeps_of`."""
    origin: Origin
    files: Size | UnsetType = UNSET
    """How many files a directory has; absent for a file."""
    bytes: Size | UnsetType = UNSET
    """Bytes of these files; absent for a file."""
    trees: tuple[tuple[Digest, Digest], ...] | UnsetType = UNSET
    """Root and layout of each directory that the record keeps: its own, and those among the other
    outputs of the call. Sorted, each root once; absent if there are none. What a root, a layout
    and their source lists name is kept as well, whatever the record's type."""

    def __post_init__(self) -> None:
        check_stored_uid(self.uid)
        primary = self.commit.primary_uid
        require(primary <= self.uid, "a primary slot that is not the first")
        require(self.name == last_segment(self.uid), "a name that is not the UID's last part")
        parse_time(self.created_at)
        require(is_sorted_unique(self.keeps), "kept objects that are not sorted")
        needed = {self.digest}
        self._check_trees(needed)
        if self.call is not None:
            check_outputs(self, self.call)
            needed |= self.call.keeps
        elif self.call_object is not None:
            needed.add(self.call_object)
        else:
            require(primary == self.uid, "an import with another's primary slot")
            own = {self.digest} if self.type == "directory" else set()
            require({root for root, _ in self.directories} == own, "trees of another import")
        require(needed <= set(self.keeps), "an object that it needs and does not keep")

    def _check_trees(self, needed: set[Digest]) -> None:
        """Check the fields of directories, and add what they need."""
        is_directory = self.type == "directory"
        for total in (self.files, self.bytes):
            require((total is not UNSET) == is_directory, "totals without a directory, or none")
        require(self.trees != (), "an empty list of trees")
        roots = [root for root, _ in self.directories]
        require(is_sorted_unique(roots), "trees that are not sorted")
        require(not is_directory or self.digest in roots, "a directory without its tree")
        for pair in self.directories:
            needed.update(pair)

    @property
    def directories(self) -> tuple[tuple[Digest, Digest], ...]:
        """`trees`, empty if there are none."""
        return () if isinstance(self.trees, UnsetType) else self.trees

    @property
    def content_size(self) -> int:
        """Bytes of the file, or of all files of the directory."""
        return self.size if isinstance(self.bytes, UnsetType) else self.bytes

    @property
    def layout(self) -> Digest | None:
        """The layout of the directory; None for a file."""
        return dict(self.directories)[self.digest] if self.type == "directory" else None

    @property
    def imported(self) -> Import | None:
        """Where the file came from, if from outside the lake."""
        return self.origin.imported

    @property
    def call(self) -> Call | None:
        """The call that made the file, if the record holds it itself."""
        return self.origin.call if isinstance(self.origin.call, Call) else None

    @property
    def call_object(self) -> Digest | None:
        """The object with the call that made the file, if the call was too long for the record."""
        if self.origin.shared_call is not None:
            return Digest(self.origin.shared_call)
        return Digest(self.origin.call) if isinstance(self.origin.call, bytes) else None

    @property
    def has_shared_call(self) -> bool:
        """Whether the object `call_object` also keeps objects for this record."""
        return self.origin.shared_call is not None

    @property
    def created(self) -> datetime:
        """`created_at` as a datetime in UTC."""
        return parse_time(self.created_at)

    def __reduce__(self) -> tuple[Any, ...]:
        return decode_slot, (self.raw,)


@prepared
class FolderRecord(Stored, frozen=True, kw_only=True, eq=False):
    """Says that a UID is a folder of others, so that no file can take it."""

    uid: UID

    def __reduce__(self) -> tuple[Any, ...]:
        return decode_slot, (self.raw,)


@prepared
class Tombstone(Stored, frozen=True, kw_only=True, eq=False):
    """What a file's record becomes when the file is deleted."""

    record: bytes
    """The file's record as it was: lineage stays verifiable."""
    deleted_at: str
    originator: Originator
    aborted: bool
    """Whether the file never existed: its commit was aborted before it happened."""

    def __post_init__(self) -> None:
        parse_time(self.deleted_at)

    def inner(self) -> FileRecord:
        """Return the record of the deleted file, decoded when first asked for.

        Raises:
            CorruptRecordError: The bytes within are not the record of a file.
            NewerFormatError: A later version of radops wrote them.
        """
        known: FileRecord | None = self.__dict__.get("inner_record")
        if known is None:
            known = _decode_file(self.record)
            self.__dict__["inner_record"] = known
        return known

    def __reduce__(self) -> tuple[Any, ...]:
        return decode_slot, (self.raw,)


def decode_slot(raw: bytes, uid: UID | None = None) -> FileRecord | FolderRecord | Tombstone:
    """Return what a slot holds. Safe for bytes from anywhere.

    Args:
        raw: The stored bytes.
        uid: The UID whose slot was read; None: whatever the record says.

    Raises:
        CorruptRecordError: Not a record, or the record of another UID than asked for.
        NewerFormatError: A kind, version or type that this version of radops does not know.
    """
    try:
        thing = _decode(raw)
        found = uid
        if uid is not None:
            found = thing.inner().uid if isinstance(thing, Tombstone) else thing.uid
    except (CorruptRecordError, NewerFormatError) as error:
        error.uid = error.uid or uid
        raise
    if uid is not None and found != uid:
        raise CorruptRecordError(
            f"the slot of {shown(uid)} answers with the record of {shown(str(found))}",
            uid=uid,
            hint="A lake needs a case-sensitive file system; this one may be case-insensitive.",
        )
    return thing


def _decode(raw: bytes) -> FileRecord | FolderRecord | Tombstone:
    tree = read_header(raw, RECORD_KIND, FOLDER_KIND, TOMBSTONE_KIND)
    if tree["kind"] == RECORD_KIND:
        return file_record(tree, raw)
    if tree["kind"] == TOMBSTONE_KIND:
        return keep_raw(typed(tree, Tombstone), raw)
    folder = keep_raw(typed(tree, FolderRecord), raw)
    try:
        check_stored_uid(folder.uid)
    except InvalidUIDError as error:
        raise CorruptRecordError(f"not a valid record: {error}") from None
    if raw != folder_record(folder.uid):
        # Listings distinguish folders from files by their exact size.
        raise CorruptRecordError("not a valid record: a folder with more fields than it has")
    return folder


def _decode_file(raw: bytes) -> FileRecord:
    return file_record(read_header(raw, RECORD_KIND), raw)


def file_record(tree: dict[str, Any], raw: bytes) -> FileRecord:
    """Return the decoded map `tree`, whose encoding is `raw`, as the record of a file or directory.

    Raises:
        CorruptRecordError: A field is missing or wrong, or fields contradict each other.
        NewerFormatError: A type or origin that this version of radops does not know.
    """
    kind = tree.get("type")
    if not isinstance(kind, str):
        raise CorruptRecordError("not a valid record: it does not say its type")
    if kind not in {"file", "directory"}:
        raise NewerFormatError(f"written by a later version of radops: type {shown(kind)}")
    if len(raw) > MAX_RECORD_SIZE:
        raise CorruptRecordError(f"not a valid record: larger than {MAX_RECORD_SIZE:,} bytes")
    origin = tree.get("origin")
    if (
        isinstance(origin, dict)
        and origin
        and not origin.keys() & {"import", "call", "shared_call"}
    ):
        raise NewerFormatError("written by a later version of radops: an unknown origin")
    return keep_raw(typed(tree, FileRecord), raw)


def check_outputs(record: FileRecord, call: Call) -> None:
    """Raise `ValueError` unless the call made the record's file and commits where it says."""
    made = call.output(record.uid)
    require(
        made is not None
        and (made.digest, made.size) == (record.digest, record.size)
        and (made.files, made.bytes) == (record.files, record.bytes),
        "a call that did not make the file",
    )
    trees = [] if record.has_shared_call else call.trees
    require(list(record.directories) == trees, "trees that are not those of the call")
    # Its own slot: the record was committed alone, as the call's other outputs existed already.
    first = {call.outputs[0].uid, record.uid}
    require(record.commit.primary_uid in first, "a primary slot that is not the call's")


def check_call(record: FileRecord, call: Call) -> None:
    """Check that a call which was read from the object `record.call_object` fits the record.

    Raises:
        CorruptRecordError: The call did not make that file.
    """
    try:
        check_outputs(record, call)
        kept = record.has_shared_call or call.keeps <= set(record.keeps)
        require(kept, "an object that it needs and does not keep")
    except ValueError as error:
        raise CorruptRecordError(f"not a valid record: {error}", uid=record.uid) from None


def tombstone(raw: bytes, deleted_at: datetime, originator: str, *, aborted: bool = False) -> bytes:
    """Return what overwrites a file's record when the file is deleted.

    Args:
        raw: The record's bytes.
        deleted_at: When, with time zone.
        originator: Who.
        aborted: Whether the record's commit was aborted before it happened.

    Raises:
        CorruptRecordError: `raw` is not the record of a file; a tombstone is never wrapped again.
        NewerFormatError: A later version of radops wrote `raw`.
    """
    _decode_file(raw)
    tree = {
        "kind": TOMBSTONE_KIND,
        "v": VERSION,
        "record": raw,
        "deleted_at": format_time(deleted_at),
        "originator": originator[:MAX_ORIGINATOR],
        "aborted": aborted,
    }
    return cbor.encode(tree)


def folder_record(uid: UID) -> bytes:
    """Return the record of a folder: the same bytes, whichever process creates it."""
    return cbor.encode({"kind": FOLDER_KIND, "v": VERSION, "uid": uid})


_FOLDER_FRAME = len(folder_record(UID("")))


def folder_size(uid: UID) -> int:
    """Return the exact size of a folder's record.

    A file's record or a tombstone for the same UID is always longer, so
    a listing distinguishes them.
    """
    length = len(uid.encode())
    return _FOLDER_FRAME + length + (0 if length < 24 else 1 if length < 256 else 2)
