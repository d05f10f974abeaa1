"""Making packs again, byte for byte, of the files that are in them, as far as these are here.

Files of a pack are in other packs too (those of another version), are objects of their own, or are
in read-only folders that were made of a directory; and of a damaged pack most files may be good.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from radops import native
from radops.errors import CorruptDataError, LocalStorageError, NewerFormatError
from radops.format.digest import Digest
from radops.repository.layout import FOLDERS
from radops.repository.objects.store import Staged
from radops.repository.trees.intake import stem
from radops.repository.trees.parts import known_objects, read_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.repository.objects.store import LocalStore
    from radops.repository.trees.parts import Object

# Entries that are in memory at once while a folder is looked through.
_AT_ONCE = 8192


class PackMaker:
    """Makes packs of some directories again.

    Args:
        store: The objects of the home.
        prefix: The lake's part of local storage.
        directories: Root and layout of each directory whose files may help.
    """

    def __init__(
        self, store: LocalStore, prefix: str, directories: Sequence[tuple[Digest, Digest]]
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._directories = directories

    def make(self, digest: Digest, size: int) -> bool:
        """Make a pack again and store it; return whether that was possible.

        Args:
            digest: The pack.
            size: Its size in bytes; -1 if it is not known.
        """
        sources = self._packs()
        if size < 0:
            size = next((length for one, length in sources if one == digest), -1)
        if size < 0:
            return False
        kept = self._store.quarantined(digest)
        damaged = Path(kept[-1]) if kept else None
        listed = native.pack_files(damaged, (digest.raw, size)) if damaged is not None else None
        # A trailer that was damaged may still decode, with another digest in it.
        for files in (listed, self._from_layouts(digest)):
            if files and self._made((digest, size), files, damaged, sources):
                return True
        return False

    def _made(
        self,
        pack: Object,
        files: Sequence[tuple[bytes, int]],
        damaged: Path | None,
        sources: set[Object],
    ) -> bool:
        """Make a pack of these files, if all of them are on this machine."""
        digest, size = pack
        with self._store.staging():
            try:
                lost, made = native.remake_pack(
                    self._store.root,
                    (digest.raw, size),
                    files,
                    stem(self._store),
                    damaged=damaged,
                    packs=[(one.raw, length) for one, length in sources if one != digest],
                    copies=list(self._copies({one for one, _ in files})),
                )
            except OSError as error:
                raise LocalStorageError(f"{self._store.root}: {error.strerror or error}") from error
            if lost or made is None:
                return False
            path, found, length, outline = made
            self._store.admit([Staged(Path(path), Digest(found), length, outline)])
        return True

    def trees(self) -> Iterator[tuple[Digest, native.TreeReader]]:
        """Yield the root and the table of contents of each directory whose parts are here."""
        for root, layout in self._directories:
            with contextlib.suppress(
                CorruptDataError,
                NewerFormatError,
                LocalStorageError,
                native.MissingObjectsError,
                native.DamagedObjectError,
                native.TreeFormatError,
            ):
                parts = read_parts(self._store.backend, root, layout)
                if parts is not None:
                    yield (
                        root,
                        native.TreeReader(
                            self._store.root,
                            (root.raw, parts.root[1]),
                            (layout.raw, parts.layout[1]),
                        ),
                    )

    def _from_layouts(self, pack: Digest) -> list[tuple[bytes, int]]:
        """Return the files of a pack as layouts have them; nothing if they leave a gap."""
        places: dict[int, tuple[bytes, int]] = {}
        for _, tree in self.trees():
            with contextlib.suppress(
                native.MissingObjectsError, native.DamagedObjectError, native.TreeFormatError
            ):
                places.update(tree.used(pack.raw))
        files, end = [], 0
        for offset in sorted(places):
            if offset != end:
                return []
            files.append(places[offset])
            end += places[offset][1]
        return files

    def _packs(self) -> set[Object]:
        found: set[Object] = set()
        for root, layout in self._directories:
            with contextlib.suppress(CorruptDataError, NewerFormatError, LocalStorageError):
                found.update(known_objects(self._store.backend, root, layout)[0])
        return found

    def _copies(self, wanted: set[bytes]) -> Iterator[tuple[bytes, str]]:
        """Yield contents that are wanted, and files of read-only folders that should hold them."""
        left = set(wanted)
        for root, tree in self.trees():
            folder = self._store.root / f"{self._prefix}{FOLDERS}{root.hex}"
            for top in folder.glob("*/*"):
                after = ""
                while left and (entries := _some(tree, after)):
                    for path, _, _, digest, _ in entries:
                        if digest in left and (top / path).is_file():
                            left.discard(digest)
                            yield digest, str(top / path)
                    after = entries[-1][0]


def _some(
    tree: native.TreeReader, after: str
) -> list[tuple[str, int, int, bytes | None, str | None]]:
    try:
        return tree.select(after=after, most=_AT_ONCE)
    except (native.MissingObjectsError, native.DamagedObjectError, native.TreeFormatError):
        return []
