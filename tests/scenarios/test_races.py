"""Processes that do the same thing at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from radops.data_lake import DataLake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.server import S3Server

ROUNDS = 50

_CREATE = """
    import sys, time
    from radops.data_lake import DataLake
    from radops.errors import UIDConflictError

    home, remote, text, rounds = sys.argv[1], sys.argv[2] or None, sys.argv[3], int(sys.argv[4])
    lake = DataLake(home=home, remote=remote)
    lake.ls()
    print("ready", flush=True)
    for _ in range(rounds):
        uid = sys.stdin.readline().strip()
        try:
            lake.file(uid).write_text(text)
            print("won", flush=True)
        except UIDConflictError as error:
            print("told" if error.uid == uid else f"wrong uid {error.uid}", flush=True)
"""


def start(home: Path, remote: str | None, text: str, rounds: int) -> subprocess.Popen[str]:
    program = [sys.executable, "-W", "error", "-c", textwrap.dedent(_CREATE)]
    process = subprocess.Popen(
        [*program, str(home), remote or "", text, str(rounds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def race(homes: tuple[Path, Path], remote: str | None) -> None:
    """Have two processes create one name at once, many times over."""
    racers = [start(home, remote, text, ROUNDS) for home, text in zip(homes, "ab", strict=True)]
    try:
        for number in range(ROUNDS):
            for racer in racers:
                assert racer.stdin is not None
                racer.stdin.write(f"race/{number}\n")
                racer.stdin.flush()
            answers = [racer.stdout.readline().strip() for racer in racers if racer.stdout]
            assert sorted(answers) == ["told", "won"]
            winner = "ab"[answers.index("won")]
            for home in homes:
                reader = DataLake(home=home, remote=remote)
                assert reader.file(f"race/{number}").read_text() == winner
                reader.close()
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def test_in_one_home(tmp_path: Path) -> None:
    race((tmp_path / "home", tmp_path / "home"), None)


def test_on_a_shared_folder(tmp_path: Path, shared: str) -> None:
    race((tmp_path / "one", tmp_path / "two"), shared)


def test_on_a_bucket(tmp_path: Path, seaweedfs: S3Server) -> None:
    bucket = seaweedfs.new_bucket()
    race(
        (tmp_path / "one", tmp_path / "two"),
        f"s3://{bucket}/lake?endpoint_url={seaweedfs.endpoint_url}",
    )


def test_two_shells_in_a_fresh_home_use_one_lake(tmp_path: Path) -> None:
    for attempt in range(10):
        home = tmp_path / f"home{attempt}"
        program = (
            "import sys; from radops.data_lake import DataLake\n"
            "lake = DataLake(home=sys.argv[1]); sys.stdin.readline()\n"
            "lake.file(sys.argv[2]).write_text('x')"
        )
        shells = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(home), name],
                stdin=subprocess.PIPE,
                text=True,
            )
            for name in ("a", "b")
        ]
        for shell in shells:
            assert shell.stdin is not None
            shell.stdin.write("go\n")
            shell.stdin.flush()
        for shell in shells:
            shell.communicate()
            assert shell.returncode == 0
        assert [row.uid for row in DataLake(home=home).ls()] == ["a", "b"]


def test_readers_of_one_file_fetch_it_once(
    tmp_path: Path, shared: str, make_lake: Callable[..., DataLake], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcntl")
    source = tmp_path / "big.bin"
    source.write_bytes(os.urandom(8 << 20))
    make_lake("one", remote=shared).add(source)
    program = textwrap.dedent("""
        import sys
        from radops.backends.folder.backend import FolderBackend
        from radops.data_lake import DataLake

        home, remote = sys.argv[1:]
        asked = []
        plain = FolderBackend.open

        def noting(self, key, *args):
            if self.url == remote and key.startswith("objects/"):
                asked.append(key)
            return plain(self, key, *args)

        FolderBackend.open = noting
        lake = DataLake(home=home, remote=remote)
        assert len(lake.file("big.bin").read_bytes()) == 8 << 20
        print("fetched" if asked else "waited", flush=True)
    """)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "two"), shared],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    fetched = "".join(reader.communicate()[0] for reader in readers)
    assert [reader.returncode for reader in readers] == [0] * 8
    assert sorted(fetched.split()) == ["fetched", *["waited"] * 7]
