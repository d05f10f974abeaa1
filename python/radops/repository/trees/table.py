"""The table of contents of a directory: entries, and the pages that list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from radops import native
from radops.errors import UIDNotFoundError
from radops.format.digest import Digest
from radops.repository.progress import ignore
from radops.repository.trees.entries import Entry, RawEntry, entry_of
from radops.repository.trees.fetching import Fetching, pages_of_children
from radops.repository.trees.parts import MAX_PART_SIZE, read_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.repository.objects.reader import ObjectReader
    from radops.repository.objects.store import LocalStore

# `Table` has a property of this name.
_Bytes: TypeAlias = bytes

# Entries that are in memory at once while all are listed.
_PAGE = 8192

# Entries that a page has at least, but for the last one, and at most; and pages that are fetched
# together, at most, to list a folder.
_LEAST_ENTRIES = 512
_MOST_OF_PAGE = 8192
_MOST_PAGES = 32


class Table:
    """What a committed directory lists. Nothing is fetched before it is needed. Thread-safe.

    Patterns are those of `native.TreeReader`: `*`, `?`, `[...]` and `**`; a folder that matches
    means all files below it; none match everything.

    Args:
        reader: Reads objects, from here or from the remote.
        store: The objects of the home.
        root: Digest of the root.
        root_size: Its size in bytes.
        layout: Digest of the layout.
    """

    def __init__(
        self,
        reader: ObjectReader,
        store: LocalStore,
        root: Digest,
        root_size: int,
        layout: Digest,
    ) -> None:
        self._reader = reader
        self._store = store
        self.root = root
        self.root_size = root_size
        self.layout = layout
        self.fetching = Fetching(reader, store, root)
        self._opened: native.TreeReader | None = None

    @property
    def opened(self) -> native.TreeReader:
        """The directory for calls into Rust. Fetches root and layout."""
        if self._opened is None:
            size = self._reader.bring(self.layout, MAX_PART_SIZE)
            self._opened = self.fetching.call(
                lambda: native.TreeReader(
                    self._store.root, (self.root.raw, self.root_size), (self.layout.raw, size)
                )
            )
        return self._opened

    def bring(self) -> None:
        """Fetch root, layout and source lists that are not here, even if they were read before.

        Without them, what is fetched later is not known to be this directory's: a purge would leave
        it, and a collection would remove it.
        """
        if not self._store.has(self.root, self.root_size):
            self._reader.fetch([(self.root, self.root_size)], ignore)
        self._reader.bring(self.layout, MAX_PART_SIZE)
        if (parts := read_parts(self._store.backend, self.root, self.layout)) is not None:
            lists = [(one.digest, one.size) for one in parts.lists]
            self._reader.fetch([one for one in lists if not self._store.has(*one)], ignore)

    @property
    def entries(self) -> int:
        """How many entries it has."""
        return self.opened.entries

    @property
    def files(self) -> int:
        """How many of them are files."""
        return self.opened.files

    @property
    def bytes(self) -> int:
        """Bytes of these files."""
        return self.opened.bytes

    # -- entries ---------------------------------------------------------------------------------

    def find(self, path: str) -> Entry | None:
        """Return the entry with this path, None if there is none."""
        found = self.fetching.call(lambda: self.opened.find(path))
        return None if found is None else entry_of(found)

    def children(
        self, folder: str, *, after: str = "", most: int = 1000
    ) -> list[tuple[str, Entry | None]]:
        """Return what is directly in a folder, after a name.

        Names of folders end with a slash and have no entry, unless the folder is empty.
        """
        found = self.raw_children(folder, after=after, most=most)
        return [(name, None if one is None else entry_of(one)) for name, one in found]

    def raw_children(
        self, folder: str, *, after: str = "", most: int = 1000
    ) -> list[tuple[str, RawEntry | None]]:
        """Return the same as `children`, with entries as Rust gives them."""
        pattern = folder.replace("[", "[[]")
        missing = self.opened.missing([pattern] if folder else [], places=False)
        if missing:
            pages = pages_of_children(self.opened, missing, folder, after)
            self.fetching.fetch(pages[: min(_MOST_PAGES, 2 + most // _LEAST_ENTRIES)])
        return self.fetching.call(lambda: self.opened.children(folder, after=after, most=most))

    def select(
        self, patterns: Sequence[str] = (), *, after: str = "", most: int = 1000
    ) -> list[Entry]:
        """Return entries that match, in order, after a path.

        Raises:
            UsageError: A pattern cannot be used.
        """
        found = self.fetching.call(lambda: self.opened.select(patterns, after=after, most=most))
        return [entry_of(one) for one in found]

    def each(self, patterns: Sequence[str] = ()) -> Iterator[Entry]:
        """Yield all entries that match, in order; pages are fetched together, before the first."""
        self.fetch_pages(patterns, places=False)
        after = ""
        while some := self.select(patterns, after=after, most=_PAGE):
            yield from some
            after = some[-1].path

    def files_below(
        self, folder: str, *, base: str = "", after: str = "", most: int = 1000
    ) -> list[tuple[str, int, _Bytes]]:
        """Return name, size and digest of files below a folder; see `native.TreeReader`."""
        return self.fetching.call(
            lambda: self.opened.files_below(folder, base=base, after=after, most=most)
        )

    def page_totals(self, patterns: Sequence[str] = ()) -> list[tuple[int, int]]:
        """Return how many files of each page match, and their bytes.

        Without patterns only the root is read; else the pages with what may match.
        """
        if patterns:
            self.fetch_pages(patterns, places=False)
        return self.fetching.call(lambda: self.opened.page_totals(patterns))

    def page_files(
        self, page: int, start: int, stop: int, patterns: Sequence[str] = ()
    ) -> list[Entry]:
        """Return files of a page that match, by their numbers among those."""
        found = self.fetching.call(lambda: self.opened.page_files(page, start, stop, patterns))
        return [entry_of(one) for one in found]

    def stretch(
        self, parts: Sequence[tuple[int, int, int]], patterns: Sequence[str] = ()
    ) -> tuple[str, str, _Bytes, _Bytes, _Bytes, list[tuple[_Bytes, int]], _Bytes, _Bytes]:
        """Return files that are neighbours in little memory; see `native.TreeReader.stretch`."""
        return self.fetching.call(lambda: self.opened.stretch(parts, patterns))

    def page_paths(self, page: int, patterns: Sequence[str] = ()) -> list[str]:
        """Return the paths of the files of a page that match."""
        found = self.fetching.call(lambda: self.opened.page_files(page, 0, _MOST_OF_PAGE, patterns))
        return [path for path, *_ in found]

    def fetch_pages(self, patterns: Sequence[str] = (), *, places: bool = True) -> None:
        """Fetch the pages that are needed for what matches, in one batch."""
        missing = self.fetching.call(lambda: self.opened.missing(patterns, places=places))
        self.fetching.fetch(missing)

    def fetch_numbered_pages(self, pages: Sequence[int]) -> None:
        """Fetch pages by their numbers, with their layout pages, in one batch."""
        self.fetching.fetch(self.fetching.call(lambda: self.opened.missing_pages(pages)))

    # -- where their bytes are ---------------------------------------------------------------------

    def needed(self, patterns: Sequence[str] = ()) -> list[tuple[Digest, int]]:
        """Return packs and large files that hold what matches, here or not."""
        self.fetch_pages(patterns)
        found = self.fetching.call(lambda: self.opened.needed(patterns))
        return [(Digest(digest), size) for digest, size in found]

    def sources(self) -> list[tuple[Digest, int]]:
        """Return every pack and large file, here or not."""
        found = self.fetching.call(self.opened.sources)
        return [(Digest(digest), size) for digest, size in found]

    def _file(self, path: str) -> Entry:
        entry = self.find(path)
        if entry is None or not entry.is_file:
            raise UIDNotFoundError(f"no file {path} in the directory")
        return entry
