"""Which files a listing finds on this machine: most of them many at once, in Rust."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.backends.folder.errors import translated
from radops.errors import CorruptRecordError
from radops.format.digest import Digest
from radops.format.record import FileRecord
from radops.format.uid import UID, parse_slot_key
from radops.lake.directory.opened import open_directory
from radops.repository import layout
from radops.repository.refs.listing import Listed, live_names
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.repository.working_lake import WorkingLake

_LOG = logging.getLogger("radops")

# Slots that one call into Rust reads.
_BATCH = 8192


class Known(NamedTuple):
    """What a listing shows of a file."""

    digest: Digest
    size: int
    created_at: str
    originator: str
    local: bool
    """Whether all of its bytes are on this machine."""
    files: int | None = None
    """How many files a directory has; None for a file."""

    @classmethod
    def of(cls, lake: WorkingLake, record: FileRecord) -> Known:
        """Return the fields of a file or directory in its record."""
        if record.type == "directory":
            local = open_directory(lake, record).has_all()
            files = record.files or 0
        else:
            local = lake.store.has(record.digest, record.size)
            files = None
        size, created = record.content_size, record.created_at
        return cls(record.digest, size, created, record.originator, local, files)


def known_here(
    lake: WorkingLake, prefix: str, *, recursive: bool
) -> tuple[dict[UID, Known], set[str]]:
    """Return the files below a prefix whose records are here, and the folders."""
    known, rest = _in_bulk(lake, prefix, recursive=recursive)
    files, folders = live_names(rest)
    for uid in files:
        record = _record(lake, uid)
        if record is not None:
            known[uid] = Known.of(lake, record)
    return known, folders


def _in_bulk(
    lake: WorkingLake, prefix: str, *, recursive: bool
) -> tuple[dict[UID, Known], list[Listed]]:
    """Return the files that Rust read, and all other slots and folders."""
    root = lake.store.root
    folder = lake.local_folder
    known: dict[UID, Known] = {}
    rest: list[Listed] = []
    with translated(root, remote=False):
        reader = native.FileRows(root, folder, prefix, recursive=recursive)
        while (batch := reader.read(_BATCH)) is not None:
            rows, left = batch
            for uid, size, digest, created_at, originator, local in rows:
                known[UID(uid)] = Known(Digest(digest), size, created_at, originator, local)
            rest += _listed(folder, (layout.REFS + key for key, regular in left if regular))
            rest += _folders(lake, (key for key, _ in left if key.endswith("/")))
    # Such a file may have a mark or a further slot beside it: then `live_names` decides.
    mixed = {UID(one.uid) for one in rest} & known.keys()
    for uid in mixed:
        del known[uid]
    rest += _listed(folder, (f"{layout.REFS}{uid}.radops" for uid in mixed))
    return known, rest


def _listed(folder: os.PathLike[str], keys: Iterable[str]) -> Iterator[Listed]:
    for key in keys:
        name = parse_slot_key(key)
        if name is None:
            continue
        try:
            size = os.lstat(f"{os.fspath(folder)}/{key}").st_size
        except FileNotFoundError:
            continue  # removed meanwhile
        yield Listed(name.uid, name.number, size, name.gone)


def _folders(lake: WorkingLake, folders: Iterable[str]) -> Iterator[Listed]:
    """Yield those folders that have anything in them."""
    backend, start = lake.local.backend, lake.local.prefix + layout.REFS
    for folder in folders:
        if next(backend.list(start + folder), None) is not None:
            yield Listed(folder, 0, -1, gone=False)


def _record(lake: WorkingLake, uid: UID) -> FileRecord | None:
    """Return the local record of a file; a damaged one does not stop a listing."""
    try:
        state = lake.local.slots.state(uid)
    except CorruptRecordError as error:
        _LOG.warning("%s (radops datalake verify says more)", error)
        return None
    if isinstance(state, Taken) and isinstance(state.record, FileRecord):
        return state.record
    return None
