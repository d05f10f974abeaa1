"""A home without a lake: folders are added to it, and what was added is moved into `objects/`."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

from directories import reference as ref
from radops import native

_NUMBERS = itertools.count()


class Home:
    """A folder with `objects/` and `tmp/`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "objects").mkdir(parents=True)
        (path / "tmp").mkdir()

    def object(self, digest: bytes) -> Path:
        """Return where an object is."""
        name = digest.hex()
        return self.path / "objects" / name[:2] / name[2:]

    def stem(self) -> Path:
        """Return what temporary files begin with."""
        return self.path / "tmp" / f"host.1.{next(_NUMBERS):06x}"

    def admit(self, staged: list[tuple[str, bytes, int, bytes]]) -> None:
        """Move staged files to their names, each checked."""
        for path, digest, size, outline in staged:
            data = Path(path).read_bytes()
            assert (ref.digest_of(data), len(data)) == (digest, size)
            assert os.stat(path).st_mode & 0o777 == 0o444
            assert outline == native.hash_bytes(data)[1]
            target = self.object(digest)
            target.parent.mkdir(exist_ok=True)
            Path(path).replace(target)

    def add(
        self,
        folder: Path,
        base: list[native.TreeReader] | None = None,
        stats: Path | None = None,
        **options: Any,
    ) -> native.AddedTree:
        """Add a folder."""
        scan = native.FolderScan(folder, **options)
        sources = [source for tree in base or [] for source in tree.sources()]
        added = scan.add(self.path, self.stem(), base=sources, stats=stats)
        assert (added.entries, added.files, added.bytes) == (scan.entries, scan.files, scan.bytes)
        self.admit(added.staged)
        assert list((self.path / "tmp").iterdir()) == []
        return added

    def reader(self, added: native.AddedTree) -> native.TreeReader:
        """Open what was added."""
        return native.TreeReader(self.path, added.root, added.layout)


def fill(folder: Path, files: dict[str, bytes]) -> None:
    """Write files, with the folders that they are in."""
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def entries_of(
    folder: Path, *, executables: bool = False
) -> tuple[list[ref.Entry], dict[bytes, bytes]]:
    """Return what a folder holds, and the bytes of its files, found in the plainest way."""
    entries, contents = [], {}
    for top, folders, names in os.walk(folder):
        where = Path(top)
        for name in [*names, *folders]:
            path = where / name
            inner = path.relative_to(folder).as_posix()
            if path.is_symlink():
                entries.append(ref.link(inner, os.readlink(path)))
            elif path.is_dir():
                if not os.listdir(path):
                    entries.append(ref.folder(inner))
            else:
                data = path.read_bytes()
                run = executables and path.stat().st_mode & 0o100
                entry = ref.file(inner, data, ref.EXECUTABLE if run else ref.FILE)
                entries.append(entry)
                contents[ref.digest_of(data)] = data
    return sorted(entries, key=lambda entry: entry.path.encode()), contents


def shown(entry: ref.Entry) -> tuple[str, int, int, bytes | None, str | None]:
    """Return an entry as the Rust code gives it."""
    return entry.path, entry.kind, entry.size, entry.digest, entry.target
