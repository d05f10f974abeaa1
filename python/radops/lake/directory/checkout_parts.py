"""Which part of a directory a folder is a checkout of, when another part is written into it.

Files that a checkout of one directory has outside of a part of another would be taken for what was
changed in that one, by `add --update`. So such a part is refused.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from radops.errors import ConflictError
from radops.format.pattern import is_pattern, match
from radops.lake.directory.checkout_marker import Checkout, read_marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_MOST_NAMED: Final = 10


def earlier_part(folder: Path, paths: Sequence[str], new: Checkout) -> tuple[str, ...] | None:
    """Return the part of the same directory that a folder is a checkout of besides.

    Args:
        folder: The folder.
        paths: Files that are there.
        new: What is to be written.

    Returns:
        Its patterns, none for all; None if there is no such part, or nothing is left of it.

    Raises:
        ConflictError: The folder has files of a checkout of another directory, or of one that was
            interrupted, outside of what is to be written.
    """
    old = read_marker(folder)
    if old is None or not new.patterns:
        return None
    whole = old.earlier if old.unfinished else old.patterns
    same = old.digest == new.digest
    outside = set(paths).difference(selected(paths, new.patterns))
    strange: set[str] = set()
    if old.unfinished or not same:
        strange.update(selected(outside, old.patterns))
    if not same and whole is not None:
        strange.update(selected(outside, whole))
    if strange:
        raise _refused(folder, sorted(strange), old, new)
    return whole if whole is not None and selected(outside, whole) else None


def both(patterns: tuple[str, ...], earlier: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return patterns of two parts together; none for all of a directory."""
    if earlier is None or not patterns:
        return patterns
    return tuple(dict.fromkeys((*earlier, *patterns))) if earlier else ()


def selected(paths: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Return those paths that match, or are in a folder that does; without patterns all."""
    if not patterns:
        return list(paths)
    plain = [pattern.rstrip("/") for pattern in patterns]
    names = {_normal(pattern) for pattern in plain if not is_pattern(pattern)}
    wild = [pattern for pattern in plain if is_pattern(pattern)]
    found: list[str] = []
    rest: list[str] = []
    for path in paths:
        (found if names.intersection(_with_folders(_normal(path))) else rest).append(path)
    for pattern in wild:
        below = f"{pattern}/**"
        left: list[str] = []
        for path in rest:
            name = _normal(path)
            (found if match(pattern, name) or match(below, name) else left).append(path)
        rest = left
    return found


def _with_folders(path: str) -> list[str]:
    """Return a path and the folders that it is in."""
    return [path, *(path[:at] for at, letter in enumerate(path) if letter == "/")]


def _normal(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _refused(folder: Path, strange: Sequence[str], old: Checkout, new: Checkout) -> ConflictError:
    what = f"part of {old.uid}" if old.patterns else old.uid
    begin = f"an unfinished checkout of {what}" if old.unfinished else f"a checkout of {what}"
    first = "run the download again that was interrupted, or " if old.unfinished else ""
    return ConflictError(
        f"{folder} is {begin} and has files outside of this part of {new.uid}:"
        f" {first_of(strange)}. Nothing was changed",
        uid=new.uid,
        hint=f"{first}download all of {new.uid}, or these paths with it, or use another folder",
    )


def first_of(paths: Sequence[str]) -> str:
    """Return the first of some paths, and how many more there are."""
    more = f" and {len(paths) - _MOST_NAMED:,} more" if len(paths) > _MOST_NAMED else ""
    return f"{', '.join(paths[:_MOST_NAMED])}{more}"
