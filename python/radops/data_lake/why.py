"""Why a call would run or not, and what a result was made from."""

from __future__ import annotations

import ast
import itertools
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from radops.data_lake import results
from radops.data_lake.code.syntax import canonical
from radops.data_lake.describing import call_of, edges, shown_params
from radops.data_lake.difference import Difference, compare
from radops.errors import LineageMismatchError, RadopsError, UIDConflictError
from radops.model.record import FileRecord, Tombstone
from radops.model.uid import UID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.data_lake.call import BoundCall
    from radops.data_lake.session import Session
    from radops.model.call import Call
    from radops.model.digest import Digest
    from radops.repository.mirror import Mirror

# An answer for a person, who waits: with more results than this the nearest may be another.
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
        return "\n".join([*lines, *(f"  - {one}" for one in self.differences)])


@dataclass(frozen=True, slots=True)
class Function:
    """Who would be called."""

    shown: str
    module: str
    name: str
    version: str | None
    fingerprint: Digest
    keyed: bool
    """Whether the fingerprint is part of the key."""


def explain(call: BoundCall, function: Function) -> Why:
    """Say whether a call would run, and if so what is nearest to its result.

    Only records are read, and at most some hundred of them.
    """
    session = call.lake.session
    try:
        made = results.find_result(call, function.module, function.name, function.version)
    except (LineageMismatchError, UIDConflictError) as error:
        return _refused(call, function, error)
    if made is not None:
        outputs = tuple(output.uid for output in made.outputs)
        named = ", ".join(outputs)
        changed = made.code.fingerprint not in (None, function.fingerprint)
        code = (Difference("code", "", "its code has changed since"),) if changed else ()
        reason = f"its result is in the lake: {named}"
        return Why(function.shown, call.key, True, reason, outputs, None, code)
    if session.pending.find(call.key, call.output_uids) is not None:
        reason = "it was finished before, and its result waits to be published"
        return Why(function.shown, call.key, True, reason)
    gone = _deleted(session, call) or _lost(session, call)
    if gone is not None:
        return Why(function.shown, call.key, False, gone)
    found = _nearest(call, function)
    if found is None:
        reason = "no result of this function was found"
        return Why(function.shown, call.key, False, reason)
    uid, different = found
    reason = "no result has this key"
    return Why(function.shown, call.key, False, reason, (), uid, tuple(different))


def _refused(call: BoundCall, function: Function, error: RadopsError) -> Why:
    """Describe a call that would fail, as the name of its output is taken."""
    mirror = call.lake.session.mirror
    uid = UID(error.uid or "")
    record = mirror.find(uid) if error.uid else None
    made = None if record is None else call_of(mirror, record)
    if record is None or (made is not None and made.key == call.key):
        # Nothing of that name, or made by this very call, but not with these outputs.
        return Why(function.shown, call.key, False, f"it would fail: {error.message}")
    different = compare(made, call, function.module, function.name, function.version)
    reason = f"it would fail: {uid} stands already, made in another way"
    return Why(function.shown, call.key, False, reason, (), str(uid), tuple(different))


def _deleted(session: Session, call: BoundCall) -> str | None:
    """Say which output of this very call was deleted, if one was."""
    for uid in call.output_uids or session.call_hint(call.key):
        for _, content in session.mirror.here.slots.walk(uid):
            if isinstance(content, Tombstone) and not content.aborted:
                made = content.inner().call
                if made is not None and made.key == call.key:
                    return f"its result {uid} was deleted"
    return None


def _lost(session: Session, call: BoundCall) -> str | None:
    """Say which output of this very call has its bytes nowhere any more, if one has."""
    mirror = session.mirror
    for uid in call.output_uids or session.call_hint(call.key) if mirror.alone else ():
        record = mirror.find(uid)
        if record is not None and not mirror.store.is_here(record.digest, record.size):
            return f"the bytes of its result {uid} were lost"
    return None


def _nearest(call: BoundCall, function: Function) -> tuple[str, list[Difference]] | None:
    best: tuple[tuple[int, str], str, list[Difference]] | None = None
    who = (function.module, function.name)
    for record, made in itertools.islice(_candidates(call, who), _MOST_RECORDS):
        different = compare(made, call, *who, function.version)
        if made.code.fingerprint not in (None, function.fingerprint) and function.keyed:
            text = "its code was another, and the code is part of the key"
            different = [one for one in different if one.kind != "code"]
            different.append(Difference("code", "", text))
        # The fewest differences; of several such results the latest.
        rank = (-len(different), record.created_at)
        if best is None or rank > best[0]:
            best = rank, record.uid, different
    return None if best is None else best[1:]


def _candidates(call: BoundCall, who: tuple[str, str]) -> Iterator[tuple[FileRecord, Call]]:
    """Yield results of the same function: those of the same inputs, else what is known here."""
    mirror = call.lake.session.mirror
    found = False
    for uid in _downstream(mirror, call):
        if (pair := _made_by(mirror, uid, who)) is not None:
            found = True
            yield pair
    if found:
        return
    slots = mirror.here.slots
    listed = (UID(one.uid) for one in slots.list() if one.size >= 0 and not one.gone)
    for uid in itertools.islice(listed, _MOST_RECORDS):
        if (pair := _made_by(mirror, uid, who)) is not None:
            yield pair


