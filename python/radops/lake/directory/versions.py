"""Versions of a name: `name/v1`, `name/v2`; `name/@latest` is the highest, `name/@next` is free.

They are a convention of names, for files and directories alike, not a tag that moves: what is
recorded is always the `vN`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from radops.arguments import check_name
from radops.errors import InvalidUIDError, UIDNotFoundError, UsageError
from radops.format.uid import UID, parse_uid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.repository.working_lake import WorkingLake

LATEST: Final = "@latest"
NEXT: Final = "@next"

# As `v1` is written: no zero in front, and short enough for any number of versions.
_VERSION: Final = re.compile(r"v([1-9][0-9]{0,8})")
_MARKED: Final = re.compile(r"(?P<name>.+)/(?P<mark>@[^/]*)(?P<rest>/.*)?", re.DOTALL)


def has_version(text: str) -> bool:
    """Return whether a name asks for a version by `@latest` or `@next`."""
    return _marked(text) is not None


def latest(lake: WorkingLake, text: str) -> str:
    """Return a name with its `@latest` replaced by the highest version that exists.

    Args:
        lake: The lake.
        text: `name/@latest`, or `name/@latest/path` for a file in a directory; any other text is
            returned as it is.

    Raises:
        UIDNotFoundError: No version exists.
        UsageError: `@next` was given, which is for writing.
    """
    found = _marked(text)
    if found is None:
        return text
    name = _name_of(found["name"])
    if found["mark"] == NEXT:
        raise UsageError(
            f"{name}/{NEXT} does not exist yet, so it cannot be read", hint=f"use {name}/{LATEST}"
        )
    for number in sorted(_numbers(lake, name), reverse=True):
        uid = UID(f"{name}/v{number}")
        if lake.find(uid) is not None:  # a listing can show files that were deleted
            return f"{uid}{found['rest'] or ''}"
    raise UIDNotFoundError(
        f"{name} has no versions", uid=text, hint=f"versions are named {name}/v1, {name}/v2, ..."
    )


def following(lake: WorkingLake, text: str) -> str:
    """Return a name with its `@next` replaced by the version after the highest one.

    A version that was deleted counts, so that no version means two things.

    Args:
        lake: The lake.
        text: `name/@next`; any other text is returned as it is.

    Raises:
        UsageError: `@latest` was given, which is for reading, or something follows `@next`.
    """
    found = _marked(text)
    if found is None:
        return text
    name = _name_of(found["name"])
    if found["mark"] == LATEST:
        raise UsageError(
            f"{name}/{LATEST} exists already, and files never change", hint=f"use {name}/{NEXT}"
        )
    if found["rest"]:
        raise UsageError(f"nothing can follow {NEXT}, as in {text}")
    return parse_uid(f"{name}/v{max(_numbers(lake, name), default=0) + 1}")


def _marked(text: str) -> re.Match[str] | None:
    """Return the parts of a name that asks for a version; None for any other name."""
    check_name(text)
    found = _MARKED.fullmatch(text)
    return found if found is not None and found["mark"] in (LATEST, NEXT) else None


def _name_of(text: str) -> UID:
    try:
        return parse_uid(text)
    except InvalidUIDError as error:
        raise InvalidUIDError(error.message, hint=error.hint) from None


def _numbers(lake: WorkingLake, name: UID) -> set[int]:
    """Return the numbers of all versions that listings show, deleted ones included."""
    numbers = set()
    for slots in lake.sides:
        for one in slots.list(f"{name}/", recursive=False):
            numbers |= _number_in(name, [one.uid.rstrip("/")])
    return numbers


def _number_in(name: UID, uids: Iterable[str]) -> set[int]:
    found = (_VERSION.fullmatch(uid[len(name) + 1 :]) for uid in uids)
    return {int(one[1]) for one in found if one is not None}
