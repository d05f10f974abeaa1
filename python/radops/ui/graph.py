"""The lineage of a file as the page draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from radops.errors import RemoteUnavailableError
from radops.ui.texts import day, shown, size, value

if TYPE_CHECKING:
    from radops.data_lake import DataLake, Lineage

DEPTH: Final = 12
"""Steps in each direction, unless all are asked for."""
_MOST_PARAMS: Final = 30


def graph(lake: DataLake, uid: str, depth: int | None) -> dict[str, Any]:
    """Return nodes and edges by number, the file itself first.

    Args:
        lake: The lake.
        uid: The file.
        depth: Steps in each direction; None for all.
    """
    try:
        return _plain(lake.lineage(uid, up=True, down=True, depth=depth))
    except RemoteUnavailableError as error:
        # What it was made from is in records that may be here; what was made from it is listed.
        found = lake.lineage(uid, up=True, depth=depth)
        return _plain(found, f"{error.message}: what was made from it is not shown")


def _plain(lineage: Lineage, note: str = "") -> dict[str, Any]:
    numbers = {node.record: number for number, node in enumerate(lineage.nodes)}
    wrong = {one.expected: one.message for one in lineage.problems}
    nodes = [
        {
            "uid": node.uid,
            "name": shown(node.uid),
            "level": node.level,
            "state": node.state,
            "problem": shown(wrong[node.record]) if node.record in wrong else "",
            "digest": str(node.digest) if node.digest else "",
            "size": size(node.size),
            "files": node.files,
            "made": day(node.created_at),
            "source": shown(node.source) if node.source else "",
            "function": shown(node.function) if node.function else "",
            "params": [
                [shown(name), value(one, 300)]
                for name, one in list(node.params.items())[:_MOST_PARAMS]
            ],
        }
        for node in lineage.nodes
    ]
    pairs: dict[tuple[int, int], list[str]] = {}
    for edge in lineage.edges:
        if edge.source in numbers and edge.target in numbers:
            pair = numbers[edge.source], numbers[edge.target]
            pairs.setdefault(pair, []).append(shown(edge.arg))
    edges = [[source, target, ", ".join(args[:5])] for (source, target), args in pairs.items()]
    return {"nodes": nodes, "edges": edges, "cut": lineage.cut, "note": shown(note)}
