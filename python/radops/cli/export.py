"""Copies of lake files outside the lake."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from radops import native
from radops.errors import ConflictError, LocalStorageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def export(paths: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Copy files to `folder/<uid>`, each whole or not at all; equal files there are left alone.

    Args:
        paths: Local, verified files by UID.
        folder: Made if it is not there.

    Returns:
        The copies, by UID.

    Raises:
        ConflictError: Something else stands where a copy is to go. Nothing was copied.

    """
    targets = {uid: folder / uid for uid in paths}
    wanted = {}
    for uid, target in targets.items():
        if not os.path.lexists(target):
            wanted[uid] = target
        elif not _same(paths[uid], target):
            raise ConflictError(
                f"{target} exists and is something else", uid=uid, hint="move it away first"
            )
    for uid, target in wanted.items():
        _copy(paths[uid], target, uid)
    return targets


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
            copy.replace(target)
    except OSError as error:
        raise LocalStorageError(
            f"cannot write {target}: {error.strerror or error}", uid=uid
        ) from error
