"""Views of files whose names others had before."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill
from lakes import storage
from radops.repository.objects import views

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake


@pytest.mark.parametrize("synced", [False, True])
def test_a_name_that_became_a_folder_and_a_file_again(
    make_lake, shared: str, write, synced: bool
) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a", "whole"), "data")
    assert two.path("data").read_text() == "whole"
    one.delete("data")
    one.add(write("b", "part"), "data/deep/t.csv")
    if synced:
        two.sync()
    assert two.path("data/deep/t.csv").read_text() == "part"
    assert two.verify().ok


def test_a_folder_of_stale_views_where_a_file_is_to_stand(make_lake, shared: str, write) -> None:
    lake = make_lake("one", remote=shared)
    lake.add(write("a", "whole"), "data")
    files = lake.path("data").parent
    (files / "data").unlink()
    (files / "data" / "deep").mkdir(parents=True)
    (files / "data" / "deep" / "t.csv").write_text("stale")
    assert lake.path("data").read_text() == "whole"
    assert lake.verify().ok


# -- views that were written to --------------------------------------------------------------------


@pytest.fixture
def writable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for root: no mode stops this process from writing to a view."""
    monkeypatch.setattr(views, "mode_protects", lambda: False)


def overwrite(path: Path, text: str) -> None:
    path.chmod(0o644)
    path.write_text(text)


def kept(lake: DataLake) -> list[str]:
    folder = lake.home / "storage/quarantine"
    return sorted(path.read_text() for path in folder.glob("written-*"))


@pytest.mark.usefixtures("writable")
@pytest.mark.parametrize("then", ["path", "delete", "delete_local", "newer"])
def test_what_was_written_to_a_view_is_moved_aside(
    make_lake, shared: str, write, then: str, caplog: pytest.LogCaptureFixture
) -> None:
    lake = make_lake("one", remote=shared)
    lake.add(write("a", "as stored"), "x.csv")
    path = lake.path("x.csv")
    overwrite(path, "hours of work")
    if then == "path":
        assert lake.path("x.csv").read_text() == "as stored"
    elif then == "delete_local":
        lake.delete_local("x.csv")
    else:
        lake.delete("x.csv")
        if then == "newer":
            lake.add(write("b", "newer"), "x.csv")
            assert lake.path("x.csv").read_text() == "newer"
    assert kept(lake) == ["hours of work"]
    assert "was written to" in caplog.text
    assert str(path) in caplog.text


@pytest.mark.usefixtures("writable")
def test_views_that_were_not_written_to_are_replaced_in_silence(
    make_lake, shared: str, write, caplog: pytest.LogCaptureFixture
) -> None:
    lake = make_lake("one", remote=shared)
    lake.add(write("a", "first"), "x.csv")
    path = lake.path("x.csv")
    os.utime(path, (1, 1))  # touched only
    lake.delete("x.csv")
    lake.add(write("b", "second"), "x.csv")
    assert lake.path("x.csv").read_text() == "second"
    lake.close()
    (lake.home / "storage/catalog.sqlite").unlink()
    assert lake.path("x.csv").read_text() == "second"
    lake.delete("x.csv")
    assert kept(lake) == []
    assert "was written to" not in caplog.text


def test_what_was_written_to_a_view_is_kept_at_the_end_of_the_process(
    make_lake, shared: str, write, tmp_path: Path
) -> None:
    lake = make_lake("one", remote=shared)
    lake.add(write("a", "as stored"), "x.csv")
    lake.add(write("b", "another"), "y.csv")
    program = """
import sys
from pathlib import Path
from radops.data_lake import DataLake
from radops.repository.objects import views
views.mode_protects = lambda: False
lake = DataLake(home=sys.argv[1], remote=sys.argv[2])
lake.path("y.csv")
path = lake.path("x.csv")
path.chmod(0o644)
path.write_text("hours of work")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(lake.home), shared],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "was written to" in ended.stderr
    assert kept(lake) == ["hours of work"]
    assert lake.path("x.csv").read_text() == "as stored"
    assert lake.path("y.csv").read_text() == "another"


def test_what_root_wrote_into_the_folder_of_a_directory_is_not_read_as_the_directory(
    make_lake, shared: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Programs in containers run as root, and write caches of their own beside the data."""
    if os.geteuid() != 0:
        pytest.skip("permissions stop this process")
    fill(tmp_path / "images", {"a.txt": b"right", "b/c.txt": b"right", "b/d.txt": b"right"})
    lake = make_lake(remote=shared)
    lake.add(tmp_path / "images", "images")
    lake.add(tmp_path / "images", "others/copy")
    read = (
        "from radops.data_lake import DataLake; import sys; p = DataLake(home=sys.argv[1], "
        "remote=sys.argv[2]).directory('images').path(); "
        "print(*sorted(f'{f.relative_to(p)}={f.read_text()}' for f in p.rglob('*.*')))"
    )

    def by_another_process() -> str:
        command = [sys.executable, "-c", read, str(lake.home), shared]
        return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()

    right = "a.txt=right b/c.txt=right b/d.txt=right"
    path = lake.directory("images").path()
    inode = path.stat().st_ino
    assert lake.directory("others/copy").path() != path
    assert by_another_process() == right
    assert path.stat().st_ino == inode
    (path / "a.txt").write_text("wrong")
    (path / "b/d.txt").unlink()
    (path / "b/labels.cache").write_text("mine")
    assert by_another_process() == right
    kept = {p.name: p.read_text() for p in storage(lake).glob("quarantine/*/**/*.*") if p.is_file()}
    assert kept == {"a.txt": "wrong", "labels.cache": "mine"}
    (path / "b/more.cache").write_text("more")
    lake.delete_local("images", "others/copy")
    assert not path.exists()
    assert [p.read_text() for p in storage(lake).glob("quarantine/*/b/more.cache")] == ["more"]
    assert "what was written is kept in" in caplog.text
