"""Files of directories that are objects of their own: naming damaged ones, and repairing them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from radops import native
from radops.errors import RadopsError
from radops.repository.trees.kept import kept_files
from radops.repository.verify.hits import is_about_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from radops.format.digest import Digest
    from radops.repository.objects.reader import ObjectReader
    from radops.repository.objects.store import LocalStore
    from radops.repository.verify.findings import Finding

# Entries that are in memory at once.
_AT_ONCE = 8192

_NOT_WHOLE = (
    native.MissingObjectsError,
    native.DamagedObjectError,
    native.TreeFormatError,
    native.NewerTreeError,
)


def name_kept(
    store: LocalStore,
    found: Sequence[Finding],
    trees: Iterable[tuple[str, Digest, native.TreeReader]],
) -> None:
    """Note in findings about such objects which files they are.

    Args:
        store: The objects of the home.
        found: The findings.
        trees: UID, root and table of contents of the directories in question.
    """
    damaged: dict[bytes, list[Finding]] = {}
    for one in found:
        if one.digest is not None and is_about_bytes(one):
            damaged.setdefault(one.digest.raw, []).append(one)
    for uid, root, tree in trees if damaged else ():
        own = {digest.raw for noted in kept_files(store.backend, root) for digest, _ in noted}
        own &= damaged.keys()
        for path, digest in _paths(tree, own):
            for finding in damaged[digest]:
                finding.hits(uid, 1, [path])


def _paths(tree: native.TreeReader, digests: set[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the paths of files with some digests, as far as the pages are here."""
    after = ""
    with contextlib.suppress(*_NOT_WHOLE):
        while digests and (some := tree.select(after=after, most=_AT_ONCE)):
            for path, _, _, digest, _ in some:
                if digest is not None and digest in digests:
                    yield path, digest
            after = some[-1][0]


class KeptMaker:
    """Fetches such objects again, out of their packs.

    Args:
        store: The objects of the home.
        reader: Reads packs, from here or from the remote.
        trees: Returns root and table of contents of each directory in question.
    """

    def __init__(
        self,
        store: LocalStore,
        reader: ObjectReader,
        trees: Callable[[], Iterable[tuple[Digest, native.TreeReader]]],
    ) -> None:
        self._store = store
        self._reader = reader
        self._trees = trees

    def make(self, digest: Digest) -> bool:
        """Fetch an object again and store it; return whether that was possible."""
        for root, tree in self._trees():
            for noted in kept_files(self._store.backend, root):
                if all(one != digest for one, _ in noted):
                    continue
                with contextlib.suppress(RadopsError, *_NOT_WHOLE):
                    for offset, (one, size) in tree.used(noted.pack[0].raw):
                        if one == digest.raw:
                            data = self._reader.read_slice(*noted.pack, offset, size, digest)
                            self._store.admit([self._store.stage_bytes(data)])
                            return True
        return False
