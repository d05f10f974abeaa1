"""What is kept of remote bytes without being a local copy: parts that were read, and streams."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from radops import native, streams
from radops.errors import RadopsError
from radops.format.digest import Digest
from radops.format.record import FileRecord
from radops.lake.directory.opened import open_directory
from radops.lake.holdings import objects_here
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.format.uid import UID
    from radops.lake.session import Session
    from radops.repository.working_lake import WorkingLake

# Entries that a page has, at most.
_PAGE = 8192


def drop_derived(session: Session, uids: Iterable[UID]) -> None:
    """Remove what was kept of some files and directories by reading parts of them.

    Args:
        session: The lake.
        uids: Their names.
    """
    lake = session.lake
    cache = lake.store.range_cache
    has_parts = not cache.is_empty()
    for uid in uids:
        state = lake.local.slots.state(uid)
        if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
            continue
        record = state.record
        streams.drop(session.settings.home, record.digest.hex)
        if has_parts:
            cache.drop_all(digest for (digest, _), _ in objects_here(lake, record))
            if record.layout is not None:
                cache.drop_all(_files_here(lake, record))


def _files_here(lake: WorkingLake, record: FileRecord) -> Iterator[Digest]:
    """Yield the digests of a directory's files, as far as its pages are on this machine.

    Small files are kept by their own digests. What was read of them needed their pages.
    """
    layout = record.layout
    if layout is None or not (
        lake.store.has(record.digest, record.size) and lake.store.object_path(layout).exists()
    ):
        return
    with contextlib.suppress(RadopsError):
        opened = open_directory(lake, record).tree.opened
        for page in range(opened.pages):
            try:
                files = opened.page_files(page, 0, _PAGE)
            except (native.MissingObjectsError, native.DamagedObjectError):
                continue
            yield from (Digest(digest) for *_, digest, _ in files if digest is not None)
