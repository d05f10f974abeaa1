"""The graph of a file's lineage as plain data; `lineage` finds it, `lineage_render` draws it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from radops.format.digest import Digest

NodeState = Literal["stands", "deleted", "changed", "missing"]


@dataclass(frozen=True, slots=True)
class LineageNode:
    """One file of the graph, as it was when something was made from it."""

    uid: str
    record: Digest
    """The digest of its record, as named by what was made from it: it identifies the node."""
    level: int
    """Steps from the file that was asked for: negative for what it was made from."""
    state: NodeState
    """`stands`: as it was; `deleted`: shown from its tombstone; `changed`: the name has another
    record now; `missing`: no record was found."""
    digest: Digest | None = None
    size: int | None = None
    """Bytes; of a directory, of all its files."""
    files: int | None = None
    """How many files a directory has; None for a file."""
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
    """A record that is not the one that something was made from."""

    uid: str
    """The file whose record is wrong."""
    output: str
    """The file that was made from it, whose record says otherwise."""
    expected: Digest
    """The digest of the record as it must be."""
    message: str


@dataclass(slots=True)
class LineageGraph:
    """A file and what it was made from, or what was made from it. Shown in notebooks."""

    uid: str
    nodes: list[LineageNode] = field(default_factory=list)
    """The file itself first; then by distance."""
    edges: list[LineageEdge] = field(default_factory=list)
    problems: list[LineageProblem] = field(default_factory=list)
    """What does not match, from the file on upwards. Nothing above such a file is proven."""
    cut: bool = False
    """Whether there is more beyond the depth that was asked for."""
