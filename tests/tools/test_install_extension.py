"""The extension is replaced under programs that run, and none of them notices."""

from __future__ import annotations

import mmap
import zipfile
from pathlib import Path

import pytest

import install_extension


def wheel(folder: Path, content: bytes) -> Path:
    path = folder / "radops-1.0-cp310-abi3-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("radops/_core.pyi", b"")
        archive.writestr("radops/_core.abi3.so", content)
    return path


def test_who_has_the_old_one_keeps_it(tmp_path: Path) -> None:
    sources = tmp_path / "python"
    (sources / "radops").mkdir(parents=True)
    old = b"old" * 10_000
    target = install_extension.install(wheel(tmp_path, old), sources)
    with target.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert install_extension.install(wheel(tmp_path, b"new"), sources) == target
        assert mapped[:] == old
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o111
    assert [path.name for path in target.parent.iterdir()] == ["_core.abi3.so"]


def test_a_failure_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "python"
    (sources / "radops").mkdir(parents=True)
    target = install_extension.install(wheel(tmp_path, b"old"), sources)

    def fail(*_args: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no room"):
        install_extension.install(wheel(tmp_path, b"new"), sources)
    assert target.read_bytes() == b"old"
    assert [path.name for path in target.parent.iterdir()] == ["_core.abi3.so"]
