"""Why a call would run or not, and what a result was made from."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radops.errors import LineageMismatchError, RadopsError, UIDConflictError
from radops.format.record import FileRecord, Tombstone
from radops.format.uid import UID
from radops.lake.info import call_of, edges
from radops.pipeline import earlier, results
from radops.pipeline.difference import Difference, compare, keep_name_hint
from radops.pipeline.staleness import changed_code, changes_since
from radops.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.format.call import Call
    from radops.format.digest import Digest
    from radops.lake.session import Session
    from radops.pipeline.call import BoundCall
    from radops.repository.working_lake import WorkingLake

# A person waits for the answer: with more results than this the nearest may be another.
_MOST_RECORDS = 500


@dataclass(frozen=True, slots=True)
class Why:
    """Why a call would be skipped, or would run."""

    function: str
    key: Digest
    hit: bool
    """Whether the call would be skipped."""
    reason: str
    """In a line."""
    outputs: tuple[str, ...] = ()
    """The UIDs of the result, if there is one."""
    nearest: str | None = None
    """If there is none: a result of the same function, or what has the name of the output, that
    differs least."""
    differences: tuple[Difference, ...] = ()
    """In what that differs. For a hit: whether other code made it."""

    def __str__(self) -> str:
        verb = "is skipped" if self.hit else "runs"
        lines = [f"{self.function} {verb}: {self.reason}"]
        if self.nearest is not None:
            lines.append(f"nearest result: {self.nearest}")
        return "\n".join(map(printable, [*lines, *(f"  - {one}" for one in self.differences)]))


def explain(call: BoundCall) -> Why:
    """Return whether a call would run, and if so what is nearest to its result.

    Only records are read, and at most some hundred of them.
    """
    session, function = call.session, call.function
    try:
        made = results.find_result(call) or earlier.find_result(call)
    except (LineageMismatchError, UIDConflictError) as error:
        return _refused(call, error)
    if made is not None:
        outputs = tuple(output.uid for output in made.outputs)
        named = ", ".join(outputs)
        code = tuple(changes_since(function, made))
        reason = f"its result is in the lake: {named}"
        return Why(function.shown, call.key, True, reason, outputs, None, code)
    if session.pending.find(call.key, call.output_uids) is not None:
        reason = "it was finished before, and its result waits to be published"
        return Why(function.shown, call.key, True, reason)
    gone = _deleted(session, call) or _lost(session, call)
    if gone is not None:
        return Why(function.shown, call.key, False, gone)
    found = _nearest(call)
    if found is None:
        reason = "no result of this function was found"
        return Why(function.shown, call.key, False, reason)
    uid, different, made = found
    reason = "no result has this key"
    if (made.module, made.name) != (function.module, function.name):
        reason = "no result of this function was found"
        hint = keep_name_hint(made, call)
        reason += f"; {hint}" if hint else ""
    return Why(function.shown, call.key, False, reason, (), uid, tuple(different))


def _refused(call: BoundCall, error: RadopsError) -> Why:
    """Describe a call that would fail, as the name of its output is taken."""
    lake, function = call.session.lake, call.function
    uid = UID(error.uid or "")
    record = lake.find(uid) if error.uid else None
    made = None if record is None else call_of(lake, record)
    if record is None or (made is not None and made.key == call.key):
        # Nothing of that name, or made by this very call, but not with these outputs.
        return Why(function.shown, call.key, False, f"it would fail: {error.message}")
    different = compare(made, call)
    reason = f"it would fail: {uid} exists already, made in another way"
    return Why(function.shown, call.key, False, reason, (), str(uid), tuple(different))


def _deleted(session: Session, call: BoundCall) -> str | None:
    """Say which output of this very call was deleted, if one was."""
    for uid in call.output_uids or session.call_hint(call.key):
        for _, content in session.lake.local.slots.walk(uid):
            if isinstance(content, Tombstone) and not content.aborted:
                made = content.inner().call
                if made is not None and made.key == call.key:
                    return f"its result {uid} was deleted"
    return None


def _lost(session: Session, call: BoundCall) -> str | None:
    """Say which output of this very call has its bytes nowhere any more, if one has."""
    lake = session.lake
    for uid in call.output_uids or session.call_hint(call.key) if lake.is_local_only else ():
        record = lake.find(uid)
        if record is not None and not lake.store.is_here(record.digest, record.size):
            return f"the bytes of its result {uid} were lost"
    return None


def _nearest(call: BoundCall) -> tuple[str, list[Difference], Call] | None:
    best: tuple[tuple[int, str], str, list[Difference], Call] | None = None
    function = call.function
    who = (function.module, function.name)
    for record, made in itertools.islice(_candidates(call, who), _MOST_RECORDS):
        different = compare(made, call)
        if function.keyed_by_code and function.has_changed(made):
            what = changed_code(function.shown, function.fingerprint, made)
            text = f"its code was another ({what.rstrip(',')}), and the code is part of the key"
            different = [one for one in different if one.kind != "code"]
            different.append(Difference("code", "", text))
        # The fewest differences; of several such results the latest.
        rank = (-len(different), record.created_at)
        if best is None or rank > best[0]:
            best = rank, record.uid, different, made
    return None if best is None else best[1:]


def _candidates(call: BoundCall, who: tuple[str, str]) -> Iterator[tuple[FileRecord, Call]]:
    """Yield results of the same function: those of the same inputs, else what is known here.

    If there are none: results of a function of that name in another module, which may be the same
    function before it was moved.
    """
    lake = call.session.lake
    slots = lake.local.slots
    listed = (UID(one.uid) for one in slots.list() if one.is_slot)
    moved: list[tuple[FileRecord, Call]] = []
    for uids in (_downstream(lake, call), itertools.islice(listed, _MOST_RECORDS)):
        found = False
        for uid in uids:
            pair = _made(lake, uid)
            if pair is None or pair[1].name != who[1]:
                continue
            if pair[1].module == who[0]:
                found = True
                yield pair
            elif not found:
                moved.append(pair)
        if found:
            return
    yield from moved


def _downstream(lake: WorkingLake, call: BoundCall) -> Iterator[UID]:
    names = dict.fromkeys(one.uid for one in call.inputs)
    sides = [side for side in (lake.local, lake.remote) if side is not None]
    listed = (uid for name in names for side in sides for uid in edges(side, name))
    yield from itertools.islice(dict.fromkeys(listed), _MOST_RECORDS)


def _made(lake: WorkingLake, uid: UID) -> tuple[FileRecord, Call] | None:
    record = lake.find(uid)
    made = None if record is None else call_of(lake, record)
    return None if record is None or made is None else (record, made)
