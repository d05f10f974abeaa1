"""Views: objects shown under the names that people know, made when they are asked for."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from radops import native
from radops.errors import CorruptObjectError
from radops.repository.catalog import Stamp

if TYPE_CHECKING:
    from radops.model.digest import Digest
    from radops.repository.local import LocalStore


def make(store: LocalStore, key: str, digest: Digest, size: int) -> Path:
    """Make a view, unless it stands; see `LocalStore.view`.

    A reflink where the file system can; else a hard link, but only where mode 0444 protects
    the object from this process (it does not from root); else a copy.
    """
    source = store.object_path(digest)
    path = store.root / key
    if _stands(store, path, key, source, digest, size):
        return path
    fresh = store.temporary()
    began = time.time_ns()
    try:
        if _mode_protects() and not native.reflink(source, fresh):
            before = source.stat()
            os.link(source, fresh)
            _place(store, fresh, key)
            store.follow_link(digest, before, began)
            return path
        fresh.unlink(missing_ok=True)
        copied = native.copy_file(source, fresh)
        if copied.digest != digest.raw:
            raise CorruptObjectError(f"the copy of {digest} for {path} came out wrong")
        _place(store, fresh, key)
        stamp = Stamp.of(path.stat())
    finally:
        fresh.unlink(missing_ok=True)
    store.catalog.remember([(key, stamp, digest)], began)
    return path


def _stands(
    store: LocalStore, path: Path, key: str, source: Path, digest: Digest, size: int
) -> bool:
    try:
        status = path.stat()
        if os.path.samestat(status, source.stat()):
            return True
    except OSError:
        return False
    stamp = Stamp.of(status)
    return stamp.size == size and store.catalog.checked(key, stamp, digest)


def _place(store: LocalStore, fresh: Path, key: str) -> None:
    path = store.root / key
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.replace(path)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        _make_way(store, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.replace(path)


def _make_way(store: LocalStore, key: str) -> None:
    """Remove the views of files that are no more, where a name became a folder or was one.

    No two files of a lake are in each other's way: of the two names one was deleted.
    """
    parts = key.split("/")
    for end in range(1, len(parts)):
        above = "/".join(parts[:end])
        if not (store.root / above).is_dir():
            store.remove_view(above)
    for folder, _, names in os.walk(store.root / key, topdown=False):
        for name in names:
            store.remove_view(os.path.relpath(f"{folder}/{name}", store.root))
        Path(folder).rmdir()


def _mode_protects() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() != 0
