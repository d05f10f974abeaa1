"""Emptying the quarantine: damaged bytes and unknown files that `verify` set aside."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radops.arguments import check_flags, check_number
from radops.errors import LocalStorageError
from radops.repository.objects.proof import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from radops.lake.session import Session


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file, or a folder, in the quarantine of local storage."""

    path: Path
    size: int
    """Bytes, of a folder of all files in it."""


def empty_quarantine(session: Session, *, older_than: float, dry_run: bool) -> list[Quarantined]:
    """Delete what is in quarantine; see `DataLake.empty_quarantine`."""
    folder = session.store.root / QUARANTINE
    check_number(older_than, "older_than", least=0, unit="seconds")
    check_flags(dry_run=dry_run)
    limit = time.time() - older_than
    found = []
    try:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            # The change of the inode: moving a file into quarantine keeps the time of its bytes.
            if path.lstat().st_ctime <= limit:
                found.append(Quarantined(path, sum(_sizes(path))))
                if not dry_run:
                    _remove(path)
    except OSError as error:
        where = os.fsdecode(error.filename or folder)
        raise LocalStorageError(f"cannot empty {where}: {error.strerror}") from error
    return found


def _sizes(path: Path) -> Iterator[int]:
    if path.is_symlink() or not path.is_dir():
        yield path.lstat().st_size
        return
    for inner in path.rglob("*"):
        if inner.is_symlink() or not inner.is_dir():
            yield inner.lstat().st_size


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
