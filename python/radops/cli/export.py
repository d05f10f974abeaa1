"""Copies of lake files outside the lake."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from radops import native
from radops.errors import ConflictError, LocalStorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Most names shown of those that are equal to a file system.
_MOST_TWINS = 5


def export(paths: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Copy files to `folder/<uid>`, each whole or not at all; equal files there are left alone.

    Args:
        paths: Local, verified files by UID.
        folder: Made if it is not there.

    Returns:
        The copies, by UID.

    Raises:
        ConflictError: Something else is where a copy is to go, or the file system cannot tell two
            of the names apart. Nothing was copied.

    """
    _check_twins(paths, folder)
    targets = {uid: folder / uid for uid in paths}
    wanted = {}
    for uid, target in targets.items():
        if not os.path.lexists(target):
            wanted[uid] = target
        elif not _same(paths[uid], target):
            raise _in_the_way(target, uid)
    for uid, target in wanted.items():
        _copy(paths[uid], target, uid)
    return targets


def _check_twins(uids: Iterable[str], folder: Path) -> None:
    """Check that the file system distinguishes all names that some file systems do not."""
    groups: dict[str, list[str]] = {}
    for uid in uids:
        groups.setdefault(_folded(uid), []).append(uid)
    twins = [group for group in groups.values() if len(group) > 1]
    if not twins or not _are_one(folder, *twins[0][:2]):
        return
    shown = ", ".join(" and ".join(group) for group in twins[:_MOST_TWINS])
    more = f" and {len(twins) - _MOST_TWINS:,} more" if len(twins) > _MOST_TWINS else ""
    raise ConflictError(
        f"the file system of {folder} cannot tell these names apart: {shown}{more}",
        uid=twins[0][0],
        hint="download them into different folders, one at a time",
    )


def _folded(uid: str) -> str:
    """Return the same text for all names that some file system takes for one."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", uid).casefold())


def _are_one(folder: Path, first: str, second: str) -> bool:
    """Return whether two names mean one file below a folder, by making one of them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".radops-", dir=folder) as scratch:
            path = Path(scratch, first)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            return os.path.lexists(Path(scratch, second))
    except OSError as error:
        raise LocalStorageError(f"cannot write to {folder}: {error.strerror or error}") from error


def _in_the_way(target: Path, uid: str) -> ConflictError:
    return ConflictError(
        f"{target} exists already and is not this file", uid=uid, hint="move it away first"
    )


def _same(source: Path, target: Path) -> bool:
    try:
        if not target.is_file() or source.stat().st_size != target.stat().st_size:
            return False
        return native.hash_file(source).digest == native.hash_file(target).digest
    except OSError as error:
        raise LocalStorageError(f"cannot read {target}: {error.strerror}") from error


def _copy(source: Path, target: Path, uid: str) -> None:
    mask = os.umask(0)
    os.umask(mask)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own gives a name that is free: the copy must not exist before.
        with tempfile.TemporaryDirectory(prefix=".radops-", dir=target.parent) as scratch:
            copy = Path(scratch, "copy")
            native.copy_file(source, copy, mode=0o666 & ~mask)
            _place(copy, target)
    except FileExistsError:
        # It came while the copy was made, or is a twin that the check did not know of.
        if not _same(source, target):
            raise _in_the_way(target, uid) from None
    except OSError as error:
        raise LocalStorageError(
            f"cannot write {target}: {error.strerror or error}", uid=uid
        ) from error


def _place(copy: Path, target: Path) -> None:
    """Give a copy its name, never over another file."""
    try:
        native.rename_noreplace(copy, target)
    except FileExistsError:
        raise
    except OSError:
        try:
            os.link(copy, target)
        except FileExistsError:
            raise
        except OSError:  # neither: as close as this file system allows
            if os.path.lexists(target):
                raise FileExistsError(f"{target} exists") from None
            copy.rename(target)
