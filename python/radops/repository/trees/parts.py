"""The objects that a directory consists of, found by its root and its layout alone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, NamedTuple

from radops import native
from radops.errors import CorruptObjectError, NewerFormatError
from radops.format.digest import Digest
from radops.repository.objects.trash import find_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.backends.base import Backend

MAX_PART_SIZE: Final = 8 * 1024 * 1024
"""Bytes of a root or a layout, at most; pages and source lists are smaller."""


Object = tuple[Digest, int]
"""Digest and size."""


class DamagedPartError(CorruptObjectError):
    """A root, a layout or a source list is not what it should be."""

    digest: Digest | None = None
    """Which."""


def _damaged(message: str, digest: Digest) -> DamagedPartError:
    error = DamagedPartError(message)
    error.digest = digest
    return error


class SourceList(NamedTuple):
    """A list of packs and large files."""

    digest: Digest
    size: int
    last: bool
    """Whether the layout names no list after it."""


class Parts(NamedTuple):
    """A root, a layout, and what the two name."""

    root: Object
    layout: Object
    pages: list[Object]
    layout_pages: list[Object]
    lists: list[SourceList]
    sources: list[Object]
    """Packs and large files, where the layout names them itself."""

    @property
    def all(self) -> Iterator[Object]:
        """Everything but what the source lists name."""
        yield from self.sources
        yield from self.structure

    @property
    def structure(self) -> Iterator[Object]:
        """Parts that hold no files but list and locate them."""
        yield from self.pages
        yield from ((one.digest, one.size) for one in self.lists)
        yield from self.layout_pages
        yield self.root
        yield self.layout


def read_parts(backend: Backend, root: Digest, layout: Digest) -> Parts | None:
    """Read a root and a layout, and return what they name; None if one of them is not here.

    Raises:
        CorruptObjectError: One is not what it should be.
        NewerFormatError: A later version of radops wrote it.
    """
    raw_root, raw_layout = _read(backend, root), _read(backend, layout)
    if raw_root is None or raw_layout is None:
        return None
    with _decoding(backend, root):
        _, _, _, pages = native.decode_root(raw_root)
    with _decoding(backend, layout):
        of, layout_pages, lists, sources = native.decode_layout(raw_layout)
    if of != root.raw or len(layout_pages) != len(pages):
        raise _damaged(f"object {layout} in {backend.url} is no layout of {root}", layout)
    last = len(lists) - 1
    return Parts(
        (root, len(raw_root)),
        (layout, len(raw_layout)),
        _objects(pages),
        _objects(layout_pages),
        [SourceList(Digest(item), size, index == last) for index, (item, size) in enumerate(lists)],
        _objects(sources),
    )


def read_sources(backend: Backend, found: SourceList) -> list[Object] | None:
    """Read a source list, and return the packs and large files that it names; None if not here.

    Raises:
        CorruptObjectError: It is not what it should be.
        NewerFormatError: A later version of radops wrote it.
    """
    raw = _read(backend, found.digest)
    if raw is None:
        return None
    with _decoding(backend, found.digest):
        return _objects(native.decode_sources(raw, last=found.last))


def objects_of(backend: Backend, root: Digest, layout: Digest) -> list[Object]:
    """Return everything that a directory consists of, in the order of a commit.

    Packs and large files, pages, source lists, layout pages, root, layout. Roots, layouts and
    source lists are read; the rest need not be in the backend.

    Raises:
        CorruptObjectError: One that is read is missing, or not what it should be.
        NewerFormatError: A later version of radops wrote it.
    """
    parts = read_parts(backend, root, layout)
    if parts is None:
        raise CorruptObjectError(
            f"the root {root} or the layout {layout} of a directory is missing in {backend.url}"
        )
    found: list[Object] = []
    for one in parts.lists:
        sources = read_sources(backend, one)
        if sources is None:
            raise CorruptObjectError(
                f"the source list {one.digest} of a directory is missing in {backend.url}"
            )
        found += sources
    return [*found, *parts.all]


def known_objects(
    backend: Backend, root: Digest, layout: Digest
) -> tuple[list[Object], list[Object]]:
    """Return what a directory consists of, as far as its parts are in the backend.

    Returns:
        Packs and large files, and all else: pages, source lists, layout pages, root and layout.

    Raises:
        DamagedPartError: A root, layout or source list is not what it should be.
        NewerFormatError: A later version of radops wrote it.
    """
    parts = read_parts(backend, root, layout)
    if parts is None:
        return [], []
    sources = list(parts.sources)
    for one in parts.lists:
        sources += read_sources(backend, one) or []
    return sources, list(parts.structure)


def _objects(found: list[tuple[bytes, int]]) -> list[Object]:
    return [(Digest(digest), size) for digest, size in found]


def _read(backend: Backend, digest: Digest) -> bytes | None:
    """Read an object where it is, or in the trash; None if it is in neither."""
    reader = find_object(backend, digest, 0, MAX_PART_SIZE + 1)
    if reader is None:
        return None
    with reader:
        raw = reader.read(MAX_PART_SIZE + 1)
    if len(raw) > MAX_PART_SIZE or Digest.of(raw) != digest:
        raise _damaged(f"the bytes of object {digest} in {backend.url} are wrong", digest)
    return raw


@contextlib.contextmanager
def _decoding(backend: Backend, digest: Digest) -> Iterator[None]:
    """Name the object that does not decode."""
    where = f"object {digest} in {backend.url}"
    try:
        yield
    except native.NewerTreeError as error:
        raise NewerFormatError(f"{where}: {error}") from None
    except native.TreeFormatError as error:
        raise _damaged(f"{where}: {error}", digest) from None
