"""The lineage that the page is given: what was deleted or tampered with is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.data_lake import File
from radops.ui.graph import graph
from ui.demo import merge

if TYPE_CHECKING:
    from radops.data_lake import DataLake


def test_a_record_that_is_not_what_was_recorded_is_marked(lake: DataLake) -> None:
    for name in ("a", "b"):
        File(name).write_text(name)
    merge([File("a"), File("b")], "ab")
    merge([File("ab")], "c")
    made = graph(lake, "ab", None)
    assert [(node["uid"], node["level"]) for node in made["nodes"]] == [
        ("ab", 0), ("a", -1), ("b", -1), ("c", 1),
    ]  # fmt: skip
    assert sorted(made["edges"]) == [[0, 3, "parts[0]"], [1, 0, "parts[0]"], [2, 0, "parts[1]"]]
    assert not made["cut"]
    assert {node["problem"] for node in made["nodes"]} == {""}
    (record,) = (lake.home / "storage").rglob("refs/a.radops")
    record.chmod(0o644)
    record.write_bytes(b"\xff")
    marked = {node["uid"]: node for node in graph(lake, "ab", None)["nodes"]}
    assert marked["a"]["state"] == "missing"
    assert marked["a"]["problem"]
    assert not marked["b"]["problem"]


def test_depth_cuts_the_graph(lake: DataLake) -> None:
    File("a").write_text("a")
    merge([File("a")], "b")
    merge([File("b")], "c")
    made = graph(lake, "c", 1)
    assert [node["uid"] for node in made["nodes"]] == ["c", "b"]
    assert made["cut"]
