"""Checking directories on this machine: that all of their parts are here, and agree.

What a directory consists of is noted like any object, and hashed once however many directories
share it. What is left is whether its layout is right: that each file is at the place in its layout
page. That is proven by hashing every slice, once for each pair of a page and a layout page: both
are named by their digests, so the proof holds for ever.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.errors import CorruptDataError, LocalStorageError, NewerFormatError
from radops.format.digest import Digest
from radops.repository.progress import watching
from radops.repository.trees.kept import kept_files
from radops.repository.trees.parts import known_objects, read_parts
from radops.repository.verify import findings
from radops.repository.verify.hits import name_hits
from radops.repository.verify.kept import name_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.repository.objects.store import LocalStore
    from radops.repository.progress import Count
    from radops.repository.verify.findings import Tally

# Directories whose paths are looked up for one damaged pack, and paths that are named.
_MOST_NAMED = 10


class _Seen(NamedTuple):
    """A directory, and the first name that it was found under."""

    root: Digest
    layout: Digest
    uid: str


class DirectoryCheck:
    """The directories of one check of a lake on this machine.

    Args:
        store: The objects of the home.
        tally: Takes the findings.
        full: Prove every page again, also where that was done before.
        threads: How many threads hash; 0 for one per core.
    """

    def __init__(self, store: LocalStore, tally: Tally, *, full: bool, threads: int = 0) -> None:
        self._store = store
        self.tally = tally
        self._full = full
        self._threads = threads
        self._seen: dict[tuple[Digest, Digest], str] = {}

    def objects(self, root: Digest, layout: Digest, uid: str) -> list[tuple[Digest, int]]:
        """Return what a directory consists of, as far as local storage has its parts, and note it.

        Without its root, its layout or a source list nothing is returned: that they are missing or
        damaged is found where they are looked at as objects.
        """
        self._seen.setdefault((root, layout), uid)
        try:
            return [
                one for part in known_objects(self._store.backend, root, layout) for one in part
            ]
        except (CorruptDataError, NewerFormatError, LocalStorageError):
            return []

    def kept(self, root: Digest) -> Iterator[tuple[Digest, int]]:
        """Yield files of a directory that are objects of their own, or were, without packs."""
        for noted in kept_files(self._store.backend, root):
            yield from noted

    @property
    def seen(self) -> list[tuple[Digest, Digest]]:
        """Root and layout of all directories of this check."""
        return list(self._seen)

    def name_hits(self) -> None:
        """Note in all findings which files of these directories they affect."""
        found = self.tally.findings
        name_hits(found, ((uid, tree) for uid, _, tree in self._trees()))
        name_kept(self._store, found, self._trees())

    def _trees(self) -> Iterator[tuple[str, Digest, native.TreeReader]]:
        for (root, layout), uid in self._seen.items():
            with contextlib.suppress(
                native.MissingObjectsError,
                native.DamagedObjectError,
                native.NewerTreeError,
                native.TreeFormatError,
            ):
                tree = self._open(_Seen(root, layout, uid))
                if tree is not None:
                    yield uid, root, tree

    def prove(self, count: Count) -> None:
        """Check each directory whose parts are here against its layout.

        Args:
            count: Called with bytes and files as they are hashed.
        """
        for (root, layout), uid in self._seen.items():
            one = _Seen(root, layout, uid)
            try:
                self._prove(one, count)
            except (native.MissingObjectsError, native.DamagedObjectError):
                continue  # not all is on this machine, or it was found as damaged
            except native.NewerTreeError as error:
                self._find(one, findings.NEWER, str(error), "update radops")
            except native.TreeFormatError as error:
                hint = "it was written wrong: add the directory again under another name"
                self._find(one, findings.RECORD, f"its parts do not fit: {error}", hint)

    def _prove(self, one: _Seen, count: Count) -> None:
        tree = self._open(one)
        if tree is None:
            return
        pairs = self._pairs(one)
        catalog = self._store.catalog
        if self._full:
            catalog.forget_proofs(pairs)
        todo = [number for number, pair in enumerate(pairs) if not catalog.is_page_proven(*pair)]
        if not todo:
            return
        tree.check()
        with watching(count) as progress:
            for number in todo:
                try:
                    bad, files = tree.prove([number], threads=self._threads, progress=progress)
                except native.MissingObjectsError:
                    continue  # packs of this page are not on this machine
                damaged = {found.digest for found in self.tally.findings}
                wrong = [path for path, (pack, _) in files if Digest(pack) not in damaged]
                if bad and not wrong:
                    continue  # the pack is damaged, and found so
                if bad:
                    named = ", ".join(wrong[:_MOST_NAMED])
                    message = f"its layout has wrong places for {bad:,} files: {named}"
                    hint = "the bytes may be good: add the directory again under another name"
                    self._find(one, findings.PLACE, message, hint)
                else:
                    catalog.remember_proofs([pairs[number]])

    def _open(self, one: _Seen) -> native.TreeReader | None:
        parts = self._parts(one)
        if parts is None:
            return None
        root, layout = parts
        return native.TreeReader(self._store.root, root, layout)

    def _parts(self, one: _Seen) -> tuple[tuple[bytes, int], tuple[bytes, int]] | None:
        try:
            parts = read_parts(self._store.backend, one.root, one.layout)
        except (CorruptDataError, NewerFormatError, LocalStorageError):
            return None  # found as objects that are damaged
        if parts is None:
            return None
        return (one.root.raw, parts.root[1]), (one.layout.raw, parts.layout[1])

    def _pairs(self, one: _Seen) -> list[tuple[Digest, Digest]]:
        """Return the page and the layout page of each pair; root and layout where there is one."""
        parts = read_parts(self._store.backend, one.root, one.layout)
        if parts is None or not parts.pages:
            return [(one.root, one.layout)]
        return [
            (page, layout_page)
            for (page, _), (layout_page, _) in zip(parts.pages, parts.layout_pages, strict=True)
        ]

    def _find(self, one: _Seen, kind: findings.Kind, message: str, hint: str) -> None:
        self.tally.find(kind, message, hint, [one.uid], digest=one.layout)
