"""What people may rely on: names, arguments, and that each of them says what it does."""

from __future__ import annotations

import inspect
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

import radops.data_lake
from radops import errors
from radops.data_lake import DataLake, File, file_creator

ROOT = Path(__file__).parent.parent

# What the documentation promises. Arguments may be added, with defaults; none may go.
FILE = {
    "open": "mode encoding newline",
    "read_bytes": "",
    "read_text": "",
    "write_bytes": "data",
    "write_text": "text",
    "download": "",
    "path": "",
    "staged": "",
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


# Errors

ALL_ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, errors.RadopsError)
]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ([│ ]*)(?:[├└]── )?(\w+Error)\b(.*)", line):
            depth = len(match[1]) // 4 + ("── " in line)
            name, rest = match[2], match[3]
            del above[depth:]
            status = re.search(r"exit (\d)", rest)
            drawn[name] = (above[-1] if above else None, int(status[1]) if status else None)
            above.append(name)
    assert set(drawn) == {error.__name__ for error in ALL_ERRORS}
    for error in ALL_ERRORS:
        parent, status = drawn[error.__name__]
        if parent:
            assert error.__bases__[0].__name__ == parent
        assert status in (None, error.exit_code)


def test_every_kind_of_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in ALL_ERRORS]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", ALL_ERRORS)
def test_errors_cross_processes_whole(kind: type[errors.RadopsError]) -> None:
    error = kind("what happened", uid="a/b", hint="what to do")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert (str(copy), copy.uid, copy.hint) == ("what happened", "a/b", "what to do")


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        (errors.UIDNotFoundError, FileNotFoundError),
        (errors.UIDConflictError, FileExistsError),
        (errors.RemoteUnavailableError, ConnectionError),
        (errors.UsageError, ValueError),
        (errors.ArgumentTypeError, TypeError),
        (errors.LocalStorageError, OSError),
    ],
)
def test_errors_are_also_what_programs_catch_anyway(kind: type, also: type) -> None:
    assert issubclass(kind, also)


def test_every_exit_status_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    listed = set(map(int, re.findall(r"^\| (\d+) \|", page, re.MULTILINE)))
    assert {error.exit_code for error in ALL_ERRORS} <= listed
