"""What a checkout wrote is on the disk before its marker says that it is whole.

It is outside of the lake, and an `add` of it takes what is there for what people made of it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from radops.backends.durability import Barrier

if TYPE_CHECKING:
    from collections.abc import Iterable


class Flush:
    """Makes what is written into some folders durable, whatever file systems they are on.

    Args:
        folders: The folders, before anything is written: only then each error of writing is seen.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._barriers: dict[int, Barrier] = {}
        for folder in folders:
            with suppress(OSError):  # one that cannot be read, in which nothing may be written
                self._barrier(folder.stat().st_dev, folder)

    def close(self) -> None:
        """Let go of the folders."""
        for barrier in self._barriers.values():
            barrier.close()

    def _barrier(self, device: int, folder: Path) -> Barrier:
        if device not in self._barriers:
            self._barriers[device] = Barrier(folder)
        return self._barriers[device]

    def tree(self, folder: Path) -> None:
        """Make all below a folder durable that holds nothing of others."""
        self._barrier(folder.stat().st_dev, folder).sync_tree(str(folder))

    def below(self, top: Path, changed: Iterable[str]) -> None:
        """Make paths below a folder durable, and all names from there to them.

        Args:
            top: The folder.
            changed: Paths of files and folders that were made, replaced or removed.
        """
        inner = set(changed)
        for path in tuple(inner):
            above = path.rpartition("/")[0]
            while above and above not in inner:
                inner.add(above)
                above = above.rpartition("/")[0]
        here = (top / path for path in inner)
        self.paths((top, *(path for path in here if not path.is_symlink())))

    def paths(self, paths: Iterable[Path]) -> None:
        """Make contents of files and names in folders durable; what is gone is passed over."""
        by_device: dict[int, list[str]] = {}
        for path in paths:
            with suppress(FileNotFoundError, NotADirectoryError):
                status = path.stat()
                if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
                    by_device.setdefault(status.st_dev, []).append(os.fspath(path))
        for device, some in by_device.items():
            place = Path(some[0])
            self._barrier(device, place if place.is_dir() else place.parent).sync_contents(some)
