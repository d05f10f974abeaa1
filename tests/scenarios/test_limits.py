"""Limits that clusters and macOS set: few open files, few threads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such limits")

DOWNLOADING = """
import resource, sys
from pathlib import Path
from radops.data_lake import DataLake
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
lake = DataLake(home=sys.argv[1], remote=sys.argv[2])
files = lake.download("many/")
assert len(files) == 330, len(files)
assert all(path.stat().st_size for path in files.values())
assert lake.verify().ok
"""


ADDING = """
import resource, sys
from pathlib import Path
from radops.data_lake import DataLake
limit = int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
lake = DataLake(home=sys.argv[1], remote=sys.argv[2])
paths = sorted(Path(sys.argv[3]).iterdir())
assert len(paths) == 330, len(paths)
lake.add_many([(path, f"many/{path.name}") for path in paths])
lake.add(sys.argv[3], "directory")
"""


def run(program: str, *arguments: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with small files, and such that take a lock and a partial file each."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(290):
        (folder / f"s{number}").write_text(f"small {number}")
    for number in range(40):
        (folder / f"l{number}").write_bytes(bytes([number]) * ((1 << 20) + 1))
    return folder


@pytest.mark.parametrize("limit", ["64", "256"])
def test_few_open_files(shared: str, files: Path, tmp_path: Path, limit: str) -> None:
    run(ADDING, str(tmp_path / "one"), shared, str(files), limit)
    run(DOWNLOADING, str(tmp_path / "two"), shared, limit)


def test_few_open_files_and_a_server(seaweedfs, files: Path, tmp_path: Path) -> None:
    """Each request takes a connection and a file."""
    bucket = seaweedfs.new_bucket()
    remote = f"s3://{bucket}/lake?endpoint_url={seaweedfs.endpoint_url}"
    run(ADDING, str(tmp_path / "one"), remote, str(files), "64")
    run(DOWNLOADING, str(tmp_path / "two"), remote, "64")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to be another user")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_no_thread_can_be_started(tmp_path: Path) -> None:
    """As `ulimit -u` of a cluster has it. Root has no such limit, so another user works here."""
    import resource  # noqa: PLC0415 - absent on Windows

    import radops.cli.main  # noqa: PLC0415

    files = tmp_path / "files"
    files.mkdir()
    for number in range(50):
        (files / str(number)).write_text(f"small {number}")

    def commands(files: Path, home: Path) -> None:
        os.environ["RADOPS_HOME"] = str(home)
        for command in (
            ["add", "-q", "--each", str(files), "each"],
            ["add", str(files), "directory"],
            ["verify"],
            ["download", "directory", "--to", f"{home}-copy"],
        ):
            ended = radops.cli.main.main(["datalake", *command])
            assert ended == 0, command

    commands(files, tmp_path / "warm")  # another user may not be able to read this Python
    with tempfile.TemporaryDirectory(prefix="radops-threads-") as name:
        Path(name).chmod(0o777)
        shutil.copytree(files, f"{name}/files")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setgroups([])
                os.setresgid(64001, 64001, 64001)
                os.setresuid(64001, 64001, 64001)
                resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
                with pytest.raises(RuntimeError):
                    threading.Thread(target=print).start()
                commands(Path(name, "files"), Path(name, "home"))
                status = 0
            except BaseException:  # noqa: BLE001 - a child ends here
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
