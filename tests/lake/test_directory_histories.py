"""Equal folders have equal roots, however they came to be: by versions, by edits, by updates."""

from __future__ import annotations

import random
import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake

NAMES = ["a", "b.txt", "b!", "c/d", "c/e/f.bin", "c-x", "é/ü.txt", "g/1", "g/2", "g/3", "z"]


def some_files(chance: random.Random) -> dict[str, bytes]:
    chosen = chance.sample(NAMES, chance.randrange(1, len(NAMES)))
    # Few contents, so that files share them; some are empty.
    return {name: bytes([chance.randrange(4)]) * chance.randrange(0, 600) for name in chosen}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    fill(folder, files)
    return folder


def by_versions(lake: DataLake, folder: Path, versions: list[dict[str, bytes]]) -> str:
    for number, files in enumerate(versions):
        lake.add(write(folder, files), f"versions/v{number}")
    return f"versions/v{len(versions) - 1}"


def by_edits(lake: DataLake, folder: Path, versions: list[dict[str, bytes]]) -> str:
    lake.add(write(folder, versions[0]), "edits/v0")
    for number, (before, after) in enumerate(pairwise(versions), 1):
        directory = lake.directory(f"edits/v{number - 1}")
        with directory.edit(f"edits/v{number}") as edit:
            gone = [path for path in before if path not in after]
            if gone:
                edit.remove(*gone)
            for path, data in after.items():
                edit.write_bytes(path, data)
    return f"edits/v{len(versions) - 1}"


def by_updates(lake: DataLake, folder: Path, versions: list[dict[str, bytes]]) -> str:
    lake.add(write(folder, versions[0]), "updates/v0")
    for number, (before, after) in enumerate(pairwise(versions), 1):
        new = {path: data for path, data in after.items() if before.get(path) != data}
        gone = [path for path in before if path not in after]
        lake.add(
            write(folder, new),
            f"updates/v{number}",
            base=f"updates/v{number - 1}",
            update=True,
            remove=gone,
        )
    return f"updates/v{len(versions) - 1}"


@pytest.mark.parametrize("seed", range(3))
def test_one_root_from_many_histories(make_lake, tmp_path, seed):
    chance = random.Random(seed)
    versions = [some_files(chance) for _ in range(3)]
    expected = make_lake("plain").add(write(tmp_path / "plain-files", versions[-1]), "x").digest
    lake = make_lake("one")
    for way in (by_versions, by_edits, by_updates):
        uid = way(lake, tmp_path / way.__name__, versions)
        assert lake.directory(uid).digest() == expected, way.__name__
        assert dict(lake.directory(uid).read()) == versions[-1], way.__name__
    assert lake.verify().ok
