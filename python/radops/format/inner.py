"""Paths of files within a directory, and directories and such files as arguments of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from radops.format.params import Canonical
    from radops.format.uid import UID

MAX_INNER_BYTES: Final = 1024
"""Bytes of a path in UTF-8."""
MAX_NAME_BYTES: Final = 255
"""Bytes between two slashes: what common file systems can hold."""


def check_inner_path(path: str) -> None:
    """Check a path within a directory. The rules are those of `check_path` in the Rust code.

    Raises:
        ValueError: The path is empty, absolute or too long, or has a segment that is empty, `.`,
            `..`, too long, or contains NUL.
    """
    try:
        data = path.encode()
    except UnicodeEncodeError:
        raise ValueError("a path within a directory that is not text") from None
    names = data.split(b"/")
    if len(data) > MAX_INNER_BYTES or any(len(name) > MAX_NAME_BYTES for name in names):
        raise ValueError("a path within a directory that is too long")
    if any(name in {b"", b".", b".."} or b"\0" in name for name in names):
        raise ValueError("a path within a directory with a name that is empty, . or ..")


def directory_value(uid: UID) -> Canonical:
    """Return the canonical value of a directory that is an argument; its root is in the inputs."""
    return ["directory", uid]


def inner_value(path: str) -> Canonical:
    """Return the canonical value of a file within a directory that is an argument.

    Which directory is not part of it, as the file's digest is in the inputs: so a call for a file
    that a new version did not change is the same call.
    """
    check_inner_path(path)
    return ["inner", path]
