"""In words: how a recorded call differs from one that is about to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    for arg in sorted({*made.params, *call.params}):
        old, new = made.params.get(arg), call.params.get(arg)
        if arg not in made.params:
            found.append(f"it had no argument {arg}")
        elif arg not in call.params:
            found.append(f"it had an argument {arg}={render(old)}")
        elif old != new or type(old) is not type(new):
            found.append(f"{arg} was {render(old)}, not {render(new)}")
    before = {one.arg: one for one in made.inputs}
    for one in call.inputs:
        other = before.get(one.arg)
        if other is not None and other.uid == one.uid and other.digest != one.digest:
            found.append(f"its input {one.uid} held other bytes ({other.digest.hex[:12]}…)")
    if not found:
        found.append("the code of the function was another")
    if len(found) > _MOST:
        found[_MOST:] = [f"and {len(found) - _MOST} more"]
    return found
