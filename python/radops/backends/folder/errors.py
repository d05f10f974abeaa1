"""The one place where errors of the file system become errors of radops."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from radops.errors import LocalStorageError, RadopsError, RemoteRefusedError, RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG))
"""Errors of a file system if there is no such key: no file, or a file or link in the way."""

NO_HARD_LINKS = frozenset(
    (
        errno.EPERM,
        errno.EMLINK,
        errno.ENOSYS,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.EINVAL,
        errno.EACCES,  # some FUSE and SMB mounts; if the folder is the cause, rename fails again
    )
)
"""Errors of a file system that has no hard links, or allows none to this user."""

NO_SUCH_RENAME = frozenset((errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP))
"""Errors of one that cannot rename without replacing."""

_DENIED = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
_IN_THE_WAY = frozenset((errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP))

HINTS = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room in your quota on that disk",
    errno.EACCES: "check the owner and the permissions of that path",
    errno.EPERM: "check the owner and the permissions of that path",
    errno.EROFS: "the file system is mounted read-only",
    errno.EXDEV: "the whole folder must lie on one file system",
    errno.ENOTDIR: "there is a file where a folder is needed",
    errno.EISDIR: "there is a folder where a file is needed",
    errno.EEXIST: "there is a folder or a link where a file is needed",
    errno.ELOOP: "there is a symbolic link where a folder is needed",
    errno.ESTALE: "the network folder was unmounted or moved; mount it again",
    errno.EMFILE: "too many open files; raise `ulimit -n`",
}
"""What to do, by the number of the error."""


def translate(error: OSError, root: Path, *, remote: bool) -> RadopsError:
    """Return what an error of the file system means.

    For the local home everything is a `LocalStorageError`. A shared folder that is used as a
    remote errs as remotes do: it refuses (rights), or it cannot be had for now (the rest), so
    that finished results are kept until it can.
    """
    if isinstance(error, RadopsError):
        return error
    path = error.filename2 or error.filename or root
    reason = os.strerror(error.errno) if error.errno else str(error)
    message = f"{os.fsdecode(path)}: {reason}"
    hint = HINTS.get(error.errno or 0)
    if not remote:
        local = LocalStorageError(message, hint=hint)
        local.errno = error.errno
        return local
    if error.errno in _DENIED or error.errno in _IN_THE_WAY or error.errno == errno.EXDEV:
        return RemoteRefusedError(message, hint=hint)
    return RemoteUnavailableError(message, hint=hint)


@contextmanager
def translated(root: Path, *, remote: bool) -> Iterator[None]:
    """Turn every `OSError` of the block into an error of radops."""
    try:
        yield
    except RadopsError:
        raise
    except OSError as error:
        raise translate(error, root, remote=remote) from error
