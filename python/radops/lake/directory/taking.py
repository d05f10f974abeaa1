"""Folders that a program fills become directories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.format.record import FileRecord
from radops.lake.folder_memory import sources_here
from radops.lake.lake_data import refuse_lake_data
from radops.repository.stores import Owners
from radops.repository.trees.intake import scan_folder, take_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from radops.lake.session import Session
    from radops.repository.refs.slots import Taken
    from radops.repository.trees.intake import TakenIn


def take_folder(
    session: Session, folder: Path, bases: Sequence[Taken], *, executables: bool = False
) -> TakenIn:
    """Take what a program has written in a folder into local storage, whole. The folder stays.

    Nothing is left out: all of it was put there to be stored.

    Args:
        session: The lake.
        folder: The folder.
        bases: Directories whose packs may be used again.
        executables: Keep which files can be executed.

    Raises:
        FolderRefusedError: It holds what a directory cannot, or data of a lake.
        LocalStorageError: The disk is full, say.
    """
    records = [one.record for one in bases]
    base = [
        item
        for one in records
        if isinstance(one, FileRecord)
        for item in sources_here(session, one)
    ]
    scan = scan_folder(folder, no_ignore=True, executables=executables)
    refuse_lake_data(str(folder), scan.lake_files, Owners(session.settings.home))
    with session.store.staging():
        return take_in(session.store, folder, scan, base=base)
