"""Fetching what a directory needs while it is read, and replacing what Rust finds damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from radops import native
from radops.errors import CorruptObjectError, NewerFormatError, UsageError
from radops.format.digest import Digest
from radops.repository.progress import ignore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from radops.repository.objects.reader import ObjectReader
    from radops.repository.objects.store import LocalStore

T = TypeVar("T")

# Tries after which an object that was fetched is missing or damaged again: others may remove what
# was just fetched.
_MAX_TRIES = 8


class Fetching:
    """Calls into Rust about one directory, which fetch what they find missing or damaged.

    Args:
        reader: Fetches objects from the remote.
        store: The objects of the home.
        root: Digest of the root, for messages.
    """

    def __init__(self, reader: ObjectReader, store: LocalStore, root: Digest) -> None:
        self._reader = reader
        self._store = store
        self._root = root

    def fetch(self, objects: Sequence[tuple[bytes, int]]) -> None:
        """Fetch objects, as Rust names them, that are not here."""
        if objects:
            self._reader.fetch([(Digest(digest), size) for digest, size in objects], ignore)

    def call(self, work: Callable[[], T], *, most: int = _MAX_TRIES) -> T:
        """Call `work`, again each time after what it finds missing or damaged was fetched.

        An object that is missing for the first time costs no try: one page can name the next.
        """
        left = most
        seen: set[bytes] = set()
        while True:
            left -= 1
            last = left <= 0
            try:
                return work()
            except native.MissingObjectsError as error:
                self.fetch(error.args[0])
                missing = {digest for digest, _ in error.args[0]}
                if most > 1 and not missing <= seen:
                    seen |= missing
                    left += 1
                elif last:
                    raise CorruptObjectError(
                        f"objects of the directory {self._root} are removed as fast as they come",
                        hint="another process is making room at the same time; wait for it",
                    ) from None
            except native.DamagedObjectError as error:
                self._replace(Digest(error.args[0]), error.args[1], str(self._root), last=last)
            except native.BadSliceError as error:
                path, digest, size = error.args
                self._replace(Digest(digest), size, path, last=last)
            except native.NewerTreeError as error:
                raise NewerFormatError(f"the directory {self._root}: {error}") from None
            except native.TreeFormatError as error:
                raise CorruptObjectError(f"the directory {self._root}: {error}") from None
            except ValueError as error:
                raise UsageError(f"a pattern cannot be used: {error}") from None

    def _replace(self, digest: Digest, size: int, what: str, *, last: bool) -> None:
        """Fetch a damaged object again; the bad one is moved to quarantine as it is hashed."""
        self._store.distrust(digest)
        good = self._store.is_verified(digest, size)
        if good or last:
            raise CorruptObjectError(
                f"{what}: the bytes that the layout names in {digest} are wrong",
                hint="radops datalake verify --repair",
            )
        self._reader.fetch([(digest, size)], ignore)


def pages_of_children(
    tree: native.TreeReader, missing: Sequence[tuple[bytes, int]], folder: str, after: str
) -> list[tuple[bytes, int]]:
    """Return those of missing pages that are read to list a folder, in the order of their paths.

    A page that begins and ends within one folder that is directly in it is passed over: nothing
    begins there.
    """
    prefix = f"{folder}/" if folder else ""
    found = []
    for digest, size in missing:
        span = tree.page_span(digest)
        if span is None:
            continue
        start, end, _ = span
        child = _child_of(start, prefix)
        if end is not None and (
            end <= prefix + after.rstrip("/") or (child and child == _child_of(end, prefix))
        ):
            continue
        found.append((start, (digest, size)))
    return [page for _, page in sorted(found)]


def _child_of(path: str, prefix: str) -> str:
    """Return the folder directly below `prefix` that a path is in; empty if that is not known."""
    if not path.startswith(prefix):
        return ""
    name, slash, _ = path[len(prefix) :].partition("/")
    return name if slash else ""


def of_path(error: CorruptObjectError, path: str) -> CorruptObjectError:
    """Return the error with the path of the file that has the wrong bytes."""
    if path in error.message:
        return error
    return CorruptObjectError(f"{path}: {error.message}", hint=error.hint)
