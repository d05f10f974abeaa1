"""What a result was made from, and whether its inputs and its code are still the same."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET

from radops.lake.info import call_of, shown_params
from radops.notebook import ShownAsTable
from radops.printable import printable
from radops.provenance.fingerprint import changed_parts, parts_of
from radops.provenance.syntax import canonical

if TYPE_CHECKING:
    from radops.format.call import Call
    from radops.format.digest import Digest
    from radops.format.record import FileRecord
    from radops.lake.session import Session

InputState = Literal["same", "changed", "deleted"]
CodeState = Literal["same", "changed", "unknown"]


@dataclass(frozen=True, slots=True)
class MadeFromInput:
    """One lake file that a result was made from, then and now."""

    arg: str
    """Which argument it was; empty if the function opened it by itself."""
    uid: str
    state: InputState
    """Whether the name still has the same bytes."""
    digest: Digest
    """The bytes that it was made from."""


@dataclass(frozen=True, slots=True)
class MadeFrom(ShownAsTable):
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
    """Whether the function and what it uses, from the file below on, are what ran; comments,
    docstrings and layout don't count."""
    file: str | None = None
    """The file that was looked at for that."""
    changed: tuple[str, ...] = ()
    """Which pieces of code are others now, `clean (helpers.py)`; empty if that is not known."""

    @property
    def is_current(self) -> bool:
        """Whether nothing is known to be different now."""
        return self.code != "changed" and all(one.state == "same" for one in self.inputs)

    def __str__(self) -> str:
        if self.function is None:
            return printable(f"{self.uid} was added from {self.source}")
        values = ", ".join(f"{name}={value}" for name, value in (self.params or {}).items())
        version = f", version {self.version}" if self.version else ""
        lines = [f"{self.uid} was made by {self.function}({values}){version}"]
        words = {"same": "as it was", "changed": "other bytes now", "deleted": "deleted since"}
        lines += [f"  {one.arg or 'read'}: {one.uid}  {words[one.state]}" for one in self.inputs]
        named = f": {' and '.join(self.changed)}" if self.changed else ""
        code = {
            "same": f"as it is in {self.file}",
            "changed": f"another than in {self.file} now{named}",
            "unknown": "its source file is not here",
        }
        return "\n".join(map(printable, [*lines, f"  code: {code[self.code]}"]))


def made_from(session: Session, record: FileRecord) -> MadeFrom:
    """Return what a file was made from, and whether its inputs and its code are still the same."""
    lake = session.lake
    call = call_of(lake, record)
    if call is None:
        source = record.imported.source if record.imported else None
        return MadeFrom(record.uid, None, source)
    inputs = []
    for one in (*call.inputs, *call.reads):
        now = lake.find(one.uid)
        state: InputState = "same"
        if now is None:
            state = "deleted"
        elif not lake.holds_input(now, one):
            state = "changed"
        name = one.uid if one.inner is UNSET else f"{one.uid}/{one.inner}"
        inputs.append(MadeFromInput(one.arg, name, state, one.digest))
    code, file, changed = _code(call)
    return MadeFrom(
        uid=record.uid,
        function=f"{call.code.run_as or call.module}.{call.name}",
        version=call.version,
        params=shown_params(call),
        inputs=tuple(inputs),
        code=code,
        file=file,
        changed=changed,
    )


def _code(call: Call) -> tuple[CodeState, str | None, tuple[str, ...]]:
    """Compare the recorded code with that in the working tree; nothing of it is run."""
    git, source = call.code.git, call.code.source
    if source is None or git is None or git.path is None:
        return "unknown", None, ()
    for folder in (Path.cwd(), *Path.cwd().parents):
        path = folder / git.path
        if not (folder / ".git").exists() or not path.is_file():
            continue
        parts = parts_of(path, call.name) if call.code.parts is not None else None
        if parts is not None:
            changed = tuple(changed_parts(parts, call.code))
            return ("changed" if changed else "same"), git.path, changed
        try:
            then = _body(textwrap.dedent(source), call.name.rpartition(".")[2])
            now = _body(path.read_text(encoding="utf-8"), call.name)
        except (OSError, ValueError, SyntaxError, RecursionError):
            return "unknown", None, ()
        return ("same" if then == now else "changed"), git.path, ()
    return "unknown", None, ()


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
