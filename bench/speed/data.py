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

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return self.files * self.size

    @property
    def label(self) -> str:
        """How people call it."""
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
        Shape("few", 2_000, 4096, 4),
        Shape("handful", 50, 4096),
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
        Shape("few", 200, 4096, 4),
        Shape("handful", 10, 4096),
    )
}


def make(shape: Shape, folder: Path) -> Path:
    """Make the files of a shape in a folder, unless they are there; return where they are.

    Every file has other bytes, none of which can be compressed, so that nobody's deduplication
    or compression turns one task into another.

    Args:
        shape: What to make.
        folder: Where; the files get a folder of their own in it.
    """
    target = folder / f"{shape.name}-{shape.files}x{shape.size}"
    if target.exists():
        return target
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    source = random.Random(f"{SEED} {shape.name}")
    per_folder = -(-shape.files // shape.folders)
    for number in range(shape.files):
        place = partial
        if shape.folders > 1:
            place = partial / f"d{number // per_folder:04}"
        if number % per_folder == 0:
            place.mkdir(parents=True, exist_ok=True)
        with open(f"{place}/f{number:06}.bin", "wb") as file:  # noqa: PTH123 - one of many
            file.writelines(
                source.randbytes(min(MIB, shape.size - start))
                for start in range(0, shape.size, MIB)
            )
    partial.rename(target)
    os.sync()
    return target
