"""Creators of a main program travel to workers whose main program is another one."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake

WORKER = """
    import pickle, sys
    creator, arguments = pickle.load(open(sys.argv[1], "rb"))
    print(creator.key(*arguments), creator(*arguments).read_text())
    again = pickle.loads(__import__("cloudpickle").dumps(creator))
    print(again.key(*arguments), again == creator or again(*arguments).read_text())
"""

PROGRAM = """
    import sys
    import cloudpickle
    from radops.data_lake import File, file_creator

    OFFSET = 1000

    @file_creator(ignore=("verbose",))
    def even(n: int, verbose: bool = False) -> File:
        out = File()
        out.write_text("0" if n == 0 else odd(n - 1).read_text() + "e")
        return out

    @file_creator
    def odd(n: int) -> File:
        out = File()
        out.write_text(even(n - 1).read_text() + f"o{OFFSET}")
        return out

    if __name__ == "__main__":
        with open(sys.argv[1], "wb") as file:
            cloudpickle.dump((even, (4,)), file)
        print(even.key(4))
"""


def run(*command: object) -> list[str]:
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "changed" not in done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("project", [True, False])
def test_cloudpickle_brings_the_function_along(
    lake: DataLake, tmp_path: Path, project: bool
) -> None:
    pytest.importorskip("cloudpickle")
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    if project:
        (tmp_path / "here/pyproject.toml").write_text('[project]\nname = "demo"\n')
    program, worker = tmp_path / "here/program.py", tmp_path / "there/worker.py"
    program.write_text(textwrap.dedent(PROGRAM))
    worker.write_text(textwrap.dedent(WORKER))
    packed = tmp_path / "packed"
    (key,) = run(program, packed)
    answers = run(worker, packed)
    # The same key as in the program: its results are found again there.
    assert answers[0] == f"{key} 0o1000eo1000e"
    assert answers[1].split()[0] == key


DASK = """
    from distributed import Client, LocalCluster
    from radops.data_lake import File, file_creator

    @file_creator
    def square(n: int) -> File:
        out = File()
        out.write_text(str(n * n))
        return out

    if __name__ == "__main__":
        with LocalCluster(n_workers=1, processes=True, dashboard_address=None) as cluster:
            with Client(cluster) as client:
                print([file.read_text() for file in square.map(range(3), executor=client)])
"""


def test_a_script_maps_over_dask(lake: DataLake, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(DASK))
    assert run("-W", "ignore", program) == ["['0', '1', '4']"]
