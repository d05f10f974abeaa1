"""The graph of what was made from what."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from lake.graphs import diamond, join, look
from radops.data_lake import File
from radops.errors import UIDNotFoundError, UsageError
from radops.format import cbor
from radops.format.digest import Digest
from radops.format.edge import Edge
from radops.format.uid import UID
from radops.repository.layout import edge_key
from radops.repository.refs.bury import bury
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake import DataLake


def test_up_down_and_both(lake: DataLake) -> None:
    diamond()
    up = lake.lineage("c")
    assert [(node.uid, node.level) for node in up.nodes] == [
        ("c", 0),
        ("a", -1),
        ("ab", -1),
        ("b", -2),
    ]
    by_record = {node.record: node.uid for node in up.nodes}
    arrows = {(by_record[e.source], by_record[e.target], e.arg) for e in up.edges}
    assert arrows == {
        ("a", "c", "files[0]"),
        ("ab", "c", "files[1]"),
        ("a", "ab", "files[0]"),
        ("b", "ab", "files[1]"),
    }
    assert up.nodes[0].function == "team.join" or up.nodes[0].function.endswith(".join")
    assert up.nodes[0].params == {"rate": 2.0}
    assert up.problems == []
    down = File("b").lineage(up=False, down=True)
    assert [(node.uid, node.level) for node in down.nodes] == [("b", 0), ("ab", 1), ("c", 2)]
    both = lake.lineage("ab", down=True)
    assert sorted((node.uid, node.level) for node in both.nodes) == [
        ("a", -1),
        ("ab", 0),
        ("b", -1),
        ("c", 1),
    ]
    assert pickle.loads(pickle.dumps(both)) == both


def test_depth(lake: DataLake) -> None:
    diamond()
    assert [node.uid for node in lake.lineage("c", depth=0).nodes] == ["c"]
    near = lake.lineage("c", depth=1)
    assert {node.uid for node in near.nodes} == {"a", "ab", "c"}
    assert near.cut
    assert "beyond" in str(near)
    assert not lake.lineage("c", depth=2).cut
    assert lake.lineage("a", up=False, down=True, depth=1).cut
    with pytest.raises(UsageError):
        lake.lineage("c", depth=-1)
    with pytest.raises(UIDNotFoundError):
        lake.lineage("nowhere")


def test_what_was_read_without_being_given_belongs_to_it(lake: DataLake) -> None:
    File("b").write_text("b")
    look("seen")
    (edge,) = lake.lineage("seen").edges
    assert edge.arg == ""
    assert [node.uid for node in lake.lineage("b", up=False, down=True).nodes] == ["b", "seen"]


def test_deleted_inputs_are_shown_from_their_tombstones(lake: DataLake) -> None:
    diamond()
    record = lake.info("ab").record
    lake.delete("a", cascade=True)
    File("a").write_text("other")
    join([File("a"), File("b")], "ab")
    assert lake.info("ab").record != record
    join([File("ab")], "d")
    assert [node.state for node in lake.lineage("d").nodes] == ["stands"] * 4
    # An input that goes away while something is made from it.
    lake.delete("d")
    lake.delete("ab")
    with pytest.raises(UIDNotFoundError):
        lake.lineage("d")


def test_an_input_that_was_deleted_behind_our_back(lake: DataLake) -> None:
    diamond()
    working = lake.session.lake

    state = working.state(UID("ab"))
    assert isinstance(state, Taken)
    bury(working.local, UID("ab"), 0, state.record.raw)
    File("ab").write_text("something else")
    graph = lake.lineage("c")
    assert {node.uid: node.state for node in graph.nodes} == {
        "c": "stands",
        "a": "stands",
        "ab": "deleted",
        "b": "stands",
    }
    assert graph.problems == []
    assert "[deleted]" in str(graph)
    assert "stroke-dasharray" in graph.to_mermaid()
    # What has the name now is another file: nothing was made from it.
    assert [node.uid for node in lake.lineage("ab", up=False, down=True).nodes] == ["ab"]


def forge(path: Path, **changes: object) -> None:
    tree = cbor.decode(path.read_bytes())
    assert isinstance(tree, dict)
    tree.update(changes)
    path.chmod(0o644)
    path.write_bytes(cbor.encode(tree))


@pytest.mark.parametrize("where", ["here", "there"])
def test_tampering_shows_where(
    make_lake: Callable[..., DataLake], shared: str, tmp_path: Path, where: str
) -> None:
    lake = make_lake(remote=shared if where == "there" else None)
    with lake.use():
        diamond()
        assert lake.lineage("c", verify=True).problems == []
        root = tmp_path / "shared" if where == "there" else lake.home / "storage"
        (path,) = root.rglob("refs/ab.radops")
        before = Digest.of(path.read_bytes())
        forge(path, originator="mallory@example.com")
        (problem,) = lake.lineage("c", verify=True).problems
        assert (problem.uid, problem.output, problem.expected) == ("ab", "c", before)
        assert "another record" in problem.message
        # What is above is still shown, from what exists.
        assert [node.state for node in lake.lineage("c", verify=True).nodes][1:] == [
            "stands",
            "changed",
            "stands",
        ]
        path.write_bytes(b"\xff")
        (problem,) = lake.lineage("c", verify=True).problems
        assert problem.uid == "ab"
        path.unlink()
        problems = lake.lineage("c", verify=True).problems
        # On this machine there is a copy yet.
        assert [one.uid for one in problems] == ([] if where == "there" else ["ab"])


def test_ten_thousand_deep(lake: DataLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Naively this is a recursion, and a tree of half a gigabyte of spaces."""

    File("0").write_text("0")
    join([File("0")], "1")
    working = lake.session.lake
    root = working.state(UID("0"))
    made = working.state(UID("1"))
    assert isinstance(root, Taken)
    assert isinstance(made, Taken)
    tree = cbor.decode(made.record.raw)
    assert isinstance(tree, dict)
    before, items = made.record.raw, []
    edges = []

    for number in range(2, 10_001):
        uid, source = f"{number}", f"{number - 1}"
        call = tree["origin"]["call"]
        call["inputs"][0].update(uid=source, digest=tree["digest"], record=Digest.of(before).raw)
        call["params"]["files"][1][0][1] = source
        call["outputs"][0]["uid"] = uid
        tree["uid"] = tree["name"] = uid
        tree["commit"]["primary"] = f"refs/{uid}.radops"
        before = cbor.encode(tree)
        items.append((UID(uid), 0, before))
        key = working.local.prefix + edge_key(UID(source), UID(uid))
        edges.append((key, Edge(UID(uid), Digest.of(before)).encode()))
    fleeting = working.local.backend.without_durability()
    monkeypatch.setattr(working.local.slots, "backend", fleeting)
    working.local.slots.create(items)
    fleeting.put(edges)
    up = lake.lineage("10000")
    assert len(up.nodes) == 10_001
    assert up.problems == []
    assert up.nodes[-1].level == -10_000
    text = str(up)
    assert len(text) < 5_000_000
    assert text.splitlines()[-1].startswith("(10000) 0 ")
    assert up.to_mermaid().count("-->") == 10_000
    assert len(up._repr_html_()) < 200_000
    down = lake.lineage("0", up=False, down=True)
    assert len(down.nodes) == 10_001
    assert len(lake.lineage("0", up=False, down=True, depth=10).nodes) == 11


def test_downstream_reads_no_other_records(lake: DataLake, monkeypatch: pytest.MonkeyPatch) -> None:
    diamond()
    for number in range(30):
        File(f"unrelated/{number}").write_text(str(number))
    slots = lake.session.lake.local.slots
    read: list[str] = []
    plain = type(slots).read
    monkeypatch.setattr(
        type(slots),
        "read",
        lambda self, uid, number: (read.append(uid), plain(self, uid, number))[1],
    )
    lake.lineage("b", up=False, down=True)
    assert set(read) == {"b", "ab", "c"}
