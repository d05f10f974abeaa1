"""In words: how a recorded call differs from one that is about to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.model.cbor import encode
from radops.model.render import render

if TYPE_CHECKING:
    from radops.data_lake.call import BoundCall
    from radops.model.call import Call

_MOST = 5


def differences(
    made: Call | None, call: BoundCall, module: str, name: str, version: str | None
) -> list[str]:
    """Return what is different, each in a few words; at least one.

    Args:
        made: The recorded call; None if the file was added by hand.
        call: The call that is about to be made.
        module: The module of its function.
        name: Its function.
        version: The version given to its decorator.
    """
    if made is None:
        return ["it was added, not made by a function"]
    found: list[str] = []
    if (made.module, made.name) != (module, name):
        found.append(f"it was made by {made.module}.{made.name}, not {module}.{name}")
    if made.version != version:
        found.append(f"its version was {made.version!r}, not {version!r}")
    found += [_argument(made, call, arg) for arg in sorted({*made.params, *call.params})]
    before = {one.arg: one for one in made.inputs}
    for one in call.inputs:
        other = before.get(one.arg)
        if other is not None and other.uid == one.uid and other.digest != one.digest:
            found.append(f"its input {one.uid} held other bytes ({other.digest.hex[:12]}…)")
    found = [words for words in found if words]
    if not found:
        found.append("the code of the function was another")
    if len(found) > _MOST:
        found[_MOST:] = [f"and {len(found) - _MOST} more"]
    return found


def _argument(made: Call, call: BoundCall, arg: str) -> str:
    old, new = made.params.get(arg), call.params.get(arg)
    if arg not in made.params:
        return f"it had no argument {arg}"
    if arg not in call.params:
        return f"it had an argument {arg}={render(old)}"
    if encode(old) != encode(new):
        return f"{arg} was {render(old)}, not {render(new)}"
    return ""
