"""What listings show of the inside of a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from radops.lake.directory.about import no_folder
from radops.lake.directory.names import directory_above, find_inner, literal
from radops.lake.directory.opened import open_directory
from radops.lake.reports import Listing
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.format.digest import Digest
    from radops.lake.directory.opened import Opened
    from radops.repository.trees.entries import Entry
    from radops.repository.working_lake import WorkingLake

# A shell shows no more, and a completion must be quick.
_MOST_COMPLETED: Final = 1000


def listed_inside(
    lake: WorkingLake, prefix: str, *, recursive: bool, where: str
) -> list[Listing] | None:
    """Return what is in a directory, or in a folder of one; None if the text names neither.

    Args:
        lake: The lake.
        prefix: `images/v1/`, `images/v1/cats` or the name of a file in a directory.
        recursive: Show all that is below, instead of folders.
        where: `all`, `local` (bytes are on this machine) or `remote`.

    Raises:
        UIDNotFoundError: The directory has no such folder or file.
    """
    found = directory_above(lake, prefix, local=where == "local")
    if found is None:
        return None
    record, inner = found
    opened = open_directory(lake, record)
    folder = inner.rstrip("/")
    shown = _Shown(lake, opened, opened.has_all())
    if not opened.is_folder(folder):
        if inner.endswith("/"):
            raise no_folder(opened, folder)
        file = find_inner(opened, inner)
        rows = [shown.row(file.path, file.entry)]
    elif recursive:
        with opened.naming():
            below = opened.tree.each([literal(folder)] if folder else [])
            rows = [shown.row(entry.path, entry) for entry in below]
    else:
        top = f"{folder}/" if folder else ""
        rows = list(shown.children(top, opened.children(folder)))
        rows.sort(key=lambda row: not row.is_folder)
    return rows if where != "local" else [row for row in rows if row.local]


def names_after(lake: WorkingLake, folder: str, after: str, limit: int) -> list[str] | None:
    """Return names directly in a directory or a folder of one, after a name; None elsewhere."""
    found = _folder(lake, folder)
    if found is None:
        return None
    opened, inner = found
    return [_slashed(*one) for one in _page(opened, inner, after, limit)]


def entries_after(lake: WorkingLake, folder: str, after: str, limit: int) -> list[Listing] | None:
    """Return rows of what is in a directory or a folder of one, after a name; None elsewhere.

    Raises:
        UIDNotFoundError: The directory has no such folder.
    """
    found = _folder(lake, folder)
    if found is None:
        return None
    opened, inner = found
    top = f"{inner}/" if inner else ""
    return list(_Shown(lake, opened).children(top, _page(opened, inner, after, limit)))


def _page(opened: Opened, folder: str, after: str, limit: int) -> list[tuple[str, Entry | None]]:
    """Return at most so many names in a folder, after one of them."""
    if after.endswith("/"):  # an empty folder is an entry, and sorts without a slash
        path = after.rstrip("/")
        entry = opened.find(f"{folder}/{path}" if folder else path)
        after = after if entry is None else path
    with opened.naming():
        return opened.tree.children(folder, after=after, most=limit)


def _folder(lake: WorkingLake, folder: str) -> tuple[Opened, str] | None:
    found = directory_above(lake, f"{folder.rstrip('/')}/", local=False)
    if found is None:
        return None
    opened, inner = open_directory(lake, found[0]), found[1].rstrip("/")
    if not opened.is_folder(inner):
        raise no_folder(opened, inner)
    return opened, inner


def _slashed(name: str, entry: Entry | None) -> str:
    return f"{name.rstrip('/')}/" if entry is None or entry.digest is None else name


class _Shown:
    """Makes lines of what is in a directory.

    Args:
        lake: The lake.
        opened: The directory.
        whole: Whether all of it is on this machine; None to find out only if a folder is shown.
    """

    def __init__(self, lake: WorkingLake, opened: Opened, whole: bool | None = None) -> None:
        self._opened = opened
        self._store = lake.store
        state = lake.state(opened.record.uid)
        self._remote = (
            lake.remote is not None and isinstance(state, Taken) and lake.is_published(state)
        )
        self._packs: dict[Digest, bool] = {}
        self._is_whole = whole

    def children(self, top: str, names: Iterable[tuple[str, Entry | None]]) -> Iterator[Listing]:
        for name, entry in names:
            if entry is None or entry.digest is None:
                folder = f"{self._opened.uid}/{top}{name.rstrip('/')}/"
                if self._is_whole is None:
                    self._is_whole = self._opened.has_all()
                yield Listing(folder, local=self._is_whole, remote=self._remote)
            else:
                yield self.row(entry.path, entry)

    def row(self, path: str, entry: Entry) -> Listing:
        record = self._opened.record
        slash = "/" if entry.digest is None else ""
        return Listing(
            f"{record.uid}/{path}{slash}",
            local=self._is_whole or self._is_local(entry),
            remote=self._remote,
            size=entry.size,
            created_at=record.created_at,
            originator=record.originator,
            digest=entry.digest,
        )

    def _is_local(self, entry: Entry) -> bool:
        """Return whether a file's bytes are here, as far as that is known without the remote."""
        if not entry.is_file or entry.size == 0 or entry.digest is None:
            return True
        if self._store.has(entry.digest, entry.size):
            return True
        source = self._opened.pack_of(entry)
        if source is None:
            return False
        if source[0] not in self._packs:
            self._packs[source[0]] = self._store.has(*source)
        return self._packs[source[0]]


def completed_inside(lake: WorkingLake, beginning: str) -> list[str] | None:
    """Return names in a directory that begin so, for a shell; None if the text is in none.

    Sends no request; a directory whose pages are not here completes to nothing.
    """
    found = directory_above(lake, beginning, local=True)
    if found is None:
        return None
    record, inner = found
    folder, _, start = inner.rpartition("/")
    opened = open_directory(lake, record)
    names = []
    for name, entry in opened.children(folder):
        if name.startswith(start):
            slash = "/" if entry is not None and entry.digest is None else ""
            names.append(
                f"{record.uid}/{folder}/{name}{slash}" if folder else f"{record.uid}/{name}{slash}"
            )
            if len(names) >= _MOST_COMPLETED:
                break
    return names
