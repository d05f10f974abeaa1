"""The graph of what was made from what: `DataLake.lineage`.

Upwards it is a Merkle graph: a record names its inputs with the digests of their records, so each
input is found by the digest of its record, in its slot or in a tombstone. Downwards it follows
edges; an edge counts only if the record of the output names the file as an input.

Nothing here is recursive, so the depth of a graph is not limited by Python's stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from radops.arguments import check_number
from radops.errors import CorruptDataError, NewerFormatError
from radops.format.digest import Digest
from radops.format.record import FileRecord, FolderRecord, Tombstone
from radops.lake import lineage_render
from radops.lake.info import call_of, downstream, shown_params
from radops.lake.lineage_graph import (
    LineageEdge,
    LineageGraph,
    LineageNode,
    LineageProblem,
    NodeState,
)
from radops.repository.workers import gather

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.format.call import Call, CallInput
    from radops.repository.refs.repository import Repository
    from radops.repository.working_lake import WorkingLake


@dataclass(slots=True)
class Lineage(LineageGraph):
    """A file and what it was made from, or what was made from it. Shown in notebooks."""

    def __str__(self) -> str:
        return "\n".join(lineage_render.tree(self))

    def _repr_html_(self) -> str:
        return lineage_render.html_tree(self)

    def to_mermaid(self) -> str:
        """Return a flowchart for Markdown, without the fence around it."""
        return lineage_render.mermaid(self)

    def to_dot(self) -> str:
        """Return a graph for Graphviz."""
        return lineage_render.dot(self)

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
    lake: WorkingLake,
    root: FileRecord,
    *,
    up: bool,
    down: bool,
    depth: int | None,
    refresh: bool,
) -> Lineage:
    """Walk the graph from a file; see `DataLake.lineage`.

    Args:
        lake: The lake.
        root: The record of the file.
        up: Whether to show what it was made from.
        down: Whether to show what was made from it.
        depth: Steps to go; None for all.
        refresh: Whether every record is read from the remote, even if it is cached here.
    """
    check_number(depth, "depth", least=0, whole=True)
    lineage = Lineage(root.uid)
    call = call_of(lake, root)
    lineage.nodes.append(_node(root, call, root.record_digest, 0, "stands"))
    if up:
        _walk_up(lake, lineage, call, depth, refresh=refresh)
    if down:
        _walk_down(lake, lineage, root, depth)
    return lineage


def _walk_up(
    lake: WorkingLake, lineage: Lineage, call: Call | None, depth: int | None, *, refresh: bool
) -> None:
    workers = 1 if lake.remote is None else lake.remote.workers
    seen = {lineage.nodes[0].record}
    ahead = _steps(call, lineage.nodes[0])
    level = 0

    def look(step: _Step) -> tuple[_Found, Call | None]:
        return _with_call(lake, _look(lake, step.one, refresh=refresh))

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


def _with_call(lake: WorkingLake, found: _Found) -> tuple[_Found, Call | None]:
    if found.record is None:
        return found, None
    try:
        return found, call_of(lake, found.record)
    except (CorruptDataError, NewerFormatError) as error:
        return found._replace(why=found.why or error.message), None


def _look(lake: WorkingLake, one: CallInput, *, refresh: bool) -> _Found:
    """Find the record that an input names by its digest, in the slots of its UID.

    Cached records are used, as neither records nor tombstones change. To verify, the records of
    the remote are used, and cached ones only for names that the remote does not have.
    """
    here = None if refresh and lake.remote is not None else _look_at(lake.local, one)
    if lake.remote is None or (here is not None and not here.why):
        return here or _NOWHERE
    there = _look_at(lake.remote, one)
    if there is None and refresh:
        there = _look_at(lake.local, one)
    return there or here or _NOWHERE


def _look_at(side: Repository, one: CallInput) -> _Found | None:
    """Look in one place; None if there is nothing of that name."""
    found = None
    try:
        for _, content in side.slots.walk(one.uid):
            if isinstance(content, Tombstone):
                found = _Found(None, "missing", "only other records of that name were deleted")
                if Digest.of(content.record) == one.record:
                    return _Found(content.inner(), "deleted")
            elif isinstance(content, FolderRecord):
                return _Found(None, "missing", "there is a folder of that name")
            elif isinstance(content, FileRecord):
                digest = content.record_digest
                if digest == one.record:
                    return _Found(content, "stands")
                why = f"the name has another record now ({digest.hex[:12]}…)"
                return _Found(content, "changed", why)
    except (CorruptDataError, NewerFormatError) as error:
        return _Found(None, "missing", error.message)
    return found


def _walk_down(lake: WorkingLake, lineage: Lineage, root: FileRecord, depth: int | None) -> None:
    seen = {root.record_digest}
    ahead = [root]
    level = 0
    while ahead:
        level += 1
        behind, ahead = ahead, []
        for record in behind:
            for made in downstream(lake, record.uid):
                call = call_of(lake, made)
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
    return [
        one.arg
        for one in given
        if one.uid == record.uid
        and (
            one.digest == record.digest
            if one.inner is UNSET
            else one.record == record.record_digest
        )
    ]


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
        size=record.content_size,
        files=None if record.files is UNSET else record.files,
        created_at=record.created_at,
        source=record.imported.source if record.imported else None,
        function=function,
        params=params,
    )
