"""Results that a function made under an earlier name, before it was moved or its project changed.

A name follows the file: a git remote, a `pyproject.toml`, a move or a new `def` give a function
another one. On a miss under the present name its results are looked for under the names it may
have had, and used only if the very same code made them of the very same arguments.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from radops.format.key import call_key
from radops.format.uid import UID, is_reserved
from radops.lake.info import call_of, edges
from radops.pipeline import results
from radops.pipeline.call import key_inputs
from radops.pipeline.difference import is_same_but_for_name
from radops.provenance.identity import earlier_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.format.call import Call
    from radops.format.digest import Digest
    from radops.pipeline.call import BoundCall

# Each look costs a listing or two. A function with so many misses in a row has no results under
# earlier names, or other arguments than it had then.
_MOST_MISSES: Final = 20
_MOST_NEIGHBOURS: Final = 50


def find_result(call: BoundCall) -> Call | None:
    """Return the call that made the result of this one under an earlier name.

    Only for calls whose outputs have no names of their own.
    """
    function = call.function
    if call.output_uids is not None or function.misses >= _MOST_MISSES:
        return None
    if function.fingerprint.unfollowed:
        return None
    for made in (*_by_key(call), *_by_inputs(call)):
        if is_same_but_for_name(made, call) and results.is_complete(call.session, made):
            function.misses = 0
            call.session.note_call(call.key, made.outputs[0].uid)
            return made
    function.misses += 1
    return None


def _by_key(call: BoundCall) -> Iterator[Call]:
    """Yield results under the names that the function may have had where it is."""
    function = call.function
    for hint in call.session.call_hint(call.key):  # found before
        yield from _made(call, hint)
    names = {
        (function.module, not function.keyed_by_code),
        *earlier_names(function.function),
    }
    names -= {(function.module, function.keyed_by_code)}
    for module, keyed in sorted(names):
        made = results.find_by_key(call.session, _key(call, module, keyed=keyed))
        if made is not None:
            yield made


def _by_inputs(call: BoundCall) -> Iterator[Call]:
    """Yield results that this machine knows of, made from the same file by whatever name."""
    if call.inputs:
        listed = edges(call.session.lake.local, call.inputs[0].uid)
        for uid in itertools.islice(listed, _MOST_NEIGHBOURS):
            if is_reserved(uid):
                yield from _made(call, uid)


def _made(call: BoundCall, uid: UID) -> Iterator[Call]:
    lake = call.session.lake
    record = lake.find(uid)
    made = None if record is None else call_of(lake, record)
    if made is not None:
        yield made


def _key(call: BoundCall, module: str, *, keyed: bool) -> Digest:
    function = call.function
    return call_key(
        module=module,
        name=function.function.__qualname__,
        version=function.version,
        fingerprint=function.fingerprint.digest if keyed else None,
        params=call.params,
        inputs=key_inputs(call.inputs),
    )
