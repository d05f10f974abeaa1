"""Sources that are moved into the lake.

A move on one file system copies nothing: the source is linked to `tmp/`, hashed, and renamed to
`objects/`, so for a while one file has two names. The source's own name is removed once the lake
holds the bytes durably, and only if it still is the very file that was taken. If the move fails,
the source gets its mode and times back, and an object that shares its file becomes a copy: no
object may have a second name that others can write to.

Where it is not proven that no process has the source open for writing, it is copied.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import stat
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from radops import native
from radops.backends.folder.permissions import set_mode
from radops.errors import FileChangedError
from radops.repository.objects.settled import (
    SECOND_NS,
    STEP_NS,
    TICK_NS,
    is_coarse,
    unsettled_ns,
)
from radops.repository.objects.writers import check_no_writer, has_no_writer, in_use, lease

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LOG = logging.getLogger("radops")

# The name that a source has for an instant, while it is looked at for the last time.
_LAST_NAME = ".radops-"


class Identity(NamedTuple):
    """What distinguishes a file from another one, and from itself after a change."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        """Return the identity in a stat."""
        return cls(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )

    def same_bytes(self, other: Identity) -> bool:
        """Return whether both are one file with the same bytes; links and renames change ctime."""
        return self[:4] == other[:4]


class Lent(msgspec.Struct):
    """A source of a move, as it was when it was taken."""

    path: Path
    how: Literal["link", "reflink", "copy"]
    """How the lake gets the bytes; with "link" the object is the source's own file."""
    name: Identity
    """The file that has the source's name: for a symbolic link, the link itself."""
    content: Identity
    """The file with the bytes."""
    mode: int
    atime_ns: int
    mtime_ns: int

    @property
    def is_linked(self) -> bool:
        """Whether source and object are one file."""
        return self.how == "link"

    def is_at(self, path: Path) -> bool:
        """Return whether the source's own file, not a copy, has this name."""
        try:
            status = os.lstat(path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.content[:2]

    @property
    def has_its_name(self) -> bool:
        """Whether the source is still found under its own name; a symbolic link is itself one."""
        try:
            status = os.lstat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.name[:2]

    def restore(self) -> None:
        """Give the source its mode and times back."""
        if self.is_at(self.path):
            self.path.chmod(self.mode)
            os.utime(self.path, ns=(self.atime_ns, self.mtime_ns))

    def check_unchanged(self) -> None:
        """Check after a copy that the source is what it was before.

        Raises:
            FileChangedError: It is not, or it is gone.
        """
        try:
            same = (Identity.of(os.lstat(self.path)), Identity.of(self.path.stat())) == (
                self.name,
                self.content,
            )
        except OSError:
            same = False
        if not same:
            raise FileChangedError(f"{self.path} changed while it was read", hint="run it again")


def borrow(source: Path) -> Lent:
    """Look at a source of a move before it is read.

    Raises:
        FileChangedError: A process has it open for writing.
        OSError: It cannot be read.
    """
    return _look(source)[0]


def _look(source: Path) -> tuple[Lent, bool]:
    """Return a source as it is, and whether it is proven that no process writes to it."""
    name = os.lstat(source)
    content = source.stat() if stat.S_ISLNK(name.st_mode) else name
    if stat.S_ISREG(content.st_mode):
        quiet = check_no_writer(source)
        # It is taken when it is so old that every later change shows.
        young = unsettled_ns(content.st_mtime_ns, content.st_ctime_ns, time.time_ns())
        if 0 <= young <= TICK_NS + STEP_NS:  # no time that lies in the future
            time.sleep(young / SECOND_NS)
    else:
        quiet = False
    return (
        Lent(
            source,
            "copy",
            Identity.of(name),
            Identity.of(content),
            stat.S_IMODE(content.st_mode),
            content.st_atime_ns,
            content.st_mtime_ns,
        ),
        quiet,
    )


def lend(source: Path, target: Path) -> Lent:
    """Make `target` a reflink of a source, else a hard link where that is safe.

    Returns:
        The source. Where its `how` is "copy" there is no target: the caller makes a copy.

    Raises:
        FileChangedError: A process has the source open for writing.
        OSError: It cannot be read.
    """
    lent, quiet = _look(source)
    status = os.lstat(source)
    if not stat.S_ISREG(status.st_mode):
        return lent
    try:
        if native.reflink(source, target):
            lent.how = "reflink"
        elif quiet and status.st_nlink == 1:  # a further name would be a way to write to the object
            os.link(source, target)
            lent.how = "link"
    except OSError as error:
        # Another file system, one without links, or a source that belongs to another user.
        if error.errno in {errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EIO}:
            raise
    return lent


def seal(target: Path, lent: Lent, hashed: Identity, mode: int) -> None:
    """Make a linked source read-only, if it is still what was hashed.

    Args:
        target: The second name of the source, in `tmp/`.
        lent: The source; takes the times that the file has from now on.
        hashed: What it was when it was hashed.
        mode: The mode of objects.

    Raises:
        FileChangedError: It was written to since, or a process has it open for writing.
    """
    descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        with lease(descriptor) as free:
            if not free:
                raise in_use(lent.path)
            if Identity.of(os.fstat(descriptor)) != hashed:
                raise FileChangedError(
                    f"{lent.path} changed while it was moved", hint="run the command again"
                )
            set_mode(descriptor, mode)
            os.utime(descriptor)
            status = os.fstat(descriptor)
            if is_coarse(status.st_mtime_ns, status.st_ctime_ns):
                earlier = status.st_mtime_ns - STEP_NS  # so that a later change shows
                os.utime(descriptor, ns=(earlier, earlier))
            lent.content = lent.name = Identity.of(os.fstat(descriptor))
    finally:
        os.close(descriptor)


def remove(lent: Lent) -> str | None:
    """Remove a source whose bytes the lake holds, unless it is no longer what was taken.

    The name is first changed to one that no other program uses, so that what is looked at last
    and what is removed are one file.

    Returns:
        None if it is gone; else why it was left in place.
    """
    last = lent.path.with_name(_LAST_NAME + secrets.token_hex(8))
    try:
        try:
            now = Identity.of(os.lstat(lent.path))
            if not now.same_bytes(lent.name) or (not lent.is_linked and now != lent.name):
                return _difference(now, lent.name)
            lent.path.rename(last)
        except FileNotFoundError:
            return None
        except OSError as error:
            return error.strerror or str(error)
        try:
            reason = _last_look(last, lent)
            if reason is None:
                last.unlink()
                return None
        except OSError as error:
            reason = error.strerror or str(error)
        return reason + _put_back(last, lent.path)
    except BaseException:  # an interrupt may come as soon as the file is renamed
        _put_back(last, lent.path)
        raise


def rename_back(sources: Iterable[Lent]) -> None:
    """Give sources their names back whose process was killed while `remove` ran.

    Args:
        sources: Those that are removed, or have their names, are left alone.
    """
    folders: dict[Path, dict[tuple[int, int], Lent]] = {}
    for lent in sources:
        folders.setdefault(lent.path.parent, {})[lent.name.device, lent.name.inode] = lent
    for folder, lost in folders.items():
        with contextlib.suppress(OSError):
            for path in [path for path in folder.iterdir() if path.name.startswith(_LAST_NAME)]:
                status = path.lstat()
                found = lost.get((status.st_dev, status.st_ino))
                if (
                    found is not None
                    and status.st_size == found.name.size
                    and (left := _put_back(path, found.path))
                ):
                    _LOG.warning(
                        "another file has the name of %s, whose move into the lake was cut short%s",
                        found.path,
                        left,
                    )


def _last_look(last: Path, lent: Lent) -> str | None:
    """Return why a source must not be removed, None if it may be."""
    now = Identity.of(os.lstat(last))
    if not now.same_bytes(lent.name):
        return _difference(now, lent.name)
    # Of a symbolic link only the link is removed: nothing is lost if its target is written to.
    if now.same_bytes(lent.content) and has_no_writer(last) is False:
        return "a process has it open for writing"
    # A process that opened it just before may have written to it and closed it.
    return None if Identity.of(os.lstat(last)).same_bytes(now) else "it changed meanwhile"


def _difference(now: Identity, taken: Identity) -> str:
    if now[:2] != taken[:2]:
        return "another file has its name by now"
    return "it changed meanwhile"


def _put_back(last: Path, path: Path) -> str:
    """Give a source its name back; return what to add to the reason if it was taken meanwhile."""
    try:
        native.rename_noreplace(last, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.link(last, path)  # file systems without an exclusive rename
            last.unlink()
            return ""
        return f"; it is {last} now"
    return ""
