"""The files that are worked on: made once from a fixed seed, the same on every machine."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20_220_701
MIB = 1 << 20


@dataclass(frozen=True)
class Shape:
    """A set of files of one size."""

    name: str
    files: int
    size: int
    """Bytes of each file."""
    folders: int = 1
    distinct: int | None = None
    """How many different contents there are; None: each file has its own."""
    linked: bool = False
    """Whether files of one content are one file under many names, which is made faster."""
    made_up: bool = False
    """Whether only programs know the files, and none is on disk."""

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return self.files * self.size

    @property
    def label(self) -> str:
        """How people call it."""
        if not self.size:
            return f"{self.files:,} empty files"
        size = next(
            f"{self.size // unit:,} {name}"
            for unit, name in ((1 << 30, "GiB"), (MIB, "MiB"), (1 << 10, "KiB"), (1, "bytes"))
            if self.size >= unit and self.size % unit == 0
        )
        if self.files == 1:
            return f"one file of {size}"
        spread = f" in {self.folders} folders" if self.folders > 1 else ""
        return f"{self.files:,} files of {size}{spread}"


FULL = {
    shape.name: shape
    for shape in (
        Shape("big", 1, 2048 * MIB),
        Shape("gib", 1, 1024 * MIB),
        Shape("medium", 1000, MIB),
        Shape("small", 100_000, 4096, 200),
        Shape("some", 10_000, 4096, 20),
        Shape("names", 100_000, 64, 200, distinct=100),
        Shape("empty", 1_000_000, 0),
        Shape("few", 2_000, 4096, 4),
        Shape("handful", 50, 4096),
        Shape("classes", 20_000, 20_000, 200),
        Shape("million", 1_000_000, 16, distinct=1000, linked=True),
        Shape("million-kib", 1_000_000, 1024, 1000),
        Shape("entries", 10_000_000, 16, made_up=True),
    )
}
QUICK = {
    shape.name: shape
    for shape in (
        Shape("big", 1, 256 * MIB),
        Shape("gib", 1, 128 * MIB),
        Shape("medium", 100, MIB),
        Shape("small", 5_000, 4096, 10),
        Shape("some", 500, 4096, 5),
        Shape("names", 2_000, 64, 10, distinct=100),
        Shape("empty", 20_000, 0),
        Shape("few", 200, 4096, 4),
        Shape("handful", 10, 4096),
        Shape("classes", 2_000, 20_000, 100),
        Shape("million", 20_000, 16, distinct=1000, linked=True),
        Shape("million-kib", 20_000, 1024, 20),
        Shape("entries", 100_000, 16, made_up=True),
    )
}


def make(shape: Shape, folder: Path) -> Path:
    """Make the files of a shape in a folder, unless they are there; return where they are.

    The bytes cannot be compressed, and no two files hold the same unless the shape says so: neither
    compression nor deduplication turns one task into another.

    Args:
        shape: What to make.
        folder: Where; the files get a folder of their own in it.
    """
    target = folder / f"{shape.name}-{shape.files}x{shape.size}"
    if target.exists():
        return target
    if shape.made_up:
        target.mkdir(parents=True)
        return target
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    source = random.Random(f"{SEED} {shape.name}")
    per_folder = -(-shape.files // shape.folders)
    distinct = shape.distinct or shape.files
    for number in range(shape.files):
        if number % distinct == 0 and number:  # from the first content again
            source.seed(f"{SEED} {shape.name}")
        place = partial
        if shape.folders > 1:
            place = partial / f"d{number // per_folder:04}"
        if number % per_folder == 0:
            place.mkdir(parents=True, exist_ok=True)
        if shape.linked and number >= distinct:
            os.link(f"{place}/f{number % distinct:06}.bin", f"{place}/f{number:06}.bin")
            continue
        with open(f"{place}/f{number:06}.bin", "wb") as file:  # noqa: PTH123 - one of many
            file.writelines(
                source.randbytes(min(MIB, shape.size - start))
                for start in range(0, shape.size, MIB)
            )
    partial.rename(target)
    os.sync()
    return target
