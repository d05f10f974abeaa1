"""A directory of which parts are downloaded, and what is on a machine of it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from directories.lakes import LARGE, many, tree_of
from lakes import storage
from radops.format.digest import Digest

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake

MIB = 1 << 20
# Some 13 MB in packs of 8 MiB or more, and what needs no pack.
FILES = {
    **many(130, size=100_000),
    "f0/empty": b"",
    "g/large.bin": random.Random(7).randbytes(LARGE),
    "g/same.bin": many(1, size=100_000)["f0/000000.bin"],
}
SMALL = {path: data for path, data in FILES.items() if 0 < len(data) < LARGE}


def chosen(*folders: str) -> dict[str, bytes]:
    return {path: data for path, data in SMALL.items() if path.partition("/")[0] in folders}


def has(lake: DataLake, data: bytes) -> bool:
    return lake.session.store.has(Digest.of(data), len(data))


def packs(lake: DataLake) -> list[tuple[Digest, int]]:
    return [one for one in tree_of(lake, "v1").sources() if one[1] != LARGE]


def packs_here(lake: DataLake) -> list[tuple[Digest, int]]:
    return [one for one in packs(lake) if lake.session.store.has(*one)]


def notes(lake: DataLake) -> list[Path]:
    return [path for path in (storage(lake) / "kept").rglob("*") if path.is_file()]
