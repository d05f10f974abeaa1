"""Files of a directory by number: for samplers, which pick files without listing all of them."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from functools import partial
from typing import TYPE_CHECKING

from radops.errors import ConflictError
from radops.lake.directory.stretch import Stretch
from radops.repository.trees.many import read_many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from radops.format.digest import Digest
    from radops.lake.directory.opened import Opened
    from radops.repository.trees.entries import Entry


class FileIndex:
    """The files of a directory that match, numbered from 0 in the order of their paths.

    Made by `Directory.index`. Only pages of the table of contents that are needed are read: for all
    files of a directory, its size and its numbers are known from the root alone. Thread-safe, and
    usable in forked processes.

    Args:
        open_directory: Opens the directory in this process.
        patterns: What matches; none for all files.
        digest: The directory's digest.
    """

    def __init__(
        self, open_directory: Callable[[], Opened], patterns: Sequence[str], digest: Digest
    ) -> None:
        self._open_directory = open_directory
        self._patterns = () if "**" in patterns else tuple(patterns)
        self.digest = digest
        """What identifies the directory's contents."""
        opened = self._open()
        with opened.naming():
            pages = opened.tree.page_totals(self._patterns)
        self.pages: tuple[tuple[int, int], ...] = tuple(pages)
        """How many files of each page match, and their bytes."""
        self._starts = list(itertools.accumulate((files for files, _ in pages), initial=0))
        self.bytes = sum(size for _, size in pages)
        """Bytes of all these files."""
        self._prepared: set[int] = set()

    def _open(self) -> Opened:
        opened = self._open_directory()
        if opened.record.digest != self.digest:
            raise ConflictError(
                f"{opened.uid} was deleted, and another directory has its name now", uid=opened.uid
            )
        return opened

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, number: int) -> Entry:
        """Return the file of a number: its `path`, `size` and `digest`.

        Raises:
            IndexError: There is none.
        """
        at = number + len(self) if number < 0 else number
        found = self.between(at, at + 1) if at >= 0 else []
        if not found:
            raise IndexError(f"no file {number} of {len(self)}")
        return found[0]

    def __iter__(self) -> Iterator[Entry]:
        for start, stop in itertools.pairwise(self._starts):
            yield from self.between(start, stop)

    def between(self, start: int, stop: int) -> list[Entry]:
        """Return the files of the numbers from `start` up to, not including, `stop`."""
        opened, found = self._open(), []
        with opened.naming():
            for page, first, end in self._parts(start, stop):
                found += opened.tree.page_files(page, first, end, self._patterns)
        return found

    def paths(self) -> Iterator[str]:
        """Yield the paths of all files, faster than by iteration."""
        opened = self._open()
        for page, (files, _) in enumerate(self.pages):
            if files:
                with opened.naming():
                    found = opened.tree.page_paths(page, self._patterns)
                yield from found

    def stretch(self, start: int, stop: int) -> Stretch:
        """Return the files of the numbers from `start` up to `stop` in a form for many reads."""
        opened, parts = self._open(), list(self._parts(start, stop))
        with opened.naming():
            return Stretch(opened, parts, self._patterns)

    def _parts(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield pages with the numbers of files within each."""
        stop = min(stop, len(self))
        while start < stop:
            page = bisect_right(self._starts, start) - 1
            first, end = self._starts[page], min(stop, self._starts[page + 1])
            yield page, start - first, end - first
            start = end

    def prepare(self, stretches: Iterable[tuple[int, int]]) -> None:
        """Fetch the pages of the table of contents for some stretches of files, in one batch.

        Without it, it is fetched page by page as it is needed.

        Args:
            stretches: First number, and the one after the last.
        """
        pages: set[int] = set()
        for start, stop in stretches:
            first = bisect_right(self._starts, start) - 1
            pages.update(range(first, bisect_left(self._starts, stop)))
        pages -= self._prepared
        if pages:
            opened = self._open()
            with opened.naming():
                opened.tree.fetch_numbered_pages(sorted(pages))
            self._prepared |= pages

    def read(self, files: Sequence[Entry]) -> list[bytes]:
        """Return the verified bytes of some of the files, in the order given.

        Neighbours that are not on this machine are fetched together, by one request for each
        stretch of a pack, and are not kept.

        Raises:
            CorruptObjectError: Bytes are wrong; the message names the path.
            RemoteUnavailableError: They are not here, and the remote cannot be used.
        """
        opened = self._open()
        with opened.naming():
            return read_many(opened.tree, opened.reader, files)

    def read_all(self, stretch: Stretch) -> bytes:
        """Return the verified bytes of all files of a stretch, as one.

        Quicker than `read` for very many small files: what arrives is not split into files.

        Returns:
            Where each file begins and where the last ends, 8 bytes each (little-endian), then the
            bytes of all.

        Raises:
            CorruptObjectError: Bytes are wrong; the message names the path.
            RemoteUnavailableError: They are not here, and the remote cannot be used.
        """
        opened = self._open()
        with opened.naming():
            return stretch.read_all(opened, partial(read_many, opened.tree, opened.reader))

    def are_local(self, files: Sequence[Entry]) -> bool:
        """Return whether the bytes of some of the files are on this machine."""
        opened = self._open()
        with opened.naming():
            return all(map(opened.tree.is_here, files))
