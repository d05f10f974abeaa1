"""Several files of a directory in few requests, for readers that know what they read next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptObjectError
from radops.repository.trees.fetching import of_path
from radops.repository.trees.runs import runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.format.digest import Digest
    from radops.repository.objects.reader import ObjectReader
    from radops.repository.trees.entries import Entry
    from radops.repository.trees.tree import Tree

Place = tuple[int, int]
"""First byte in a pack, and the number of the file."""


def read_many(tree: Tree, reader: ObjectReader, entries: Sequence[Entry]) -> list[bytes]:
    """Return the bytes of several files, verified; what is fetched for it is not kept.

    Files that are close to each other in a pack which is not here come by one request.

    Args:
        tree: The directory.
        reader: Reads its objects.
        entries: Files of the directory.

    Raises:
        CorruptObjectError: Bytes of one are wrong; the message names its path.
        RemoteUnavailableError: They are not here, and the remote cannot be used.
    """
    found: dict[int, bytes] = {}
    absent: dict[tuple[Digest, int], list[Place]] = {}
    for number, entry in enumerate(entries):
        place = tree.absent_place(entry)
        if place is None:
            try:
                found[number] = tree.read(entry.path)
            except CorruptObjectError as error:
                raise of_path(error, entry.path) from None
        else:
            absent.setdefault(place[0], []).append((place[1], number))
    for (pack, size), places in absent.items():
        places.sort()
        offsets = [offset for offset, _ in places]
        sizes = [entries[number].size for _, number in places]
        for first, end in runs(offsets, sizes):
            found.update(_read_neighbours(reader, pack, size, places[first:end], entries))
    return [found[number] for number in range(len(entries))]


def _read_neighbours(
    reader: ObjectReader,
    pack: Digest,
    size: int,
    places: Sequence[Place],
    entries: Sequence[Entry],
) -> Iterator[tuple[int, bytes]]:
    slices = [
        (offset, entries[number].size, digest)
        for offset, number in places
        if (digest := entries[number].digest) is not None
    ]
    pieces = reader.read_slices(pack, size, slices)
    for piece, (_, number), (offset, length, digest) in zip(pieces, places, slices, strict=True):
        if piece is not None:
            yield number, piece
            continue
        try:  # what arrives wrong is requested once more
            yield number, reader.read_slice(pack, size, offset, length, digest)
        except CorruptObjectError as error:
            raise of_path(error, entries[number].path) from None
