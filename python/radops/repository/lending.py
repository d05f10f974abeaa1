"""Sources that are moved into the lake: for a while one file has two names, theirs and ours.

A move on one file system copies nothing: the source is linked to `tmp/`, hashed, and renamed to
`objects/`; its own name goes once the lake holds it for good. If it comes to nothing before, the
source is given back as it was, and the object, which others may have found meanwhile, becomes a
copy: nobody must be able to write into an object through a name of theirs.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radops import native

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Lent:
    """A source as it was before it was linked."""

    path: Path
    mode: int
    atime_ns: int
    mtime_ns: int
    device: int
    inode: int

    def is_at(self, path: Path) -> bool:
        """Say whether the source's own file, no copy of it, has this name."""
        try:
            status = os.lstat(path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == (self.device, self.inode)

    def restore(self) -> None:
        """Give the source its mode and times again."""
        if self.is_at(self.path):
            self.path.chmod(self.mode)
            os.utime(self.path, ns=(self.atime_ns, self.mtime_ns))


def lend(source: Path, target: Path) -> Lent | None:
    """Make `target` a reflink of a file, which needs no giving back, else a hard link.

    Returns:
        What to give back; None for a reflink.

    Raises:
        OSError: Neither can be. Not every regular file can be linked: a further name that it has
            already would be a writable path to the object.
    """
    before = os.lstat(source)
    if not stat.S_ISREG(before.st_mode):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), os.fspath(source))
    if native.reflink(source, target):
        return None
    if before.st_nlink > 1:
        raise OSError(errno.EMLINK, os.strerror(errno.EMLINK), os.fspath(source))
    os.link(source, target)
    return Lent(
        source,
        stat.S_IMODE(before.st_mode),
        before.st_atime_ns,
        before.st_mtime_ns,
        before.st_dev,
        before.st_ino,
    )
