"""What the directories of a repository keep: pages, layouts, source lists, packs and large files.

Roots, layouts and source lists are read, each once, and no pages. Rows on disk hold what was found,
so that memory does not grow with the directories.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptDataError, CorruptObjectError
from radops.format.digest import DIGEST_SIZE, Digest
from radops.repository.gc.partition import Partition
from radops.repository.trees.parts import Parts, SourceList, read_parts, read_sources
from radops.repository.workers import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from radops.backends.base import Backend
    from radops.repository.progress import Count

_PAIR = 2 * DIGEST_SIZE
_REQUIRED, _OPTIONAL = b"\1", b"\0"


class Trees:
    """The directories that records keep.

    Args:
        backend: Where their objects are.
        workers: How many are read at once.
        folder: Makes a folder for what does not fit in memory.
    """

    def __init__(self, backend: Backend, workers: int, folder: Callable[[], Path]) -> None:
        self._backend = backend
        self._workers = workers
        # Root, layout, and whether both must be here.
        self._pairs = Partition(_PAIR + 1, folder)
        # Source list, whether it is a layout's last, and whether it must be here.
        self._lists = Partition(DIGEST_SIZE + 2, folder)

    def add(self, trees: Iterable[tuple[Digest, Digest]], *, required: bool) -> None:
        """Add the directories that a record keeps.

        Args:
            trees: Root and layout of each.
            required: Whether their objects must be here. They need not be in a home whose remote
                is known to hold the record: there they keep what is here of them.
        """
        flag = _REQUIRED if required else _OPTIONAL
        for root, layout in trees:
            self._pairs.add(root.raw + layout.raw + flag)

    def follow(self, keep: Callable[[Iterable[Digest]], None], count: Count) -> None:
        """Pass on every object that the directories keep.

        Args:
            keep: Called with objects, often the same.
            count: Called with roots and source lists as they are read.

        Raises:
            CorruptDataError: A root, a layout or a source list is missing or wrong, so what it
                keeps is not known.
            NewerFormatError: A later version of radops wrote one.
        """
        try:
            for index in self._pairs.filled:
                pairs = _distinct(self._pairs.bucket(index))
                for number, parts in each(self._parts, pairs, self._workers):
                    count(0, 1)
                    if parts is not None:
                        self._keep_parts(parts, pairs[number][-1:], keep)
            for index in self._lists.filled:
                lists = _distinct(self._lists.bucket(index))
                for _, sources in each(self._sources, lists, self._workers):
                    count(0, 1)
                    keep(sources)
        except CorruptDataError as error:
            error.hint = error.hint or (
                "nothing was collected; find out what is wrong with: radops datalake verify"
            )
            raise

    def close(self) -> None:
        """Remove what is on disk."""
        self._pairs.close()
        self._lists.close()

    def _keep_parts(
        self, parts: Parts, flag: bytes, keep: Callable[[Iterable[Digest]], None]
    ) -> None:
        keep(digest for digest, _ in parts.all)
        for found in parts.lists:
            self._lists.add(found.digest.raw + bytes([found.last]) + flag)

    def _parts(self, row: bytes) -> Parts | None:
        root, layout = Digest(row[:DIGEST_SIZE]), Digest(row[DIGEST_SIZE:_PAIR])
        parts = read_parts(self._backend, root, layout)
        if parts is None and row[-1:] == _REQUIRED:
            raise self._missing(f"the root {root} or the layout {layout} of a directory")
        return parts

    def _sources(self, row: bytes) -> list[Digest]:
        # Its size is not needed to read it.
        found = SourceList(Digest(row[:DIGEST_SIZE]), 0, bool(row[DIGEST_SIZE]))
        sources = read_sources(self._backend, found)
        if sources is None and row[-1:] == _REQUIRED:
            raise self._missing(f"the source list {found.digest} of a directory")
        return [digest for digest, _ in sources or []]

    def _missing(self, what: str) -> CorruptObjectError:
        return CorruptObjectError(f"{what} is missing in {self._backend.url}")


def _distinct(rows: Iterable[bytes]) -> list[bytes]:
    """Return each row once, without those that differ from a required one in that alone."""
    found = set(rows)
    return [row for row in found if row[-1:] == _REQUIRED or row[:-1] + _REQUIRED not in found]
