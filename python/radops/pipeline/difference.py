"""How a recorded call differs from one that is about to be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from msgspec import UNSET

from radops.errors import RadopsError
from radops.format.cbor import encode
from radops.format.render import render
from radops.format.uid import parse_uid
from radops.lake.directory.diff import compare as compare_directories
from radops.lake.directory.opened import open_directory
from radops.pipeline.call import key_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.format.call import Call, CallInput
    from radops.pipeline.call import BoundCall

_MOST = 5

DifferenceKind = Literal["origin", "function", "version", "argument", "input", "code"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a recorded call differs from another."""

    kind: DifferenceKind
    name: str
    """Which argument or input it is; empty for the other kinds."""
    text: str
    """In a few words: `rate was 0.5, not 0.7`."""

    def __str__(self) -> str:
        return self.text


def compare(made: Call | None, call: BoundCall) -> list[Difference]:
    """Return what is different; at least one.

    Args:
        made: The recorded call; None if the file was added by hand.
        call: The call that is about to be made.
    """
    if made is None:
        return [Difference("origin", "", "it was added, not made by a function")]
    return list(_all(made, call)) or [
        Difference("code", "", "the code of the function was another")
    ]


def differences(made: Call | None, call: BoundCall) -> list[str]:
    """Return what is different, each in a few words, for a message: not too many of them."""
    found = [str(one) for one in compare(made, call)]
    if len(found) > _MOST:
        found[_MOST:] = [f"and {len(found) - _MOST} more"]
    return found


def _all(made: Call, call: BoundCall) -> Iterator[Difference]:
    module, name, version = call.function.module, call.function.name, call.function.version
    if (made.module, made.name) != (module, name):
        text = f"it was made by {made.module}.{made.name}, not {module}.{name}"
        yield Difference("function", "", text)
    if made.version != version:
        yield Difference("version", "", f"its version was {made.version!r}, not {version!r}")
    for arg in sorted({*made.params, *call.params}):
        if text := _argument(made, call, arg):
            yield Difference("argument", arg, text)
    before = {one.arg: one for one in made.inputs}
    for one in call.inputs:
        other = before.get(one.arg)
        same = other is not None and key_inputs([other])[0][1] == key_inputs([one])[0][1]
        if other is not None and same and other.digest != one.digest:
            text = f"its input {shown_input(one)} held other bytes ({other.digest.hex[:12]}…)"
            yield Difference("input", one.uid, text)


def _argument(made: Call, call: BoundCall, arg: str) -> str:
    old, new = made.params.get(arg), call.params.get(arg)
    if arg not in made.params:
        return f"it had no argument {arg}"
    if arg not in call.params:
        return f"it had an argument {arg}={render(old)}"
    if encode(old) != encode(new):
        return f"{arg} was {render(old)}, not {render(new)}{_inside(call, old, new)}"
    return ""


def shown_input(one: CallInput) -> str:
    """Return the name of an input: of a file in a directory with the path there."""
    return one.uid if one.inner is UNSET else f"{one.uid}/{one.inner}"


def _inside(call: BoundCall, old: object, new: object) -> str:
    """Return what differs between two directories, in a few words; empty if that is not known."""
    match old, new:
        case ["directory", str(before)], ["directory", str(after)]:
            pass
        case _:
            return ""
    lake = call.session.lake
    try:
        records = [lake.find(parse_uid(uid)) for uid in (before, after)]
        if any(record is None or record.type != "directory" for record in records):
            return ""
        first, second = (open_directory(lake, one) for one in records if one is not None)
        found = compare_directories(first, second)
    except RadopsError:
        return ""
    paths = [
        *(f"+ {one.path}" for one in found.added),
        *(f"- {one.path}" for one in found.removed),
        *(f"* {one.path}" for one in found.changed),
        *(f"> {one.after}" for one in found.moved),
    ]
    shown = ", ".join(paths[:_MOST]) + (
        f" and {len(paths) - _MOST:,} more" if len(paths) > _MOST else ""
    )
    return f": {shown}" if paths else ", with the same files"


def keep_name_hint(made: Call | None, call: BoundCall) -> str | None:
    """Return what to do if a function was moved or renamed since it made a result."""
    mine = (call.function.module, call.function.name)
    if made is None or (made.module, made.name) == mine or "." in made.name:
        return None
    return f'if it was moved or renamed: @file_creator(name="{made.module}.{made.name}")'


def is_same_but_for_name(made: Call, call: BoundCall) -> bool:
    """Return whether a recorded call is this one in all but the function's name."""
    function = call.function
    if (made.version, made.params.keys()) != (function.version, call.params.keys()):
        return False
    if encode(made.params) != encode(call.params):
        return False
    if key_inputs(made.inputs) != key_inputs(call.inputs):
        return False
    # What the fingerprint does not cover could differ between two functions.
    return not function.fingerprint.unfollowed and function.has_code_of(made)
