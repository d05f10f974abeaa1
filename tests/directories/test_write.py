"""Writing a directory as a folder: permissions, files of all sizes, and files kept one by one."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from directories import reference as ref
from directories.homes import Home, entries_of, fill
from radops import native

TIME = 1_700_000_000


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
@pytest.mark.parametrize(
    "modes", [(0o644, 0o755, 0o755), (0o444, 0o555, 0o555), (0o666, 0o777, 0o777)]
)
def test_modes_do_not_depend_on_the_umask(
    umask: int, modes: tuple[int, int, int], tmp_path: Path
) -> None:
    home, folder, out = Home(tmp_path / "home"), tmp_path / "folder", tmp_path / "out"
    large = bytes(5 * ref.MIB)
    fill(folder, {"a/run": b"1", "a/data": b"2", "a/empty": b"", "large": large})
    (folder / "a/run").chmod(0o755)
    reader = home.reader(home.add(folder, executables=True))
    before = os.umask(umask)
    try:
        reader.write(
            out, time=TIME, file_mode=modes[0], executable_mode=modes[1], folder_mode=modes[2]
        )
    finally:
        os.umask(before)
    file, executable, inner = modes
    found = {path.name: path.stat().st_mode & 0o7777 for path in [out, *out.rglob("*")]}
    assert found == {
        "out": inner,
        "a": inner,
        "run": executable,
        "data": file,
        "empty": file,
        "large": file,
    }
    for path in (out, out / "a"):
        path.chmod(0o755)
    assert (out / "a/data").read_bytes() == b"2"
    assert (out / "large").read_bytes() == large


@pytest.mark.parametrize("threads", [1, 2])
def test_files_of_all_sizes_are_written(threads: int, tmp_path: Path) -> None:
    chance = random.Random(2)
    home, folder, out = Home(tmp_path / "home"), tmp_path / "folder", tmp_path / "out"
    sizes = [0, 1, 4095, 4096, 4097, 100_000, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 1 << 20]
    files = {
        f"{number % 3}/{number:04}": chance.randbytes(chance.choice(sizes)) for number in range(300)
    }
    # The same bytes elsewhere: places in packs that go back.
    files |= {
        f"again/{number:04}": files[f"{number % 3}/{number:04}"] for number in range(0, 300, 7)
    }
    fill(folder, files)
    reader = home.reader(home.add(folder))
    progress = native.Progress()
    assert reader.write(out, time=TIME, threads=threads, progress=progress) == (
        len(files),
        sum(map(len, files.values())),
    )
    assert (progress.files, progress.bytes) == (reader.files, reader.bytes)
    assert entries_of(out) == entries_of(folder)
    for number in (2, 3, 50):  # leaving gaps in the packs
        some = tmp_path / f"some{number}"
        wanted = sorted(files)[::number]
        reader.write(some, wanted, time=TIME, threads=threads)
        found = {
            path.relative_to(some).as_posix(): path.read_bytes()
            for path in some.rglob("*")
            if path.is_file()
        }
        assert found == {path: files[path] for path in wanted}


def test_a_file_that_is_kept_beside_an_absent_pack_is_written(tmp_path: Path) -> None:
    chance = random.Random(4)
    home, folder, out = Home(tmp_path / "home"), tmp_path / "folder", tmp_path / "out"
    files = {f"{number:03}": chance.randbytes(5000) for number in range(40)}
    fill(folder, files)
    reader = home.reader(home.add(folder))
    (pack, _), _ = reader.place("000")
    home.object(pack).unlink()
    for data in files.values():
        target = home.object(ref.digest_of(data))
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data)
    reader.write(out, time=TIME)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == files
