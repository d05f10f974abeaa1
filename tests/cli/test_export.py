"""`download --to`: no copy ever takes the place of another file, whatever the file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from radops import native
from radops.cli import export as module
from radops.cli.export import export
from radops.errors import ConflictError


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for number, uid in enumerate(("sets/Train.csv", "sets/train.csv", "other.csv")):
        path = tmp_path / "lake" / str(number)
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"content {number}")
        found[uid] = path
    return found


@pytest.fixture
def ignores_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that takes names that differ in case for one, as on macOS and Windows."""
    rename, lexists = native.rename_noreplace, os.path.lexists

    def real(path: os.PathLike[str]) -> Path:
        found = Path(path)
        for part in range(len(found.parts)):
            above = Path(*found.parts[: part + 1])
            if not lexists(above) and above.parent.is_dir():
                for name in sorted(os.listdir(above.parent)):
                    if name.lower() == above.name.lower():
                        found = Path(above.parent, name, *found.parts[part + 1 :])
        return found

    monkeypatch.setattr(os.path, "lexists", lambda path: lexists(real(path)))
    monkeypatch.setattr(native, "rename_noreplace", lambda old, new: rename(old, real(new)))


def test_twins_are_told_apart_where_the_file_system_can(files, tmp_path: Path) -> None:
    copies = export(files, tmp_path / "to")
    assert [copy.read_text() for copy in copies.values()] == ["content 0", "content 1", "content 2"]


@pytest.mark.usefixtures("ignores_case")
def test_twins_are_refused_where_it_cannot(files, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match=r"sets/Train.csv and sets/train.csv"):
        export(files, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []
    one = {uid: path for uid, path in files.items() if uid != "sets/train.csv"}
    assert len(export(one, tmp_path / "to")) == 2


@pytest.mark.usefixtures("ignores_case")
def test_twins_that_the_check_does_not_know_overwrite_nothing(
    files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_folded", lambda uid: uid)
    with pytest.raises(ConflictError, match="is not this file"):
        export(files, tmp_path / "to")
    assert (tmp_path / "to/sets/Train.csv").read_text() == "content 0"


def test_a_file_that_comes_meanwhile_stays(
    files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = native.copy_file

    def copy_file(source, target, **more):
        (tmp_path / "to" / "other.csv").write_text("somebody's")
        return real(source, target, **more)

    monkeypatch.setattr(native, "copy_file", copy_file)
    with pytest.raises(ConflictError, match="is not this file"):
        export({"other.csv": files["other.csv"]}, tmp_path / "to")
    assert (tmp_path / "to/other.csv").read_text() == "somebody's"
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["other.csv"]
