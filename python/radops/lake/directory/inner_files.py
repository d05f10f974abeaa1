"""Verified bytes of files within directories: open, or as paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from radops.lake.delete_files import view_key
from radops.lake.directory.names import Inner, find_inner, literal
from radops.lake.directory.opened import open_directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from radops.format.record import FileRecord
    from radops.lake.session import Session
    from radops.repository.objects.reader import Fetch


def inner_of(session: Session, record: FileRecord, inner: str) -> Inner:
    """Return a file in a directory, through symbolic links.

    Raises:
        UIDNotFoundError: There is no such file; the hint names what may be meant.
    """
    return find_inner(open_directory(session.lake, record), inner)


def open_bytes(session: Session, record: FileRecord, inner: str, fetch: Fetch) -> BinaryIO:
    """Open a file of a directory to read it. Of its pack, only what is needed is fetched.

    Raises:
        UIDNotFoundError: There is no such file.
        CorruptObjectError: The bytes are wrong and cannot be fetched again.
    """
    opened = open_directory(session.lake, record)
    found = find_inner(opened, inner).entry
    with opened.naming():
        return opened.tree.open(found.path, fetch=fetch)


def read_ranges(
    session: Session, record: FileRecord, inner: str, ranges: Sequence[tuple[int, int]]
) -> list[bytes]:
    """Return verified bytes of ranges of a file of a directory.

    Raises:
        UIDNotFoundError: There is no such file.
        CorruptObjectError: The bytes are wrong and cannot be fetched again.
    """
    opened = open_directory(session.lake, record)
    found = find_inner(opened, inner).entry
    with opened.naming():
        return opened.tree.read_ranges(found.path, ranges)


def path(session: Session, record: FileRecord, inner: str) -> Path:
    """Return a verified local path of a file of a directory, which keeps its name.

    A file that is in a pack becomes an object of its own on this machine.

    Raises:
        UIDNotFoundError: There is no such file.
        CorruptObjectError: The bytes are wrong and cannot be fetched again.
    """
    opened = open_directory(session.lake, record)
    found = find_inner(opened, inner).entry
    lake, digest = session.lake, found.digest
    if digest is None:  # only folders have none, and `find_inner` returns files
        raise AssertionError(found)
    with opened.naming():
        opened.tree.keep(found.path)
        return lake.reader.view(f"{view_key(lake, record.uid)}/{inner}", digest, found.size)


def is_local(session: Session, record: FileRecord, inner: str) -> bool:
    """Return whether the bytes of a file of a directory are on this machine.

    Raises:
        UIDNotFoundError: There is no such file.
    """
    opened = open_directory(session.lake, record)
    found = find_inner(opened, inner).entry
    if found.size == 0 or found.digest is None or session.store.has(found.digest, found.size):
        return True
    return opened.has_all([literal(found.path)])
