"""How writing a file ends: published, refused with all of it kept, or discarded with a word."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from full_disk import no_file_above
from radops.data_lake import DataLake, File, file_creator
from radops.errors import CreatorError, LocalStorageError

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


def kept(lake: DataLake) -> dict[str, str]:
    """Return what `staged()` kept, by path below the folder of one `with` block."""
    root = lake.home / "storage/unpublished"
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for folder in root.glob("*")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def temporaries(lake: DataLake) -> list[str]:
    return [path.name for path in (lake.home / "storage/tmp").iterdir()]


# -- staged() ------------------------------------------------------------------------------------


def test_files_beside_the_path_are_not_thrown_away(lake: DataLake) -> None:
    with (
        pytest.raises(CreatorError, match=r"beside map\.shp .*map\.dbf, map\.shx") as caught,
        File("map.shp").staged() as path,
    ):
        for suffix in (".shp", ".shx", ".dbf"):
            path.with_suffix(suffix).write_text(suffix)
    assert kept(lake) == {"map.shp": ".shp", "map.shx": ".shx", "map.dbf": ".dbf"}
    (folder,) = (lake.home / "storage/unpublished").iterdir()
    assert str(folder) in str(caught.value)
    assert "output_uids" in str(caught.value.hint)
    assert not File("map.shp").exists()
    assert temporaries(lake) == []


def test_a_folder_is_no_file(lake: DataLake) -> None:
    with (
        pytest.raises(CreatorError, match=r"a folder was written as x\.zarr"),
        File("x.zarr").staged() as path,
    ):
        path.mkdir()
        (path / "part").write_text("1")
    assert kept(lake) == {"x.zarr/part": "1"}
    assert not File("x.zarr").exists()


def test_another_name_than_asked_for_is_named(lake: DataLake) -> None:
    with (
        pytest.raises(CreatorError, match=r"array was not written, but array\.npy"),
        File("array").staged() as path,
    ):
        path.with_suffix(".npy").write_text("1")
    assert kept(lake) == {"array.npy": "1"}


def test_a_link_is_no_file(lake: DataLake, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with (
        pytest.raises(CreatorError, match="a symbolic link was written"),
        File("a").staged() as path,
    ):
        path.symlink_to(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "a"


def test_in_a_creator_nothing_is_published_and_all_is_kept(lake: DataLake) -> None:
    @file_creator(name="tests.siblings")
    def siblings(output_uid: str) -> File:
        out = File(output_uid)
        with out.staged() as path:
            path.write_text("1")
            path.with_suffix(".aux.xml").write_text("2")
        return out

    with pytest.raises(CreatorError, match=r"dem\.aux\.xml"):
        siblings("dem.tif")
    assert lake.ls() == []
    assert kept(lake) == {"dem.tif": "1", "dem.aux.xml": "2"}
    assert temporaries(lake) == []


# -- streams that no `with` block ends -----------------------------------------------------------


def test_a_stream_that_is_never_closed_is_named(
    lake: DataLake, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.warns(ResourceWarning):
        print("{}", file=File("m.json").open("w"))
        gc.collect()
    assert "File('m.json') was not published" in caplog.text
    assert "with File('m.json').open" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING
    assert temporaries(lake) == []


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_an_explicit_close_says_so_too(
    lake: DataLake, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    stream = File("a").open(mode)
    with pytest.warns(ResourceWarning):
        stream.close()
    assert "File('a') was not published" in caplog.text
    stream.close()
    assert len(caplog.records) == 1


def test_an_error_in_the_block_needs_no_word(
    lake: DataLake, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyError), File("a").open("w"):
        raise KeyError
    assert not caplog.records


def test_a_script_shows_it_even_at_its_end(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import json\n"
        "from radops.data_lake import File\n"
        "json.dump({}, File('first.json').open('w'))\n"
        "kept = File('last.json').open('w')\n"
        "kept.write('x')\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "File('first.json') was not published" in done.stderr
    assert "File('last.json') was not published" in done.stderr
    assert "Traceback" not in done.stderr


# -- forked children -----------------------------------------------------------------------------


def in_child(work: object) -> int:
    """Run work in a forked child; return its exit status."""
    child = os.fork()
    if child == 0:
        try:
            work()  # type: ignore[operator]
        except BaseException:  # noqa: BLE001 - told by the status
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("leave", ["cleanly", "error", "close", "write"])
def test_a_child_neither_publishes_nor_removes_what_its_parent_writes(
    lake: DataLake, mode: str, leave: str
) -> None:
    with File("a").open(mode) as stream:
        data = "once" if mode == "w" else b"once"
        stream.write(data)  # type: ignore[arg-type] # still in the buffer, which the child copies

        def work() -> None:
            if leave == "cleanly":
                stream.__exit__(None, None, None)
            elif leave == "error":
                stream.__exit__(KeyError, KeyError(), None)
            elif leave == "close":
                stream.close()
            else:
                with pytest.raises(OSError):  # noqa: PT011 - whichever the system has for it
                    stream.write(data * 100_000)  # type: ignore[operator]
                    stream.flush()

        assert in_child(work) == 0
        assert not File("a").exists()
        stream.write(data)  # type: ignore[arg-type]
    assert File("a").read_text() == "onceonce"


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("error", [None, KeyError()])
def test_a_child_leaves_a_staged_path_to_its_parent(
    lake: DataLake, error: BaseException | None
) -> None:
    block = File("a").staged()
    path = block.__enter__()
    path.write_text("half")

    def work() -> None:
        block.__exit__(None if error is None else type(error), error, None)

    assert in_child(work) == 0
    assert not File("a").exists()
    path.write_text("whole")
    block.__exit__(None, None, None)
    assert File("a").read_text() == "whole"


# -- writes that fail ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["wb", "w"])
def test_what_misses_a_write_that_failed_is_not_published(lake: DataLake, mode: str) -> None:
    data = b"part" if mode == "wb" else "part"
    with (
        pytest.raises(LocalStorageError, match=r"'a'.* a write failed before \(File too large\)"),
        File("a").open(mode) as stream,
    ):
        stream.write(data)
        # As a library does that only logs it, or a thread that ends with it.
        with no_file_above(100_000), contextlib.suppress(OSError):
            stream.write(data * 100_000)
            stream.flush()
        stream.write(data)
    assert not File("a").exists()
    assert temporaries(lake) == []
    File("a").write_bytes(b"whole")
    assert File("a").read_bytes() == b"whole"


def test_a_creator_with_a_write_that_failed_fails(lake: DataLake) -> None:
    @file_creator
    def make(output_uid: str) -> File:
        with (
            File(output_uid).open("wb") as stream,
            no_file_above(100_000),
            contextlib.suppress(OSError),
        ):
            stream.write(bytes(200_000))
        return File(output_uid)

    with pytest.raises(LocalStorageError, match="a write failed before"):
        make("a")
    assert not File("a").exists()
