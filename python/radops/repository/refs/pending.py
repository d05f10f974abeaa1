"""Results that are finished but could not be published: kept with records, no name taken."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from radops.backends.base import KeyNotFoundError
from radops.errors import CorruptDataError, CorruptRecordError, NewerFormatError
from radops.format import cbor
from radops.format.digest import Digest
from radops.format.record import FileRecord, Tombstone, decode_slot
from radops.format.uid import check_stored_uid
from radops.repository.refs.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from radops.format.uid import UID
    from radops.repository.refs.repository import Repository

_LOG = logging.getLogger("radops")

_KIND = "radops/pending"
_VERSION = 1
_MAX_BYTES = 64 * 1024 * 1024
_SUFFIX = ".radops"
MOVED = "moved-"
"""What names of records begin with that were moved away from their slots."""
_AGAIN = "again-"


class Kept(msgspec.Struct, frozen=True):
    """A pending result and the key it is kept under."""

    key: str
    draft: Draft

    @property
    def is_again(self) -> bool:
        """Whether it is a file that was added offline where a cached one has the same bytes."""
        return self.key.rpartition("/")[2].startswith(_AGAIN)

    @property
    def uids(self) -> list[UID]:
        """The UIDs of the files that it holds."""
        return [record.uid for record in self.draft.records]


class PendingResults:
    """The pending results of one lake on this machine.

    The name of each begins with the key of its call, so that a call finds its own without
    reading those of others: `<call key>-<commit id>.radops`, or `<commit id>.radops` for files
    that no call made.

    Args:
        here: The local repository of the lake.
    """

    def __init__(self, here: Repository) -> None:
        self._local = here
        self._backend = here.backend
        self._prefix = here.prefix + "pending/"

    def keep(self, drafts: Sequence[Draft]) -> None:
        """Keep drafts whose objects are in the local store, durably."""
        self._backend.put([(self._name(draft), _encode(draft)) for draft in drafts])
        self._backend.flush()

    def keep_again(self, drafts: Sequence[Draft]) -> None:
        """Keep files that were added offline and that the lake was known to have, durably.

        Their names are taken. Should the lake turn out to have deleted them, they are not lost:
        `sync` reports them as conflicts.
        """
        names = [f"{self._prefix}{_AGAIN}{d.records[0].commit.id.hex()}{_SUFFIX}" for d in drafts]
        self._backend.put([(n, _encode(d)) for n, d in zip(names, drafts, strict=True)])
        self._backend.flush()

    def _name(self, draft: Draft) -> str:
        commit = draft.records[0].commit.id.hex()
        name = commit if draft.key is None else f"{draft.key.hex}-{commit}"
        return f"{self._prefix}{name}{_SUFFIX}"

    def all(self) -> Iterator[Kept]:
        """Yield everything that is kept: for callers that must not miss any, such as a collector.

        Raises:
            CorruptRecordError: One does not decode.
            NewerFormatError: A later version of radops wrote one.
        """
        for key in self._keys():
            kept = self._read(key)
            if kept is not None:
                yield kept

    def readable(self) -> Iterator[Kept]:
        """Yield what can be read, and warn of the rest: one bad file does not hide the others."""
        return self._readable(self._keys())

    def find(self, key: Digest, uids: Collection[UID] | None) -> Kept | None:
        """Return the result of a call, if it is kept.

        Args:
            key: The key of the call.
            uids: The UIDs that it is to make; None for generated ones. The same call under other
                names is another result.
        """
        for kept in self._readable(self._keys_of(key)):
            if kept.draft.key == key and _is_named(kept.uids, key, uids):
                return kept
        return None

    def named(self, uid: UID) -> list[Kept]:
        """Return the results that hold a file of that name."""
        return [kept for kept in self.readable() if uid in kept.uids]

    def drop(self, kept: Kept) -> None:
        """Remove a result: it was published, or is not wanted any more."""
        self._backend.delete([kept.key])

    def _keys(self) -> Iterator[str]:
        return (entry.key for entry in self._backend.list(self._prefix))

    def _keys_of(self, key: Digest) -> Iterator[str]:
        for name in self._keys():
            of_call, dash, _ = name.removeprefix(self._prefix).partition("-")
            # Earlier versions had no call in the names.
            if not dash or of_call == key.hex:
                yield name

    def _readable(self, keys: Iterable[str]) -> Iterator[Kept]:
        for key in keys:
            try:
                kept = self._read(key)
            except (CorruptDataError, NewerFormatError) as error:
                _LOG.warning("%s: left alone", error)
                continue
            if kept is not None:
                yield kept

    def _read(self, key: str) -> Kept | None:
        try:
            with self._backend.open(key) as reader:
                raw = reader.read()
        except KeyNotFoundError:  # another process has just published it
            return None
        try:
            if key.startswith(f"{self._prefix}{MOVED}"):
                return self._moved(key, raw)
            return Kept(key, _decode(raw))
        except (CorruptRecordError, NewerFormatError) as error:
            raise type(error)(
                f"the pending result {key} cannot be read: {error.message}",
                uid=error.uid,
                hint=error.hint or "run what made it again, and remove the file",
            ) from error

    def _moved(self, key: str, raw: bytes) -> Kept | None:
        """Return a record that was moved away from its slot; see `RemoteCache`."""
        record = decode_slot(raw)
        if isinstance(record, Tombstone):  # of a file that was made and deleted offline
            self._backend.delete([key])
            return None
        if not isinstance(record, FileRecord):
            raise CorruptRecordError("it is not the record of a file")
        return Kept(key, single_draft(self._local, record))


def single_draft(here: Repository, record: FileRecord) -> Draft:
    """Return a record of the local repository as a draft of its own."""
    call = here.call_of(record)
    inputs = () if call is None else (*call.inputs, *call.reads)
    key = None if call is None else call.key
    sources = sorted({one.uid for one in inputs})
    return Draft([record], here.objects_of([record]), key, sources)


def _is_named(made: Sequence[UID], key: Digest, uids: Collection[UID] | None) -> bool:
    if uids is None:
        return all(uid.startswith(f".generated_uids/{key}_") for uid in made)
    return set(made) == set(uids)


def _encode(draft: Draft) -> bytes:
    return cbor.encode(
        {
            "kind": _KIND,
            "v": _VERSION,
            "records": [record.raw for record in draft.records],
            "objects": [[digest.raw, size] for digest, size in draft.objects],
            "key": None if draft.key is None else draft.key.raw,
            "sources": list(draft.sources),
        },
        _MAX_BYTES,
    )


def _decode(raw: bytes) -> Draft:
    tree = cbor.decode(raw, _MAX_BYTES)
    if not isinstance(tree, dict) or tree.get("kind") != _KIND:
        raise CorruptRecordError("it is something else")
    if tree.get("v") != _VERSION:
        raise NewerFormatError(f"it is of version {tree.get('v')!r}", hint="update radops")
    try:
        records = [decode_slot(record) for record in tree["records"]]
        files = [record for record in records if isinstance(record, FileRecord)]
        if not files or len(files) != len(records):
            raise CorruptRecordError("it does not hold records of files")
        return Draft(
            files,
            [(Digest(digest), _size(size)) for digest, size in tree["objects"]],
            None if tree["key"] is None else Digest(tree["key"]),
            [check_stored_uid(source) for source in tree["sources"]],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptRecordError("a field is missing or of another type") from error


def _size(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not a size")
    return value
