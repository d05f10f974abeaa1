"""Many small files at once, through the Python face."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from radops import native

if TYPE_CHECKING:
    from pathlib import Path


def test_files_are_written(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"mine")
    files = [(tmp_path / str(number), bytes([number % 256]) * number) for number in range(2000)]
    answers = native.write_files(files, mode=0o440)
    assert isinstance(answers[1], FileExistsError)
    assert answers[1].filename == str(tmp_path / "1")
    assert [answer for answer in answers if answer is not None] == [answers[1]]
    assert (tmp_path / "1").read_bytes() == b"mine"
    for number, (path, content) in enumerate(files):
        if number != 1:
            assert path.read_bytes() == content
            assert stat.S_IMODE(path.stat().st_mode) == 0o440


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    (answer,) = native.write_files([(tmp_path / "absent" / "a", b"1")])
    assert isinstance(answer, FileNotFoundError)


def test_files_are_finished(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    os.utime(path, (0, 0))
    before = os.umask(0o777)
    try:
        assert native.finish_files([str(path)]) == [None]
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert path.stat().st_mtime > 1e9
    (answer,) = native.finish_files([tmp_path / "absent"])
    assert isinstance(answer, FileNotFoundError)


def test_names_are_given(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(name.encode())
    pairs = [
        (tmp_path / "a", tmp_path / "x" / "y" / "a"),
        (tmp_path / "b", tmp_path / "c"),
        (tmp_path / "absent", tmp_path / "z" / "absent"),
    ]
    first, second, third = native.place_files(pairs, replace=False)
    assert first is None
    assert isinstance(second, FileExistsError)
    assert (second.filename, second.filename2) == (str(tmp_path / "b"), str(tmp_path / "c"))
    assert isinstance(third, FileNotFoundError)
    assert sorted(os.listdir(tmp_path)) == ["b", "c", "x"]
    assert native.place_files(pairs[1:2], replace=True) == [None]
    assert (tmp_path / "c").read_bytes() == b"b"


def test_a_look(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"123")
    (tmp_path / "link").symlink_to(path)
    os.utime(path, ns=(0, 2**63 + 10**9))  # later than 64 bits of nanoseconds can say
    status = path.stat()
    found, absent, folder, link = native.stat_files(
        [path, tmp_path / "absent", tmp_path, tmp_path / "link"]
    )
    assert found == (3, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    assert absent is None
    assert isinstance(folder, IsADirectoryError)
    assert isinstance(link, OSError)
    assert link.errno == errno.EINVAL