def _downstream(mirror: Mirror, call: BoundCall) -> Iterator[UID]:
    names = dict.fromkeys(one.uid for one in call.inputs)
    sides = [side for side in (mirror.here, mirror.remote) if side is not None]
    listed = (uid for name in names for side in sides for uid in edges(side, name))
    yield from itertools.islice(dict.fromkeys(listed), _MOST_RECORDS)


def _made_by(mirror: Mirror, uid: UID, who: tuple[str, str]) -> tuple[FileRecord, Call] | None:
    record = mirror.find(uid)
    made = None if record is None else call_of(mirror, record)
    if record is None or made is None or (made.module, made.name) != who:
        return None
    return record, made


# -- what a result was made from -----------------------------------------------------------------

InputState = Literal["same", "changed", "deleted"]
CodeState = Literal["same", "changed", "unknown"]


@dataclass(frozen=True, slots=True)
class MadeFromInput:
    """One lake file that a result was made from, then and now."""

    arg: str
    """Which argument it was; empty if the function opened it by itself."""
    uid: str
    state: InputState
    """Whether the name still stands for the same bytes."""
    digest: Digest
    """The bytes that it was made from."""


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """What a result was made from, and whether that is still the same."""

    uid: str
    function: str | None
    """None if the file was added."""
    source: str | None = None
    """Where an added file came from."""
    version: str | None = None
    params: dict[str, Any] | None = None
    inputs: tuple[MadeFromInput, ...] = ()
    code: CodeState = "unknown"
    """Whether the function's own source, in the file below, is what ran; comments, docstrings and
    layout don't count, and helpers that it calls are not looked at."""
    file: str | None = None
    """The file that was looked at for that."""

    @property
    def is_current(self) -> bool:
        """Whether nothing is known to be different now."""
        return self.code != "changed" and all(one.state == "same" for one in self.inputs)

    def __str__(self) -> str:
        if self.function is None:
            return f"{self.uid} was added from {self.source}"
        values = ", ".join(f"{name}={value}" for name, value in (self.params or {}).items())
        version = f", version {self.version}" if self.version else ""
        lines = [f"{self.uid} was made by {self.function}({values}){version}"]
        words = {"same": "as it was", "changed": "other bytes now", "deleted": "deleted since"}
        lines += [f"  {one.arg or 'read'}: {one.uid}  {words[one.state]}" for one in self.inputs]
        code = {
            "same": f"as it is in {self.file}",
            "changed": f"another than in {self.file} now",
            "unknown": "its source file is not here",
        }
        return "\n".join([*lines, f"  code: {code[self.code]}"])


def made_from(session: Session, record: FileRecord) -> MadeFrom:
    """Say what a file was made from, and whether its inputs and its code are still the same."""
    mirror = session.mirror
    call = call_of(mirror, record)
    if call is None:
        source = record.imported.source if record.imported else None
        return MadeFrom(record.uid, None, source)
    inputs = []
    for one in (*call.inputs, *call.reads):
        stands = mirror.find(one.uid)
        state: InputState = "same"
        if stands is None:
            state = "deleted"
        elif stands.digest != one.digest:
            state = "changed"
        inputs.append(MadeFromInput(one.arg, one.uid, state, one.digest))
    code, file = _code(call)
    return MadeFrom(
        uid=record.uid,
        function=f"{call.code.run_as or call.module}.{call.name}",
        version=call.version,
        params=shown_params(call),
        inputs=tuple(inputs),
        code=code,
        file=file,
    )


def _code(call: Call) -> tuple[CodeState, str | None]:
    """Compare the recorded source with that in the working tree; nothing of it is run."""
    git, source = call.code.git, call.code.source
    if source is None or git is None or git.path is None:
        return "unknown", None
    for folder in (Path.cwd(), *Path.cwd().parents):
        path = folder / git.path
        if not (folder / ".git").exists() or not path.is_file():
            continue
        try:
            then = _body(textwrap.dedent(source), call.name.rpartition(".")[2])
            now = _body(path.read_text(encoding="utf-8"), call.name)
        except (OSError, ValueError, SyntaxError, RecursionError):
            return "unknown", None
        return ("same" if then == now else "changed"), git.path
    return "unknown", None


def _body(text: str, name: str) -> bytes | None:
    """Return a function's syntax without what does not count; None if it is not there."""
    scope: ast.AST = ast.parse(text)
    for part in name.replace(".<locals>", "").split("."):
        kinds = (ast.FunctionDef, ast.ClassDef)
        inside = ast.iter_child_nodes(scope)
        found = [node for node in inside if isinstance(node, kinds) and node.name == part]
        if not found:
            return None
        scope = found[-1]
    return canonical(scope)
