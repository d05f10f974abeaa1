"""What all stored things share: a kind, a version, typed fields, and the bytes they came from."""

import re
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
from typing_extensions import Self

from radops.errors import CorruptRecordError, NewerFormatError
from radops.format import cbor
from radops.format.digest import Digest
from radops.structs import convert

RECORD_KIND = "radops/record"
FOLDER_KIND = "radops/folder"
TOMBSTONE_KIND = "radops/tombstone"
CALL_KIND = "radops/call"
LAKE_KIND = "radops/lake"
NOTE_KIND = "radops/note"
VERSION = 1

_KINDS = {RECORD_KIND, FOLDER_KIND, TOMBSTONE_KIND, CALL_KIND, LAKE_KIND, NOTE_KIND}
# One spelling for a point in time, so that text sorts as time does.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class Stored(msgspec.Struct, frozen=True, dict=True, eq=False, kw_only=True):
    """A decoded thing that keeps the bytes it was decoded from, unknown fields included.

    Equal means: the same bytes.
    """

    @property
    def raw(self) -> bytes:
        """The bytes as they are stored."""
        raw: bytes = self.__dict__["raw"]
        return raw

    @property
    def record_digest(self) -> Digest:
        """The digest of the stored bytes: what lineage names a record by."""
        # Not a `cached_property`: before Python 3.12 that holds a lock, over a fork too.
        known: Digest | None = self.__dict__.get("digest_of_raw")
        if known is None:
            known = self.__dict__["digest_of_raw"] = Digest.of(self.raw)
        return known

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __copy__(self) -> Self:
        # msgspec would copy the fields and lose the bytes.
        return self


_S = TypeVar("_S", bound=Stored)
_T = TypeVar("_T")


def keep_raw(thing: _S, raw: bytes) -> _S:
    """Attach the stored bytes to what was decoded from them."""
    thing.__dict__["raw"] = raw
    return thing


def read_header(raw: bytes, *kinds: str) -> dict[str, Any]:
    """Decode the map that begins every stored thing and check its kind and version.

    Args:
        raw: The stored bytes.
        kinds: The kinds that are allowed here.

    Raises:
        NewerFormatError: A kind or version that this version of radops does not know.
        CorruptRecordError: Anything else that is not of one of the kinds.
    """
    tree = cbor.decode(raw)
    kind = tree.get("kind") if isinstance(tree, dict) else None
    if not isinstance(tree, dict) or not isinstance(kind, str):
        raise CorruptRecordError("not a record: it does not say its kind")
    if kind not in kinds:
        if kind in _KINDS:
            raise CorruptRecordError(f"found {kind!r} where {' or '.join(kinds)} was expected")
        raise NewerFormatError(f"written by a later version of radops: kind {shown(kind)}")
    version = tree.get("v")
    if type(version) is not int or version < 1:
        raise CorruptRecordError("not a record: it does not say its version")
    if version != VERSION:
        raise NewerFormatError(f"written by a later version of radops: {kind} version {version}")
    return tree


def typed(tree: object, kind: type[_T]) -> _T:
    """Return the decoded value as a struct, all fields checked.

    Raises:
        CorruptRecordError: A field is missing, of another type, or out of bounds.
    """
    try:
        return convert(tree, kind, _from_wire)
    except msgspec.ValidationError as error:
        raise CorruptRecordError(f"not a valid record: {error}") from None


def untyped(thing: object) -> Any:  # noqa: ANN401 it is whatever the struct becomes
    """Return a struct as the maps, arrays and plain values that are stored."""
    return msgspec.to_builtins(thing, enc_hook=_to_wire, builtin_types=(bytes,))


def _from_wire(kind: type, value: object) -> object:
    if kind is Digest and type(value) is bytes:
        return Digest(value)
    raise ValueError(f"expected {kind.__name__.lower()}, got {type(value).__name__}")


def _to_wire(value: object) -> object:
    if isinstance(value, Digest):
        return value.raw
    raise TypeError(f"{type(value).__name__} cannot be stored")


def shown(text: str) -> str:
    """Quote text of unknown origin for a message: short, and no terminal obeys it."""
    quoted = repr(text) if text.isprintable() else ascii(text)
    return quoted if len(quoted) <= 80 else f"{quoted[:60]}...{quoted[-10:]}"


def format_time(moment: datetime) -> str:
    """Return a point in time as it is stored: `2026-11-22T12:21:03.000456Z`, always in UTC.

    Raises:
        ValueError: The datetime has no time zone, so it is not a point in time.
    """
    if moment.tzinfo is None:
        raise ValueError("a point in time needs a time zone")
    utc = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def parse_time(text: str) -> datetime:
    """Return the point in time in a stored text.

    Raises:
        ValueError: The text is not what `format_time` writes.
    """
    if not _TIME.fullmatch(text):
        raise ValueError("a time that is not RFC 3339 in UTC with microseconds")
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc)


def require(condition: bool, why: str) -> None:
    """Raise `ValueError` with `why`, which decoding turns into `CorruptRecordError`."""
    if not condition:
        raise ValueError(why)


def is_sorted_unique(items: "list[Any] | tuple[Any, ...]") -> bool:
    """Return whether each item is less than the next."""
    return all(first < second for first, second in pairwise(items))
