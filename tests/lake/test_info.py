"""What `info` says of a call beyond its record's own words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from radops.data_lake import File, file_creator

PROGRAM = """
from radops.data_lake import File, file_creator

@file_creator
def shout(f: File, output_uid: str) -> File:
    out = File(output_uid)
    out.write_text(f.read_text().upper())
    return out

shout(File("quiet.txt"), "loud.txt")
"""


@file_creator
def split(f: File, output_uids: dict[str, str]) -> dict[str, File]:
    parts = {name: File(uid) for name, uid in output_uids.items()}
    for name, part in parts.items():
        part.write_text(name)
    return parts


@file_creator
def join(
    files: list[File],
    named: dict[str, File],
    pair: tuple[File, int],
    *,
    rate: float,
    output_uid: str,
) -> File:
    out = File(output_uid)
    out.write_text("".join(file.read_text() for file in files))
    return out


@pytest.fixture
def quiet(lake, write) -> File:
    lake.add(write("quiet.txt", "hello"), "quiet.txt")
    return File("quiet.txt")


def test_the_keys_of_a_dict_are_told(lake, quiet):
    split(quiet, {"train": "b.txt", "test": "a.txt"})
    made = lake.info("a.txt").call
    assert [(one.uid, one.place) for one in made.outputs] == [("a.txt", "test"), ("b.txt", "train")]


def test_parameters_of_nothing_but_files_are_no_parameters(lake, quiet):
    join([quiet, quiet], {"q": quiet}, (quiet, 1), rate=0.5, output_uid="joined.txt")
    info = lake.info("joined.txt").call
    assert info.params == {"pair": ["quiet.txt", 1], "rate": 0.5}
    assert lake.why("joined.txt").params == info.params
    assert lake.lineage("joined.txt").nodes[0].params == info.params


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["program.py"], "its file was in no git repository"),
        (["-"], "it was written in a notebook or at a prompt"),
    ],
)
def test_it_says_why_there_is_no_link_to_the_code(lake, quiet, tmp_path, arguments, reason):
    assert quiet.exists()
    (tmp_path / "program.py").write_text(PROGRAM)
    subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, input=PROGRAM.encode(), check=True, timeout=120
    )
    code = lake.info("loud.txt").call.code
    assert code.url is None
    assert code.note == reason


def test_it_says_that_the_repository_has_no_remote(lake, quiet, tmp_path):
    assert quiet.exists()
    (tmp_path / "program.py").write_text(PROGRAM)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "program.py"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    subprocess.run([sys.executable, "program.py"], cwd=tmp_path, check=True, timeout=120)
    code = lake.info("loud.txt").call.code
    assert (code.url, code.path) == (None, "program.py")
    assert "its repository had no remote" in code.note
