"""What is known of a directory, or of a file in one."""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Final

from radops.errors import UIDNotFoundError
from radops.lake import info, notes
from radops.lake.directory import inner_files
from radops.lake.directory.opened import open_directory

if TYPE_CHECKING:
    from radops.format.record import FileRecord
    from radops.lake.directory.opened import Opened
    from radops.lake.reports import FileInfo
    from radops.lake.session import Session

_MOST_NEIGHBOURS: Final = 2_000


def describe(session: Session, record: FileRecord, inner: str | None = None) -> FileInfo:
    """Return all that is known of a file or directory, or of a file in a directory.

    Args:
        session: The lake.
        record: Its record, or that of the directory that holds it.
        inner: The path in the directory.

    Raises:
        UIDNotFoundError: The directory has no such file.
    """
    found = info.describe(session.lake, record)
    if inner is not None:
        inner, entry = inner_files.inner_of(session, record, inner)
        return dataclasses.replace(
            found,
            uid=f"{record.uid}/{inner}",
            digest=entry.digest or found.digest,
            size=entry.size,
            name=inner.rpartition("/")[2],
            local=inner_files.is_local(session, record, inner),
            directory=record.uid,
        )
    noted = notes.description(session, record)
    found = dataclasses.replace(found, description=noted.text, tags=[*noted.tags])
    if record.type != "directory":
        return found
    return dataclasses.replace(
        found,
        type="directory",
        local=is_local(session, record),
        files=record.files or 0,
        bytes=record.bytes or 0,
    )


def is_local(session: Session, record: FileRecord) -> bool:
    """Return whether all files of a directory are on this machine; fetches nothing."""
    return open_directory(session.lake, record).has_all()


def no_folder(opened: Opened, folder: str) -> UIDNotFoundError:
    """Return the error for a folder that a directory does not have."""
    uid = f"{opened.uid}/{folder}"
    if opened.find(folder) is not None:
        return UIDNotFoundError(f"{uid} is a file, not a folder", uid=uid)
    above, _, name = folder.rpartition("/")
    names = []
    if opened.is_folder(above):
        for child, _ in opened.children(above):
            names.append(child.rstrip("/"))
            if len(names) >= _MOST_NEIGHBOURS:
                break
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    shown = [f"{opened.uid}/{above}/{one}/" if above else f"{opened.uid}/{one}/" for one in close]
    return UIDNotFoundError(
        f"there is no folder {folder} in the directory {opened.uid}",
        uid=uid,
        hint=f"did you mean {' or '.join(shown)}?" if close else None,
    )
