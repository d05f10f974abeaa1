"""Which files a listing finds on this machine: those with plain records many at once, in Rust."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.backends.folder_errors import translated
from radops.errors import CorruptRecordError
from radops.model.digest import Digest
from radops.model.record import FileRecord, folder_size
from radops.model.uid import UID, parse_slot_key
from radops.repository import layout
from radops.repository.slots import Listed, Taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.repository.mirror import Mirror

_LOG = logging.getLogger("radops")

# Slots that one call into Rust reads.
_BATCH = 8192


class Known(NamedTuple):
    """What a listing tells of a file."""

    digest: Digest
    size: int
    created_at: str
    originator: str
    local: bool
    """Whether an object of that digest and size stands here."""

    @classmethod
    def of(cls, mirror: Mirror, record: FileRecord) -> Known:
        """Take it from a record."""
        local = mirror.store.has(record.digest, record.size)
        return cls(record.digest, record.size, record.created_at, record.originator, local)


def judge(listed: Iterable[Listed]) -> tuple[set[UID], set[str]]:
    """Return the files and folders that a listing of slots shows.

    Files are judged by the listing alone, which costs no request per file: the highest slot of
    a name counts, unless a key beside it says that it holds a tombstone.
    """
    highest: dict[UID, tuple[int, int]] = {}
    gone: set[tuple[UID, int]] = set()
    folders: set[str] = set()
    for one in listed:
        if one.size < 0:
            folders.add(one.uid)
            continue
        uid = UID(one.uid)
        if one.gone:
            gone.add((uid, one.number))
        elif one.number >= highest.get(uid, (-1, 0))[0]:
            highest[uid] = (one.number, one.size)
    files = {
        uid
        for uid, (number, size) in highest.items()
        if (uid, number) not in gone and size != folder_size(uid)
    }
    return files, folders


def known_here(
    mirror: Mirror, prefix: str, *, recursive: bool
) -> tuple[dict[UID, Known], set[str]]:
    """Return the files below a prefix whose records are here, and the folders."""
    known, rest = _plain(mirror, prefix, recursive=recursive)
    files, folders = judge(rest)
    for uid in files:
        record = _record(mirror, uid)
        if record is not None:
            known[uid] = Known.of(mirror, record)
    return known, folders


def _plain(
    mirror: Mirror, prefix: str, *, recursive: bool
) -> tuple[dict[UID, Known], list[Listed]]:
    """Return the files with plain records, and all other slots and folders."""
    root = mirror.store.root
    lake = root / mirror.here.prefix
    known: dict[UID, Known] = {}
    rest: list[Listed] = []
    with translated(root, remote=False):
        reader = native.PlainRecords(root, lake, prefix, recursive=recursive)
        while (batch := reader.read(_BATCH)) is not None:
            rows, left = batch
            for uid, size, digest, created_at, originator, local in rows:
                known[UID(uid)] = Known(Digest(digest), size, created_at, originator, local)
            rest += _listed(lake, (layout.REFS + key for key, regular in left if regular))
            rest += _folders(mirror, (key for key, _ in left if key.endswith("/")))
    # Beside what is plain may stand a mark or a further slot: then the rules of slots decide.
    mixed = {UID(one.uid) for one in rest} & known.keys()
    for uid in mixed:
        del known[uid]
    rest += _listed(lake, (f"{layout.REFS}{uid}.radops" for uid in mixed))
    return known, rest


def _listed(lake: os.PathLike[str], keys: Iterable[str]) -> Iterator[Listed]:
    for key in keys:
        name = parse_slot_key(key)
        if name is None:
            continue
        try:
            size = os.lstat(f"{os.fspath(lake)}/{key}").st_size
        except FileNotFoundError:
            continue  # removed meanwhile
        yield Listed(name.uid, name.number, size, name.gone)


def _folders(mirror: Mirror, folders: Iterable[str]) -> Iterator[Listed]:
    """Yield those folders that have anything in them."""
    backend, start = mirror.here.backend, mirror.here.prefix + layout.REFS
    for folder in folders:
        if next(backend.list(start + folder), None) is not None:
            yield Listed(folder, 0, -1, gone=False)


def _record(mirror: Mirror, uid: UID) -> FileRecord | None:
    """Return the local record of a file; a damaged one does not stop a listing."""
    try:
        state = mirror.here.slots.state(uid)
    except CorruptRecordError as error:
        _LOG.warning("%s (radops datalake verify says more)", error)
        return None
    if isinstance(state, Taken) and isinstance(state.record, FileRecord):
        return state.record
    return None
