"""Verified bytes of files on this machine: open, or as paths under their human names."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO

from radops.errors import CorruptObjectError, LocalStorageError, RemoteRefusedError
from radops.lake.delete_files import view_key
from radops.lake.progress import stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from radops.format.record import FileRecord
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.objects.reader import Fetch

# Views that are made with one look and one note: their names and stats are in memory.
_AT_ONCE = 2048


def open_bytes(session: Session, record: FileRecord, fetch: Fetch) -> BinaryIO:
    """Open a file's verified bytes to read them.

    Args:
        session: The lake.
        record: The file.
        fetch: What to fetch if it is not on this machine.

    Raises:
        CorruptObjectError: The bytes are wrong and cannot be fetched again; names the file.
    """
    with _naming(record):
        return session.lake.reader.open(record.digest, record.size, fetch=fetch)


def read_ranges(
    session: Session, record: FileRecord, ranges: Sequence[tuple[int, int]]
) -> list[bytes]:
    """Return verified bytes of ranges of a file, each a first byte and a length.

    Raises:
        CorruptObjectError: The bytes are wrong and cannot be fetched again; names the file.
    """
    with _naming(record):
        return session.lake.reader.read_ranges(record.digest, record.size, ranges)


def path(session: Session, record: FileRecord) -> Path:
    """Return a verified local path of a file, fetched if it is not on this machine.

    Raises:
        CorruptObjectError: The bytes are wrong and cannot be fetched again; names the file.
    """
    lake = session.lake
    with _naming(record):
        return lake.reader.view(view_key(lake, record.uid), record.digest, record.size)


def local_path(session: Session, record: FileRecord) -> Path | None:
    """Return a verified local path if the bytes are on this machine; never fetches."""
    store = session.store
    if store.proven(record.digest, record.size) is None:
        return None
    try:
        return store.view(view_key(session.lake, record.uid), record.digest, record.size)
    except LocalStorageError:
        if store.has(record.digest, record.size):
            raise
        return None  # another process removed it meanwhile


def download(
    session: Session, records: Sequence[FileRecord], progress: Progress | None
) -> dict[str, Path]:
    """Fetch files that are not on this machine; return a verified path for each UID."""
    objects = [(record.digest, record.size) for record in records]
    total = sum(size for _, size in objects)
    with stage(progress, "downloading", total, len(objects)) as count:
        try:
            session.lake.reader.fetch(objects, count)
        except RemoteRefusedError as error:
            raise _refused(records, error) from error
    paths: dict[str, Path] = {}
    for start in range(0, len(records), _AT_ONCE):
        some = records[start : start + _AT_ONCE]
        wanted = [(view_key(session.lake, r.uid), r.digest, r.size) for r in some]
        for record, made in zip(some, session.lake.reader.views(wanted), strict=True):
            paths[str(record.uid)] = made or path(session, record)
    return paths


def _refused(records: Sequence[FileRecord], error: RemoteRefusedError) -> RemoteRefusedError:
    """Name the files whose objects a remote refused."""
    names = [record.uid for record in records if str(record.digest) in error.digests]
    if not names:
        return error
    more = f" (and {len(names) - 1:,} more files)" if len(names) > 1 else ""
    return RemoteRefusedError(f"{names[0]}{more}: {error.message}", uid=names[0], hint=error.hint)


@contextlib.contextmanager
def _naming(record: FileRecord) -> Iterator[None]:
    """Name the file in errors about its object."""
    try:
        yield
    except CorruptObjectError as error:
        raise CorruptObjectError(
            f"{record.uid}: {error.message}",
            uid=record.uid,
            hint=error.hint or f"radops datalake verify {record.uid}",
        ) from error
