"""The tree of errors: codes, exit statuses, pickling."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from radops import errors

ROOT = Path(__file__).parent.parent


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
