"""Training processes that are killed, and several that train together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")

from integrations.torch.conftest import FILES, SMALL
from radops.data_lake import DataLake, Directory
from radops.integrations.torch import StreamDirectory

PROGRAM = Path(__file__).with_name("train_program.py")


def start(published: Path, home: Path, out: Path, *arguments: str, **more: str) -> Any:
    remote = (published / "shared").as_uri()
    command = [sys.executable, str(PROGRAM), str(home), remote, str(out), *arguments]
    return subprocess.Popen(command, env={**os.environ, **more}, start_new_session=True)


def lines(out: Path) -> list[Any]:
    """Return the batches that were written whole."""
    text = out.read_text(encoding="utf-8") if out.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def expected(published: Path) -> StreamDirectory:
    lake = DataLake(home=published / "first", remote=(published / "shared").as_uri())
    return StreamDirectory(Directory("images", lake=lake), **SMALL, batch_size=16)


def test_a_killed_program_goes_on_from_its_last_state(published: Path, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    program = start(published, home, out, "1")
    deadline = time.monotonic() + 120
    while len(lines(out)) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    program.kill()
    program.wait()
    before = lines(out)
    assert before
    seen = [path for paths, _ in before for path in paths]
    state = before[-1][1]
    assert start(published, home, tmp_path / "rest", "2", json.dumps(state)).wait(120) == 0
    rest = [path for paths, _ in lines(tmp_path / "rest") for path in paths]
    names = list(expected(published).names(0, 0, 992))
    assert seen + rest == (names if len(seen) < 992 else [*names, *rest])
    # Workers whose parent was killed end by themselves; what they left is found usable or replaced.
    assert dict(expected_on(published, home)) == FILES


def expected_on(published: Path, home: Path) -> Any:
    lake = DataLake(home=home, remote=(published / "shared").as_uri())
    return StreamDirectory(Directory("images", lake=lake), **SMALL, batch_size=16, tail="uneven")


def test_two_processes_train_together(published: Path, tmp_path: Path) -> None:
    meeting = str(tmp_path / "meeting")
    programs = [
        start(
            published,
            tmp_path / "home",
            tmp_path / f"out{number}",
            "1",
            MASTER_FILE=meeting,
            NUMBER=str(number),
        )
        for number in range(2)
    ]
    assert [program.wait(200) for program in programs] == [0, 0]
    batches = [[paths for paths, _ in lines(tmp_path / f"out{number}")] for number in range(2)]
    names = list(expected(published).names())
    for number in range(2):
        assert [path for paths in batches[number] for path in paths] == names[number:992:2]
