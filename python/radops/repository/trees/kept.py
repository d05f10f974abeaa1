"""Notes of the files of directories that are kept as objects of their own, without their packs.

::

    kept/<root>/<pack>.<name>    pack (digest, 8 bytes of size), files (digest, 4 bytes of size)

No record keeps such an object, so a collection and a purge find it by its note. A note is written
before the objects, never changed, and named by the digest of its bytes: one that is damaged counts
as none, and the objects are collected and fetched again when they are needed. Numbers are
little-endian.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from radops.backends.base import KeyNotFoundError
from radops.format.digest import Digest
from radops.repository.layout import KEPT, object_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.backends.base import Backend

_HEAD = struct.Struct("<32sQ")
_FILE = struct.Struct("<32sI")

Object = tuple[Digest, int]
"""Digest and size."""


class Kept(NamedTuple):
    """A note: files of a pack that are objects of their own, or were."""

    key: str
    pack: Object
    files: bytes

    def __iter__(self) -> Iterator[Object]:
        """Yield the files."""
        for digest, size in _FILE.iter_unpack(self.files):
            yield Digest(digest), size


def keep(backend: Backend, root: Digest, pack: Object, files: Iterable[tuple[bytes, int]]) -> None:
    """Note files of a directory that become objects of their own.

    Args:
        backend: The folder backend of local storage.
        root: The directory.
        pack: The pack that they are in.
        files: Digest and size of each.
    """
    prefix = f"{KEPT}{root.hex}/{pack[0].hex}."
    rows = {_FILE.pack(digest, size) for digest, size in files}
    older = []
    for entry in backend.list(prefix):
        if (found := _read(backend, entry.key)) is not None:
            older.append(entry.key)
            rows.update(found.files[at : at + _FILE.size] for at in _starts(found.files))
    data = _HEAD.pack(pack[0].raw, pack[1]) + b"".join(sorted(rows))
    key = f"{prefix}{Digest.of(data).hex}"
    if key not in older:
        backend.put([(key, data)])
    backend.delete([one for one in older if one != key])


def kept_files(backend: Backend, root: Digest) -> Iterator[Kept]:
    """Yield what is noted of a directory."""
    for entry in backend.list(f"{KEPT}{root.hex}/"):
        if (found := _read(backend, entry.key)) is not None:
            yield found


class KeptFiles:
    """What a collection in local storage keeps for files of directories.

    Args:
        backend: The folder backend of local storage.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._left: dict[Digest, list[str]] = {}
        self._unused: list[str] = []
        for entry in backend.list(KEPT):
            root = entry.key[len(KEPT) :].partition("/")[0]
            try:
                self._left.setdefault(Digest.from_hex(root), []).append(entry.key)
            except ValueError:
                continue  # not made by us

    def needed(self, roots: Iterable[Digest]) -> Iterator[Digest]:
        """Yield the files of directories that are needed: those whose packs are not here."""
        for root in roots:
            for key in self._left.pop(root, ()):
                found = _read(self._backend, key)
                if found is None or not any(self._is_here(digest) for digest, _ in found):
                    self._unused.append(key)
                elif not self._is_here(found.pack[0]):
                    yield from (digest for digest, _ in found)

    def _is_here(self, digest: Digest) -> bool:
        return self._backend.stat(object_key(digest)) is not None

    def drop_rest(self, limit: float, *, dry_run: bool) -> int:
        """Remove notes that were not needed, or of which no file is here; return how many.

        Args:
            limit: Those that are not younger, in seconds since the epoch.
            dry_run: Only count them.
        """
        keys = [*self._unused, *(key for some in self._left.values() for key in some)]
        found = zip(keys, self._backend.stats(keys), strict=True)
        old = [key for key, entry in found if entry is not None and entry.modified <= limit]
        if not dry_run:
            self._backend.delete(old)
        return len(old)


def _read(backend: Backend, key: str) -> Kept | None:
    """Read a note; None if it is gone or damaged."""
    try:
        with backend.open(key) as reader:
            data = reader.read()
    except KeyNotFoundError:
        return None
    if len(data) < _HEAD.size or Digest.of(data).hex != key.rpartition(".")[2]:
        return None
    digest, size = _HEAD.unpack_from(data)
    files = data[_HEAD.size :]
    return None if len(files) % _FILE.size else Kept(key, (Digest(digest), size), files)


def _starts(files: bytes) -> range:
    return range(0, len(files), _FILE.size)
