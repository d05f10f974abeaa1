"""What trainings keep of a lake on this machine besides its objects: `cache/streams` of the home.

A folder for each data set, named after the digest of what is read, with the runs that were
fetched. All of it can be fetched again; it is verified whenever it is read, and fetched again where
it is damaged.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNFINISHED: Final = ".unfinished"
"""What the name of a file ends with that is being written."""
USED: Final = "used"
"""The file with the bytes of all runs together. Without it they are counted."""

# Digits of a digest that the name of a data set's folder begins with.
_DIGITS: Final = 32
# A file that was being written by a process which was killed is left alone for so long.
_STALE_SECONDS: Final = 3600.0


def streams_folder(home: Path) -> Path:
    """Return where the runs of all streams are."""
    return home / "cache" / "streams"


def storage_beside(root: Path) -> Path:
    """Return the storage of the home that a folder of all streams is in."""
    return root.parent.parent / "storage"


def folder_name(digest: str, what: str) -> str:
    """Return the name of the folder of a data set.

    Args:
        digest: What is read: hexadecimal digits.
        what: What else the runs depend on, as part of a file name.
    """
    return f"{digest[:_DIGITS]}-{what}"


def size(home: Path) -> int:
    """Return how many bytes are kept."""
    return sum(length for _, length, _ in _files(streams_folder(home)))


def clear(home: Path, *, older_than: float | None = None, dry_run: bool = False) -> int:
    """Remove what is kept, also while a training uses it; return how many bytes that were.

    Args:
        home: The home.
        older_than: Only what was not used for so many seconds.
        dry_run: Only count.
    """
    root = streams_folder(home)
    last = float("inf") if older_than is None else time.time() - older_than
    return _remove(root, [one for one in _files(root) if one[0] <= last], dry_run=dry_run)


def drop(home: Path, digest: str) -> int:
    """Remove the runs of one file or directory; return how many bytes that were.

    Args:
        home: The home.
        digest: Its digest: hexadecimal digits.
    """
    root = streams_folder(home)
    prefix = folder_name(digest, "")
    with contextlib.suppress(OSError):
        names = [entry.name for entry in os.scandir(root) if entry.name.startswith(prefix)]
        return sum(_remove(root, list(_files(root / name))) for name in names)
    return 0


def _remove(root: Path, files: list[tuple[float, int, str]], *, dry_run: bool = False) -> int:
    if dry_run:
        return sum(length for _, length, _ in files)
    removed = 0
    for _, length, path in files:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - one of very many
            removed += length
    if removed:
        (root / USED).unlink(missing_ok=True)
    return removed


def _files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Yield time of the last use, size and path of each run, except those being written."""
    todo = [str(folder)]
    while todo:
        top = todo.pop()
        with contextlib.suppress(OSError), os.scandir(top) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                    continue
                if entry.name == USED or entry.name.startswith("."):  # its locks
                    continue
                with contextlib.suppress(OSError):  # other processes remove them meanwhile
                    status = entry.stat(follow_symlinks=False)
                    fresh = status.st_mtime > time.time() - _STALE_SECONDS
                    if not (fresh and entry.name.endswith(UNFINISHED)):
                        yield status.st_mtime, status.st_size, entry.path
