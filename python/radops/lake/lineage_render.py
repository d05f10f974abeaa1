"""Lineage as text: a tree for terminals, Mermaid for Markdown, DOT for Graphviz, HTML."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from radops.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.format.digest import Digest
    from radops.lake.lineage_graph import LineageGraph, LineageNode

# Deeper levels of a tree are numbered instead of indented: indenting ten thousand levels would
# take hundreds of megabytes of spaces.
_DEEPEST = 24
_MOST_PARAMS = 60
_MOST_HTML_LINES = 500


def tree(lineage: LineageGraph) -> Iterator[str]:
    """Yield the lines of a tree: the file, below it what it was made from, or made into.

    A file that occurs again is named again, but what it was made from is drawn once.
    """
    nodes = {node.record: node for node in lineage.nodes}
    if not lineage.nodes:
        return
    root = lineage.nodes[0]
    directions: list[tuple[str, dict[Digest, list[Digest]]]] = []
    above = _neighbours(lineage, nodes, upwards=True)
    below = _neighbours(lineage, nodes, upwards=False)
    if above or not below:
        directions.append(("", above))
    if below:
        directions.append(("made from it:" if above else "", below))
    yield describe(root)
    for title, neighbours in directions:
        if title:
            yield title
        yield from _branches(root.record, nodes, neighbours)
    if lineage.cut:
        yield "… and more beyond this depth"


def _neighbours(
    lineage: LineageGraph, nodes: dict[Digest, LineageNode], *, upwards: bool
) -> dict[Digest, list[Digest]]:
    found: dict[Digest, list[Digest]] = {}
    for edge in lineage.edges:
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        if source is None or target is None:
            continue
        here, there = (edge.target, edge.source) if upwards else (edge.source, edge.target)
        is_up = target.level <= 0 and source.level < 0
        if is_up == upwards and there not in found.setdefault(here, []):
            found[here].append(there)
    return {here: there for here, there in found.items() if there}


def _branches(
    root: Digest, nodes: dict[Digest, LineageNode], neighbours: dict[Digest, list[Digest]]
) -> Iterator[str]:
    drawn = {root}
    # Record, the lines left of it, whether it is the last of its siblings, its depth.
    stack = [
        (record, "", index == 0, 1)
        for index, record in enumerate(reversed(neighbours.get(root, ())))
    ]
    while stack:
        record, left, last, depth = stack.pop()
        again = record in drawn and record in neighbours
        branch = f"{left}{'└── ' if last else '├── '}"
        if depth > _DEEPEST:
            branch = f"{left}({depth}) "
        yield f"{branch}{describe(nodes[record])}{' (see above)' if again else ''}"
        if record in drawn:
            continue
        drawn.add(record)
        inner = "" if depth >= _DEEPEST else f"{left}{'    ' if last else '│   '}"
        stack += [
            (other, inner, index == 0, depth + 1)
            for index, other in enumerate(reversed(neighbours.get(record, ())))
        ]


def describe(node: LineageNode) -> str:
    """Return a file in one line: its name, what made it, and what is wrong with it."""
    parts = [_named(node)]
    if node.function:
        parts.append(f"<- {node.function}({_params(node)})")
    elif node.source:
        parts.append(f"<- {node.source}")
    if node.state != "stands":
        parts.append(f"[{node.state}]")
    return printable("  ".join(parts))


def _named(node: LineageNode) -> str:
    """Return a file's name, and of a directory how many files it has."""
    if node.files is None:
        return node.uid
    return f"{node.uid} ({node.files:,} file{'' if node.files == 1 else 's'})"


def _params(node: LineageNode) -> str:
    text = ", ".join(f"{name}={value}" for name, value in node.params.items())
    return text if len(text) <= _MOST_PARAMS else f"{text[: _MOST_PARAMS - 1]}…"


def mermaid(lineage: LineageGraph) -> str:
    """Return a flowchart from left to right: files are boxes, functions are on the arrows."""
    numbers = {node.record: f"n{index}" for index, node in enumerate(lineage.nodes)}
    boxes = [f'    {numbers[node.record]}["{_mermaid(_named(node))}"]' for node in lineage.nodes]
    lines = ["flowchart LR", *boxes]
    for source, target, function in _arrows(lineage):
        label = f'|"{_mermaid(function)}"|' if function else ""
        lines.append(f"    {numbers[source]} -->{label} {numbers[target]}")
    gone = [numbers[node.record] for node in lineage.nodes if node.state == "deleted"]
    wrong = [numbers[n.record] for n in lineage.nodes if n.state in ("changed", "missing")]
    if gone:
        lines += ["    classDef deleted stroke-dasharray: 4", f"    class {','.join(gone)} deleted"]
    if wrong:
        lines += ["    classDef wrong stroke:#d00", f"    class {','.join(wrong)} wrong"]
    return "\n".join(lines)


def _mermaid(text: str) -> str:
    return "".join(
        character if character.isalnum() or character in " /._-(),=" else f"#{ord(character)};"
        for character in text
    )


def dot(lineage: LineageGraph) -> str:
    """Return a directed graph."""
    numbers = {node.record: f"n{index}" for index, node in enumerate(lineage.nodes)}
    lines = ["digraph lineage {", "    rankdir=LR;", "    node [shape=box];"]
    for node in lineage.nodes:
        style = {"deleted": ", style=dashed", "changed": ", color=red", "missing": ", color=red"}
        extra = style.get(node.state, "")
        lines.append(f"    {numbers[node.record]} [label={_quoted(node.uid)}{extra}];")
    for source, target, function in _arrows(lineage):
        label = f" [label={_quoted(function)}]" if function else ""
        lines.append(f"    {numbers[source]} -> {numbers[target]}{label};")
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _arrows(lineage: LineageGraph) -> Iterator[tuple[Digest, Digest, str]]:
    """Yield each pair of files once, with the function between them."""
    nodes = {node.record: node for node in lineage.nodes}
    for source, target in dict.fromkeys((edge.source, edge.target) for edge in lineage.edges):
        if source in nodes and target in nodes:
            function = nodes[target].function or ""
            yield source, target, function.rpartition(".")[2]


# -- notebooks -----------------------------------------------------------------------------------


def html_tree(lineage: LineageGraph) -> str:
    """Return the tree for a notebook; the beginning of a large one."""
    lines: list[str] = []
    for line in tree(lineage):
        if len(lines) == _MOST_HTML_LINES:
            lines.append("…")
            break
        lines.append(line)
    problems = [f"{one.uid}: {one.message}" for one in lineage.problems]
    return _pre(lines) + (f"<b>{len(problems)} problem(s)</b>{_pre(problems)}" if problems else "")


def _pre(lines: Iterable[str]) -> str:
    return f'<pre style="line-height: 1.3">{html.escape(chr(10).join(lines))}</pre>'
