"""Listing a folder as keys: lazily, whatever others make and remove meanwhile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from radops.backends.base import Entry, is_key
from radops.backends.folder import temporary
from radops.backends.folder.errors import ABSENT

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from radops.backends.folder.beneath import Plain

_REMOVED = re.compile(r"\.nfs[0-9a-f]{16,}|\.fuse_hidden[0-9a-f]{16,}")


def is_removed(name: str) -> bool:
    """Return whether a network file system gave a file this name when it was removed.

    It keeps such a file as long as a process of this machine has it open.
    """
    return name[:1] == "." and _REMOVED.fullmatch(name) is not None


def list_folder(calls: Plain, root: str, prefix: str, *, recursive: bool) -> Iterator[Entry]:
    """Yield what `Backend.list` promises. Raises `OSError`.

    Memory is bounded by the depth of the tree: one open folder each. Only regular files are
    keys: links, which may lead anywhere, and special files are not there, nor are names that
    no key can have. Folders without any key below them are not there either.
    """
    head, slash, start = prefix.rpartition("/")
    if slash and (not is_key(head) or head.partition("/")[0] == temporary.FOLDER):
        return  # no key begins like that; above all not "/", "../" or "tmp/"
    base = head + slash
    for entry in _scan(calls, f"{root}/{head}".rstrip("/")):
        if not entry.name.startswith(start) or not _is_key(entry.name):
            continue
        if not base and entry.name == temporary.FOLDER:
            continue
        key = base + entry.name
        if not entry.is_dir(follow_symlinks=False):
            yield from _file(entry, key)
        elif recursive:
            yield from _walk(calls, f"{root}/{key}", key + "/")
        elif next(_walk(calls, f"{root}/{key}", ""), None) is not None:
            yield Entry(key + "/", 0, 0.0)


def _is_key(name: str) -> bool:
    return is_key(name) and not is_removed(name)


def _walk(calls: Plain, path: str, base: str) -> Iterator[Entry]:
    """Yield all files below a folder, depth first, without recursion: paths can be deep."""
    stack = [(_scan(calls, path), base, path)]
    while stack:
        entries, base, path = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
        elif not _is_key(entry.name):
            continue
        elif entry.is_dir(follow_symlinks=False):
            below = f"{path}/{entry.name}"
            stack.append((_scan(calls, below), f"{base}{entry.name}/", below))
        else:
            yield from _file(entry, base + entry.name)


def _scan(calls: Plain, path: str) -> Iterator[os.DirEntry[str]]:
    """Yield a folder's entries; none if it is not there, or no more once it is gone."""
    try:
        yield from calls.scan(path)
    except OSError as error:
        if error.errno not in ABSENT:
            raise


def _file(entry: os.DirEntry[str], key: str) -> Iterator[Entry]:
    """Yield the entry of a regular file, nothing for anything else or a file that is gone."""
    try:
        if entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield Entry(key, status.st_size, status.st_mtime)
    except OSError as error:
        if error.errno not in ABSENT:
            raise
