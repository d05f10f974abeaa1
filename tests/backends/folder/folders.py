"""What tests of folders share: temporary files that were left, file systems that can do less."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from radops import native


def leftovers(root: Path) -> list[str]:
    return os.listdir(root / "tmp") if (root / "tmp").exists() else []


def no_links(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, "no links")


def no_exclusive_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the file system of every folder be one that always replaces."""
    real = native.place_files

    def place_files(pairs: list[tuple[str, str]], *, replace: bool) -> list[OSError | None]:
        if replace:
            return real(pairs, replace=True)
        return [OSError(errno.EINVAL, "no such flag") for _ in pairs]

    monkeypatch.setattr(native, "place_files", place_files)
