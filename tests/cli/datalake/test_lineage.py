"""`radops datalake lineage`."""

from __future__ import annotations

TREE = """\
made/second.txt  <- __main__.process(rate=2.0)
└── made/first.txt  <- __main__.process(rate=0.5)
    └── raw.txt  <- raw.txt
"""


def test_lineage_draws_a_tree(made):
    result = made.ok("datalake", "lineage", "made/second.txt")
    assert (result.out, result.err) == (TREE, "")
    down = made.ok("datalake", "lineage", "raw.txt", "--down").lines
    assert [line.split("  <-")[0] for line in down] == [
        "raw.txt",
        "└── made/first.txt",
        "    └── made/second.txt",
    ]
    near = made.ok("datalake", "lineage", "made/second.txt", "--depth", "1").lines
    assert len(near) == 3
    assert near[2].startswith("…")


def test_lineage_for_programs(made):
    graph = made.ok("datalake", "lineage", "made/first.txt", "--up", "--down", "--json").json
    assert [(node["uid"], node["level"]) for node in graph["nodes"]] == [
        ("made/first.txt", 0),
        ("raw.txt", -1),
        ("made/second.txt", 1),
    ]
    assert (
        graph
        == made.ok(
            "datalake", "lineage", "made/first.txt", "--up", "--down", "--format", "json"
        ).json
    )
    mermaid = made.ok("datalake", "lineage", "made/first.txt", "--format", "mermaid").lines
    assert mermaid[0] == "flowchart LR"
    dot = made.ok("datalake", "lineage", "made/first.txt", "--format", "dot").lines
    assert dot[0] == "digraph lineage {"
    assert made("datalake", "lineage", "made/first.txt", "--format", "png").code == 2
    assert made("datalake", "lineage", "nowhere").code == 3


def test_lineage_is_verified(made):
    result = made.ok("datalake", "lineage", "made/second.txt", "--verify")
    assert "2 records upstream" in result.err
    (path,) = made.home.glob("storage/lakes/*/refs/raw.txt.radops")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"user@", b"evil@"))
    result = made("datalake", "lineage", "made/second.txt", "--verify")
    assert result.code == 1
    assert "raw.txt, from which made/first.txt was made" in result.err
    assert "[changed]" in result.out
    assert made("datalake", "lineage", "made/second.txt", "--verify", "--json").json["problems"]
