"""What the public API promises: names, arguments, documentation."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import radops.data_lake
from radops.data_lake import DataLake, File, file_creator

# What the documentation promises. Arguments may be added, with defaults; none may go.
FILE = {
    "open": "mode encoding newline",
    "read_bytes": "",
    "read_text": "",
    "write_bytes": "data",
    "write_text": "text",
    "download": "",
    "path": "",
    "staged": "made_from stream",
    "exists": "",
    "is_local": "",
    "info": "",
    "lineage": "up down depth",
    "delete": "",
    "delete_local": "",
}


LAKE = {
    "current": "",
    "use": "",
    "file": "uid",
    "ls": "prefix",
    "info": "uid",
    "add": "source uid move",
    "add_many": "pairs",
    "download": "targets",
    "sync": "uids dry_run",
    "lineage": "uid up down depth",
    "upstream": "uid",
    "downstream": "uid",
    "why": "uid",
    "delete": "uid cascade",
    "presigned_url": "uid seconds",
    "verify": "targets quick complete remote repair",
    "gc": "dry_run",
}


CREATOR = {
    "key": "args kwargs",
    "is_cached": "args kwargs",
    "why": "args kwargs",
    "submit": "executor args kwargs",
    "map": "items executor in_flight progress common",
}


@file_creator
def creator(f: File) -> File:
    """Make a file."""
    return f


@pytest.mark.parametrize(
    ("of", "promised"),
    [(File, FILE), (DataLake, LAKE), (type(creator), CREATOR)],
    ids=["File", "DataLake", "Creator"],
)
def test_what_is_promised_is_there_and_documented(of: type, promised: dict[str, str]) -> None:
    for name, parameters in promised.items():
        member = getattr(of, name)
        assert inspect.getdoc(member), f"{of.__name__}.{name} has no docstring"
        found = list(inspect.signature(member).parameters)
        assert [each for each in found if each in parameters.split()] == parameters.split()


@pytest.mark.parametrize("of", [File, DataLake, type(creator)])
def test_nothing_public_goes_undocumented(of: type) -> None:
    public = [name for name in vars(of) if not name.startswith("_")]
    assert [name for name in public if not inspect.getdoc(getattr(of, name))] == []


def test_only_what_is_exported_is_public() -> None:
    exported = set(radops.data_lake.__all__)
    assert {"File", "file_creator", "DataLake"} <= exported
    assert exported <= set(dir(radops.data_lake))
    for name in exported:
        assert getattr(radops.data_lake, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        radops.data_lake.no_such_name  # noqa: B018


def test_arguments_of_the_entrances() -> None:
    assert list(inspect.signature(File).parameters) == ["uid", "suffix", "lake"]
    lake = inspect.signature(DataLake).parameters
    assert list(lake)[:3] == ["context", "home", "remote"]
    assert lake["home"].kind is inspect.Parameter.KEYWORD_ONLY
    decorator = inspect.signature(file_creator).parameters
    assert {"name", "version", "track_code", "ignore", "on_code_change"} <= set(decorator)


def test_a_creator_looks_like_its_function() -> None:
    assert creator.__name__ == "creator"
    assert creator.__doc__ == "Make a file."
    assert list(inspect.signature(creator).parameters) == ["f"]
    assert inspect.isfunction(creator.__wrapped__)


def test_the_package_is_typed() -> None:
    assert (Path(radops.data_lake.__file__).parent.parent / "py.typed").exists()


def test_importing_the_api_loads_neither_boto3_nor_a_terminal_library() -> None:
    program = (
        "import sys; from radops.data_lake import File, file_creator, DataLake; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"boto3", "botocore", "typer", "rich", "click"} & set(done.stdout.split())
