"""Fail if modules of radops import each other in a circle.

import-linter compares packages; this compares single modules. Imports inside functions count,
because they only hide a circle. Imports for type checkers count too: a type that two modules need
belongs in a module below both.

Usage: python tools/check_circles.py [FOLDER]     (default: the project's `python` folder)
"""

from __future__ import annotations

import ast
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES = Path(__file__).resolve().parent.parent / "python"


def modules(sources: Path) -> dict[str, Path]:
    """Return the path of each module below a folder, by its dotted name."""
    found = {}
    for path in sorted(sources.rglob("*.py")):
        parts = path.relative_to(sources).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: Mapping[str, Path]) -> set[str]:
    """Return the known modules that a module imports, anywhere in its file.

    Args:
        name: The module's dotted name, which relative imports start from.
        path: Its file.
        known: The modules that count.

    """
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            full = {f"{base}.{alias.name}" for alias in node.names}
            found |= full & known.keys()
            if full - known.keys():
                found.add(base)
    return (found & known.keys()) - {name}


def circles(sources: Path) -> list[list[str]]:
    """Return the circles among the modules below a folder, the shortest first.

    For each import that is part of a circle, the shortest circle through it is in the list, so
    no circle is left when the list is empty.

    Returns:
        Per circle its modules, each importing the next and the last importing the first. A circle
        starts with its alphabetically first module.

    """
    known = modules(sources)
    graph = {name: imports(name, path, known) for name, path in known.items()}
    found = set()
    for name, targets in graph.items():
        for target in targets:
            back = _shortest_path(graph, target, name)
            if back:
                first = back.index(min(back))
                found.add((*back[first:], *back[:first]))
    return sorted(map(list, found), key=lambda circle: (len(circle), circle))


def _shortest_path(graph: Mapping[str, set[str]], start: str, end: str) -> list[str]:
    """Return the modules from start to end, both included; empty if no imports lead there."""
    came_from = {start: start}
    queue = deque([start])
    while queue and end not in came_from:
        name = queue.popleft()
        for target in sorted(graph[name]):
            if target not in came_from:
                came_from[target] = name
                queue.append(target)
    if end not in came_from:
        return []
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]


def main(arguments: list[str]) -> int:
    """Print all circles and return the exit code."""
    found = circles(Path(arguments[0]) if arguments else SOURCES)
    for circle in found:
        print("circle: " + "\n     -> ".join([*circle, circle[0]]))
    print(f"circles: {len(found) or 'none'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
