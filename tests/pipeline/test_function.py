"""What the decorator is given is checked where it is written, not after the function's work."""

from __future__ import annotations

from typing import Any

import pytest

from radops.data_lake import File, file_creator
from radops.errors import CreatorError, UsageError


def make(verbose: bool = False) -> File:
    raise AssertionError


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"version": 2}, "version is 2, an int, not text"),
        ({"version": 2.0}, "version is 2.0, a float"),
        ({"version": ""}, "version is ''"),
        ({"version": "1\n"}, "cannot be printed"),
        ({"version": b"2"}, "a bytes"),
        ({"name": 5}, "name is 5"),
        ({"name": ""}, "name is ''"),
        ({"name": "a..b"}, "empty part"),
        ({"name": ".b"}, "empty part"),
        ({"name": "team.\ud800"}, "cannot be printed"),
        ({"track_code": "yes"}, "track_code is 'yes'"),
        ({"track_code": 1}, "track_code is 1"),
        ({"ignore": "verbose"}, "ignore is 'verbose'"),
        ({"ignore": 5}, "ignore is 5"),
        ({"ignore": ("verbose", 5)}, "ignore holds 5"),
        ({"ignore": ("nothing",)}, "no parameter 'nothing'"),
        ({"on_code_change": "shout"}, "on_code_change is 'shout'"),
        ({"on_code_change": True}, "on_code_change is True"),
    ],
)
def test_arguments_that_can_never_work(options: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match) as caught:
        file_creator(**options)(make)
    assert caught.value.exit_code == 2


def test_the_remedy_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        file_creator(version=2)  # type: ignore[call-overload]
    assert caught.value.hint == "such as version='2'"
    with pytest.raises(UsageError) as caught:
        file_creator(ignore="verbose")
    assert "ignore=('verbose',)" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        file_creator("team.clean")  # type: ignore[call-overload]
    assert "name='team.clean'" in str(caught.value.hint)


def test_what_works_still_does() -> None:
    options = {"name": "team.clean", "version": "2", "track_code": True, "ignore": ["verbose"]}
    file_creator(**options, on_code_change="error")(make)  # type: ignore[call-overload]
    with pytest.raises(CreatorError, match="not a function"):
        file_creator(5)  # type: ignore[call-overload]
