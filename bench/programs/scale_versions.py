"""Make a directory of very many files that are made up as they come, and folders with changes.

Usage: scale_versions.py make UID FILES | scale_versions.py change FOLDER FILES VERSION

Each file has 16 bytes, no two the same. `make` packs them as `add s3://` does, without a bucket.
`change` writes a folder that holds one file in ten thousand, with other bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from radops import native
from radops.data_lake import DataLake
from radops.format.digest import Digest
from radops.format.uid import UID
from radops.lake.directory.add import commit_directory
from radops.repository.objects.store import Staged
from radops.repository.trees.intake import TakenIn, stem

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARE = 10_000
"""One file in so many is changed."""


def name(number: int) -> str:
    """Return the path of a file, in folders of a thousand."""
    return f"{number // 100_000:04}/{number // 1000 % 100:02}/image-{number:08}.jpg"


def make(uid: str, files: int) -> None:
    """Make the directory, and commit it."""
    session = DataLake().session
    store = session.store

    def keep(packs: Sequence[tuple[str, bytes, int, bytes] | None]) -> list[Staged]:
        staged = [
            Staged(Path(path), Digest(digest), size, outline)
            for path, digest, size, outline in filter(None, packs)
        ]
        store.admit(staged)
        return staged

    with store.staging():
        stream = native.TreeStream(stem(store))
        for number in range(files):
            _, before, after = stream.push(name(number), number.to_bytes(16, "little"))
            if before or after:
                keep((before, after))
        keep((stream.close(),))
        root, layout, (entries, count, size), raw, packs = stream.finish()
        taken = TakenIn(
            Digest(root[0]),
            root[1],
            Digest(layout[0]),
            count,
            size,
            entries,
            [
                *((Digest(digest), size) for digest, size in packs),
                *((one.digest, one.size) for one in keep(raw)),
            ],
            b"",
            count,
        )
        state = session.prepare_write().write_states([UID(uid)])[UID(uid)]
        commit_directory(session, "made up", UID(uid), state, taken)


def change(folder: Path, files: int, version: int) -> None:
    """Write the changed files."""
    for number in range(version, files, SHARE):
        path = folder / name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"version {version}, {number}".encode())


def main(kind: str, where: str, files: int, *version: str) -> None:
    """Do one of the two."""
    if kind == "change":
        change(Path(where), files, int(version[0]))
        return
    make(where, files)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
