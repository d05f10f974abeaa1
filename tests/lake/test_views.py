"""Views of files whose names others had before."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

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
    monkeypatch.setattr(views, "_mode_protects", lambda: False)


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
views._mode_protects = lambda: False
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
