"""Many small files of a directory, read in the order in which they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from radops.errors import UsageError
from radops.format.digest import Digest
from radops.lake.directory.names import literal
from radops.repository.trees.entries import MAX_PACKED
from radops.sizes import byte_count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from radops.lake.directory.opened import Opened
    from radops.repository.trees.entries import Entry

# Fewer files of a pack that is not here are read with a request each.
_MANY: Final = 3

# Files of one window, however small: some 30 MB of memory.
_MOST_FILES: Final = 32_768


def telling_of(paths: Collection[str], pages: int) -> list[str]:
    """Return patterns that select the pages with some files; none if about all pages have some.

    Args:
        paths: Of the files.
        pages: How many pages there are: it takes longer to look up more patterns than that.
    """
    if len(paths) <= pages:
        return [literal(path) for path in paths]
    folders = {path.rpartition("/")[0] for path in paths}
    if "" in folders or len(folders) > pages:
        return []
    return [f"{literal(folder)}/**" for folder in folders]


def window_bytes(window: str | int) -> int:
    """Return how many bytes `64MB`, `1GiB` or a number mean.

    Raises:
        UsageError: It means none.
    """
    size = byte_count(window)
    if size is None or size < 1:
        raise UsageError(f"a window of {window!r} cannot be used", hint='write "64MB", or bytes')
    return size


def read_in_stored_order(
    opened: Opened, patterns: Sequence[str], window: int
) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of files that match; see `Directory.read`.

    Packs are filled in the order of paths. So windows are cut in that order, and within one the
    files are read pack by pack.
    """
    with opened.naming():
        opened.tree.fetch_pages(patterns, places=True)
        for files in _windows(opened.tree.each(patterns), window):
            for path in _in_stored_order(opened, files):
                yield path, opened.tree.read(path)


def read_files(
    opened: Opened, files: Sequence[tuple[str, Entry]], window: int
) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of some files; see `Directory.read_files`.

    Args:
        opened: The directory.
        files: The path that each was asked for by, and its entry, behind symbolic links.
        window: Bytes that are fetched at once.
    """
    asked: dict[str, list[str]] = {}
    for path, entry in files:
        asked.setdefault(entry.path, []).append(path)
    entries = {entry.path: entry for _, entry in files}
    if not entries:
        return
    with opened.naming():
        opened.tree.fetch_pages(telling_of(entries, len(opened.tree.page_totals())), places=True)
        for some in _windows((entries[path] for path in sorted(entries)), window):
            for path in _in_stored_order(opened, some):
                data = opened.tree.read(path)
                for name in asked[path]:
                    yield name, data


def _in_stored_order(opened: Opened, files: Sequence[Entry]) -> list[str]:
    """Return the paths of files, pack by pack; packs of which many are missing are fetched."""
    placed: list[tuple[tuple[bytes, int], int, str]] = []
    missing: dict[tuple[bytes, int], list[Entry]] = {}
    first: dict[tuple[bytes, int], int] = {}
    for number, entry in enumerate(files):
        place = None
        if 0 < entry.size <= MAX_PACKED:
            place = _place(opened, entry.path)
        source, offset = place or ((b"", 0), number)
        if place is not None:
            missing.setdefault(source, []).append(entry)
        first.setdefault(source, number)
        placed.append((source, offset, entry.path))
    packs = [(Digest(raw), size) for raw, size in missing]
    opened.fetch(
        pack
        for pack, some in zip(packs, missing.values(), strict=True)
        if len(some) >= _MANY and opened.lacks(pack, some, _MANY)
    )
    placed.sort(key=lambda one: (first[one[0]], one[1]))
    return [path for _, _, path in placed]


def _place(opened: Opened, path: str) -> tuple[tuple[bytes, int], int] | None:
    """Return the pack of a file, and where it is there."""
    # A page may have been removed since all were fetched: it is fetched again.
    return opened.tree.fetching.call(lambda: opened.tree.opened.place(path))


def _windows(entries: Iterable[Entry], window: int) -> Iterator[list[Entry]]:
    """Cut entries into runs of files of some bytes together, and not too many."""
    files: list[Entry] = []
    size = 0
    for entry in entries:
        if not entry.is_file:
            continue
        if files and (size + entry.size > window or len(files) == _MOST_FILES):
            yield files
            files, size = [], 0
        files.append(entry)
        size += entry.size
    if files:
        yield files
