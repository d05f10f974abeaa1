"""A disk that keeps the times of files in whole seconds."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def coarse_disk(tmp_path: Path) -> Iterator[Path]:
    """An ext4 file system of 64 MiB with small inodes."""
    image, folder = tmp_path / "coarse.image", tmp_path / "coarse"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    commands = [["mkfs.ext4", "-q", "-I", "128", image], ["mount", "-o", "loop", image, folder]]
    try:
        done = sys.platform == "linux" and not any(
            subprocess.call(command, stderr=subprocess.DEVNULL) for command in commands
        )
    except FileNotFoundError:
        done = False
    if not done:
        pytest.skip("needs the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def begin_second() -> None:
    """Wait until a second has just begun, so that some changes fit into it."""
    time.sleep(1.1 - time.time() % 1)


def write_over(path: Path, data: bytes) -> None:
    """Write into a file in place."""
    with path.open("r+b") as file:
        file.write(data)
