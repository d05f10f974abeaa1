"""Lakes that several tests of commands start from."""

from __future__ import annotations

import subprocess
import sys

import pytest

from console import clean_environment, cli

__all__ = ["clean_environment", "cli"]


@pytest.fixture
def sample(cli):
    """A lake with a file and a folder of files."""
    (cli.folder / "myfile.txt").write_text("this is some data\n")
    tree = cli.folder / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "b.csv").write_text("b")
    (tree / "a.csv").write_text("a")
    (tree / "sub" / "c d.csv").write_text("c")
    cli.ok("datalake", "add", "myfile.txt", "name.txt")
    cli.ok("datalake", "add", "--each", "tree", "data/")
    return cli


@pytest.fixture
def machines(cli, tmp_path):
    """Two machines with one remote: `first` has a file and published it, `second` has nothing."""
    made = []
    for name in ("first", "second"):
        machine = type(cli)(tmp_path / name, {"RADOPS_EMAIL": f"{name}@example.com"})
        machine.folder.mkdir()
        machine.ok("config", "setup", "--remote", f"file://{tmp_path}/shared", "--quiet")
        made.append(machine)
    first = made[0]
    (first.folder / "a.txt").write_text("a")
    first.ok("datalake", "add", "a.txt", "data/a.txt")
    return made


PIPELINE = """\
from radops.data_lake import File, file_creator


@file_creator
def process(f: File, rate: float, output_uid: str) -> File:
    with f.open("r") as fileobj:
        data = fileobj.read()
    out_file = File(output_uid)
    with out_file.open("w") as fileobj:
        fileobj.write(data + "additional data")
    return out_file


if __name__ == "__main__":
    first = process(File("raw.txt"), rate=0.5, output_uid="made/first.txt")
    process(first, rate=2.0, output_uid="made/second.txt")
"""


@pytest.fixture
def made(cli):
    """A lake where `made/second.txt` was made from `made/first.txt`, and that from `raw.txt`."""
    (cli.folder / "raw.txt").write_text("raw\n")
    (cli.folder / "pipeline.py").write_text(PIPELINE)
    cli.env["RADOPS_EMAIL"] = "user@striveworks.com"
    cli.ok("datalake", "add", "raw.txt")
    subprocess.run(
        [sys.executable, "pipeline.py"], cwd=cli.folder, env=cli.environment(), check=True
    )
    return cli
