"""Some files of a directory that are neighbours, in little memory: what a reader of many needs."""

from __future__ import annotations

import os
from array import array
from typing import TYPE_CHECKING, Final

from radops.errors import CorruptObjectError
from radops.format.digest import DIGEST_SIZE, Digest
from radops.native import file_spans, hash_bytes, join_files
from radops.repository.trees.entries import FILE, Entry
from radops.repository.trees.runs import MAX_GAP, MAX_REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from radops.lake.directory.opened import Opened

# What an object takes besides its contents, about.
_OVERHEAD: Final = 1000
_NO_PACK: Final = 0xFFFFFFFF

_Bytes = bytes
"""The class below has a property of that name."""


class Stretch:
    """Paths, sizes and digests of some files, and where those are that are on this machine.

    Some 70 bytes for each file. Reading one opens a pack and nothing else. Thread-safe.

    Args:
        opened: The directory.
        parts: Of some pages their number, the number of the first file among those that match, and
            the number after the last.
        patterns: What matches; none for all files.
    """

    __slots__ = (
        "_digests", "_ends", "_names", "_objects", "_offsets", "_pack_of", "_packs", "_prefix",
        "_sizes", "is_local",
    )  # fmt: skip

    def __init__(
        self, opened: Opened, parts: Sequence[tuple[int, int, int]], patterns: Sequence[str]
    ) -> None:
        found = opened.tree.stretch(parts, patterns)
        self._prefix, self._names = found[:2]
        self._ends, self._sizes = array("I", [0]), array("Q")
        self._ends.frombytes(found[2])
        self._sizes.frombytes(found[3])
        self._digests = found[4]
        self._objects = [(Digest(raw), size) for raw, size in found[5]]
        self._packs: list[str | None] = [
            str(opened.object_path(digest)) if opened.has(digest, size) else None
            for digest, size in self._objects
        ]
        self._pack_of, self._offsets = array("I", found[6]), array("I", found[7])
        self.is_local = self._has_loose(opened)
        """Whether all of them were on this machine when this was made."""

    def _has_loose(self, opened: Opened) -> bool:
        """Return whether all files that are in no pack of this machine are objects here."""
        if None not in self._packs and _NO_PACK not in self._pack_of:
            return True
        return all(
            opened.has(Digest(self._digest(number)), self._sizes[number])
            for number in range(len(self))
            if self._pack(number) is None and self._sizes[number]
        )

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(self._sizes)

    @property
    def memory(self) -> int:
        """Bytes that this takes, about."""
        return _OVERHEAD + len(self._names) + (DIGEST_SIZE + 20) * len(self)

    def path(self, number: int) -> str:
        """Return the path of a file."""
        return self._prefix + self._names[self._ends[number] : self._ends[number + 1]]

    def _digest(self, number: int) -> _Bytes:
        return self._digests[number * DIGEST_SIZE : (number + 1) * DIGEST_SIZE]

    def _pack(self, number: int) -> str | None:
        pack = self._pack_of[number]
        return None if pack == _NO_PACK else self._packs[pack]

    def entries(self) -> list[Entry]:
        """Return all of them, as `FileIndex.read` takes them."""
        return [self.entry(number) for number in range(len(self))]

    def entry(self, number: int) -> Entry:
        """Return a file, as `FileIndex.read` takes it."""
        digest = Digest(self._digest(number))
        return Entry(self.path(number), FILE, self._sizes[number], digest, None)

    def read_all(self, opened: Opened, read: Callable[[Sequence[Entry]], list[_Bytes]]) -> _Bytes:
        """Return the verified bytes of all files; see `FileIndex.read_all`.

        Files of packs that are not here are fetched in spans of many, and hashed all at once.

        Args:
            opened: The directory.
            read: Reads other files, and those of which wrong bytes arrived.

        Raises:
            CorruptObjectError: What `read` gives is not what the directory says of a file.
        """
        absent = [path is None for path in self._packs]
        places = (self._pack_of.tobytes(), self._offsets.tobytes(), self._sizes.tobytes())
        fetched = [
            (pack, start, opened.reader.read_span(*self._objects[pack], start, end))
            for pack, start, end in file_spans(*places, absent, gap=MAX_GAP, most=MAX_REQUEST)
        ]
        others: dict[int, _Bytes] = {}
        missing = [
            number
            for number, pack in enumerate(self._pack_of)
            if (pack == _NO_PACK or not absent[pack]) and self._sizes[number]
        ]
        while True:
            found = read([self.entry(number) for number in missing])
            others.update(zip(missing, found, strict=True))
            data, missing = join_files(*places, self._digests, fetched, others)
            if not missing:
                return data
            wrong = next((number for number in missing if number in others), None)
            if wrong is not None:
                raise CorruptObjectError(
                    f"{self.path(wrong)}: its bytes are not those that the directory names"
                )

    def is_right(self, number: int, data: _Bytes) -> bool:
        """Return whether some bytes are those of a file."""
        return len(data) == self._sizes[number] and hash_bytes(data)[0] == self._digest(number)

    def read(self, number: int) -> _Bytes | None:
        """Return the verified bytes of a file from its pack on this machine.

        None if it is in no pack, or is not found there: `FileIndex.read` handles that.
        """
        pack = self._pack(number)
        if pack is None:
            return None
        try:
            handle = os.open(pack, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            data = os.pread(handle, self._sizes[number], self._offsets[number])
        except OSError:
            return None
        finally:
            os.close(handle)
        return data if self.is_right(number, data) else None
