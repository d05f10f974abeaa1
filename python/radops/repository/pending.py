"""Results that are finished but could not be published: kept with records, no name taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from radops.backends.base import KeyNotFoundError
from radops.errors import CorruptRecordError
from radops.model import cbor
from radops.model.digest import Digest
from radops.model.record import FileRecord, decode_slot
from radops.model.uid import UID
from radops.repository.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.repository.repository import Repository

_KIND = "radops/pending"
_VERSION = 1
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A pending result and the key it is kept under."""

    key: str
    draft: Draft


class Pending:
    """The pending results of one lake on this machine.

    Args:
        here: The local repository of the lake.
    """

    def __init__(self, here: Repository) -> None:
        self._backend = here.backend
        self._prefix = here.prefix + "pending/"

    def keep(self, draft: Draft) -> None:
        """Keep a draft whose objects are in the local store, durably."""
        body = cbor.encode(
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
        name = draft.records[0].commit.id.hex()
        self._backend.put([(f"{self._prefix}{name}.radops", body)])
        self._backend.flush()

    def all(self) -> Iterator[Kept]:
        """Yield everything that is kept."""
        for entry in self._backend.list(self._prefix):
            try:
                with self._backend.open(entry.key) as reader:
                    raw = reader.read()
            except KeyNotFoundError:  # another process has just published it
                continue
            yield Kept(entry.key, _decode(raw))

    def find(self, key: Digest) -> Kept | None:
        """Return the result of the call with that key, if it is kept."""
        return next((kept for kept in self.all() if kept.draft.key == key), None)

    def drop(self, kept: Kept) -> None:
        """Forget a result, once it stands in the remote."""
        self._backend.delete([kept.key])


def _decode(raw: bytes) -> Draft:
    tree = cbor.decode(raw)
    if not isinstance(tree, dict) or tree.get("kind") != _KIND or tree.get("v") != _VERSION:
        raise CorruptRecordError("a pending result that does not decode")
    records = [decode_slot(record) for record in tree["records"]]
    return Draft(
        [record for record in records if isinstance(record, FileRecord)],
        [(Digest(digest), size) for digest, size in tree["objects"]],
        None if tree["key"] is None else Digest(tree["key"]),
        [UID(source) for source in tree["sources"]],
    )
