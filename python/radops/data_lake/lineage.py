"""The graph of what was made from what: `DataLake.lineage`.

Upwards it is a Merkle graph: a record names its inputs with the digests of their records, so each
of those is looked for by its digest, in what stands or in the tombstones below. Downwards edges
say where to look, and only what then names the file as its input counts.

Nothing here recurses: a chain of ten thousand steps is walked like one of two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from radops.data_lake import drawing
from radops.data_lake.describing import call_of, downstream, shown_params
from radops.errors import CorruptDataError, NewerFormatError, UsageError
from radops.model.digest import Digest
from radops.model.record import FileRecord, FolderRecord, Tombstone
from radops.repository.transfer import gather

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.model.call import Call, CallInput
    from radops.repository.mirror import Mirror
    from radops.repository.repository import Repository

NodeState = Literal["stands", "deleted", "changed", "missing"]


@dataclass(frozen=True, slots=True)
class LineageNode:
    """One file of the graph, as it was when something was made from it."""

    uid: str
    record: Digest
    """The digest of its record, as what was made from it says: what tells nodes apart."""
    level: int
    """Steps from the file that was asked for: negative for what it was made from."""
    state: NodeState
    """`stands`; `deleted`: shown from its tombstone; `changed`: another record stands there now;
    `missing`: there is no record to be found."""
    digest: Digest | None = None
    size: int | None = None
    created_at: str | None = None
    source: str | None = None
    """Where an added file came from; None if a call made it."""
    function: str | None = None
    """The function that made it, `module.name`; None if it was added."""
    params: dict[str, Any] = field(default_factory=dict)
    """The parameters of that call other than files."""


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """One file was made from another."""

    source: Digest
    """`LineageNode.record` of the input."""
    target: Digest
    """`LineageNode.record` of the output."""
    arg: str
    """Which argument it was: `f`, `files[3]`; empty if the function opened it by itself."""


@dataclass(frozen=True, slots=True)
class LineageProblem:
    """A place where the graph does not hold."""

    uid: str
    """The file whose record is wrong."""
    output: str
    """The file that was made from it, whose record says otherwise."""
    expected: Digest
    """The digest of the record as it must be."""
    message: str


@dataclass(slots=True)
class Lineage:
    """A file and what it was made from, or what was made from it. Shown in notebooks."""

    uid: str
    nodes: list[LineageNode] = field(default_factory=list)
    """The file itself first; then by distance."""
    edges: list[LineageEdge] = field(default_factory=list)
    problems: list[LineageProblem] = field(default_factory=list)
    """What does not match, from the file on upwards. Nothing above such a place is proven."""
    cut: bool = False
    """Whether there is more beyond the depth that was asked for."""

    def __str__(self) -> str:
        return "\n".join(drawing.tree(self))

    def _repr_html_(self) -> str:
        return drawing.html_tree(self)

    def to_mermaid(self) -> str:
        """Return a flowchart for Markdown, without the fence around it."""
        return drawing.mermaid(self)

    def to_dot(self) -> str:
        """Return a graph for Graphviz."""
        return drawing.dot(self)

    def to_json(self) -> dict[str, Any]:
        """Return plain maps, lists and text; digests in hexadecimal."""
        return {
            "uid": self.uid,
            "cut": self.cut,
            "nodes": [_plain(node) for node in self.nodes],
            "edges": [_plain(edge) for edge in self.edges],
            "problems": [_plain(problem) for problem in self.problems],
        }


def _plain(thing: object) -> dict[str, Any]:
    names: Iterable[str] = thing.__slots__  # type: ignore[attr-defined]
    values = {name: getattr(thing, name) for name in names}
    return {
        name: value.hex if isinstance(value, Digest) else value for name, value in values.items()
    }


class _Found(NamedTuple):
    """What was found of a record that is known by its digest."""

    record: FileRecord | None
    state: NodeState
    why: str = ""


_NOWHERE = _Found(None, "missing", "there is no record of it")


class _Step(NamedTuple):
    """A record that is to be looked for, as it is an input of something."""

    one: CallInput
    output: LineageNode


def trace(
    mirror: Mirror,
    root: FileRecord,
    *,
    up: bool,
    down: bool,
    depth: int | None,
    anew: bool,
) -> Lineage:
    """Walk the graph from a file; see `DataLake.lineage`.

    Args:
        mirror: The lake.
        root: The record of the file.
        up: Whether to show what it was made from.
        down: Whether to show what was made from it.
        depth: Steps to go; None for all.
        anew: Whether the remote is asked for every record, whatever is known here.
    """
    if depth is not None and depth < 0:
        raise UsageError(f"a depth of {depth} is none")
    lineage = Lineage(root.uid)
    call = call_of(mirror, root)
    lineage.nodes.append(_node(root, call, root.record_digest, 0, "stands"))
    if up:
        _walk_up(mirror, lineage, call, depth, anew=anew)
    if down:
        _walk_down(mirror, lineage, root, depth)
    return lineage


def _walk_up(
    mirror: Mirror, lineage: Lineage, call: Call | None, depth: int | None, *, anew: bool
) -> None:
    workers = 1 if mirror.remote is None else mirror.remote.workers
    seen = {lineage.nodes[0].record}
    ahead = _steps(call, lineage.nodes[0])
    level = 0

    def look(step: _Step) -> tuple[_Found, Call | None]:
        return _with_call(mirror, _look(mirror, step.one, anew=anew))

    while ahead:
        if depth is not None and -level >= depth:
            lineage.cut = True
            return
        level -= 1
        lineage.edges += [LineageEdge(s.one.record, s.output.record, s.one.arg) for s in ahead]
        fresh = {step.one.record: step for step in ahead if step.one.record not in seen}
        seen |= fresh.keys()
        steps = list(fresh.values())

        ahead = []
        answers = gather(look, steps, workers)
        for step, (found, above) in zip(steps, answers, strict=True):
            one = step.one
            if found.record is None:
                node = LineageNode(one.uid, one.record, level, found.state, one.digest)
            else:
                node = _node(found.record, above, one.record, level, found.state)
            lineage.nodes.append(node)
            if found.why:
                output = step.output.uid
                problem = LineageProblem(one.uid, output, one.record, found.why)
                lineage.problems.append(problem)
            ahead += _steps(above, node)


def _steps(call: Call | None, node: LineageNode) -> list[_Step]:
    return [] if call is None else [_Step(one, node) for one in (*call.inputs, *call.reads)]


def _with_call(mirror: Mirror, found: _Found) -> tuple[_Found, Call | None]:
    if found.record is None:
        return found, None
    try:
        return found, call_of(mirror, found.record)
    except (CorruptDataError, NewerFormatError) as error:
        return found._replace(why=found.why or error.message), None


def _look(mirror: Mirror, one: CallInput, *, anew: bool) -> _Found:
    """Find the record that an input names by its digest, in the slots of its UID.

    What is known here serves, as neither records nor tombstones change. To verify, what stands in
    the remote counts, and only what it never heard of is looked for here.
    """
    here = None if anew and mirror.remote is not None else _look_at(mirror.here, one)
    if mirror.remote is None or (here is not None and not here.why):
        return here or _NOWHERE
    there = _look_at(mirror.remote, one)
    if there is None and anew:
        there = _look_at(mirror.here, one)
    return there or here or _NOWHERE


def _look_at(side: Repository, one: CallInput) -> _Found | None:
    """Look in one place; None if there is nothing of that name."""
    found = None
    try:
        for _, content in side.slots.walk(one.uid):
            if isinstance(content, Tombstone):
                found = _Found(None, "missing", "the records that were deleted are others")
                if Digest.of(content.record) == one.record:
                    return _Found(content.inner(), "deleted")
            elif isinstance(content, FolderRecord):
                return _Found(None, "missing", "a folder stands under that name")
            elif isinstance(content, FileRecord):
                digest = content.record_digest
                if digest == one.record:
                    return _Found(content, "stands")
                why = f"another record stands there ({digest.hex[:12]}…)"
                return _Found(content, "changed", why)
    except (CorruptDataError, NewerFormatError) as error:
        return _Found(None, "missing", error.message)
    return found


def _walk_down(mirror: Mirror, lineage: Lineage, root: FileRecord, depth: int | None) -> None:
    seen = {root.record_digest}
    ahead = [root]
    level = 0
    while ahead:
        level += 1
        behind, ahead = ahead, []
        for record in behind:
            for made in downstream(mirror, record.uid):
                call = call_of(mirror, made)
                args = [] if call is None else _args(call, record)
                if not args:
                    continue  # made from what had the name before
                if depth is not None and level > depth:
                    lineage.cut = True
                    return
                digest = made.record_digest
                lineage.edges += [LineageEdge(record.record_digest, digest, arg) for arg in args]
                if digest not in seen:
                    seen.add(digest)
                    lineage.nodes.append(_node(made, call, digest, level, "stands"))
                    ahead.append(made)


def _args(call: Call, record: FileRecord) -> list[str]:
    """Return as which arguments a call was given these very bytes under this name."""
    given = (*call.inputs, *call.reads)
    return [one.arg for one in given if (one.uid, one.digest) == (record.uid, record.digest)]


def _node(
    record: FileRecord, call: Call | None, digest: Digest, level: int, state: NodeState
) -> LineageNode:
    params: dict[str, Any] = {}
    function = None
    if call is not None:
        function = f"{call.code.run_as or call.module}.{call.name}"
        params = shown_params(call)
    return LineageNode(
        uid=record.uid,
        record=digest,
        level=level,
        state=state,
        digest=record.digest,
        size=record.size,
        created_at=record.created_at,
        source=record.imported.source if record.imported else None,
        function=function,
        params=params,
    )
