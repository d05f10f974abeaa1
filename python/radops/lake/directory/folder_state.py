"""Whether a folder that shows a directory is as it was made, and what was written into it.

Permissions do not stop root from writing there, as programs in containers do. What they wrote must
not be taken for the directory by the next reader, and is not thrown away.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from radops.format.digest import Digest
from radops.repository.objects.proof import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.repository.objects.store import LocalStore

_LOG = logging.getLogger("radops")

# No file system keeps times in coarser steps.
_STEP_SECONDS: Final = 2


def state_of(folder: Path) -> str:
    """Return a digest of the names, sizes and times of everything in a folder; raises `OSError`."""
    rows = []
    for entry in _walk(str(folder)):
        name = os.path.relpath(entry.path, folder)
        if entry.is_dir(follow_symlinks=False):
            rows.append(f"{name}\0folder")
        elif entry.is_symlink():
            rows.append(f"{name}\0link\0{Path(entry.path).readlink()}")
        else:
            status = entry.stat(follow_symlinks=False)
            rows.append(f"{name}\0file\0{status.st_size}\0{status.st_mtime_ns}")
    return Digest.of("\n".join(sorted(rows)).encode(errors="surrogateescape")).hex


def keep_written(store: LocalStore, folder: Path, made: int) -> None:
    """Move to quarantine what was written into a folder since it was made; raises `OSError`.

    Args:
        store: The objects of the home.
        folder: The folder.
        made: The time that all files got when it was made, in seconds since the epoch.
    """
    written = [
        entry.path
        for entry in _walk(str(folder))
        if entry.is_file(follow_symlinks=False)
        and not _has_time(entry.stat(follow_symlinks=False).st_mtime_ns, made)
    ]
    if not written:
        return
    kept = store.root / QUARANTINE / f"written-{secrets.token_hex(4)}-{folder.name}"
    for path in written:
        target = kept / os.path.relpath(path, folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(path, target)  # noqa: PTH104 - strings, of very many
    _LOG.warning(
        "%s was written to, but it only shows a directory of the lake, and directories never "
        "change; what was written is kept in %s. To store it, make a new version, as by "
        'Directory("name").edit("name/@next")',
        folder,
        kept,
    )


def _has_time(mtime_ns: int, seconds: int) -> bool:
    """Return whether a file has the time that was set, as far as disks keep it."""
    rest = mtime_ns % 10**9
    return rest == 0 and abs(mtime_ns // 10**9 - seconds) <= _STEP_SECONDS


def _walk(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yield everything below a folder; unlike `os.walk` nothing that cannot be read is left out."""
    todo = [folder]
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                yield entry
