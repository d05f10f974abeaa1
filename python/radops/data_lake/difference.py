"""How a recorded call differs from one that is about to be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from radops.model.cbor import encode
from radops.model.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.data_lake.call import BoundCall
    from radops.model.call import Call

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


def compare(
    made: Call | None, call: BoundCall, module: str, name: str, version: str | None
) -> list[Difference]:
    """Return what is different; at least one.

    Args:
        made: The recorded call; None if the file was added by hand.
        call: The call that is about to be made.
        module: The module of its function.
        name: Its function.
        version: The version given to its decorator.
    """
    if made is None:
        return [Difference("origin", "", "it was added, not made by a function")]
    return list(_all(made, call, module, name, version)) or [
        Difference("code", "", "the code of the function was another")
    ]


def differences(
    made: Call | None, call: BoundCall, module: str, name: str, version: str | None
) -> list[str]:
    """Return what is different, each in a few words, for a message: not too many of them."""
    found = [str(one) for one in compare(made, call, module, name, version)]
    if len(found) > _MOST:
        found[_MOST:] = [f"and {len(found) - _MOST} more"]
    return found


def _all(
    made: Call, call: BoundCall, module: str, name: str, version: str | None
) -> Iterator[Difference]:
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
        if other is not None and other.uid == one.uid and other.digest != one.digest:
            text = f"its input {one.uid} held other bytes ({other.digest.hex[:12]}…)"
            yield Difference("input", one.uid, text)


def _argument(made: Call, call: BoundCall, arg: str) -> str:
    old, new = made.params.get(arg), call.params.get(arg)
    if arg not in made.params:
        return f"it had no argument {arg}"
    if arg not in call.params:
        return f"it had an argument {arg}={render(old)}"
    if encode(old) != encode(new):
        return f"{arg} was {render(old)}, not {render(new)}"
    return ""
