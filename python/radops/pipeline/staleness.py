"""How a result's code differs from the code that is there now, in words."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from radops.errors import LineageMismatchError
from radops.lake import messages
from radops.pipeline.difference import Difference
from radops.provenance import noticed
from radops.provenance.fingerprint import changed_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.format.call import Call
    from radops.pipeline.call import BoundCall
    from radops.pipeline.function import Function
    from radops.provenance.fingerprint import Fingerprint

_LOG = logging.getLogger("radops")
_MOST_NAMED = 3


def warn_of_changes(call: BoundCall, made: Call) -> None:
    """Warn, once per function, if what made a result is not what is there now.

    Raises:
        LineageMismatchError: Its code has changed, and the configuration makes that an error.
    """
    function = call.function
    if "reads" not in function.told and (different := _surroundings(function, made)):
        function.told.add("reads")
        messages.surroundings_changed(function.shown, made.outputs[0].uid, different)
    what = function.options.on_code_change or call.session.settings.on_code_change
    if what == "ignore" or function.options.track_code or not function.has_changed(made):
        return
    message = code_changed(function.shown, function.fingerprint, made)
    hint = 'give the decorator a version="2", or track_code=True, to compute it again'
    if what == "error":
        raise LineageMismatchError(message, uid=made.outputs[0].uid, hint=hint)
    if "code" not in function.told:
        function.told.add("code")
        _LOG.warning("%s; %s", message, hint)


def changes_since(function: Function, made: Call) -> Iterator[Difference]:
    """Yield what is different now though the result is used: what the run warns of."""
    if function.has_changed(made):
        what = changed_code(function.shown, function.fingerprint, made)
        verb = "have" if " and " in what else "has"
        yield Difference("code", "", f"{what} {verb} changed since")
    for name in _surroundings(function, made):
        yield Difference("code", name, f"{name}, which it reads, has changed since")


def _surroundings(function: Function, made: Call) -> list[str]:
    """Return the files and variables that the function read, and that are others now."""
    if made.noticed is None:
        return []
    values = noticed.values(function.fingerprint.variables)
    return list(noticed.changed(made.noticed, values, salt=made.key, root=function.root))


def changed_code(shown: str, now: Fingerprint, made: Call) -> str:
    """Return which code is another than it was: the function, or what it uses.

    Args:
        shown: The name of the function.
        now: Of the function.
        made: A recorded call of it.
    """
    names = changed_parts(dict(now.parts), made.code)
    own = now.parts[0][0] if now.parts else ""
    helpers = [name for name in names if name != own]
    if len(helpers) > _MOST_NAMED:
        helpers[_MOST_NAMED:] = [f"{len(helpers) - _MOST_NAMED} more"]
    if own in names or (made.code.parts is None and not names):
        return " and ".join([shown, *helpers])
    return f"{' and '.join(helpers) or 'code'}, which {shown} uses,"


def code_changed(shown: str, now: Fingerprint, made: Call) -> str:
    """Return that code has changed since a result was made, and which code."""
    git = made.code.git
    commit = f" (commit {git.commit[:12]})" if git and git.commit else ""
    what = changed_code(shown, now, made)
    verb = "have" if " and " in what else "has"
    return f"{what} {verb} changed since it made {made.outputs[0].uid}{commit}"
