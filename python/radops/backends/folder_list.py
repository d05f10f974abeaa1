"""Listing a folder as keys: lazily, whatever others make and remove meanwhile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from radops.backends import folder_temp
from radops.backends.base import Entry
from radops.backends.folder_errors import ABSENT
from radops.backends.keys import is_key

if TYPE_CHECKING:
    from collections.abc import Iterator


def list_folder(root: str, prefix: str, *, recursive: bool) -> Iterator[Entry]:
    """Yield what `Backend.list` promises. Raises `OSError`.

    Memory is bounded by the depth of the tree: one open folder each. Only regular files are
    keys: links, which may lead anywhere, and special files are not there, nor are names that
    no key can have. Folders without any key below them are not there either.
    """
    head, slash, start = prefix.rpartition("/")
    if slash and (not is_key(head) or head.partition("/")[0] == folder_temp.FOLDER):
        return  # no key begins like that; above all not "/", "../" or "tmp/"
    base = head + slash
    for entry in _scan(f"{root}/{head}"):
        if not entry.name.startswith(start) or not is_key(entry.name):
            continue
        if not base and entry.name == folder_temp.FOLDER:
            continue
        key = base + entry.name
        if not entry.is_dir(follow_symlinks=False):
            yield from _file(entry, key)
        elif recursive:
            yield from _walk(entry.path, key + "/")
        elif next(_walk(entry.path, ""), None) is not None:
            yield Entry(key + "/", 0, 0.0)


def _walk(path: str, base: str) -> Iterator[Entry]:
    """Yield all files below a folder, depth first, without recursion: paths can be deep."""
    stack = [(_scan(path), base)]
    while stack:
        entries, base = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
        elif not is_key(entry.name):
            continue
        elif entry.is_dir(follow_symlinks=False):
            stack.append((_scan(entry.path), f"{base}{entry.name}/"))
        else:
            yield from _file(entry, base + entry.name)


def _scan(path: str) -> Iterator[os.DirEntry[str]]:
    """Yield a folder's entries; none if it is not there, or no more once it is gone."""
    try:
        with os.scandir(path) as entries:
            yield from entries
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
