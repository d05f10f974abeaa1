"""Finding out which names of a lake changed on this machine since they were indexed.

Slots and notes are files that come and go by renames and links, which change the times of their
folders. So the times of the folders show where something changed, and only there names are read.
Nothing that adds, deletes or lists files has to tell the index.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from radops.lake.search.index import Change
from radops.repository.objects.settled import unsettled_ns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from radops.lake.search.index import SearchIndex


class Scan:
    """One look at the folders of a lake.

    Args:
        root: The local storage of the lake.
        index: What is known of them.
    """

    def __init__(self, root: Path, index: SearchIndex) -> None:
        self._root = os.fspath(root)
        self._index = index
        self._known = index.folders()
        self._below: dict[str, list[str]] = {}
        for path in self._known:
            self._below.setdefault(path.rpartition("/")[0], []).append(path)

    def has(self, path: str) -> bool:
        """Return whether there is such a folder, among those that were looked at so far."""
        return path in self._known

    def changes(self, top: str) -> Iterator[Change]:
        """Yield how the folders below `top`, and it itself, differ from what was indexed.

        Args:
            top: A folder in the local storage of the lake: `refs`, `notes`.
        """
        waiting = [top]
        while waiting:
            path = waiting.pop()
            try:
                mtime_ns = os.lstat(f"{self._root}/{path}").st_mtime_ns
            except OSError:
                yield from self._gone(path)
                continue
            known, seen = self._known.get(path, (-1, 0))
            if known == mtime_ns and unsettled_ns(mtime_ns, mtime_ns, seen) < 0:
                waiting += self._below.get(path, ())
                continue
            seen_ns = time.time_ns()
            folders, files = _listed(f"{self._root}/{path}")
            waiting += [f"{path}/{name}" for name in folders]
            for lost in set(self._below.get(path, ())) - {f"{path}/{name}" for name in folders}:
                yield from self._gone(lost)
            before = self._index.files(path)
            self._known[path] = mtime_ns, seen_ns
            yield Change(
                path,
                mtime_ns,
                seen_ns,
                [one for one in files.items() if before.get(one[0]) != one[1]],
                [name for name in before if name not in files],
                [f"{path}/{name}" for name in folders],
            )

    def _gone(self, path: str) -> Iterator[Change]:
        """Yield that all files of a folder that is gone are gone."""
        waiting = [path]
        while waiting:
            one = waiting.pop()
            waiting += self._below.get(one, ())
            if one in self._known:
                yield Change(one, -1, 0, [], list(self._index.files(one)), [])


def _listed(path: str) -> tuple[list[str], dict[str, int]]:
    """Return the folders in a folder, and its files with their inodes."""
    folders: list[str] = []
    files: dict[str, int] = {}
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    # SQLite has 64 bits with sign; only whether it is the same counts.
                    files[entry.name] = entry.inode() % (1 << 63)
    except OSError:
        pass  # removed meanwhile, or not ours to read: nothing is found in it
    return folders, files
